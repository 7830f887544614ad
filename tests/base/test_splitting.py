import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_array_equal

from sklstm._base.splitting import Split, blocks, drawn_groups, drawn_rows, last_rows, training_rows


@given(st.integers(2, 60), st.floats(0.01, 0.99), st.integers(0, 5))
def test_the_last_rows_are_held_out_behind_a_gap(n_rows, fraction, gap):
    rows = np.arange(3, 3 + 2 * n_rows, 2)  # every other row of a sample, of which the gap counts all
    n_validation = np.ceil(fraction * n_rows)
    first = rows[int(n_rows - n_validation)] if n_validation < n_rows else rows[0]
    if not (rows < first - gap).any():
        with pytest.raises(ValueError, match="leaves no row to train on"):
            last_rows(rows, rows, fraction, gap)
        return
    training, validation = last_rows(rows, rows, fraction, gap)
    assert_array_equal(validation, rows[rows >= first])
    assert_array_equal(training, rows[rows < first - gap])


@given(st.integers(2, 60), st.floats(0.01, 0.6), st.integers(0, 5), st.integers(1, 6))
def test_blocks_are_spread_from_the_first_rows_to_the_last(n_rows, fraction, gap, n_blocks):
    rows = np.arange(3, 3 + 2 * n_rows, 2)
    size = int(np.ceil(fraction * n_rows))
    if not (rows < rows[-size] - gap).any():
        return
    splits = blocks(rows, rows, fraction, gap, n_blocks)
    assert len(splits) == n_blocks
    for training, validation in splits:
        assert_array_equal(np.diff(validation), 2)
        near = (rows >= validation[0] - gap) & (rows <= validation[-1] + gap)
        assert_array_equal(training, rows[~near])
        assert len(validation) == size
    assert_array_equal(splits[-1].validation, rows[-size:])
    firsts = np.array([split.validation[0] for split in splits])
    if (firsts == firsts[-1]).all():
        assert_array_equal(splits[0].training, last_rows(rows, rows, fraction, gap).training)
    else:
        assert firsts[0] == rows[0]
        assert np.ptp(np.diff(firsts)) <= 2  # a row
        assert min(len(split.training) for split in splits) >= size


def test_blocks_that_would_leave_few_rows_are_the_last_rows():
    rows = np.arange(20)
    apart, few = blocks(rows, rows, 0.25, 3, 3), blocks(rows, rows, 0.25, 6, 3)
    assert [split.validation[0] for split in apart] == [0, 8, 15]
    assert [len(split.training) for split in apart] == [12, 9, 12]
    assert [split.validation[0] for split in few] == [15] * 3
    assert all(split.validation is few[0].validation for split in few)


def test_training_rows_are_those_of_any_network():
    splits = [Split(np.array([4, 1]), np.array([0])), Split(np.array([2, 4]), np.array([5]))]
    assert_array_equal(training_rows(splits), [1, 2, 4])


def test_rows_of_every_class_are_drawn_in_proportion():
    classes = np.repeat([0, 1], [80, 20])
    rows = np.flatnonzero(np.arange(100) % 2)
    training, validation = drawn_rows(rows, classes, 0.2, seed=0)
    assert_array_equal(np.sort(np.concatenate([training, validation])), rows)
    assert_array_equal(np.bincount(classes[validation]), [8, 2])
    again, _ = drawn_rows(rows, classes, 0.2, seed=0)
    other, _ = drawn_rows(rows, classes, 0.2, seed=1)
    assert_array_equal(again, training)
    assert not np.array_equal(other, training)


@given(st.lists(st.integers(0, 9), min_size=2, max_size=60), st.floats(0.05, 0.6), st.integers(0, 9))
def test_rows_of_a_group_stay_together(groups, fraction, seed):
    groups = np.array(groups)
    rows = 3 + 2 * np.arange(len(groups))
    n_groups = len(set(groups))
    if np.ceil(fraction * n_groups) == n_groups:
        return
    training, validation = drawn_groups(rows, groups, fraction, seed)
    assert_array_equal(np.sort([*training, *validation]), rows)
    assert set(groups[(training - 3) // 2]).isdisjoint(groups[(validation - 3) // 2])
    assert len(set(groups[(validation - 3) // 2])) == np.ceil(fraction * n_groups)
    assert_array_equal(drawn_groups(rows, groups, fraction, seed).validation, validation)
