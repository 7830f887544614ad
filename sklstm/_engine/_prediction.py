"""Prediction: a compiled function of weights and windows, for batches of few shapes."""

from collections.abc import Callable
from functools import lru_cache

import keras
import numpy as np

from ._batches import standardised
from ._network import Architecture, network_outputs
from ._programs import MAX_IDLE_PROGRAMS, count_trace

# With jax 0.10 on CPUs, matrix products of these two heights round alike, unlike those of one row or of 64: among
# rows without missing steps, a row's prediction is the same to the last bit whatever rows it comes with.
SMALL_BATCH, BATCH = 8, 32


def predict(
    architecture: Architecture,
    weights: list[np.ndarray],
    X: np.ndarray,
    *,
    feature_mean: np.ndarray,
    feature_scale: np.ndarray,
) -> np.ndarray:
    """Return the network's outputs, float32 of shape ``(n_samples, n_outputs)``, for raw windows."""
    outputs = []
    for start in range(0, len(X), BATCH):
        windows = standardised(X[start : start + BATCH], feature_mean, feature_scale)
        size = SMALL_BATCH if len(windows) <= SMALL_BATCH else BATCH
        forward = _compiled_forward(architecture, masked=bool(np.isnan(windows.min())))
        padding = (0, size - len(windows)), (0, 0), (0, 0)
        outputs.append(forward(weights, np.pad(windows, padding))[: len(windows)])
    return np.concatenate(outputs)


@lru_cache(maxsize=MAX_IDLE_PROGRAMS)
def _compiled_forward(architecture: Architecture, masked: bool) -> Callable[[list, np.ndarray], np.ndarray]:
    """Return a function from weights and standardised windows to outputs, compiled once a batch shape.

    It changes nothing, which makes it safe in threads, unlike ``keras.Model.predict``.
    """
    windows = architecture.inputs()
    model = keras.Model(windows, network_outputs(architecture, windows, masked=masked))
    constants = [keras.ops.convert_to_numpy(v.value) for v in model.non_trainable_variables]

    def forward(weights, windows):
        count_trace("predict")
        outputs, _ = model.stateless_call(weights, constants, windows, training=False)
        return outputs

    run = _compiler()(forward)
    return lambda weights, windows: keras.ops.convert_to_numpy(run(weights, windows))


def _compiler() -> Callable:
    """Return what compiles a function on the backend in use."""
    match keras.backend.backend():
        case "jax":
            import jax

            return jax.jit
        case "tensorflow":
            import tensorflow

            return tensorflow.function
        case _:
            import torch

            return torch.no_grad()
