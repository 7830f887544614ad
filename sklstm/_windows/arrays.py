"""Arrays of windows: views, and loops over them that neither copy all windows nor depend on their number."""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from sklearn.utils import gen_batches

from .._specs import MissingSteps, Scale
from .ragged import Ragged

CHUNK = 2**20  # values in a chunk: some megabytes, whatever the number and size of windows
MAX_BLOCK = 9215  # values in a block of a matrix: OpenBLAS uses threads for more
MIN_BLOCK_WIDTH = 64  # if the matrix has as many columns


def as_slice(rows: np.ndarray) -> slice | np.ndarray:
    """Return rows that are adjacent as a slice, with which they are a view, and others as they are."""
    are_adjacent = len(rows) > 0 and rows[-1] - rows[0] + 1 == len(rows) and bool((np.diff(rows) == 1).all())
    return slice(int(rows[0]), int(rows[-1]) + 1) if are_adjacent else rows


def window_view(padded: np.ndarray, window_size: int) -> np.ndarray:
    """Return all windows over the rows of an array, as a read-only view of shape ``(n, w, f)``.

    Parameters
    ----------
    padded : ndarray of shape (window_size - 1 + n, f)
        The rows, with those that lie before the first window's last row.
    window_size : int
        The number of rows ``w`` in a window.

    Returns
    -------
    windows : ndarray of shape (n, window_size, f)
        ``windows[t]`` is ``padded[t : t + window_size]``.
    """
    return np.lib.stride_tricks.sliding_window_view(padded, window_size, axis=0).swapaxes(1, 2)


def are_sliding(windows: np.ndarray) -> bool:
    """Tell whether each window is the one before it, moved on by one step; windows of a single step are not.

    Values tell, and not strides: copies of windows slide like a view of the series.
    """
    return windows.shape[1] > 1 and np.array_equal(windows[:-1, 1:], windows[1:, :-1], equal_nan=True)


