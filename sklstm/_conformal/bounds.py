"""Intervals of levels: what a model predicts for some probabilities, and how far true values lie outside.

A level is a probability. A model that predicts no more than a point has one level, 0.5, so the score of a row is its
absolute error (Vovk, Gammerman & Shafer 2005, section 2.3). Of a model of quantiles, the score is the distance from the
interval between two of them (conformalized quantile regression: Romano, Patterson & Candès 2019).
"""

from collections.abc import Sequence

import numpy as np
from scipy.special import ndtri

MEDIAN = (0.5,)


def check_coverages(coverage) -> tuple[float, ...]:
    """Return one coverage or several as floats.

    Raises
    ------
    ValueError
        If they are no different numbers in the open interval (0, 1).
    """
    values = np.atleast_1d(np.asarray(coverage, dtype=object))
    is_valid = values.ndim == 1 and len(values) and all(_is_share(value) for value in values)
    if not is_valid or len(set(values)) < len(values):
        raise ValueError(
            "coverage must be a float in the open interval (0, 1), such as 0.9, or several different ones. Got "
            f"{coverage!r} instead."
        )
    return tuple(map(float, values))


def _is_share(value) -> bool:
    is_number = isinstance(value, int | float | np.number) and not isinstance(value, bool)
    return is_number and 0 < value < 1


def at_level(values: np.ndarray, levels: Sequence[float] | np.ndarray, level: float) -> np.ndarray:
    """Return the values at a level between those given, which are on the last axis; beyond them that of the nearest.

    In between they are interpolated by the quantiles of the normal distribution.
    """
    places = ndtri(np.asarray(levels))
    place = np.clip(ndtri(level), places[0], places[-1])
    right = int(np.clip(np.searchsorted(places, place), 1, max(len(places) - 1, 1)))
    if len(places) == 1:
        return values[..., 0]
    share = (place - places[right - 1]) / (places[right] - places[right - 1])
    return (1 - share) * values[..., right - 1] + share * values[..., right]


def central(values: np.ndarray, levels: Sequence[float] | np.ndarray, coverages: Sequence[float]) -> np.ndarray:
    """Return the values at both ends of central intervals, of shape ``(..., 2, n_coverages)``."""
    ends = [[at_level(values, levels, 0.5 + side * coverage / 2) for coverage in coverages] for side in (-1, 1)]
    return np.moveaxis(np.array(ends), (0, 1), (-2, -1))


def scores(residuals: np.ndarray, levels: Sequence[float] | np.ndarray, coverages: Sequence[float]) -> np.ndarray:
    """Return how far true values lie outside of central intervals, negative inside: (n_rows, n_outputs, n_coverages).

    `residuals` are the differences of true values from the values at the levels.
    """
    below, above = np.moveaxis(central(residuals, levels, coverages), -2, 0)
    return np.maximum(-below, above)


def widened(ends: np.ndarray, middle: np.ndarray, margins: np.ndarray, coverages: Sequence[float]) -> np.ndarray:
    """Return intervals with their ends moved outwards, of shape ``(..., 2, n_coverages)``.

    Negative margins move them no further than to the middle, the prediction. An interval of a larger coverage holds
    those of smaller ones.
    """
    order = np.argsort(coverages)
    lower, upper = np.moveaxis(ends[..., order], -2, 0)
    middle, margins = middle[..., np.newaxis], margins[..., order]
    lower = np.minimum.accumulate(np.minimum(lower - margins, middle), axis=-1)
    upper = np.maximum.accumulate(np.maximum(upper + margins, middle), axis=-1)
    return np.stack([lower, upper], axis=-2)[..., np.argsort(order)]
