"""The output layer: a linear layer behind every network, and so the last two arrays of its weights."""

import keras
import numpy as np
from keras import layers

from ..._windows.arrays import products_by_row
from .cells import glorot_uniform


def output_layer(n_outputs: int, kernel: keras.Initializer, bias: keras.Initializer, prefix: str = "") -> layers.Dense:
    """Return the layer for a Keras model."""
    initializers = {"kernel_initializer": kernel, "bias_initializer": bias}
    return layers.Dense(n_outputs, **initializers, dtype="float32", name=f"{prefix}output")


def initial_output_weights(rng: np.random.Generator, n_inputs: int, n_outputs: int, *, zeros: bool) -> list[np.ndarray]:
    """Draw the layer's kernel and bias, or make them zeros."""
    kernel = glorot_uniform(rng, n_inputs, n_outputs)
    return [kernel * (not zeros), np.zeros(n_outputs)]


def without_output(weights: list[np.ndarray]) -> list[np.ndarray]:
    """Return the weights of all other layers."""
    return weights[:-2]


def apply_output(weights: list[np.ndarray], hidden: np.ndarray) -> np.ndarray:
    """Return outputs as float64, each row by itself, from what the layer sees."""
    kernel, bias = weights[-2:]
    return products_by_row(hidden.astype(np.float64), kernel) + bias
