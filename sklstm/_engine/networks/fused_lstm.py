"""An LSTM layer for JAX on CPUs with fused loops, which compute what Keras' own does in less time.

Four things make the difference. The state, the features and a one for the bias enter a step as one vector, so that
a step is one matrix product. Arrays are laid out with the rows of the batch last, so that each gate is a
contiguous block. The gradient is written out, from the gates that the forward pass leaves. And for small
batches, its part for the weights takes one matrix product for a block of steps. Predictions, which come in batches of
a few rows, have a loop of their own with the rows of the batch first.
"""

from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import keras
import numpy as np
from jax import lax

from ..batches import FEW_ROWS

SATURATED = 1e9  # a gate whose sum of inputs is minus this is zero, and one with plus this is one
SMALL_BATCH = 32  # rows up to which it pays to add up the gradients of a block of steps by one matrix product
BLOCK_ROWS = 320  # rows of a batch in all steps of a block


_SIGMOID_BY_TANH = np.array([[0.5, 0.5, 1, 0.5], [0.5, 0.5, 0, 0.5]], np.float32)  # by gate: the scale and the offset


@keras.saving.register_keras_serializable("sklstm")  # Bidirectional makes its layers from their configuration
class LSTM(keras.layers.LSTM):
    """Keras' LSTM layer with a faster loop for its default activations, and Keras' own loop for others."""

    masks_within = True  # whether a masked step may follow one that is not, so that there is a hidden state to keep

    def inner_loop(self, sequences, initial_state, mask, training=False):
        """Return the last output, all outputs with `return_sequences`, and the last state."""
        if not self._has_fused_loop():
            return super().inner_loop(sequences, initial_state, mask, training=training)
        if training and self.dropout:
            sequences = sequences * self.cell.get_dropout_mask(sequences[:, 0])[:, jnp.newaxis]
        if self.go_backwards:
            sequences = jnp.flip(sequences, axis=1)
            mask = None if mask is None else jnp.flip(mask, axis=1)
        masked = mask is not None
        start = State(*(values.T for values in initial_state))
        features = _steps_first(sequences, mask)
        run = lstm if training or len(sequences) > FEW_ROWS else few_rows_lstm
        keep_state = masked and self.masks_within
        (h, c), outputs = run(self.return_sequences, keep_state, self._weights(masked), features, start)
        if not self.return_sequences:
            return h.T, h.T, [h.T, c.T]
        outputs = jnp.transpose(outputs, (2, 0, 1))
        if self.zero_output_for_mask and masked:
            outputs = jnp.where(mask[..., jnp.newaxis], outputs, 0)
        return h.T, outputs, [h.T, c.T]

    def _weights(self, masked: bool) -> jax.Array:
        """Return all weights side by side: of the hidden state, the features, the one and, if masked, masked steps.

        Those of masked steps keep the cell state as it is and close the output gate.
        """
        cell = self.cell
        rows = [cell.recurrent_kernel.value, cell.kernel.value, cell.bias.value[jnp.newaxis]]
        if masked:
            input_gate, forget_gate, candidate, output_gate = -SATURATED, SATURATED, 0, -SATURATED
            masked_step = np.repeat([input_gate, forget_gate, candidate, output_gate], self.units)
            rows.append(jnp.asarray(masked_step[np.newaxis], rows[0].dtype))
        return jnp.concatenate(rows).T

    def _has_fused_loop(self) -> bool:
        cell = self.cell
        return (
            jax.default_backend() == "cpu"  # for GPUs, Keras has faster loops
            and cell.activation is keras.activations.tanh
            and cell.recurrent_activation is keras.activations.sigmoid
            and cell.use_bias
            and not cell.recurrent_dropout  # which Keras draws for each gate
            and cell.implementation == 2
            and not self.unroll
        )


def _steps_first(sequences, mask) -> jax.Array:
    """Return each step's features, a one and, if there is a mask, whether it is masked: (steps, features, batch)."""
    sequences = jnp.transpose(sequences, (1, 2, 0))
    rows = [sequences, jnp.ones_like(sequences[:, :1])]
    if mask is not None:
        rows.append(jnp.logical_not(mask).T[:, jnp.newaxis].astype(sequences.dtype))
    return jnp.concatenate(rows, axis=1)


class State(NamedTuple):
    """What a step hands on to the next: hidden state and cell state, of shape (units, batch)."""

    h: jax.Array
    c: jax.Array


class Residuals(NamedTuple):
    """What the gradient of a step needs: flat, as XLA's code for rows as short as a batch is longer and slower."""

    inputs: jax.Array  # ((units + features) * batch): hidden state before the step, features
    gates: jax.Array  # (4 * units * batch): input gate, forget gate, candidate, output gate
    c: jax.Array  # (units * batch): cell state before the step


@partial(jax.custom_vjp, nondiff_argnums=(0, 1))
def lstm(return_sequences: bool, keep_state: bool, weights, features, start: State) -> tuple[State, Any]:
    """Return the last state and, if asked for, the hidden state after each step.

    Parameters
    ----------
    return_sequences : bool
        Whether to return the hidden state after each step, of shape (steps, units, batch).
    keep_state : bool
        Whether the last feature tells, by a one, where the hidden state is to be kept. The weights
        must close the output gate there.
    weights : array of shape (4 * units, units + features)
        Weights of the hidden state and of the features, for the gates in the order of Keras.
    features : array of shape (steps, features, batch)
        What enters each step.
    start : State
        The state before the first step.
    """
    result, _ = _run(return_sequences, keep_state, weights, features, start)
    return result


