"""Recurrent cells by their equations, in float64, with weights as Keras keeps them.

A row is computed alike whatever rows it comes with, up to the rounding of float64, and after `Cell.by_row` to the last
digit. Nothing is compiled.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import islice
from typing import Any, ClassVar, Self

import numpy as np

from .row_products import Matrix

State = tuple[np.ndarray, ...]  # each (n_rows, units): the hidden state and, of an LSTM cell, the cell state


@dataclass(frozen=True)
class Cell(ABC):
    """The weights of a layer in one direction."""

    kernel: Any  # an array, or a Matrix
    recurrent_kernel: Any
    bias: np.ndarray

    n_states: ClassVar[int]  # in a state

    @classmethod
    def take(cls, weights: Iterator[np.ndarray]) -> Self:
        """Return a cell with the next three arrays."""
        return cls(*(array.astype(np.float64) for array in islice(weights, 3)))

    def by_row(self) -> Self:
        """Return the cell with products that do not depend on the number of rows, which are slower for many rows."""
        return replace(self, kernel=Matrix(self.kernel), recurrent_kernel=Matrix(self.recurrent_kernel))

    @property
    def units(self) -> int:
        """Return the number of units."""
        return self.recurrent_kernel.shape[0]

    def initial_state(self, n_rows: int) -> State:
        """Return the state before the first step: zeros."""
        return tuple(np.zeros((n_rows, self.units)) for _ in range(self.n_states))

    @abstractmethod
    def project(self, inputs: np.ndarray) -> np.ndarray:
        """Return what inputs (…, n_inputs) of any number of steps add to the gates."""

    @abstractmethod
    def step(self, projected: np.ndarray, state: State) -> State:
        """Return the state after a step, of which the projected inputs are (n_rows, n_gates * units)."""


class LSTMCell(Cell):
    """The cell of Hochreiter & Schmidhuber (1997) with the forget gate of Gers, Schmidhuber & Cummins (2000)."""

    n_states = 2  # hidden state and cell state

    def project(self, inputs):
        """Return the products with the kernel, and the bias."""
        return inputs @ self.kernel + self.bias

    def step(self, projected, state):
        """Return hidden state and cell state."""
        *_, c, h = self.gates(projected, state)
        return h, c

    def gates(self, projected: np.ndarray, state: State) -> tuple[np.ndarray, ...]:
        """Return input gate, forget gate, output gate, candidate, cell state and hidden state of a step."""
        h, c = state
        i, f, g, o = parts(projected + h @ self.recurrent_kernel, 4)
        i, f, g, o = sigmoid(i), sigmoid(f), np.tanh(g), sigmoid(o)
        c = f * c + i * g
        return i, f, o, g, c, o * np.tanh(c)


class GRUCell(Cell):
    """The gated recurrent unit of Cho et al. (2014), with the reset gate behind the product, as Keras has it."""

    n_states = 1  # the hidden state

    def project(self, inputs):
        """Return the products with the kernel, and its bias."""
        return inputs @ self.kernel + self.bias[0]

    def step(self, projected, state):
        """Return the hidden state."""
        (h,) = state
        update, reset, candidate = parts(projected, 3)
        recurrent = parts(h @ self.recurrent_kernel + self.bias[1], 3)
        z, r = sigmoid(update + recurrent[0]), sigmoid(reset + recurrent[1])
        return (z * h + (1 - z) * np.tanh(candidate + r * recurrent[2]),)


def sigmoid(sums: np.ndarray) -> np.ndarray:
    """Return the logistic function by the hyperbolic tangent, which numpy computes several times faster."""
    return 0.5 * np.tanh(0.5 * sums) + 0.5


def parts(columns: np.ndarray, n_parts: int) -> np.ndarray:
    """Return columns (n_rows, n_parts * units) as (n_parts, n_rows, units), of which each has those of a gate."""
    return columns.reshape(len(columns), n_parts, -1).swapaxes(0, 1)


CELLS: dict[str, type[Cell]] = {"lstm": LSTMCell, "gru": GRUCell}


def read_sequences(
    cell: Cell, inputs: np.ndarray, present: np.ndarray, *, backward: bool = False
) -> tuple[np.ndarray, State]:
    """Return the hidden states after all steps (n_rows, n_steps, units), and the state after the last one read.

    Steps that are not `present` (n_rows, n_steps) change no state.
    """
    n_rows, n_steps, _ = inputs.shape
    projected = cell.project(inputs)
    state = cell.initial_state(n_rows)
    hidden = np.empty((n_rows, n_steps, cell.units))
    for t in reversed(range(n_steps)) if backward else range(n_steps):
        after = cell.step(projected[:, t], state)
        state = tuple(np.where(present[:, [t]], new, old) for new, old in zip(after, state, strict=True))
        hidden[:, t] = state[0]
    return hidden, state
