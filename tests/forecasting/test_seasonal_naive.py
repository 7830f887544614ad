import pickle
from math import ceil

import numpy as np
import pandas as pd
import pytest
from helpers import assert_rows_alike_alone_and_among_others
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_array_equal
from sklearn.base import clone
from sklearn.linear_model import Ridge
from sklearn.metrics import make_scorer
from sklearn.model_selection import GridSearchCV, TimeSeriesSplit
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler

from sklstm import LSTMForecaster, SeasonalNaive, SlidingWindow, forecast, to_supervised
from sklstm.datasets import load_airline
from sklstm.metrics import mean_absolute_scaled_error

WINDOW = np.array([[1.0, 2.0, 3.0, 4.0, 5.0]])
NAN = np.nan


def defined_forecast(window, n_ahead, season_length, mean):
    """Return the forecast of one target as it is defined, a step at a time; `mean` holds that of each output."""
    last, forecast = len(window) - 1, []
    for k in range(1, n_ahead + 1):
        wanted = last + k - season_length * ceil(k / season_length)
        earlier = [window[step] for step in range(wanted, -1, -season_length)]
        latest = list(window[::-1])
        forecast.append(next((value for value in earlier + latest if not np.isnan(value)), mean[k - 1]))
    return forecast


@given(st.data(), st.integers(1, 7), st.integers(1, 3), st.integers(1, 9), st.sampled_from([np.float32, np.float64]))
def test_forecast_is_the_defined_one(data, n_steps, n_targets, n_ahead, dtype):
    season_length = data.draw(st.integers(1, n_steps))
    rng = np.random.default_rng(data.draw(st.integers(0, 999)))
    X = rng.standard_normal((5, n_steps, n_targets)).astype(dtype)
    X[rng.random(X.shape) < data.draw(st.sampled_from([0.0, 0.5, 1.0]))] = NAN
    y = rng.standard_normal((5, n_ahead * n_targets))
    predicted = SeasonalNaive(season_length).fit(X, y).predict(X)
    assert predicted.dtype == np.float64
    steps, mean = predicted.reshape(5, n_ahead, n_targets), y.mean(axis=0).reshape(n_ahead, n_targets)
    for row in range(5):
        for target in range(n_targets):
            expected = defined_forecast(X[row, :, target], n_ahead, season_length, mean[:, target])
            np.testing.assert_allclose(steps[row, :, target], expected)


@pytest.mark.parametrize(
    ("season_length", "expected"), [(1, [5, 5, 5, 5]), (2, [4, 5, 4, 5]), (3, [3, 4, 5, 3]), (5, [1, 2, 3, 4])]
)
def test_the_last_season_repeats(season_length, expected):
    assert_array_equal(SeasonalNaive(season_length).fit(WINDOW, np.zeros((1, 4))).predict(WINDOW), [expected])


@pytest.mark.parametrize(
    ("window", "expected"),
    [
        ([1, 2, 3, NAN, 5], [2, 5]),  # a season earlier
        ([1, NAN, 3, NAN, 5], [5, 5]),  # no season has it: the latest value
        ([NAN, NAN, NAN, 4, NAN], [4, 4]),  # the latest value may be one season before another step
        ([NAN, NAN, NAN, NAN, NAN], [10, 20]),  # nothing at all: the mean of the output
    ],
)
def test_missing_values(window, expected):
    naive = SeasonalNaive(2).fit(WINDOW, [[10, 20]])
    assert_array_equal(naive.predict([window]), [expected])


def test_mean_is_weighted():
    X, y = np.full((3, 2), NAN), [1.0, 2.0, 9.0]
    assert_array_equal(SeasonalNaive().fit(X, y, sample_weight=[3, 1, 0]).predict(X), [1.25] * 3)


def test_rows_whose_target_is_missing_do_not_count():
    X, y = np.full((4, 2, 1), NAN), np.array([[1.0, 10.0], [2.0, NAN], [3.0, 30.0], [NAN, 4.0]])
    assert_array_equal(SeasonalNaive().fit(X, y).predict(X)[0], [2, 20])
    assert SeasonalNaive().fit(X, y, sample_weight=[3, 1, 1, 1]).predict(X)[0] == pytest.approx([1.5, 15])
    with pytest.raises(ValueError, match="NaN in every row"):
        SeasonalNaive().fit(X, np.full((4, 2), NAN))


def test_targets():
    X = np.arange(6.0).reshape(1, 2, 3)
    assert_array_equal(SeasonalNaive().fit(X, np.zeros((1, 3))).predict(X), [[3, 4, 5]])
    assert_array_equal(SeasonalNaive(target=1).fit(X, [0]).predict(X), [4])
    assert_array_equal(SeasonalNaive(2, target=[2, 0]).fit(X, np.zeros((1, 4))).predict(X), [[2, 0, 5, 3]])


