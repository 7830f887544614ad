"""Metrics for forecasts."""

from numbers import Integral

import numpy as np
from sklearn.metrics import mean_absolute_error
from sklearn.utils import check_array

from ._compat import Interval, StrOptions, validate_params

__all__ = ["mean_absolute_scaled_error"]


@validate_params(
    {
        "y_true": ["array-like"],
        "y_pred": ["array-like"],
        "y_train": ["array-like"],
        "season_length": [Interval(Integral, 1, None, closed="left")],
        "sample_weight": ["array-like", None],
        "multioutput": [StrOptions({"raw_values", "uniform_average"}), "array-like"],
    },
    prefer_skip_nested_validation=True,
)
def mean_absolute_scaled_error(
    y_true, y_pred, *, y_train, season_length=1, sample_weight=None, multioutput="uniform_average"
):
    """Mean absolute scaled error (MASE) regression loss.

    The mean absolute error, divided by that of the seasonal naive forecast, one season ahead, on the training
    series [1]_. It has no units, so that it can be averaged over series; below 1 a forecast is better than the
    naive one was on the training series.

    Parameters
    ----------
    y_true : array-like of shape (n_samples,) or (n_samples, n_outputs)
        Ground truth (correct) target values. Outputs are laid out as by :func:`~sklstm.to_supervised`: step 1
        of every target, step 2 of every target, and so on.

    y_pred : array-like of shape (n_samples,) or (n_samples, n_outputs)
        Estimated target values.

    y_train : array-like of shape (n_train,) or (n_train, n_targets)
        The training series of each target, oldest row first. Missing values are NaN.

    season_length : int, default=1
        Number of steps in a season.

    sample_weight : array-like of shape (n_samples,), default=None
        Sample weights.

    multioutput : {"raw_values", "uniform_average"} or array-like of shape (n_outputs,), default="uniform_average"
        Defines aggregating of multiple output values.
        Array-like value defines weights used to average errors.

        "raw_values" :
            Returns a full set of errors in case of multioutput input.

        "uniform_average" :
            Errors of all outputs are averaged with uniform weight.

    Returns
    -------
    loss : float or ndarray of shape (n_outputs,)
        MASE output is non-negative floating point. The best value is 0.0. One error for each output if
        ``multioutput="raw_values"``, their weighted average otherwise.

    Raises
    ------
    ValueError
        If `y_train` is not longer than `season_length`, if the naive forecast makes no error on it, such as on
        a constant series, or if the outputs cannot be steps of its targets.

    See Also
    --------
    sklstm.SeasonalNaive : The seasonal naive forecast as an estimator.
    sklearn.metrics.mean_absolute_error : The error that is scaled.

    References
    ----------
    .. [1] R. J. Hyndman and A. B. Koehler, "Another look at measures of forecast accuracy", International
       Journal of Forecasting 22(4), 2006.

    Examples
    --------
    >>> from sklstm.metrics import mean_absolute_scaled_error
    >>> mean_absolute_scaled_error([5.0, 6.0], [4.0, 6.0], y_train=[1.0, 3.0, 2.0, 4.0], season_length=2)
    0.5

    A scorer for a search:

    >>> from sklearn.metrics import make_scorer
    >>> from sklstm.datasets import load_airline
    >>> y_train = load_airline().data[:120]
    >>> scorer = make_scorer(
    ...     mean_absolute_scaled_error, y_train=y_train, season_length=12, greater_is_better=False
    ... )
    """
    errors = mean_absolute_error(y_true, y_pred, sample_weight=sample_weight, multioutput="raw_values")
    scale = _naive_error(y_train, season_length)
    if len(errors) % len(scale):
        raise ValueError(
            f"y_true has {len(errors)} output(s), which cannot be steps of the {len(scale)} target(s) of y_train."
        )
    scaled = errors.reshape(-1, len(scale)) / scale
    # The scaled errors as a sample of their own, for scikit-learn's checks and meaning of `multioutput`.
    row = scaled.reshape(1, -1)
    return mean_absolute_error(np.zeros_like(row), row, multioutput=multioutput)


def _naive_error(y_train, season_length: int) -> np.ndarray:
    """Return the mean absolute error of the seasonal naive forecast for each target of the training series."""
    series = check_array(
        y_train, dtype=np.float64, ensure_2d=False, ensure_all_finite="allow-nan", input_name="y_train"
    )
    series = series.reshape(len(series), -1)
    if len(series) <= season_length:
        raise ValueError(
            f"y_train has {len(series)} row(s), while more than season_length={season_length} are required."
        )
    errors = np.abs(series[season_length:] - series[:-season_length])
    if not np.nansum(errors, axis=0).all():
        raise ValueError(
            "mean_absolute_scaled_error is undefined, since the naive forecast makes no error on y_train: every target "
            f"must have values that are season_length={season_length} rows apart and differ."
        )
    return np.nanmean(errors, axis=0)
