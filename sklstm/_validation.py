"""Validation of sequences, targets and weights, in the words of scikit-learn."""

import json
import re
import warnings
from collections import Counter
from collections.abc import Iterable, Mapping
from itertools import pairwise
from typing import Any

import numpy as np
from sklearn import get_config
from sklearn.base import BaseEstimator
from sklearn.utils import check_array, compute_class_weight
from sklearn.utils.metadata_routing import process_routing
from sklearn.utils.validation import check_consistent_length, has_fit_parameter, validate_data

from ._compat import InvalidParameterError, check_feature_names, check_sample_weight, raise_for_params
from ._specs import MEDIAN
from ._windows.ragged import Ragged
from ._windows.windows import Windows

FEW_STEPS = 5  # in sequences that are rather the rows of a table
FRAMES = ("sample", "step", "row", "column", "channel")  # the dimensions of clips
DATES = ("date", "time", "period", "duration")  # in the names of dtypes, whichever library a DataFrame is of


def check_numeric(
    array, *, name: str, estimator: BaseEstimator, dims_to_keep_dtype: int | None = None, **check_params
) -> np.ndarray:
    """Return ``array`` as float32 or float64 without a copy where it is that already.

    Other floats, integers and booleans stay what they are with so many dimensions or more as `dims_to_keep_dtype`.
    Missing values (NaN) pass; so do any number of dimensions unless ``check_params`` say otherwise.

    Raises
    ------
    TypeError
        If the array is sparse or holds dates or durations.
    ValueError
        If it holds text, complex numbers, infinity or what is infinite in float32, or is ragged, or if columns have
        the same name.
    """
    check_columns(array, name)
    check_no_dates(array, name)
    try:
        array = check_array(
            array, dtype="numeric", ensure_all_finite=False, estimator=estimator, input_name=name, **check_params
        )
    except ValueError as error:
        if cure := _cure_of_conversion(error, array, name):
            raise ValueError(f"{error} {cure}") from error
        raise
    if array.dtype.kind in "mM":
        raise TypeError(f"{name} must be numeric, but its dtype is {array.dtype}. Convert it explicitly.")
    keeps_dtype = dims_to_keep_dtype is not None and array.ndim >= dims_to_keep_dtype and array.dtype.kind in "biuf"
    if array.dtype not in (np.float32, np.float64) and not keeps_dtype:
        array = array.astype(np.float64)
    if array.dtype.kind == "f":
        _assert_fits_float32(array, name)
    return array


def _cure_of_conversion(error: ValueError, array, name: str) -> str:
    """Return what to do where numbers cannot be read: ids of series in a table, and sequences of different lengths."""
    if "inhomogeneous" in str(error):
        return f"Pad sequences of different lengths first: pad_sequences({name})."
    if "could not convert string" not in str(error) or not hasattr(array, "iloc") or array.ndim == 1:
        return ""
    texts = [column for column in array.columns if array[column].map(lambda value: isinstance(value, str)).any()]
    if not texts or name == "y":
        return ""
    return (
        f"The columns {texts} hold text. If one of them tells the series of each row, name it with groups, as in "
        f"SlidingWindow(groups={texts[0]!r}). Encode or drop others."
    )


def column_names(frame) -> list:
    """Return the names of a DataFrame's columns; none of what has no names."""
    is_arrow = hasattr(type(frame), "column_names")
    return list(frame.column_names if is_arrow else getattr(frame, "columns", ()))


def check_columns(frame, name: str) -> None:
    """Check that no two columns of a DataFrame have the same name."""
    doubled = [column for column, n in Counter(column_names(frame)).items() if n > 1]
    if doubled:
        raise ValueError(f"{name} must have columns of different names, but has several called {doubled}. Rename them.")


