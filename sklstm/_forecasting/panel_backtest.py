"""Backtests of one model on many series, all series at once."""

import warnings
from collections.abc import Callable
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np
from sklearn.base import clone
from sklearn.utils import Bunch, gen_batches
from sklearn.utils.validation import check_is_fitted

from .._validation import check_numeric
from .._windows.long_table import LongTable, read_long_table
from .._windows.tables import is_pandas, other_columns, take, take_rows, target_columns
from .future import futures_by_origin, missing_future, warn_of_unused_future
from .intervals import ends_by_name, interval_model, point_model
from .known import fitted_known_columns, known_columns
from .panel_future import future_of_panel
from .panels import PanelTask
from .prediction import predict_rows, receptive_field
from .refits import Forecasts, Schedule, fit_where_known, in_parallel, rolling_origins
from .supervised import to_supervised
from .targets import predicted_columns

RESULT = ("origin", "step", "target", "truth", "prediction")


class PanelBacktest(NamedTuple):
    """What a backtest is to forecast, besides the model and the origins."""

    table: LongTable
    task: PanelTask
    horizon: int
    known_at: Callable | None  # what was known ahead at an origin, if not the true values
    coverages: tuple[float, ...]

    def rows_at(self, origins) -> np.ndarray:
        """Return the rows of some times that have what a forecast from them needs, time by time."""
        panel, ahead = self.table.panel, self.task.ahead
        is_origin = np.isin(panel.steps, origins) & (panel.later(ahead.n_rows_of_future(self.horizon)) >= 0)
        rows = np.flatnonzero(is_origin & (panel.places >= ahead.longest_lag))
        return rows[np.lexsort((panel.codes[rows], panel.steps[rows]))]

    def forecast(self, model, origins, **parallel) -> Forecasts:
        """Return a fitted model's forecasts from the rows at some origins, and their intervals if any are asked for."""
        rows, panel = self.rows_at(origins), self.table.panel
        values = check_numeric(take(self.table.values, columns=self.task.columns), name="series", estimator=None)
        truth = np.stack([values[panel.later(step)[rows]] for step in range(1, self.horizon + 1)], axis=1)
        predictions = self.predict(point_model(model), origins, **parallel)
        intervals = None
        if self.coverages:
            of_intervals, times = interval_model(model), panel.steps[rows]
            known_at = np.stack([panel.steps[panel.later(step)[rows]] for step in range(1, self.horizon + 1)], axis=1)
            basis = self._basis_at(rows, of_intervals, predictions)
            intervals = of_intervals._step_intervals(basis, predictions, self.coverages, truth, times, known_at)
        return Forecasts(rows, truth, predictions, intervals)

    def _basis_at(self, rows: np.ndarray, model, predictions: np.ndarray) -> Any:
        """Return what intervals of the steps after some rows are made of."""
        steps, ahead = self.table.panel.steps, self.task.ahead
        is_open = self.known_at is None or not ahead.positions
        if not model._needs_rows or (receptive_field(model) is not None and is_open):
            complete = self._complete_rows(until=max(steps[rows], default=0))
            known = ahead.added_to_series(self.table).of(complete)
            basis = model._basis(known.with_ids(), np.searchsorted(complete, rows), predictions)
            if not callable(model._scale) or not len(rows):
                return basis
            first = np.flatnonzero(steps[rows] == steps[rows[0]])
            until = steps[complete] <= steps[rows[0]]
            alone = model._basis(
                known.of(np.flatnonzero(until)).with_ids(),
                np.searchsorted(complete[until], rows[first]),
                predictions[first],
            )
            if np.allclose(alone.scale, basis.scale[first]):  # or else it depends on later rows
                return basis
        task = replace(self.task, model=model.estimator_)
        origins = np.unique(steps[rows])
        return model._joined([model._basis(*task.read_at(*self._at(origin))) for origin in origins])

    def predict(self, model, origins, *, n_jobs=None, verbose=0) -> np.ndarray:
        """Return a fitted model's predictions from the rows at some origins, (n_rows, horizon, n_targets)."""
        rows, task = self.rows_at(origins), replace(self.task, model=model)
        if not len(rows):
            return np.empty((0, self.horizon, len(task.columns)))
        if self.known_at is None or not task.ahead.positions:
            complete = self._complete_rows(until=max(self.table.panel.steps[rows]))
            X = task.ahead.added_to_series(self.table).of(complete).with_ids()
            steps = predict_rows(model, X, np.searchsorted(complete, rows), len(task.columns))
            task.ahead.check_block(steps.shape[1])
            is_direct = steps.shape[1] >= self.horizon
            if is_direct and self.known_at is not None:
                warn_of_unused_future(self.horizon)
            if is_direct and (receptive_field(model) is not None or self._looks_back(task, rows, steps)):
                return steps[:, : self.horizon]
        calls = ((*self._at(origin), self.horizon) for origin in np.unique(self.table.panel.steps[rows]))
        forecasts = in_parallel(task.forecast, calls, n_jobs=n_jobs, verbose=verbose)
        return np.concatenate(forecasts)

    def _complete_rows(self, until: int) -> np.ndarray:
        """Return the rows up to a time that have all values known ahead and all lags."""
        panel, ahead = self.table.panel, self.task.ahead
        is_known = (panel.places >= ahead.longest_lag) & (panel.later(ahead.horizon) >= 0)
        return np.flatnonzero(is_known & (panel.steps <= until))

    def _looks_back(self, task: PanelTask, rows: np.ndarray, steps: np.ndarray) -> bool:
        """Return whether the predictions of the first origin, made beside later rows, are those without them."""
        origin = self.table.panel.steps[rows[0]]
        history, to_come = self._at(origin)
        alone = task.forecast(history, to_come, self.horizon)
        first = steps[: len(alone), : self.horizon]
        return np.allclose(alone, first, rtol=1e-6, atol=1e-5 * np.ptp(steps), equal_nan=True)

    def _at(self, origin: int) -> tuple[LongTable, LongTable]:
        """Return the rows until an origin of the series that are forecast from there, and the rows to come."""
        rows, panel, task = self.rows_at([origin]), self.table.panel, self.task
        is_here = np.isin(panel.codes, panel.codes[rows])
        history = self.table.of(np.flatnonzero(is_here & (panel.steps <= origin)))
        steps = range(1, task.ahead.n_rows_of_future(self.horizon) + 1)
        later = np.stack([panel.later(step)[rows] for step in steps], axis=1)
        to_come = history.to_come(later.shape[1], None if panel.times is None else panel.times[later.ravel()])
        others = other_columns(self.table.values, task.columns)
        true = take_rows(take(self.table.values, columns=others), later.ravel())
        to_come = to_come.with_columns_of(others, true)
        if self.known_at is not None:
            needed, given = task.ahead.needed(others, self.horizon), self.known_at(origin)
            if given is None:
                raise missing_future(self.table, needed, later.shape[1])
            history, to_come = future_of_panel(given, history, to_come, needed)
            task.ahead.check_future(take(to_come.values, columns=needed), needed)
        return history, to_come


