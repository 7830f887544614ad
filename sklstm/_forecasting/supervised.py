"""From a series to a supervised problem."""

from functools import partial
from numbers import Integral
from typing import Any

import numpy as np
from sklearn.utils import check_scalar

from .._windows.long_table import read_long_table
from .._windows.tables import as_given, is_pandas, side_by_side, take, take_rows, target_columns
from .known import known_columns
from .targets import name_at_step


def to_supervised(series, horizon=1, *, target=None, known=None, groups=None):
    """Return aligned ``X`` and ``y`` for forecasting a series.

    Row ``t`` of ``X`` holds the values known at time ``t``. Row ``t`` of ``y`` holds the targets of the next steps.

    Parameters
    ----------
    series : array-like, pandas or polars object of shape (n_samples,) or (n_samples, n_features)
        The series, oldest row first. A 1-D series counts as one column. Missing values (NaN) are kept. Column names are
        read from pandas and polars only. A polars object has no index, so its rows must be in the order of time. Polars
        input requires pandas.

    horizon : int, default=1
        Number of steps to forecast.

    target : str or int, or list of them, default=None
        The columns to forecast: names of a DataFrame's columns, or positions in an array. If None, all columns.

    known : str or int, list of them, or dict, default=None
        The columns with known future values, such as a calendar, a plan or a weather forecast, as names or positions.
        A dict also sets lags. With ``{"temperature": 0, "demand": 168}``, each step ahead has the temperature at its
        own time and the demand 168 rows earlier. A lag, or each lag of a list, is 0 or longer than `horizon`. The lag
        of a target must be longer than `horizon`.

    groups : str or int, default=None
        The column or index level that identifies the series of each row, if there are several: a name in a DataFrame,
        or the position of a column in an array. Targets and known values never come from another series. The series
        may come in any order, as long as time increases within each. The column stays in `X`; pass its name to
        :class:`SlidingWindow` as well.

    Returns
    -------
    X : ndarray or DataFrame of shape (n_rows, n_features + n_known)
        The rows of each series, without the last `horizon` rows and without the first rows, which lack lagged values.
        The known values follow the columns of the series. Each row has the values ``horizon - lag`` rows later, so the
        last rows of a window of at least `horizon` rows hold the known values of all steps ahead. In a DataFrame, their
        columns have names such as ``temperature_step24`` or, for earlier rows, ``demand_lag144``. `X` and `y` are of
        the same library as `series`, pandas or polars.

    y : ndarray, Series or DataFrame of shape (n_rows,) or (n_rows, n_outputs)
        1-D for one target and ``horizon=1``. Otherwise one column for each step and target: step 1 of every
        target, step 2 of every target, and so on. The columns of a DataFrame have names such as ``sales_step1``.
        With ``horizon=1``, they keep the names of the targets.

    Raises
    ------
    ValueError
        If the series has more than two dimensions, at most `horizon` rows or columns of the same name, if a target or
        known column is missing, or if a lag is not known for all steps ahead. If its index has several levels, or its
        times do not increase from row to row.

    Warns
    -----
    UserWarning
        If the times of the index have no regular step. The rows are then treated as adjacent.

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

    The temperature of the next two days is known, so row 0 also has the temperature of row 2:

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
    return as_given(X, series), as_given(_joined(steps, X, is_single=horizon == 1 and len(columns) == 1), series)


def _joined(steps: list, X, *, is_single: bool) -> Any:
    """Return the targets of all steps side by side, with names that tell the step; 1-D if there is a single one."""
    if not is_pandas(X):
        return steps[0][:, 0] if is_single else np.hstack(steps)
    steps = [rows.set_axis(X.index) for rows in steps]
    if len(steps) == 1:
        return steps[0].iloc[:, 0] if is_single else steps[0]
    names = steps[0].columns
    return side_by_side(
        [
            rows.set_axis(names.map(partial(name_at_step, step=step)).set_names(names.names), axis=1)
            for step, rows in enumerate(steps, start=1)
        ]
    )
