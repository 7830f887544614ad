"""Means and standard deviations of windows and of targets."""

import numpy as np
from sklearn.preprocessing import StandardScaler

from .._specs import Scale
from .._windows.arrays import chunks


def unit_scale(n_columns: int) -> Scale:
    """Return the scale that leaves values as they are."""
    return Scale(np.zeros(n_columns), np.ones(n_columns))


def feature_scale(windows: np.ndarray, sample_weight: np.ndarray, rows: np.ndarray) -> Scale:
    """Return the weighted mean and standard deviation of each feature over the steps that are not missing.

    Raises
    ------
    ValueError
        If all steps are missing.
    """
    scaler = StandardScaler()
    for chunk in chunks(len(rows), windows[0].size):
        some = windows[rows[chunk]]
        present = ~np.isnan(some).any(axis=2)
        if present.any():
            weight = np.broadcast_to(sample_weight[rows[chunk], np.newaxis], present.shape)
            scaler.partial_fit(some[present], sample_weight=weight[present])
    if not hasattr(scaler, "mean_"):
        raise ValueError("Input X has a missing value in every step of every row: there is nothing to learn from.")
    return Scale(scaler.mean_, scaler.scale_)


def target_scale(y: np.ndarray, sample_weight: np.ndarray, rows: np.ndarray) -> Scale:
    """Return the weighted mean and standard deviation of each output."""
    scaler = StandardScaler().fit(y[rows], sample_weight=sample_weight[rows])
    return Scale(scaler.mean_, scaler.scale_)
