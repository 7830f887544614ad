"""A network that reads one token after another, and tells after each of them which one may follow."""

from dataclasses import dataclass
from typing import Self

import numpy as np

from .cells import CELLS, Cell, State
from .row_products import Matrix


@dataclass(frozen=True)
class LanguageModel:
    """The weights of an embedding, recurrent layers and an output layer.

    A row has the same logits whatever rows it comes with, to the last digit.
    """

    embedding: np.ndarray  # (n_tokens, embedding_dim)
    cells: list[Cell]
    kernel: Matrix
    bias: np.ndarray

    @classmethod
    def from_weights(cls, cell: str, n_layers: int, weights: list[np.ndarray]) -> Self:
        """Return the network of weights in the order of Keras."""
        embedding, *recurrent, kernel, bias = weights
        arrays = iter(recurrent)
        cells = [CELLS[cell].take(arrays).by_row() for _ in range(n_layers)]
        return cls(embedding, cells, Matrix(kernel), bias.astype(np.float64))

    def initial_states(self, n_rows: int) -> list[State]:
        """Return the states of all layers before the first token."""
        return [cell.initial_state(n_rows) for cell in self.cells]

    def step(self, tokens: np.ndarray, states: list[State]) -> list[State]:
        """Return the states of all layers after another token of each row, (n_rows,)."""
        inputs, after = self.embedding[tokens], []
        for cell, state in zip(self.cells, states, strict=True):
            after.append(cell.step(cell.project(inputs), state))
            inputs = after[-1][0]
        return after

    def logits(self, states: list[State]) -> np.ndarray:
        """Return the logits of the token that follows, (n_rows, n_tokens)."""
        hidden = states[-1][0]
        return hidden @ self.kernel + self.bias
