"""Forecasts beyond what a model predicts at once: its predictions become the end of the series."""

from collections.abc import Callable, Iterator
from itertools import islice
from math import ceil
from typing import Any

import numpy as np
from joblib import Parallel, delayed
from sklearn.pipeline import Pipeline

from .._validation import check_numeric
from .._windows.sliding_window import SlidingWindow
from .._windows.tables import append, other_columns, take
from .forecaster import LSTMForecaster
from .known import KnownColumns
from .prediction import last_prediction, receptive_field

PROBE_OFFSET = 2.0**60  # so large that the difference of two scaled rows loses no digits


def forecast_steps(model, history, columns: list[int], ahead: KnownColumns, future, steps: int) -> np.ndarray:
    """Return the steps that follow a table, of shape ``(steps, n_targets)``, by as many calls as they need.

    `columns` are those that the model predicts, and `future` holds the others for the rows to come.
    """
    rows, _ = ahead.split(history, columns, future)
    block = last_prediction(model, rows, len(columns))
    return recursion(model, history, columns, ahead, block, future, steps)


def recursion(
    model, history, columns: list[int], ahead: KnownColumns, block, future, steps: int, *, verbose: int = 0
) -> np.ndarray:
    """Return the same, given the first block of steps."""
    blocks = _blocks(model, history, columns, ahead, block, future, steps)
    return np.concatenate(one_after_another(blocks, ceil(steps / len(block)), verbose))[:steps]


def one_after_another(items: Iterator, n_items: int, verbose: int) -> list:
    """Return so many items, and report the progress as joblib does unless there is a single one."""
    if n_items == 1 or not verbose:
        return list(islice(items, n_items))
    return Parallel(n_jobs=1, verbose=verbose)(delayed(next)(items) for _ in range(n_items))


def _blocks(model, history, columns: list[int], ahead: KnownColumns, block, future, steps: int) -> Iterator[np.ndarray]:
    """Yield blocks for at least so many steps, the first of which is given."""
    n_known = min(ahead.n_steps_known(len(block), columns) or steps, steps)
    blocks = [block]
    yield block
    if n_known > len(block):
        rows, others = ahead.split(history, columns, future)
        for following in _roll(model, rows, columns, block, take(others, 0, n_known)):
            blocks.append(following)
            yield following
    known = np.concatenate(blocks)
    if len(known) < steps:
        history, future = append(history, columns, known, take(future, 0, len(known))), take(future, len(known))
        rows, _ = ahead.split(history, columns, future)
        block = last_prediction(model, rows, len(columns))
        yield from _blocks(model, history, columns, ahead, block, future, steps - len(known))


def _roll(model, table, columns: list[int], block: np.ndarray, future) -> Iterator[np.ndarray]:
    """Yield the blocks that follow one, until there are at least as many steps as `future` has rows."""
    advance = _advance_windows(model, table, columns, future) or _advance_table(model, table, columns, len(future))
    done = len(block)
    while done < len(future):
        block = advance(block, future[done - len(block) : done])
        done += len(block)
        yield block


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

    It rolls on the LSTM's own window, which was validated once, instead of the series.
    """
    from sklearn.model_selection import GridSearchCV, RandomizedSearchCV  # whoever has one has imported it already

    pipeline = model.best_estimator_ if type(model) in (GridSearchCV, RandomizedSearchCV) else model
    if type(pipeline) is not Pipeline or receptive_field(pipeline) is None:
        return None
    *scalers, sliding, forecaster = (transformer for _, transformer in pipeline.steps)
    if type(sliding) is not SlidingWindow or sliding.flatten or type(forecaster) is not LSTMForecaster:
        return None
    if any(getattr(scaler, "clip", False) for scaler in scalers):  # the others are linear: two rows tell what they do
        return None
    window = sliding.transform(_scaled(scalers, table[-sliding.window_size :]))[-1]
    row = table[-1:].astype(float)
    row = np.nan_to_num(row) if isinstance(row, np.ndarray) else row.fillna(0.0)
    here, scaled_here = np.asarray(row), np.asarray(_scaled(scalers, row))
    slope = (np.asarray(_scaled(scalers, row + PROBE_OFFSET)) - scaled_here) / PROBE_OFFSET
    known_columns = other_columns(table, columns)
    if known_columns:
        check_numeric(future, name="X", estimator=forecaster)

    def advance(block, others):
        nonlocal window
        rows = np.empty((len(block), table.shape[1]))
        rows[:, columns], rows[:, known_columns] = block, others
        window = np.concatenate([window, (rows - here) * slope + scaled_here])[-len(window) :]
        return forecaster._predict(window[np.newaxis]).reshape(-1, len(columns))

    return advance


def _scaled(scalers: list, rows) -> Any:
    for scaler in scalers:
        rows = scaler.transform(rows)
    return rows
