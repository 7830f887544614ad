"""Forecasts of the steps that follow a series."""

from collections.abc import Callable
from functools import partial
from numbers import Integral
from typing import Any, NamedTuple

import numpy as np
from sklearn.utils import check_random_state, check_scalar

from .._windows.long_table import one_series
from .._windows.tables import as_given, as_pandas, as_table, frame, is_pandas, other_columns
from .._windows.time_index import time_index, warn_of_gaps
from .future import check_future, missing_future, warn_of_unused_future, with_all_columns, with_continued_index
from .intervals import as_it_is_now, beside, checked_coverages, interval_model, names_beside, point_model
from .known import fitted_known_columns
from .panels import forecast_panel
from .prediction import groups_of, last_prediction
from .recursion import recursion
from .targets import predicted_columns


class Outlook(NamedTuple):
    """Forecasts, what the model has read at their origins, and how to make a table of them."""

    points: np.ndarray  # (n_series, steps, n_targets)
    X: Any
    rows: np.ndarray  # (n_series,) of the origins in X
    names: Any  # (n_targets,)
    as_table: Callable[[np.ndarray, list], Any]  # from rows of all series and the names of their columns


def forecast(model, history, steps, *, target=None, known=None, future=None, coverage=None, verbose=0):
    """Forecast the steps that follow a series.

    The model predicts a block of steps from the end of the series: as many steps as it was fitted to predict at once,
    which is the `horizon` of :func:`to_supervised`. If more steps are needed, the block is appended to the series, and
    the model predicts the next one. So a model with ``horizon=1`` forecasts recursively, step by step. A model of
    several series, by `groups` of :class:`SlidingWindow`, forecasts all of them.

    Parameters
    ----------
    model : fitted regressor or pipeline
        Any model that returns a prediction for each row, fitted on the ``X`` and ``y`` of :func:`to_supervised`.

    history : array-like, pandas or polars object of shape (n_samples,) or (n_samples, n_features)
        The series so far, oldest row first, with the columns that the model was fitted on.

    steps : int
        How many steps to forecast.

    target : str or int, or list of them, default=None
        The columns that the model predicts, as in :func:`to_supervised`. If None, they are the only column, those of
        the names that :class:`LSTMForecaster` or :class:`SeasonalNaive` saw in ``y``, or the features that
        `SeasonalNaive` repeats.

    known : str or int, list of them, or dict, default=None
        The columns known ahead, as in :func:`to_supervised`. If None, they follow from the names of the features that
        the model was fitted on; a model that was fitted on an array has no names.

    future : array-like or DataFrame of shape (n_future, n_columns), default=None
        The next values of the columns that are known ahead; if `steps` exceeds what the model predicts at once, those
        of all columns that it does not predict. With columns known ahead the rows reach to the end of the last block of
        steps: a model that was fitted for ``horizon=24`` needs 24 rows for one to 24 steps, and 48 for 25. Rows
        and columns of an array are in order, from the first step to come on. Those of a DataFrame are found by name,
        and by label if `history` has an index of times. If this index has no frequency, such as one of working days,
        the rows are those after the end of `history`, and the forecast has their labels. For several series, rows are
        found by id, too.

    coverage : float or sequence of float, default=None
        The probability that an interval holds the truth, or several, each in the open interval (0, 1). Only for
        :class:`ConformalForecaster`. If None, there are no intervals.

    verbose : int, default=0
        Verbosity of joblib on the progress, block by block; for forecasts of many blocks.

    Returns
    -------
    predictions : ndarray or DataFrame of shape (steps, n_targets) or (steps, n_targets * (1 + 2 * n_coverages))
        The forecast in the units of the series. A DataFrame of the same library if `history` is a pandas or polars
        object. An index of pandas continues that of `history` if it has integers, periods, or dates or durations with a
        frequency. Several series follow each other, with `steps` rows each, and with the ids in the first column or in
        the level of the index. With `coverage`, the lower and the upper bounds of the intervals follow each column,
        coverage by coverage. In a DataFrame they are called ``sales_lower_80`` and ``sales_upper_80``.

    Raises
    ------
    ValueError
        If nothing tells which of several columns are predicted or known ahead, or the model was fitted with others. If
        `future` is needed and missing, lacks rows, columns or values known ahead, or is given although all columns are
        predicted. If the model's outputs cannot be steps of the targets, or the history is no longer than a lag, or
        `history` or `future` are invalid as in :func:`to_supervised`. If `coverage` is given, and the model gives no
        intervals, or none so many steps ahead or of that coverage.

    Warns
    -----
    UserWarning
        If `future` has no effect, since the model predicts all steps at once. If windows are shorter than the horizon
        of columns known ahead, so that they lack the values of the first steps. If the times of `history` have no
        regular step, as in :func:`to_supervised`.

    See Also
    --------
    to_supervised : Makes what the model is fitted on.
    sample_paths : Draws paths of the steps to come.

    Notes
    -----
    A value of a column that is known ahead acts on the step of its own time, such as a promotion on the sales of the
    same day. Other columns of `future` are what becomes known at their time, as the rows of `history` are, and act on
    the steps after it.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.linear_model import LinearRegression
    >>> from sklstm import forecast, to_supervised
    >>> series = np.arange(10.0)
    >>> model = LinearRegression().fit(*to_supervised(series))
    >>> forecast(model, series, steps=3).round(6)
    array([[10.],
           [11.],
           [12.]])
    """
    check_scalar(steps, "steps", Integral, min_val=1)
    coverages, model = checked_coverages(model, coverage), as_it_is_now(model)
    outlook = _outlook(model, history, steps, target=target, known=known, future=future, verbose=verbose)
    intervals = None
    if coverages:
        of_intervals = interval_model(model)
        basis = of_intervals._basis(outlook.X, outlook.rows, outlook.points)
        intervals = np.concatenate(of_intervals._step_intervals(basis, outlook.points, coverages))
    values, names = beside(np.concatenate(outlook.points), intervals), names_beside(outlook.names, coverages)
    return as_given(outlook.as_table(values, names), history)