@pytest.mark.parametrize("shape", [(4,), (4, 1), (4, 3)])
def test_predictions_have_the_dimensions_of_y(rng, shape):
    X = rng.standard_normal((4, 5))
    assert SeasonalNaive().fit(X, np.zeros(shape)).predict(X).shape == shape


@pytest.mark.parametrize(
    ("params", "n_outputs", "message"),
    [
        ({"season_length": 3}, 2, r"windows of 2 step\(s\), while at least season_length=3"),
        ({}, 3, r"3 output\(s\), which cannot be steps of 2 target\(s\)"),
        ({"target": 2}, 1, "target must name"),
        ({"target": [0, 0]}, 2, "target must name"),
        ({"target": []}, 2, "target must name"),
    ],
)
def test_what_cannot_be_fitted(params, n_outputs, message):
    X = np.zeros((4, 2, 2))
    naive = SeasonalNaive().fit(X, np.zeros((4, 2)))
    before = dict(vars(naive))
    with pytest.raises(ValueError, match=message):
        naive.set_params(**params).fit(X, np.ones((4, n_outputs)))
    assert vars(naive) == before | params


@pytest.mark.parametrize("horizon", [1, 5, 12])
def test_forecast_repeats_the_last_season(horizon):
    series = load_airline(as_frame=True).data
    model = make_pipeline(SlidingWindow(24), SeasonalNaive(12)).fit(*to_supervised(series, horizon))
    predicted = forecast(model, series, steps=30)
    assert_array_equal(predicted, np.tile(series[-12:], (3, 1))[:30])
    assert str(predicted.index[0]) == "1961-01"


def test_forecast_of_one_column_among_others(rng):
    series = rng.standard_normal((20, 2))
    X, y = to_supervised(series, target=1)
    model = make_pipeline(SlidingWindow(4), SeasonalNaive(3, target=1)).fit(X, y)
    predicted = forecast(model, series, steps=5, target=1, future=np.zeros((5, 1)))
    assert_array_equal(predicted[:, 0], series[[17, 18, 19, 17, 18], 1])


def test_copies_predict_alike(windows):
    X, y = windows
    naive = SeasonalNaive(2, target=0).fit(X, y)
    assert_array_equal(pickle.loads(pickle.dumps(naive)).predict(X), naive.predict(X))
    assert_array_equal(clone(naive).fit(X, y).predict(X), naive.predict(X))


def test_search_over_kinds_of_models():
    series = load_airline().data
    X, y = to_supervised(series)
    pipeline = Pipeline(
        [("scale", StandardScaler()), ("window", SlidingWindow(12, carry_over=True)), ("model", Ridge())]
    )
    grid = [
        {"scale": ["passthrough"], "model": [SeasonalNaive()], "model__season_length": [1, 12]},
        {"window__flatten": [True], "window__pad": ["edge"], "model": [Ridge()]},
        {"model": [LSTMForecaster(units=2, epochs=1, random_state=0)]},
    ]
    scorer = make_scorer(mean_absolute_scaled_error, y_train=series[:100], season_length=12, greater_is_better=False)
    folds = TimeSeriesSplit(2)
    search = GridSearchCV(pipeline, grid, scoring=scorer, cv=folds, error_score="raise").fit(X, y)
    scores = -search.cv_results_["mean_test_score"]
    assert not isinstance(search.best_estimator_["model"], SeasonalNaive)
    scale = np.abs(series[12:100] - series[:88]).mean()
    for score, season_length in zip(scores, [1, 12], strict=False):
        errors = [np.abs(series[test + 1] - series[test + 1 - season_length]).mean() for _, test in folds.split(X)]
        assert score == pytest.approx(np.mean(errors) / scale)
    assert np.isfinite(scores).all()


def test_a_row_is_predicted_alike_alone_and_among_others(windows, rng):
    X = windows[0].astype(np.float32)
    naive = SeasonalNaive(2).fit(X, rng.standard_normal((40, 6)))
    assert_rows_alike_alone_and_among_others(naive.predict, X)


def test_names_of_one_target_refuse_two_features():
    table = pd.DataFrame({"sales": np.arange(20.0), "price": 1.0})
    X, y = to_supervised(table, 4, target="sales")
    with pytest.raises(ValueError, match=r"2 target\(s\): its names are those of 1. Pass the positions .* target=0"):
        make_pipeline(SlidingWindow(4), SeasonalNaive()).fit(X, y)
    make_pipeline(SlidingWindow(4), SeasonalNaive(target=0)).fit(X, y)
    make_pipeline(SlidingWindow(4), SeasonalNaive()).fit(*to_supervised(table, 4))


def test_a_column_may_be_called_as_a_step_is():
    table = pd.DataFrame({"dance_step1": np.arange(30.0), "z": np.arange(30.0)})
    model = make_pipeline(SlidingWindow(3), SeasonalNaive()).fit(*to_supervised(table))
    assert_array_equal(model.predict(table)[-1], [29, 29])
