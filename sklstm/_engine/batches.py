"""Mini-batches of rows, and blocks of batches."""

from collections.abc import Iterator

import keras
import numpy as np

from .._specs import IGNORED_CLASS, Sample, Scale
from .._windows.arrays import standardise
from .._windows.ragged import Ragged

BLOCK = 2**16  # values of inputs in a block: enough to hide the cost of a call
MAX_BATCHES_IN_BLOCK = 64
FEW_ROWS = 4  # in a batch of predictions on JAX on CPUs, where a loop for few rows is about as fast as one for many
MAX_MICRO_BATCHES = 32  # in a batch: each has a gradient of its own


def batches_in_block(n_values: int) -> int:
    """Return how many batches of so many values are handed over at once: a number of the shapes alone."""
    return min(max(BLOCK // n_values, 1), MAX_BATCHES_IN_BLOCK)


class Batches(keras.utils.PyDataset):
    """Batches of one shape, gathered from the inputs and standardised when they are asked for.

    Windows may be a strided view of a series that is smaller by their length; they are never copied as
    a whole. The last batch is padded with rows of weight zero, so that one compiled step serves all.
    Weights are scaled such that the mean over the batches of an epoch, each a mean over its rows, is the
    weighted mean over all rows: each row counts by its weight, whichever batch it falls in. If there is a target for
    each step, each of them counts by the weight of its row.

    A batch may be taken in equal micro-batches of `min_micro_batch` rows or more.
    """

    def __init__(self, sample: Sample, scales: dict[str, Scale], batch_size: int, min_micro_batch: int | None = None):
        super().__init__()
        self._sample = sample
        self._scales = scales
        self._order = sample.rows
        # A power of two bounds both the padding of a small data set's only batch and the number of shapes.
        self._size = min(batch_size, 1 << (len(sample.rows) - 1).bit_length())
        most = min(self._size // min_micro_batch, MAX_MICRO_BATCHES) if min_micro_batch else 1
        self._n_micro_batches = max((n for n in range(1, most + 1) if self._size % n == 0), default=1)
        self.scale_weights(len(self), self.total_weight)

    @property
    def total_weight(self) -> float:
        """Return the sum of the weights of all rows, or of all steps that have a target."""
        sample = self._sample
        weight = sample.sample_weight[sample.rows]
        return float(np.sum(weight * _n_targets(sample) if sample.y.ndim == 3 else weight))

    def scale_weights(self, n_batches: int, total_weight: float) -> None:
        """Scale weights for an epoch of so many batches, of which these are some."""
        n_targets = self._sample.y.shape[1] if self._sample.y.ndim == 3 else 1
        self._weight_scale = n_batches * self._size * n_targets / total_weight

    def shuffle(self, rng: np.random.Generator) -> None:
        """Permute the rows for the next epoch."""
        self._order = rng.permutation(self._sample.rows)

    def __len__(self):
        return -(-len(self._order) // self._size)

    def __getitem__(self, i):
        return self._gather(i * self._size, (i + 1) * self._size)

    def n_micro_batches(self, i: int) -> int:
        """Return how many micro-batches a batch has."""
        return self._n_micro_batches

    def micro_batch(self, i: int, number: int) -> tuple:
        """Return one of the micro-batches of a batch."""
        size = self._size // self._n_micro_batches
        first = i * self._size + number * size
        return self._gather(first, first + size)

    def blocks(self, *, one_by_one: bool = False) -> Iterator[tuple[tuple, int]]:
        """Yield the batches of an epoch in blocks of one shape, each with the number of batches in it.

        If they are wanted `one_by_one`, this number is one. The first axis of a block's arrays is the batch. What lies
        behind the last batch has no meaning.
        """
        n_values = sum(values[0].size for values in self._sample.inputs.values())
        block_length = 1 if one_by_one else batches_in_block(self._size * n_values)
        for first in range(0, len(self), block_length):
            n_batches = min(block_length, len(self) - first)
            inputs, y, weight = self._gather(first * self._size, (first + n_batches) * self._size)
            inputs = {name: self._as_block(values, block_length) for name, values in inputs.items()}
            yield (inputs, self._as_block(y, block_length), self._as_block(weight, block_length)), n_batches

    def _as_block(self, array: np.ndarray, block_length: int) -> np.ndarray:
        """Return rows as batches along a new first axis, which may be longer than they reach."""
        block = np.empty((block_length, self._size, *array.shape[1:]), array.dtype)
        block[: len(array) // self._size] = array.reshape(-1, *block.shape[1:])
        return block

    def _gather(self, first: int, stop: int) -> tuple[dict[str, np.ndarray], np.ndarray, np.ndarray]:
        """Return standardised inputs, targets and weights of some rows in order, padded behind the last one."""
        sample, present = self._sample, self._order[first:stop]
        # Padded by other rows and not by copies of one, of which a batch normalization would see no variance.
        rows = np.take(self._order, np.arange(first, stop), mode="wrap")
        weight = (sample.sample_weight[rows] * self._weight_scale).astype(np.float32)
        weight[len(present) :] = 0
        inputs = {name: standardise(values[rows], self._scales[name]) for name, values in sample.inputs.items()}
        y = sample.y[rows]
        if y.ndim == 3:
            has_target = y[:, :, 0] != IGNORED_CLASS
            y = np.where(has_target[:, :, np.newaxis], y, 0)  # any class, of weight zero
            weight = weight[:, np.newaxis] * has_target
            if sample.class_weight is not None:
                weight *= sample.class_weight[y[:, :, 0]].astype(np.float32)
        return inputs, y.astype(np.float32), weight


def _n_targets(sample: Sample) -> np.ndarray:
    """Return how many steps of each row have a target."""
    if isinstance(sample.y, Ragged):
        return sample.y.lengths[sample.rows]
    return np.sum(sample.y[sample.rows] != IGNORED_CLASS, axis=(1, 2))
