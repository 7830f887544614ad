"""The docstrings as an API reference: their sections, checked by numpydoc, and their reStructuredText."""

import inspect
import re
from operator import attrgetter

import pytest
from docutils.frontend import get_default_settings
from docutils.parsers.rst import Parser
from docutils.utils import Reporter, new_document
from numpydoc.docscrape import get_doc_object
from numpydoc.validate import Validator, validate

import sklstm
import sklstm.datasets
import sklstm.metrics
import sklstm.plotting

MODULES = [sklstm, sklstm.datasets, sklstm.metrics, sklstm.plotting]
NAMES = [f"{module.__name__}.{name}" for module in MODULES for name in module.__all__]

# Checks of numpydoc that are left out, as in scikit-learn and pandas.
LEFT_OUT = {
    "ES01": "a summary line is enough where Parameters and Returns say the rest",
    "RT02": "a returned value has a name, as in scikit-learn",
}
LEFT_OUT_OF_METHODS = {
    "EX01": "the example of the class calls its methods",
    "SA01": "the class has the cross-references",
}


def methods_of(name):
    """Return the public methods and properties of a class that are defined in this package."""
    public = look_up(name)
    if not inspect.isclass(public):
        return []
    found = []
    for member in dir(public):
        owner = next((cls for cls in public.__mro__ if member in vars(cls)), None)
        if member.startswith("_") or owner is None or not owner.__module__.startswith("sklstm"):
            continue
        if re.fullmatch(r"set_\w+_request", member):  # written by scikit-learn
            continue
        attribute = inspect.getattr_static(public, member)
        if callable(getattr(public, member, None)) or hasattr(attribute, "__get__"):
            found.append(f"{name}.{member}")
    return found


def look_up(name):
    module, _, attribute = name.rpartition(".")
    return getattr(next(found for found in MODULES if found.__name__ == module), attribute)


STATELESS = {"sklstm.LogMelSpectrogram"}  # its fit only checks parameters
METHODS = [method for name in NAMES for method in methods_of(name)]


def errors_of(name, left_out):
    return [f"{code}: {message}" for code, message in validate(name)["errors"] if code not in left_out]


@pytest.mark.parametrize("name", NAMES)
def test_classes_and_functions_are_valid(name):
    assert not errors_of(name, LEFT_OUT)


@pytest.mark.parametrize("name", METHODS)
def test_methods_and_properties_are_valid(name):
    assert not errors_of(name, LEFT_OUT | LEFT_OUT_OF_METHODS)


@pytest.mark.parametrize("name", NAMES)
def test_classes_and_functions_have_all_sections(name):
    public = look_up(name)
    sections = set(re.findall(r"^([A-Z][\w ]+)\n-+$", inspect.cleandoc(public.__doc__), re.M))
    assert {"See Also", "Examples"} <= sections
    assert not inspect.signature(public).parameters or "Parameters" in sections
    if not inspect.isclass(public):
        assert {"Returns", "Yields"} & sections
    elif (hasattr(public, "fit") and name not in STATELESS) or name.endswith("Display"):
        assert "Attributes" in sections


@pytest.mark.parametrize("name", [*NAMES, *METHODS])
def test_docstrings_are_valid_restructured_text(name):
    document = get_doc_object(Validator._load_obj(name))
    texts = ["\n".join(document[section]) for section in ("Summary", "Extended Summary", "Notes")]
    for section in ("Parameters", "Returns", "Yields", "Attributes", "Raises"):
        texts += ["\n".join(entry.desc) for entry in document[section]]
    for text in texts:
        without_citations = re.sub(r"\[\d+\]_", "citation", text)  # their targets are in References
        without_links = re.sub(r":\w+:(?=`)", "", without_citations)  # roles of Sphinx
        assert not messages_of(without_links), text


def messages_of(text):
    """Return what docutils reports about a text."""
    settings = get_default_settings(Parser)
    settings.report_level = Reporter.SEVERE_LEVEL  # no print; all messages are in the document
    reported = []
    document = new_document("docstring", settings)
    document.reporter.attach_observer(lambda message: reported.append(message.astext()))
    Parser().parse(text, document)
    return [message for message in reported if "(INFO" not in message]


REFERS = r"as in `|like `X`|What `|What :func:|as in :meth:|Ignored"  # to where the shape is


@pytest.mark.parametrize("name", [*NAMES, *METHODS])
def test_arrays_are_documented_with_their_shapes(name):
    sections = get_doc_object(attrgetter(name.removeprefix("sklstm."))(sklstm))
    entries = [entry for section in ("Parameters", "Returns", "Attributes") for entry in sections[section]]
    arrays = {entry.name: f"{entry.type} {' '.join(entry.desc)}" for entry in entries if is_array(entry.type)}
    assert [name for name, text in arrays.items() if "shape" not in text and not re.search(REFERS, text)] == []


def is_array(described):
    return re.search(r"array|DataFrame", described) and "Axes" not in described
