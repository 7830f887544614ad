import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose
from sklearn.pipeline import make_pipeline

from sklstm import SeasonalNaive, SlidingWindow, backtest, to_supervised
from sklstm._compat import InvalidParameterError
from sklstm.metrics import mean_absolute_scaled_error

Y_TRUE = np.array([[1.0, 10.0], [2.0, 20.0], [3.0, 60.0]])
Y_PRED = Y_TRUE + np.array([[1, 4], [-1, 4], [1, -10]])  # mean absolute errors 1 and 6
Y_TRAIN = np.array([[0.0, 0.0], [2.0, 3.0], [0.0, 0.0], [2.0, 3.0]])  # errors of persistence 2 and 3


def test_known_answers():
    assert mean_absolute_scaled_error(Y_TRUE, Y_PRED, y_train=Y_TRAIN) == (1 / 2 + 6 / 3) / 2
    assert mean_absolute_scaled_error(Y_TRUE[:, 1], Y_PRED[:, 1], y_train=Y_TRAIN[:, 1]) == 2
    assert mean_absolute_scaled_error(Y_TRUE[:, 1], Y_PRED[:, 1], y_train=[1, 7, 2, 3, 5], season_length=2) == 6 / (
        8 / 3
    )


@given(st.integers(0, 999), st.integers(1, 6), st.integers(1, 3))
def test_of_the_naive_forecast_on_the_training_series_is_one(seed, season_length, n_targets):
    series = np.random.default_rng(seed).standard_normal((20, n_targets))
    windows = SlidingWindow(season_length).fit_transform(series)[season_length - 1 : -1]
    naive = SeasonalNaive(season_length).fit(windows, series[season_length:])
    errors = mean_absolute_scaled_error(
        series[season_length:],
        naive.predict(windows),
        y_train=series,
        season_length=season_length,
        multioutput="raw_values",
    )
    assert_allclose(errors, np.ones(n_targets))


@given(st.floats(1e-3, 1e3), st.floats(-1e3, 1e3))
def test_has_no_units(scale, shift):
    y_true, y_pred, y_train = (scale * values + shift for values in (Y_TRUE, Y_PRED, Y_TRAIN))
    assert mean_absolute_scaled_error(y_true, y_pred, y_train=y_train) == pytest.approx(1.25, rel=1e-6)


def test_multioutput():
    def error(multioutput):
        return mean_absolute_scaled_error(Y_TRUE, Y_PRED, y_train=Y_TRAIN, multioutput=multioutput)

    assert_allclose(error("raw_values"), [0.5, 2])
    assert error([0.2, 0.8]) == pytest.approx(0.2 * 0.5 + 0.8 * 2)
    with pytest.raises(ValueError, match="equally many custom weights"):
        error([1, 2, 3])
    with pytest.raises(InvalidParameterError, match="multioutput"):
        error("variance_weighted")


def test_each_step_of_a_target_has_the_same_scale():
    y_true, y_pred = np.tile(Y_TRUE, 3), np.hstack([Y_TRUE, Y_PRED, Y_PRED])
    errors = mean_absolute_scaled_error(y_true, y_pred, y_train=Y_TRAIN, multioutput="raw_values")
    assert_allclose(errors, [0, 0, 0.5, 2, 0.5, 2])


def test_sample_weight():
    error = mean_absolute_scaled_error(Y_TRUE[:, 1], Y_PRED[:, 1], y_train=Y_TRAIN[:, 1], sample_weight=[1, 0, 1])
    assert error == (4 + 10) / 2 / 3


def test_missing_values_of_the_training_series_are_left_out():
    y_train = pd.Series([1, None, 3, 4, 6], dtype="Int64")
    assert mean_absolute_scaled_error([0], [3], y_train=y_train) == 3 / 1.5


def test_unsigned_integers():
    assert mean_absolute_scaled_error([0], [3], y_train=np.array([3, 2, 1], dtype=np.uint8)) == 3


