import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_array_equal

from sklstm._windows.ragged import SHORTEST, Ragged, padded_length

NAN = np.nan


@given(st.lists(st.integers(0, 6), min_size=1, max_size=8), st.data())
def test_rows_are_sequences_padded_behind(lengths, data):
    sequences = [100 * row + np.arange(2.0 * n).reshape(n, 2) for row, n in enumerate(lengths)]
    ragged = Ragged.of(sequences, np.float32, NAN)
    assert ragged.shape == (len(lengths), max(lengths), 2)
    assert len(ragged) == len(lengths)
    rows = np.array(data.draw(st.lists(st.integers(0, len(lengths) - 1), max_size=5)), int)
    found = ragged[rows]
    assert found.shape == (len(rows), max(lengths), 2)
    for row, padded in zip(rows, found, strict=True):
        assert_array_equal(padded[: lengths[row]], sequences[row])
        assert np.isnan(padded[lengths[row] :]).all()


def test_sequences_of_labels_have_no_features():
    ragged = Ragged.of([[3, 4], [5]], np.int32, -1)
    assert_array_equal(ragged[:], [[3, 4], [5, -1]])
    assert_array_equal(ragged[1], [5, -1])
    assert ragged.ndim == 2


def test_other_numbers_of_steps():
    ragged = Ragged.of([[3, 4], [5]], np.int32, -1)
    assert_array_equal(ragged.with_steps(3)[:], [[3, 4, -1], [5, -1, -1]])
    assert_array_equal(ragged.with_steps(1)[[1]], [[5]])


def test_equal_sequences_have_one_code():
    ragged = Ragged.of([[1, 2], [1], [1, 2], [], [2]], np.int32, -1)
    codes = ragged.codes(np.arange(5))
    assert codes[0] == codes[2]
    assert len(set(codes)) == 4


@given(st.integers(0, 10**6))
def test_padding_is_less_than_half_of_a_sequence(length):
    padded = padded_length(length)
    assert padded >= length
    assert padded == SHORTEST or padded < 1.5 * length
    assert padded_length(padded) == padded


def test_there_are_few_lengths():
    assert_array_equal(np.unique(padded_length(np.arange(65))), [8, 12, 16, 24, 32, 48, 64])


@pytest.mark.parametrize("rows", [slice(None), [0], slice(1, 2)])
def test_rows_may_be_slices(rows):
    ragged = Ragged.of([[3, 4], [5]], np.int32, -1)
    assert_array_equal(ragged[rows], np.array([[3, 4], [5, -1]])[rows])