def check_no_dates(frame, name: str) -> None:
    """Check that no column of a DataFrame holds dates, periods or durations, whatever library it is of."""
    if not hasattr(frame, "columns") or not hasattr(frame, "dtypes"):
        return
    dtypes = list(map(str, frame.dtypes))
    if "object" in dtypes and hasattr(frame, "iloc"):  # in pandas, a column of objects may hold them too
        from pandas.api.types import infer_dtype

        dtypes = [infer_dtype(frame.iloc[:, i]) if dtype == "object" else dtype for i, dtype in enumerate(dtypes)]
    kinds = zip(column_names(frame), dtypes, strict=True)
    dates = [column for column, kind in kinds if any(word in kind.lower() for word in DATES)]
    if dates:
        cure = "Convert them to numbers, or drop them: rows are in the order of time."
        if hasattr(frame, "iloc"):
            cure = (
                f"Make one of them the index, as with {name}.set_index({dates[0]!r}), and convert or drop the others."
            )
        raise TypeError(f"{name} must be numeric, but its columns {dates} hold dates, periods or durations. {cure}")


def _assert_fits_float32(array: np.ndarray, name: str) -> None:
    # The ufuncs' reductions, unlike np.isinf, make no array of the size of all windows.
    extremes = np.fmin.reduce(array, axis=None, initial=0), np.fmax.reduce(array, axis=None, initial=0)
    if np.abs(extremes).max() > np.finfo(np.float32).max:
        raise ValueError(f"Input {name} contains infinity or a value too large for dtype('float32').")


def check_table(estimator: BaseEstimator, X, *, reset: bool) -> np.ndarray:
    """Validate a table ``(n_samples, n_features)``, in which values may be missing."""
    table = check_numeric(X, name="X", estimator=estimator)
    validate_data(estimator, X, reset=reset, skip_check_array=True)
    return table


def check_sequences(
    estimator: BaseEstimator, X, y="no_validation", *, reset: bool, reads_frames: bool = False
) -> np.ndarray:
    """Validate sequences and return them as ``(n_samples, n_steps, n_features)``, without a copy of floats.

    2-D input has one feature a step. If the estimator reads frames, input of four and five dimensions is returned as
    ``(n_samples, n_steps, height, width, n_channels)``, without a copy of any numbers.

    If `reset`, sets ``n_features_in_``, ``n_steps_in_`` and, for a DataFrame, ``feature_names_in_``; checks against
    them otherwise. `y` is given only for scikit-learn's error if a required target is None.
    """
    check_columns(X, "X")
    validate_data(estimator, X, y, reset=reset, skip_check_array=True, ensure_2d=False)
    sequences: Any = X
    if not isinstance(X, Windows):
        dims = 4 if reads_frames else None
        sequences = check_numeric(X, name="X", estimator=estimator, allow_nd=True, dims_to_keep_dtype=dims)
    n_dims, max_dims = sequences.ndim, len(FRAMES) if reads_frames else 3
    if n_dims > max_dims:
        raise ValueError(
            f"Found array with dim {n_dims}, while dim <= {max_dims} is required by {type(estimator).__name__}."
            + (" Frames are for LSTMClassifier with network='frames' or one of your own." if n_dims <= 5 else "")
        )
    for size, what in zip(sequences.shape[1:], ("step", "feature") if n_dims <= 3 else FRAMES[1:], strict=False):
        if size == 0:
            raise ValueError(
                f"Found array with 0 {what}(s) (shape={sequences.shape}) while a minimum of 1 is required "
                f"by {type(estimator).__name__}."
            )
    if reset:
        estimator._input_shape = sequences.shape[1:]
        estimator.n_steps_in_ = sequences.shape[1]
        estimator.n_features_in_ = 1 if n_dims == 4 else sequences.shape[-1]
    else:
        _check_input_shape(estimator, sequences.shape[1:])
    return sequences[..., np.newaxis] if n_dims in (2, 4) else sequences


