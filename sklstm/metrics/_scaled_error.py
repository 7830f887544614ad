"""Errors of forecasts relative to the errors of the seasonal naive forecast."""

from collections.abc import Iterator
from numbers import Integral

import numpy as np
from sklearn.metrics import mean_absolute_error
from sklearn.utils import check_array, check_consistent_length, column_or_1d

from .._compat import Interval, StrOptions, validate_params
from .._windows.panel import Panel, factorize


@validate_params(
    {
        "y_true": ["array-like"],
        "y_pred": ["array-like"],
        "y_train": ["array-like"],
        "season_length": [Interval(Integral, 1, None, closed="left")],
        "groups": ["array-like", None],
        "groups_train": ["array-like", None],
        "sample_weight": ["array-like", None],
        "multioutput": [StrOptions({"raw_values", "uniform_average"}), "array-like"],
    },
    prefer_skip_nested_validation=True,
)
def mean_absolute_scaled_error(
    y_true,
    y_pred,
    *,
    y_train,
    season_length=1,
    groups=None,
    groups_train=None,
    sample_weight=None,
    multioutput="uniform_average",
):
    """Compute the mean absolute scaled error (MASE).

    The MASE is the mean absolute error, divided by the mean absolute error of the seasonal naive forecast, one season
    ahead, on the training series [1]_. It has no units, so it can be averaged over series. A value below 1 means that
    the forecast is better than the naive forecast was on the training series.

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

    groups : array-like of shape (n_samples,), default=None
        The series of each row of `y_true`, if there are several. The loss is then the mean loss of these series, each
        scaled by its own training series.

    groups_train : array-like of shape (n_train,), default=None
        The series of each row of `y_train`. The rows of a series are in the order of time.

    sample_weight : array-like of shape (n_samples,), default=None
        Sample weights. With several series, they weight the rows within each series. A series whose weights are all
        zero is ignored.

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
        a constant series, or if the outputs cannot be steps of its targets. For several series, also if only one of
        `groups` and `groups_train` is given, or if a series is not in `y_train`.

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

    Two series, with errors of 1 and 1, and errors of the naive forecast of 2 and 1:

    >>> mean_absolute_scaled_error(
    ...     [5.0, 6.0], [4.0, 5.0], y_train=[1.0, 3.0, 1.0, 2.0], groups=["a", "b"], groups_train=["a", "a", "b", "b"]
    ... )
    0.75

    A scorer for a search:

    >>> from sklearn.metrics import make_scorer
    >>> from sklstm.datasets import load_airline
    >>> y_train = load_airline().data[:120]
    >>> scorer = make_scorer(
    ...     mean_absolute_scaled_error, y_train=y_train, season_length=12, greater_is_better=False
    ... )
    """
    if groups is None and groups_train is None:
        scaled = _scaled_errors(y_true, y_pred, y_train, season_length, sample_weight)
    else:
        parts = _by_series(y_true, y_pred, y_train, groups, groups_train, sample_weight)
        scaled = np.mean([_errors_of_series(*part, season_length) for part in parts], axis=0)
    # The scaled errors as a sample of their own, for scikit-learn's checks and meaning of `multioutput`.
    row = scaled.reshape(1, -1)
    return mean_absolute_error(np.zeros_like(row), row, multioutput=multioutput)


def _by_series(y_true, y_pred, y_train, groups, groups_train, sample_weight) -> Iterator[tuple]:
    """Yield the id, true values, predictions, training rows and weights of each series that has any weight."""
    if groups is None or groups_train is None:
        raise ValueError("groups and groups_train must be given together, or neither.")
    check_consistent_length(y_true, y_pred, groups, sample_weight)
    check_consistent_length(y_train, groups_train)
    y_true, y_pred, y_train = (np.asarray(values) for values in (y_true, y_pred, y_train))
    weight = np.ones(len(y_true)) if sample_weight is None else np.asarray(sample_weight)
    training = _rows_of_series(groups_train, "groups_train")
    rows_of_series = {id_: rows for id_, rows in _rows_of_series(groups, "groups").items() if weight[rows].any()}
    if not rows_of_series:
        raise ValueError("sample_weight must be positive for some row.")
    for id_, rows in rows_of_series.items():
        if id_ not in training:
            raise ValueError(
                f"Series {id_!r} of groups is not in groups_train, so its errors have no scale. Leave its rows out, or "
                "pass rows of it in y_train and groups_train."
            )
        yield id_, y_true[rows], y_pred[rows], y_train[training[id_]], weight[rows]


def _errors_of_series(id_, y_true, y_pred, y_train, sample_weight, season_length: int) -> np.ndarray:
    """Return the errors of a series as `_scaled_errors` does, with its id in the message of an error."""
    try:
        return _scaled_errors(y_true, y_pred, y_train, season_length, sample_weight)
    except ValueError as error:
        raise ValueError(f"Series {id_!r}: {error}") from error


def _rows_of_series(groups, name: str) -> dict:
    """Return the rows of each series, by its id."""
    codes, ids = factorize(column_or_1d(groups))
    if (codes < 0).any():
        raise ValueError(f"{name} has {int((codes < 0).sum())} row(s) without an id.")
    panel = Panel(codes, ids)
    return dict(zip(ids.tolist(), np.split(panel.order, panel.starts[1:]), strict=True))


def _scaled_errors(y_true, y_pred, y_train, season_length: int, sample_weight) -> np.ndarray:
    """Return the error of each output, in units of the error of the naive forecast of its target."""
    errors = mean_absolute_error(y_true, y_pred, sample_weight=sample_weight, multioutput="raw_values")
    scale = _naive_error(y_train, season_length)
    if len(errors) % len(scale):
        raise ValueError(
            f"y_true has {len(errors)} output(s), which cannot be steps of the {len(scale)} target(s) of y_train."
        )
    return (errors.reshape(-1, len(scale)) / scale).ravel()


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
