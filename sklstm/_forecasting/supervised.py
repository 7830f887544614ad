"""From a series to a supervised problem, and from predictions back to a series."""

from numbers import Integral
from typing import Any

import numpy as np
from sklearn.utils import check_scalar

from .._windows.tables import as_table, frame, is_pandas, other_columns, target_columns
from .._windows.time_index import following_labels, time_index
from .recursion import last_prediction, recursion


def to_supervised(series, horizon=1, *, target=None):
    """Return aligned ``X`` and ``y`` for forecasting a series.

    Row ``t`` of ``X`` is what is known at time ``t``; row ``t`` of ``y`` is what follows it.

    Parameters
    ----------
    series : array-like or pandas object of shape (n_samples,) or (n_samples, n_features)
        The series, oldest row first. A 1-D series is taken as one column.

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
        If the series has more than two dimensions or not more than `horizon` rows, or has no such target.

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
        targets.iloc[step : step + n_rows].set_axis(X.index).add_suffix(f"_step{step}")
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
        The columns that the model predicts, as in :func:`to_supervised`. All, if None.

    future : array-like or DataFrame of shape (n_future, n_features - n_targets), default=None
        The columns that the model does not predict, for at least the next `steps` rows. Needed if there are
        such columns and `steps` exceeds what the model predicts at once. The columns of a DataFrame are found
        by name if `history` has names, and its rows by label if it has those that follow `history`;
        otherwise both are in order.

    Returns
    -------
    predictions : ndarray or DataFrame of shape (steps, n_targets)
        The forecast in the units of the series. A DataFrame if `history` is a pandas object; its index
        continues that of `history` if it is one of integers, periods, or dates with a frequency.

    Raises
    ------
    ValueError
        If `future` is needed and missing, too short or too narrow, or if the model's outputs cannot be steps
        of the targets.

    See Also
    --------
    to_supervised : Makes what the model is fitted on.

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
    check_scalar(steps, "steps", Integral, min_val=1)
    columns = target_columns(table, target)
    labels = None
    if is_pandas(table):
        table, labels = _with_continued_index(table, steps)
    predictions = last_prediction(model, table, len(columns))
    if len(predictions) < steps:
        future = _check_future(table, columns, future, steps, labels)
        predictions = recursion(model, table, columns, predictions, future)
    predictions = predictions[:steps]
    return predictions if labels is None else frame(predictions, labels, table.columns[columns])


def _with_continued_index(table, steps: int) -> tuple[Any, Any]:
    """Return a DataFrame and the labels of the rows to come; both numbered where no labels can be had."""
    index = time_index(table)
    labels = None
    if index is not None and index.is_monotonic_increasing:
        labels = following_labels(index, steps)
    if labels is not None:
        return table, labels
    numbered = table.reset_index(drop=True)
    return numbered, following_labels(numbered.index, steps)


def _check_future(table, columns: list[int], future, steps: int, labels) -> Any:
    """Return the columns that are not predicted, for the steps to come, as array or DataFrame like the table."""
    others = other_columns(table, columns)
    if not others:
        return np.empty((steps, 0)) if labels is None else frame(None, labels, [])
    if future is None:
        raise ValueError(f"{len(others)} column(s) of history are not predicted: pass their next values as future.")
    rows = as_table(future, "future")
    if labels is not None:
        names = table.columns[others]
        if not is_pandas(rows):
            rows = frame(rows, None, names if rows.shape[1] == len(names) else None)
        elif future.ndim == len(names) == 1:
            rows = rows.set_axis(names, axis=1)
        if not names.isin(rows.columns).all():
            raise ValueError(f"future must have the columns {list(names)}. Got {list(rows.columns)} instead.")
        rows = _at_labels(rows[names], labels)
    if len(rows) < steps or rows.shape[1] != len(others):
        raise ValueError(f"future has shape {rows.shape}, while ({steps}, {len(others)}) is required.")
    return rows[:steps]


def _at_labels(future, labels) -> Any:
    """Return the rows of the steps to come: by their labels, or from the first row on if it has none such."""
    if labels.isin(future.index).all():
        return future.loc[labels]
    index = time_index(future)
    if index is not None and index.inferred_type == labels.inferred_type != "integer":
        raise ValueError(
            f"future must have the rows {labels[0]} to {labels[-1]}. Got {index[0]} to {index[-1]} instead."
        )
    return future.iloc[: len(labels)].set_axis(labels[: len(future)])
