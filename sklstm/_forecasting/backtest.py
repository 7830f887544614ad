"""Backtests: the forecasts of the past that a model would have made at the time."""

import warnings
from collections.abc import Callable
from numbers import Integral
from typing import Any, NamedTuple

import numpy as np
from sklearn.base import clone
from sklearn.utils import Bunch, gen_batches
from sklearn.utils.validation import check_is_fitted

from .._compat import HasMethods, Interval, validate_params
from .._validation import check_numeric
from .._windows.long_table import one_series
from .._windows.tables import as_given, as_table, is_pandas, other_columns, take, target_columns, with_columns
from .._windows.time_index import time_index, warn_of_gaps
from .future import check_future, futures_by_origin, missing_future, warn_of_unused_future
from .intervals import as_it_is_now, checked_coverages, ends_by_name, interval_model, point_model
from .known import KnownColumns, fitted_known_columns, known_columns
from .panel_backtest import backtest_panel
from .prediction import groups_of, last_prediction, predict_steps, receptive_field
from .recursion import forecast_steps
from .refits import Forecasts, Schedule, fit_where_known, in_parallel, rolling_origins
from .supervised import to_supervised
from .targets import predicted_columns


@validate_params(
    {
        "model": [HasMethods(["fit", "predict"])],
        "horizon": [Interval(Integral, 1, None, closed="left")],
        "first_origin": [Interval(Integral, 0, None, closed="left"), None],
        "stride": [Interval(Integral, 1, None, closed="left")],
        "refit_every": [Interval(Integral, 1, None, closed="left"), None],
        "max_train_size": [Interval(Integral, 1, None, closed="left"), None],
        "n_jobs": [Integral, None],
        "verbose": ["verbose"],
    },
    prefer_skip_nested_validation=False,  # the model's own parameters are yet to be validated
)
def backtest(
    model,
    series,
    horizon=1,
    *,
    target=None,
    known=None,
    future=None,
    first_origin=None,
    stride=1,
    refit_every=None,
    max_train_size=None,
    coverage=None,
    n_jobs=None,
    verbose=0,
):
    """Forecast a known series from a rolling origin, and return forecasts and true values.

    The forecast from an origin uses only the rows up to the origin [1]_. With `refit_every`, this also holds for
    training.

    Parameters
    ----------
    model : regressor or pipeline
        Any model that returns a prediction for each row, as in :func:`forecast`. If `refit_every` is None, it must be
        fitted and is used as it is. Otherwise, it is cloned.

    series : array-like, pandas or polars object of shape (n_samples,) or (n_samples, n_features)
        The series, oldest row first, with the columns in the fit of the model. A 1-D series counts as one column.

    horizon : int, default=1
        Number of steps to forecast from each origin.

    target : str or int, or list of them, default=None
        The columns that the model predicts, as in :func:`to_supervised`. If None, all columns with `refit_every`;
        otherwise, they are inferred from the model, as in :func:`forecast`.

    known : str or int, list of them, or dict, default=None
        The columns known ahead, as in :func:`to_supervised`. If None, no columns with `refit_every`; otherwise, they
        are inferred from the model, as in :func:`forecast`.

    future : callable, DataFrame or array, default=None
        The values known ahead at each origin, such as the weather forecast of that day. A callable takes the origin, a
        label or position as in `result`, and returns the `future` of :func:`forecast`. A DataFrame of pandas has an
        index of two levels, the origin and the label of the row. An array has the shape (n_origins, n_future,
        n_columns). If None, the true values of the series are used.

    first_origin : int, default=None
        Position of the first origin. An origin needs `horizon` rows after it, with columns known ahead whole blocks of
        the model's own horizon, and, with `refit_every`, at least `horizon` rows before it. If None, the first origin
        is in the middle of the possible ones. Without `refit_every`, choose the last training row or a later one, since
        errors on training rows are too small.

    stride : int, default=1
        Number of rows from one origin to the next.

    refit_every : int, default=None
        Number of origins per fit. At the first origin and every `refit_every`-th one after it, a clone of the model is
        fitted on the result of :func:`to_supervised` for the rows up to that origin. It predicts all steps of `horizon`
        at once. If None, the model is not fitted.

    max_train_size : int, default=None
        Maximum number of training rows, which are the latest ones. If None, all rows. Only with `refit_every`.

    coverage : float or sequence of float, default=None
        Probability that an interval contains the true value, or several probabilities, in the open interval (0, 1).
        Only for :class:`ConformalForecaster`. If it is adaptive, the intervals from an origin use the true values up to
        the origin. With `refit_every`, each fit is calibrated anew and adapts from there. If None, no intervals are
        returned.

    n_jobs : int, default=None
        Number of fits, or of recursive forecasts, to run in parallel. ``None`` means 1 unless in a
        :obj:`joblib.parallel_backend` context, ``-1`` means all processors.

    verbose : int, default=0
        Verbosity of joblib's progress messages.

    Returns
    -------
    result : DataFrame of shape (n_forecasts, n_columns) or :class:`~sklearn.utils.Bunch`
        A row for each origin, series, step and target, in this order. A DataFrame of the same library if `series`
        is a pandas or polars object, otherwise a Bunch of arrays, with these columns.

        the name of `groups`, or ``series``
            The identifier of the series; only for a model of several series.
        origin
            Label of the origin in the index of a pandas object, otherwise its position.
        step : int
            Number of steps from the origin to the row, from 1 to `horizon`.
        target
            Name or position of the column; only if there are several targets.
        truth : float
            The true value, NaN where it is missing.
        prediction : float
            The forecast.
        lower_80, upper_80 : float
            The bounds of the prediction interval for each coverage, here 0.8.

    Raises
    ------
    NotFittedError
        If `refit_every` is None and the model is not fitted.
    ValueError
        If the series is too short for `horizon`, or `first_origin` is out of range, or the series, the model or
        `coverage` is invalid as in :func:`forecast`.

    Warns
    -----
    UserWarning
        If the times of the series have no regular step, as in :func:`to_supervised`.

    See Also
    --------
    forecast : Forecasts beyond the end of a series.
    sklearn.model_selection.TimeSeriesSplit : Splits for cross-validation, with one fit per split.

    Notes
    -----
    If the model predicts at least `horizon` steps at once, a single call of `predict` per fit predicts from all
    origins. This requires predictions that do not depend on later rows, as given if :class:`SlidingWindow` directly
    precedes the regressor and only scikit-learn's scalers precede the windows. For other models, the prediction from
    the first origin is compared with the prediction from the rows up to it. If they differ, the model predicts from
    each origin separately.

    For a model of several series, with `groups` of :class:`SlidingWindow`, origins are times instead of rows.
    Positions, sizes and strides count the different times of the table. From each origin, the model forecasts the
    series that have a row at this time and enough rows after it.

    With `refit_every`, the regressor is not trained on rows with missing targets. The transformers of a pipeline see
    these rows, since windows need all rows. :class:`~sklearn.compose.TransformedTargetRegressor` does not accept
    missing targets, so place it after the windows:
    ``make_pipeline(SlidingWindow(), TransformedTargetRegressor(LSTMForecaster(), ...))``.

    A model that predicts fewer steps forecasts recursively, as in :func:`forecast`. `future` must then have all columns
    that the model does not predict; otherwise, only the columns known ahead. Without `future`, the true values are
    used. They are correct for a calendar, but too optimistic for columns that are only forecast, such as the weather.
    Training uses true values in all cases.

    References
    ----------
    .. [1] L. J. Tashman, "Out-of-sample tests of forecasting accuracy: an analysis and review", International
       Journal of Forecasting 16(4), 2000.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.linear_model import LinearRegression
    >>> from sklstm import backtest
    >>> result = backtest(LinearRegression(), np.arange(10.0), horizon=2, first_origin=6, refit_every=1)
    >>> result.origin
    array([6, 6, 7, 7])
    >>> result.truth
    array([7., 8., 8., 9.])
    >>> result.prediction.round(6)
    array([7., 8., 8., 9.])
    """
    coverages, model = checked_coverages(model, coverage), as_it_is_now(model)
    schedule = Schedule(first_origin, stride, refit_every, max_train_size, n_jobs, verbose)
    groups = groups_of(model)
    if groups is not None:
        chosen = {"target": target, "known": known, "groups": groups}
        return as_given(backtest_panel(model, series, horizon, schedule, chosen, future, coverages), series)
    table = as_table(series, "series")
    warn_of_gaps(table, "series")
    forecasts = roll(model, table, horizon, schedule, future, coverages, target=target, known=known)
    return as_given(_as_result(table, forecasts, coverages), series)


