"""Panels: tables of many series, of which each row belongs to one."""

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
from sklearn.utils import column_or_1d

from .time_index import (
    as_times,
    check_order,
    check_panel_order,
    following_labels,
    is_regular,
    warn_of_dates_as_text,
    warn_of_gaps,
    warn_of_panel_gaps,
)

MAX_GAPS = 0.1  # of the steps of a series, which then still has the step of all: business days in a week have more


@dataclass(frozen=True)
class Panel:
    """Which series each row of a table belongs to, in the order of the rows. A series may be the only one."""

    codes: np.ndarray  # (n_rows,) the number of the series
    ids: Any  # (n_series,) what the series are called: an array or an index
    times: Any = None  # (n_rows,) when rows were, an index of pandas or None
    column: int | None = None  # the position of the column that holds the ids, if it is a column

    @cached_property
    def sizes(self) -> np.ndarray:
        """Return the number of rows of each series."""
        return np.bincount(self.codes, minlength=len(self.ids))

    @cached_property
    def order(self) -> np.ndarray:
        """Return the rows, series by series, each in the order of time."""
        return np.argsort(self.codes, kind="stable")

    @cached_property
    def starts(self) -> np.ndarray:
        """Return where in this order each series begins."""
        return np.cumsum(self.sizes) - self.sizes

    @cached_property
    def places(self) -> np.ndarray:
        """Return for each row how many rows of its series come before it."""
        places = np.empty(len(self.codes), dtype=int)
        places[self.order] = np.arange(len(self.codes)) - np.repeat(self.starts, self.sizes)
        return places

    @cached_property
    def last(self) -> np.ndarray:
        """Return the last row of each series."""
        return self.order[self.starts + self.sizes - 1]

    @cached_property
    def steps(self) -> np.ndarray:
        """Return the time of each row as a number that all series have in common.

        It counts the different times or, where nothing tells the time, the rows from the last one of each series back.
        """
        if self.times is None:
            return self.places - self.sizes[self.codes] + self.sizes.max()
        return self.times.factorize(sort=True)[0]

    @property
    def has_integer_times(self) -> bool:
        """Tell whether the times are integers."""
        return self.times is not None and self.times.inferred_type == "integer"

    def later(self, n_rows: int) -> np.ndarray:
        """Return for each row the one so many rows later in its series, or earlier if negative; -1 if there is none."""
        places = self.places + n_rows
        is_inside = (places >= 0) & (places < self.sizes[self.codes])
        return np.where(is_inside, self.order[np.where(is_inside, self.starts[self.codes] + places, 0)], -1)

    def latest(self, n_rows: int) -> np.ndarray:
        """Return the last rows of each series, at most so many, in the order of rows."""
        return np.flatnonzero(self.places >= self.sizes[self.codes] - n_rows)

    def of(self, rows: np.ndarray) -> "Panel":
        """Return the panel of some rows, with the series that have any."""
        numbers, codes = np.unique(self.codes[rows], return_inverse=True)
        return Panel(codes, self.ids[numbers], None if self.times is None else self.times[rows], self.column)


def following_times(panel: Panel, n_rows: int) -> Any:
    """Return the labels of so many rows to come for each series, one series after the other.

    A series goes on with the step that the times of all series have together, unless its own rows are further apart.
    None where nothing tells the step from one time to the next.
    """
    if panel.times is None:
        return None
    different = panel.times[np.unique(panel.steps, return_index=True)[1]]
    are_dense = _dense_series(panel)
    if are_dense.all() and is_regular(different) and (labels := following_labels(different, n_rows)) is not None:
        places = panel.steps[panel.last][:, np.newaxis] + np.arange(1, n_rows + 1)
        return different.append(labels)[places.ravel()]
    by_end: dict[int, Any] = {}  # the labels to come of dense series, by their last time
    following = []
    for is_dense, rows in zip(are_dense, np.split(panel.order, panel.starts[1:]), strict=True):
        end = int(panel.steps[rows[-1]])
        if is_dense and end not in by_end:
            by_end[end] = following_labels(different[: end + 1], n_rows, different)
        labels = by_end[end] if is_dense else following_labels(panel.times[rows], n_rows, different)
        if labels is None:
            return None
        following.append(labels)
    return following[0].append(following[1:])


def _dense_series(panel: Panel) -> np.ndarray:
    """Tell for each series whether its rows have the step that the times of all series have together, but for gaps."""
    steps, codes = panel.steps[panel.order], panel.codes[panel.order]
    of_one = codes[1:] == codes[:-1]
    n_wide = np.bincount(codes[1:][of_one & (np.diff(steps) > 1)], minlength=len(panel.ids))
    return n_wide <= MAX_GAPS * (panel.sizes - 1)


def single(n_rows: int, times=None) -> Panel:
    """Return the panel of one series."""
    return Panel(np.zeros(n_rows, dtype=int), np.zeros(1), times)