def check_texts(texts, name: str, estimator: BaseEstimator | None = None) -> list[str]:
    """Return texts, at least one, as a list."""
    if texts is None and estimator is not None:
        raise ValueError(
            f"This {type(estimator).__name__} estimator requires {name} to be passed, but the target {name} is None."
        )
    is_list = hasattr(texts, "__iter__") and not isinstance(texts, str | Mapping)
    if not is_list or getattr(texts, "ndim", 1) != 1:
        raise ValueError(f"{name} should be a list of strings. Got {told(texts)} instead.")
    texts = list(texts)
    for row, text in enumerate(texts):
        if not isinstance(text, str):
            raise ValueError(f"{name} should be a list of strings, but {name}[{row}] is {text!r}.")
    if not texts:
        of = "" if estimator is None else f" by {type(estimator).__name__}"
        raise ValueError(f"Found array with 0 sample(s) in {name} while a minimum of 1 is required{of}.")
    return texts


def check_feature_sequences(estimator: BaseEstimator, X, *, reset: bool) -> Ragged:
    """Validate sequences that differ in length, of shape ``(n_steps, n_features)`` each, and drop their missing steps.

    If `reset`, sets ``n_features_in_``; checks against it otherwise.
    """
    name = type(estimator).__name__
    if isinstance(X, str) or not hasattr(X, "__len__") or getattr(X, "ndim", 3) not in (1, 3):
        raise ValueError(
            f"X should be a list of arrays of shape (n_steps, n_features), or an array of shape (n_samples, n_steps, "
            f"n_features) with NaN behind shorter sequences. Got {told(X)} instead."
        )
    if len(X) == 0:
        raise ValueError(f"Found array with 0 sample(s) while a minimum of 1 is required by {name}.")
    for row, sequence in enumerate(X):
        if column_names(sequence) or (reset and row == 0):
            check_feature_names(estimator, sequence, reset=reset and row == 0)
    sequences = [_present_steps_of(estimator, sequence, f"X[{row}]") for row, sequence in enumerate(X)]
    n_features = sequences[0].shape[1] if reset else estimator.n_features_in_
    for row, sequence in enumerate(sequences):
        if sequence.shape[1] != n_features:
            raise ValueError(
                f"X[{row}] has {sequence.shape[1]} features, but {name} is expecting {n_features} features as input."
            )
    if reset:
        estimator.n_features_in_ = n_features
    return Ragged.of(sequences, np.float32, np.nan)


def _present_steps_of(estimator: BaseEstimator, sequence, name: str) -> np.ndarray:
    """Return a sequence without the steps that have a missing value."""
    sequence = check_numeric(sequence, name=name, estimator=estimator, ensure_2d=False, allow_nd=True)
    if sequence.ndim != 2:
        raise ValueError(
            f"{name} should have the shape (n_steps, n_features). Got an array of shape {sequence.shape} instead: "
            "reshape a single feature with .reshape(-1, 1), and put LogMelSpectrogram() before the estimator if it is "
            "a recording."
        )
    present = sequence[~np.isnan(sequence).any(axis=1)]
    if not present.size:
        raise ValueError(f"{name} has no step without a missing value (shape={sequence.shape}).")
    return present


def told(X) -> str:
    """Return what an input is called in a message: by its shape or, if it has none, by its type."""
    return f"an array of shape {X.shape}" if hasattr(X, "shape") else repr(type(X).__name__)


def warn_of_table(estimator: BaseEstimator, X) -> None:
    """Warn if the columns of 2-D input look like variables, and not like the steps that they are read as."""
    if len(estimator._input_shape) > 1:
        return
    differ_in_more_than_numbers = len({re.sub(r"[\W\d_]", "", str(column)) for column in column_names(X)}) > 1
    if estimator.n_steps_in_ < FEW_STEPS or differ_in_more_than_numbers:
        name = type(estimator).__name__
        n_columns = estimator.n_steps_in_
        warnings.warn(
            f"X is a table of {n_columns} column(s), which {name} reads as {n_columns} step(s) of one feature. If they "
            f"are variables, put windows in front: make_pipeline(SlidingWindow(), {name}()). If they are steps, pass "
            "an array of shape (n_samples, n_steps, 1).",
            UserWarning,
            stacklevel=2,
        )