def chunks(n_rows: int, n_values: int) -> Iterator[slice]:
    """Yield slices that cover so many rows, each as long as a chunk if a row has `n_values` values."""
    return gen_batches(n_rows, max(1, CHUNK // n_values))


def row_dtype(n_rows: int) -> np.dtype:
    """Return the type for the numbers of so many rows: 32 bits, which take half the memory, unless they need 64."""
    return np.promote_types(np.int32, np.min_scalar_type(-n_rows))


def rows_with_weight(sample_weight: np.ndarray) -> np.ndarray:
    """Return the rows whose weight is not zero, in order."""
    return np.flatnonzero(sample_weight).astype(row_dtype(len(sample_weight)))


def missing_steps(*arrays: np.ndarray) -> MissingSteps:
    """Tell where in windows there are missing steps."""
    if any(isinstance(sequences, Ragged) for sequences in arrays):
        return "anywhere"  # since they are padded behind
    incomplete = [windows for windows in arrays if has_missing(windows)]
    for windows in incomplete:
        for chunk in chunks(len(windows), windows[0].size):
            present = present_steps(windows[chunk])
            if (present[:, :-1] & ~present[:, 1:]).any():
                return "anywhere"
    return "leading" if incomplete else "none"


def has_missing(windows: np.ndarray) -> bool:
    """Tell whether any value is missing."""
    return windows.dtype.kind not in "biu" and bool(np.isnan(windows.min()))


def present_steps(windows: np.ndarray) -> np.ndarray:
    """Tell which steps have no missing value, (n_samples, n_steps)."""
    present = np.ones(windows.shape[:2], dtype=bool)
    if len(windows) and has_missing(windows):
        for chunk in chunks(len(windows), windows[0].size):
            present[chunk] = ~np.isnan(windows[chunk]).any(axis=tuple(range(2, windows.ndim)))
    return present


def has_any_step(windows: np.ndarray) -> np.ndarray:
    """Tell which windows have a step that is not missing."""
    present = np.ones(len(windows), dtype=bool)
    if len(windows) and has_missing(windows):
        for chunk in chunks(len(windows), windows[0].size):
            present[chunk] = present_steps(windows[chunk]).any(axis=1)
    return present


def fill_missing_steps(windows: np.ndarray) -> np.ndarray:
    """Return windows with each missing step as the last one present before it, or else the first one after it.

    A window without any step present is filled with zeros.
    """
    missing = np.isnan(windows).any(axis=2)
    if not missing.any():
        return windows
    filled = np.where(missing[:, :, np.newaxis], 0, windows)
    return np.take_along_axis(filled, filling_steps(windows)[:, :, np.newaxis], axis=1)


def filling_steps(windows: np.ndarray) -> np.ndarray:
    """Return for each step the one that has its value once missing steps are filled, (n_samples, n_steps)."""
    missing = np.isnan(windows).any(axis=2)
    latest = np.maximum.accumulate(np.where(missing, 0, np.arange(windows.shape[1])), axis=1)
    return np.maximum(latest, np.argmin(missing, axis=1, keepdims=True))


def window_means(windows: np.ndarray) -> np.ndarray:
    """Return the mean of each feature over the steps of a window that are present; zero if there is none.

    It sums up numbers of one precision in the order of C, since sums round by both.
    """
    present = ~np.isnan(windows).any(axis=2, keepdims=True)
    sums = np.ascontiguousarray(np.where(present, windows, 0), dtype=np.float64).sum(axis=1)
    return sums / np.maximum(present.sum(axis=1), 1)


def standardise(values: np.ndarray, scale: Scale) -> np.ndarray:
    """Return standardised values as float32, computed in the precision of the scale.

    If the scale has deviations, a step is its deviations from the means of its window, and then the hyperbolic tangents
    of these means, by which a level beyond those of the training rows changes little.

    The cast comes last, so that a large offset does not cost the digits that matter.
    """
    standardised = (values - scale.mean) / scale.std
    if scale.deviation is not None:
        level = window_means(standardised)[:, np.newaxis]
        deviations = (standardised - level) / scale.deviation
        levels = np.broadcast_to(np.tanh(level), deviations.shape)
        standardised = np.concatenate([deviations, levels], axis=2)
    return standardised.astype(np.float32)


def shares_of_means(windows: np.ndarray) -> np.ndarray:
    """Return the part of each value in the mean of its feature over the steps that are present."""
    present = ~np.isnan(windows).any(axis=2, keepdims=True)
    return np.where(present, windows, 0) / np.maximum(present.sum(axis=1, keepdims=True), 1)


def have_partial_steps(windows: np.ndarray, rows: np.ndarray | None = None) -> bool:
    """Tell whether in some of the rows, or in any, there is a step of which some features are missing and some not."""
    if windows.shape[2] == 1 or not has_missing(windows):
        return False
    return count_steps(windows, np.arange(len(windows)) if rows is None else rows).n_partial > 0


class StepCounts(NamedTuple):
    """Numbers of steps of windows."""

    n_known: int  # with any value
    n_partial: int  # of these, with a missing one
    n_missing: np.ndarray  # of these, with each feature missing, or each value of a frame


def count_steps(windows: np.ndarray, rows: np.ndarray) -> StepCounts:
    """Count the steps of some rows of which some features are missing and some not."""
    n_known, n_partial, n_missing = 0, 0, np.zeros(windows.shape[2:], dtype=int)
    of_step = tuple(range(2, windows.ndim))
    for chunk in chunks(len(rows), windows[0].size):
        missing = np.isnan(windows[rows[chunk]])
        known = missing[~missing.all(axis=of_step)]
        n_known += len(known)
        n_partial += int(known.any(axis=tuple(range(1, known.ndim))).sum())
        n_missing += known.sum(axis=0)
    return StepCounts(n_known, n_partial, n_missing)


def fill_missing_features(windows: np.ndarray, otherwise: np.ndarray) -> np.ndarray:
    """Return windows in which each step is complete or missing as a whole.

    Where a step has some features, the others are filled, each with its last value before in the window or, if there
    is none, with its value in `otherwise`.
    """
    missing = np.isnan(windows)
    partly = missing & ~missing.all(axis=2, keepdims=True)
    if not partly.any():
        return windows
    steps = np.arange(windows.shape[1])[:, np.newaxis]
    latest = np.maximum.accumulate(np.where(missing, -1, steps), axis=1)
    before = np.take_along_axis(windows, np.maximum(latest, 0), axis=1)
    fill = np.where(latest < 0, otherwise.astype(windows.dtype), before)
    return np.where(partly, fill, windows)


def products_by_row(rows: np.ndarray, matrix: np.ndarray) -> np.ndarray:
    """Return ``rows @ matrix`` as float64, so that a row's product is the same number in all circumstances.

    Each row has a product of its own, since one product of all rows rounds by their number. Arrays are brought into the
    order of C, since products round by the layout in memory. And a product is a sum of products with blocks of the
    matrix, since those with large matrices round by the number of threads.
    """
    rows, matrix = np.ascontiguousarray(rows), np.ascontiguousarray(matrix)
    products = np.zeros((*rows.shape[:-1], matrix.shape[1]))
    n_inner, n_outer = matrix.shape
    width = min(n_outer, max(MAX_BLOCK // n_inner, MIN_BLOCK_WIDTH))
    height = MAX_BLOCK // width
    for top in range(0, n_inner, height):
        inner = slice(top, top + height)
        for left in range(0, n_outer, width):
            outer = slice(left, left + width)
            products[..., outer] += (rows[..., np.newaxis, inner] @ matrix[inner, outer])[..., 0, :]
    return products
