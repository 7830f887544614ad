import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose
from scipy.stats import norm

from sklstm._compat import InvalidParameterError
from sklstm.metrics import interval_coverage, interval_score, interval_width

NAN, INF = np.nan, np.inf
Y_TRUE = np.array([[1.0, 5.0], [2.0, 9.0], [3.0, NAN], [4.0, 7.0]])
Y_INTERVAL = np.array(
    [
        [[0, 1], [4, 6]],
        [[2, 4], [4, 6]],  # the second one misses by 3
        [[4, 5], [NAN, NAN]],  # the first one misses by 1
        [[3, 7], [7, 7]],
    ]
)


def test_known_answers():
    kwargs = {"multioutput": "raw_values"}
    assert_allclose(interval_coverage(Y_TRUE, Y_INTERVAL, **kwargs), [3 / 4, 2 / 3])
    assert_allclose(interval_width(Y_INTERVAL[[0, 1, 3]], **kwargs), [7 / 3, 4 / 3])
    scores = interval_score(Y_TRUE, Y_INTERVAL, coverage=0.8, **kwargs)
    assert_allclose(scores, [(1 + 2 + 1 + 4 + 10 * 1) / 4, (2 + 2 + 0 + 10 * 3) / 3])
    assert interval_score(Y_TRUE, Y_INTERVAL, coverage=0.8) == pytest.approx(scores.mean())
    assert interval_score(Y_TRUE, Y_INTERVAL, coverage=0.8, multioutput=[3, 1]) == pytest.approx(scores @ [0.75, 0.25])


def test_expected_score_of_a_normal_distribution_is_the_closed_form():
    y = norm.ppf((np.arange(20_000) + 0.5) / 20_000)
    end = norm.ppf(0.95)
    ends = np.tile([-end, end], (len(y), 1))
    expected = 2 * norm.pdf(end) * 2 / 0.1  # the width cancels
    assert interval_score(y, ends, coverage=0.9) == pytest.approx(expected, rel=1e-3)
    assert interval_coverage(y, ends) == pytest.approx(0.9, abs=1e-3)
    for factor in (0.8, 1.2):
        assert interval_score(y, factor * ends, coverage=0.9) > expected


@given(st.integers(0, 999), st.floats(1e-3, 1e3), st.floats(-100, 100))
def test_units(seed, scale, shift):
    rng = np.random.default_rng(seed)
    y = rng.standard_normal((6, 2))
    ends = np.sort(rng.standard_normal((6, 2, 2)), axis=2)
    moved, moved_ends = scale * (y + shift), scale * (ends + shift)
    assert interval_width(moved_ends) == pytest.approx(scale * interval_width(ends), rel=1e-6)
    score = interval_score(y, ends, coverage=0.7)
    assert interval_score(moved, moved_ends, coverage=0.7) == pytest.approx(scale * score, rel=1e-6)
    assert interval_coverage(moved, moved_ends) == interval_coverage(y, ends)


@given(st.integers(0, 999))
def test_weights_count_rows(seed):
    rng = np.random.default_rng(seed)
    y, ends = rng.standard_normal((7, 2)), np.sort(rng.standard_normal((7, 2, 2)), axis=2)
    y[0, 0] = NAN
    weight = rng.integers(0, 3, 7)
    weight[1] = 1
    rows = np.repeat(np.arange(7), weight)
    assert interval_coverage(y, ends, sample_weight=weight) == pytest.approx(interval_coverage(y[rows], ends[rows]))
    assert interval_width(ends, sample_weight=weight) == pytest.approx(interval_width(ends[rows]))
    expected = interval_score(y[rows], ends[rows], coverage=0.9)
    assert interval_score(y, ends, coverage=0.9, sample_weight=weight) == pytest.approx(expected)


