"""Forecasts beyond what a model predicts at once: its predictions become the end of the series."""

from collections.abc import Callable
from typing import Any

import numpy as np
from sklearn.pipeline import Pipeline

from .._validation import check_numeric
from .._windows.sliding_window import SlidingWindow
from .._windows.tables import append, other_columns
from .forecaster import LSTMForecaster
from .targets import SCALERS, unwrapped

PROBE_OFFSET = 2.0**60  # so large that the difference of two scaled rows loses no digits


def recursion(model, table, columns: list[int], block: np.ndarray, future) -> np.ndarray:
    """Return predictions for at least the rows of `future`, the first of which are `block`.

    `table` is the series so far, `columns` are those that the model predicts, and `future` holds the others.
    """
    advance = _advance_windows(model, table, columns, future) or _advance_table(model, table, columns, len(future))
    blocks, done = [block], len(block)
    while done < len(future):
        blocks.append(advance(blocks[-1], future[done - len(blocks[-1]) : done]))
        done += len(blocks[-1])
    return np.concatenate(blocks)


def _advance_table(model, table, columns: list[int], n_future: int) -> Callable:
    """Return a function from a block and the other columns' values to the next block, for any model."""
    n_rows = receptive_field(model) or len(table) + n_future

    def advance(block, others):
        nonlocal table
        table = append(table, columns, block, others)[-n_rows:]
        return last_prediction(model, table, len(columns))

    return advance


def _advance_windows(model, table, columns: list[int], future) -> Callable | None:
    """Return such a function for a pipeline of scalers, windows and an LSTM, and None for other models.

    It rolls on the scaled rows of the LSTM's own window, which were validated once, instead of the series.
    """
    from sklearn.model_selection import GridSearchCV, RandomizedSearchCV  # whoever has one has imported it already

    pipeline = model.best_estimator_ if type(model) in (GridSearchCV, RandomizedSearchCV) else model
    n_rows = receptive_field(pipeline)
    if type(pipeline) is not Pipeline or n_rows is None:
        return None
    *scalers, sliding, forecaster = (transformer for _, transformer in pipeline.steps)
    if type(sliding) is not SlidingWindow or sliding.flatten or type(forecaster) is not LSTMForecaster:
        return None
    if any(getattr(scaler, "clip", False) for scaler in scalers):  # the others are linear: two rows tell what they do
        return None
    scaled = sliding._padded(_scaled(scalers, table[-n_rows:]))[-n_rows:]
    row = table[-1:].astype(float)
    row = np.nan_to_num(row) if isinstance(row, np.ndarray) else row.fillna(0.0)
    here, scaled_here = np.asarray(row), np.asarray(_scaled(scalers, row))
    slope = (np.asarray(_scaled(scalers, row + PROBE_OFFSET)) - scaled_here) / PROBE_OFFSET
    known_columns = other_columns(table, columns)
    if known_columns:
        check_numeric(future, name="X", estimator=forecaster)

    def advance(block, others):
        nonlocal scaled
        rows = np.empty((len(block), table.shape[1]))
        rows[:, columns], rows[:, known_columns] = block, others
        scaled = np.concatenate([scaled, (rows - here) * slope + scaled_here])[-n_rows:]
        return forecaster._predict(sliding._windows_over(scaled)).reshape(-1, len(columns))

    return advance


def _scaled(scalers: list, rows) -> Any:
    for scaler in scalers:
        rows = scaler.transform(rows)
    return rows


def receptive_field(model) -> int | None:
    """Return how many rows the last prediction depends on, if that can be told, and None otherwise.

    It can where the regressor stands right behind windows, and before them nothing but scalers of
    scikit-learn, which treat each value on its own. Windows that carry over are none of these, since they
    want to see how the rows follow the fitted ones.
    """
    model = unwrapped(model)
    if not isinstance(model, Pipeline) or len(model) < 2:
        return None
    *scalers, window, _ = (step for _, step in model.steps)
    if not isinstance(window, SlidingWindow) or window.carry_over:
        return None
    if any(type(scaler) not in SCALERS for scaler in scalers):
        return None
    return window._reach()


def check_lags(model, n_rows: int, name: str) -> None:
    """Check that the window that ends with the last of so many rows has a step for which all lags are there.

    Raises
    ------
    ValueError
        If it has none: the model would predict from nothing.
    """
    model = unwrapped(model)
    for window in (step for _, step in getattr(model, "steps", []) if isinstance(step, SlidingWindow)):
        longest = max((int(np.max(lags)) for lags in (window.lags or {}).values()), default=0)
        if n_rows <= longest and window.pad == "missing" and not window.carry_over:
            raise ValueError(
                f"{name} must have at least {longest + 1} rows, since the longest lag is {longest}. Got {n_rows}."
            )


def predict_steps(model, table, n_targets: int) -> np.ndarray:
    """Return the steps that the model predicts to follow each row, of shape ``(n_rows, n_steps, n_targets)``."""
    prediction = np.asarray(model.predict(table))
    if len(prediction) != len(table):
        raise ValueError(
            f"The model must predict a row for each row, but predicted {len(prediction)} for {len(table)}."
        )
    outputs = prediction.reshape(len(prediction), -1)
    n_outputs = outputs.shape[1]
    if n_outputs % n_targets:
        raise ValueError(f"The model has {n_outputs} output(s), which cannot be steps of {n_targets} target(s).")
    return outputs.reshape(len(outputs), -1, n_targets)


def last_prediction(model, table, n_targets: int) -> np.ndarray:
    """Return the steps that follow the last row, of shape ``(n_steps, n_targets)``."""
    return predict_steps(model, table, n_targets)[-1]
