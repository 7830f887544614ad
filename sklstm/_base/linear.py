"""The linear model beside the network: an autoregression on windows."""

from dataclasses import dataclass
from math import ceil

import numpy as np

from .._specs import Scale
from .._windows.arrays import chunks, fill_missing_steps, products_by_row

PENALTIES = np.logspace(-3, 3, 13)
LEVEL = 3.0  # the last step is shrunk less than the changes before it, by the square of this
MAX_VALUES = 2**21  # of windows to learn from: some megabytes and seconds, however many there are
MIN_ROWS = 1000  # to learn from if there are as many, however long windows are


@dataclass(frozen=True)
class LinearModel:
    """A linear function of standardised windows, in which missing steps are filled."""

    coef: np.ndarray  # (n_steps, n_features, n_outputs)
    intercept: np.ndarray  # (n_outputs,)
    scale: Scale  # of the features

    def predict(self, windows: np.ndarray) -> np.ndarray:
        """Return predictions of shape ``(n_samples, n_outputs)`` from raw windows."""
        y = np.tile(self.intercept, (len(windows), 1))
        if self.coef.any():
            coef = self.coef.reshape(-1, len(self.intercept))
            for chunk in chunks(len(windows), windows[0].size):
                filled = standardise_and_fill(windows[chunk], self.scale)
                y[chunk] += products_by_row(filled.reshape(len(filled), -1), coef)
        return y


def standardise_and_fill(windows: np.ndarray, scale: Scale) -> np.ndarray:
    """Return standardised windows without missing steps."""
    return fill_missing_steps((windows - scale.mean) / scale.std)


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
    from sklearn.linear_model import RidgeCV  # imported here, since it takes long

    design = np.concatenate([np.diff(windows, axis=1), LEVEL * windows[:, -1:]], axis=1)
    with np.errstate(invalid="ignore"):  # leaving out the only row leaves nothing
        ridge = RidgeCV(PENALTIES).fit(design.reshape(len(design), -1), y, sample_weight)
    coef = np.moveaxis(ridge.coef_.reshape(y.shape[1], *windows.shape[1:]), 0, -1)
    changes, level = coef[:-1], LEVEL * coef[-1:]
    return -np.diff(changes, axis=0, prepend=0, append=-level), np.broadcast_to(ridge.intercept_, y.shape[1])


def subsample_rows(rows: np.ndarray, row_size: int) -> np.ndarray:
    """Return as many of the rows, evenly spread, as it takes to learn from if each has so many values."""
    return rows[:: ceil(len(rows) / max(MAX_VALUES // row_size, MIN_ROWS))]
