"""The steps to come: their labels, and the columns that are known of them."""

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np

from .._validation import check_numeric
from .._windows.long_table import LongTable
from .._windows.tables import as_pandas, as_table, frame, is_pandas, take
from .._windows.time_index import check_comparable, following_labels, time_index

CURE = "Set its index, or pass an array, whose rows are in order: future.to_numpy()."


def with_continued_index(table, future, steps: int) -> tuple[Any, Any]:
    """Return a DataFrame and the labels of the rows to come; both numbered where no labels can be had."""
    index = time_index(table)
    if index is not None:
        labels = following_labels(index, steps)
        if labels is None:
            labels = _labels_of_future(index, future, steps)
        if labels is not None:
            return table, labels
    numbered = table.reset_index(drop=True)
    return numbered, following_labels(numbered.index, steps)


def _labels_of_future(index, future, steps: int) -> Any | None:
    """Return the labels that `future` has after those of an index without a frequency; None if it is an array."""
    if not is_pandas(future):
        return None
    labels = _comparable(future, index)
    labels = labels[labels > index[-1]][:steps]
    if len(labels) < steps:
        raise ValueError(f"future must have {steps} row(s) after {index[-1]}, the end of history. Got {len(labels)}.")
    return labels


def check_future(table, others: list[int], future, steps: int, labels, *, by_label: bool) -> Any:
    """Return the columns that are not predicted, for the steps to come, as array or DataFrame like the table."""
    if not others:
        raise ValueError("future is given, but the model predicts all columns of history. Leave future out.")
    rows = as_table(future, "future")
    names = None if labels is None else table.columns[others]
    if is_pandas(rows) and labels is not None:
        rows = _with_columns(rows, names, is_series=future.ndim == 1)
        rows = _at_labels(rows, labels) if by_label else rows
    if _are_numbers(take(table, columns=others)):
        check_numeric(rows, name="future", estimator=None)
    if len(rows) < steps or rows.shape[1] != len(others):
        raise ValueError(f"future has shape {rows.shape}, while ({steps}, {len(others)}) is required.")
    if labels is None:
        return np.asarray(rows)[:steps]
    return rows.iloc[:steps].set_axis(labels) if is_pandas(rows) else frame(rows[:steps], labels, names)


def warn_of_unused_future(n_steps: int) -> None:
    """Warn that a model forecasts without the future that is given."""
    warnings.warn(
        f"future has no effect: the model predicts {n_steps} step(s) at once, from history alone. If it should read "
        "columns known ahead, fit it with known of to_supervised.",
        UserWarning,
        stacklevel=4,
    )


def futures_by_origin(future, labels, origins) -> Callable[[int], Any] | None:
    """Return a function from the position of an origin to what was known ahead there; None if `future` is.

    `labels` are those of all rows.

    Raises
    ------
    ValueError
        If `future` is neither a function, nor a DataFrame with an index of two levels, nor an array for each origin.
    """
    if future is None:
        return None
    if callable(future):
        return lambda origin: as_pandas(future(labels[origin]), "future")
    if is_pandas(future):
        if future.index.nlevels < 2:
            raise ValueError(
                "future must have an index of two levels, the origin and the label of each row, but has "
                f"{future.index.nlevels}. Set it with future.set_index([...])."
            )
        return lambda origin: _of_origin(future, labels[origin])
    if np.ndim(future) != 3 or len(future) != len(origins):
        raise ValueError(
            f"future must be a function of the origin, a DataFrame of pandas, or an array of shape ({len(origins)}, "
            f"n_future, n_columns) for {len(origins)} origins. Got {np.shape(future) or type(future).__name__} instead."
        )
    return dict(zip(origins, future, strict=True)).__getitem__


def _of_origin(future, label) -> Any:
    origins = future.index.get_level_values(0)
    rows = future[origins == label].droplevel(0)
    if not len(rows):
        raise ValueError(f"future has no rows for the origin {label}. Its origins are {origins[0]} to {origins[-1]}.")
    return rows


def missing_future(table: LongTable, columns: list[int], n_rows: int) -> ValueError:
    """Return the error that the next values of some columns are needed."""
    names = [table.names[column] for column in columns]
    return ValueError(f"The next values of the column(s) {names} are needed: pass {n_rows} row(s) as future.")


def with_all_columns(future, given: list[int], columns: list[int], table, n_rows: int, labels) -> Any:
    """Return the rows to come with all of some columns of the table, missing where they are not given."""
    if labels is None:
        is_number = table.dtype.kind in "biuf"
        rows = np.full((n_rows, len(columns)), np.nan, dtype=float if is_number else object)
        if future is not None:
            rows[:, [columns.index(column) for column in given]] = future
        return rows
    names = table.columns[columns]
    return frame(np.nan, labels, names) if future is None else future.reindex(columns=names)


def _are_numbers(table) -> bool:
    return np.asarray(table).dtype.kind in "biuf"


def _with_columns(rows, names, *, is_series: bool) -> Any:
    """Return the columns of those names; a Series stands for the only one."""
    if is_series and len(names) == 1:
        return rows.set_axis(names, axis=1)
    if not names.isin(rows.columns).all():
        raise ValueError(
            f"future must have the columns {list(names)}. Got {list(rows.columns)} instead. If history is an X of "
            "to_supervised, pass the table that it was made of."
        )
    return rows[names]


def _at_labels(rows, labels) -> Any:
    """Return the rows of the steps to come."""
    if not labels.isin(_comparable(rows, labels)).all():
        raise ValueError(
            f"future must have the rows {labels[0]} to {labels[-1]}. Got {rows.index[0]} to {rows.index[-1]} instead. "
            f"{CURE}"
        )
    return rows.loc[labels]


def _comparable(future, index) -> Any:
    """Return the index of `future` if it tells time as that of the history does."""
    labels = time_index(future)
    if labels is None or labels.inferred_type != index.inferred_type:
        raise ValueError(
            f"The index of history holds times of the kind {index.inferred_type!r}, that of future holds "
            f"{future.index.inferred_type!r}. {CURE}"
        )
    check_comparable(labels, index, "future", "history")
    return labels