def test_one_output_in_all_its_shapes():
    y, ends = Y_TRUE[:, 0], Y_INTERVAL[:, 0]
    frame = pd.DataFrame(ends, columns=["lower_80", "upper_80"], index=[3, 2, 1, 0])
    for true in (y, y[:, np.newaxis], y.tolist(), pd.Series(y), pd.Series(y, dtype="Int64")):
        for interval in (ends, ends[:, np.newaxis], ends.tolist(), frame):
            assert interval_coverage(true, interval) == 0.75


def test_infinite_intervals():
    ends = [[-INF, 0], [-INF, INF], [0, 1]]
    assert interval_coverage([-5, 3, 2], ends) == pytest.approx(2 / 3)
    assert interval_width(ends) == INF
    assert interval_width(ends, sample_weight=[0, 0, 1]) == 1
    assert interval_score([-5, 3, 2], ends, coverage=0.9) == INF
    assert interval_score([1, 1], [[INF, INF], [0, 1]], coverage=0.9) == INF
    pairs = np.stack([ends, [[0, 1]] * 3], axis=1)
    assert interval_width(pairs, multioutput=[0, 1]) == 1


def test_missing_true_values_do_not_count():
    ends = np.array([[0.0, 2], [0, 4], [NAN, 1], [5, 1]])
    assert interval_coverage([1, 5, NAN, NAN], ends) == 0.5
    assert interval_score([1, 1, NAN, NAN], ends, coverage=0.5) == 3
    with pytest.raises(ValueError, match=r"Output 1 has no row that counts: its true values are all missing"):
        interval_coverage([[1, NAN], [2, NAN]], np.ones((2, 2, 2)))
    with pytest.raises(ValueError, match="no row that counts"):
        interval_score([1, NAN], [[0, 1]] * 2, coverage=0.9, sample_weight=[0, 1])
    with pytest.raises(ValueError, match=r"no row that counts|at least one non-zero"):  # of scikit-learn 1.9
        interval_width([[0, 1]] * 2, sample_weight=[0, 0])


@pytest.mark.parametrize(
    ("y_true", "y_interval", "message"),
    [
        ([1, 2], [[0, 1], [2, 1]], r"lower end before the upper end, but has 2 and 1 in row 1"),
        ([1, 2], [[0, 1], [NAN, 1]], r"y_interval has NaN in row 1"),
        ([1, 2], [[0, 1]], "inconsistent numbers of samples"),
        ([1, 2], [0, 1], r"Got the shape \(2,\)"),
        ([1, 2], [[0, 1, 2]] * 2, r"\(n_samples, 2\) for one output: the last axis has lower and upper end"),
        ([1, 2], np.zeros((2, 1, 2, 3)), r"Select one coverage, such as y_interval\[..., 0\]"),
        ([1, 2], np.zeros((2, 3, 2)), r"y_true has 1 output\(s\), but y_interval has 3"),
        ([1, INF], [[0, 1]] * 2, "y_true contains infinity"),
        ([], np.zeros((0, 2)), "0 sample"),
    ],
)
def test_bad_intervals(y_true, y_interval, message):
    for metric in (interval_coverage, interval_score):
        with pytest.raises(ValueError, match=message):
            metric(y_true, y_interval, **({"coverage": 0.9} if metric is interval_score else {}))


@pytest.mark.parametrize("coverage", [0, 1, 90, None])
def test_bad_coverage(coverage):
    with pytest.raises(InvalidParameterError, match="coverage"):
        interval_score([1], [[0, 1]], coverage=coverage)


def test_bad_weights():
    with pytest.raises(InvalidParameterError, match="multioutput"):
        interval_coverage([1], [[0, 1]], multioutput="variance_weighted")
    with pytest.raises(ValueError, match=r"a weight for each of 1 output"):
        interval_coverage([1], [[0, 1]], multioutput=[1, 2])
    with pytest.raises(ValueError, match="sample_weight"):
        interval_coverage([1], [[0, 1]], sample_weight=[1, 2])
    with pytest.raises(ValueError, match="Negative"):
        interval_coverage([1], [[0, 1]], sample_weight=[-1])
