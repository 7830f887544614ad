"""Metrics of prediction intervals."""

from numbers import Real

import numpy as np

from .._compat import Interval, StrOptions, validate_params
from ._averages import (
    average_outputs,
    average_rows,
    check_last_axis,
    check_outputs,
    check_present,
    check_same_outputs,
)

COMMON = {
    "y_interval": ["array-like"],
    "sample_weight": ["array-like", None],
    "multioutput": [StrOptions({"raw_values", "uniform_average"}), "array-like"],
}


@validate_params({"y_true": ["array-like"]} | COMMON, prefer_skip_nested_validation=True)
def interval_coverage(y_true, y_interval, *, sample_weight=None, multioutput="uniform_average"):
    """Compute the fraction of true values inside their prediction intervals.

    This is also known as prediction interval coverage probability (PICP). It should be close to the nominal coverage of
    the intervals.

    Parameters
    ----------
    y_true : array-like of shape (n_samples,) or (n_samples, n_outputs)
        Ground truth (correct) target values. Missing values (NaN) do not count.

    y_interval : array-like of shape (n_samples, n_outputs, 2) or (n_samples, 2)
        Lower and upper end of each interval. Both belong to the interval, and may be infinite. A 2-D array or a
        DataFrame has the intervals of one output.

    sample_weight : array-like of shape (n_samples,), default=None
        Sample weights.

    multioutput : {"raw_values", "uniform_average"} or array-like of shape (n_outputs,), default="uniform_average"
        Defines aggregating of multiple output values.
        Array-like value defines weights used to average the coverage of outputs.

        "raw_values" :
            Returns the coverage of each output.

        "uniform_average" :
            The coverage of all outputs is averaged with uniform weight.

    Returns
    -------
    coverage : float or ndarray of shape (n_outputs,)
        The coverage, from 0 to 1. One for each output if ``multioutput="raw_values"``, their weighted average
        otherwise.

    Raises
    ------
    ValueError
        If shapes do not fit, a lower end is above the upper end, an interval is NaN where the true value is known, or
        an output has no true value with a weight.

    See Also
    --------
    interval_width : Mean width of the intervals.
    interval_score : Coverage and width in one loss.
    sklstm.plotting.BacktestDisplay : The coverage by step ahead and over time.

    Examples
    --------
    >>> from sklstm.metrics import interval_coverage
    >>> interval_coverage([1.0, 2.0, 3.0, 4.0], [[0, 2], [2, 4], [4, 5], [3, 6]])
    0.75

    The coverage of a backtest, from its columns:

    >>> import pandas as pd
    >>> result = pd.DataFrame({"truth": [5.0, 6.0], "lower_80": [4.0, 4.0], "upper_80": [7.0, 5.0]})
    >>> interval_coverage(result["truth"], result[["lower_80", "upper_80"]])
    0.5
    """
    y_true, lower, upper, counts = _check_intervals(y_true, y_interval)
    inside = (lower <= y_true) & (y_true <= upper)
    return average_outputs(average_rows(inside.astype(float), counts, sample_weight), multioutput)


@validate_params(COMMON, prefer_skip_nested_validation=True)
def interval_width(y_interval, *, sample_weight=None, multioutput="uniform_average"):
    """Compute the mean width of prediction intervals.

    Of two models with the same coverage, the one with narrower intervals is more informative.

    Parameters
    ----------
    y_interval : array-like of shape (n_samples, n_outputs, 2) or (n_samples, 2)
        Lower and upper end of each interval. The mean width is infinite if any end is infinite. A 2-D array or a
        DataFrame has the intervals of one output.

    sample_weight : array-like of shape (n_samples,), default=None
        Sample weights.

    multioutput : {"raw_values", "uniform_average"} or array-like of shape (n_outputs,), default="uniform_average"
        Defines aggregating of multiple output values.
        Array-like value defines weights used to average widths.

        "raw_values" :
            Returns the mean width of each output.

        "uniform_average" :
            Widths of all outputs are averaged with uniform weight.

    Returns
    -------
    width : float or ndarray of shape (n_outputs,)
        The width, in the units of the target. One for each output if ``multioutput="raw_values"``, their weighted
        average otherwise.

    Raises
    ------
    ValueError
        If the shape does not fit, a lower end is above the upper end, an interval is NaN, or no row has a weight.

    See Also
    --------
    interval_coverage : Fraction of true values inside the intervals.
    interval_score : Coverage and width in one loss.

    Examples
    --------
    >>> from sklstm.metrics import interval_width
    >>> interval_width([[0, 2], [2, 5], [4, 5]])
    2.0
    """
    ends = check_last_axis(y_interval, 2, "y_interval", "lower and upper end")
    counts = np.ones(ends.shape[:2], dtype=bool)
    lower, upper = _check_ends(ends, counts)
    return average_outputs(average_rows(_widths(lower, upper), counts, sample_weight), multioutput)


