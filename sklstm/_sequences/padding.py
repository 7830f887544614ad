"""From sequences that differ in length to one array."""

from numbers import Integral

import numpy as np
from sklearn.utils import check_scalar

from .._validation import check_numeric, column_names


def pad_sequences(sequences, n_steps=None):
    """Pad sequences of different lengths to one array, with missing steps (NaN) at the start.

    Parameters
    ----------
    sequences : list of array-likes of shape (n_steps_i, n_features) or (n_steps_i,)
        The sequences; each may have another number of steps, and missing ones. They may be clips of frames, of shape
        (n_steps_i, height, width) or (n_steps_i, height, width, n_channels), or labels of steps, also strings.

    n_steps : int, default=None
        Number of steps of the result. If None, the length of the longest sequence. Longer sequences keep their last
        steps. Sequences for `predict` need as many steps as in `fit`.

    Returns
    -------
    X : ndarray of shape (n_sequences, n_steps, n_features) or (n_sequences, n_steps)
        The sequences, each with its last step at the end. The dtype is float32 if it holds all values of the dtypes of
        the sequences, such as uint8 and float32, and float64 otherwise. Strings become objects.

    Raises
    ------
    ValueError
        If there is no sequence, or if they differ in their number of dimensions or features, or in the names or the
        order of their columns.

    See Also
    --------
    LSTMClassifier : Classifies sequences, and masks missing steps.

    Examples
    --------
    >>> from sklstm import pad_sequences
    >>> pad_sequences([[1, 2, 3], [4]])
    array([[ 1.,  2.,  3.],
           [nan, nan,  4.]])
    >>> pad_sequences([[[1, 2], [3, 4]], [[5, 6]]]).shape
    (2, 2, 2)
    >>> pad_sequences([["noun", "verb"], ["verb"]])
    array([['noun', 'verb'],
           [nan, 'verb']], dtype=object)
    """
    if n_steps is not None:
        check_scalar(n_steps, "n_steps", Integral, min_val=1)
    sequences = list(sequences)
    names = {tuple(column_names(sequence)) for sequence in sequences} - {()}
    if len(names) > 1:
        raise ValueError(
            f"Each sequence must have the same columns in the same order. Got {' and '.join(map(str, names))}."
        )
    arrays = [_as_array(sequence) for sequence in sequences]
    if not arrays:
        raise ValueError("Found 0 sequence(s) while a minimum of 1 is required.")
    shapes = {array.shape[1:] for array in arrays}
    if len(shapes) > 1 or not all(1 <= array.ndim <= 4 for array in arrays):
        raise ValueError(
            "Each sequence must have the shape (n_steps,) or (n_steps, n_features), or be a clip of frames, with the "
            f"same features in all. Got steps of the shapes {sorted(shapes)}."
        )
    if n_steps is None:
        n_steps = max(1, *map(len, arrays))
    padded = np.full((len(arrays), n_steps, *shapes.pop()), np.nan, np.result_type(*arrays, np.float32))
    for row, array in zip(padded, arrays, strict=True):
        kept = array[-n_steps:]
        row[n_steps - len(kept) :] = kept
    return padded


def _as_array(sequence) -> np.ndarray:
    """Return a sequence as an array of floats, or one with strings as an array of objects."""
    is_list = isinstance(sequence, list | tuple)
    labels = sequence if is_list else np.asarray(sequence)
    may_be_text = is_list or (labels.ndim == 1 and labels.dtype.kind in "OU")
    if may_be_text and any(isinstance(label, str) for label in labels):
        return np.array(labels, dtype=object)
    return check_numeric(
        sequence,
        name="sequences",
        estimator=None,
        dims_to_keep_dtype=0,
        ensure_2d=False,
        allow_nd=True,
        ensure_min_samples=0,
    )
