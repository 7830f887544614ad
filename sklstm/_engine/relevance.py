"""Integrated gradients: how much each value of an input adds to an output.

Sundararajan, Taly & Yan (2017), Axiomatic attribution for deep networks: the gradient of the output, averaged over the
straight path from a baseline to the input, times their difference. Its sum is the difference of the two outputs.
"""

from collections.abc import Callable
from functools import lru_cache, partial

import keras
import numpy as np
import scipy
from keras import ops

from .._specs import WINDOWS, NetworkSpec, Scale
from .._windows.arrays import shares_of_means, window_means
from .networks.builders import keras_inputs, network_outputs
from .networks.presence import PRESENCE, presence_inputs, presence_outputs
from .networks.recurrent import BuildOptions
from .networks.variables import stateless_call
from .prediction import predict
from .runtime.compilation import compiled, count_trace, gradient
from .runtime.precision import float32_by_default
from .runtime.threads import mapping
from .training.model_cache import MAX_IDLE_MODELS

MAX_BATCH = 256  # points on the paths of some windows
MAX_VALUES_IN_BATCH = 2**18  # of inputs: a batch of larger windows has fewer points, at least one
FEWEST_POINTS = 8  # on a path
MOST_POINTS = 4096
ROUNDING = 1e-6  # of outputs in float32


def relevance(
    spec: NetworkSpec,
    networks: list[list[np.ndarray]],
    windows: np.ndarray,
    scale: Scale,
    output: int,
    *,
    softmax: bool,
    tol: float,
) -> tuple[np.ndarray, np.ndarray]:
    """Return the relevance of each value of raw windows for an output, on average over the networks.

    The baseline is a window of the means of the scale, with the same missing steps; of tokens it is a window of missing
    steps. With `softmax`, the output is a probability.

    Composite Gauss-Legendre quadrature averages the gradient. Its points are doubled for windows whose relevances
    change by more than `tol` with twice as many, or do not sum up to the difference of the outputs within `tol`, both
    as shares of the sum of their absolute values. What the sum still lacks is shared out in proportion to these.

    Returns
    -------
    relevance : ndarray of shape (n_samples, n_steps, n_features), float64
    is_incomplete : ndarray of shape (n_samples,), bool
        Whether that does not come about with `MOST_POINTS` either.
    """
    integrate = partial(_integrate, _compiled_gradient(spec, scale.deviation is not None, softmax), spec, scale, output)
    total = np.zeros(windows.shape)
    is_incomplete = np.zeros(len(windows), dtype=bool)
    for weights in networks:
        differences = _differences(spec, weights, windows, scale, output, softmax=softmax)
        of_network = np.full(windows.shape, np.inf)
        remaining, n_points = np.arange(len(windows)), FEWEST_POINTS
        while len(remaining) and n_points <= MOST_POINTS:
            found = integrate(weights, windows[remaining], n_points)
            found, errors = _completed(found, differences[remaining], of_network[remaining])
            of_network[remaining] = found
            remaining = remaining[errors > tol]
            n_points *= 2
        is_incomplete[remaining] = True
        total += of_network / len(networks)
    return total, is_incomplete


