"""Prediction: a compiled function of weights and windows, for batches of few shapes."""

from collections.abc import Callable
from dataclasses import replace
from functools import lru_cache
from math import ceil

import keras
import numpy as np
from keras import ops

from .._linear import products_by_row
from .._validation import are_sliding
from ._batches import FEW_ROWS, batches_in_block, standardised
from ._compilation import compiled, count_trace
from ._network import Architecture, hidden_states
from ._programs import MAX_IDLE_PROGRAMS
from ._threads import is_jax_on_cpu, mapping

BATCH = 32  # rows on other backends and on GPUs


def predict(
    architecture: Architecture,
    weights: list[np.ndarray],
    X: np.ndarray,
    *,
    feature_mean: np.ndarray,
    feature_scale: np.ndarray,
) -> np.ndarray:
    """Return the network's outputs for raw windows: float64 of shape ``(n_samples, n_outputs)``.

    Without pooling it is ``(n_samples, n_steps, n_outputs)``.
    """
    statistics = {"feature_mean": feature_mean, "feature_scale": feature_scale}
    if is_jax_on_cpu() and _are_beginnings(architecture, X):
        after_steps = predict(replace(architecture, pooling="none"), weights, X[-1:], **statistics)
        return after_steps[0, -len(X) :]

    # A row's prediction must not depend on the rows that it comes with, and matrix products of other sizes round
    # otherwise. So batches have one size, and what follows them takes one product a row.
    size = FEW_ROWS if is_jax_on_cpu() else BATCH
    room = 1 if len(X) <= size else batches_in_block(size * X[0].size)
    # On JAX a mask costs nothing here, while another program to compile does.
    states = _compiled_states(architecture, keras.backend.backend() == "jax" or bool(np.isnan(X.min())))
    *weights, kernel, bias = weights

    def predict_block(start: int) -> np.ndarray:
        windows = standardised(X[start : start + room * size], feature_mean, feature_scale)
        block = np.zeros((room * size, *windows.shape[1:]), np.float32)
        block[: len(windows)] = windows
        n_batches = np.asarray(ceil(len(windows) / size), dtype=np.int32)  # TensorFlow compiles for each Python int
        hidden = states(weights, block.reshape(room, size, *windows.shape[1:]), n_batches)
        hidden = np.concatenate(ops.convert_to_numpy(hidden))[: len(windows)]
        return products_by_row(hidden.astype(np.float64), kernel) + bias

    starts = range(0, len(X), room * size)
    with mapping(len(starts)) as map_blocks:
        return np.concatenate(list(map_blocks(predict_block, starts)))


def _are_beginnings(architecture: Architecture, X: np.ndarray) -> bool:
    """Tell whether the outputs for all windows are those after the last steps of the last window.

    That is so if each window is the beginning of the next, as those of a series are that is no longer than they, or if
    there is only one.
    """
    if architecture.bidirectional or architecture.pooling != "last":
        return False
    n_before = len(X) - 1
    if n_before == 0:
        return True
    return n_before < X.shape[1] and are_sliding(X) and bool(np.isnan(X[0, :n_before]).any(axis=1).all())


@lru_cache(maxsize=MAX_IDLE_PROGRAMS)
def _compiled_states(architecture: Architecture, masked: bool) -> Callable:
    """Return a function from weights, batches of standardised windows and how many batches to look at, to states.

    They are the hidden states that the output layer sees. The function is compiled once a shape, and changes nothing,
    which makes it safe in threads, unlike ``keras.Model.predict``.
    """
    windows = architecture.inputs()
    model = keras.Model(windows, hidden_states(architecture, windows, missing="anywhere" if masked else "none"))
    constants = [ops.convert_to_numpy(v.value) for v in model.non_trainable_variables]

    def states(weights, batches, n_batches):
        count_trace("predict")

        def states_of_batch(i, hidden):
            batch, _ = model.stateless_call(weights, constants, batches[i], training=False)
            return ops.slice_update(hidden, (i, *[0] * batch.ndim), batch[None])

        hidden = ops.zeros((*batches.shape[:2], *model.output_shape[1:]), dtype="float32")
        return ops.fori_loop(0, n_batches, states_of_batch, hidden)

    return compiled(states)