def roll(
    model, table, horizon: int, schedule: Schedule, future=None, coverages=(), *, target=None, known=None
) -> Forecasts:
    """Return the forecasts of one series from its origins; see `backtest`."""
    refits = schedule.refit_every is not None
    if refits:
        columns = target_columns(one_series(table).names, target)
        ahead = known_columns(one_series(table), known, horizon, columns)
    else:
        check_is_fitted(model)
        columns = predicted_columns(model, one_series(table), target, "series")
        ahead = fitted_known_columns(model, one_series(table), known, columns)
    n_behind = ahead.n_rows_of_future(horizon)
    origins = rolling_origins(len(table), horizon, n_behind, schedule.first_origin, schedule.stride, refit=refits)
    ahead.check_history(origins[0] + 1, "The series up to first_origin")
    values = check_numeric(take(table, columns=columns), name="series", estimator=None)
    known_at = futures_by_origin(future, table.index if is_pandas(table) else range(len(table)), origins)
    history, has_times = table, time_index(table) is not None
    if is_pandas(table) and not has_times:
        history = table.reset_index(drop=True)  # pandas 2 slices rows by label where labels are floats
    truth = values[origins[:, np.newaxis] + np.arange(1, horizon + 1)]
    task = Task(history, has_times, columns, ahead, known_at, horizon, coverages)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "The index of")  # is irregular: said once, and not for each origin
        if not refits:
            found = [_forecast_from(origins, truth, model, task, n_jobs=schedule.n_jobs, verbose=schedule.verbose)]
        else:
            calls = (
                (origins[batch], truth[batch], clone(model), task, target, known, schedule.max_train_size)
                for batch in gen_batches(len(origins), schedule.refit_every)
            )
            found = in_parallel(_fit_and_forecast, calls, n_jobs=schedule.n_jobs, verbose=schedule.verbose)
    return Forecasts.joined(found, columns)


