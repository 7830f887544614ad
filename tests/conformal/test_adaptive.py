"""Thresholds that follow scores."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sklstm._conformal.adaptive import step_sizes, tracked


def track(scores, coverage, *, start=1.0, size=0.1, delay=1):
    scores = np.asarray(scores, float)[:, np.newaxis, np.newaxis]
    return tracked(np.array([[start]]), np.array([[size]]), scores, np.arange(len(scores)), [coverage], [delay])[
        :, 0, 0
    ]


def test_a_threshold_rises_after_a_miss_and_falls_otherwise():
    np.testing.assert_allclose(track([2, 0, 0, 2], 0.9), [1, 1.09, 1.08, 1.07, 1.16])


def test_a_threshold_waits_for_the_truth():
    np.testing.assert_allclose(track([2, 0, 0, 2], 0.9, delay=2), [1, 1, 1.09, 1.08, 1.16])


def test_missing_truths_move_nothing():
    np.testing.assert_allclose(track([np.nan, np.nan], 0.8), [1, 1, 1])


def test_rows_of_one_time_count_by_their_mean():
    scores = np.array([2.0, 0.0, 0.0])[:, np.newaxis, np.newaxis]
    found = tracked(np.array([[1.0]]), np.array([[1.0]]), scores, np.array([5, 5, 9]), [0.5], [1])
    np.testing.assert_allclose(found[:, 0, 0], [1, 1, 0.5])


@settings(max_examples=25)
@given(st.lists(st.floats(0, 1), min_size=200, max_size=200), st.sampled_from([0.5, 0.8, 0.9]))
def test_long_run_coverage_for_any_scores(scores, coverage):
    size = 0.1
    used = track(scores, coverage, start=0.5, size=size)[:-1]
    covered = np.mean(np.array(scores) <= used)
    assert abs(covered - coverage) <= (1 + size) / (size * len(scores)) + 1e-9  # the bound of the proposition


@pytest.mark.parametrize("coverage", [0.8, 0.95])
def test_a_break_is_followed(rng, coverage):
    scores = np.abs(np.concatenate([rng.normal(size=500), rng.normal(0, 3, size=2000)]))
    size = float(step_sizes(scores[:500, np.newaxis])[0])
    used = track(scores, coverage, start=np.quantile(scores[:500], coverage), size=size)[:-1]
    assert abs(np.mean(scores[1000:] <= used[1000:]) - coverage) < 0.02
