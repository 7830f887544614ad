"""Thresholds that follow the scores of rows as their true values come in."""

from collections.abc import Sequence

import numpy as np

STEP_SIZE = 0.1  # by how much a threshold may move at a time, in units of the mean absolute score
MEMORY = 50  # rows over which this mean is taken, by exponential smoothing


def tracked(
    start: np.ndarray,
    size: np.ndarray,
    scores: np.ndarray,
    times: np.ndarray,
    known_at: np.ndarray,
    coverages: Sequence[float],
) -> tuple[np.ndarray, np.ndarray]:
    """Return the threshold of each row, by the true values known at its time, and those after all true values.

    After a row that its interval has missed, a threshold rises by ``coverage * step``, and it falls by ``(1 - coverage)
    * step`` after each other row: online gradient descent on the pinball loss of the scores (Gibbs & Candès 2021,
    Adaptive conformal inference under distribution shift; Angelopoulos, Candès & Tibshirani 2023, Conformal PID control
    for time series prediction, proposition 1). With a fixed step, the share of covered rows converges to the coverage
    for any bounded scores. As in the second paper, the step follows the size of recent scores.

    Parameters
    ----------
    start : ndarray of shape (n_outputs, n_coverages)
        The thresholds before the first true value.
    size : ndarray of shape (n_outputs, n_coverages)
        The mean absolute score before the first true value.
    scores : ndarray of shape (n_rows, n_outputs, n_coverages)
        Scores of rows in the order of time; NaN where the true value is missing, which moves nothing.
    times : ndarray of shape (n_rows,)
        The time of each row as an integer, in ascending order.
    known_at : ndarray of shape (n_rows, n_outputs)
        The time from which on the true value is known, as an integer.
    coverages : sequence of float, of length n_coverages
        What the thresholds are to cover.

    Returns
    -------
    thresholds : ndarray of shape (n_rows, n_outputs, n_coverages)
    after : ndarray of shape (n_outputs, n_coverages)
    """
    different, codes = np.unique(times, return_inverse=True)
    thresholds, used = start, np.empty((len(different), *start.shape))
    misses = 1 - np.asarray(coverages)
    for i, (rows, outputs) in enumerate(_by_time(known_at, different, ~np.isnan(scores[..., 0]))):
        if len(rows):  # whose true values become known at this time
            found = scores[rows, outputs]
            is_missed = found > used[codes[rows], outputs]
            n_known = np.bincount(outputs, minlength=len(start))[:, np.newaxis]
            thresholds = thresholds + STEP_SIZE * size * _mean(is_missed - misses, outputs, n_known)
            size = size + np.minimum(n_known, 1) / MEMORY * (_mean(np.abs(found), outputs, n_known) - size)
        if i < len(different):
            used[i] = thresholds
    return used[codes], thresholds


def _by_time(known_at: np.ndarray, times: np.ndarray, is_known: np.ndarray):
    """Yield the rows and outputs whose true values become known until each time, and at the end those left."""
    rows, outputs = np.nonzero(is_known)
    due = np.searchsorted(times, known_at[rows, outputs])
    order = np.argsort(due, kind="stable")
    bounds = np.searchsorted(due[order], np.arange(len(times) + 1))
    for first, stop in zip(bounds, [*bounds[1:], len(order)], strict=True):
        chosen = order[first:stop]
        yield rows[chosen], outputs[chosen]


def _mean(values: np.ndarray, outputs: np.ndarray, n_known: np.ndarray) -> np.ndarray:
    """Return the mean of values by output; zero where there is none."""
    total = np.zeros((len(n_known), values.shape[1]))
    np.add.at(total, outputs, values)
    return total / np.maximum(n_known, 1)
