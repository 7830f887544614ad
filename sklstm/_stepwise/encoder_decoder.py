"""An encoder and its decoder: the encoder reads once, and the decoder writes a token a step, for all rows at once."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from scipy.special import softmax

from .._specs import NetworkSpec
from .cells import CELLS, Cell, State, read_sequences


class Encoded(NamedTuple):
    """What the decoder reads at each step, besides its own state; nothing without attention."""

    keys: np.ndarray | None  # (n_rows, n_steps, units)
    values: np.ndarray | None  # (n_rows, n_steps, units of the encoder in both directions)
    present: np.ndarray  # (n_rows, n_steps)

    def take(self, rows: np.ndarray) -> "Encoded":
        """Return that of some rows."""
        if self.keys is None or self.values is None:
            return Encoded(None, None, self.present[rows])
        return Encoded(self.keys[rows], self.values[rows], self.present[rows])


DecoderState = list[State]  # by layer, each array of shape (n_rows, n_beams, units)


@dataclass(frozen=True)
class Dense:
    """A dense layer."""

    kernel: np.ndarray
    bias: np.ndarray

    @classmethod
    def take(cls, weights: Iterator[np.ndarray]) -> "Dense":
        """Return a layer with the next two arrays."""
        return cls(next(weights).astype(np.float64), next(weights).astype(np.float64))

    def __call__(self, inputs: np.ndarray) -> np.ndarray:
        """Return the outputs."""
        return inputs @ self.kernel + self.bias


class EncoderDecoder:
    """The network that the engine trains as the builder of that name, with its weights in the same order."""

    def __init__(self, spec: NetworkSpec, weights: list[np.ndarray]):
        arrays = iter(weights)
        cell = CELLS[spec.cell]
        self._embedding = next(arrays)
        directions = range(1 + spec.bidirectional)
        self._encoder: list[list[Cell]] = [[cell.take(arrays) for _ in directions] for _ in spec.units]
        self._keys = next(arrays).astype(np.float64) if spec.attention else None
        self._bridges = [[Dense.take(arrays) for _ in range(cell.n_states)] for _ in spec.units]
        embedding = next(arrays)
        self._decoder: list[Cell] = [cell.take(arrays) for _ in spec.units]
        self._projected_tokens = self._decoder[0].project(embedding)
        self._attention = Dense.take(arrays) if spec.attention else None
        self._output = Dense.take(arrays)

    def encode(self, tokens: np.ndarray, present: np.ndarray) -> tuple[Encoded, DecoderState]:
        """Read token numbers (n_rows, n_steps) where they are present; return what the decoder starts from."""
        hidden, states = self._embedding[tokens], []
        for cells, bridges in zip(self._encoder, self._bridges, strict=True):
            read = [read_sequences(cell, hidden, present, backward=bool(i)) for i, cell in enumerate(cells)]
            hidden = np.concatenate([sequence for sequence, _ in read], axis=2)
            last = [np.concatenate(parts, axis=1) for parts in zip(*(state for _, state in read), strict=True)]
            states.append(tuple(np.tanh(dense(part))[:, np.newaxis] for dense, part in zip(bridges, last, strict=True)))
        if self._keys is None:
            return Encoded(None, None, present), states
        return Encoded(hidden @ self._keys, hidden, present), states

    def step(
        self, tokens: np.ndarray, states: DecoderState, encoded: Encoded
    ) -> tuple[np.ndarray, DecoderState, np.ndarray | None]:
        """Return the logits of the next token, the states and the attention weights after a step.

        Parameters
        ----------
        tokens : ndarray of shape (n_rows, n_beams)
            The last token written.
        states : DecoderState
            The states before.
        encoded : Encoded
            What the encoder has read.

        Returns
        -------
        logits : ndarray of shape (n_rows, n_beams, n_outputs)
            The outputs.
        states : DecoderState
            The states after the step.
        attention : ndarray of shape (n_rows, n_beams, n_steps) or None
            The weights of the steps of the encoder, whose sum is one.
        """
        projected = self._projected_tokens[tokens]
        after: DecoderState = []
        for depth, (cell, state) in enumerate(zip(self._decoder, states, strict=True)):
            if depth:
                projected = cell.project(after[-1][0])
            after.append(_step_of_beams(cell, projected, state))
        hidden = after[-1][0]
        if self._attention is None or encoded.keys is None or encoded.values is None:
            return self._output(hidden), after, None
        scores = np.where(encoded.present[:, np.newaxis], hidden @ encoded.keys.transpose(0, 2, 1), -np.inf)
        weights = softmax(scores, axis=2)
        attentional = np.tanh(self._attention(np.concatenate([weights @ encoded.values, hidden], axis=2)))
        return self._output(attentional), after, weights

    def attention(self, read: np.ndarray, written: np.ndarray) -> np.ndarray:
        """Return the attention weights (n_written, n_read) of each step of the decoder for one row."""
        encoded, states = self.encode(read[np.newaxis], np.ones((1, len(read)), bool))
        found = np.empty((len(written), len(read)))
        for place, token in enumerate(written):
            _, states, weights = self.step(np.full((1, 1), token), states, encoded)
            found[place] = weights
        return found


def _step_of_beams(cell: Cell, projected: np.ndarray, state: State) -> State:
    """Take a step of a cell for all beams of all rows."""
    n_rows, n_beams, _ = projected.shape
    flat = tuple(array.reshape(n_rows * n_beams, -1) for array in state)
    after = cell.step(projected.reshape(n_rows * n_beams, -1), flat)
    return tuple(array.reshape(n_rows, n_beams, -1) for array in after)
