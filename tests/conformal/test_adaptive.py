"""Thresholds that follow scores."""

import numpy as np
import pytest

from sklstm._conformal.adaptive import MEMORY, tracked


def track(scores, coverage, *, start=1.0, size=1.0, delay=1, times=None):
    scores = np.asarray(scores, float)[:, np.newaxis, np.newaxis]
    times = np.arange(len(scores)) if times is None else np.asarray(times)
    known_at = times[:, np.newaxis] + delay
    used, after = tracked(np.array([[start]]), np.array([[size]]), scores, times, known_at, [coverage])
    return [*used[:, 0, 0], after[0, 0]]


def test_a_threshold_rises_after_a_miss_and_falls_otherwise():
    found = track([2, 1, 1, 2], 0.9, size=1.0)
    size = 1 + (2 - 1) / MEMORY  # after the first score
    expected = [1, 1.09, 1.09 - 0.01 * size]
    np.testing.assert_allclose(found[:3], expected)
    assert found[4] > found[3]


def test_a_threshold_waits_for_the_truth():
    at_once, later = track([2, 1, 1, 2], 0.9), track([2, 1, 1, 2], 0.9, delay=2)
    assert later[0] == later[1] == 1
    assert later[2] == at_once[1]


def test_truths_that_come_late_count_at_the_end():
    assert track([2, 1], 0.9, delay=100)[:2] == [1, 1]
    assert track([2, 1], 0.9, delay=100)[2] > 1


def test_missing_truths_move_nothing():
    assert track([np.nan, np.nan], 0.8) == [1, 1, 1]
    known, padded = track([2.0], 0.8), track([2.0, np.nan, np.nan], 0.8, times=[0, 0, 0])
    assert known[-1] == padded[-1]


def test_rows_of_one_time_count_by_their_mean():
    found = track([2.0, 0.0, 0.0], 0.5, times=[5, 5, 9])
    assert found[:3] == [1, 1, 1]  # one is missed, one is not
    assert found[3] == pytest.approx(0.95)


def test_truths_of_a_row_may_be_known_at_different_times():
    scores, times = np.full((3, 2, 1), 2.0), np.arange(3)
    known_at = np.array([[1, 3], [2, 3], [3, 3]])
    used, _ = tracked(np.ones((2, 1)), np.ones((2, 1)), scores, times, known_at, [0.9])
    assert (np.diff(used[:, 0, 0]) > 0).all()
    np.testing.assert_array_equal(used[:, 1, 0], 1)


@pytest.mark.parametrize("coverage", [0.5, 0.8, 0.95])
@pytest.mark.parametrize("kind", ["alike", "drifting", "cyclic", "heavy tails", "a hundred times larger"])
def test_long_run_coverage(rng, kind, coverage):
    noise, t = rng.standard_normal(6000), np.arange(6000)
    scores = {
        "alike": np.abs(noise),
        "drifting": np.abs(noise) * (1 + t / 1000),
        "cyclic": np.abs(noise) * (1.5 + np.sin(t / 50)),
        "heavy tails": np.abs(rng.standard_t(2, 6000)),
        "a hundred times larger": np.abs(noise) * np.where(t < 500, 1, 100),
    }[kind]
    used = track(scores, coverage, start=np.quantile(scores[:200], coverage), size=np.mean(scores[:200]))[:-1]
    assert abs(np.mean(scores[1500:] <= used[1500:]) - coverage) < 0.02


def test_thresholds_leave_zero():
    scores = np.concatenate([np.zeros(50), np.ones(500)])
    used = track(scores, 0.9, start=0.0, size=0.0)
    assert np.mean(scores[200:] <= used[200:-1]) > 0.85