def _completed(found: np.ndarray, differences: np.ndarray, before: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return relevances with the sum that they should have, and errors as shares of the sum of their absolute values.

    The error is what the sum lacked, or the largest change from those `before`.
    """
    of_row = tuple(range(1, found.ndim))
    lacking = differences - found.sum(axis=of_row)
    sizes = np.abs(found).sum(axis=of_row)
    no_gradient = np.where(np.abs(lacking) > ROUNDING, np.inf, 0.0)  # all of it vanished, or there is none
    factors = np.divide(lacking, sizes, out=no_gradient, where=sizes > 0)
    shares = np.expand_dims(np.where(np.isfinite(factors), factors, 0), of_row)
    completed = found + shares * np.abs(found)
    changes = np.abs(completed - before).max(axis=of_row)
    changes = np.divide(changes, sizes, out=np.zeros(len(sizes)), where=sizes > 0)
    return completed, np.maximum(np.abs(factors), changes)


def _differences(
    spec: NetworkSpec, weights: list[np.ndarray], windows: np.ndarray, scale: Scale, output: int, *, softmax: bool
) -> np.ndarray:
    """Return the output for each window less that for its baseline."""
    missing = np.isnan(windows).any(axis=tuple(range(2, windows.ndim)), keepdims=True) | bool(spec.windows.n_tokens)
    baselines = np.where(missing, np.nan, np.broadcast_to(scale.mean, windows.shape))
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
    """Return the relevances by so many points, in batches of one size.

    Fewer rows are repeated, since a batch of another size rounds otherwise, and would be compiled anew.
    """
    moving, fixed = _ends_of_paths(spec, windows, scale)
    points, shares = _quadrature(n_points)
    size = _batch_size(windows[0].size)
    length, n_rows = min(n_points, size), max(size // n_points, 1)
    choice = np.eye(spec.n_outputs, dtype=np.float32)[output]

    def mean_gradient(start: int) -> np.ndarray:
        rows = np.resize(np.arange(start, min(start + n_rows, len(windows))), n_rows)
        total = np.zeros(moving[rows].shape)
        for first in range(0, n_points, length):
            part = slice(first, first + length)
            path = np.multiply.outer(points[part], moving[rows]).astype(np.float32).reshape(size, *moving.shape[1:])
            gradients = take_gradient(weights, path, np.tile(fixed[rows], (length, 1)), choice)
            gradients = ops.convert_to_numpy(gradients).astype(np.float64)
            total += np.tensordot(shares[part], gradients.reshape(length, *total.shape), 1)
        return total[: len(windows) - start]

    starts = range(0, len(windows), n_rows)
    with mapping(len(starts)) as map_batches:
        gradients = np.concatenate(list(map_batches(mean_gradient, starts)))
    relevance = gradients * np.nan_to_num(moving)
    if scale.deviation is None:
        return relevance.reshape(windows.shape)
    of_deviations, _ = np.split(relevance, 2, axis=2)
    _, by_level = np.split(gradients, 2, axis=2)
    return of_deviations + by_level.sum(axis=1, keepdims=True) * shares_of_means((windows - scale.mean) / scale.std)


def _batch_size(n_values: int) -> int:
    """Return how many points of windows of so many values are in a batch: a power of two, by the shapes alone."""
    most = min(max(MAX_VALUES_IN_BATCH // n_values, 1), MAX_BATCH)
    return 1 << (most.bit_length() - 1)


def _quadrature(n_points: int) -> tuple[np.ndarray, np.ndarray]:
    """Return points between 0 and 1, and their shares of a mean: some for each of equal parts."""
    points, shares = np.polynomial.legendre.leggauss(FEWEST_POINTS)
    n_parts = n_points // FEWEST_POINTS
    points = (np.arange(n_parts)[:, np.newaxis] + (points + 1) / 2) / n_parts
    return points.ravel(), np.tile(shares / 2 / n_parts, n_parts)


def _ends_of_paths(spec: NetworkSpec, windows: np.ndarray, scale: Scale) -> tuple[np.ndarray, np.ndarray]:
    """Return what moves from zero to this along the path of each window, and what does not move.

    If the network sees deviations from the mean of a window, they and the mean move. Values as such would have
    relevances that grow with the mean and cancel out, since deviations do not depend on it.
    """
    if spec.windows.n_tokens:
        tokens = windows[:, :, 0]
        return (~np.isnan(tokens)).astype(np.float32), np.nan_to_num(tokens).astype(np.int32)
    moving = (windows - scale.mean) / scale.std
    if scale.deviation is not None:
        level = window_means(moving)[:, np.newaxis]
        deviations = (moving - level) / scale.deviation
        moving = np.concatenate([deviations, np.broadcast_to(level, deviations.shape)], axis=2)
    return moving.astype(np.float32), np.zeros((len(windows), 0), np.float32)


@lru_cache(maxsize=MAX_IDLE_MODELS)
@float32_by_default()
def _compiled_gradient(spec: NetworkSpec, has_deviation: bool, softmax: bool) -> Callable:
    """Return a function to the gradient of the chosen output by what moves along the paths."""
    reads_tokens = bool(spec.windows.n_tokens)
    if reads_tokens and (spec.custom or spec.cell != "lstm"):
        raise ValueError(
            "The relevance of tokens is known for network='lstm' only: other layers read no part of a step."
        )
    if reads_tokens:
        symbols = presence_inputs(spec)
        model = keras.Model(symbols, presence_outputs(spec, symbols))
    else:
        symbols = keras_inputs(spec)
        model = keras.Model(symbols, network_outputs(spec, symbols, BuildOptions(missing="anywhere")))
    call = stateless_call(model)

    def take_gradient(weights, moving, fixed, choice):
        count_trace("relevance")

        def chosen_output(moving):
            inputs = {WINDOWS: moving}
            if reads_tokens:
                inputs = {WINDOWS: fixed, PRESENCE: moving}
            elif has_deviation:
                deviations, level = ops.split(moving, 2, axis=2)
                inputs = {WINDOWS: ops.concatenate([deviations, ops.tanh(level)], axis=2)}
            outputs = call(weights, inputs)
            return ops.sum(ops.multiply(ops.softmax(outputs) if softmax else outputs, choice))

        return gradient(chosen_output, moving)

    return compiled(take_gradient)
