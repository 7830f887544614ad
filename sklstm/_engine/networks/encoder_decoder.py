"""Encoder and decoder: a network that reads one sequence and writes another (Sutskever, Vinyals & Le 2014).

Each is a model of its own. So the order of the weights is fixed: the encoder's layers, what leads from them to the
decoder, in the alphabetical order of its names, and the decoder's layers.
"""

import keras
import numpy as np
from keras import layers, ops

from ..._specs import PREVIOUS, WINDOWS, NetworkSpec
from .cells import CELLS, glorot_uniform
from .recurrent import BuildOptions, Tensors, embedded, embedding_weights, initializers, recurrent_layer

N_STATES = {"lstm": 2, "gru": 1}  # hidden state and, of an LSTM cell, cell state
MASKED = -1e9  # the score of a masked step


def decoder_states(spec: NetworkSpec, inputs: Tensors, options: BuildOptions) -> keras.KerasTensor:
    """Return what the output layer sees at each step of the decoder, which reads what it has to write, a step late."""
    windows = keras.Input(inputs[WINDOWS].shape[1:], dtype="float32", name=WINDOWS)
    encoder = keras.Model(windows, _encoded(spec, windows, options), name="encoder")
    previous = keras.Input(inputs[PREVIOUS].shape[1:], dtype="float32", name=PREVIOUS)
    encoded = {
        name: keras.Input(output.shape[1:], dtype=output.dtype, name=name) for name, output in encoder.output.items()
    }
    states = _decoded(spec, previous, encoded, options)
    decoder = keras.Model({PREVIOUS: previous, **encoded}, states, name="decoder")
    return decoder({PREVIOUS: inputs[PREVIOUS], **encoder(inputs[WINDOWS])})


def encoder_decoder_weights(spec: NetworkSpec, rng: np.random.Generator) -> tuple[list[np.ndarray], int]:
    """Draw the weights of the encoder, of what leads from it to the decoder, and of the decoder."""
    draw_cell = CELLS[spec.cell].initial_weights
    directions = 2 if spec.bidirectional else 1
    encoder = [embedding_weights(rng, spec.windows.n_tokens, spec.embedding_dim)]
    bridges: list[np.ndarray] = []
    decoder = [embedding_weights(rng, spec.input(PREVIOUS).n_tokens, spec.embedding_dim)]
    n_encoded = n_hidden = spec.embedding_dim
    for units in spec.units:
        for _ in range(directions):
            encoder += draw_cell(rng, n_encoded, units)
        n_encoded = directions * units
        for _ in range(N_STATES[spec.cell]):
            bridges += [glorot_uniform(rng, n_encoded, units), np.zeros(units)]
        decoder += draw_cell(rng, n_hidden, units)
        n_hidden = units
    if spec.attention:
        bridges = [glorot_uniform(rng, n_encoded, n_hidden), *bridges]
        decoder += [glorot_uniform(rng, n_encoded + n_hidden, n_hidden), np.zeros(n_hidden)]
    return [*encoder, *bridges, *decoder], n_hidden


def _encoded(spec: NetworkSpec, windows: keras.KerasTensor, options: BuildOptions) -> Tensors:
    """Return the initial states of the decoder, made of the last ones of the encoder (Bahdanau, Cho & Bengio 2015).

    With attention, there are also the states after each step, their keys, and which steps are present.
    """
    hidden, present = embedded(spec.windows, windows, spec.embedding_dim, options)
    encoded = {}
    for depth, units in enumerate(spec.units):
        params = {"return_sequences": True, "return_state": True}
        layer = recurrent_layer(spec, units, f"{spec.cell}_{depth}", options, **params)
        if spec.bidirectional:
            layer = layers.Bidirectional(layer, dtype="float32", name=f"bidirectional_{depth}")
        hidden, *last = layer(hidden, mask=present)
        for i in range(N_STATES[spec.cell]):
            state = ops.concatenate(last[i :: N_STATES[spec.cell]], axis=1)
            name = f"state_{depth:02}_{i}"
            encoded[name] = _dense(name, units, options, activation="tanh")(state)
    if spec.attention:
        encoded["keys"] = _dense("keys", spec.units[-1], options, use_bias=False)(hidden)
        encoded["values"] = hidden
        if present is not None:
            encoded["present"] = present
    return encoded


def _decoded(spec: NetworkSpec, previous: keras.KerasTensor, encoded: Tensors, options: BuildOptions):
    """Return the decoder's states or, with attention, the attentional ones (Luong, Pham & Manning 2015, eqs. 5-8)."""
    hidden, _ = embedded(spec.input(PREVIOUS), previous, spec.embedding_dim, options)
    for depth, units in enumerate(spec.units):
        layer = recurrent_layer(spec, units, f"decoder_{depth}", options, return_sequences=True)
        states = [encoded[f"state_{depth:02}_{i}"] for i in range(N_STATES[spec.cell])]
        hidden = layer(hidden, initial_state=states)  # without a mask: what is padded comes last, and is not learned
    if not spec.attention:
        return hidden
    scores = ops.matmul(hidden, ops.transpose(encoded["keys"], (0, 2, 1)))
    if "present" in encoded:
        scores = ops.where(encoded["present"][:, None, :], scores, MASKED)
    context = ops.matmul(ops.softmax(scores, axis=-1), encoded["values"])
    return _dense("attention", units, options, activation="tanh")(ops.concatenate([context, hidden], axis=-1))


def _dense(name: str, units: int, options: BuildOptions, **params) -> layers.Dense:
    kernel, _, bias = initializers(options)
    return layers.Dense(units, kernel_initializer=kernel, bias_initializer=bias, dtype="float32", name=name, **params)
