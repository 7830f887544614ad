"""Columns known ahead: values of other rows that stand in a row of `X`, beside its own."""

import re
import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np
from sklearn.pipeline import Pipeline

from .._windows.long_table import LongTable, one_series
from .._windows.tables import append, as_pandas, is_missing, is_pandas, other_columns, take
from .prediction import predict_steps, receptive_field
from .targets import name_at_step, unwrapped

NAME = re.compile(r"(.+)_(step|lag)(\d+)")


@dataclass(frozen=True)
class KnownColumns:
    """The columns that are known ahead."""

    offsets: tuple[tuple[int, int], ...] = ()  # positions, each with how many rows later the value stands, or earlier

    @property
    def horizon(self) -> int:
        """Return how many rows ahead they are known; 0 if all of them are lags."""
        return max((offset for _, offset in self.offsets if offset > 0), default=0)

    @property
    def positions(self) -> list[int]:
        """Return the columns whose future has to be given, which are no lags."""
        return [column for column, offset in self.offsets if offset > 0]

    def n_rows_of_future(self, steps: int) -> int:
        """Return how many rows to come a forecast of so many steps needs: whole blocks, each known to its end."""
        return -(-steps // self.horizon) * self.horizon if self.horizon else steps

    def needed(self, others: list[int], steps: int) -> list[int]:
        """Return the columns whose next values a forecast needs: all `others` if it takes more than one block."""
        return self.positions if self.positions and steps <= self.horizon else others

    def n_steps_known(self, block: int, columns: list[int]) -> int | None:
        """Return how many steps can be forecast before lags of the predicted columns are missing; None if no lags are.

        Blocks of steps are forecast one after the other, each from the last row of the one before.
        """
        lags = [-offset for column, offset in self.offsets if column in columns]
        return (min(lags) // block + 1) * block if lags else None

    @property
    def longest_lag(self) -> int:
        """Return how many rows before a row the earliest of its values stands."""
        return max((-offset for _, offset in self.offsets if offset < 0), default=0)

    def check_history(self, n_rows: int, name: str) -> None:
        """Check that the last of so many rows has a value for each lag."""
        if n_rows <= self.longest_lag:
            raise ValueError(
                f"{name} must have at least {self.longest_lag + 1} rows, since a row has values of {self.longest_lag} "
                f"rows before. Got {n_rows}."
            )

    def check_future(self, future, columns: list[int]) -> None:
        """Check that the values known ahead are there; `future` has the given columns of the table."""
        missing = [column for column in self.positions if is_missing(take(future, columns=[columns.index(column)]))]
        if missing:
            names = list(future.columns[[columns.index(c) for c in missing]]) if is_pandas(future) else missing
            raise ValueError(
                f"future has missing values in the column(s) {names}, which are known ahead. Fill them first, as with "
                "ffill()."
            )

    def check_block(self, n_steps: int) -> None:
        """Check that the model predicts as many steps at once as the columns are known ahead."""
        if self.horizon and n_steps != self.horizon:
            raise ValueError(
                f"The model predicts {n_steps} step(s) at once, but its columns are known {self.horizon} steps ahead: "
                "fit it on X and y of one call of to_supervised."
            )

    def split(self, history, columns: list[int], future) -> tuple[Any, Any]:
        """Return the history and the other columns of the rows to come, both with these columns.

        `columns` are those that are forecast, and `future` holds the others. The first rows, which lack lags, are left
        out.
        """
        if not self.offsets:
            return history, future
        unknown = np.full((len(future), len(columns)), np.nan)
        table = self.added_to(append(history, columns, unknown, future))
        return take(table, self.longest_lag, len(history)), take(
            table, len(history), None, other_columns(table, columns)
        )

    def added_to(self, table) -> Any:
        """Return a table with these columns behind its own; missing where they reach beyond it."""
        return self.added_to_series(one_series(table)).values

    def added_to_series(self, table: LongTable) -> LongTable:
        """Return the same of a table of several series, none of which reaches into another."""
        if not self.offsets:
            return table
        added = [table.shifted(column, offset) for column, offset in self.offsets]
        if is_pandas(table.values):
            names = [_name(table.values.columns[column], offset) for column, offset in self.offsets]
            added = [column.set_axis([name], axis=1) for column, name in zip(added, names, strict=True)]
        return table.with_columns(added)


def _name(column: Any, offset: int) -> str:
    return name_at_step(column, offset) if offset > 0 else f"{column}_lag{-offset}"


def known_columns(table: LongTable, known, horizon: int, targets: list[int]) -> KnownColumns:
    """Return the columns of `to_supervised`'s parameter `known`.

    Raises
    ------
    ValueError
        If it names no columns of the table, or lags that are not known ahead, or if a name is taken.
    """
    names, is_frame = table.names, is_pandas(table.values)
    offsets = []
    for column, lags in _lags_by_column(known, names).items():
        if column not in names:
            raise ValueError(
                f"known must name some of the columns {names}. Got {column!r} instead. Give a name, a list of names "
                f"or a dict from names to lags, such as {{{names[0]!r}: {7 * horizon}}}."
            )
        if is_frame and not isinstance(column, str):
            raise ValueError(
                f"known needs columns whose names are str. Got {column!r} instead. Rename them first, as with "
                "series.rename(columns=str)."
            )
        position = names.index(column)
        if not lags or len(set(lags)) < len(lags):
            raise ValueError(f"known must have different lags of a column. Got {lags!r} for {column!r} instead.")
        for lag in lags:
            _check_lag(column, lag, horizon, is_target=position in targets)
            offsets.append((position, horizon - int(lag)))
    if is_frame:
        taken = [name for name in (_name(names[column], offset) for column, offset in offsets) if name in names]
        if taken:
            raise ValueError(f"series already has columns {taken}, which known would add. Rename or drop them.")
    return KnownColumns(tuple(offsets))


def _lags_by_column(known, names: list) -> dict[Any, list]:
    """Return the lags of each column: how many rows before the step to come its value stands."""
    if known is None:
        return {}
    if isinstance(known, dict):
        return {column: list(lags) if np.ndim(lags) else [lags] for column, lags in known.items()}
    is_name = isinstance(known, str) or not np.iterable(known) or (isinstance(known, tuple) and known in names)
    columns = [known] if is_name else list(known)
    if len(set(columns)) < len(columns):
        raise ValueError(f"known must name each column once. Got {known!r} instead.")
    return {column: [0] for column in columns}


def _check_lag(column, lag, horizon: int, *, is_target: bool) -> None:
    is_int = isinstance(lag, int | np.integer) and not isinstance(lag, bool)
    if is_int and (lag > horizon or (lag == 0 and not is_target)):
        return
    found = f"Got {lag!r} for {column!r} instead."
    if is_target:
        raise ValueError(
            f"The values of a target are known ahead only with a lag longer than the horizon, as in "
            f"known={{{column!r}: {7 * horizon}}}: an int in the range [{horizon + 1}, inf). {found}"
        )
    raise ValueError(
        "The lag of a column must be 0, if its values are known ahead, or longer than the horizon, an int in the range "
        f"[{horizon + 1}, inf): windows hold the values between. {found}"
    )


def fitted_known_columns(model, table: LongTable, known, targets: list[int]) -> KnownColumns:
    """Return the columns known ahead that a model was fitted with: by what it remembers, or else by `known`.

    Raises
    ------
    ValueError
        If the model remembers others, or if it was fitted with more columns than the table has and nothing tells which.

    Warns
    -----
    UserWarning
        If the windows of the model are shorter than its horizon, so that they lack the values of the first steps.
    """
    ahead = _fitted_known_columns(model, table, known, targets)
    window_size = receptive_field(model)
    if window_size is not None and window_size < ahead.horizon:
        warnings.warn(
            f"Windows of {window_size} row(s) lack the values known ahead of the first {ahead.horizon - window_size} "
            f"of {ahead.horizon} steps. Choose SlidingWindow({ahead.horizon}), or a larger one.",
            UserWarning,
            stacklevel=3,
        )
    return ahead


def _fitted_known_columns(model, table: LongTable, known, targets: list[int]) -> KnownColumns:
    remembered = _remembered(model, table)
    if known is None:
        n_expected, n_found = getattr(unwrapped(model), "n_features_in_", None), table.n_columns
        if not remembered.offsets and n_expected is not None and n_expected > n_found:
            raise ValueError(
                f"history has {n_found} columns, while the model was fitted on {n_expected}. If to_supervised added "
                "some as known ahead, pass its known."
            )
        return remembered
    if not is_pandas(table.values) or not _feature_names(unwrapped(model)):
        return known_columns(table, known, _horizon(model, table, known, targets), targets)
    if not _are_alike(_lags_by_column(known, table.names), remembered, table.names):
        added = [_name(table.names[column], offset) for column, offset in remembered.offsets]
        raise ValueError(
            f"The model was fitted with the columns {added}, which known={known!r} does not make. Leave known out."
        )
    return remembered


def _are_alike(lags: dict[Any, list], remembered: KnownColumns, names: list) -> bool:
    """Tell whether lags of columns are those of other known columns, for one horizon."""
    given = sorted((names.index(column), lag) for column in lags if column in names for lag in lags[column])
    expected = sorted((column, -offset) for column, offset in remembered.offsets)
    horizons = {lag - ahead for (_, lag), (_, ahead) in zip(given, expected, strict=False)}
    return [column for column, _ in given] == [column for column, _ in expected] and len(horizons) <= 1


def _horizon(model, table: LongTable, known, targets: list[int]) -> int:
    """Return how many steps a model predicts at once, by a trial on the table's own rows."""
    ahead = known_columns(table, known, 1, targets)
    panel = table.panel
    rows = np.flatnonzero((panel.places >= ahead.longest_lag) & (panel.later(1) >= 0))
    if not len(rows):
        raise ValueError(f"Found {len(table)} row(s), while more than {1 + ahead.longest_lag} are required by known.")
    complete = ahead.added_to_series(table).of(rows)
    latest = complete.panel.latest(receptive_field(model) or len(rows))
    return predict_steps(model, complete.of(latest).with_ids(), len(targets)).shape[1]


def _remembered(model, table: LongTable) -> KnownColumns:
    """Return the columns known ahead by the names of a model's features: those that `to_supervised` has added."""
    if not is_pandas(table.values):
        return KnownColumns()
    columns = table.names
    offsets = []
    for name in _feature_names(unwrapped(model)):
        match = NAME.fullmatch(name)
        if name not in columns and match and match[1] in columns:
            offsets.append((columns.index(match[1]), int(match[3]) * (1 if match[2] == "step" else -1)))
    return KnownColumns(tuple(offsets))


def without_known_columns(X) -> Any:
    """Return a DataFrame, as one of pandas, without the columns that `to_supervised` has added; an array as it is."""
    X = as_pandas(X, "X")
    if not is_pandas(X) or X.ndim == 1:
        return X
    names = list(X.columns)
    matches = [NAME.fullmatch(name) if isinstance(name, str) else None for name in names]
    return X.loc[:, [not (match and match[1] in names) for match in matches]]


def _feature_names(model) -> list[str]:
    steps = [step for _, step in model.steps] if isinstance(model, Pipeline) else [model]
    return next((list(step.feature_names_in_) for step in steps if hasattr(step, "feature_names_in_")), [])
