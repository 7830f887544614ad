"""Predictions of any model, read as steps of targets."""

from typing import Any

import numpy as np
from sklearn.pipeline import Pipeline

from .._compat import num_samples, safe_indexing
from .._windows.arrays import as_slice
from .._windows.sliding_window import SlidingWindow
from .._windows.windows import Windows
from .targets import SCALERS, unwrapped


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
    return window.window_size


def predict_steps(model, table, n_targets: int) -> np.ndarray:
    """Return the steps that the model predicts to follow each row, of shape ``(n_rows, n_steps, n_targets)``."""
    prediction = np.asarray(model.predict(table))
    if len(prediction) != num_samples(table):
        raise ValueError(
            f"The model must predict a row for each row, but predicted {len(prediction)} for {num_samples(table)}. "
            "Leave out steps that drop rows: SlidingWindow keeps them."
        )
    outputs = prediction.reshape(len(prediction), -1)
    n_outputs = outputs.shape[1]
    if n_outputs % n_targets:
        raise ValueError(f"The model has {n_outputs} output(s), which cannot be steps of {n_targets} target(s).")
    return outputs.reshape(len(outputs), -1, n_targets)


def predict_rows(model, X, rows: np.ndarray, n_targets: int) -> np.ndarray:
    """Return the steps that the model predicts to follow some rows, of shape ``(n_rows, n_steps, n_targets)``.

    Of a pipeline with windows, the regressor predicts no others: behind windows, each row stands for itself.
    """
    pipeline = getattr(model, "best_estimator_", model)
    if not isinstance(pipeline, Pipeline) or not isinstance(pipeline[-2:][0], SlidingWindow):
        return predict_steps(model, X, n_targets)[rows]
    return predict_steps(pipeline[-1], rows_of(pipeline[:-1].transform(X), rows), n_targets)


def rows_of(X, rows: np.ndarray) -> Any:
    """Return some rows of a table or of windows, without a copy where they are adjacent."""
    some = as_slice(rows)
    return X.part(some) if isinstance(X, Windows) else safe_indexing(X, some)


def groups_of(model) -> Any | None:
    """Return the column or index level of the ids of series in a model with windows; None for one series."""
    if not hasattr(model, "get_params"):
        return None
    windows = [value for value in model.get_params().values() if isinstance(value, SlidingWindow)]
    return next((window.groups for window in windows if window.groups is not None), None)


def last_prediction(model, table, n_targets: int) -> np.ndarray:
    """Return the steps that follow the last row, of shape ``(n_steps, n_targets)``."""
    return predict_steps(model, table, n_targets)[-1]
