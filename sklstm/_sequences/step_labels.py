"""Labels of steps: a class for each step of a sequence."""

import warnings

import numpy as np
from sklearn.utils import check_array
from sklearn.utils.multiclass import check_classification_targets

from .._compat import check_sample_weight, is_pandas_na, is_scalar_nan
from .._specs import IGNORED_CLASS, Sample
from .._validation import check_weights, weights_of_classes
from .._windows.arrays import rows_with_weight


def check_step_labels(y, present: np.ndarray, *, purpose: str = "learn from") -> tuple[np.ndarray, np.ndarray]:
    """Return a label for each step of sequences, and which of them count.

    Those do that are not missing (NaN or None), of steps that are `present`.

    Raises
    ------
    ValueError
        If there is not a label for each step, none that counts, or if they are no classes.
    """
    y = _as_array(y)
    if y.shape != present.shape:
        raise ValueError(
            f"With pooling='none', y must have a class for each step: the shape {present.shape}. Got the shape "
            f"{y.shape} instead. {_cure(y.shape, present.shape)}"
        )
    known = has_label(y) & present
    if not known.any():
        raise ValueError(f"Input y has no class at any step present in X, so no step to {purpose}. Label at least one.")
    if y.dtype == object and not any(isinstance(label, str) for label in y[known]):
        numbers = np.array(y[known].tolist())  # which became objects by what stands for missing ones
        y = np.zeros(y.shape, numbers.dtype)
        y[known] = numbers
    check_classification_targets(y[known])
    return y, known


def _cure(of_labels: tuple[int, ...], of_steps: tuple[int, ...]) -> str:
    if len(of_labels) == 2 and of_labels[0] == of_steps[0]:
        n_steps = of_labels[1]
        return (
            f"To make sequences of {n_steps} steps, pass max_length={n_steps} to TokenSequences, or n_steps={n_steps} "
            "to pad_sequences."
        )
    return "pad_sequences makes it of labels of sequences that differ in length."


def warn_of_labels_without_token(y, present: np.ndarray) -> None:
    """Warn of labels at steps that are not `present`, since they are a sign of labels that stand at other tokens."""
    n_labels = int((has_label(_as_array(y)) & ~present).sum())
    if n_labels:
        warnings.warn(
            f"{n_labels} labels of y stand at steps that are missing in X, and do not count. Do the others stand at "
            "their tokens? TokenSequences drops what its token_pattern does not match: by default, words of a single "
            r"character. Pass token_pattern=r'\S+' for a token between any two spaces.",
            UserWarning,
            stacklevel=2,
        )


def _as_array(y) -> np.ndarray:
    if isinstance(y, list | tuple):
        y = np.array(y, dtype=object)  # in which what is missing among strings stays so
    return check_array(y, dtype=None, ensure_2d=False, allow_nd=True, ensure_all_finite=False, input_name="y")


def has_label(y: np.ndarray) -> np.ndarray:
    """Tell which labels are not missing."""
    if y.dtype.kind == "f":
        return ~np.isnan(y)
    if y.dtype.kind != "O":
        return np.ones(y.shape, dtype=bool)
    missing = [label is None or is_scalar_nan(label) or is_pandas_na(label) for label in y.flat]
    return ~np.array(missing, dtype=bool).reshape(y.shape)


def weight_of_steps(sample_weight, known: np.ndarray) -> np.ndarray:
    """Return the weights of rows at their steps with a known label; each row has one."""
    sample_weight = check_sample_weight(sample_weight, known)
    return np.broadcast_to(np.reshape(sample_weight, (-1, 1)), known.shape)[known]


def weights_of_step_classes(sample: Sample, class_weight, classes: np.ndarray) -> np.ndarray:
    """Return the weight of each class, of mean one over all steps that have one.

    Raises
    ------
    ValueError
        If no step has a class with a weight.
    """
    y = sample.y[:, :, 0]
    known = y != IGNORED_CLASS
    of_steps = weight_of_steps(sample.sample_weight, known)
    weights = weights_of_classes(of_steps, class_weight, classes, y[known])
    mean = np.average(weights[y[known]], weights=of_steps)
    if not mean:
        raise ValueError("Sample weights must contain at least one non-zero number.")
    return weights / mean


def with_weighty_labels(sample: Sample, class_weight: np.ndarray) -> Sample:
    """Return a sample in which rows weigh nothing if none of their labels is of a class with a weight.

    Raises
    ------
    ValueError
        If there is no other row.
    """
    labels = sample.y[:, :, 0]
    has_weight = (labels != IGNORED_CLASS) & (class_weight[labels] > 0)
    sample_weight = check_weights(sample.windows, np.where(has_weight.any(axis=1), sample.sample_weight, 0))
    return sample._replace(sample_weight=sample_weight, rows=rows_with_weight(sample_weight))