def sample_paths(
    model, history, steps, n_paths=1000, *, target=None, known=None, future=None, random_state=None, verbose=0
):
    """Draw paths of the steps that follow a series.

    A path is the forecast of all steps, and the errors that the model has made from one calibration row at all these
    steps. So neighbouring steps err together as they do in truth, and sums over steps or maxima have intervals, too:
    quantiles over the paths.

    Parameters
    ----------
    model : ConformalForecaster
        The fitted model, or a search over such.

    history : array-like, pandas or polars object of shape (n_samples,) or (n_samples, n_features)
        The series so far, as in :func:`forecast`.

    steps : int
        How many steps to draw.

    n_paths : int, default=1000
        How many paths to draw.

    target : str or int, or list of them, default=None
        The columns that the model predicts, as in :func:`forecast`.

    known : str or int, list of them, or dict, default=None
        The columns known ahead, as in :func:`forecast`.

    future : array-like or DataFrame of shape (n_future, n_columns), default=None
        The next values of columns, as in :func:`forecast`.

    random_state : int, RandomState instance or None, default=None
        Determines which calibration rows are drawn.

    verbose : int, default=0
        Verbosity of joblib on the progress of the forecast, as in :func:`forecast`.

    Returns
    -------
    paths : ndarray of shape (n_paths, steps, n_targets) or (n_paths, n_series, steps, n_targets)
        The paths in the units of the series; the latter of several series, in the order of :func:`forecast`.

    Raises
    ------
    ValueError
        As in :func:`forecast`, or if the model is no :class:`ConformalForecaster`, or reaches to fewer steps.

    See Also
    --------
    forecast : Forecasts with intervals of each step.

    Notes
    -----
    All origins have the same errors, in units of `scale` of :class:`ConformalForecaster`: paths are as wide at all
    times, also where predicted quantiles are not. Those of several series are drawn independently of each other.

    Examples
    --------
    The sales of the next quarter, between which bounds they are with a probability of 80 %:

    >>> import numpy as np
    >>> from sklearn.linear_model import Ridge
    >>> from sklearn.pipeline import make_pipeline
    >>> from sklstm import ConformalForecaster, SlidingWindow, sample_paths, to_supervised
    >>> from sklstm.datasets import load_airline
    >>> passengers = load_airline().data
    >>> model = ConformalForecaster(make_pipeline(SlidingWindow(12, flatten=True, pad="edge"), Ridge()))
    >>> model = model.fit(*to_supervised(passengers, horizon=3))
    >>> paths = sample_paths(model, passengers, steps=3, random_state=0)
    >>> low, high = np.quantile(paths.sum(axis=1), [0.1, 0.9])
    >>> bool(1200 < low < high < 1700)
    True
    """
    check_scalar(steps, "steps", Integral, min_val=1)
    check_scalar(n_paths, "n_paths", Integral, min_val=1)
    model = as_it_is_now(model)
    of_intervals = interval_model(model)
    if of_intervals is None:
        raise ValueError(f"model must be a ConformalForecaster. Got {type(model).__name__}.")
    outlook = _outlook(model, history, steps, target=target, known=known, future=future, verbose=verbose)
    basis = of_intervals._basis(outlook.X, outlook.rows, outlook.points)
    paths = of_intervals._paths(basis, outlook.points, n_paths, check_random_state(random_state))
    return paths if groups_of(model) is not None else paths[:, 0]


