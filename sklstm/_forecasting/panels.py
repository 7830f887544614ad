"""Forecasts of many series by one model, all series at once."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from itertools import chain
from math import ceil
from typing import Any

import numpy as np

from .._windows.long_table import LongTable, read_long_table
from .._windows.panel import following_times
from .._windows.tables import frame, is_pandas, other_columns, take
from .future import missing_future, warn_of_unused_future
from .intervals import point_model
from .known import KnownColumns, fitted_known_columns
from .panel_future import future_of_panel
from .prediction import predict_rows, receptive_field
from .recursion import one_after_another
from .targets import predicted_columns


def forecast_panel(model, history, steps: int, future, *, target, known, groups, verbose: int = 0) -> tuple:
    """Return the steps that follow each series of a table; see `forecast`.

    Behind them come what the model has read, the rows of the origins in it, the names of the targets, and a function
    from rows of all series and names of columns to a table like the history.
    """
    table = read_long_table(history, groups, "history")
    columns = predicted_columns(model, table, target, "history")
    task = PanelTask(point_model(model), columns, fitted_known_columns(model, table, known, columns))
    _check_lengths(table, task.ahead)
    n_rows = task.ahead.n_rows_of_future(steps)
    needed = task.ahead.needed(other_columns(table.values, task.columns), steps)
    if future is None and task.ahead.positions:
        raise missing_future(table, needed, n_rows)
    labels = following_times(table.panel, n_rows)
    if labels is None and future is None and table.panel.times is not None:
        table = table.numbered()
    to_come = table.to_come(n_rows, labels)
    if future is not None:
        table, to_come = future_of_panel(future, table, to_come, needed)
        task.ahead.check_future(take(to_come.values, columns=needed), needed)
    points = task.forecast(table, to_come, steps, has_future=future is not None, verbose=verbose)
    names = table.values.columns[columns] if is_pandas(table.values) else columns
    return points, *task.read_at(table, to_come), names, partial(_as_table, table, to_come, steps)


@dataclass(frozen=True)
class PanelTask:
    """A model, and which columns it predicts and knows ahead."""

    model: Any
    columns: list[int]
    ahead: KnownColumns

    def forecast(
        self, history: LongTable, to_come: LongTable, steps: int, *, has_future: bool | None = None, verbose: int = 0
    ) -> np.ndarray:
        """Return the steps that follow each series, of shape ``(n_series, steps, n_targets)``.

        The model predicts a block of steps of all series at once, which becomes their end, and so on. `to_come` has the
        rows of the steps, series by series, in which the columns to forecast are missing. `has_future` tells whether
        the user gave the others; all of them are there if None.
        """
        blocks = self._blocks(history, to_come, steps, has_future)
        block = next(blocks)
        n_blocks = ceil(steps / block.shape[1])
        return np.concatenate(one_after_another(chain([block], blocks), n_blocks, verbose), axis=1, dtype=float)

    def _blocks(
        self, history: LongTable, to_come: LongTable, steps: int, has_future: bool | None
    ) -> Iterator[np.ndarray]:
        """Yield the steps block by block, each of shape ``(n_series, n_steps, n_targets)``."""
        n_rows, lag = receptive_field(self.model), self.ahead.longest_lag
        if n_rows is not None:
            history = history.of(history.panel.latest(n_rows + lag))
        table, n_history = history.followed_by(to_come), history.panel.sizes
        rows = len(history) + np.arange(len(to_come)).reshape(len(n_history), -1)
        done = 0
        while done < steps:
            block = predict_rows(self.model, *self._known_rows(table, n_history + done), len(self.columns))
            self.check_block(history, block.shape[1], steps, has_future=has_future)
            block = block[:, : steps - done]
            yield block
            n_steps = block.shape[1]
            new = rows[:, done : done + n_steps].ravel()
            table = table.with_values(new, self.columns, block.reshape(-1, len(self.columns)))
            done += n_steps

    def read_at(self, history: LongTable, to_come: LongTable) -> tuple[Any, np.ndarray]:
        """Return what the model reads for the first steps, and the row of each series from which it predicts them."""
        return self._known_rows(history.followed_by(to_come), history.panel.sizes)

    def _known_rows(self, table: LongTable, n_known: np.ndarray) -> tuple[Any, np.ndarray]:
        """Return the first rows of each series with the columns known ahead, and where the last of them are."""
        places = table.panel.places
        is_known = (places < n_known[table.panel.codes]) & (places >= self.ahead.longest_lag)
        known = self.ahead.added_to_series(table).of(np.flatnonzero(is_known))
        return known.with_ids(), known.panel.last

    def check_block(self, history: LongTable, n_steps: int, steps: int, *, has_future: bool | None) -> None:
        """Check that a model that predicts so many steps at once has the future that it needs, and no other."""
        self.ahead.check_block(n_steps)
        others = other_columns(history.values, self.columns)
        if n_steps < steps and others and has_future is False:
            raise missing_future(history, others, steps)
        if n_steps >= steps and has_future and not self.ahead.positions:
            warn_of_unused_future(n_steps)


def _check_lengths(table: LongTable, ahead: KnownColumns) -> None:
    """Check that each series has a row with a value for each lag."""
    short = np.flatnonzero(table.panel.sizes <= ahead.longest_lag)
    if len(short):
        name, size = table.panel.ids.tolist()[short[0]], table.panel.sizes[short[0]]
        raise ValueError(
            f"history must have at least {ahead.longest_lag + 1} rows of each series, since a row has values of "
            f"{ahead.longest_lag} rows before. Series {name!r} has {size}."
        )


def _as_table(table: LongTable, to_come: LongTable, steps: int, values: np.ndarray, names: list) -> Any:
    """Return rows of all series with the ids and times of the rows to come, as a table like the history."""
    rows = np.arange(len(to_come)).reshape(len(table.panel.ids), -1)[:, :steps].ravel()
    if is_pandas(table.values):
        values = frame(values, to_come.values.index[rows], names)
    found = LongTable(values, to_come.of(rows).panel, table.groups)
    return found.with_ids(first=True)