def read_panel(X, groups, name: str, *, integers_are_times: bool = False) -> Panel:
    """Return which series each row of a table belongs to; one series if `groups` is None.

    Parameters
    ----------
    X : DataFrame or ndarray of shape (n_rows, n_columns)
        The table, validated but for its index.
    groups : str, int or None
        The column or the level of the index that holds the ids: a name in a DataFrame, a position in an array.
    name : str
        What to call the table in messages.
    integers_are_times : bool
        Whether an index of integers tells the time even if each is there once, and so may number the rows of the table.

    Raises
    ------
    ValueError
        If there is no such column or level, if an id is missing, or if the times of a series do not increase.

    Warns
    -----
    UserWarning
        If times have no regular step: rows are treated as adjacent.
    """
    if groups is None:
        check_order(X, name)
        warn_of_gaps(X, name)
        n_rows = len(X) if hasattr(X, "__len__") else len(np.asarray(X))
        return single(n_rows, as_times(getattr(X, "index", None)))
    values, labels, column = _ids_and_times(X, groups, name)
    may_be_numbered = column is not None and not integers_are_times
    panel = _panel(values, labels, column, repr(groups), name, may_be_numbered=may_be_numbered)
    _warn_of_gaps(panel, repr(groups), name)
    return panel


def panel_of_ids(X, ids, name: str) -> Panel:
    """Return which series each row of a table belongs to by ids that are not part of it, as `read_panel` does."""
    labels = getattr(X, "index", None)
    if getattr(labels, "nlevels", 1) > 1:
        check_order(X, name)
    panel = _panel(column_or_1d(ids), labels, None, "groups", name, may_be_numbered=True)
    _warn_of_gaps(panel, "groups", name)
    return panel


def _panel(values, labels, column: int | None, by: str, name: str, *, may_be_numbered: bool) -> Panel:
    """Return the panel of the ids of rows, and of the labels that may tell their time or number all rows."""
    codes, ids = factorize(values)
    if (codes < 0).any():
        raise ValueError(
            f"{name} has {int((codes < 0).sum())} row(s) without an id in {by}. Drop them, or name their series."
        )
    warn_of_dates_as_text(labels, name)
    panel = Panel(codes, ids, as_times(labels), column)
    if panel.has_integer_times and panel.times.is_unique and may_be_numbered and len(ids) > 1:
        panel = replace(panel, times=None)  # they number the rows of the whole table
    if panel.times is not None:
        check_panel_order(panel.times[panel.order], codes[panel.order], ids, name)
    return panel


def _warn_of_gaps(panel: Panel, by: str, name: str) -> None:
    """Warn if the times of a panel have no regular step."""
    if panel.times is not None:
        warn_of_panel_gaps(panel.times[panel.order], panel.codes[panel.order], panel.ids, by, name)


def _ids_and_times(X, groups, name: str) -> tuple[Any, Any, int | None]:
    """Return the id of each row, the labels that may tell its time, and the position of the column of ids."""
    if not hasattr(X, "iloc"):
        if not isinstance(groups, int | np.integer) or not 0 <= groups < X.shape[1]:
            raise ValueError(
                f"groups must be the position of a column, from 0 to {X.shape[1] - 1}, where {name} is an array. Got "
                f"{groups!r} instead."
            )
        return X[:, groups], None, int(groups)
    names, index = list(X.columns), X.index
    if groups in names:
        if index.nlevels > 1:
            raise ValueError(
                f"{name} has the ids in the column {groups!r} and an index of {index.nlevels} levels, while one level, "
                f"the time, is expected. Drop the others with {name}.reset_index(level=[...])."
            )
        return X[groups], index, names.index(groups)
    if groups in index.names and index.nlevels == 2:
        return index.get_level_values(groups), index.droplevel(groups), None
    raise ValueError(
        f"groups must name the column or the level of an index of two levels, id and time, that tells the series of "
        f"each row. {name} has the columns {names} and the levels {list(index.names)}. Got {groups!r} instead."
    )


def factorize(values) -> tuple[np.ndarray, Any]:
    """Return the number of each id and the different ids, in the order of their first rows; -1 for missing ones."""
    if not isinstance(values, np.ndarray):
        return values.factorize()
    if values.dtype.kind not in "biufUS":
        ids = np.array(list(dict.fromkeys(id_ for id_ in values if not _is_missing(id_))), dtype=object)
        numbers = {id_: number for number, id_ in enumerate(ids)}
        return np.array([numbers.get(id_, -1) for id_ in values]), ids
    ids, firsts, codes = np.unique(values, return_index=True, return_inverse=True)
    order = np.argsort(firsts)
    codes = np.argsort(order)[codes]
    return np.where(values == values, codes, -1), ids[order]


def _is_missing(id_) -> bool:
    return id_ is None or type(id_).__name__ == "NAType" or bool(id_ != id_)