def _run(return_sequences, keep_state, weights, features, start, *, keep_residuals=False):
    """Run the cell of Hochreiter & Schmidhuber (1997) with the forget gate of Gers et al. (2000) over all steps."""

    def step(state, x):
        inputs = jnp.concatenate([state.h, x])
        gates = _activations(weights @ inputs)
        i, f, g, o = jnp.split(gates, 4)
        c = f * state.c + i * g
        h = o * jnp.tanh(c)
        if keep_state:
            h += inputs[-1:] * state.h
        residuals = Residuals(inputs.ravel(), gates.ravel(), state.c.ravel()) if keep_residuals else None
        return State(h, c), (h if return_sequences else None, residuals)

    last, (outputs, residuals) = lax.scan(step, start, features)
    return (last, outputs), residuals


def _activations(sums):
    """Return the gates: sigmoids of their sums, and for the candidate the hyperbolic tangent.

    A sigmoid is a hyperbolic tangent of half the sum, halved and moved up, which XLA computes in less time.
    """
    scale, offset = (jnp.asarray(values, sums.dtype)[:, jnp.newaxis] for values in _SIGMOID_BY_TANH)
    rows = sums.reshape(4, -1)  # one a gate: for rows as short as a batch, XLA's code is longer and reads down columns
    return (scale * jnp.tanh(scale * rows) + offset).reshape(sums.shape)


def few_rows_lstm(return_sequences: bool, keep_state: bool, weights, features, start: State) -> tuple[State, Any]:
    """Return what `lstm` does, by a loop that suits few rows and has no gradient of its own.

    The rows of the batch come first here, so that the gates of a row, and not those of a unit, are contiguous.
    """
    weights, features, start = weights.T, jnp.swapaxes(features, 1, 2), State(*(values.T for values in start))
    scale, offset = (jnp.repeat(values, start.h.shape[1]) for values in _SIGMOID_BY_TANH)

    def step(state, x):
        gates = scale * jnp.tanh(scale * (jnp.concatenate([state.h, x], axis=1) @ weights)) + offset
        i, f, g, o = jnp.split(gates, 4, axis=1)
        c = f * state.c + i * g
        h = o * jnp.tanh(c)
        if keep_state:
            h += x[:, -1:] * state.h
        return State(h, c), (h if return_sequences else None)

    last, outputs = lax.scan(step, start, features)
    return State(*(values.T for values in last)), jnp.swapaxes(outputs, 1, 2) if return_sequences else None


def _forward(return_sequences, keep_state, weights, features, start):
    result, residuals = _run(return_sequences, keep_state, weights, features, start, keep_residuals=True)
    return result, (weights, residuals)


def _backward(return_sequences, keep_state, kept, dresult):
    """Backpropagate through time (Werbos 1990): from gradients by the results to gradients by the arguments."""
    weights, residuals = kept
    dlast, doutputs = dresult
    units, batch = dlast.h.shape
    n_steps = len(residuals.gates)
    length = _block_length(n_steps, batch)
    recurrent_kernel, kernel = weights[:, :units].T, weights[:, units:].T

    def step(carry, now):
        (dh, dc), block_dsums = carry
        number, number_in_block = now
        inputs, gates, c = (_at(number, array).reshape(-1, batch) for array in residuals)
        if return_sequences:
            dh += _at(number, doutputs)
        i, f, g, o = jnp.split(gates, 4)
        tanh_c = jnp.tanh(f * c + i * g)
        dc += dh * o * (1 - tanh_c**2)
        di, df, dg, do = dc * g * i * (1 - i), dc * c * f * (1 - f), dc * i * (1 - g**2), dh * tanh_c * o * (1 - o)
        dsums = jnp.concatenate([di, df, dg, do])
        dh_before = recurrent_kernel @ dsums
        if keep_state:
            dh_before += inputs[-1:] * dh
        block_dsums = lax.dynamic_update_index_in_dim(block_dsums, dsums, number_in_block, axis=1)
        return (State(dh_before, dc * f), block_dsums), kernel @ dsums

    def block(carry, numbers):
        state, block_dsums, dweights = carry
        now = numbers, jnp.arange(length)
        (state, block_dsums), dfeatures = lax.scan(step, (state, block_dsums), now, reverse=True)
        inputs = lax.dynamic_slice_in_dim(residuals.inputs, numbers[0], length).reshape(length, -1, batch)
        inputs = jnp.swapaxes(inputs, 0, 1)
        # As matrices, since XLA's code for a product that sums over two dimensions is slower.
        dweights += block_dsums.reshape(4 * units, -1) @ inputs.reshape(-1, length * batch).T
        return (state, block_dsums, dweights), dfeatures

    carry = dlast, jnp.zeros((4 * units, length, batch), weights.dtype), jnp.zeros_like(weights)
    (dstart, _, dweights), dfeatures = lax.scan(block, carry, jnp.arange(n_steps).reshape(-1, length), reverse=True)
    return dweights, dfeatures.reshape(n_steps, -1, batch), dstart


def _block_length(n_steps: int, batch: int) -> int:
    """Return how many steps share a product for the gradient by the weights: a divisor of the number of steps.

    For batches of few rows, adding up a product for each step takes about as long as the products.
    """
    most = BLOCK_ROWS // batch if batch <= SMALL_BATCH else 1
    return max(length for length in range(1, most + 1) if n_steps % length == 0)


def _at(number, array):
    return lax.dynamic_index_in_dim(array, number, keepdims=False)


lstm.defvjp(_forward, _backward)
