"""Builders: from the spec of a network to its Keras layers and its initial weights."""

from dataclasses import replace
from typing import NamedTuple, Protocol

import keras
import numpy as np
from keras import ops

from ..._specs import WINDOWS, NetworkSpec
from .custom import build_custom, custom_weights
from .encoder_decoder import decoder_states, encoder_decoder_weights
from .output_layer import initial_output_weights, output_layer
from .recurrent import BuildOptions, Tensors, embedded, initializers, recurrent_states, recurrent_weights


class BuildStates(Protocol):
    """Connect standardised inputs to the tensor that the output layer sees."""

    def __call__(self, spec: NetworkSpec, inputs: Tensors, options: BuildOptions) -> keras.KerasTensor: ...


class DrawWeights(Protocol):
    """Draw initial weights in the order of Keras' ``get_weights``, and tell how many numbers the output layer sees."""

    def __call__(self, spec: NetworkSpec, rng: np.random.Generator) -> tuple[list[np.ndarray], int]: ...


class Builder(NamedTuple):
    """A kind of network."""

    hidden_states: BuildStates
    initial_weights: DrawWeights


def keras_inputs(spec: NetworkSpec) -> Tensors:
    """Return symbolic batches of all inputs."""
    return {item.name: keras.Input(item.shape, dtype="float32", name=item.name) for item in spec.inputs}


def hidden_states(spec: NetworkSpec, inputs: Tensors, options: BuildOptions) -> keras.KerasTensor:
    """Return what the output layer sees of standardised inputs, of which the network skips missing steps."""
    return BUILDERS[spec.builder].hidden_states(spec, inputs, options)


def network_outputs(spec: NetworkSpec, inputs: Tensors, options: BuildOptions) -> keras.KerasTensor:
    """Return the network's outputs for standardised inputs."""
    kernel, _, bias = initializers(options)
    outputs = output_layer(spec.n_outputs, kernel, bias, options.prefix)(hidden_states(spec, inputs, options))
    if options.exported or spec.pooling != "none":
        return outputs
    return ops.copy(outputs)  # without its mask, by which Keras would weigh the losses of steps once more


def initial_weights(spec: NetworkSpec, rng: np.random.Generator, *, zero_output: bool = False) -> list[np.ndarray]:
    """Draw initial weights in the order of Keras' ``get_weights``, with an output layer of zeros if `zero_output`.

    Their distributions are Keras' own defaults. Those of recurrent networks are drawn with numpy, so that they are the
    same on every backend and nothing is compiled to draw them. Keras draws those of custom networks.
    """
    weights, n_hidden = BUILDERS[spec.builder].initial_weights(spec, rng)
    weights += initial_output_weights(rng, n_hidden, spec.n_outputs, zeros=zero_output)
    return [array.astype(np.float32) for array in weights]


def _custom_states(spec: NetworkSpec, inputs: Tensors, options: BuildOptions) -> keras.KerasTensor:
    """Hand windows and the mask of their steps to the function of the spec."""
    options = replace(options, missing="anywhere")
    windows, mask = embedded(spec.windows, inputs[WINDOWS], spec.embedding_dim, options)
    if spec.windows.n_tokens:
        windows = ops.where(mask[:, :, None], windows, 0.0)  # a missing token has the vector of token 0
    dropout = {"dropout": options.dropout, "recurrent_dropout": options.recurrent_dropout}
    return build_custom(spec, windows, mask, seed=options.seed, **dropout)


def _custom_weights(spec: NetworkSpec, rng: np.random.Generator) -> tuple[list[np.ndarray], int]:
    def connect(seed):
        inputs = keras_inputs(spec)
        return inputs, _custom_states(spec, inputs, BuildOptions("anywhere", exported=True, seed=seed))

    return custom_weights(spec, rng, connect)


BUILDERS = {
    "recurrent": Builder(recurrent_states, recurrent_weights),
    "encoder_decoder": Builder(decoder_states, encoder_decoder_weights),
    "custom": Builder(_custom_states, _custom_weights),
}
