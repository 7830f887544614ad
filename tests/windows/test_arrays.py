import tracemalloc

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.testing import assert_allclose, assert_array_equal
from threadpoolctl import threadpool_limits

from sklstm._windows.arrays import (
    are_sliding,
    chunks,
    fill_missing_features,
    fill_missing_steps,
    has_any_step,
    have_partial_steps,
    missing_steps,
    products_by_row,
    window_means,
    window_view,
)

NAN = np.nan


@pytest.mark.parametrize("first", [0.0, NAN])
def test_windows_with_any_step_are_found_without_an_array_of_all_steps(first):
    series = np.zeros((400_000, 1))
    series[:30] = first
    windows = window_view(series, 30)
    tracemalloc.start()
    found = has_any_step(windows)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert_array_equal(found, np.arange(len(windows)) > 0 if np.isnan(first) else np.ones(len(windows), bool))
    # A byte for each row, and some megabytes for a chunk; all steps would take 30 bytes a row.
    assert peak < len(windows) * 15


@pytest.mark.parametrize("window_size", [2, 3])
@pytest.mark.parametrize("missing", [[], [0, 1], [2]])
def test_windows_slide_by_their_values_whether_they_are_views_or_copies(window_size, missing):
    series = np.arange(14.0).reshape(7, 2)
    series[missing, 1] = NAN
    windows = window_view(series, window_size)
    for sliding in (windows, windows.copy(), np.asfortranarray(windows), windows.astype(np.float32), windows[:1]):
        assert are_sliding(sliding)
    for other in (
        windows[::-1],
        windows[::2],
        np.delete(windows, 2, axis=0),
        windows + np.arange(len(windows))[:, None, None],
    ):
        assert not are_sliding(other)
    changed = windows.copy()
    changed[-2, -1, 0] += 1
    assert not are_sliding(changed)


def test_rows_of_one_step_do_not_slide():
    assert not are_sliding(np.arange(6.0).reshape(6, 1, 1))
    assert not are_sliding(window_view(np.arange(6.0).reshape(6, 1), 1))


@given(st.integers(1, 3000), st.integers(1, 2**21))
def test_chunks_cover_all_rows_in_order(n_rows, n_values):
    slices = list(chunks(n_rows, n_values))
    assert_array_equal(np.concatenate([np.arange(n_rows)[chunk] for chunk in slices]), np.arange(n_rows))
    assert all(chunk.stop - chunk.start == 1 or (chunk.stop - chunk.start) * n_values <= 2**20 for chunk in slices)


@pytest.mark.parametrize(
    ("missing", "expected"),
    [([], "none"), ([0], "leading"), ([0, 1, 2, 3], "leading"), ([2], "anywhere"), ([0, 3], "anywhere")],
)
def test_where_steps_are_missing(missing, expected):
    windows = np.zeros((3, 4, 2))
    windows[1, missing, 1] = NAN
    assert missing_steps(windows) == expected
    assert missing_steps(np.zeros((3, 4, 2)), windows) == expected


@pytest.mark.parametrize("n_outputs", [1, 3, 17])
def test_a_product_of_a_row_does_not_depend_on_the_others(rng, n_outputs):
    rows, matrix = rng.standard_normal((33, 50)), rng.standard_normal((50, n_outputs))
    together = products_by_row(rows, matrix)
    assert_allclose(together, rows @ matrix, rtol=1e-12, atol=1e-12)
    for n in (1, 2, 7):
        assert_array_equal(products_by_row(rows[-n:], matrix), together[-n:])
    assert_array_equal(products_by_row(rows.reshape(3, 11, 50), matrix), together.reshape(3, 11, n_outputs))
    for array in (np.asfortranarray, lambda array: array[::-1].copy()[::-1]):
        assert_array_equal(products_by_row(array(rows), matrix), together)
        assert_array_equal(products_by_row(rows, array(matrix)), together)


@pytest.mark.parametrize("shape", [(9216, 1), (20000, 1), (20000, 100), (1000, 500), (3, 12000), (130, 5000)], ids=str)
def test_a_product_of_a_row_does_not_depend_on_the_number_of_threads(rng, shape):
    rows, matrix = rng.standard_normal((4, shape[0])), rng.standard_normal(shape).astype(np.float32)
    with threadpool_limits(2):
        products = products_by_row(rows, matrix)
    assert_allclose(products, rows @ matrix, rtol=1e-9, atol=1e-9)
    assert products.dtype == np.float64
    with threadpool_limits(1):
        assert_array_equal(products_by_row(rows, matrix), products)
        assert_array_equal(products_by_row(rows[-1:], matrix), products[-1:])


