"""Thresholds and p-values of conformity scores."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sklstm._conformal.scores import least_scores, p_values, thresholds


def test_threshold_is_the_score_of_the_finite_sample_rank():
    scores = np.arange(1.0, 100.0)[:, np.newaxis]  # 99 of them: a new one is equally likely to have each of 100 ranks
    assert thresholds(scores, 0.9) == 90
    assert thresholds(scores, 0.99) == 99


def test_too_few_scores_have_no_threshold():
    assert least_scores(0.9) == 9
    assert least_scores(0.95) == 19
    assert least_scores(0.99) == 99
    scores = np.random.default_rng(0).random((20, 1))
    assert np.isfinite(thresholds(scores[:9], 0.9))
    assert np.isinf(thresholds(scores[:8], 0.9))


@given(st.floats(0.01, 0.99))
def test_least_number_is_the_least(coverage):
    n = least_scores(coverage)
    scores = np.arange(float(n))[:, np.newaxis]
    assert np.isfinite(thresholds(scores, coverage))
    assert np.isinf(thresholds(scores[:-1], coverage))


def test_missing_scores_do_not_count():
    scores = np.random.default_rng(0).random((50, 2))
    scores[10:20, 1] = np.nan
    complete = np.delete(scores[:, [1]], np.arange(10, 20), axis=0)
    assert thresholds(scores, 0.8)[1] == thresholds(complete, 0.8)[0]


@pytest.mark.parametrize("coverage", [0.8, 0.9, 0.95])
def test_new_scores_are_covered_with_the_stated_probability(coverage):
    scores = np.random.default_rng(0).standard_exponential((40, 20_000))
    covered = np.random.default_rng(1).standard_exponential(20_000) <= thresholds(scores, coverage)
    rank = np.ceil(coverage * 41)
    assert abs(covered.mean() - rank / 41) < 0.01


def test_p_values_of_ranks():
    found = p_values(np.array([0.5, 2.0, 9.0, np.nan]), np.array([3.0, 1.0, 2.0]))
    np.testing.assert_allclose(found, [1, 0.75, 0.25, np.nan])
