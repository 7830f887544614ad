"""The linear path beside the network: an autoregression on windows."""

from math import ceil

import numpy as np

PENALTIES = np.logspace(-3, 3, 13)
LEVEL = 3.0  # the last step is shrunk less than the changes before it, by the square of this
MAX_VALUES = 2**21  # of windows to learn from: some megabytes and seconds, however many there are
MIN_ROWS = 1000  # to learn from if there are as many, however long windows are


def fit_linear(windows: np.ndarray, y: np.ndarray, sample_weight: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the coefficients and intercepts of a ridge regression on standardised windows.

    The regression sees the changes from each step to the next, and the last step. So it shrinks towards what follows
    from the last step, and not towards the mean, which a series with a trend leaves behind. The penalty is the one
    with the least leave-one-out error.

    Parameters
    ----------
    windows : array of shape (n_samples, n_steps, n_features)
        Windows without missing steps.
    y : array of shape (n_samples, n_outputs)
        Targets.
    sample_weight : array of shape (n_samples,)
        Weights of the rows.

    Returns
    -------
    coef : array of shape (n_steps, n_features, n_outputs)
        Coefficients for windows.
    intercept : array of shape (n_outputs,)
        Intercepts.
    """
    from sklearn.linear_model import RidgeCV  # only now, since it imports much

    design = np.concatenate([np.diff(windows, axis=1), LEVEL * windows[:, -1:]], axis=1)
    with np.errstate(invalid="ignore"):  # leaving out the only row leaves nothing
        ridge = RidgeCV(PENALTIES).fit(design.reshape(len(design), -1), y, sample_weight)
    coef = np.moveaxis(ridge.coef_.reshape(y.shape[1], *windows.shape[1:]), 0, -1)
    changes, level = coef[:-1], LEVEL * coef[-1:]
    return -np.diff(changes, axis=0, prepend=0, append=-level), np.broadcast_to(ridge.intercept_, y.shape[1])


def products_by_row(rows: np.ndarray, matrix: np.ndarray) -> np.ndarray:
    """Return ``rows @ matrix``, each row by a product of its own: one product of all rows rounds by their number."""
    return (rows[..., np.newaxis, :] @ matrix)[..., 0, :]


def enough(rows: np.ndarray, row_size: int) -> np.ndarray:
    """Return as many of the rows, evenly spread, as it takes to learn from if each has so many values."""
    return rows[:: ceil(len(rows) / max(MAX_VALUES // row_size, MIN_ROWS))]


def filled(windows: np.ndarray) -> np.ndarray:
    """Return windows with each missing step as the last one present before it, or else the first one after it.

    A window without any step present is filled with zeros.
    """
    missing = np.isnan(windows).any(axis=2)
    if not missing.any():
        return windows
    latest = np.maximum.accumulate(np.where(missing, 0, np.arange(windows.shape[1])), axis=1)
    source = np.maximum(latest, np.argmin(missing, axis=1, keepdims=True))
    windows = np.where(missing[:, :, np.newaxis], 0, windows)
    return np.take_along_axis(windows, source[:, :, np.newaxis], axis=1)
