"""The base of all estimators, and changes of their state as a whole."""

import warnings
from collections.abc import Callable
from functools import wraps

from sklearn.base import BaseEstimator
from sklearn.exceptions import InconsistentVersionWarning

from . import __version__

DOCUMENTATION = "https://sklstm.readthedocs.io/en/latest/"  # tests compare pyproject.toml and README.md with it
VERSION = "_sklstm_version"  # the key in a pickle, never an attribute
UNKNOWN_VERSION = "pre-0.1"  # of pickles without that key
_NOTHING = object()  # in the place of an attribute that was not there before a fit


class VersionedEstimator(BaseEstimator):
    """An estimator whose pickles and HTML representation are those of this package, as scikit-learn's are of its own.

    Pickles store the version, and the representation links to the documentation.
    """

    _doc_link_module = "sklstm"
    _doc_link_template = DOCUMENTATION + "api/generated/{estimator_module}.{estimator_name}.html"

    def __getstate__(self):
        return {**super().__getstate__(), VERSION: __version__}

    def __setstate__(self, state):
        state = dict(state)
        version = state.pop(VERSION, UNKNOWN_VERSION)
        if version != __version__:
            warnings.warn(
                _InconsistentVersionWarning(
                    estimator_name=type(self).__name__,
                    current_sklearn_version=__version__,
                    original_sklearn_version=version,
                ),
                stacklevel=2,
            )
        super().__setstate__(state)


class _InconsistentVersionWarning(InconsistentVersionWarning):
    """scikit-learn's warning, with versions of this package."""

    def __str__(self):
        return (
            f"Trying to unpickle estimator {self.estimator_name} from sklstm {self.original_sklearn_version} when "
            f"using sklstm {self.current_sklearn_version}. Its results may be invalid. Load it with the version that "
            "saved it, or fit it again."
        )


def all_at_once(fit: Callable) -> Callable:
    """Let a fit change the estimator as a whole when it ends, and not at all if it fails.

    Meanwhile another thread may predict, and sees the earlier fit.
    """

    @wraps(fit)
    def fit_aside(self, *args, **kwargs):
        aside = snapshot(self)
        before = dict(vars(aside))
        fit(aside, *args, **kwargs)
        after = vars(aside)
        # What the fit did not change may have been changed by others.
        changed = {name: value for name, value in after.items() if value is not before.get(name, _NOTHING)}
        kept = {name: value for name, value in vars(self).items() if name in after or name not in before}
        self.__dict__ = kept | changed
        return self

    return fit_aside


def of_one_fit(method: Callable) -> Callable:
    """Let a method that reads several attributes read those of one fit, whatever fits end in other threads."""

    @wraps(method)
    def read(self, *args, **kwargs):
        return method(snapshot(self), *args, **kwargs)

    return read


def snapshot(estimator: BaseEstimator) -> BaseEstimator:
    """Return another estimator with the same attributes, taken in one step."""
    other = object.__new__(type(estimator))
    vars(other).update(vars(estimator))
    return other