def _check_input_shape(estimator: BaseEstimator, shape: tuple[int, ...]) -> None:
    expected = estimator._input_shape
    name = type(estimator).__name__
    if len(shape) != len(expected):
        raise ValueError(
            f"X has {len(shape) + 1} dimensions, but {name} is expecting {len(expected) + 1} dimensions as input."
        )
    if len(shape) > 2 and shape[1:] != expected[1:]:
        raise ValueError(f"X has frames of shape {shape[1:]}, but {name} is expecting {expected[1:]} as input.")
    if shape[-1] != expected[-1]:
        raise ValueError(f"X has {shape[-1]} features, but {name} is expecting {expected[-1]} features as input.")
    if shape[0] != expected[0]:
        raise ValueError(
            f"X has {shape[0]} steps, but {name} is expecting {expected[0]} steps as input. Make windows of the same "
            f"size, or pad sequences to it: pad_sequences(..., n_steps={expected[0]})."
        )


def check_tokens(estimator: BaseEstimator, X: np.ndarray) -> None:
    """Check that sequences are of token numbers, one a step, or missing."""
    name = type(estimator).__name__
    if X.shape[2:] != (1,):
        n_features = np.prod(X.shape[2:])
        raise ValueError(f"With embedding_dim, {name} is expecting 1 feature a step, but X has {n_features} features.")
    tokens = X[~np.isnan(X)]
    if (tokens < 0).any() or (tokens != np.round(tokens)).any():
        raise ValueError(f"With embedding_dim, {name} is expecting token numbers: X must hold non-negative integers.")


def check_target(estimator: BaseEstimator, X: np.ndarray, y) -> np.ndarray:
    """Validate a numeric target of shape ``(n_samples,)`` or ``(n_samples, n_outputs)``; missing values are NaN.

    Raises
    ------
    ValueError
        If it is not numeric, has another shape, or is incomplete in every row.
    """
    y = check_numeric(y, name="y", estimator=estimator, ensure_2d=False, allow_nd=True)
    if y.ndim not in (1, 2):
        raise ValueError(f"y should be a 1d or 2d array, got an array of shape {y.shape} instead.")
    check_consistent_length(X, y)
    if not has_target(y).any():
        raise ValueError("Input y contains NaN in every row. Pass at least one row with a known target.")
    return y


def has_target(y: np.ndarray) -> np.ndarray:
    """Tell in which rows a target is complete."""
    return ~np.isnan(y.reshape(len(y), -1)).any(axis=1)


def weights_of_known(sample_weight: np.ndarray, known: np.ndarray) -> np.ndarray:
    """Return the weights of rows, zero for those whose target is not known."""
    weights = sample_weight * known
    if not weights.any():
        raise ValueError("Input y contains NaN in every row with a weight. Pass a weight for a known target.")
    return weights


def target_names(y) -> list | None:
    """Return what the columns of a DataFrame are called, or a Series; None without names."""
    name = getattr(y, "name", None)
    return column_names(y) or (None if name is None else [name])


def name_features(positions: Iterable[int]) -> str:
    """Return how to call features of windows, which have no names."""
    return _listed("feature", positions) + " of X (counted from 0)"


def name_pixels(positions: Iterable[int], frame: tuple[int, ...]) -> str:
    """Return how to call values of frames of a shape, by their positions in a flat one."""
    indices = [tuple(map(int, np.unravel_index(position, frame))) for position in positions]
    return _listed("pixel", indices) + " of X (row, column and channel, counted from 0)"


