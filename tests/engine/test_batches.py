import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal

from sklstm._engine.batches import BLOCK, MAX_BATCHES_IN_BLOCK, Batches, batches_in_block, standardise
from sklstm._specs import WINDOWS, Sample, Scale

NAN = np.nan
SCALES = {WINDOWS: Scale(np.zeros(2), np.ones(2))}


def make_sample(n_samples, rows=None):
    return Sample(
        inputs={WINDOWS: np.arange(n_samples * 6.0).reshape(n_samples, 3, 2)},
        y=np.arange(float(n_samples)).reshape(-1, 1),
        sample_weight=np.arange(1.0, n_samples + 1),
        rows=np.arange(n_samples) if rows is None else np.asarray(rows),
    )


def arrays_of(batch):
    """Return the windows, targets and weights of a batch."""
    inputs, y, weight = batch
    return inputs[WINDOWS], y, weight


@given(st.integers(1, 70), st.integers(1, 40), st.booleans())
def test_an_epoch_holds_every_row_once_in_batches_of_one_shape(n_samples, batch_size, shuffled):
    batches = Batches(make_sample(n_samples), SCALES, batch_size)
    if shuffled:
        batches.shuffle(np.random.default_rng(0))
    epoch = [arrays_of(batches[i]) for i in range(len(batches))]
    assert len({x.shape for x, _, _ in epoch}) == 1
    assert len(epoch[0][0]) <= batch_size
    y = np.concatenate([y[:, 0] for _, y, _ in epoch])
    weight = np.concatenate([weight for _, _, weight in epoch])
    counted = weight > 0
    assert_array_equal(np.sort(y[counted]), np.arange(n_samples))
    # The mean over batches of weighted means is the weighted mean over rows.
    expected = (y[counted] + 1) / np.sum(y[counted] + 1)
    assert_allclose(weight[counted] / len(weight), expected, rtol=1e-5)


def test_only_the_rows_asked_for_are_used():
    batches = Batches(make_sample(10, rows=[2, 5, 7]), SCALES, batch_size=8)
    x, y, weight = arrays_of(batches[0])
    assert_array_equal(y[weight > 0, 0], [2, 5, 7])
    assert x.dtype == y.dtype == weight.dtype == np.float32


def test_a_micro_batch_behind_the_last_row_is_padded_with_rows_asked_for():
    batches = Batches(make_sample(20, rows=np.arange(3, 12)), SCALES, batch_size=8, min_micro_batch=2)
    _, y, weight = batches.micro_batch(1, batches.n_micro_batches(0) - 1)
    assert batches.n_micro_batches(0) == 4
    assert not weight.any()
    assert set(y[:, 0]) <= set(range(3, 12))


def test_a_small_data_set_is_not_padded_to_a_large_batch():
    assert len(Batches(make_sample(3), SCALES, batch_size=4096)[0][1]) == 4


@given(st.integers(1, 70), st.integers(1, 40), st.integers(1, 20))
def test_micro_batches_are_equal_parts_of_a_batch(n_samples, batch_size, min_micro_batch):
    batches = Batches(make_sample(n_samples), SCALES, batch_size, min_micro_batch)
    last = len(batches) - 1
    parts = [arrays_of(batches.micro_batch(last, number)) for number in range(batches.n_micro_batches(last))]
    assert len({len(x) for x, _, _ in parts}) == 1
    assert batches.n_micro_batches(last) == 1 or min_micro_batch <= len(parts[0][0])
    for i, whole in enumerate(arrays_of(batches[last])):
        together = np.concatenate([part[i] for part in parts])
        counted = batches[last][2] > 0  # the padding does not matter
        assert_array_equal(together[counted], whole[counted])


@pytest.mark.parametrize(
    ("batch_size", "min_micro_batch", "n_micro_batches"), [(12, 4, 3), (10, 4, 2), (7, 3, 1), (8, None, 1), (64, 1, 32)]
)
def test_as_many_micro_batches_as_there_can_be(batch_size, min_micro_batch, n_micro_batches):
    assert Batches(make_sample(100), SCALES, batch_size, min_micro_batch).n_micro_batches(0) == n_micro_batches


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_standardised_in_the_precision_of_the_statistics(dtype):
    windows = np.array([[[1e8], [1e8 + 8]]], dtype=dtype)
    result = standardise(windows, Scale(np.array([1e8]), np.array([4.0])))
    assert result.dtype == np.float32
    assert_array_equal(result[0, :, 0], [0, 2])


def test_steps_as_deviations_from_their_window_and_its_level():
    windows = np.array([[[NAN, 7], [1, 2], [5, 4.0]], [[NAN, NAN], [NAN, 1], [NAN, NAN]]])
    result = standardise(windows, Scale(np.array([1.0, 0.0]), np.array([2.0, 3.0]), np.array([0.5, 2.0])))
    expected = [[-1 / 0.5, -1 / 6, np.tanh(1), np.tanh(1)], [1 / 0.5, 1 / 6, np.tanh(1), np.tanh(1)]]
    assert_allclose(result[0, 1:], expected, rtol=1e-6)
    assert np.isnan(result).any(axis=2).tolist() == [[True, False, False], [True, True, True]]


@given(st.integers(1, 300), st.integers(1, 9))
def test_blocks_hold_the_batches_in_order(n_samples, batch_size):
    batches = Batches(make_sample(n_samples), SCALES, batch_size)
    batches.shuffle(np.random.default_rng(0))
    blocks = [(arrays_of(block), n_batches) for block, n_batches in batches.blocks()]
    assert len({array.shape for block, _ in blocks for array in block[:1]}) == 1
    unrolled = [tuple(array[i] for array in block) for block, n_batches in blocks for i in range(n_batches)]
    assert len(unrolled) == len(batches)
    for i, batch in enumerate(unrolled):
        counted = batch[2] > 0  # the padding does not matter
        assert_array_equal(batch[2], batches[i][2])
        for one, other in zip(batch, arrays_of(batches[i]), strict=True):
            assert_array_equal(one[counted], other[counted])


def test_a_block_has_a_bounded_size():
    assert batches_in_block(1) == MAX_BATCHES_IN_BLOCK
    assert batches_in_block(10**9) == 1
    assert batches_in_block(BLOCK // 5) == 5