class Task(NamedTuple):
    """What a backtest is to forecast, besides the model and the origins."""

    table: Any
    has_times: bool  # or else its index numbers the rows
    columns: list[int]  # to forecast
    ahead: KnownColumns
    known_at: Callable | None  # what was known ahead at an origin, if not the true values
    horizon: int
    coverages: tuple[float, ...]


def _fit_and_forecast(
    origins, truth: np.ndarray, model, task: Task, target, known, max_train_size: int | None
) -> Forecasts:
    """Fit a model on the rows up to the first origin, and return its forecasts from all of them."""
    end = origins[0] + 1
    start = 0 if max_train_size is None else max(0, end - task.horizon - task.ahead.longest_lag - max_train_size)
    fit_where_known(model, *to_supervised(take(task.table, start, end), task.horizon, target=target, known=known))
    return _forecast_from(origins, truth, model, task)


def _forecast_from(origins, truth: np.ndarray, model, task: Task, **parallel) -> Forecasts:
    """Return a fitted model's forecasts from each origin, and their intervals if any are asked for."""
    predictions = _predict_from(origins, point_model(model), task, **parallel)
    intervals = None
    if task.coverages:
        of_intervals, known_at = interval_model(model), origins[:, np.newaxis] + np.arange(1, task.horizon + 1)
        basis = _basis_at_origins(origins, of_intervals, task, predictions)
        intervals = of_intervals._step_intervals(basis, predictions, task.coverages, truth, origins, known_at)
    return Forecasts(origins, truth, predictions, intervals)


