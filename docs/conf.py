"""Configuration of Sphinx: ``python -m sphinx -W docs build/site`` builds the site.

``-t quick`` leaves out what takes long: the code of the pages and the examples named below is shown, and not run.
"""

import os
import sys
from importlib.metadata import metadata
from pathlib import Path

DOCS = Path(__file__).parent
sys.path.insert(0, str(DOCS))

from api_reference import write_reference  # noqa: E402  # a neighbour, which Sphinx does not have on its path

SLOW_PAGES = ["classification", "deploy", "ecosystem", "growing", "known", "networks", "speech", "translation"]
# Those that take long, or read files of packages that the extra docs does not have.
SLOW_EXAMPLES = [
    *("airline", "attention", "catalogues", "characters", "false_positives", "growing", "movements", "moving_digits"),
    *("numerals", "real_series", "recall", "sentiment", "serving", "speakers", "spoken_digits"),
]

SECTIONS = ["forecasting", "sequences", "text", "anomalies", "inside", "deployment"]

quick = tags.has("quick")  # noqa: F821  # Sphinx defines it

# Of kernels and examples alike, which run in processes of their own.
os.environ.setdefault("KERAS_BACKEND", "jax")
os.environ.setdefault("JAX_COMPILATION_CACHE_DIR", str(DOCS.parent / "build" / "jax"))
os.environ.setdefault("JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS", "0")

project = "sklstm"
author = "The sklstm developers"
project_copyright = "2026, the sklstm developers"
version = release = metadata("sklstm")["Version"]

extensions = [
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "numpydoc",
    "myst_nb",
    "sphinx_copybutton",
    "sphinx_design",
    "sphinx_gallery.gen_gallery",
]
templates_path = ["_templates"]
exclude_patterns = ["examples", "benchmarks", "auto_examples/**/*.ipynb", "auto_examples/*.ipynb"]
default_role = "literal"

# Pages
myst_enable_extensions = ["colon_fence", "dollarmath"]
myst_heading_anchors = 3
nb_execution_mode = "cache"
nb_execution_cache_path = str(DOCS.parent / "build" / "notebooks")
nb_execution_excludepatterns = [f"guide/{page}.md" for page in SLOW_PAGES] if quick else []
nb_execution_timeout = 900
nb_execution_in_temp = True
nb_execution_raise_on_error = True
nb_merge_streams = True
nb_output_stderr = "remove"
suppress_warnings = ["mystnb.unknown_mime_type"]

# Reference
autosummary_generate = True
autodoc_typehints = "none"
numpydoc_show_class_members = False

# Gallery
sphinx_gallery_conf = {
    "examples_dirs": "examples",
    "gallery_dirs": "auto_examples",
    "subsection_order": [f"examples/{section}" for section in SECTIONS],
    "filename_pattern": rf"/(?!({'|'.join(SLOW_EXAMPLES)})\.py)\w+\.py$" if quick else r"\.py$",
    "backreferences_dir": "api/backreferences",
    "doc_module": ("sklstm",),
    "min_reported_time": 5,
    "remove_config_comments": True,
    "write_computation_times": False,
}

# Look
html_theme = "pydata_sphinx_theme"
html_context = {"default_mode": "auto"}
html_logo = html_favicon = "_static/logo.svg"
html_title = "sklstm"
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_show_sourcelink = False
html_copy_source = False
html_theme_options = {
    "logo": {"text": "sklstm"},
    "show_prev_next": True,
    "navigation_with_keys": False,
    "header_links_before_dropdown": 4,
    "secondary_sidebar_items": ["page-toc"],
    "show_toc_level": 2,
    "footer_start": ["copyright"],
    "footer_end": ["theme-version"],
}
html_sidebars = {"getting_started": [], "accuracy": [], "benchmarks": [], "changelog": [], "contributing": []}
copybutton_prompt_text = r">>> |\.\.\. |\$ "
copybutton_prompt_is_regexp = True


def setup(app):
    """Write the pages of the reference before Sphinx looks for pages."""
    app.connect("config-inited", lambda app, config: write_reference(DOCS / "api"), priority=0)
