"""What is known of the steps to come of many series."""

from typing import Any

import numpy as np

from .._validation import check_numeric
from .._windows.long_table import LongTable, read_long_table
from .._windows.tables import is_pandas, take, take_rows
from .._windows.time_index import check_comparable


def future_of_panel(future, history: LongTable, to_come: LongTable, needed: list[int]) -> tuple[LongTable, LongTable]:
    """Return the history and the rows to come, with the values of `future` in the columns that are needed.

    Rows are found by id, and by label where labels tell the time; otherwise they are in order. Where nothing tells the
    labels of the rows to come, they are those of `future` after the end of each series; if it has none either, rows are
    numbered.

    Raises
    ------
    ValueError
        If a series, a row or a column is missing.
    """
    if not needed:
        raise ValueError("future is given, but the model predicts all columns of history. Leave future out.")
    if is_pandas(history.values) and not is_pandas(future):
        raise ValueError("future must be a DataFrame, with the ids and times of its rows as those of history.")
    rows = read_long_table(future, history.groups, "future", integers_are_times=history.panel.has_integer_times)
    values = _needed_columns(rows, history, needed)
    if _are_numbers(take(history.values, columns=needed)):
        check_numeric(values, name="future", estimator=None)
    codes = _codes_in(rows, history)
    n_rows = len(to_come) // len(codes)
    if history.panel.times is not None and rows.panel.times is None and is_pandas(rows.values):
        raise ValueError(
            "The index of history holds times, that of future does not. Set its index to the times of the rows, as "
            "with future.set_index(...)."
        )
    if history.panel.times is None or rows.panel.times is None:
        places = _places_in_order(rows, codes, n_rows)
        if to_come.panel.times is None:
            history = history.numbered()
    elif to_come.panel.times is None:
        places = _places_after(history, rows, codes, n_rows)
        to_come = history.to_come(n_rows, rows.panel.times[places])
    else:
        places = _places_by_label(to_come, rows, codes)
    return history, to_come.with_columns_of(needed, take_rows(values, places))


def _needed_columns(rows: LongTable, history: LongTable, needed: list[int]) -> Any:
    names = [history.names[column] for column in needed]
    if is_pandas(rows.values) and is_pandas(history.values):
        if not set(names) <= set(rows.names):
            raise ValueError(f"future must have the columns {names}. Got {rows.names} instead.")
        return rows.values[names]
    if rows.values.shape[1] != len(needed):
        raise ValueError(f"future has {rows.values.shape[1]} column(s) besides the ids, while {names} are required.")
    return rows.values


def _are_numbers(values) -> bool:
    return np.asarray(values).dtype.kind in "biuf"


def _codes_in(rows: LongTable, history: LongTable) -> np.ndarray:
    """Return the numbers in `future` of the series of the history."""
    numbers = {id_: number for number, id_ in enumerate(rows.panel.ids)}
    missing = [id_ for id_ in history.panel.ids if id_ not in numbers]
    if missing:
        raise ValueError(f"future has no rows of {len(missing)} series of history, such as {missing[0]!r}.")
    return np.array([numbers[id_] for id_ in history.panel.ids])


def _places_in_order(rows: LongTable, codes: np.ndarray, n_rows: int) -> np.ndarray:
    panel = rows.panel
    _check_lengths(rows, panel.sizes[codes], codes, n_rows, "rows")
    return panel.order[panel.starts[codes][:, np.newaxis] + np.arange(n_rows)].ravel()


def _places_after(history: LongTable, rows: LongTable, codes: np.ndarray, n_rows: int) -> np.ndarray:
    """Return the first rows of `future` after the end of each series."""
    panel = rows.panel
    check_comparable(panel.times, history.panel.times, "future", "history")
    ends = history.panel.times[history.panel.last]
    parts = np.split(panel.order, panel.starts[1:])
    later = [parts[code][np.asarray(panel.times[parts[code]] > end)] for code, end in zip(codes, ends, strict=True)]
    _check_lengths(rows, np.array([len(part) for part in later]), codes, n_rows, "rows after the end of history")
    return np.concatenate([part[:n_rows] for part in later])


def _places_by_label(to_come: LongTable, rows: LongTable, codes: np.ndarray) -> np.ndarray:
    import pandas as pd  # of which both tables are

    times, labels = rows.panel.times, to_come.panel.times
    if times.inferred_type != labels.inferred_type:
        raise ValueError(
            f"The index of history holds times of the kind {labels.inferred_type!r}, that of future holds "
            f"{times.inferred_type!r}. Set its index."
        )
    check_comparable(times, labels, "future", "history")
    of_future = pd.MultiIndex.from_arrays([rows.panel.codes, times])
    places = of_future.get_indexer(pd.MultiIndex.from_arrays([codes[to_come.panel.codes], labels]))
    if (places < 0).any():
        first = int(np.argmin(places))
        raise ValueError(
            f"future must have {len(labels) // len(codes)} row(s) after the end of each series, but series "
            f"{to_come.panel.ids.tolist()[to_come.panel.codes[first]]!r} lacks {labels[first]}. Set its index to the "
            "times of the rows."
        )
    return places


def _check_lengths(rows: LongTable, lengths: np.ndarray, codes: np.ndarray, n_rows: int, what: str) -> None:
    short = np.flatnonzero(lengths < n_rows)
    if len(short):
        raise ValueError(
            f"future must have {n_rows} {what} of each series. Got {lengths[short[0]]} of series "
            f"{rows.panel.ids.tolist()[codes[short[0]]]!r}."
        )