def backtest_panel(model, series, horizon: int, schedule: Schedule, chosen: dict[str, Any], future, coverages) -> Any:
    """Return the forecasts from some times of all series that have rows then; see `backtest`.

    `chosen` are parameters of `to_supervised`: the target, the columns known ahead and the groups.
    """
    table = read_long_table(series, chosen["groups"], "series")
    return _as_result(table, roll_panel(model, table, horizon, schedule, chosen, future, coverages), coverages)


def roll_panel(
    model, table: LongTable, horizon: int, schedule: Schedule, chosen: dict[str, Any], future=None, coverages=()
) -> Forecasts:
    """Return the same forecasts as they are."""
    refits = schedule.refit_every is not None
    if refits:
        columns = target_columns(table.names, chosen["target"])
        ahead = known_columns(table, chosen["known"], horizon, columns)
    else:
        check_is_fitted(model)
        columns = predicted_columns(model, table, chosen["target"], "series")
        ahead = fitted_known_columns(model, table, chosen["known"], columns)
    n_behind, labels = ahead.n_rows_of_future(horizon), labels_of_times(table)
    times = rolling_origins(len(labels), horizon, n_behind, schedule.first_origin, schedule.stride, refit=refits)
    known_at = futures_by_origin(future, labels, times)
    run = PanelBacktest(table, PanelTask(model, columns, ahead), horizon, known_at, coverages)
    if not len(run.rows_at(times)):
        raise ValueError("No series has enough rows before and after any origin. Choose a shorter horizon.")
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", ".* is irregular")  # said once, and not for each origin
        if not refits:
            found = [run.forecast(model, times, n_jobs=schedule.n_jobs, verbose=schedule.verbose)]
        else:
            calls = (
                (run, times[batch], clone(model), chosen, schedule.max_train_size)
                for batch in gen_batches(len(times), schedule.refit_every)
            )
            found = in_parallel(_fit_and_forecast, calls, n_jobs=schedule.n_jobs, verbose=schedule.verbose)
    return Forecasts.joined(found, columns)


def labels_of_times(table: LongTable) -> Any:
    """Return the label of each time that series have, or its number where nothing tells the time."""
    panel = table.panel
    if panel.times is None:
        return np.arange(panel.steps.max() + 1)
    return panel.times[np.unique(panel.steps, return_index=True)[1]]


def _fit_and_forecast(run: PanelBacktest, times, model, chosen: dict, max_train_size: int | None) -> Forecasts:
    """Fit a model on the rows up to the first of some origins, and return its forecasts from all of them."""
    steps = run.table.panel.steps
    start = (
        0
        if max_train_size is None
        else max(0, times[0] + 1 - run.horizon - run.task.ahead.longest_lag - max_train_size)
    )
    training = run.table.of(np.flatnonzero((steps >= start) & (steps <= times[0])))
    fit_where_known(model, *to_supervised(training.with_ids(), run.horizon, **chosen))
    return run.forecast(model, times)


def _as_result(table: LongTable, forecasts: Forecasts, coverages) -> Any:
    """Return a row for each origin, series, step and target, as a DataFrame or a Bunch like the table."""
    panel, (_, horizon, n_targets) = table.panel, forecasts.truth.shape
    axes = np.meshgrid(forecasts.origins, np.arange(1, horizon + 1), forecasts.columns, indexing="ij")
    row, step, target = (axis.ravel() for axis in axes)
    is_frame, labels = is_pandas(table.values), labels_of_times(table)
    if table.groups in RESULT:
        raise ValueError(f"groups is called {table.groups!r}, as a column of the result is. Rename it.")
    result = {
        table.groups if is_frame else "series": np.asarray(panel.ids)[panel.codes[row]],
        "origin": labels[panel.steps[row]],
        "step": step,
    }
    if n_targets > 1:
        result["target"] = np.array(table.names, dtype=object)[target]
    result |= {"truth": forecasts.truth.ravel(), "prediction": forecasts.predictions.ravel()}
    result |= ends_by_name(forecasts.intervals, coverages)
    if not is_frame:
        return Bunch(**result)

    import pandas as pd

    return pd.DataFrame(result)
