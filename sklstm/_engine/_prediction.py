"""Prediction: a compiled function of weights and windows, for batches of few shapes."""

from collections.abc import Callable
from functools import lru_cache
from math import ceil

import keras
import numpy as np
from keras import ops

from ._batches import batches_in_block, standardised
from ._compilation import compiled, count_trace
from ._network import Architecture, network_outputs
from ._programs import MAX_IDLE_PROGRAMS
from ._threads import mapping

# There is one size only, since matrix products of other sizes round otherwise on some processors: a row's prediction is
# the same to the last bit whatever rows it comes with. Fewer rows would be faster for one, more rows for many.
BATCH = 32
MAX_BATCHES = 16  # in a block: enough to hide the cost of a call and of threads, few enough for each core to have some


def predict(
    architecture: Architecture,
    weights: list[np.ndarray],
    X: np.ndarray,
    *,
    feature_mean: np.ndarray,
    feature_scale: np.ndarray,
) -> np.ndarray:
    """Return the network's outputs for raw windows: float32 of shape ``(n_samples, n_outputs)``.

    Without pooling it is ``(n_samples, n_steps, n_outputs)``.
    """
    room = 1 if len(X) <= BATCH else min(batches_in_block(BATCH * X[0].size), MAX_BATCHES)
    # On JAX a mask costs nothing here, while another program to compile does.
    forward = _compiled_forward(architecture, keras.backend.backend() == "jax" or bool(np.isnan(X.min())))

    def predict_block(start: int) -> np.ndarray:
        windows = standardised(X[start : start + room * BATCH], feature_mean, feature_scale)
        block = np.zeros((room * BATCH, *windows.shape[1:]), np.float32)
        block[: len(windows)] = windows
        n_batches = np.asarray(ceil(len(windows) / BATCH), dtype=np.int32)  # TensorFlow compiles for each Python int
        result = forward(weights, block.reshape(room, BATCH, *windows.shape[1:]), n_batches)
        return np.concatenate(ops.convert_to_numpy(result))[: len(windows)]

    starts = range(0, len(X), room * BATCH)
    with mapping(len(starts)) as map_blocks:
        return np.concatenate(list(map_blocks(predict_block, starts)))


@lru_cache(maxsize=MAX_IDLE_PROGRAMS)
def _compiled_forward(architecture: Architecture, masked: bool) -> Callable:
    """Return a function from weights, batches of standardised windows and how many batches to look at, to outputs.

    It is compiled once a shape, and changes nothing, which makes it safe in threads, unlike
    ``keras.Model.predict``.
    """
    windows = architecture.inputs()
    model = keras.Model(windows, network_outputs(architecture, windows, missing="anywhere" if masked else "none"))
    constants = [ops.convert_to_numpy(v.value) for v in model.non_trainable_variables]

    def forward(weights, batches, n_batches):
        count_trace("predict")

        def predict_batch(i, outputs):
            batch, _ = model.stateless_call(weights, constants, batches[i], training=False)
            return ops.slice_update(outputs, (i, *[0] * batch.ndim), batch[None])

        outputs = ops.zeros((*batches.shape[:2], *model.output_shape[1:]), dtype="float32")
        return ops.fori_loop(0, n_batches, predict_batch, outputs)

    return compiled(forward)
