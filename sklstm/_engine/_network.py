"""Networks: their architecture, their Keras model and their initial weights."""

from dataclasses import dataclass
from math import ceil, log2, sqrt
from typing import Literal

import keras
import numpy as np
from keras import layers, ops

Pooling = Literal["last", "mean", "max", "none"]
Missing = Literal["none", "first", "anywhere"]  # where in windows there are missing steps: first, if before all others
NO_CLASS = -1  # in the place of a class where there is none to predict


@dataclass(frozen=True)
class Architecture:
    """The shapes of a network."""

    n_steps: int
    n_features: int
    n_outputs: int
    units: tuple[int, ...]
    bidirectional: bool = False
    pooling: Pooling = (
        "last"  # how the hidden states of all steps become one; with none, there are outputs at each step
    )
    n_tokens: int = 0  # if not zero, the only feature is the number of a token
    embedding_dim: int = 0  # the size of the vectors that tokens become

    def inputs(self) -> keras.KerasTensor:
        """Return a symbolic batch of windows."""
        return keras.Input((self.n_steps, self.n_features), dtype="float32", name="windows")


def network_outputs(
    architecture: Architecture, windows: keras.KerasTensor, *, for_users: bool = False, **params
) -> keras.KerasTensor:
    """Return the network's outputs for standardised windows; `params` are those of `hidden_states`."""
    kernel = keras.initializers.GlorotUniform(seed=0) if for_users else Zeros()
    bias = keras.initializers.Zeros() if for_users else Zeros()
    output = layers.Dense(
        architecture.n_outputs, kernel_initializer=kernel, bias_initializer=bias, dtype="float32", name="output"
    )
    return output(hidden_states(architecture, windows, for_users=for_users, **params))


def hidden_states(
    architecture: Architecture,
    windows: keras.KerasTensor,
    *,
    missing: Missing,
    dropout: float = 0.0,
    recurrent_dropout: float = 0.0,
    for_users: bool = False,
) -> keras.KerasTensor:
    """Return what the output layer sees of standardised windows, of which the network skips missing steps.

    Precision is pinned and every seed is given, since neither a global dtype policy nor Python's random
    state may change a result, or be changed. Weights start as zeros, to be set: random ones, which a model
    for users wants in case it is cloned, take a second to compile. Such a model is made of what Keras has only.
    """
    lstm = layers.LSTM if for_users else _lstm_layer()
    kernel = recurrent = embedding = bias = Zeros()
    if for_users:
        kernel, recurrent = keras.initializers.GlorotUniform(seed=0), keras.initializers.Orthogonal(seed=0)
        embedding, bias = keras.initializers.RandomUniform(seed=0), keras.initializers.Zeros()
    hidden, present = windows, None
    if missing != "none":
        hidden, present = _without_missing(windows)
    if architecture.n_tokens:
        embed = layers.Embedding(
            architecture.n_tokens, architecture.embedding_dim, embedding, dtype="float32", name="embedding"
        )
        hidden = embed(ops.cast(hidden[:, :, 0], "int32"))
    for depth, units in enumerate(architecture.units):
        layer = lstm(
            units,
            return_sequences=depth < len(architecture.units) - 1 or architecture.pooling != "last",
            dropout=dropout,
            recurrent_dropout=recurrent_dropout,
            kernel_initializer=kernel,
            recurrent_initializer=recurrent,
            bias_initializer=bias,
            unit_forget_bias=for_users,
            seed=0,
            dtype="float32",
            name=f"lstm_{depth}",
        )
        layer.gaps = missing == "anywhere"  # for the lean layer
        if architecture.bidirectional:  # which makes layers of its own, with gaps
            layer = layers.Bidirectional(layer, dtype="float32", name=f"bidirectional_{depth}")
        hidden = layer(hidden, mask=present)
    return _pooled(hidden, present, architecture.pooling)


@keras.saving.register_keras_serializable("sklstm")  # as Bidirectional wants it
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


def _without_missing(windows: keras.KerasTensor) -> tuple[keras.KerasTensor, keras.KerasTensor]:
    """Return windows with zeros for missing steps, and which steps are present."""
    present = ops.logical_not(ops.any(ops.isnan(windows), axis=-1))
    return ops.where(present[:, :, None], windows, 0.0), present


def _linear_outputs(windows: keras.KerasTensor, n_outputs: int) -> keras.KerasTensor:
    """Return a linear map of windows in which each missing step is filled with the last one present before it."""
    n_steps = windows.shape[1]
    values, present = _without_missing(windows)
    source = ops.where(present, ops.arange(n_steps), 0)
    for exponent in range(ceil(log2(n_steps))):  # the largest so far, by a parallel scan (Hillis & Steele 1986)
        shift = 2**exponent
        source = ops.maximum(source, ops.pad(source[:, :-shift], [(0, 0), (shift, 0)]))
    first = ops.argmax(ops.cast(present, "int32"), axis=1, keepdims=True)
    source = ops.maximum(source, ops.cast(first, "int32"))
    filled = ops.take_along_axis(values, source[:, :, None], axis=1)
    filled = layers.Flatten(dtype="float32")(filled)
    return layers.Dense(n_outputs, use_bias=False, dtype="float32", name="linear")(filled)


