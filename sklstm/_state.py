"""The state of estimators: what pickles say of its version."""

import warnings

from sklearn.base import BaseEstimator
from sklearn.exceptions import InconsistentVersionWarning

from . import __version__

VERSION = "_sklstm_version"  # the key in a pickle, never an attribute
UNKNOWN_VERSION = "pre-0.1"  # of pickles without that key


class VersionedEstimator(BaseEstimator):
    """An estimator whose pickles tell the version of this package, as those of scikit-learn tell its own."""

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
