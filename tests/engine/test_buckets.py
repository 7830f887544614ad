import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose

from sklstm import LSTMTranslator
from sklstm._engine.buckets import BucketedBatches, make_batches
from sklstm._specs import IGNORED_CLASS, PREVIOUS, WINDOWS, Sample, Scale
from sklstm._windows.ragged import Ragged, padded_length

UNIT = Scale(np.zeros(1), np.ones(1))
SCALES = {WINDOWS: UNIT, PREVIOUS: UNIT}


def make_sample(read, written):
    """Return a sample of so many tokens on both sides, which are numbered by their row."""
    numbers = (
        [np.full((n, 1), row + 1) for row, n in enumerate(read)],
        [np.full((n, 1), row + 1) for row, n in enumerate(written)],
    )
    return Sample(
        inputs={
            WINDOWS: Ragged.of(numbers[0], np.float32, np.nan),
            PREVIOUS: Ragged.of(numbers[1], np.float32, np.nan),
        },
        y=Ragged.of(numbers[1], np.int32, IGNORED_CLASS),
        sample_weight=np.arange(1.0, len(read) + 1),
        rows=np.arange(len(read)),
    )


lengths = st.lists(st.tuples(st.integers(1, 40), st.integers(1, 40)), min_size=1, max_size=40)


@given(lengths, st.integers(1, 8), st.booleans())
def test_an_epoch_holds_every_step_once_by_its_weight(pairs, batch_size, shuffled):
    read, written = zip(*pairs, strict=True)
    batches = make_batches(make_sample(read, written), SCALES, batch_size)
    if shuffled:
        batches.shuffle(np.random.default_rng(0))
    loss, seen = 0.0, []
    for i in range(len(batches)):
        inputs, y, weight = batches[i]
        assert len(y) <= batch_size
        assert weight.shape == y.shape[:2] == inputs[PREVIOUS].shape[:2]
        counted = weight > 0
        seen += y[:, :, 0][counted].tolist()
        loss += np.mean(weight * y[:, :, 0]) / len(batches)  # as if each step's loss were the number of its row
    rows = np.repeat(np.arange(1, len(read) + 1), written)
    assert sorted(seen) == rows.tolist()
    assert_allclose(loss, np.average(rows, weights=rows), rtol=1e-4)


def test_rows_of_like_length_share_a_batch():
    rng = np.random.default_rng(0)
    lengths = rng.integers(1, 200, size=2000)
    batches = BucketedBatches(make_sample(lengths, lengths), SCALES, 32)
    batches.shuffle(rng)
    shapes = [batches[i][1].shape for i in range(len(batches))]
    assert sum(n * n_steps for n, n_steps, _ in shapes) < 1.3 * lengths.sum()
    assert len(set(shapes)) <= 2 * len(np.unique(padded_length(lengths)))


def test_a_single_long_row_does_not_pad_the_others():
    batches = BucketedBatches(make_sample([5] * 64 + [5000], [5] * 65), SCALES, 32)
    shapes = sorted({batches[i][0][WINDOWS].shape for i in range(len(batches))})
    assert shapes == [(1, int(padded_length(5000)), 1), (32, 8, 1)]


def test_few_rows_are_one_batch_whatever_their_lengths():
    batches = BucketedBatches(make_sample([3, 20, 9, 30], [1, 2, 3, 4]), SCALES, 32)
    assert len(batches) == 1
    assert batches[0][0][WINDOWS].shape == (4, 32, 1)
    assert batches[0][0][PREVIOUS].shape == (4, 8, 1)


@pytest.mark.parametrize("min_micro_batch", [None, 8])
def test_micro_batches_are_parts_of_a_batch(min_micro_batch):
    batches = BucketedBatches(make_sample([5] * 40 + [100] * 3, [5] * 43), SCALES, 32, min_micro_batch)
    for i in range(len(batches)):
        parts = [batches.micro_batch(i, number)[1] for number in range(batches.n_micro_batches(i))]
        assert len(parts) == 1 or min_micro_batch
        np.testing.assert_array_equal(np.concatenate(parts), batches[i][1])


@pytest.mark.backend(thorough=True)
def test_the_loss_of_an_epoch_does_not_depend_on_the_size_of_batches():
    X, y = ["a b"] * 16 + ["abababab " * 5] * 2, ["x"] * 16 + ["xyxyxyxyxy"] * 2
    losses = [
        LSTMTranslator(4, learning_rate=1e-9, epochs=1, batch_size=size, random_state=0).fit(X, y).history_["loss"]
        for size in (32, 16)
    ]
    assert_allclose(*losses, rtol=1e-5)
