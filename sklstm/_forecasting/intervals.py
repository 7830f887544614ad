"""Intervals of forecasts: which model gives them, and the columns that they are in."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from sklearn.utils.validation import check_is_fitted

from .._conformal.bounds import check_coverages
from .._state import snapshot


def interval_model(model) -> Any:
    """Return the fitted model of intervals that a model is, or that a search has found; None if there is none."""
    model = getattr(model, "best_estimator_", model)
    if not hasattr(model, "predict_interval"):
        return None
    check_is_fitted(model)
    return model


def as_it_is_now(model) -> Any:
    """Return a model of intervals as it is, whatever fits or updates end in other threads; any other model itself."""
    return snapshot(model) if hasattr(model, "predict_interval") else model


def point_model(model) -> Any:
    """Return the model whose predictions a model of intervals gives; any other model as it is."""
    of_intervals = interval_model(model)
    return model if of_intervals is None else of_intervals.estimator_


def checked_coverages(model, coverage) -> tuple[float, ...]:
    """Return the coverages asked for, none for None.

    Raises
    ------
    ValueError
        If they are not in the open interval (0, 1), or if the model gives no intervals.
    """
    if coverage is None:
        return ()
    coverages = check_coverages(coverage)
    is_search = hasattr(model, "refit") and hasattr(getattr(model, "estimator", None), "predict_interval")
    if not hasattr(model, "predict_interval") and not is_search:
        raise ValueError(
            f"coverage needs a model with predict_interval. Got {type(model).__name__}: fit "
            "ConformalForecaster(model) on the same X and y, with the whole pipeline inside."
        )
    return coverages


def end_names(coverages: Sequence[float]) -> list[str]:
    """Return the names of the ends of intervals, such as ``lower_80`` and ``upper_80``."""
    return [f"{end}_{100 * coverage:.10g}" for coverage in coverages for end in ("lower", "upper")]


def ends_by_name(intervals: np.ndarray | None, coverages: Sequence[float]) -> dict[str, np.ndarray]:
    """Return the ends of intervals of shape ``(..., 2, n_coverages)``, flat, by their names."""
    if intervals is None:
        return {}
    ends = np.moveaxis(intervals, (-1, -2), (0, 1)).reshape(2 * len(coverages), -1)
    return dict(zip(end_names(coverages), ends, strict=True))


def beside(predictions: np.ndarray, intervals: np.ndarray | None) -> np.ndarray:
    """Return the columns of predictions, each followed by the ends of its intervals: ``(n_rows, n_columns)``."""
    if intervals is None:
        return predictions
    ends = np.swapaxes(intervals, -1, -2).reshape(*predictions.shape, -1)
    return np.concatenate([predictions[..., np.newaxis], ends], axis=-1).reshape(len(predictions), -1)


def names_beside(columns, coverages: Sequence[float]) -> list:
    """Return the names of these columns.

    Raises
    ------
    ValueError
        If a target is called as the end of an interval of another one is.
    """
    names = [name for column in columns for name in (column, *(_name(column, end) for end in end_names(coverages)))]
    doubled = [name for name in columns if names.count(name) > 1]
    if doubled:
        raise ValueError(f"The target(s) {doubled} are called as ends of intervals are. Rename them.")
    return names


def _name(column, end: str) -> Any:
    """Return the name of an end; of a MultiIndex, its last level changes."""
    return (*column[:-1], _name(column[-1], end)) if isinstance(column, tuple) else f"{column}_{end}"