def _outlook(model, history, steps: int, *, target, known, future, verbose: int) -> Outlook:
    check_scalar(verbose, "verbose", Integral, min_val=0)
    groups = groups_of(model)
    future = as_pandas(future, "future")
    if groups is not None:
        chosen = {"target": target, "known": known, "groups": groups}
        return Outlook(*forecast_panel(model, history, steps, future, **chosen, verbose=verbose))
    table = as_table(history, "history")
    warn_of_gaps(table, "history")
    columns = predicted_columns(model, one_series(table), target, "history")
    ahead = fitted_known_columns(model, one_series(table), known, columns)
    ahead.check_history(len(table), "history")
    n_rows, has_times = ahead.n_rows_of_future(steps), time_index(table) is not None
    labels = None
    if is_pandas(table):
        table, labels = with_continued_index(table, future, n_rows)
    others = other_columns(table, columns)
    needed = ahead.needed(others, steps)
    is_given = future is not None
    if is_given:
        future = check_future(table, needed, future, n_rows, labels, by_label=has_times)
        ahead.check_future(future, needed)
    elif ahead.positions:
        raise missing_future(one_series(table), needed, n_rows)
    future = with_all_columns(future, needed, others, table, n_rows, labels)
    model = point_model(model)
    X, _ = ahead.split(table, columns, future)
    block = last_prediction(model, X, len(columns))
    ahead.check_block(len(block))
    if len(block) < steps and others and not is_given:
        raise missing_future(one_series(table), others, n_rows)
    if len(block) >= steps and is_given and not ahead.positions:
        warn_of_unused_future(len(block))
    points = recursion(model, table, columns, ahead, block, future, steps, verbose=verbose)[np.newaxis]
    origin = np.array([len(X) - 1])
    if labels is None:
        return Outlook(points, X, origin, columns, lambda values, _: values)
    names = table.columns[columns]
    return Outlook(points, X, origin, names, partial(_as_frame, labels[:steps], names))


def _as_frame(labels, columns, values: np.ndarray, names: list) -> Any:
    """Return rows as a DataFrame, whose columns are an index like that of the targets."""
    if len(names) > len(columns):
        columns = columns.from_tuples(names, names=columns.names) if columns.nlevels > 1 else names
    return frame(values, labels, columns)
