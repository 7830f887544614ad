"""The docstrings of all public objects, as pages of the reference."""

import inspect
import re
from operator import attrgetter

import pytest
from numpydoc.docscrape_sphinx import get_doc_object
from numpydoc.validate import validate

import sklstm
import sklstm.datasets
import sklstm.metrics
import sklstm.plotting

MODULES = [sklstm, sklstm.datasets, sklstm.metrics, sklstm.plotting]
OBJECTS = {f"{module.__name__}.{name}": getattr(module, name) for module in MODULES for name in module.__all__}


def own_methods(public):
    """Return the names of the public methods and properties of a class that this package defines."""
    for name, member in inspect.getmembers(public):
        function = member.fget if isinstance(member, property) else member
        if not name.startswith("_") and getattr(function, "__module__", "").startswith("sklstm"):
            yield name


METHODS = [
    f"{name}.{method}" for name, public in OBJECTS.items() if inspect.isclass(public) for method in own_methods(public)
]

# Checks of numpydoc that are left out, each with its reason.
LEFT_OUT = {
    "ES01": "the first line and the parameters often say all",
    "RT02": "a returned value has a name, as throughout scikit-learn",
}
LEFT_OUT_FOR_METHODS = LEFT_OUT | {
    "EX01": "the example of the class shows its methods",
    "SA01": "the class names what is related",
}


@pytest.mark.parametrize("name", OBJECTS)
def test_docstrings_of_objects_are_valid(name):
    assert [error for error in validate(name)["errors"] if error[0] not in LEFT_OUT] == []


@pytest.mark.parametrize("name", METHODS)
def test_docstrings_of_methods_are_valid(name):
    assert [error for error in validate(name)["errors"] if error[0] not in LEFT_OUT_FOR_METHODS] == []


REFERS = r"as in `|like `X`|What `|What :func:|as in :meth:|Ignored"  # to where the shape is


@pytest.mark.parametrize("name", [*OBJECTS, *METHODS])
def test_arrays_are_documented_with_their_shapes(name):
    sections = get_doc_object(attrgetter(name.removeprefix("sklstm."))(sklstm))
    entries = [entry for section in ("Parameters", "Returns", "Attributes") for entry in sections[section]]
    arrays = {entry.name: f"{entry.type} {' '.join(entry.desc)}" for entry in entries if is_array(entry.type)}
    assert [name for name, text in arrays.items() if "shape" not in text and not re.search(REFERS, text)] == []


def is_array(described):
    return re.search(r"array|DataFrame", described) and "Axes" not in described
