"""The level of a window: what is added back to a network's outputs if windows enter as deviations from their means."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from .._specs import Sample, Scale
from .._windows.arrays import chunks, products_by_row, shares_of_means, window_means
from .._windows.windows import last_adjacent_rows, later_rows
from .linear import PENALTIES, draw_rows

MIN_PAIRS = 10  # of later values, and of different ones, to tell that a target is the future of a feature
MAX_ROWS = 2000  # to compare
MAX_ROWS_OF_RIDGE = 2**17
ROUNDING = 1e-9  # of a squared correlation


@dataclass(frozen=True)
class LevelModel:
    """A linear function of the means of standardised windows."""

    coef: np.ndarray  # (n_features, n_outputs)
    intercept: np.ndarray  # (n_outputs,)
    scale: Scale  # of the features

    def predict(self, windows: np.ndarray) -> np.ndarray:
        """Return predictions of shape ``(n_samples, n_outputs)`` from raw windows."""
        y = np.tile(self.intercept, (len(windows), 1))
        if self.coef.any():
            for chunk in chunks(len(windows), windows[0].size):
                y[chunk] += products_by_row(_standardised_means(windows[chunk], self.scale), self.coef)
        return y

    def relevance(self, windows: np.ndarray, output: int) -> np.ndarray:
        """Return by how much each value of raw windows changes an output from that of the mean window."""
        relevance = np.empty(windows.shape)
        for chunk in chunks(len(windows), windows[0].size):
            standardised = (windows[chunk] - self.scale.mean) / self.scale.std
            relevance[chunk] = shares_of_means(standardised) * self.coef[:, output]
        return relevance


def fit_level(sample: Sample, scale: Scale, seed: int) -> LevelModel:
    """Return the level of each output by the rows to learn from.

    It is the mean of the feature whose later values the output is, in the units of the target. Of a constant it is that
    constant. For other outputs it is a ridge regression on the means of all features.
    """
    y = sample.y[sample.rows]
    coef, intercept = np.zeros((len(scale.mean), y.shape[1])), y[0].astype(np.float64)
    is_open = np.ptp(y, axis=0) > 0
    for output, feature, slope, offset in _find_sources(sample):
        coef[feature, output], intercept[output] = slope * scale.std[feature], offset + slope * scale.mean[feature]
        is_open[output] = False
    if is_open.any():
        coef[:, is_open], intercept[is_open] = _regress_level(sample, scale, is_open, seed)
    return LevelModel(coef, intercept, scale)


def _find_sources(sample: Sample) -> Iterator[tuple[int, int, float, float]]:
    """Yield outputs, each with the feature whose later values it is up to a scale, its slope and its intercept.

    They are looked for in the last rows, of many series in those of some.
    """
    n_lags = max(sample.y.shape[1], sample.windows.shape[1])
    rows = last_adjacent_rows(sample.windows, sample.rows, MAX_ROWS, n_lags)
    latest, y = sample.windows[rows, -1].astype(np.float64), sample.y[rows].astype(np.float64)
    varies = np.array([len(np.unique(column)) >= MIN_PAIRS for column in latest.T])
    is_open = np.ones(y.shape[1], dtype=bool)
    for lag in range(1, n_lags + 1):
        before, later = _pairs(sample.windows, rows, latest, y, lag)
        if len(before) < MIN_PAIRS or not is_open.any():
            return
        x, z = later - later.mean(axis=0), before - before.mean(axis=0)
        products, xx, zz = x.T @ z, np.square(x).sum(axis=0), np.square(z).sum(axis=0)
        is_source = np.square(products) > (1 - ROUNDING) * np.outer(xx, zz)
        is_source &= (products > 0) & varies[:, np.newaxis]
        for output in np.flatnonzero(is_source.any(axis=0) & is_open):
            feature = int(np.argmax(is_source[:, output]))
            slope = products[feature, output] / xx[feature]
            yield int(output), feature, slope, before[:, output].mean() - slope * later[:, feature].mean()
            is_open[output] = False


def _pairs(windows, rows: np.ndarray, latest: np.ndarray, y: np.ndarray, lag: int) -> tuple[np.ndarray, np.ndarray]:
    """Return targets of rows and the last steps of the rows `lag` rows later, where both are known."""
    rows_later = later_rows(windows, rows, lag)
    later = np.minimum(np.searchsorted(rows, rows_later), len(rows) - 1)
    earlier = np.flatnonzero(rows[later] == rows_later)
    later = later[earlier]
    known = ~np.isnan(latest[later]).any(axis=1)
    return y[earlier[known]], latest[later[known]]


def _regress_level(sample: Sample, scale: Scale, outputs: np.ndarray, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Return coefficients and intercepts of ridge regressions on the means of standardised windows."""
    from sklearn.linear_model import RidgeCV  # imported here, since it takes long

    drawn = draw_rows(sample.rows, MAX_ROWS_OF_RIDGE, seed)
    parts = [drawn[chunk] for chunk in chunks(len(drawn), sample.windows[0].size)]
    means = np.concatenate([_standardised_means(sample.windows[rows], scale) for rows in parts])
    y = sample.y[drawn][:, outputs].astype(np.float64, order="C")
    with np.errstate(invalid="ignore"):  # leaving out the only row leaves nothing
        ridge = RidgeCV(PENALTIES).fit(means, y, sample.sample_weight[drawn])
    return ridge.coef_.reshape(y.shape[1], -1).T, np.broadcast_to(ridge.intercept_, y.shape[1])


def _standardised_means(windows: np.ndarray, scale: Scale) -> np.ndarray:
    return window_means((windows - scale.mean) / scale.std)