def _listed(noun: str, elements: Iterable) -> str:
    texts = [str(element) for element in elements]
    listed = " and ".join(filter(None, [", ".join(texts[:-1]), texts[-1]]))
    return f"{noun}{'s' if len(texts) > 1 else ''} {listed}"


def check_network_params(params: dict | None) -> str:
    """Return the parameters of a network in JSON.

    Raises
    ------
    ValueError
        If they hold anything but numbers, strings, booleans, None and lists of them, or a name is no string.
    """
    params = params or {}
    try:
        if all(isinstance(name, str) for name in params):
            return json.dumps(params, sort_keys=True, default=_as_number)
    except TypeError:
        pass
    raise ValueError(
        "network_params must hold numbers, strings, booleans, None and lists of them, by names that are strings. Got "
        f"{params!r} instead."
    )


def _as_number(value: Any) -> Any:
    """Return a number of numpy as one of Python."""
    if isinstance(value, np.generic):
        return value.item()
    raise TypeError(f"{type(value).__name__} is no number.")


def check_quantiles(estimator: BaseEstimator, quantiles) -> list[float]:
    """Return the levels of quantiles, with the median among them.

    Raises
    ------
    InvalidParameterError
        If they are anything else.
    """
    levels = list(quantiles)
    are_floats = all(isinstance(level, float | np.floating) and 0 < level < 1 for level in levels)
    if not are_floats or not all(one < next_one for one, next_one in pairwise(levels)):
        raise InvalidParameterError(
            f"The 'quantiles' parameter of {type(estimator).__name__} must be a sequence of floats in the range "
            f"(0.0, 1.0), each larger than the one before. Got {quantiles!r} instead."
        )
    if MEDIAN not in levels:
        raise InvalidParameterError(
            f"The 'quantiles' parameter of {type(estimator).__name__} must contain 0.5, since `predict` returns the "
            f"median. Got {quantiles!r} instead. Add 0.5 to it."
        )
    return [float(level) for level in levels]


def check_weights(X: np.ndarray, sample_weight) -> np.ndarray:
    """Validate sample weights and scale those that are not zero to a mean of one; None weighs every row the same.

    Only their ratios count, and scaled they stay within float32 whatever their magnitude.
    """
    if sample_weight is None:
        return np.broadcast_to(1.0, len(X))  # which takes no memory
    sample_weight = check_sample_weight(sample_weight, X, dtype=np.float64, ensure_non_negative=True)
    if not sample_weight.any():
        raise ValueError("Sample weights must contain at least one non-zero number.")
    sample_weight = sample_weight / sample_weight.max()
    return sample_weight / sample_weight[sample_weight > 0].mean()


def nested_fit_params(estimator: BaseEstimator, name: str, nested, sample_weight, fit_params: dict) -> dict:
    """Return the metadata for the fit of the estimator inside another one, which is its parameter of that name.

    Raises
    ------
    ValueError
        If there are weights, and the fit takes none.
    """
    raise_for_params(fit_params, estimator, "fit")
    weight = {} if sample_weight is None else {"sample_weight": sample_weight}
    if get_config()["enable_metadata_routing"]:
        return dict(process_routing(estimator, "fit", **weight, **fit_params)[name]["fit"])
    if weight and not has_fit_parameter(nested, "sample_weight"):
        raise ValueError("Underlying estimator does not support sample weights.")
    return weight


def weights_of_classes(sample_weight: np.ndarray, class_weight, classes: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Return the weight of each class; `y` tells the class of each training row, by its place in `classes`.

    "balanced" classes have the same sum of weights, whether rows have weights or are repeated. A class that no row with
    a weight belongs to then weighs nothing.
    """
    rows = np.flatnonzero(sample_weight)
    known = np.unique(y[rows]) if class_weight == "balanced" else np.arange(len(classes))
    weights = np.zeros(len(classes))
    weights[known] = compute_class_weight(
        class_weight, classes=classes[known], y=classes[y[rows]], sample_weight=sample_weight[rows]
    )
    return weights