@validate_params(
    {"y_true": ["array-like"], "coverage": [Interval(Real, 0, 1, closed="neither")]} | COMMON,
    prefer_skip_nested_validation=True,
)
def interval_score(y_true, y_interval, *, coverage, sample_weight=None, multioutput="uniform_average"):
    """Compute the interval score (Winkler score), a loss of prediction intervals.

    The score is the width of the interval, plus a penalty for a true value outside: ``2 / (1 - coverage)`` times the
    distance between both. The expected score is smallest for the interval between the quantiles ``(1 - coverage) / 2``
    and ``(1 + coverage) / 2`` of the true distribution [1]_ [2]_.

    Parameters
    ----------
    y_true : array-like of shape (n_samples,) or (n_samples, n_outputs)
        Ground truth (correct) target values. Missing values (NaN) do not count.

    y_interval : array-like of shape (n_samples, n_outputs, 2) or (n_samples, 2)
        Lower and upper end of each interval. A 2-D array or a DataFrame has the intervals of one output.

    coverage : float
        The nominal coverage of the intervals, between 0 and 1.

    sample_weight : array-like of shape (n_samples,), default=None
        Sample weights.

    multioutput : {"raw_values", "uniform_average"} or array-like of shape (n_outputs,), default="uniform_average"
        Defines aggregating of multiple output values.
        Array-like value defines weights used to average losses.

        "raw_values" :
            Returns the loss of each output.

        "uniform_average" :
            Losses of all outputs are averaged with uniform weight.

    Returns
    -------
    loss : float or ndarray of shape (n_outputs,)
        Non-negative, in the units of the target. The best value is 0.0. One loss for each output if
        ``multioutput="raw_values"``, their weighted average otherwise. Infinite if an interval is infinite.

    Raises
    ------
    ValueError
        If shapes do not fit, `coverage` is not between 0 and 1, a lower end is above the upper end, an interval is NaN
        where the true value is known, or an output has no true value with a weight.

    See Also
    --------
    make_interval_scorer : A scorer for searches and cross-validation.
    continuous_ranked_probability_score : The loss of many quantiles.
    sklearn.metrics.mean_pinball_loss : The loss of one quantile.

    References
    ----------
    .. [1] R. L. Winkler, "A decision-theoretic approach to interval estimation", Journal of the American Statistical
       Association 67(337), 1972.
    .. [2] T. Gneiting and A. E. Raftery, "Strictly proper scoring rules, prediction, and estimation", Journal of the
       American Statistical Association 102(477), 2007, section 6.2.

    Examples
    --------
    The first value is inside its interval of width 2. The second one is 1 above an interval of the same width:

    >>> from sklstm.metrics import interval_score
    >>> interval_score([1.0, 5.0], [[0, 2], [2, 4]], coverage=0.5)  # the mean of 2 and 2 + 2 / 0.5 * 1
    4.0
    """
    y_true, lower, upper, counts = _check_intervals(y_true, y_interval)
    misses = np.maximum(lower - y_true, 0) + np.maximum(y_true - upper, 0)
    scores = _widths(lower, upper) + 2 / (1 - coverage) * misses
    return average_outputs(average_rows(scores, counts, sample_weight), multioutput)


def _check_intervals(y_true, y_interval) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Return true values, lower and upper ends, and which of them count, each of shape ``(n_samples, n_outputs)``."""
    y_true = check_outputs(y_true, "y_true", missing=True)
    ends = check_last_axis(y_interval, 2, "y_interval", "lower and upper end")
    check_same_outputs(y_true, ends, "y_interval")
    counts = ~np.isnan(y_true)
    return y_true, *_check_ends(ends, counts), counts


def _check_ends(ends: np.ndarray, counts: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the lower and the upper ends, in order wherever they count."""
    check_present(ends, counts, "y_interval")
    lower, upper = ends[..., 0], ends[..., 1]
    crossed = (lower > upper) & counts
    if crossed.any():
        row, output = np.argwhere(crossed)[0]
        raise ValueError(
            f"y_interval must have the lower end before the upper end, but has {lower[row, output]:g} and "
            f"{upper[row, output]:g} in row {row}."
        )
    return lower, upper


def _widths(lower: np.ndarray, upper: np.ndarray) -> np.ndarray:
    with np.errstate(invalid="ignore"):  # of both ends at the same infinity
        return np.where(lower == upper, 0, upper - lower)
