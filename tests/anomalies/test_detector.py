import pickle
import tracemalloc
import warnings
from collections import deque
from copy import deepcopy

import numpy as np
import pandas as pd
import pytest
from helpers import assert_rows_alike_alone_and_among_others
from numpy.testing import assert_allclose, assert_array_equal
from sklearn import config_context
from sklearn.base import BaseEstimator, RegressorMixin, clone
from sklearn.exceptions import UnsetMetadataPassedError
from sklearn.linear_model import Ridge
from sklearn.model_selection import GridSearchCV, TimeSeriesSplit
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler

from sklstm import LSTMAnomalyDetector, LSTMForecaster, SeasonalNaive, SlidingWindow
from sklstm._windows import arrays
from sklstm.datasets import make_sine

NAN = np.nan
THOROUGH_ELSEWHERE = pytest.mark.backend(thorough=True)


def flat_ridge(alpha=1.0):
    """Return a linear autoregression on windows, as a pipeline: it takes no weights."""
    return make_pipeline(FunctionTransformer(flatten), Ridge(alpha))


def flatten(windows):
    return windows.reshape(len(windows), -1)


def windows_of(series, window_size=4):
    return SlidingWindow(window_size).fit_transform(series)


@pytest.fixture
def walk(rng):
    """Return a random walk of two features, with steps of different size, and its steps."""
    steps = rng.standard_normal((200, 2)) * [1.0, 50.0]
    return steps.cumsum(axis=0), steps


@pytest.fixture
def persistence():
    return LSTMAnomalyDetector(SeasonalNaive())


def test_scores_are_the_defined_ones(walk, persistence):
    series, steps = walk
    X = windows_of(series)
    detector = persistence.fit(X)
    scale = np.sqrt(np.mean(steps[2:] ** 2, axis=0))
    assert_allclose(detector.error_scale_, scale)
    errors = detector.feature_errors(X)
    assert_allclose(errors[2:], (steps[2:] / scale) ** 2)
    assert_allclose(errors[2:].mean(axis=0), 1)
    scores = detector.score_samples(X)
    assert_allclose(scores[2:], -errors[2:].mean(axis=1))
    assert detector.offset_ == pytest.approx(np.percentile(scores[2:], 1))
    assert_allclose(detector.decision_function(X), scores - detector.offset_)
    assert_array_equal(detector.predict(X)[2:], np.where(scores < detector.offset_, -1, 1)[2:])


@pytest.mark.parametrize(("contamination", "n_anomalies"), [("auto", 2), (0.1, 20), (0.5, 99)])
def test_contamination_is_the_share_of_training_rows(walk, persistence, contamination, n_anomalies):
    X = windows_of(walk[0])[2:]
    labels = persistence.set_params(contamination=contamination).fit_predict(X)
    assert np.sum(labels == -1) == n_anomalies


def test_a_row_on_the_threshold_is_normal(walk, persistence):
    X = windows_of(walk[0])
    persistence.fit(X)
    persistence.offset_ = np.nanmin(persistence.score_samples(X))
    assert_array_equal(persistence.predict(X)[2:], 1)
    still = np.ones((30, 4, 2))
    assert_array_equal(persistence.fit_predict(still), 1)


def test_the_anomaly_is_found_on_the_rows_of_a_raw_series():
    normal, series = make_sine(300), make_sine(300)
    series[200] += 0.5
    forecaster = LSTMForecaster(units=4, epochs=5, random_state=0)
    model = make_pipeline(StandardScaler(), SlidingWindow(10), LSTMAnomalyDetector(forecaster)).fit(normal)
    scores = model.score_samples(series)
    assert scores.shape == (300,)
    assert scores[200] < 10 * scores[5:200].min()
    assert 200 <= np.nanargmin(scores) < 210
    assert_array_equal(model.decision_function(series), scores - model[-1].offset_)
    labels = model.predict(series)
    assert labels[200] == -1
    assert (labels[5:200] == 1).mean() > 0.95
    assert_array_equal(labels[:5], 0)
    assert_array_equal(model.fit_predict(normal), model.predict(normal))


def sensors(rng, n_rows):
    """Return four sensors that follow one hidden swing, each later than the one before and with noise of its own."""
    swing = np.sin(np.arange(n_rows + 9) / 4) + np.sin(np.arange(n_rows + 9) / 11)
    noise = rng.standard_normal((n_rows, 4)) * [0.02, 0.02, 0.02, 0.1]
    return (np.column_stack([swing[9 - 3 * k : 9 - 3 * k + n_rows] for k in range(4)]) + noise) * [1, 10, 100, 1000]


