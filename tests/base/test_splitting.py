import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_array_equal

from sklstm._base.splitting import last_rows, stratified_rows


@given(st.integers(2, 60), st.floats(0.01, 0.99), st.integers(0, 5))
def test_the_last_rows_are_held_out_behind_a_gap(n_rows, fraction, gap):
    rows = np.arange(3, 3 + 2 * n_rows, 2)  # every other row of a sample, of which the gap counts all
    n_validation = np.ceil(fraction * n_rows)
    first = rows[int(n_rows - n_validation)] if n_validation < n_rows else rows[0]
    if not (rows < first - gap).any():
        with pytest.raises(ValueError, match="leaves no row to train on"):
            last_rows(rows, fraction, gap)
        return
    training, validation = last_rows(rows, fraction, gap)
    assert_array_equal(validation, rows[rows >= first])
    assert_array_equal(training, rows[rows < first - gap])


def test_rows_of_every_class_are_drawn_in_proportion():
    classes = np.repeat([0, 1], [80, 20])
    rows = np.flatnonzero(np.arange(100) % 2)
    training, validation = stratified_rows(rows, classes, 0.2, seed=0)
    assert_array_equal(np.sort(np.concatenate([training, validation])), rows)
    assert_array_equal(np.bincount(classes[validation]), [8, 2])
    again, _ = stratified_rows(rows, classes, 0.2, seed=0)
    other, _ = stratified_rows(rows, classes, 0.2, seed=1)
    assert_array_equal(again, training)
    assert not np.array_equal(other, training)
