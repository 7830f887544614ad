"""The linear model beside the network: an autoregression on windows."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from .._specs import Sample, Scale
from .._windows.arrays import chunks, fill_missing_steps, products_by_row

PENALTIES = np.logspace(-3, 3, 13)
LEVEL = 3.0  # the last step is shrunk less than the changes before it, by the square of this
FEW_VALUES = 2**21  # in all windows: RidgeCV takes little time
MAX_COLUMNS = 4096  # their products take 128 MiB
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


def fit_linear(sample: Sample, scale: Scale, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the coefficients and intercepts of a ridge regression on standardised windows.

    The regression sees the changes from each step to the next, and the last step. So it shrinks towards what follows
    from the last step, and not towards the mean, which a series with a trend leaves behind. The penalty is the one
    with the least leave-one-out error.

    It learns from all rows, in memory that does not grow with their number. Only of windows with more than
    `MAX_COLUMNS` values it draws rows at random, as many as fit into the memory of `MAX_COLUMNS` squared values.

    Parameters
    ----------
    sample : Sample
        Raw windows, targets, weights, and the rows to learn from.
    scale : Scale
        The means and standard deviations of the features.
    seed : int
        Determines which rows are drawn.

    Returns
    -------
    coef : array of shape (n_steps, n_features, n_outputs)
        Coefficients for standardised windows without missing steps.
    intercept : array of shape (n_outputs,)
        Intercepts.
    """
    n_rows, n_columns = len(sample.rows), sample.windows[0].size
    if n_rows * n_columns > FEW_VALUES and n_columns <= MAX_COLUMNS and n_columns < n_rows:
        coef, intercept = _ridge_of_products(sample, scale)
    else:
        rows = _draw(sample.rows, max(MAX_COLUMNS**2 // n_columns, MIN_ROWS), seed)
        coef, intercept = _ridge_of_rows(sample._replace(rows=rows), scale)
    return _coef_for_windows(coef.reshape(*sample.windows.shape[1:], -1)), intercept


def _draw(rows: np.ndarray, n_rows: int, seed: int) -> np.ndarray:
    """Return so many of the rows, in order: not every k-th one, which in a daily cycle may never meet some hours."""
    if len(rows) <= n_rows:
        return rows
    return np.sort(np.random.default_rng(seed).choice(rows, n_rows, replace=False))


def _ridge_of_rows(sample: Sample, scale: Scale) -> tuple[np.ndarray, np.ndarray]:
    """Return coefficients of the design and intercepts, by scikit-learn, which holds all rows in memory."""
    from sklearn.linear_model import RidgeCV  # imported here, since it takes long

    X, y, weight = _design(sample, scale, sample.rows)
    with np.errstate(invalid="ignore"):  # leaving out the only row leaves nothing
        ridge = RidgeCV(PENALTIES).fit(X, y, weight)
    return ridge.coef_.reshape(y.shape[1], -1).T, np.broadcast_to(ridge.intercept_, y.shape[1])


def _ridge_of_products(sample: Sample, scale: Scale) -> tuple[np.ndarray, np.ndarray]:
    """Return the same from sums of products over chunks of rows.

    One eigendecomposition serves all penalties. It also gives each row's leverage, the derivative of its prediction by
    its target, and so its leave-one-out error.
    """
    x_mean, y_mean = _means(sample, scale)
    xx, xy = 0.0, 0.0
    for X, y, _ in _centred_chunks(sample, scale, x_mean, y_mean):
        xx, xy = xx + X.T @ X, xy + X.T @ y
    eigenvalues, vectors = np.linalg.eigh(xx)
    factors = 1 / (np.maximum(eigenvalues, 0)[:, np.newaxis] + PENALTIES)
    coefs = factors[:, :, np.newaxis] * (vectors.T @ xy)[:, np.newaxis]  # along the eigenvectors, for each penalty
    errors = np.zeros(len(PENALTIES))
    for X, y, share in _centred_chunks(sample, scale, x_mean, y_mean):
        X = X @ vectors
        leverages = share + np.square(X) @ factors
        predictions = (X @ coefs.reshape(len(coefs), -1)).reshape(len(X), *coefs.shape[1:])
        with np.errstate(invalid="ignore", divide="ignore"):  # leaving out the only row leaves nothing
            left_out = (y[:, np.newaxis] - predictions) / (1 - leverages)[:, :, np.newaxis]
        errors += np.sum(np.square(left_out), axis=(0, 2))
    coef = vectors @ coefs[:, np.argmin(errors)]
    return coef, y_mean - x_mean @ coef


def _means(sample: Sample, scale: Scale) -> tuple[np.ndarray, np.ndarray]:
    """Return the weighted means of the design's columns and of the targets."""
    total = sample.sample_weight[sample.rows].sum()
    x_sum, y_sum = 0.0, 0.0
    for X, y, weight in _design_chunks(sample, scale):
        x_sum, y_sum = x_sum + weight @ X, y_sum + weight @ y
    return x_sum / total, y_sum / total


def _centred_chunks(
    sample: Sample, scale: Scale, x_mean: np.ndarray, y_mean: np.ndarray
) -> Iterator[tuple[np.ndarray, np.ndarray, np.ndarray]]:
    """Yield centred chunks of the design and of targets times the roots of weights, and the share of each weight."""
    total = sample.sample_weight[sample.rows].sum()
    for X, y, weight in _design_chunks(sample, scale):
        root = np.sqrt(weight)[:, np.newaxis]
        yield root * (X - x_mean), root * (y - y_mean), weight[:, np.newaxis] / total


def _design_chunks(sample: Sample, scale: Scale) -> Iterator[tuple[np.ndarray, np.ndarray, np.ndarray]]:
    n_values = sample.windows[0].size + len(PENALTIES) * sample.y.shape[1]  # predictions by each penalty, too
    for chunk in chunks(len(sample.rows), n_values):
        yield _design(sample, scale, sample.rows[chunk])


def _design(sample: Sample, scale: Scale, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return what the regression sees of some rows: changes and the last step, targets and weights."""
    windows = standardise_and_fill(sample.windows[rows], scale)
    design = np.concatenate([np.diff(windows, axis=1), LEVEL * windows[:, -1:]], axis=1)
    return design.reshape(len(rows), -1), sample.y[rows], sample.sample_weight[rows]


def _coef_for_windows(coef: np.ndarray) -> np.ndarray:
    """Return the coefficients of windows that do the same as those of changes and the last step."""
    changes, level = coef[:-1], LEVEL * coef[-1:]
    return -np.diff(changes, axis=0, prepend=0, append=-level)