@pytest.mark.parametrize("smoothing", [1, 5])
def test_the_culprit_is_found_where_no_value_is_unusual(rng, smoothing):
    series = sensors(rng, 600)
    normal, faulty = series[:400], series[400:].copy()
    faulty[100:120, 2] = faulty[100, 2]  # stuck at a value that it often has
    forecaster = LSTMForecaster(units=8, epochs=5, random_state=0)
    model = make_pipeline(
        StandardScaler(), SlidingWindow(12), LSTMAnomalyDetector(forecaster, smoothing=smoothing)
    ).fit(normal)
    worst = np.nanargmin(model.score_samples(faulty))
    assert 100 < worst < 125
    errors = model[-1].feature_errors(model[:-1].transform(faulty))
    assert errors[worst].argmax() == 2
    assert errors[worst, 2] > 0.5 * errors[worst].sum()
    assert np.abs(model[0].transform(faulty))[100:120].max() < 2.5


@pytest.mark.parametrize("smoothing", [1, 2, 7, 500])
def test_smoothing_averages_over_the_rows_before(walk, persistence, smoothing):
    series = walk[0].copy()
    series[50] = 1e9  # after which a running sum would have lost the digits of all others
    series[80:90] = NAN
    X = windows_of(series)
    raw = persistence.fit(X).feature_errors(X)
    smooth = persistence.set_params(smoothing=smoothing).feature_errors(X)
    for t in range(len(X)):
        rows = raw[max(t - smoothing + 1, 0) : t + 1]
        expected = [NAN, NAN] if np.isnan(raw[t]).any() else rows[~np.isnan(rows).any(axis=1)].mean(axis=0)
        assert_allclose(smooth[t], expected, rtol=1e-12)


def test_threshold_is_that_of_smoothed_scores(walk):
    X = windows_of(walk[0])[2:]
    detector = LSTMAnomalyDetector(SeasonalNaive(), smoothing=10, contamination=0.1)
    assert np.sum(detector.fit_predict(X) == -1) == 20


@pytest.mark.parametrize("smoothing", [1, 3])
def test_feature_errors_average_up_to_the_score(rng, walk, smoothing):
    series = walk[0].copy()
    series[rng.random(series.shape) < 0.2] = NAN
    X = windows_of(series)
    detector = LSTMAnomalyDetector(SeasonalNaive(), smoothing=smoothing).fit(X)
    errors, scores = detector.feature_errors(X), detector.score_samples(X)
    judged = ~np.isnan(errors).all(axis=1)
    assert not judged.all()
    assert_allclose(scores[judged], -np.nanmean(errors[judged], axis=1))
    assert_array_equal(scores[~judged], NAN)


def test_what_cannot_be_judged(walk, persistence):
    one, two = [1.0, 2.0], [3.0, 100.0]
    nothing, half = [NAN, NAN], [3.0, NAN]
    X = np.array(
        [
            [nothing, one, two],
            [nothing, one, nothing],  # the step itself is missing
            [nothing, nothing, two],  # all before it is missing
            [half, half, two],  # one feature is missing before it
            [nothing, one, half],  # one feature of the step is missing
            [half, [NAN, 2.0], two],  # each feature has a step before it
        ]
    )
    detector = persistence.fit(np.concatenate([windows_of(walk[0], 3), X]))
    full = (np.subtract(two, one) / detector.error_scale_) ** 2
    other = [0, full[1]]  # 3 after 3, 100 after 2
    with pytest.warns(UserWarning, match="^2 of 6 rows cannot be judged"):
        errors = detector.feature_errors(X)
    assert_allclose(errors, [full, nothing, nothing, [0, NAN], [full[0], NAN], other])
    expected = [-full.mean(), NAN, NAN, 0, -full[0], -np.mean(other)]
    assert_allclose(judgement(detector.score_samples, X), expected)
    assert_allclose(judgement(detector.decision_function, X), np.subtract(expected, detector.offset_))
    detector.offset_ = -1e9
    assert_array_equal(judgement(detector.predict, X), [1, 0, 0, 1, 1, 1])
    detector.offset_ = 1.0
    assert_array_equal(judgement(detector.predict, X), [-1, 0, 0, -1, -1, -1])


