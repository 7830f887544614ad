"""Recurrent networks: stacked layers on windows or on embedded tokens."""

from dataclasses import dataclass

import keras
import numpy as np
from keras import layers, ops

from ..._specs import WINDOWS, InputSpec, MissingSteps, NetworkSpec, Pooling
from .cells import CELLS

Tensors = dict[str, keras.KerasTensor]


@dataclass(frozen=True)
class BuildOptions:
    """What does not change the weights that a network has."""

    missing: MissingSteps
    dropout: float = 0.0
    recurrent_dropout: float = 0.0
    exported: bool = False  # whether the model is made of Keras' own layers alone, which draw their initial weights
    seed: int = 0  # of the initial weights of layers that the user chose
    prefix: str = ""  # of the names of layers


@keras.saving.register_keras_serializable("sklstm")  # as Bidirectional needs it
class Zeros(keras.initializers.Initializer):
    """Zeros made by numpy: Keras' own are compiled anew for each shape."""

    def __call__(self, shape, dtype=None):
        """Return a tensor of that shape."""
        return ops.convert_to_tensor(np.zeros(shape, dtype), dtype)


def initializers(options: BuildOptions) -> tuple[keras.Initializer, keras.Initializer, keras.Initializer]:
    """Return those of kernels, recurrent kernels and biases.

    Weights are initialised with zeros, to be set: random ones, which an exported model needs in case it is cloned, take
    a second to compile.
    """
    if not options.exported:
        return Zeros(), Zeros(), Zeros()
    return keras.initializers.GlorotUniform(seed=0), keras.initializers.Orthogonal(seed=0), keras.initializers.Zeros()


def recurrent_layer(spec: NetworkSpec, units: int, name: str, options: BuildOptions, **params) -> layers.Layer:
    """Return a layer of the cell of a spec, in one direction.

    Precision is pinned and every seed is given, since neither a global dtype policy nor Python's random state may
    change a result, or be changed.
    """
    kernel, recurrent, bias = initializers(options)
    layer = CELLS[spec.cell].layer(
        options.exported,
        units,
        dropout=options.dropout,
        recurrent_dropout=options.recurrent_dropout,
        kernel_initializer=kernel,
        recurrent_initializer=recurrent,
        bias_initializer=bias,
        seed=0,
        dtype="float32",
        name=options.prefix + name,
        **params,
    )
    layer.masks_within = options.missing == "anywhere"  # for the fused loop
    return layer


def recurrent_states(spec: NetworkSpec, inputs: Tensors, options: BuildOptions) -> keras.KerasTensor:
    """Stack recurrent layers on windows or on embedded tokens, and pool the last one's hidden states."""
    hidden, present = embedded(spec.windows, inputs[WINDOWS], spec.embedding_dim, options)
    for depth, units in enumerate(spec.units):
        return_sequences = depth < len(spec.units) - 1 or spec.pooling != "last"
        layer = recurrent_layer(spec, units, f"{spec.cell}_{depth}", options, return_sequences=return_sequences)
        if spec.bidirectional:  # which makes layers of its own, with masks within
            layer = layers.Bidirectional(layer, dtype="float32", name=f"{options.prefix}bidirectional_{depth}")
        hidden = layer(hidden, mask=present)
    return _pooled(hidden, present, spec.pooling)


def recurrent_weights(spec: NetworkSpec, rng: np.random.Generator) -> tuple[list[np.ndarray], int]:
    """Draw embeddings, and for each layer and direction the weights of its cell."""
    weights = []
    n_inputs = spec.windows.shape[1]
    if spec.windows.n_tokens:
        n_inputs = spec.embedding_dim
        weights.append(embedding_weights(rng, spec.windows.n_tokens, n_inputs))
    directions = 2 if spec.bidirectional else 1
    for units in spec.units:
        for _ in range(directions):
            weights += CELLS[spec.cell].initial_weights(rng, n_inputs, units)
        n_inputs = directions * units
    return weights, n_inputs


def embedding_weights(rng: np.random.Generator, n_tokens: int, embedding_dim: int) -> np.ndarray:
    """Draw the vectors that stand for tokens."""
    return rng.uniform(-0.05, 0.05, size=(n_tokens, embedding_dim))


def embedded(item: InputSpec, windows: keras.KerasTensor, embedding_dim: int, options: BuildOptions) -> tuple:
    """Return windows with zeros for missing steps, or embedded tokens, and which steps are present, if not all are."""
    hidden, present = windows, None
    if options.missing != "none":
        hidden, present = without_missing(hidden)
    if item.n_tokens:
        vectors = keras.initializers.RandomUniform(seed=options.seed) if options.exported else Zeros()
        name = "embedding" if item.name == WINDOWS else f"embedding_{item.name}"
        embed = layers.Embedding(item.n_tokens, embedding_dim, vectors, dtype="float32", name=options.prefix + name)
        tokens = ops.cast(hidden[:, :, 0], "int32")
        if options.exported:  # estimators do so before
            tokens = ops.where(tokens < item.n_tokens, tokens, 0)
        hidden = embed(tokens)
    return hidden, present


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
    is_missing = ops.isnan(windows)
    present = ops.logical_not(ops.any(is_missing, axis=of_a_step))
    values = ops.where(is_missing, 0.0, windows)  # first, since tf2onnx multiplies with a condition that is broadcast
    return ops.where(ops.expand_dims(present, of_a_step), values, 0.0), present