def _basis_at_origins(origins, model, task: Task, predictions: np.ndarray) -> Any:
    """Return what intervals of the steps after origins are made of."""
    table, columns, ahead = task.table, task.columns, task.ahead
    if not model._needs_rows or (receptive_field(model) is not None and (task.known_at is None or not ahead.positions)):
        first = ahead.longest_lag
        rows = take(ahead.added_to(table), first, origins[-1] + 1)
        basis = model._basis(rows, origins - first, predictions)
        if not callable(model._scale):
            return basis
        alone = model._basis(take(rows, 0, origins[0] + 1 - first), origins[:1] - first, predictions[:1])
        if np.allclose(alone.scale, basis.scale[:1]):  # or else it depends on later rows
            return basis
    rows = (
        ahead.split(take(table, 0, origin + 1), columns, _rows_to_come(origin, task))[0] for origin in origins.tolist()
    )
    return model._joined([model._basis(X, np.array([len(X) - 1])) for X in rows])


def _predict_from(origins, model, task: Task, *, n_jobs=None, verbose=0) -> np.ndarray:
    """Return a fitted model's predictions from each origin, of shape ``(n_origins, horizon, n_targets)``."""
    table, _, columns, ahead, known_at, horizon, _ = task
    n_rows = receptive_field(model)
    starts = np.zeros_like(origins) if n_rows is None else np.maximum(origins + 1 - n_rows - ahead.longest_lag, 0)
    if known_at is None or not ahead.positions:
        first = max(starts[0], ahead.longest_lag)
        rows = take(ahead.added_to(table), first, origins[-1] + 1)
        steps = predict_steps(model, rows, len(columns))[origins - first]
        ahead.check_block(steps.shape[1])
        is_direct, steps = steps.shape[1] >= horizon, steps[:, :horizon]
        if is_direct and known_at is not None:
            warn_of_unused_future(horizon)
        if is_direct and (n_rows is not None or _looks_back_only(model, take(rows, 0, origins[0] + 1 - first), steps)):
            return steps
    calls = (
        (model, take(table, start, origin + 1), columns, ahead, _rows_to_come(origin, task), horizon)
        for start, origin in zip(starts, origins, strict=True)
    )
    forecasts = in_parallel(forecast_steps, calls, n_jobs=n_jobs, verbose=verbose)
    return np.stack(forecasts)


def _rows_to_come(origin: int, task: Task) -> Any:
    """Return the columns that are not predicted for the rows after an origin, as they were known then or are."""
    table, has_times, columns, ahead, known_at, horizon, _ = task
    others, n_rows = other_columns(table, columns), ahead.n_rows_of_future(horizon)
    rows = take(table, origin + 1, origin + 1 + n_rows, others)
    if known_at is None:
        return rows
    needed = ahead.needed(others, horizon)
    labels = rows.index if is_pandas(table) else None
    given = known_at(origin)
    if given is None:
        raise missing_future(one_series(table), needed, n_rows)
    given = check_future(table, needed, given, n_rows, labels, by_label=has_times)
    ahead.check_future(given, needed)
    return with_columns(rows, [others.index(column) for column in needed], given)


def _looks_back_only(model, history, steps: np.ndarray) -> bool:
    """Return whether the first prediction, made beside later ones, is that from the history alone."""
    first = last_prediction(model, history, steps.shape[2])[: steps.shape[1]]
    # Other packages' networks round in float32, by what else is in a batch.
    return np.allclose(first, steps[0], rtol=1e-6, atol=1e-5 * np.ptp(steps, axis=0), equal_nan=True)


def _as_result(table, forecasts: Forecasts, coverages) -> Any:
    """Return a row for each origin, step and target, as a DataFrame or a Bunch like the table."""
    columns, steps = forecasts.columns, np.arange(1, forecasts.truth.shape[1] + 1)
    axes = np.meshgrid(forecasts.origins, steps, columns, indexing="ij")
    origin, step, column = (axis.ravel() for axis in axes)
    if is_pandas(table):
        origin, column = table.index[origin], table.columns[column]
    result = {"origin": origin, "step": step}
    if len(columns) > 1:
        result["target"] = column
    result |= {"truth": forecasts.truth.ravel(), "prediction": forecasts.predictions.ravel()}
    result |= ends_by_name(forecasts.intervals, coverages)
    if not is_pandas(table):
        return Bunch(**result)

    import pandas as pd

    return pd.DataFrame(result)
