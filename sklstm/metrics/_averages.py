"""Averages over rows, of the values that count, and over outputs."""

from typing import Any

import numpy as np
from sklearn.utils import check_array, check_consistent_length

from .._compat import check_sample_weight


def check_outputs(y, name: str, *, missing: bool) -> np.ndarray:
    """Return values as an array of shape ``(n_samples, n_outputs)``, in which NaN is allowed if `missing`."""
    finite = "allow-nan" if missing else True
    y = check_array(y, dtype=np.float64, ensure_2d=False, ensure_all_finite=finite, input_name=name)
    return y.reshape(len(y), -1)


def check_last_axis(values, length: int, name: str, what: str) -> np.ndarray:
    """Return an array of shape ``(n_samples, n_outputs, length)``; NaN and infinity may be in it.

    `what` tells what the last axis has, for the message of an error.
    """
    values = check_array(
        values, dtype=np.float64, ensure_2d=False, allow_nd=True, ensure_all_finite=False, input_name=name
    )
    if values.ndim not in (2, 3) or values.shape[-1] != length:
        cure = f" Select one coverage, such as {name}[..., 0]." if values.ndim == 4 else ""
        raise ValueError(
            f"{name} must have the shape (n_samples, n_outputs, {length}), or (n_samples, {length}) for one output: "
            f"the last axis has {what}. Got the shape {values.shape}.{cure}"
        )
    return values.reshape(len(values), -1, length)


def check_same_outputs(y_true: np.ndarray, values: np.ndarray, name: str) -> None:
    """Check that true values and what is predicted have as many rows and outputs."""
    check_consistent_length(y_true, values)
    if y_true.shape[1] != values.shape[1]:
        raise ValueError(f"y_true has {y_true.shape[1]} output(s), but {name} has {values.shape[1]}.")


def check_present(values: np.ndarray, counts: np.ndarray, name: str) -> None:
    """Check that nothing predicted is NaN where it counts."""
    unknown = np.isnan(values).any(axis=2) & counts
    if unknown.any():
        row = int(np.argmax(unknown.any(axis=1)))
        raise ValueError(f"{name} has NaN in row {row}. Leave rows without a prediction out.")


def average_rows(values: np.ndarray, counts: np.ndarray, sample_weight) -> np.ndarray:
    """Return the weighted mean of each output, over the rows that count.

    Raises
    ------
    ValueError
        If there is no such row for an output.
    """
    weight = np.ones(len(values))
    if sample_weight is not None:
        weight = check_sample_weight(sample_weight, values, dtype=np.float64, ensure_non_negative=True)
    weights = weight[:, np.newaxis] * counts
    total = weights.sum(axis=0)
    if not total.all():
        output = int(np.argmin(total != 0))
        raise ValueError(
            f"Output {output} has no row that counts: its true values are all missing, or their weights are zero."
        )
    return (np.where(weights > 0, values, 0) * weights).sum(axis=0) / total  # without what is infinite elsewhere


def average_outputs(values: np.ndarray, multioutput) -> Any:
    """Return the value of each output, or their average, as `multioutput` of scikit-learn's metrics says."""
    if isinstance(multioutput, str):
        return values if multioutput == "raw_values" else float(values.mean())
    weights = check_array(multioutput, dtype=np.float64, ensure_2d=False, input_name="multioutput")
    if weights.shape != values.shape or not weights.sum():
        raise ValueError(
            f"multioutput must have a weight for each of {len(values)} output(s), of which the sum is not zero. Got "
            f"{multioutput!r}."
        )
    counts = weights != 0
    return float(np.average(values[counts], weights=weights[counts]))
