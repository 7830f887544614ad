"""Integrated gradients: how much each value of an input adds to an output.

Sundararajan, Taly & Yan (2017), Axiomatic attribution for deep networks: the gradient of the output, averaged over the
straight path from a baseline to the input, times their difference. Its sum is the difference of the two outputs.
"""

import warnings
from collections.abc import Callable
from functools import lru_cache, partial

import keras
import numpy as np
import scipy
from keras import ops

from .._specs import WINDOWS, NetworkSpec, Scale
from .networks.builders import BuildOptions, keras_inputs, network_outputs
from .networks.export import deviations_and_level
from .networks.presence import PRESENCE, presence_inputs, presence_outputs
from .prediction import predict
from .runtime.compilation import compiled, count_trace, gradient
from .runtime.precision import float32_by_default
from .runtime.threads import mapping
from .training.model_cache import MAX_IDLE_MODELS

BATCH = 256  # points on the paths of some windows
FEWEST_POINTS = 16  # on a path
MOST_POINTS = 4096


def relevance(
    spec: NetworkSpec,
    networks: list[list[np.ndarray]],
    windows: np.ndarray,
    scale: Scale,
    output: int,
    *,
    softmax: bool,
    tol: float,
) -> np.ndarray:
    """Return the relevance of each value of raw windows for an output, on average over the networks.

    The baseline is a window of the means of the scale, with the same missing steps; of tokens it is a window of missing
    steps. With `softmax`, the output is a probability.

    Gauss-Legendre quadrature averages the gradient. Its points are doubled for windows whose relevances do not sum up
    to the difference of the outputs within `tol`, as a share of the sum of their absolute values. What the sum still
    lacks is shared out in proportion to these.

    Returns
    -------
    relevance : ndarray of shape (n_samples, n_steps, n_features), float64

    Warns
    -----
    UserWarning
        If the sum lacks more with `MOST_POINTS`, too.
    """
    integrate = partial(_integrate, _compiled_gradient(spec, scale.deviation is not None, softmax), spec, scale, output)
    total = np.zeros((len(networks), *windows.shape))
    is_incomplete = np.zeros(len(windows), dtype=bool)
    for of_network, weights in zip(total, networks, strict=True):
        differences = _differences(spec, weights, windows, scale, output, softmax=softmax)
        remaining, n_points = np.arange(len(windows)), FEWEST_POINTS
        while len(remaining) and n_points <= MOST_POINTS:
            found = integrate(weights, windows[remaining], n_points)
            lacking = differences[remaining] - found.sum(axis=(1, 2))
            sizes = np.abs(found).sum(axis=(1, 2))
            factors = np.divide(lacking, sizes, out=np.zeros(len(sizes)), where=sizes > 0)
            of_network[remaining] = found + factors[:, np.newaxis, np.newaxis] * np.abs(found)
            remaining = remaining[np.abs(factors) > tol]
            n_points *= 2
        is_incomplete[remaining] = True
    if is_incomplete.any():
        warnings.warn(
            f"The relevances of {is_incomplete.sum()} of {len(windows)} rows do not sum up to the difference between "
            f"the prediction and that for the baseline within tol={tol}. Choose a larger tol to accept this.",
            UserWarning,
            stacklevel=2,
        )
    return total.mean(axis=0)


def _differences(
    spec: NetworkSpec, weights: list[np.ndarray], windows: np.ndarray, scale: Scale, output: int, *, softmax: bool
) -> np.ndarray:
    """Return the output for each window less that for its baseline."""
    missing = np.isnan(windows).any(axis=2, keepdims=True) | bool(spec.windows.n_tokens)
    baselines = np.where(missing, np.nan, scale.mean)
    outputs = [predict(spec, [weights], {WINDOWS: ends}, {WINDOWS: scale}) for ends in (windows, baselines)]
    if softmax:
        outputs = [scipy.special.softmax(logits, axis=1) for logits in outputs]
    at_windows, at_baselines = (values[:, output] for values in outputs)
    return at_windows - at_baselines


def _integrate(
    take_gradient: Callable,
    spec: NetworkSpec,
    scale: Scale,
    output: int,
    weights: list[np.ndarray],
    windows: np.ndarray,
    n_points: int,
) -> np.ndarray:
    """Return the relevances by so many points, in batches of one size."""
    moving, fixed = _ends_of_paths(spec, windows, scale)
    points, shares = np.polynomial.legendre.leggauss(n_points)
    points, shares = (points + 1) / 2, shares / 2
    length, n_rows = min(n_points, BATCH), max(BATCH // n_points, 1)
    choice = np.eye(spec.n_outputs, dtype=np.float32)[output]
    deviation = np.zeros(0) if scale.deviation is None else scale.deviation

    def integrate(start: int) -> np.ndarray:
        rows = np.resize(np.arange(start, min(start + n_rows, len(windows))), n_rows)
        total = np.zeros(moving[rows].shape)
        for first in range(0, n_points, length):
            part = slice(first, first + length)
            path = np.multiply.outer(points[part], moving[rows]).astype(np.float32)
            path = path.reshape(BATCH, *moving.shape[1:])
            gradients = take_gradient(
                weights, deviation.astype(np.float32), path, np.tile(fixed[rows], (length, 1)), choice
            )
            gradients = ops.convert_to_numpy(gradients).astype(np.float64)
            total += np.tensordot(shares[part], gradients.reshape(length, *total.shape), 1)
        return (total * np.nan_to_num(moving[rows]))[: len(windows) - start]

    starts = range(0, len(windows), n_rows)
    with mapping(len(starts)) as map_batches:
        return np.concatenate(list(map_batches(integrate, starts))).reshape(windows.shape)


def _ends_of_paths(spec: NetworkSpec, windows: np.ndarray, scale: Scale) -> tuple[np.ndarray, np.ndarray]:
    """Return what moves from zero to this along the path of each window, and what does not move."""
    if spec.windows.n_tokens:
        tokens = windows[:, :, 0]
        return (~np.isnan(tokens)).astype(np.float32), np.nan_to_num(tokens).astype(np.int32)
    return ((windows - scale.mean) / scale.std).astype(np.float32), np.zeros((len(windows), 0), np.float32)


@lru_cache(maxsize=MAX_IDLE_MODELS)
@float32_by_default()
def _compiled_gradient(spec: NetworkSpec, has_deviation: bool, softmax: bool) -> Callable:
    """Return a function to the gradient of the chosen output by what moves along the paths."""
    reads_tokens = bool(spec.windows.n_tokens)
    if reads_tokens:
        symbols = presence_inputs(spec)
        model = keras.Model(symbols, presence_outputs(spec, symbols))
    else:
        symbols = keras_inputs(spec)
        model = keras.Model(symbols, network_outputs(spec, symbols, BuildOptions(missing="anywhere")))
    constants = [ops.convert_to_numpy(v.value) for v in model.non_trainable_variables]

    def take_gradient(weights, deviation, moving, fixed, choice):
        count_trace("relevance")

        def chosen_output(moving):
            inputs = {WINDOWS: deviations_and_level(moving, deviation) if has_deviation else moving}
            if reads_tokens:
                inputs = {WINDOWS: fixed, PRESENCE: moving}
            outputs, _ = model.stateless_call(weights, constants, inputs, training=False)
            return ops.sum(ops.multiply(ops.softmax(outputs) if softmax else outputs, choice))

        return gradient(chosen_output, moving)

    return compiled(take_gradient)
