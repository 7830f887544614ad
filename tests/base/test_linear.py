import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.linear_model import RidgeCV

from sklstm._base.linear import LEVEL, MAX_VALUES, MIN_ROWS, PENALTIES, fit_linear, subsample_rows


@pytest.mark.parametrize(("n_steps", "n_features", "n_outputs"), [(6, 1, 1), (5, 3, 2), (1, 2, 1), (2, 1, 3)])
@pytest.mark.parametrize("weighted", [False, True])
def test_fit_linear_is_a_ridge_regression_on_changes_and_the_last_step(n_steps, n_features, n_outputs, weighted, rng):
    windows = rng.standard_normal((60, n_steps, n_features)).cumsum(axis=1)
    y = rng.standard_normal((60, n_outputs)) + windows[:, -1:, 0]
    sample_weight = rng.uniform(0.1, 3, 60) if weighted else np.ones(60)
    design = [windows[:, step] - windows[:, step - 1] for step in range(1, n_steps)] + [LEVEL * windows[:, -1]]
    ridge = RidgeCV(PENALTIES).fit(np.hstack(design), y, sample_weight)
    coef, intercept = fit_linear(windows, y, sample_weight)
    assert coef.shape == (n_steps, n_features, n_outputs)
    assert intercept.shape == (n_outputs,)
    predicted = np.einsum("nsf,sfo->no", windows, coef) + intercept
    assert_allclose(predicted, ridge.predict(np.hstack(design)).reshape(60, n_outputs))


def test_fit_linear_shrinks_towards_what_follows_from_the_last_step(rng):
    """A random walk's next value is its last one, which is all that there is to learn."""
    walk = rng.standard_normal(400).cumsum()
    windows = np.lib.stride_tricks.sliding_window_view(walk[:-1], 20)[:, :, np.newaxis] / walk.std()
    coef, _ = fit_linear(windows, walk[20:, np.newaxis] / walk.std(), np.ones(380))
    assert_allclose(coef.sum(), 1, atol=0.05)
    assert_allclose(coef[-1], 1, atol=0.2)


def test_fit_linear_from_one_row():
    coef, intercept = fit_linear(np.ones((1, 3, 1)), np.full((1, 2), 5.0), np.ones(1))
    assert_array_equal(coef, np.zeros((3, 1, 2)))
    assert_array_equal(intercept, [5, 5])


@given(st.integers(1, 10**6), st.integers(1, 10**5))
def test_rows_of_a_subsample_are_evenly_spread_over_all_of_them(n_rows, row_size):
    rows = np.arange(n_rows)
    kept = subsample_rows(rows, row_size)
    steps = np.unique(np.diff(kept, append=kept[-1] + max(kept[-1] - kept[-2], 1) if len(kept) > 1 else n_rows))
    assert len(steps) == 1
    assert kept[0] == 0
    assert kept[-1] + steps[0] >= n_rows
    most = max(MAX_VALUES // row_size, MIN_ROWS)
    assert len(kept) == n_rows or most / 2 < len(kept) <= most
