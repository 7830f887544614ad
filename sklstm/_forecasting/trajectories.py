"""Errors of recursive forecasts, by how many steps they reach ahead."""

from math import ceil, gcd
from typing import Any

import numpy as np

from .._windows.long_table import read_long_table
from .._windows.tables import as_table, is_pandas
from .backtest import roll
from .known import without_known_columns
from .panel_backtest import roll_panel
from .refits import Schedule
from .targets import named_columns

MAX_ORIGINS = 500
CYCLES = 2 * 3 * 5 * 7  # a stride without these factors meets all hours of a day, and all days of a week


def columns_of_targets(X, names: list | None, groups: Any) -> list:
    """Return the columns of a table of which targets of these names are the future.

    Raises
    ------
    ValueError
        If nothing tells which of several columns they are.
    """
    table = read_long_table(without_known_columns(X), groups, "X")
    if len(table.names) == 1:
        return table.names
    columns = named_columns(table, names) if names is not None and is_pandas(table.values) else None
    if columns is None:
        raise ValueError(
            f"horizon needs to know of which columns y is the future, but X has the columns {table.names} and y "
            f"{'no names' if names is None else names}. Pass the DataFrames of to_supervised, or leave horizon out."
        )
    return [table.names[column] for column in columns]


def trajectory_errors(
    model, X, columns: list, horizon: int, first: int, last: int, groups: Any
) -> tuple[np.ndarray, np.ndarray]:
    """Return rows from which a fitted model forecasts its own `X`, and the errors at all steps from there.

    Parameters
    ----------
    model : fitted regressor or pipeline
        What forecasts, by feeding its predictions back.
    X : DataFrame or array
        What it was fitted on, and later rows.
    columns : list
        The columns to forecast.
    horizon : int
        The number of steps.
    first, last : int
        The times of the first and the last row to forecast from, as numbers.
    groups : str, int or None
        The column or index level that identifies the series of each row.

    Returns
    -------
    rows : ndarray of shape (n_origins,)
    errors : ndarray of shape (n_origins, horizon * n_targets)
        True values less forecasts. There are none if no row has so many rows after it.
    """
    table = read_long_table(without_known_columns(X), groups, "X")
    kept = np.flatnonzero(table.panel.steps <= last + horizon)
    table = table.of(kept)
    n_origins = int(table.panel.steps.max()) + 1 - horizon - first
    if n_origins < 1:
        return np.arange(0), np.empty((0, horizon * len(columns)))
    schedule = Schedule(first, _stride(n_origins))
    if groups is None:
        found = roll(model, as_table(table.values, "X"), horizon, schedule, target=columns)
    else:
        found = roll_panel(model, table, horizon, schedule, {"target": columns, "known": None, "groups": groups})
    return kept[found.origins], (found.truth - found.predictions).reshape(len(found.origins), -1)


def _stride(n_origins: int) -> int:
    """Return a stride that leaves at most so many origins, and none of the hours of a day out."""
    stride = max(ceil(n_origins / MAX_ORIGINS), 1)
    while gcd(stride, CYCLES) > 1:
        stride += 1
    return stride
