"""Private names of scikit-learn, each imported here and nowhere else, with the newest version it was seen in.

Here, too, is what stands in for callbacks in versions of scikit-learn without them.
"""

from contextlib import nullcontext

import sklearn
from sklearn.base import _fit_context as fit_context  # 1.9
from sklearn.utils import _safe_indexing as safe_indexing  # 1.9
from sklearn.utils._missing import is_pandas_na, is_scalar_nan  # 1.9
from sklearn.utils._optional_dependencies import check_matplotlib_support  # 1.9
from sklearn.utils._param_validation import (  # 1.9
    HasMethods,
    Interval,
    InvalidParameterError,
    RealNotInt,
    StrOptions,
    validate_params,
)
from sklearn.utils.metadata_routing import _raise_for_params as raise_for_params  # 1.9
from sklearn.utils.multiclass import _check_partial_fit_first_call as check_partial_fit_first_call  # 1.9
from sklearn.utils.validation import _check_feature_names as check_feature_names  # 1.9
from sklearn.utils.validation import _check_feature_names_in as check_feature_names_in  # 1.9
from sklearn.utils.validation import _check_method_params as check_method_params  # 1.9
from sklearn.utils.validation import _check_sample_weight as check_sample_weight  # 1.9
from sklearn.utils.validation import _num_samples as num_samples  # 1.9

try:
    from sklearn.callback import CallbackSupportMixin, with_callbacks  # experimental in 1.9
except ImportError:

    class CallbackSupportMixin:  # type: ignore[no-redef]
        """The methods of that name in scikit-learn 1.9, for versions without callbacks."""

        def set_callbacks(self, *callbacks):
            """Raise an error: callbacks need scikit-learn 1.9.

            Parameters
            ----------
            *callbacks : callback instances
                Ignored.
            """
            raise NotImplementedError(
                f"set_callbacks needs scikit-learn 1.9 or newer, but {sklearn.__version__} is installed. Upgrade "
                "scikit-learn, or pass verbose=1 to the LSTM estimator for a progress bar."
            )

        def _init_callback_context(self, **task):
            return _NoContext()

    def with_callbacks(method):
        """Return the method as it is."""
        return method


class _NoContext:
    """In the place of a callback context where there are no callbacks."""

    def subcontext(self, **task):
        return self

    def propagate_callback_context(self, sub_estimator):
        return nullcontext()

    def call_on_fit_task_begin(self, **data):
        return self

    def call_on_fit_task_end(self, **data):
        return False


def has_callbacks(estimator) -> bool:
    """Tell whether callbacks of scikit-learn watch the fits of an estimator, its own or those of a meta-estimator."""
    return hasattr(estimator, "_skl_callbacks")  # 1.9


__all__ = [
    "CallbackSupportMixin",
    "HasMethods",
    "Interval",
    "InvalidParameterError",
    "RealNotInt",
    "StrOptions",
    "check_feature_names",
    "check_feature_names_in",
    "check_matplotlib_support",
    "check_method_params",
    "check_partial_fit_first_call",
    "check_sample_weight",
    "fit_context",
    "has_callbacks",
    "is_pandas_na",
    "is_scalar_nan",
    "num_samples",
    "raise_for_params",
    "safe_indexing",
    "validate_params",
    "with_callbacks",
]
