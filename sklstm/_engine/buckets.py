"""Batches of sequences of about the same length, so that there is little padding."""

from collections.abc import Iterator
from typing import Any

import keras
import numpy as np

from .._specs import Sample, Scale
from .._windows.ragged import Ragged, padded_length
from .batches import Batches


def make_batches(
    sample: Sample, scales: dict[str, Scale], batch_size: int, min_micro_batch: int | None = None
) -> "Batches | BucketedBatches":
    """Return batches of one shape or, of sequences that differ in length, of several."""
    kind = BucketedBatches if isinstance(sample.windows, Ragged) else Batches
    return kind(sample, scales, batch_size, min_micro_batch)


def buckets(sample: Sample, min_rows: int) -> list[Sample]:
    """Return samples of rows of about the same length, each padded to the longest of them.

    The length of a row is that of its longest sequence, be it an input or the target. Of fewer rows than `min_rows`
    there is no bucket: they are padded to the length of the next longer ones.
    """
    all_sequences: list[Any] = [*sample.inputs.values(), sample.y]
    ragged = [sequences for sequences in all_sequences if isinstance(sequences, Ragged)]
    longest = padded_length(np.max([sequences.lengths[sample.rows] for sequences in ragged], axis=0))
    found, waiting = [], np.empty(0, sample.rows.dtype)
    for length in np.unique(longest):
        waiting = np.concatenate([waiting, sample.rows[longest == length]])
        if len(waiting) >= min_rows or length == longest.max():
            found.append(waiting)
            waiting = waiting[:0]
    return [_padded(sample._replace(rows=rows)) for rows in found]


def _padded(sample: Sample) -> Sample:
    """Return a sample of which all sequences are padded to a length that the longest ones of its rows need."""

    def fitting(sequences):
        if not isinstance(sequences, Ragged):
            return sequences
        return sequences.with_steps(int(padded_length(sequences.lengths[sample.rows].max())))

    inputs = {name: fitting(sequences) for name, sequences in sample.inputs.items()}
    return sample._replace(inputs=inputs, y=fitting(sample.y))


class BucketedBatches(keras.utils.PyDataset):
    """The batches of all buckets, in an order that is drawn anew for each epoch."""

    def __init__(self, sample: Sample, scales: dict[str, Scale], batch_size: int, min_micro_batch: int | None = None):
        super().__init__()
        samples = buckets(sample, batch_size)
        self._buckets = [Batches(bucket, scales, batch_size, min_micro_batch) for bucket in samples]
        self._order = [(bucket, i) for bucket in self._buckets for i in range(len(bucket))]
        total = sum(bucket.total_weight for bucket in self._buckets)
        for bucket in self._buckets:
            bucket.scale_weights(len(self), total)

    def shuffle(self, rng: np.random.Generator) -> None:
        """Permute the rows of each bucket, and all batches, for the next epoch."""
        for bucket in self._buckets:
            bucket.shuffle(rng)
        self._order = [self._order[place] for place in rng.permutation(len(self))]

    def __len__(self):
        return len(self._order)

    def __getitem__(self, i):
        bucket, number = self._order[i]
        return bucket[number]

    def n_micro_batches(self, i: int) -> int:
        """Return how many micro-batches a batch has."""
        bucket, number = self._order[i]
        return bucket.n_micro_batches(number)

    def micro_batch(self, i: int, number: int) -> tuple:
        """Return one of the micro-batches of a batch."""
        bucket, number_in_bucket = self._order[i]
        return bucket.micro_batch(number_in_bucket, number)

    def blocks(self, *, one_by_one: bool) -> Iterator[tuple[tuple, int]]:
        """Yield each batch as a block of its own."""
        for i in range(len(self)):
            inputs, y, weight = self[i]
            yield ({name: values[np.newaxis] for name, values in inputs.items()}, y[None], weight[None]), 1
