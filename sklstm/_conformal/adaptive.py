"""Thresholds that follow the scores of rows as their truths come in."""

from collections.abc import Sequence
from itertools import pairwise

import numpy as np

STEP_SIZE = 0.1  # of a threshold, in units of the mean absolute score of the calibration rows


def step_sizes(scores: np.ndarray) -> np.ndarray:
    """Return by how much thresholds may move at a time, by the scores of calibration rows."""
    return STEP_SIZE * np.nanmean(np.abs(scores), axis=0)


def tracked(
    start: np.ndarray, sizes: np.ndarray, scores: np.ndarray, times: np.ndarray, coverages: Sequence[float], delays
) -> np.ndarray:
    """Return the thresholds at each time, and at the end those after the last truth.

    After each row that its interval has missed, a threshold rises by ``coverage * size``, and falls by ``(1 - coverage)
    * size`` after each other one: online gradient descent on the pinball loss of the scores. The share of rows that are
    covered then converges to the coverage for any bounded scores, whatever their distribution does (Angelopoulos,
    Candès & Tibshirani 2023, Conformal PID control for time series prediction, proposition 1, after Gibbs & Candès
    2021, Adaptive conformal inference under distribution shift).

    Parameters
    ----------
    start : ndarray of shape (n_outputs, n_coverages)
        The thresholds before the first truth.
    sizes : ndarray of shape (n_outputs, n_coverages)
        The sizes of steps.
    scores : ndarray of shape (n_rows, n_outputs, n_coverages)
        Scores of rows in the order of time; NaN where the truth is missing. Rows of one time count by their mean.
    times : ndarray of shape (n_rows,)
        The time of each row as an integer, in ascending order.
    coverages : sequence of float, of length n_coverages
        What the thresholds are to cover.
    delays : array-like of int, of shape (n_outputs,)
        How long after a row the truth of each output is known.

    Returns
    -------
    thresholds : ndarray of shape (n_times + 1, n_outputs, n_coverages)
    """
    different, firsts = np.unique(times, return_index=True)
    n_known = np.searchsorted(different, different[:, np.newaxis] - np.asarray(delays), side="right")
    outputs, aims = np.arange(start.shape[0]), 1 - np.asarray(coverages)
    after = np.empty((len(different) + 1, *start.shape))  # so many times whose truths are known
    after[0] = start
    used = np.empty_like(after)
    for i, (first, stop) in enumerate(pairwise([*firsts, len(scores)])):
        of_time = scores[first:stop]
        used[i] = after[n_known[i], outputs]
        missed = np.where(np.isnan(of_time), aims, of_time > used[i])  # a missing truth moves nothing
        after[i + 1] = after[i] + sizes * (missed.mean(axis=0) - aims)
    used[-1] = after[-1]
    return used
