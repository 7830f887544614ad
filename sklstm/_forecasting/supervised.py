"""From a series to a supervised problem, and from predictions back to a series."""

import warnings
from functools import partial
from numbers import Integral

import numpy as np
from sklearn.utils import check_scalar

from .._windows.tables import as_table, frame, is_pandas, other_columns, target_columns
from .._windows.time_index import time_index, warn_of_gaps
from .future import check_future, with_continued_index
from .recursion import check_lags, last_prediction, recursion
from .targets import name_at_step, predicted_columns


def to_supervised(series, horizon=1, *, target=None):
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

    Returns
    -------
    X : ndarray or DataFrame of shape (n_samples - horizon, n_features)
        The series without its last `horizon` rows.

    y : ndarray, Series or DataFrame of shape (n_samples - horizon,) or (n_samples - horizon, n_outputs)
        1-D for one target and ``horizon=1``. Otherwise one column for each step and target: step 1 of every
        target, step 2 of every target, and so on. A DataFrame's columns are called ``sales_step1``, and
        keep the names of the targets for ``horizon=1``.

    Raises
    ------
    ValueError
        If the series has more than two dimensions or not more than `horizon` rows, has columns of the same name, or has
        no such target. If its index has several levels, or its times do not increase from row to row.

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
    """
    table = as_table(series, "series")
    warn_of_gaps(table, "series")
    check_scalar(horizon, "horizon", Integral, min_val=1)
    n_rows = len(table) - horizon
    if n_rows < 1:
        raise ValueError(f"Found a series of {len(table)} row(s), while more than horizon={horizon} are required.")
    columns = target_columns(table, target)
    single = horizon == 1 and len(columns) == 1
    if not is_pandas(table):
        steps = [table[step : step + n_rows, columns] for step in range(1, horizon + 1)]
        return table[:n_rows], steps[0][:, 0] if single else np.hstack(steps)

    import pandas as pd

    X, targets = table.iloc[:n_rows], table.iloc[:, columns]
    if horizon == 1:
        y = targets.iloc[1:].set_axis(X.index)
        return X, y.iloc[:, 0] if single else y
    steps = [
        targets.iloc[step : step + n_rows]
        .set_axis(X.index)
        .set_axis(targets.columns.map(partial(name_at_step, step=step)).set_names(targets.columns.names), axis=1)
        for step in range(1, horizon + 1)
    ]
    return X, pd.concat(steps, axis=1)


def forecast(model, history, steps, *, target=None, future=None):
    """Forecast the steps that follow a series.

    The model predicts a block of steps from the end of the series, as many as it was fitted to predict at
    once. The block is appended to the series, and so on until there are enough steps.

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

    future : array-like or DataFrame of shape (n_future, n_features - n_targets), default=None
        The columns that the model does not predict, for at least the next `steps` rows. Needed if there are
        such columns and `steps` exceeds what the model predicts at once. The rows and columns of an array are in
        order. Those of a DataFrame are found by name, and by label if `history` has an index of times. If that has no
        frequency, the rows are those after its end, which then give the forecast its labels.

    Returns
    -------
    predictions : ndarray or DataFrame of shape (steps, n_targets)
        The forecast in the units of the series. A DataFrame if `history` is a pandas object; its index
        continues that of `history` if it is one of integers, periods, or dates or durations with a frequency.

    Raises
    ------
    ValueError
        If nothing tells which of several columns are predicted, or the model was fitted on other targets. If `future`
        is needed and missing, lacks rows or columns, or is given although all columns are predicted. If the model's
        outputs cannot be steps of the targets, or if `history` or `future` are invalid as in :func:`to_supervised`.

    Warns
    -----
    UserWarning
        If `future` has no effect, since the model predicts all steps at once. If the times of `history` have no regular
        step, as in :func:`to_supervised`.

    See Also
    --------
    to_supervised : Makes what the model is fitted on.

    Notes
    -----
    A row of `future` is what is known at its time, as a row of `history` is. So it acts on the steps after it, and not
    on the step of its own time. To let a value act on its own time, such as a promotion on the sales of the same day,
    shift the column back before the fit: with ``table["promotion"].shift(-1)``, each row holds the promotion of the
    next day, and so must the last row of `history` and the rows of `future`.

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
    table = as_table(history, "history")
    warn_of_gaps(table, "history")
    check_scalar(steps, "steps", Integral, min_val=1)
    columns = predicted_columns(model, table, target, "history")
    check_lags(model, len(table), "history")
    labels, has_times = None, time_index(table) is not None
    if is_pandas(table):
        table, labels = with_continued_index(table, future, steps)
    others = other_columns(table, columns)
    if future is not None:
        future = check_future(table, others, future, steps, labels, by_label=has_times)
    predictions = last_prediction(model, table, len(columns))
    if len(predictions) < steps:
        if future is None and others:
            raise ValueError(f"{len(others)} column(s) of history are not predicted: pass their next values as future.")
        if future is None:
            future = np.empty((steps, 0)) if labels is None else frame(None, labels, table.columns[others])
        predictions = recursion(model, table, columns, predictions, future)
    elif future is not None:
        warnings.warn(
            f"future has no effect: the model predicts {len(predictions)} step(s) at once, from history alone.",
            UserWarning,
            stacklevel=2,
        )
    predictions = predictions[:steps]
    return predictions if labels is None else frame(predictions, labels, table.columns[columns])
