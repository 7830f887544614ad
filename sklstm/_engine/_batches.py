"""Mini-batches of windows."""

from collections.abc import Iterator
from dataclasses import dataclass

import keras
import numpy as np

BLOCK = 2**16  # values of windows that are handed over at once: enough to hide the cost of a call
MAX_BATCHES_IN_BLOCK = 64
FEW_ROWS = 4  # in a batch of predictions on JAX on CPUs, where a loop for few rows is about as fast as one for many
MAX_PARTS = 32  # of a batch: each has a gradient of its own


def standardised(windows: np.ndarray, mean: np.ndarray, scale: np.ndarray) -> np.ndarray:
    """Return ``(windows - mean) / scale`` as float32, computed in the precision of the statistics.

    The cast comes last, so that a large offset does not cost the digits that matter.
    """
    return ((windows - mean) / scale).astype(np.float32)


def batches_in_block(n_values: int) -> int:
    """Return how many batches of so many values are handed over at once: a number of the shapes alone."""
    return min(max(BLOCK // n_values, 1), MAX_BATCHES_IN_BLOCK)


@dataclass(frozen=True)
class Rows:
    """Rows to learn or to validate from, as they were validated: views of the user's data."""

    X: np.ndarray  # (n_samples, n_steps, n_features), missing steps as NaN
    y: np.ndarray  # (n_samples, n_outputs), or (n_samples, n_steps, 1) if there is a target for each step
    sample_weight: np.ndarray  # (n_samples,)
    index: np.ndarray  # which of them to use, in order
    feature_mean: np.ndarray
    feature_scale: np.ndarray


class Batches(keras.utils.PyDataset):
    """Batches of one shape, gathered from the windows and standardised when they are asked for.

    The windows may be a strided view of a series that is smaller by their length; they are never copied as
    a whole. The last batch is filled up with rows of weight zero, so that one compiled step serves all.
    Weights are scaled such that the mean over the batches of an epoch, each a mean over its rows, is the
    weighted mean over all rows: each row counts by its weight, whichever batch it falls in.

    A batch may be taken in `n_parts` equal parts of `least_part` rows or more.
    """

    def __init__(self, rows: Rows, batch_size: int, least_part: int | None = None):
        super().__init__()
        self.rows = rows
        self._order = rows.index
        # A power of two bounds both the filling of a small data set's only batch and the number of shapes.
        self._size = min(batch_size, 1 << (len(rows.index) - 1).bit_length())
        most = min(self._size // least_part, MAX_PARTS) if least_part else 1
        self.n_parts = max((n for n in range(1, most + 1) if self._size % n == 0), default=1)
        n_filled = len(self) * self._size
        self._weight_scale = n_filled / rows.sample_weight[rows.index].sum()

    def shuffle(self, rng: np.random.Generator) -> None:
        """Permute the rows for the next epoch."""
        self._order = rng.permutation(self.rows.index)

    def __len__(self):
        return -(-len(self._order) // self._size)

    def __getitem__(self, i):
        return self._gather(i * self._size, (i + 1) * self._size)

    def part(self, i: int, number: int) -> tuple[np.ndarray, ...]:
        """Return one of the parts of a batch."""
        size = self._size // self.n_parts
        first = i * self._size + number * size
        return self._gather(first, first + size)

    def blocks(self) -> Iterator[tuple[tuple[np.ndarray, ...], int]]:
        """Yield the batches of an epoch in blocks of one shape, each with the number of batches in it.

        The first axis of a block's arrays is the batch. What lies behind the last batch has no meaning.
        """
        room = batches_in_block(self._size * self.rows.X[0].size)
        for first in range(0, len(self), room):
            n_batches = min(room, len(self) - first)
            arrays = self._gather(first * self._size, (first + n_batches) * self._size)
            block = tuple(np.empty((room, self._size, *array.shape[1:]), array.dtype) for array in arrays)
            for space, array in zip(block, arrays, strict=True):
                space[:n_batches] = array.reshape(n_batches, *space.shape[1:])
            yield block, n_batches

    def _gather(self, first: int, stop: int) -> tuple[np.ndarray, ...]:
        """Return standardised windows, targets and weights of some rows in order, filled up behind the last one."""
        rows, wanted = self.rows, self._order[first:stop]
        filled = np.resize(wanted if len(wanted) else self._order, stop - first)
        weight = (rows.sample_weight[filled] * self._weight_scale).astype(np.float32)
        weight[len(wanted) :] = 0
        x = standardised(rows.X[filled], rows.feature_mean, rows.feature_scale)
        y = rows.y[filled].astype(np.float32)
        if y.ndim == 3:
            weight = np.repeat(weight[:, np.newaxis], y.shape[1], axis=1)
        return x, y, weight
