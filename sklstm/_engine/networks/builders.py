"""Builders: from the spec of a network to its Keras layers and its initial weights."""

from dataclasses import dataclass, replace
from typing import NamedTuple, Protocol

import keras
import numpy as np
from keras import layers, ops

from ..._specs import WINDOWS, MissingSteps, NetworkSpec, Pooling
from .cells import CELLS
from .custom import build_custom, custom_weights
from .output_layer import initial_output_weights, output_layer

Tensors = dict[str, keras.KerasTensor]


@dataclass(frozen=True)
class BuildOptions:
    """What does not change the weights that a network has."""

    missing: MissingSteps
    dropout: float = 0.0
    recurrent_dropout: float = 0.0
    exported: bool = False  # whether the model is made of Keras' own layers alone, which draw their initial weights
    seed: int = 0  # of the initial weights of layers that the user chose


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
    kernel = keras.initializers.GlorotUniform(seed=0) if options.exported else Zeros()
    bias = keras.initializers.Zeros() if options.exported else Zeros()
    return output_layer(spec.n_outputs, kernel, bias)(hidden_states(spec, inputs, options))


def initial_weights(spec: NetworkSpec, rng: np.random.Generator, *, zero_output: bool = False) -> list[np.ndarray]:
    """Draw initial weights in the order of Keras' ``get_weights``, with an output layer of zeros if `zero_output`.

    Their distributions are Keras' own defaults. Those of recurrent networks are drawn with numpy, so that they are the
    same on every backend and nothing is compiled to draw them. Keras draws those of custom networks.
    """
    weights, n_hidden = BUILDERS[spec.builder].initial_weights(spec, rng)
    weights += initial_output_weights(rng, n_hidden, spec.n_outputs, zeros=zero_output)
    return [array.astype(np.float32) for array in weights]


def _recurrent_states(spec: NetworkSpec, inputs: Tensors, options: BuildOptions) -> keras.KerasTensor:
    """Stack recurrent layers on windows or on embedded tokens, and pool the last one's hidden states.

    Precision is pinned and every seed is given, since neither a global dtype policy nor Python's random
    state may change a result, or be changed. Weights are initialised with zeros, to be set: random ones, which an
    exported model needs in case it is cloned, take a second to compile.
    """
    kernel = recurrent = bias = Zeros()
    if options.exported:
        kernel, recurrent = keras.initializers.GlorotUniform(seed=0), keras.initializers.Orthogonal(seed=0)
        bias = keras.initializers.Zeros()
    hidden, present = _embedded(spec, inputs, options)
    for depth, units in enumerate(spec.units):
        layer = CELLS[spec.cell].layer(
            options.exported,
            units,
            return_sequences=depth < len(spec.units) - 1 or spec.pooling != "last",
            dropout=options.dropout,
            recurrent_dropout=options.recurrent_dropout,
            kernel_initializer=kernel,
            recurrent_initializer=recurrent,
            bias_initializer=bias,
            seed=0,
            dtype="float32",
            name=f"{spec.cell}_{depth}",
        )
        layer.masks_within = options.missing == "anywhere"  # for the fused loop
        if spec.bidirectional:  # which makes layers of its own, with masks within
            layer = layers.Bidirectional(layer, dtype="float32", name=f"bidirectional_{depth}")
        hidden = layer(hidden, mask=present)
    return _pooled(hidden, present, spec.pooling)


def _recurrent_weights(spec: NetworkSpec, rng: np.random.Generator) -> tuple[list[np.ndarray], int]:
    """Draw embeddings, and for each layer and direction the weights of its cell."""
    weights = []
    n_inputs = spec.windows.shape[1]
    if spec.windows.n_tokens:
        n_inputs = spec.embedding_dim
        weights.append(rng.uniform(-0.05, 0.05, size=(spec.windows.n_tokens, n_inputs)))
    directions = 2 if spec.bidirectional else 1
    for units in spec.units:
        for _ in range(directions):
            weights += CELLS[spec.cell].initial_weights(rng, n_inputs, units)
        n_inputs = directions * units
    return weights, n_inputs


def _embedded(spec: NetworkSpec, inputs: Tensors, options: BuildOptions) -> tuple:
    """Return windows with zeros for missing steps, or embedded tokens, and which steps are present, if not all are."""
    hidden, present = inputs[WINDOWS], None
    if options.missing != "none":
        hidden, present = without_missing(hidden)
    if spec.windows.n_tokens:
        vectors = keras.initializers.RandomUniform(seed=options.seed) if options.exported else Zeros()
        embed = layers.Embedding(spec.windows.n_tokens, spec.embedding_dim, vectors, dtype="float32", name="embedding")
        hidden = embed(ops.cast(hidden[:, :, 0], "int32"))
    return hidden, present


def _custom_states(spec: NetworkSpec, inputs: Tensors, options: BuildOptions) -> keras.KerasTensor:
    """Hand windows and the mask of their steps to the function of the spec."""
    windows, mask = _embedded(spec, inputs, replace(options, missing="anywhere"))
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
    "recurrent": Builder(_recurrent_states, _recurrent_weights),
    "custom": Builder(_custom_states, _custom_weights),
}


@keras.saving.register_keras_serializable("sklstm")  # as Bidirectional needs it
class Zeros(keras.initializers.Initializer):
    """Zeros made by numpy: Keras' own are compiled anew for each shape."""

    def __call__(self, shape, dtype=None):
        """Return a tensor of that shape."""
        return ops.convert_to_tensor(np.zeros(shape, dtype), dtype)


def _pooled(hidden: keras.KerasTensor, present: keras.KerasTensor | None, pooling: Pooling) -> keras.KerasTensor:
    """Return the mean or the maximum of the hidden states of the steps that are present."""
    if pooling in ("last", "none"):
        return hidden
    if present is None:
        return ops.mean(hidden, axis=1) if pooling == "mean" else ops.max(hidden, axis=1)
    present = present[:, :, None]
    if pooling == "max":
        return ops.max(ops.where(present, hidden, -1.0), axis=1)  # below which no hidden state is
    n_present = ops.sum(ops.cast(present, "float32"), axis=1)
    return ops.sum(ops.where(present, hidden, 0.0), axis=1) / ops.maximum(n_present, 1.0)


def without_missing(windows: keras.KerasTensor) -> tuple[keras.KerasTensor, keras.KerasTensor]:
    """Return windows with zeros for missing steps, and which steps are present."""
    of_a_step = tuple(range(2, len(windows.shape)))
    present = ops.logical_not(ops.any(ops.isnan(windows), axis=of_a_step))
    return ops.where(ops.expand_dims(present, of_a_step), windows, 0.0), present
