"""Small data sets that need no network."""

from ._airline import load_airline
from ._sine import make_sine

__all__ = ["load_airline", "make_sine"]

for _name in __all__:
    globals()[_name].__module__ = __name__
