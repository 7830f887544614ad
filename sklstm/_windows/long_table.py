"""Tables in the long format: rows of one series or of many, with the series that each belongs to."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from .panel import Panel, read_panel, single
from .tables import as_table, frame, is_pandas, side_by_side, stacked, take_rows, without_column


@dataclass(frozen=True)
class LongTable:
    """The columns of a table without that of the ids, and which series each row belongs to."""

    values: Any  # a DataFrame or an array
    panel: Panel
    groups: Any = None  # what the column or level of the ids is called
    given: Any = None  # the same with the ids, as it was given

    def __len__(self):
        return len(self.values)

    @property
    def n_columns(self) -> int:
        """Return the number of columns, that of the ids included."""
        return self.values.shape[1] + (self.panel.column is not None)

    @property
    def names(self) -> list:
        """Return the names of the columns, or their positions in the array."""
        if is_pandas(self.values):
            return list(self.values.columns)
        return [position for position in range(self.n_columns) if position != self.panel.column]

    def of(self, rows: np.ndarray) -> "LongTable":
        """Return some rows, with the series that have any."""
        given = None if self.given is None else take_rows(self.given, rows)
        return LongTable(take_rows(self.values, rows), self.panel.of(rows), self.groups, given)

    def shifted(self, column: int, n_rows: int) -> Any:
        """Return a column with the values of so many rows later, or earlier, in each series; NaN beyond its ends."""
        source = self.panel.later(n_rows)
        is_inside = source >= 0
        if is_pandas(self.values):
            values = self.values.iloc[:, [column]]
            values = values.astype(dict.fromkeys(values.select_dtypes("bool").columns, float))  # instead of objects
            return values.iloc[np.maximum(source, 0)].set_axis(values.index).where(is_inside[:, np.newaxis])
        kind = self.values.dtype.kind
        dtype = self.values.dtype if kind == "f" else float if kind in "biu" else object
        values = np.full((len(self), 1), np.nan, dtype=dtype)
        values[is_inside] = self.values[source[is_inside]][:, [column]]
        return values

    def with_columns(self, columns: Sequence) -> "LongTable":
        """Return the table with more columns behind its own."""
        return LongTable(side_by_side([self.values, *columns]), self.panel, self.groups)

    def followed_by(self, rows: "LongTable") -> "LongTable":
        """Return the table with more rows of its series at the end."""
        codes = np.concatenate([self.panel.codes, rows.panel.codes])
        times = None if self.panel.times is None else self.panel.times.append(rows.panel.times)
        panel = replace(self.panel, codes=codes, times=times)
        return LongTable(stacked(self.values, rows.values), panel, self.groups)

    def numbered(self) -> "LongTable":
        """Return the table with rows that are numbered in each series, instead of the times that they had."""
        values = self.values
        if is_pandas(values):
            values = values.set_axis(self.index(self.panel.codes, self.panel.places))
        return LongTable(values, replace(self.panel, times=None), self.groups)

    def to_come(self, n_rows: int, labels: Any | None) -> "LongTable":
        """Return so many rows for the times after each series, series by series, in which all values are missing."""
        codes = np.repeat(np.arange(len(self.panel.ids)), n_rows)
        if is_pandas(self.values):
            places = self.panel.sizes[codes] + np.tile(np.arange(n_rows), len(self.panel.ids))
            index = self.index(codes, places if labels is None else labels)
            values = frame(np.nan, index, self.values.columns)
        else:
            dtype = float if self.values.dtype.kind in "biuf" else object
            values = np.full((len(codes), self.values.shape[1]), np.nan, dtype=dtype)
        return LongTable(values, replace(self.panel, codes=codes, times=labels), self.groups)

    def with_columns_of(self, columns: list[int], values: Any) -> "LongTable":
        """Return the table with other values in some columns: an array, or a DataFrame whose index does not matter."""
        if is_pandas(self.values):
            changed = self.values.copy()
            for place, column in enumerate(columns):
                of_column = values.iloc[:, place] if is_pandas(values) else values[:, place]
                changed.isetitem(column, getattr(of_column, "array", of_column))
        else:
            changed = self.values.astype(np.result_type(self.values, values))
            changed[:, columns] = values
        return LongTable(changed, self.panel, self.groups)

    def with_values(self, rows: np.ndarray, columns: list[int], values: Any) -> "LongTable":
        """Return the table with other values in some rows and columns."""
        if is_pandas(self.values):
            changed = self.values.copy()
            for place, column in enumerate(columns):
                of_column = changed.iloc[:, column].copy()
                of_column.iloc[rows] = values[:, place]
                changed.isetitem(column, of_column)
        else:
            changed = self.values.astype(np.result_type(self.values, values))
            changed[rows[:, np.newaxis], columns] = values
        return LongTable(changed, self.panel, self.groups)

    def with_ids(self, *, first: bool = False) -> Any:
        """Return the table with the ids where they were, or before all columns."""
        column = self.panel.column
        if self.given is not None or column is None:
            return self.values if self.given is None else self.given
        column, ids = 0 if first else column, np.asarray(self.panel.ids)[self.panel.codes]
        if is_pandas(self.values):
            table = self.values.copy(deep=False)
            table.insert(column, self.groups, ids)
            return table
        dtype = np.result_type(self.values, ids) if ids.dtype.kind in "biuf" else object
        return np.insert(self.values.astype(dtype), column, ids, axis=1)

    def index(self, codes: np.ndarray, labels: Any) -> Any:
        """Return an index like that of the values, for rows of some series."""
        if self.panel.column is not None:
            return labels

        import pandas as pd

        names = self.values.index.names
        levels = {self.groups: np.asarray(self.panel.ids)[codes]}
        return pd.MultiIndex.from_arrays([levels.get(name, labels) for name in names], names=names)


def one_series(table) -> LongTable:
    """Return a table of one series, which was validated."""
    return LongTable(table, single(len(table)))


def read_long_table(series, groups, name: str, *, integers_are_times: bool = False) -> LongTable:
    """Return a table of the series in the rows of `series`: one, or several if `groups` tells their ids."""
    table = as_table(series, name, is_panel=groups is not None)
    panel = read_panel(table, groups, name, integers_are_times=integers_are_times)
    return LongTable(without_column(table, panel.column), panel, groups, table)
