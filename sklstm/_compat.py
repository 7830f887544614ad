"""Private names of scikit-learn, each imported here and nowhere else, with the newest version it was seen in."""

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
from sklearn.utils.validation import _check_feature_names_in as check_feature_names_in  # 1.9
from sklearn.utils.validation import _check_method_params as check_method_params  # 1.9
from sklearn.utils.validation import _check_sample_weight as check_sample_weight  # 1.9
from sklearn.utils.validation import _num_samples as num_samples  # 1.9

__all__ = [
    "HasMethods",
    "Interval",
    "InvalidParameterError",
    "RealNotInt",
    "StrOptions",
    "check_feature_names_in",
    "check_matplotlib_support",
    "check_method_params",
    "check_partial_fit_first_call",
    "check_sample_weight",
    "fit_context",
    "is_pandas_na",
    "is_scalar_nan",
    "num_samples",
    "raise_for_params",
    "safe_indexing",
    "validate_params",
]
