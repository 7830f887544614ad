"""Intervals of levels, and scores of truths."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import norm

from sklstm._conformal.bounds import MEDIAN, at_level, central, check_coverages, scores, widened

LEVELS = (0.05, 0.25, 0.5, 0.75, 0.95)


@pytest.mark.parametrize(
    "coverage", [0, 1, 1.5, -0.1, 90, np.nan, "0.9", None, True, [], [0.8, 0.8], [0.8, 2], [[0.8]]]
)
def test_bad_coverages(coverage):
    with pytest.raises(ValueError, match="coverage must be a float in the open interval"):
        check_coverages(coverage)


def test_coverages_become_floats():
    assert check_coverages(0.9) == (0.9,)
    assert check_coverages(np.array([0.8, 0.95])) == (0.8, 0.95)
    assert all(type(value) is float for value in check_coverages([np.float32(0.5)]))


def test_given_levels_are_returned_as_they_are(rng):
    values = rng.random((4, 3, 5))
    for i, level in enumerate(LEVELS):
        np.testing.assert_allclose(at_level(values, LEVELS, level), values[..., i])


def test_normal_quantiles_between_levels_are_exact():
    values = 3 + 2 * norm.ppf(LEVELS)[np.newaxis]
    for level in (0.1, 0.4, 0.9):
        assert at_level(values, LEVELS, level) == pytest.approx(3 + 2 * norm.ppf(level))


def test_beyond_the_outermost_level_is_that_level(rng):
    values = rng.random((4, 5))
    np.testing.assert_array_equal(at_level(values, LEVELS, 0.001), values[:, 0])
    np.testing.assert_array_equal(at_level(values, LEVELS, 0.999), values[:, -1])


def test_scores_of_points_are_absolute_errors(rng):
    residuals = rng.standard_normal((6, 2, 1))
    found = scores(residuals, MEDIAN, (0.8, 0.9))
    np.testing.assert_array_equal(found, np.repeat(np.abs(residuals), 2, axis=2))


def test_scores_of_quantiles_are_distances_from_the_interval():
    quantiles = np.array([-2.0, -1.0, 0.0, 1.0, 2.0])
    truths = np.array([-3.0, 0.5, 2.5])
    found = scores((truths[:, np.newaxis] - quantiles)[:, np.newaxis], LEVELS, (0.9,))
    np.testing.assert_allclose(found[:, 0, 0], [1.0, -1.5, 0.5])


def test_margins_move_both_ends():
    ends = central(np.array([[-2.0, -1.0, 0.0, 1.0, 2.0]]), LEVELS, (0.9, 0.5))
    found = widened(ends, np.zeros(1), np.array([[0.5, -0.25]]), (0.9, 0.5))
    np.testing.assert_allclose(found, [[[-2.5, -0.75], [2.5, 0.75]]])


def test_an_interval_holds_its_prediction():
    ends = central(np.array([[-1.0, -0.5, 0.0, 5.0, 10.0]]), LEVELS, (0.9,))
    np.testing.assert_allclose(widened(ends, np.zeros(1), np.array([[-8.0]]), (0.9,)), [[[0], [2]]])


@given(st.lists(st.floats(-5, 5), min_size=5, max_size=5), st.lists(st.floats(-9, 9), min_size=3, max_size=3))
def test_intervals_are_ordered_and_nested(quantiles, margins):
    coverages = (0.5, 0.95, 0.8)
    ends = central(np.sort(quantiles)[np.newaxis], LEVELS, coverages)
    middle = np.sort(quantiles)[[2]]
    (lower,), (upper,) = np.moveaxis(widened(ends, middle, np.array([margins]), coverages), 1, 0)
    assert (lower <= upper).all()
    assert lower[1] <= lower[2] <= lower[0]
    assert upper[0] <= upper[2] <= upper[1]
