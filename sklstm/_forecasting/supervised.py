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

    Row ``t`` of ``X`` is what is known at time ``t``; row ``t`` of ``y`` is what follows it.

    Parameters
    ----------
    series : array-like, pandas or polars object of shape (n_samples,) or (n_samples, n_features)
        The series, oldest row first. A 1-D series is taken as one column. Missing values (NaN) stay as they are. The
        names of other data frames than those of pandas and polars are not read. Polars has no index: its rows are in
        the order of time. Reading it needs pandas.

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
        value of earlier rows, ``demand_lag144``. Like `y` it is of the library of `series`, pandas or polars.

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