def judgement(method, X):
    """Return what a method says of rows, and check that it warns once of those that cannot be judged."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        result = method(X)
    (warning,) = caught
    assert warning.category is UserWarning
    for cure in ("carry_over=True", "~np.isnan(scores)"):
        assert cure in str(warning.message)
    return result


@pytest.mark.filterwarnings("error")
def test_neither_a_fit_nor_rows_that_can_be_judged_warn(walk, persistence):
    X = windows_of(walk[0])
    persistence.fit(X)
    window = SlidingWindow(4, carry_over=True).fit(walk[0][:100])
    assert_array_equal(persistence.predict(window.transform(walk[0][100:])), persistence.predict(X[100:]))
    persistence.feature_errors(X[2:])
    X = X[2:].copy()
    X[:, :, 0] = NAN  # one sensor is there
    assert np.isfinite(persistence.score_samples(X)).all()


@pytest.mark.parametrize("smoothing", [1, 5])
@pytest.mark.parametrize("forecaster", ["naive", "ridge", "network"])
def test_a_dead_sensor_blinds_none_of_the_others(rng, tiny, forecaster, smoothing):
    forecaster = {"naive": SeasonalNaive(), "ridge": flat_ridge(), "network": tiny(epochs=5, linear_skip=True)}[
        forecaster
    ]
    series = np.column_stack([np.sin(np.arange(400) / 5), np.cos(np.arange(400) / 9)])
    series += 0.05 * rng.standard_normal(series.shape)
    detector = LSTMAnomalyDetector(forecaster, smoothing=smoothing).fit(windows_of(series[:300], 8)[7:])
    new = series[300:].copy()
    new[60, 1] += 3
    dead = new.copy()
    dead[20:, 0] = NAN
    scores = detector.score_samples(windows_of(dead, 8)[7:])
    errors, expected = (detector.feature_errors(windows_of(rows, 8)[7:]) for rows in (dead, new))
    assert_array_equal(np.isnan(errors), np.isnan(dead[7:]))
    assert_array_equal(scores[13:], -errors[13:, 1])  # the score is that of the sensor that lives
    assert 53 <= scores.argmin() < 53 + 8 + smoothing
    assert detector.predict(windows_of(dead, 8)[7:])[53] == -1
    assert_allclose(errors[:, 1], expected[:, 1], atol=0.1 * expected[:, 1].max())
    assert np.corrcoef(errors[:, 1], expected[:, 1])[0, 1] > 0.99


def test_the_forecaster_sees_what_is_known(rng):
    series = np.cumsum(rng.standard_normal((60, 2)), axis=0)
    weight = np.where(np.arange(60) < 50, 1.0, 3.0)
    gaps = series.copy()
    gaps[[10, 11, 30], 0] = NAN
    gaps[40] = NAN
    detector = LSTMAnomalyDetector(WeightRecorder()).fit(windows_of(gaps, 6), sample_weight=weight)
    rows = np.setdiff1d(np.arange(60), [0, 1, 2, 10, 11, 30, 40])
    assert_array_equal(detector.forecaster_.y_, series[rows])
    mean = np.average(series[rows], axis=0, weights=weight[rows])
    filled = windows_of(gaps, 6)[:, :-1].copy()
    for row in range(60):
        for step in range(5):
            time = row - 5 + step
            if time in (10, 11, 30):
                first = max(time - step, 0)  # the row with which the window begins
                before = series[[t for t in range(first, time) if t not in (10, 11, 30)], 0]
                filled[row, step, 0] = before[-1] if len(before) else mean[0]
    assert_allclose(detector.forecaster_.windows_, filled[rows], rtol=1e-12)
    assert_allclose(detector.forecaster_.sample_weight_ / detector.forecaster_.sample_weight_[0], weight[rows])
    seen = []
    detector.forecaster_.predict = lambda X: (seen.append(X), np.zeros((len(X), 2)))[1]
    detector.feature_errors(windows_of(gaps, 6)[5:])
    assert_allclose(seen[0], filled[5:], rtol=1e-12)


def test_a_row_of_partial_windows_has_one_value(rng, tiny, monkeypatch):
    series = sensors(rng, 120)
    series[rng.random(series.shape) < 0.1] = NAN
    X = windows_of(series, 8)[7:]
    detector = LSTMAnomalyDetector(tiny(linear_skip=True)).fit(X)
    together = detector.feature_errors(X)
    monkeypatch.setattr(arrays, "CHUNK", 7 * 32)
    assert_array_equal(detector.feature_errors(X), together)
    for row in (0, 50, 112):
        assert_array_equal(detector.feature_errors(X[row : row + 1])[0], together[row])
    assert_array_equal(detector.feature_errors(X.copy()), together)


def test_memory_does_not_grow_with_windows_that_are_filled(rng):
    series = rng.standard_normal((20_000, 2))
    detector = LSTMAnomalyDetector(SeasonalNaive()).fit(windows_of(series, 300)[:1000])
    series[5000:9000, 1] = NAN
    X = windows_of(series, 300)[299:]
    tracemalloc.start()
    detector.score_samples(X)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < X.size * X.itemsize / 2


def test_the_first_rows_of_a_series_wait_for_half_a_window(walk, persistence):
    X = windows_of(walk[0], 11)
    errors = persistence.fit(X).feature_errors(X)
    assert_array_equal(np.isnan(errors).all(axis=1), np.arange(200) < 5)
    assert_array_equal(persistence.predict(X)[:5], 0)
    assert set(persistence.predict(X)[5:]) == {-1, 1}
    assert_allclose(persistence.error_scale_, np.sqrt(np.mean(walk[1][5:] ** 2, axis=0)))


def test_incomplete_rows_are_not_trained_on(rng):
    series = np.cumsum(rng.standard_normal((60, 2)), axis=0)
    X = windows_of(series)[3:]
    gappy = np.concatenate([X, X[:9]])
    gappy[-9:-6, :-1] = NAN
    gappy[-6:-3, -1] = NAN
    gappy[-3:, -1, 0] = NAN
    detector, clean = LSTMAnomalyDetector(Recorder()).fit(gappy), LSTMAnomalyDetector(Recorder()).fit(X)
    assert_array_equal(detector.forecaster_.windows_, X[:, :-1])
    assert_array_equal(detector.forecaster_.y_, X[:, -1])
    assert_allclose(detector.error_scale_, clean.error_scale_)
    assert detector.offset_ == clean.offset_


class Recorder(RegressorMixin, BaseEstimator):
    """Predict zeros, and remember what was trained on."""

    def fit(self, X, y):
        self.windows_, self.y_ = X, y
        return self

    def predict(self, X):
        return np.zeros((len(X), *self.y_.shape[1:]))


class WeightRecorder(Recorder):
    def fit(self, X, y, sample_weight=None):
        self.sample_weight_ = sample_weight
        return super().fit(X, y)


def test_the_forecaster_sees_views_of_the_series(rng):
    series = rng.standard_normal((50, 2))
    series[20] = NAN
    X = windows_of(series, 8)
    forecaster = LSTMAnomalyDetector(WeightRecorder()).fit(X).forecaster_
    assert np.shares_memory(forecaster.windows_, X)
    assert forecaster.windows_.shape == (50, 7, 2)
    assert forecaster.windows_.strides == X.strides
    assert_array_equal(np.flatnonzero(forecaster.sample_weight_ == 0), [0, 1, 2, 3, 20])
    assert np.isfinite(forecaster.y_).all()
    assert_array_equal(np.delete(forecaster.y_[4:], 16, axis=0), np.delete(series[4:], 16, axis=0))


def test_memory_does_not_grow_with_windows_nor_smoothing(rng):
    X = windows_of(rng.standard_normal((20_000, 1)), 1000)
    detector = LSTMAnomalyDetector(SeasonalNaive(), smoothing=1000)
    tracemalloc.start()
    detector.fit(X).score_samples(X)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < X.size * X.itemsize / 4


def test_two_dimensions_are_one_feature_a_step(rng):
    series = np.cumsum(rng.standard_normal((100, 1)), axis=0)
    X = windows_of(series, 5)[4:]
    table = X[:, :, 0]
    detector = LSTMAnomalyDetector(Ridge()).fit(table)
    assert detector.n_features_in_ == 5
    assert detector.n_steps_in_ == 5
    assert detector.forecaster_.n_features_in_ == 4
    assert detector.forecaster_.coef_.shape == (4,)  # of a target with one dimension
    expected = LSTMAnomalyDetector(flat_ridge()).fit(X)
    assert_allclose(detector.score_samples(table), expected.score_samples(X))
    assert detector.feature_errors(table).shape == (96, 1)


def test_weights_go_to_the_forecaster_and_the_scale(walk):
    series, steps = walk
    X, weight = windows_of(series), np.arange(200.0) % 4
    detector = LSTMAnomalyDetector(WeightRecorder()).fit(X, sample_weight=weight)
    weight[:2] = 0  # rows without a past
    assert_allclose(detector.forecaster_.sample_weight_ / detector.forecaster_.sample_weight_[5], weight)
    assert_allclose(detector.error_scale_, np.sqrt(np.average(series**2, axis=0, weights=weight)))
    persistence = LSTMAnomalyDetector(SeasonalNaive()).fit(X, sample_weight=weight)
    assert_allclose(persistence.error_scale_, np.sqrt(np.average(steps**2, axis=0, weights=weight)))


class MoodRecorder(WeightRecorder):
    """Take a value for each row, and a setting."""

    def fit(self, X, y, sample_weight=None, mood=None, colour=None):
        self.mood_, self.colour_ = mood, colour
        return super().fit(X, y, sample_weight)


@pytest.fixture
def routing():
    with config_context(enable_metadata_routing=True):
        yield


def requested(router, *path):
    """Return what is requested for fits, following a path of objects inside routers."""
    for name in path:
        router = getattr(router, "_route_mappings", {})[name].router
    return (router._self_request if hasattr(router, "_self_request") else router).fit.requests


@pytest.mark.usefixtures("routing")
def test_weights_that_the_forecaster_requests_arrive(walk):
    X, weight = windows_of(walk[0]), np.arange(200.0) % 4
    forecaster = WeightRecorder().set_fit_request(sample_weight=True)
    detector = LSTMAnomalyDetector(forecaster).fit(X, sample_weight=weight)
    weight[:2] = 0  # rows without a past
    assert_allclose(detector.forecaster_.sample_weight_ / detector.forecaster_.sample_weight_[5], weight)
    assert_allclose(detector.error_scale_, np.sqrt(np.average(walk[0] ** 2, axis=0, weights=weight)))


@pytest.mark.usefixtures("routing")
def test_weights_that_the_forecaster_does_not_request_are_for_the_detector(walk):
    X, weight = windows_of(walk[0]), np.arange(200.0) % 4
    detector = LSTMAnomalyDetector(WeightRecorder().set_fit_request(sample_weight=False)).fit(X, sample_weight=weight)
    weight[:2] = 0
    assert_allclose(detector.forecaster_.sample_weight_, weight > 0)
    assert_allclose(detector.error_scale_, np.sqrt(np.average(walk[0] ** 2, axis=0, weights=weight)))


@pytest.mark.usefixtures("routing")
def test_weights_that_a_step_of_the_forecaster_requests_arrive(walk):
    X, weight = windows_of(walk[0])[3:], 1.0 + np.arange(197) % 3
    X = X.copy()
    X[5, -1] = NAN  # this row is left out, and its weight
    forecaster = make_pipeline(FunctionTransformer(flatten), Ridge().set_fit_request(sample_weight=True))
    detector = LSTMAnomalyDetector(forecaster).fit(X, sample_weight=weight)
    rows = np.delete(np.arange(197), 5)
    expected = Ridge().fit(flatten(X[rows, :-1]), X[rows, -1], weight[rows] / weight.mean())
    assert_allclose(detector.forecaster_[-1].coef_, expected.coef_, rtol=1e-4)
    assert np.abs(detector.forecaster_[-1].coef_ - Ridge().fit(flatten(X[rows, :-1]), X[rows, -1]).coef_).max() > 1e-3


@pytest.mark.usefixtures("routing")
def test_weights_of_the_forecaster_alone(walk):
    X, weight = windows_of(walk[0]), 1.0 + np.arange(200) % 4
    forecaster = WeightRecorder().set_fit_request(sample_weight="its_weight")
    detector = LSTMAnomalyDetector(forecaster).fit(X, its_weight=weight)
    assert_allclose(detector.forecaster_.sample_weight_, np.where(np.arange(200) < 2, 0, weight / weight.mean()))
    assert_allclose(detector.error_scale_, np.sqrt(np.mean(walk[0][2:] ** 2, axis=0)))


@pytest.mark.parametrize("gaps", [False, True])
@pytest.mark.usefixtures("routing")
def test_other_metadata_arrives(walk, gaps):
    series = walk[0].copy()
    series[50, 0] = NAN if gaps else 0  # the windows after it are filled, and copied without those that do not train
    forecaster = MoodRecorder().set_fit_request(mood=True, colour=True)
    detector = LSTMAnomalyDetector(forecaster).fit(windows_of(series), mood=np.arange(200), colour="red")
    rows = np.setdiff1d(np.arange(200), [0, 1, 50]) if gaps else np.arange(200)
    assert_array_equal(detector.forecaster_.mood_, rows)
    assert_array_equal(detector.forecaster_.y_[-9:], series[-9:])
    assert len(detector.forecaster_.y_) == len(rows)
    assert detector.forecaster_.colour_ == "red"


@pytest.mark.parametrize(
    ("forecaster", "metadata", "error"),
    [
        (SeasonalNaive(), {"sample_weight": np.ones(200)}, UnsetMetadataPassedError),
        (MoodRecorder(), {"mood": np.ones(200)}, UnsetMetadataPassedError),
        (flat_ridge(), {"sample_weight": np.ones(200)}, UnsetMetadataPassedError),
        (SeasonalNaive(), {"mood": 1}, TypeError),
    ],
)
@pytest.mark.usefixtures("routing")
def test_metadata_that_nobody_requests(walk, forecaster, metadata, error):
    (name,) = metadata
    with pytest.raises(error, match=name):
        LSTMAnomalyDetector(forecaster).fit(windows_of(walk[0]), **metadata)


def test_metadata_without_routing(walk, persistence):
    with pytest.raises(ValueError, match=r"only supported if enable_metadata_routing=True.*mood"):
        persistence.fit(windows_of(walk[0]), mood=1)


@pytest.mark.usefixtures("routing")
def test_requests_of_the_forecaster_are_seen_from_outside(walk):
    forecaster = MoodRecorder().set_fit_request(sample_weight=True, mood="temper")
    detector = LSTMAnomalyDetector(forecaster).set_fit_request(sample_weight=True)
    router = detector.get_metadata_routing()
    assert requested(router) == {"sample_weight": True}
    assert requested(router, "forecaster") == {"sample_weight": True, "mood": "temper", "colour": None}
    assert router.consumes("fit", {"sample_weight", "temper", "mood"}) == {"sample_weight", "temper"}
    assert requested(LSTMAnomalyDetector().get_metadata_routing(), "forecaster")["sample_weight"] is None

    weight, series = 1.0 + np.arange(200) % 4, walk[0]
    pipeline = make_pipeline(SlidingWindow(4), detector).fit(series, sample_weight=weight, temper=np.arange(200))
    assert_array_equal(pipeline[-1].forecaster_.mood_, np.arange(200))
    assert_allclose(pipeline[-1].forecaster_.sample_weight_, np.where(np.arange(200) < 2, 0, weight / weight.mean()))
    search = GridSearchCV(pipeline, {"lstmanomalydetector__smoothing": [1, 3]}, scoring=spread, cv=TimeSeriesSplit(3))
    search.fit(series, sample_weight=weight, temper=np.arange(200))
    assert_array_equal(search.best_estimator_[-1].forecaster_.mood_, np.arange(200))
    assert search.best_params_ == {"lstmanomalydetector__smoothing": 3}


def spread(model, X, y=None):
    return -np.nanstd(model.score_samples(X))


def test_rows_of_weight_zero_count_as_none(walk):
    X = windows_of(walk[0])[3:]
    spoilt, weight = X.copy(), np.ones(len(X))
    spoilt[::10] *= 1000
    weight[::10] = 0
    detector = LSTMAnomalyDetector(Ridge())
    flat = X[:, :, 0]
    removed = clone(detector).fit(np.delete(flat, np.s_[::10], axis=0))
    weighted = clone(detector).fit(spoilt[:, :, 0], sample_weight=weight)
    assert_allclose(weighted.error_scale_, removed.error_scale_)
    assert weighted.offset_ == pytest.approx(removed.offset_)
    assert_allclose(weighted.score_samples(flat), removed.score_samples(flat))


class Persistence(RegressorMixin, BaseEstimator):
    """Forecasts the latest values, as a view."""

    def fit(self, X, y):
        return self

    def predict(self, X):
        return X[:, -1]


@pytest.mark.backend
@pytest.mark.parametrize("smoothing", [*(pytest.param(n, marks=THOROUGH_ELSEWHERE) for n in (1, 2)), 9])
@pytest.mark.parametrize("n_features", [pytest.param(1, marks=THOROUGH_ELSEWHERE), 9])
@pytest.mark.parametrize(
    "forecaster", [Persistence(), LSTMForecaster(5, epochs=1, random_state=0)], ids=["view", "LSTM"]
)
def test_a_row_is_scored_alike_alone_and_among_others(rng, smoothing, n_features, forecaster):
    series = (2 + rng.standard_normal((80, n_features)).cumsum(axis=0)).astype(np.float32).astype(float)
    X = windows_of(series)[3:]
    detector = LSTMAnomalyDetector(forecaster, smoothing=smoothing).fit(X)
    for method in (detector.feature_errors, detector.score_samples, detector.decision_function):
        assert_rows_alike_alone_and_among_others(method, X, smoothing - 1)


@pytest.mark.parametrize("smoothing", [1, 4])
def test_streaming_needs_no_more_than_the_last_rows(rng, smoothing):
    series = sensors(rng, 160)
    window_size = 6
    forecaster = LSTMForecaster(units=4, epochs=2, random_state=0)
    model = make_pipeline(
        StandardScaler(), SlidingWindow(window_size), LSTMAnomalyDetector(forecaster, smoothing=smoothing)
    ).fit(series[:120])
    known = model.score_samples(series)
    latest = deque(series[100:120], maxlen=window_size + smoothing - 1)
    for t in range(120, 160):
        latest.append(series[t])
        assert model.score_samples(np.array(latest))[-1] == pytest.approx(known[t], rel=1e-3)


@pytest.mark.parametrize("constant", [0.0, 5.0, 0.1, -1e6, 1e-6, 1e-30])
@pytest.mark.parametrize("forecaster", [SeasonalNaive(), flat_ridge()], ids=["naive", "ridge"])
@pytest.mark.parametrize("n_others", [0, 1, 2])
def test_any_move_of_a_sensor_that_never_moved_is_an_anomaly(rng, forecaster, constant, n_others):
    series = np.column_stack([np.full(100, constant), 20 * rng.standard_normal((100, n_others))])
    X = windows_of(series)[3:]
    detector = LSTMAnomalyDetector(forecaster).fit(X)
    scale = 2.0**-23 * abs(constant) if constant else 2.0**-126
    assert detector.error_scale_[0] == pytest.approx(scale, rel=1e-12)
    assert_array_equal(detector.feature_errors(X)[:, 0], 0)
    move = 1e-4 * abs(constant) or 1e-9
    series[70, 0] += move
    moved = windows_of(series)[3:]
    errors, scores = detector.feature_errors(moved), detector.score_samples(moved)
    assert errors[67, 0] == pytest.approx((move / scale) ** 2, rel=1e-6)
    assert scores[67] == pytest.approx(-errors[67, 0] / (1 + n_others), rel=1e-3)
    assert detector.predict(moved)[67] == -1
    assert np.isfinite(errors).all()


@pytest.mark.parametrize("constant", [0.0, 0.1, 1e6])
@pytest.mark.parametrize("alpha", [1e-9, 1.0])
def test_rounding_of_the_forecast_is_no_anomaly(constant, alpha):
    series = np.full((100, 3), constant)
    detector = LSTMAnomalyDetector(flat_ridge(alpha)).fit(windows_of(series, 9)[8:])
    detector.forecaster_[-1].intercept_ = detector.forecaster_[-1].intercept_ * (1 + 1e-8)  # as another processor may
    for n_rows in (9, 10, 40):  # a row alone, and others: a product of matrices rounds by their number
        assert_array_equal(detector.predict(windows_of(series[:n_rows], 9)[8:]), 1)


def test_a_network_knows_a_sensor_that_never_moved(tiny):
    series = np.column_stack([make_sine(200), np.full(200, 5.0)])
    detector = LSTMAnomalyDetector(tiny(linear_skip=True)).fit(windows_of(series, 6)[5:])
    series[150, 1] = 5.001
    moved = windows_of(series, 6)[5:]
    assert detector.error_scale_[1] == pytest.approx(5 * 2.0**-23)
    assert detector.predict(moved)[145] == -1
    assert_array_equal(np.flatnonzero(detector.feature_errors(moved)[:, 1]), [145])


def test_the_largest_move_has_a_finite_score(persistence):
    series = np.zeros((60, 2))
    persistence.fit(windows_of(series))
    series[30] = np.finfo(np.float32).max
    assert np.isfinite(persistence.score_samples(windows_of(series)[3:])).all()


def test_default_forecaster(rng):
    X = windows_of(np.cumsum(rng.standard_normal((60, 1)), axis=0))
    detector = LSTMAnomalyDetector().fit(X)
    assert detector.forecaster is None
    assert detector.forecaster_.get_params() == LSTMForecaster(random_state=0).get_params()
    assert_array_equal(detector.score_samples(X), clone(detector).fit(X).score_samples(X))


def test_the_given_forecaster_stays_unfitted(walk, persistence):
    persistence.fit(windows_of(walk[0]))
    assert not hasattr(persistence.forecaster, "n_steps_in_")


@pytest.mark.parametrize(
    "duplicate", [deepcopy, lambda detector: pickle.loads(pickle.dumps(detector))], ids=["deepcopy", "pickle"]
)
def test_copies_score_alike(tiny, walk, duplicate):
    X = windows_of(walk[0])
    detector = LSTMAnomalyDetector(tiny()).fit(X)
    assert_array_equal(duplicate(detector).score_samples(X), detector.score_samples(X))
    assert_array_equal(clone(detector).fit(X).score_samples(X), detector.score_samples(X))


@pytest.mark.parametrize(
    ("X", "sample_weight", "message"),
    [
        (np.ones((5, 1)), None, r"1 feature\(s\) \(shape=\(5, 1\)\) while a minimum of 2 is required"),
        (np.ones((5, 1, 3)), None, r"1 step\(s\) \(shape=\(5, 1, 3\)\) while a minimum of 2 is required"),
        (np.full((5, 3, 2), NAN), None, "Drop or fill the features that are missing most"),
        (np.full((5, 3, 3), [NAN, 1, NAN]), None, r"Drop or fill features 0 and 2 of X \(counted from 0\)\.$"),
        (np.ones((5, 3, 2)), np.zeros(5), "at least one non-zero"),
        (np.ones((5, 3, 2)), np.ones(5), "does not support sample weights"),
        (np.full((5, 3, 2), np.inf), None, "contains infinity"),
    ],
)
def test_what_cannot_be_fitted(rng, X, sample_weight, message):
    detector = LSTMAnomalyDetector(flat_ridge() if message.startswith("does") else SeasonalNaive())
    detector.fit(rng.standard_normal((9, 4, 2)))
    before = dict(vars(detector))
    with pytest.raises(ValueError, match=message):
        detector.fit(X, sample_weight=sample_weight)
    assert vars(detector) == before


@pytest.mark.parametrize(
    ("X", "message"),
    [
        (np.ones((5, 4)), "2 dimensions, but LSTMAnomalyDetector is expecting 3"),
        (np.ones((5, 4, 3)), "3 features, but LSTMAnomalyDetector is expecting 2"),
        (np.ones((5, 3, 2)), "3 steps, but LSTMAnomalyDetector is expecting 4"),
    ],
)
def test_windows_are_like_those_of_the_fit(walk, persistence, X, message):
    persistence.fit(windows_of(walk[0]))
    with pytest.raises(ValueError, match=message):
        persistence.score_samples(X)


@pytest.mark.parametrize("offset", [0.0, 1e6, -1e9])
def test_an_offset_hides_no_anomaly(rng, offset):
    """A float64 forecast of pressures in pascals, say, is not rounded to float32."""
    series = 0.02 * rng.standard_normal(300)
    series[250] += 0.2
    X = SlidingWindow(4).fit_transform((offset + series)[:, np.newaxis])
    detector = LSTMAnomalyDetector(SeasonalNaive()).fit(X[:200])
    assert detector.predict(X[250:251]) == -1
    assert detector.score_samples(X[250:251]) < 10 * detector.offset_ < 0


def test_smoothing_over_several_series_is_refused(rng):
    table = pd.DataFrame({"store": ["a", "b"] * 20, "demand": rng.standard_normal(40)})
    detector = LSTMAnomalyDetector(LSTMForecaster(2, n_networks=1, epochs=1), smoothing=3)
    model = make_pipeline(SlidingWindow(5, groups="store"), detector)
    with pytest.raises(ValueError, match="smoothing=3 averages over the rows of one series, but X has windows of 2"):
        model.fit(table)
    model.fit(table[table["store"] == "a"])
