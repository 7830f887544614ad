"""Networks on tokens whose steps may be present in part: from none of it, a missing step, to all of it, a usual one.

So a document can fade in from the empty one, which no mask of zeros and ones allows.
"""

import keras
from keras import layers, ops

from ..._specs import WINDOWS, NetworkSpec
from .output_layer import output_layer
from .recurrent import Tensors, Zeros

PRESENCE = "presence"  # the name of the input that tells the share of each step

SMALLEST_SHARE = 1e-6  # of all steps, to divide by


@keras.saving.register_keras_serializable("sklstm")  # Bidirectional makes its layers from their configuration
class PresenceCell(layers.LSTMCell):
    """Keras' LSTM cell with one more feature: by which share the states move to those after the step."""

    def build(self, input_shape):
        """Make the weights, those of Keras' cell without that feature."""
        super().build((*input_shape[:-1], input_shape[-1] - 1))

    def call(self, inputs, states, training=False):
        """Return the hidden state, and both states."""
        _, after = super().call(inputs[:, :-1], states, training=training)
        share = inputs[:, -1:]
        states = [share * new + (1 - share) * old for new, old in zip(after, states, strict=True)]
        return states[0], states


def presence_inputs(spec: NetworkSpec) -> Tensors:
    """Return symbolic batches of tokens and of the share of each step."""
    n_steps = spec.windows.shape[0]
    names = {WINDOWS: "int32", PRESENCE: "float32"}
    return {name: keras.Input((n_steps,), dtype=dtype, name=name) for name, dtype in names.items()}


def presence_outputs(spec: NetworkSpec, inputs: Tensors) -> keras.KerasTensor:
    """Return what `network_outputs` does for shares of zero and one, with the same weights."""
    share = inputs[PRESENCE][:, :, None]
    hidden = layers.Embedding(spec.windows.n_tokens, spec.embedding_dim, Zeros(), dtype="float32")(inputs[WINDOWS])
    for depth, units in enumerate(spec.units):
        cell = PresenceCell(
            units,
            kernel_initializer=Zeros(),
            recurrent_initializer=Zeros(),
            bias_initializer=Zeros(),
            unit_forget_bias=False,
            seed=0,
            dtype="float32",
        )
        return_sequences = depth < len(spec.units) - 1 or spec.pooling != "last"
        layer = layers.RNN(cell, return_sequences=return_sequences, dtype="float32")
        if spec.bidirectional:
            layer = layers.Bidirectional(layer, dtype="float32")
        hidden = layer(ops.concatenate([hidden, share], axis=2))
    if spec.pooling == "max":
        hidden = share * hidden + (share - 1)  # of a missing step -1, below which no state is
        # By its position, since XLA may round twice what it compares with the maximum for its gradient.
        step_of_maximum = ops.argmax(hidden, axis=1, keepdims=True)
        hidden = ops.take_along_axis(hidden, step_of_maximum, axis=1)[:, 0]
    elif spec.pooling == "mean":
        hidden = ops.sum(share * hidden, axis=1) / ops.maximum(ops.sum(share, axis=1), SMALLEST_SHARE)
    return output_layer(spec.n_outputs, Zeros(), Zeros())(hidden)
