"""From a series to a supervised problem, and from predictions back to a series."""

from functools import partial
from numbers import Integral

import numpy as np
from sklearn.utils import check_scalar

from .._windows.long_table import one_series, read_long_table
from .._windows.tables import as_table, frame, is_pandas, other_columns, side_by_side, take, take_rows, target_columns
from .._windows.time_index import time_index, warn_of_gaps
from .future import check_future, missing_future, warn_of_unused_future, with_all_columns, with_continued_index
from .known import fitted_known_columns, known_columns
from .panels import forecast_panel
from .prediction import groups_of, last_prediction
from .recursion import recursion
from .targets import name_at_step, predicted_columns


def to_supervised(series, horizon=1, *, target=None, known=None, groups=None):
    """Return aligned ``X`` and ``y`` for forecasting a series.

    Row ``t`` of ``X`` is what is known at time ``t``; row ``t`` of ``y`` is what follows it.

    Parameters
    ----------
    series : array-like or pandas object of shape (n_samples,) or (n_samples, n_features)
        The series, oldest row first. A 1-D series is taken as one column. Missing values (NaN) stay as they are. The
        names of other data frames than those of pandas, such as polars, are not read.

    horizon : int, default=1
        How many steps ahead `y` reaches.

    target : str or int, or list of them, default=None
        The columns to forecast: names of a DataFrame's columns, or positions in an array. All, if None.

    known : str or int, list of them, or dict, default=None
        The columns whose values are known for the steps to come, such as a calendar, a plan or a weather forecast, as
        names or positions. A dict also names lags: ``{"temperature": 0, "demand": 168}`` says that for each
        step to come, the temperature at its own time is known, and the demand 168 rows before. A lag, or each of a
        list, is 0 or longer than `horizon`; that of a target is longer than `horizon`.

    groups : str or int, default=None
        What tells the series of each row, if there are several: the name of a column or of a level of the index in a
        DataFrame, the position of a column in an array. No target or known value is taken from another series. The
        series may come in any order, as long as time increases within each. The column stays in `X`: give its name to
        :class:`SlidingWindow` as well.

    Returns
    -------
    X : ndarray or DataFrame of shape (n_rows, n_features + n_known)
        Each series without its last `horizon` rows, and without the first ones, which lags reach beyond. Behind its own
        columns each row has the known values, `horizon` rows later less the lag: in a window of `horizon` rows or more,
        the last rows have them for all steps to come. A DataFrame's columns are called ``temperature_step24`` or, for a
        value of earlier rows, ``demand_lag144``.

    y : ndarray, Series or DataFrame of shape (n_rows,) or (n_rows, n_outputs)
        1-D for one target and ``horizon=1``. Otherwise one column for each step and target: step 1 of every
        target, step 2 of every target, and so on. A DataFrame's columns are called ``sales_step1``, and
        keep the names of the targets for ``horizon=1``.

    Raises
    ------
    ValueError
        If the series has more than two dimensions or not more than `horizon` rows, has columns of the same name, or has
        no such target or known columns, or if lags are not known for all steps to come. If its index has several
        levels, or its times do not increase from row to row.

    Warns
    -----
    UserWarning
        If the index has times without a regular step: rows are treated as adjacent.

    See Also
    --------
    forecast : Forecasts with a model fitted on `X` and `y`.

    Examples
    --------
    >>> from sklstm import to_supervised
    >>> X, y = to_supervised([1.0, 2.0, 3.0, 4.0], horizon=2)
    >>> X
    array([[1.],
           [2.]])
    >>> y
    array([[2., 3.],
           [3., 4.]])

    The temperature of the next two days is known. Row 0 has that of row 2, beside its own:

    >>> import pandas as pd
    >>> table = pd.DataFrame({"demand": [5.0, 6.0, 4.0, 7.0], "temperature": [20.0, 18.0, 22.0, 17.0]})
    >>> X, y = to_supervised(table, horizon=2, target="demand", known="temperature")
    >>> X
       demand  temperature  temperature_step2
    0     5.0         20.0               22.0
    1     6.0         18.0               17.0
    """
    table = read_long_table(series, groups, "series")
    check_scalar(horizon, "horizon", Integral, min_val=1)
    columns = target_columns(table.names, target)
    ahead, panel = known_columns(table, known, horizon, columns), table.panel
    rows = np.flatnonzero((panel.places >= ahead.longest_lag) & (panel.later(horizon) >= 0))
    if not len(rows):
        lag = f" and a lag of {ahead.longest_lag} rows before" if ahead.longest_lag else ""
        raise ValueError(
            f"Found a series of {panel.sizes.max()} row(s), while more than horizon={horizon}{lag} are required."
        )
    X = ahead.added_to_series(table).of(rows).with_ids() if ahead.offsets else take_rows(table.given, rows)
    targets = take(table.values, columns=columns)
    steps = [take_rows(targets, panel.later(step)[rows]) for step in range(1, horizon + 1)]
    single = horizon == 1 and len(columns) == 1
    if not is_pandas(targets):
        return X, steps[0][:, 0] if single else np.hstack(steps)
    if horizon == 1:
        y = steps[0].set_axis(X.index)
        return X, y.iloc[:, 0] if single else y
    names = targets.columns
    steps = [
        rows.set_axis(X.index).set_axis(names.map(partial(name_at_step, step=step)).set_names(names.names), axis=1)
        for step, rows in enumerate(steps, start=1)
    ]
    return X, side_by_side(steps)


