"""Quantiles by the outputs of a linear layer: the median, and increments away from it, so that they never cross.

Increments that are not negative make quantiles that do not cross (Park et al. 2022, Learning quantile functions without
quantile crossing for distribution-free time series forecasting, AISTATS). Here each is the softplus of an output, times
a scale of its own: outputs of zero mean the quantiles of a standard normal distribution. Increments are summed one
after the other, from the median outwards. Sums in another order may cross by rounding.
"""

from math import log

import numpy as np
from keras import ops
from scipy.special import ndtri

from ..._specs import MEDIAN


def quantiles_of(outputs: np.ndarray, levels: tuple[float, ...]) -> np.ndarray:
    """Return quantiles of these levels, which have 0.5 among them.

    Parameters
    ----------
    outputs : ndarray of shape (..., n_outputs * n_levels)
    levels : tuple of float

    Returns
    -------
    quantiles : ndarray of shape (..., n_outputs, n_levels)
    """
    outputs = outputs.reshape(*outputs.shape[:-1], -1, len(levels))
    middle = levels.index(MEDIAN)
    increments = np.logaddexp(0, outputs) * _scales_of_increments(levels)
    median = outputs[..., middle : middle + 1]
    above = np.concatenate([median, increments[..., middle + 1 :]], axis=-1).cumsum(axis=-1)
    below = np.concatenate([median, -increments[..., :middle][..., ::-1]], axis=-1).cumsum(axis=-1)
    return np.concatenate([below[..., :0:-1], above], axis=-1)


def quantile_tensor(outputs, levels: tuple[float, ...]):
    """Return the same as `quantiles_of`, of a tensor of Keras with one axis before the last one."""
    n_levels, middle = len(levels), levels.index(MEDIAN)
    outputs = ops.reshape(outputs, (-1, outputs.shape[-1] // n_levels, n_levels))
    increments = ops.multiply(ops.softplus(outputs), _scales_of_increments(levels).astype(np.float32))
    above = [outputs[:, :, middle]]
    below = [outputs[:, :, middle]]
    for i in range(middle + 1, n_levels):
        above.append(above[-1] + increments[:, :, i])
    for i in reversed(range(middle)):
        below.append(below[-1] - increments[:, :, i])
    return ops.stack([*below[:0:-1], *above], axis=-1)


def _scales_of_increments(levels: tuple[float, ...]) -> np.ndarray:
    """Return for each level what the softplus is multiplied with: zero for the median, which is no increment."""
    middle = levels.index(MEDIAN)
    gaps = np.diff(ndtri(np.array(levels))) / log(2)
    return np.concatenate([gaps[:middle], [0.0], gaps[middle:]])
