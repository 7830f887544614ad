"""The linear model beside the network: an autoregression on windows."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from scipy.linalg import solve

from .._specs import Sample, Scale
from .._windows.arrays import chunks, fill_missing_steps, filling_steps, products_by_row

PENALTIES = np.logspace(-3, 3, 13)
LAST_STEP = 3.0  # the last step is shrunk less than the changes before it, by the square of this
FEW_VALUES = 2**21  # in all windows: RidgeCV takes little time
MAX_COLUMNS = 4096  # their products take 128 MiB
MIN_ROWS = 1000  # to learn from if there are as many, however long windows are


@dataclass(frozen=True)
class LinearModel:
    """A linear function of standardised windows, in which missing steps are filled."""

    coef: np.ndarray  # (n_steps, n_features, n_outputs)
    intercept: np.ndarray  # (n_outputs,)
    scale: Scale  # of the features
    penalty: float = np.nan  # that it was fitted with

    def predict(self, windows: np.ndarray) -> np.ndarray:
        """Return predictions of shape ``(n_samples, n_outputs)`` from raw windows."""
        y = np.tile(self.intercept, (len(windows), 1))
        if self.coef.any():
            coef = self.coef.reshape(-1, len(self.intercept))
            for chunk in chunks(len(windows), windows[0].size):
                filled = standardise_and_fill(windows[chunk], self.scale)
                y[chunk] += products_by_row(filled.reshape(len(filled), -1), coef)
        return y

    def relevance(self, windows: np.ndarray, output: int) -> np.ndarray:
        """Return by how much each value of raw windows changes an output from that of the mean window.

        A value also has the relevance of the missing steps that it fills.
        """
        relevance = np.empty(windows.shape)
        for chunk in chunks(len(windows), windows[0].size):
            some = windows[chunk]
            shares = standardise_and_fill(some, self.scale) * self.coef[:, :, output]
            relevance[chunk] = 0
            np.add.at(relevance[chunk], (np.arange(len(some))[:, np.newaxis], filling_steps(some)), shares)
        return relevance


def standardise_and_fill(windows: np.ndarray, scale: Scale) -> np.ndarray:
    """Return standardised windows without missing steps."""
    return fill_missing_steps((windows - scale.mean) / scale.std)


def fit_linear(sample: Sample, scale: Scale, seed: int, penalties: np.ndarray = PENALTIES) -> LinearModel:
    """Return a ridge regression on standardised windows.

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
    penalties : array
        The penalties to choose from.
    """
    n_rows, n_columns = len(sample.rows), sample.windows[0].size
    if n_rows * n_columns > FEW_VALUES and n_columns <= MAX_COLUMNS and n_columns < n_rows:
        coef, intercept, penalty = _ridge_of_products(sample, scale, penalties)
    else:
        rows = draw_rows(sample.rows, max(MAX_COLUMNS**2 // n_columns, MIN_ROWS), seed)
        coef, intercept, penalty = _ridge_of_rows(sample._replace(rows=rows), scale, penalties)
    coef = _coef_for_windows(coef.reshape(*sample.windows.shape[1:], -1))
    return LinearModel(coef, intercept, scale, float(penalty))


def draw_rows(rows: np.ndarray, n_rows: int, seed: int) -> np.ndarray:
    """Return so many of the rows, in order: not every k-th one, which in a daily cycle may never meet some hours."""
    if len(rows) <= n_rows:
        return rows
    return np.sort(np.random.default_rng(seed).choice(rows, n_rows, replace=False))


def _ridge_of_rows(sample: Sample, scale: Scale, penalties: np.ndarray) -> tuple[np.ndarray, np.ndarray, float]:
    """Return coefficients of the design, intercepts and penalty, by scikit-learn, which holds all rows in memory."""
    from sklearn.linear_model import RidgeCV  # imported here, since it takes long

    X, y, weight = _design(sample, scale, sample.rows)
    with np.errstate(invalid="ignore"):  # leaving out the only row leaves nothing
        ridge = RidgeCV(penalties).fit(X, y, weight)
    return ridge.coef_.reshape(y.shape[1], -1).T, np.broadcast_to(ridge.intercept_, y.shape[1]), ridge.alpha_


def _ridge_of_products(sample: Sample, scale: Scale, penalties: np.ndarray) -> tuple[np.ndarray, np.ndarray, float]:
    """Return the same from sums of products over chunks of rows."""
    x_mean, y_mean = _means(sample, scale)
    xx, xy = np.zeros((len(x_mean), len(x_mean))), np.zeros((len(x_mean), len(y_mean)))
    for X, y, _ in _centred_chunks(sample, scale, x_mean, y_mean):
        xx += X.T @ X
        xy += X.T @ y
    best = 0
    if len(penalties) == 1:
        rounding = len(xx) * np.finfo(float).eps * np.trace(xx)  # below which the matrix might be singular
        xx[np.diag_indices_from(xx)] += max(penalties[0], rounding)
        coef = solve(xx, xy, assume_a="pos", overwrite_a=True)
    else:
        eigenvalues, vectors = np.linalg.eigh(xx)
        factors = 1 / (np.maximum(eigenvalues, 0)[:, np.newaxis] + penalties)
        coefs = factors[:, :, np.newaxis] * (vectors.T @ xy)[:, np.newaxis]  # along the eigenvectors, for each penalty
        rows = _centred_chunks(sample, scale, x_mean, y_mean)
        best = int(np.argmin(_left_out_errors(rows, vectors, factors, coefs)))
        coef = vectors @ coefs[:, best]
    return coef, y_mean - x_mean @ coef, penalties[best]


def _left_out_errors(
    chunks_of_rows: Iterator, vectors: np.ndarray, factors: np.ndarray, coefs: np.ndarray
) -> np.ndarray:
    """Return the leave-one-out error for each penalty.

    One eigendecomposition serves all penalties. It also gives each row's leverage, the derivative of its prediction by
    its target, and so its leave-one-out error.
    """
    errors = np.zeros(factors.shape[1])
    for X, y, share in chunks_of_rows:
        X = X @ vectors
        leverages = share + np.square(X) @ factors
        predictions = (X @ coefs.reshape(len(coefs), -1)).reshape(len(X), *coefs.shape[1:])
        with np.errstate(invalid="ignore", divide="ignore"):  # leaving out the only row leaves nothing
            left_out = (y[:, np.newaxis] - predictions) / (1 - leverages)[:, :, np.newaxis]
        errors += np.sum(np.square(left_out), axis=(0, 2))
    return errors


def _means(sample: Sample, scale: Scale) -> tuple[np.ndarray, np.ndarray]:
    """Return the weighted means of the design's columns and of the targets."""
    total = sample.sample_weight[sample.rows].sum()
    x_sum, y_sum = np.zeros(sample.windows[0].size), np.zeros(sample.y.shape[1])
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
    design = np.concatenate([np.diff(windows, axis=1), LAST_STEP * windows[:, -1:]], axis=1)
    return design.reshape(len(rows), -1), sample.y[rows].astype(np.float64), sample.sample_weight[rows]


def _coef_for_windows(coef: np.ndarray) -> np.ndarray:
    """Return the coefficients of windows that do the same as those of changes and the last step."""
    changes, level = coef[:-1], LAST_STEP * coef[-1:]
    return -np.diff(changes, axis=0, prepend=0, append=-level)
