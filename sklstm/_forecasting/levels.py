"""What models predict at levels: points, or quantiles at the end of pipelines, searches and transformed targets."""

from typing import Any

import numpy as np
from sklearn.pipeline import Pipeline

from .prediction import predict_rows, rows_of


def quantile_levels(model) -> tuple[float, ...] | None:
    """Return the probabilities of the quantiles that a fitted model predicts; None if it predicts none."""
    model = _innermost(model)
    if not hasattr(model, "predict_quantiles"):
        return None
    levels = getattr(model, "quantiles_", getattr(model, "quantiles", None))
    if levels is None or 0.5 not in levels or np.any(np.diff(levels) <= 0):
        raise ValueError(
            f"{type(model).__name__} predicts quantiles, but its attribute quantiles does not tell which: increasing "
            f"probabilities with 0.5 among them are needed. Got {levels!r}."
        )
    return tuple(map(float, levels))


def predict_points(model, X, rows: np.ndarray) -> np.ndarray:
    """Return a model's predictions for some rows, of shape ``(n_rows, n_outputs)``."""
    return predict_rows(model, X, rows, 1)[..., 0].astype(float)


def predict_quantiles(model, X, rows: np.ndarray) -> np.ndarray:
    """Return the quantiles that a model predicts for some rows, of shape ``(n_rows, n_outputs, n_quantiles)``.

    Those of a transformed target are transformed back one by one.

    Raises
    ------
    ValueError
        If the transformation is not increasing.
    """
    model = getattr(model, "best_estimator_", model)
    if hasattr(model, "regressor_"):  # a TransformedTargetRegressor, whose module takes long to import
        quantiles = predict_quantiles(model.regressor_, X, rows)
        inverse = model.transformer_.inverse_transform
        quantiles = np.stack([inverse(values) for values in np.moveaxis(quantiles, -1, 0)], axis=-1)
        if (np.diff(quantiles, axis=-1) < 0).any():
            raise ValueError("Quantiles of a transformed target need an increasing transformation.")
        return quantiles
    if isinstance(model, Pipeline):
        X = rows_of(model[:-1].transform(X) if len(model) > 1 else X, rows)
        return predict_quantiles(model[-1], X, np.arange(len(rows)))
    return model.predict_quantiles(rows_of(X, rows))


def _innermost(model) -> Any:
    """Return the regressor at the end of fitted pipelines, searches and transformed targets."""
    for inner in ("best_estimator_", "regressor_"):
        if hasattr(model, inner):
            return _innermost(getattr(model, inner))
    return _innermost(model[-1]) if isinstance(model, Pipeline) else model