@pytest.mark.parametrize(
    ("y_train", "message"),
    [
        (Y_TRAIN[:2], r"y_train has 2 row\(s\), while more than season_length=2 are required"),
        (Y_TRAIN, "undefined"),  # a season of two, exactly
        (np.column_stack([np.arange(9.0), np.ones(9)]), "undefined"),  # one of the targets is constant
        ([1, 2, np.nan, np.nan], "undefined"),
        (np.arange(27.0).reshape(9, 3), r"2 output\(s\), which cannot be steps of the 3 target\(s\)"),
        (np.zeros((9, 2, 2)), "dim 3"),
        ([0, np.inf, 1], "infinity"),
    ],
)
def test_training_series_that_give_no_scale(y_train, message):
    with pytest.raises(ValueError, match=message):
        mean_absolute_scaled_error(Y_TRUE, Y_PRED, y_train=y_train, season_length=2)


def test_invalid_season_length():
    with pytest.raises(InvalidParameterError, match="season_length"):
        mean_absolute_scaled_error(Y_TRUE, Y_PRED, y_train=Y_TRAIN, season_length=0)


@pytest.mark.parametrize("ids", [["a", "b", "c"], [3, 1, 2], ["a", 1, 2.5]], ids=["text", "numbers", "objects"])
def test_of_many_series_it_is_the_mean_over_series(ids, rng):
    codes, train_codes = rng.permutation(np.repeat([0, 1, 2], [4, 6, 5])), rng.permutation(np.repeat([0, 1, 2], 12))
    y_true, y_pred = rng.standard_normal((2, 15, 2))
    y_train, weight = rng.standard_normal((36, 2)).cumsum(axis=0), rng.uniform(0.1, 2, 15)
    ids = pd.Series(ids).to_numpy()
    params = {"season_length": 3, "multioutput": "raw_values"}
    expected = [
        mean_absolute_scaled_error(
            y_true[codes == code],
            y_pred[codes == code],
            y_train=y_train[train_codes == code],
            sample_weight=weight[codes == code],
            **params,
        )
        for code in range(3)
    ]
    of_series = {"y_train": y_train, "groups": ids[codes], "groups_train": ids[train_codes]}
    found = mean_absolute_scaled_error(y_true, y_pred, sample_weight=weight, **of_series, **params)
    assert_allclose(found, np.mean(expected, axis=0))
    without = mean_absolute_scaled_error(y_true, y_pred, sample_weight=weight * (codes > 0), **of_series, **params)
    assert_allclose(without, np.mean(expected[1:], axis=0))


def test_of_a_backtest_of_many_series(rng):
    table = pd.DataFrame({"id": np.repeat(["a", "b"], 40), "v": rng.standard_normal(80).cumsum()})
    X, y = to_supervised(table, target="v", groups="id")
    model = make_pipeline(SlidingWindow(2, groups="id"), SeasonalNaive(1)).fit(X, y)
    result = backtest(model, table, target="v", first_origin=20)
    error = mean_absolute_scaled_error(
        result["truth"], result["prediction"], y_train=table["v"], groups=result["id"], groups_train=table["id"]
    )
    assert 0.5 < error < 1.5


@pytest.mark.parametrize(
    ("groups", "groups_train", "sample_weight", "message"),
    [
        (["a", "a", "b"], None, None, "given together"),
        (None, list("aabb"), None, "given together"),
        (list("aac"), list("aabb"), None, "'c' of groups is not in groups_train"),
        (list("aa"), list("aabb"), None, "inconsistent numbers of samples"),
        (list("aab"), list("aab"), None, "inconsistent numbers of samples"),
        (list("aab"), list("aaab"), None, "Series 'b': y_train has 1 row"),
        (list("aab"), list("aabb"), [0, 0, 0], "positive for some row"),
        (["a", "a", None], list("aabb"), None, "groups has 1 row.s. without an id"),
    ],
)
def test_bad_groups(groups, groups_train, sample_weight, message):
    with pytest.raises(ValueError, match=message):
        mean_absolute_scaled_error(
            Y_TRUE, Y_PRED, y_train=Y_TRAIN, groups=groups, groups_train=groups_train, sample_weight=sample_weight
        )