def forecast(model, history, steps, *, target=None, known=None, future=None):
    """Forecast the steps that follow a series.

    The model predicts a block of steps from the end of the series, as many as it was fitted to predict at
    once. The block is appended to the series, and so on until there are enough steps. If the windows of the model are
    of several series, by `groups` of :class:`SlidingWindow`, all of them are forecast.

    Parameters
    ----------
    model : fitted regressor or pipeline
        Anything that predicts as many rows as it is given, fitted on the ``X`` and ``y`` of
        :func:`to_supervised`.

    history : array-like or pandas object of shape (n_samples,) or (n_samples, n_features)
        The series so far, oldest row first, with the columns that the model was fitted on.

    steps : int
        How many steps to forecast.

    target : str or int, or list of them, default=None
        The columns that the model predicts, as in :func:`to_supervised`. If None, they are the only column, those of
        the names that :class:`LSTMForecaster` or :class:`SeasonalNaive` saw in ``y``, or the features that
        `SeasonalNaive` repeats.

    known : str or int, list of them, or dict, default=None
        The columns known ahead, as in :func:`to_supervised`. If None, they are those that the model remembers by the
        names of its features; models that were fitted on arrays remember none.

    future : array-like or DataFrame of shape (n_future, n_columns), default=None
        The next values of the columns that are known ahead; if `steps` exceeds what the model predicts at once, those
        of all columns that it does not predict. With columns known ahead the rows reach to the end of the last block of
        steps: a model that was fitted for ``horizon=24`` needs 24 rows for one to 24 steps, and 48 for 25. Rows
        and columns of an array are in order, from the first step to come on. Those of a DataFrame are found by name,
        and by label if `history` has an index of times. If that has no frequency, the rows are those after its end,
        which then give the forecast its labels. Of several series, rows are found by id as well.

    Returns
    -------
    predictions : ndarray or DataFrame of shape (steps, n_targets)
        The forecast in the units of the series. A DataFrame if `history` is a pandas object; its index
        continues that of `history` if it is one of integers, periods, or dates or durations with a frequency. Of
        several series, one after the other, with `steps` rows each, and with the ids in the first column or in the
        level of the index.

    Raises
    ------
    ValueError
        If nothing tells which of several columns are predicted or known ahead, or the model was fitted with others. If
        `future` is needed and missing, lacks rows, columns or values known ahead, or is given although all columns are
        predicted. If the model's outputs cannot be steps of the targets, or the history is no longer than a lag, or
        `history` or `future` are invalid as in :func:`to_supervised`.

    Warns
    -----
    UserWarning
        If `future` has no effect, since the model predicts all steps at once. If windows are shorter than the horizon
        of columns known ahead, so that they lack the values of the first steps. If the times of `history` have no
        regular step, as in :func:`to_supervised`.

    See Also
    --------
    to_supervised : Makes what the model is fitted on.

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
    groups = groups_of(model)
    if groups is not None:
        return forecast_panel(model, history, steps, target=target, known=known, future=future, groups=groups)
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
    block = last_prediction(model, ahead.split(table, columns, future)[0], len(columns))
    ahead.check_block(len(block))
    if len(block) < steps and others and not is_given:
        raise missing_future(one_series(table), others, n_rows)
    if len(block) >= steps and is_given and not ahead.positions:
        warn_of_unused_future(len(block))
    predictions = recursion(model, table, columns, ahead, block, future, steps)
    return predictions if labels is None else frame(predictions, labels[:steps], table.columns[columns])
