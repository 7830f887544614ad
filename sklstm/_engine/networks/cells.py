"""Recurrent cells: everything that differs from one to the next."""

from collections.abc import Callable
from dataclasses import dataclass
from math import sqrt

import keras
import numpy as np
from keras import layers


@dataclass(frozen=True)
class Cell:
    """A recurrent cell."""

    layer: Callable[..., layers.Layer]  # from whether it is exported, the number of units, and parameters of Keras
    initial_weights: Callable[[np.random.Generator, int, int], list[np.ndarray]]  # from the numbers of inputs and units


def _lstm(exported: bool, units: int, **params) -> layers.LSTM:
    """Return Keras' own layer for export, and otherwise the fastest one that there is for the backend in use."""
    if exported or keras.backend.backend() != "jax":
        return layers.LSTM(units, unit_forget_bias=exported, **params)
    from .fused_lstm import LSTM

    return LSTM(units, unit_forget_bias=False, **params)


def _lstm_weights(rng: np.random.Generator, n_inputs: int, units: int) -> list[np.ndarray]:
    """Draw kernel, recurrent kernel and bias; the bias of the forget gate is one (Jozefowicz et al. 2015)."""
    forget_bias = np.repeat([0.0, 1.0, 0.0, 0.0], units)
    return [glorot_uniform(rng, n_inputs, 4 * units), _orthogonal(rng, units, 4 * units), forget_bias]


def _gru(exported: bool, units: int, **params) -> layers.GRU:
    return layers.GRU(units, **params)


def _gru_weights(rng: np.random.Generator, n_inputs: int, units: int) -> list[np.ndarray]:
    """Draw kernel, recurrent kernel and both biases, of the update gate, the reset gate and the candidate."""
    return [glorot_uniform(rng, n_inputs, 3 * units), _orthogonal(rng, units, 3 * units), np.zeros((2, 3 * units))]


def glorot_uniform(rng: np.random.Generator, n_in: int, n_out: int) -> np.ndarray:
    """Draw a kernel (Glorot & Bengio 2010)."""
    limit = sqrt(6 / (n_in + n_out))
    return rng.uniform(-limit, limit, size=(n_in, n_out))


def _orthogonal(rng: np.random.Generator, n_rows: int, n_columns: int) -> np.ndarray:
    """Draw a matrix with orthonormal rows, uniformly distributed (Saxe et al. 2014); ``n_rows <= n_columns``."""
    q, r = np.linalg.qr(rng.standard_normal((n_columns, n_rows)))
    return (q * np.sign(np.diag(r))).T


CELLS = {
    "lstm": Cell(_lstm, _lstm_weights),
    "gru": Cell(_gru, _gru_weights),  # Cho et al. (2014), Learning phrase representations using RNN encoder-decoder
}
