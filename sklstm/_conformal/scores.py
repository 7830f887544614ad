"""Quantiles and p-values by conformity scores: the larger a score, the worse a row fits its prediction."""

from math import ceil

import numpy as np

ROUNDING = 1e-9  # so that 0.9 * 10 is 9


def rank_of_threshold(n_scores, coverage: float) -> np.ndarray:
    """Return which of so many scores, in ascending order and from 1 on, a new score exceeds with 1 - coverage at most.

    The score of a new row is equally likely to have each rank among the scores and itself, if rows are exchangeable
    (Vovk, Gammerman & Shafer 2005, section 2.3).
    """
    return np.maximum(np.ceil(coverage * (np.asarray(n_scores) + 1) - ROUNDING), 1).astype(int)


def least_scores(coverage: float) -> int:
    """Return the least number of scores that a threshold of this coverage needs."""
    return ceil(coverage / (1 - coverage) - ROUNDING)


def thresholds(scores: np.ndarray, coverage: float) -> np.ndarray:
    """Return for each column the score that a new one exceeds with probability 1 - coverage at most.

    Parameters
    ----------
    scores : ndarray of shape (n_samples, n_columns)
        Scores of calibration rows; NaN where there is none.
    coverage : float
        In the open interval (0, 1).

    Returns
    -------
    thresholds : ndarray of shape (n_columns,)
        Infinite where there are too few scores.
    """
    n_scores = (~np.isnan(scores)).sum(axis=0)
    beyond = np.full((1, scores.shape[1]), np.inf)  # in the place of the score of the new row, which may be any
    ordered = np.sort(np.concatenate([np.where(np.isnan(scores), np.inf, scores), beyond]), axis=0)
    return ordered[rank_of_threshold(n_scores, coverage) - 1, np.arange(scores.shape[1])]


def p_values(scores: np.ndarray, calibration_scores: np.ndarray) -> np.ndarray:
    """Return the probability that a row like the calibration rows has a score as large as each of some, or larger.

    Under exchangeability, a p-value is at most `alpha` with probability `alpha` at most (Vovk, Gammerman & Shafer
    2005, section 2.3). NaN where a score is NaN.
    """
    ordered = np.sort(calibration_scores)
    n_larger = len(ordered) - np.searchsorted(ordered, scores, side="left")
    return np.where(np.isnan(scores), np.nan, (n_larger + 1) / (len(ordered) + 1))
