"""A recurrent network that reads one step after another, and has outputs after each of them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np

from .cells import CELLS, Cell, State
from .row_products import Matrix


@dataclass(frozen=True)
class RecurrentNetwork:
    """The weights of an embedding of tokens, if it reads any, of recurrent layers and of an output layer.

    A row has the same outputs whatever rows it comes with, to the last digit.
    """

    embedding: np.ndarray | None  # (n_tokens, embedding_dim)
    cells: list[Cell]
    kernel: Matrix
    bias: np.ndarray

    @classmethod
    def from_weights(cls, cell: str, n_layers: int, weights: Sequence[np.ndarray], *, reads_tokens: bool) -> Self:
        """Return the network of weights in the order of Keras."""
        *hidden, kernel, bias = weights
        embedding = hidden[0] if reads_tokens else None
        arrays = iter(hidden[1:] if reads_tokens else hidden)
        cells = [CELLS[cell].take(arrays).by_row() for _ in range(n_layers)]
        return cls(embedding, cells, Matrix(kernel), bias.astype(np.float64))

    def initial_states(self, n_rows: int) -> list[State]:
        """Return the states of all layers before the first step."""
        return [cell.initial_state(n_rows) for cell in self.cells]

    def step(self, inputs: np.ndarray, states: list[State]) -> list[State]:
        """Return the states of all layers after another step: tokens (n_rows,), or features (n_rows, n_features)."""
        if self.embedding is not None:
            inputs = self.embedding[inputs]
        after = []
        for cell, state in zip(self.cells, states, strict=True):
            after.append(cell.step(cell.project(inputs), state))
            inputs = after[-1][0]
        return after

    def outputs(self, states: list[State]) -> np.ndarray:
        """Return the outputs after a step, (n_rows, n_outputs)."""
        hidden = states[-1][0]
        return hidden @ self.kernel + self.bias
