"""The columns of a series that a model predicts: their names in `y`, and what a fitted model remembers of them."""

import re
from typing import Any

from sklearn.pipeline import Pipeline
from sklearn.preprocessing import MaxAbsScaler, MinMaxScaler, RobustScaler, StandardScaler

from .._windows.long_table import LongTable
from .._windows.sliding_window import SlidingWindow
from .._windows.tables import is_pandas, target_columns
from .seasonal_naive import SeasonalNaive

SCALERS = (MaxAbsScaler, MinMaxScaler, RobustScaler, StandardScaler)  # which treat each value on its own


def name_at_step(column, step: int) -> Any:
    """Return the name of a target's column in `y`, such as ``sales_step1``; of a MultiIndex, its last level changes."""
    if isinstance(column, tuple):
        return (*column[:-1], name_at_step(column[-1], step))
    return f"{column}_step{step}"


def step_of_name(name) -> int:
    """Return the step of a column of `y` by its name; 1 for a target that is called as in the series."""
    if isinstance(name, tuple):
        return step_of_name(name[-1])
    match = re.fullmatch(r".+_step(\d+)", str(name))
    return int(match[1]) if match else 1


def predicted_columns(model, table: LongTable, target, name: str) -> list[int]:
    """Return the positions of the columns that a fitted model predicts, in the order of its outputs.

    They are those of `target`, or else what the model remembers of its fit.

    Raises
    ------
    ValueError
        If the model remembers other targets, or if nothing tells which of several columns are the targets.
    """
    remembered = _remembered_columns(model, table)
    if target is not None:
        columns = target_columns(table.names, target)
        if remembered not in (None, columns):
            fitted = [table.names[column] for column in remembered]
            raise ValueError(f"The model was fitted on the target(s) {fitted}, but target={target!r} is given.")
        return columns
    if remembered is not None:
        return remembered
    if len(table.names) > 1:
        raise ValueError(
            f"{name} has {len(table.names)} columns, and the model does not tell which of them it predicts: pass the "
            f"target of to_supervised. If it was None, pass target={table.names}."
        )
    return [0]


def unwrapped(model) -> Any:
    """Return the pipeline or regressor in fitted searches, transformed targets and models of intervals."""
    for inner in ("best_estimator_", "regressor_"):
        if hasattr(model, inner):
            return unwrapped(getattr(model, inner))
    return unwrapped(model.estimator_) if hasattr(model, "predict_interval") and hasattr(model, "estimator_") else model


def _remembered_columns(model, table: LongTable) -> list[int] | None:
    """Return the columns that a model remembers to predict; None if it does not, or if the table has other ones."""
    of_intervals, model = getattr(model, "best_estimator_", model), unwrapped(model)
    steps = [step for _, step in model.steps] if isinstance(model, Pipeline) else [model]
    regressor = steps[-1]
    names = getattr(of_intervals, "_target_names", None) or getattr(regressor, "_target_names", None)
    if names is not None and is_pandas(table.values):
        columns = named_columns(table, names)
        if columns is None:
            _check_steps(names, table)
        return columns
    if isinstance(regressor, SeasonalNaive) and all(isinstance(step, (SlidingWindow, *SCALERS)) for step in steps[:-1]):
        return regressor._targets
    return None


def _check_steps(names: list, table: LongTable) -> None:
    """Check that no names are of single steps, which cannot be told to be the next ones."""
    steps = [name for name in names if any(name == name_at_step(column, step_of_name(name)) for column in table.names)]
    if steps:
        raise ValueError(
            f"The model predicts {names}, which are not the steps from the next one on in order, so they cannot be "
            "forecast. Fit it on all columns of y, as to_supervised returns them for a horizon."
        )


def named_columns(table: LongTable, names: list) -> list[int] | None:
    """Return the columns that `to_supervised` calls by these names; None if there are no such."""
    positions = {column: position for position, column in enumerate(table.names)}
    if all(name in positions for name in names):
        return [positions[name] for name in names]
    firsts = {name_at_step(column, 1): column for column in table.names}
    targets = [firsts[name] for name in names if name in firsts]
    n_steps = len(names) // max(len(targets), 1)
    expected = [name_at_step(target, step) for step in range(1, n_steps + 1) for target in targets]
    return [positions[target] for target in targets] if expected == names else None
