"""The site: that its reference is complete, and that what links to it finds it."""

import re
import runpy
import tomllib
from pathlib import Path

import pytest
from sklearn.utils import estimator_html_repr

import sklstm
import sklstm.datasets
import sklstm.metrics
import sklstm.plotting
from sklstm import LSTMForecaster
from sklstm._state import DOCUMENTATION

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
README = (ROOT / "README.md").read_text(encoding="utf-8")
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
REFERENCE = runpy.run_path(str(DOCS / "api_reference.py"))["REFERENCE"]
LISTED = [name for _, names in REFERENCE.values() for name in names]


def test_the_reference_lists_each_public_object_once():
    modules = [sklstm, sklstm.datasets, sklstm.metrics, sklstm.plotting]
    public = [f"{module.__name__}.{name}" for module in modules for name in module.__all__]
    assert sorted(LISTED) == sorted(public)


def source(page):
    """Return the file from which a page or picture of the site is made."""
    name = page.removeprefix("api/generated/").removesuffix(".html")
    if name in LISTED or page == "api/index.html":
        return DOCS / "api_reference.py"
    if page == "auto_examples/index.html":
        return DOCS / "examples" / "GALLERY_HEADER.rst"
    return DOCS / page.replace("_images/", "images/").replace(".html", ".md")


@pytest.mark.parametrize("link", sorted(set(re.findall(r"\]\(([^)]+)\)", README))))
def test_links_of_the_readme_are_absolute_and_lead_somewhere(link):
    assert link.startswith((DOCUMENTATION, PROJECT["urls"]["Source"]))
    if link.startswith(DOCUMENTATION):
        page, _, anchor = link.removeprefix(DOCUMENTATION).partition("#")
        assert source(page).exists()
        assert not anchor or anchor.capitalize() in REFERENCE


def test_one_address_for_the_documentation():
    assert PROJECT["urls"]["Documentation"] == DOCUMENTATION
    assert PROJECT["urls"]["Changelog"] == f"{DOCUMENTATION}changelog.html"


def test_the_citation_is_of_this_version():
    citation = (ROOT / "CITATION.cff").read_text(encoding="utf-8")
    assert f"version: {sklstm.__version__}\n" in citation
    assert PROJECT["urls"]["Source"] in citation


def test_html_representation_links_to_the_reference():
    page = f"{DOCUMENTATION}api/generated/sklstm.LSTMForecaster.html"
    assert f'href="{page}"' in estimator_html_repr(LSTMForecaster())