def _lstm_layer() -> type[layers.LSTM]:
    """Return the fastest layer that there is for the backend in use."""
    if keras.backend.backend() != "jax":
        return layers.LSTM
    from ._lean import LSTM

    return LSTM


def initial_weights(architecture: Architecture, rng: np.random.Generator, *, silent: bool = False) -> list[np.ndarray]:
    """Draw initial weights in the order of Keras' ``get_weights``.

    Embeddings are uniform, and kernels (Glorot & Bengio 2010), recurrent kernels orthogonal (Saxe et al. 2014), biases
    zero but for the forget gate's, which are one (Jozefowicz et al. 2015): Keras' own defaults, drawn with numpy so
    that they are the same on every backend and nothing is compiled to draw them. A `silent` network has an output
    layer of zeros, as suits one that starts beside a better model (Goyal et al. 2017, section 5.1).
    """
    weights = []
    n_inputs = architecture.n_features
    if architecture.n_tokens:
        n_inputs = architecture.embedding_dim
        weights.append(rng.uniform(-0.05, 0.05, size=(architecture.n_tokens, n_inputs)))
    directions = 2 if architecture.bidirectional else 1
    for units in architecture.units:
        for _ in range(directions):
            forget_bias = np.repeat([0.0, 1.0, 0.0, 0.0], units)
            weights += [_glorot_uniform(rng, n_inputs, 4 * units), _orthogonal(rng, units, 4 * units), forget_bias]
        n_inputs = directions * units
    kernel = _glorot_uniform(rng, n_inputs, architecture.n_outputs)
    weights += [kernel * (not silent), np.zeros(architecture.n_outputs)]
    return [w.astype(np.float32) for w in weights]


def _glorot_uniform(rng: np.random.Generator, n_in: int, n_out: int) -> np.ndarray:
    limit = sqrt(6 / (n_in + n_out))
    return rng.uniform(-limit, limit, size=(n_in, n_out))


def _orthogonal(rng: np.random.Generator, n_rows: int, n_columns: int) -> np.ndarray:
    """Draw a matrix with orthonormal rows, uniformly distributed; ``n_rows <= n_columns``."""
    q, r = np.linalg.qr(rng.standard_normal((n_columns, n_rows)))
    return (q * np.sign(np.diag(r))).T


_LOSSES = {
    "squared_error": keras.losses.MeanSquaredError,
    "absolute_error": keras.losses.MeanAbsoluteError,
    "huber": keras.losses.Huber,
}


def make_loss(name: str, *, probabilities: bool = False) -> keras.losses.Loss:
    """Return the loss of that name, averaged over the rows of a batch.

    Cross-entropy is that of outputs that are logits, or `probabilities`.
    """
    if name == "cross_entropy":
        return keras.losses.SparseCategoricalCrossentropy(
            from_logits=not probabilities, ignore_class=NO_CLASS, name=name, dtype="float32"
        )
    return _LOSSES[name](name=name, dtype="float32")


def make_optimizer(name: str, learning_rate: float, global_clipnorm: float | None) -> keras.optimizers.Optimizer:
    """Return the Keras optimizer of that name."""
    config = {"learning_rate": learning_rate, "global_clipnorm": global_clipnorm}
    return keras.optimizers.get({"class_name": name, "config": config})


def to_keras(
    architecture: Architecture,
    weights: list[np.ndarray],
    *,
    feature_mean: np.ndarray,
    feature_scale: np.ndarray,
    loss: str,
    optimizer: str,
    learning_rate: float,
    global_clipnorm: float | None,
    output_mean: np.ndarray | float = 0.0,
    output_scale: np.ndarray | float = 1.0,
    linear_coef: np.ndarray | None = None,
) -> keras.Model:
    """Return a compiled model from raw windows to outputs in the units of the target, or to probabilities of classes.

    It is made of Keras' own layers and operations alone, so that it loads where this package is not.
    """
    standardise = layers.Rescaling(1 / feature_scale, -feature_mean / feature_scale, dtype="float32")
    windows = architecture.inputs()
    standardised = standardise(windows)
    outputs = network_outputs(architecture, standardised, missing="anywhere", for_users=True)
    if loss == "cross_entropy":
        outputs = layers.Softmax(dtype="float32")(outputs)
    else:
        outputs = layers.Rescaling(output_scale, output_mean, dtype="float32")(outputs)
    model = keras.Model(windows, outputs)
    model.set_weights(weights)
    if linear_coef is not None and linear_coef.any():
        linear = _linear_outputs(standardised, architecture.n_outputs)
        model = keras.Model(windows, layers.Add(dtype="float32")([outputs, linear]))
        model.get_layer("linear").set_weights([linear_coef.reshape(-1, architecture.n_outputs)])
    model.compile(make_optimizer(optimizer, learning_rate, global_clipnorm), make_loss(loss, probabilities=True))
    return model
