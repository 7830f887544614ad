"""Prediction: a compiled function of weights and inputs, for batches of few shapes."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import lru_cache, reduce
from itertools import product
from math import ceil, log

import keras
import numpy as np
from keras import ops
from scipy.special import log_softmax

from .._specs import NUMBERS, WINDOWS, Meaning, NetworkSpec, Scale
from .._windows.arrays import are_sliding, standardise
from .batches import FEW_ROWS, batches_in_block
from .networks.builders import hidden_states, keras_inputs
from .networks.output_layer import apply_output, without_output
from .networks.quantiles import quantiles_of
from .networks.recurrent import BuildOptions
from .networks.variables import stateless_call
from .runtime.compilation import compiled, count_trace
from .runtime.precision import float32_by_default
from .runtime.threads import is_jax_on_cpu, mapping
from .training.model_cache import MAX_IDLE_MODELS

BATCH = 32  # rows on other backends and on GPUs


def predict(
    spec: NetworkSpec,
    networks: Sequence[list[np.ndarray]],
    inputs: dict[str, np.ndarray],
    scales: dict[str, Scale],
    *,
    meaning: Meaning = NUMBERS,
    last_step: bool = False,
) -> np.ndarray:
    """Return the mean of several networks' outputs for raw inputs: float64 of shape ``(n_samples, n_outputs)``.

    If outputs are logits, those of several networks become the logarithms of the mean of their probabilities. If they
    mean quantiles, these are averaged and returned (Lichtendahl, Grushka-Cockayne & Winkler 2013, Is it better to
    average probabilities or quantiles?, Management Science 59(7)). The networks have one spec, each its own weights.
    Without pooling, the shape is ``(n_samples, n_steps, n_outputs)``, unless only outputs after the `last_step` are
    asked for.
    """
    if last_step and spec.custom:
        return predict(spec, networks, inputs, scales, meaning=meaning)[:, -1]
    if last_step:
        spec = replace(spec, pooling="last")
    if is_jax_on_cpu() and _are_beginnings(spec, inputs, scales):
        last_row = {name: values[-1:] for name, values in inputs.items()}
        after_steps = predict(replace(spec, pooling="none"), networks, last_row, scales, meaning=meaning)
        return after_steps[0, -len(inputs[WINDOWS]) :]

    # A row's prediction must not depend on the rows that it comes with, but programs without a mask and matrix products
    # of other sizes round otherwise. So all rows are masked, batches have one size, and the output layer takes one
    # product a row.
    size = FEW_ROWS if is_jax_on_cpu() else BATCH
    n_rows = len(inputs[WINDOWS])
    n_values = sum(values[0].size for values in inputs.values())
    block_length = 1 if n_rows <= size or spec.custom else batches_in_block(size * n_values)
    states = _compiled_states(spec)

    def predict_block(weights: list[np.ndarray], start: int) -> np.ndarray:
        stop = min(start + block_length * size, n_rows)
        block = {
            name: _as_block(standardise(values[start:stop], scales[name]), block_length, size)
            for name, values in inputs.items()
        }
        # An array, since TensorFlow compiles for each Python int.
        n_batches = np.asarray(ceil((stop - start) / size), dtype=np.int32)
        hidden = ops.convert_to_numpy(states(without_output(weights), block, n_batches))
        outputs = apply_output(weights, np.concatenate(hidden)[: stop - start])
        if meaning.kind == "quantiles":
            return quantiles_of(outputs, meaning.quantiles).reshape(outputs.shape)
        return outputs

    starts = range(0, n_rows, block_length * size)
    tasks = list(product(networks, starts))
    with mapping(len(tasks) if len(starts) > 1 else 1) as map_tasks:  # a block takes less time than threads save
        outputs = np.concatenate(list(map_tasks(predict_block, *zip(*tasks, strict=True))))
    # One after the other, since numpy's sum rounds by the number of rows.
    of_networks = np.split(outputs, len(networks))
    if meaning.kind == "logits" and len(networks) > 1:
        return reduce(np.logaddexp, [log_softmax(logits, axis=-1) for logits in of_networks]) - log(len(networks))
    return reduce(np.add, of_networks) / len(networks)


def _as_block(rows: np.ndarray, block_length: int, size: int) -> np.ndarray:
    """Return rows as batches along a new first axis, padded with zeros."""
    block = np.zeros((block_length * size, *rows.shape[1:]), np.float32)
    block[: len(rows)] = rows
    return block.reshape(block_length, size, *rows.shape[1:])


def _are_beginnings(spec: NetworkSpec, inputs: dict[str, np.ndarray], scales: dict[str, Scale]) -> bool:
    """Tell whether the outputs for all windows are those after the last steps of the last window.

    That is so if each window is the beginning of the next, as those of a series are that is no longer than they, or if
    there is only one. The program that keeps the states after all steps rounds like the other one, which tests hold.
    """
    if spec.custom or spec.cell != "lstm" or spec.bidirectional or spec.pooling != "last":
        return False
    windows = inputs[WINDOWS]
    n_before = len(windows) - 1
    if n_before == 0:
        return True
    if scales[WINDOWS].deviation is not None:  # from other means in each window
        return False
    is_short = n_before < windows.shape[1] and bool(np.isnan(windows[0, :n_before]).any(axis=1).all())
    return is_short and are_sliding(windows)


@lru_cache(maxsize=MAX_IDLE_MODELS)
@float32_by_default()
def _compiled_states(spec: NetworkSpec) -> Callable:
    """Return a function from weights, batches of standardised inputs and how many batches to look at, to states.

    They are the hidden states that the output layer sees. The function is compiled once a shape, and changes nothing,
    which makes it safe in threads, unlike ``keras.Model.predict``.
    """
    symbols = keras_inputs(spec)
    model = keras.Model(symbols, hidden_states(spec, symbols, BuildOptions(missing="anywhere")))
    call = stateless_call(model)

    def states(weights, block, n_batches):
        count_trace("predict")

        def states_of_batch(i, hidden):
            inputs = {name: batches[i] for name, batches in block.items()}
            batch = ops.cast(call(weights, inputs), "float32")  # of a network of one's own, perhaps in less
            return ops.slice_update(hidden, (i, *[0] * batch.ndim), batch[None])

        n_batches_in_block, size, n_steps = block[WINDOWS].shape[:3]
        shape = [n_steps if length is None else length for length in model.output_shape[1:]]
        hidden = ops.zeros((n_batches_in_block, size, *shape), dtype="float32")
        if spec.custom:  # of which there is one batch: convolutions are slow within loops
            return states_of_batch(0, hidden)
        return ops.fori_loop(0, n_batches, states_of_batch, hidden)

    return compiled(states)
