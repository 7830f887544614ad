"""Sequences of different lengths, which are padded when they are asked for."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

SHORTEST = 8  # steps that a batch is padded to at least


@dataclass(frozen=True)
class Ragged:
    """Sequences read like an array of shape ``(n_rows, n_steps, …)``, padded behind.

    Indexing by rows gives an array of those rows. Memory is that of the steps that there are, whatever the length of
    the longest sequence.
    """

    values: np.ndarray  # (n_steps of all sequences, …), one sequence after the other
    starts: np.ndarray  # (n_rows,)
    lengths: np.ndarray  # (n_rows,)
    n_steps: int  # of each row that is asked for
    fill: float  # what rows are padded with

    @classmethod
    def of(cls, sequences: Sequence[Any], dtype: type, fill: float) -> "Ragged":
        """Return sequences, at least one, with as many steps as the longest has."""
        lengths = np.array([len(sequence) for sequence in sequences])
        values = np.concatenate([np.asarray(sequence, dtype) for sequence in sequences])
        return cls(values, np.cumsum(lengths) - lengths, lengths, int(lengths.max()), fill)

    @property
    def shape(self) -> tuple[int, ...]:
        """Return the number of rows, of steps and, if there are any, of features."""
        return len(self.lengths), self.n_steps, *self.values.shape[1:]

    @property
    def ndim(self) -> int:
        """Return the number of dimensions."""
        return 1 + self.values.ndim

    @property
    def dtype(self) -> np.dtype:
        """Return the type of the values."""
        return self.values.dtype

    def __len__(self):
        return len(self.lengths)

    def __getitem__(self, rows) -> np.ndarray:
        steps = np.arange(self.n_steps)
        present = steps < self.lengths[rows, np.newaxis]
        padded = np.full((*present.shape, *self.values.shape[1:]), self.fill, self.dtype)
        padded[present] = self.values[(self.starts[rows, np.newaxis] + steps)[present]]
        return padded

    def codes(self, rows: np.ndarray) -> np.ndarray:
        """Return a number for each of some rows, the same for equal sequences."""
        steps = (slice(start, start + n) for start, n in zip(self.starts[rows], self.lengths[rows], strict=True))
        return np.unique([self.values[some].tobytes() for some in steps], return_inverse=True)[1]

    def with_steps(self, n_steps: int) -> "Ragged":
        """Return the same sequences, of which those that are asked for have so many steps."""
        return replace(self, n_steps=n_steps)


def padded_length(length: np.ndarray | int) -> np.ndarray:
    """Return the number of steps that sequences are padded to: 8, 12, 16, 24, 32, 48 and so on.

    It depends on the sequence alone, so a prediction does not depend on the sequences that it comes with.
    """
    length = np.maximum(length, SHORTEST)
    octave = 2 ** np.floor(np.log2(length)).astype(int)
    return np.where(length == octave, octave, np.where(2 * length <= 3 * octave, octave * 3 // 2, octave * 2))