@pytest.mark.parametrize(
    ("window", "expected"),
    [
        ([1, 2, 3], [1, 2, 3]),
        ([NAN, NAN, 3], [3, 3, 3]),
        ([1, NAN, NAN], [1, 1, 1]),
        ([NAN, 2, NAN], [2, 2, 2]),
        ([1, NAN, 3], [1, 1, 3]),
        ([0, NAN, NAN, 3, NAN], [0, 0, 0, 3, 3]),
        ([NAN, NAN, NAN], [0, 0, 0]),
        ([NAN], [0]),
    ],
    ids=str,
)
def test_missing_steps_filled_by_hand(window, expected):
    windows = np.array(window, dtype=float).reshape(1, -1, 1)
    assert_array_equal(fill_missing_steps(windows)[0, :, 0], expected)


def test_a_step_is_filled_as_a_whole():
    window = np.array([[[1, 2], [NAN, 4], [5, 6]]])
    assert_array_equal(fill_missing_steps(window), [[[1, 2], [1, 2], [5, 6]]])
    assert_array_equal(fill_missing_steps(window[:, 1:2]), [[[0, 0]]])


SOME_MISSING = arrays(
    st.sampled_from([np.float32, np.float64]),
    st.tuples(st.integers(1, 4), st.integers(1, 9), st.integers(1, 3)),
    elements=st.one_of(st.just(NAN), st.integers(-9, 9)),
)


@given(SOME_MISSING)
def test_filling_is_pandas_forward_then_backward_fill(windows):
    before = windows.copy()
    for window, result in zip(windows, fill_missing_steps(windows), strict=True):
        steps = pd.DataFrame(window)
        assert_array_equal(result, steps.where(steps.notna().all(axis=1)).ffill().bfill().fillna(0))
    assert fill_missing_steps(windows).dtype == windows.dtype
    assert_array_equal(windows, before)


def test_features_filled_by_hand():
    window = np.array([[[NAN, 1], [2, NAN], [NAN, NAN], [NAN, 3], [4, 5]]])
    assert have_partial_steps(window)
    assert_array_equal(fill_missing_features(window, np.array([8, 9])), [[[8, 1], [2, 1], [NAN, NAN], [2, 3], [4, 5]]])
    whole = window[:, [2, 4]]
    assert not have_partial_steps(whole)
    assert_array_equal(fill_missing_features(whole, np.array([8, 9])), whole)


@given(SOME_MISSING)
def test_filling_features_is_pandas_forward_fill_in_steps_that_have_some(windows):
    before, otherwise = windows.copy(), np.arange(windows.shape[2]) + 0.5
    filled = fill_missing_features(windows, otherwise)
    for window, result in zip(windows, filled, strict=True):
        steps = pd.DataFrame(window)
        assert_array_equal(result, steps.ffill().fillna(dict(enumerate(otherwise))).where(steps.notna().any(axis=1)))
    assert filled.dtype == windows.dtype
    assert_array_equal(windows, before)
    partial = np.isnan(windows) != np.isnan(windows).all(axis=2, keepdims=True)
    assert have_partial_steps(windows) == partial.any()
    assert have_partial_steps(windows, np.array([0])) == partial[0].any()


def test_window_means_are_those_of_the_steps_present():
    windows = np.array([[[1, 2], [NAN, 9], [2, 4.0]], [[NAN, NAN]] * 3, [[0, 1]] * 3])
    assert_allclose(window_means(windows), [[1.5, 3], [0, 0], [0, 1]])


def test_window_means_do_not_depend_on_layout_and_precision(rng):
    windows = window_view(rng.standard_normal((300, 3)).astype(np.float32), 100)
    expected = window_means(windows)
    for same in (windows.copy(), np.asfortranarray(windows), windows.astype(np.float64), windows.copy()[::-1][::-1]):
        assert_array_equal(window_means(same), expected)
    assert_array_equal(np.concatenate([window_means(row[np.newaxis]) for row in windows]), expected)
