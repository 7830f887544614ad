"""The threshold from calibration rows: what it states of new normal rows, and what it is learnt from."""

import pickle
import warnings
from fractions import Fraction

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal
from sklearn import config_context
from sklearn.base import BaseEstimator, RegressorMixin, clone
from sklearn.linear_model import Ridge
from sklearn.model_selection import GridSearchCV, TimeSeriesSplit
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler

from sklstm import LSTMAnomalyDetector, SeasonalNaive, SlidingWindow
from sklstm._anomalies.detector import _least_calibration_rows

NAN = np.nan


def flatten(windows):
    return windows.reshape(len(windows), -1)


def flat_ridge():
    return make_pipeline(FunctionTransformer(flatten), Ridge(1e-3))


def windows_of(series, window_size=4):
    return SlidingWindow(window_size).fit_transform(series)


class Zeros(RegressorMixin, BaseEstimator):
    """Predict zeros, and remember what was trained on."""

    def fit(self, X, y):
        self.windows_, self.y_ = X, y
        return self

    def predict(self, X):
        return np.zeros((len(X), *self.y_.shape[1:]))


class WeightedZeros(Zeros):
    def fit(self, X, y, sample_weight=None, mood=None):
        self.sample_weight_, self.mood_ = sample_weight, mood
        return super().fit(X, y)


def of_last_steps(values):
    """Return windows of two steps of one feature, whose last steps have some values."""
    return np.column_stack([np.zeros(len(values)), values])[:, :, np.newaxis]


def test_threshold_and_p_values_are_the_defined_ones():
    train, calibration = [1.0, -1.0] * 8, [4.0, -1.0, 2.0, 3.0]
    detector = LSTMAnomalyDetector(Zeros(), false_positive_rate=0.2).fit(of_last_steps(train + calibration))
    assert_allclose(detector.error_scale_, 1)
    assert_array_equal(detector.forecaster_.y_, train)
    assert_allclose(detector.calibration_scores_, [-16, -1, -4, -9])
    assert detector.offset_ == -16
    new = of_last_steps([0.0, 1.5, 4.0, 4.1])
    assert_allclose(detector.p_values(new), [1, 0.8, 0.4, 0.2])
    assert_array_equal(detector.predict(new), [1, 1, 1, -1])
    detector.set_params(false_positive_rate=0.4).fit(of_last_steps(train + calibration))
    assert detector.offset_ == -9
    assert_array_equal(detector.predict(new), [1, 1, -1, -1])


def test_without_a_rate_there_is_no_calibration():
    X = of_last_steps(np.arange(20.0))
    detector = LSTMAnomalyDetector(Zeros()).fit(X)
    assert detector.calibration_scores_ is None
    assert not hasattr(detector, "p_values")
    with pytest.raises(AttributeError, match="no attribute 'p_values'") as caught:
        detector.p_values(X)
    assert "pass false_positive_rate" in str(caught.value.__cause__)
    detector.set_params(false_positive_rate=0.5)  # the fit has none yet
    assert not hasattr(detector, "p_values")
    assert hasattr(clone(detector), "p_values")
    detector.fit(X).set_params(false_positive_rate=None)
    assert_allclose(detector.p_values(X[-4:]), [1, 0.8, 0.6, 0.4])
    assert detector.fit(X).calibration_scores_ is None


@given(
    st.lists(st.integers(0, 5), min_size=1, max_size=40),
    st.one_of(
        st.floats(0.001, 0.999),
        st.sampled_from([0.01, 0.05, 0.1, 0.07, 0.2, 0.25, 0.5, 1 - 0.9, 1 - 0.8, 1 - 1e-12]),
        st.tuples(st.integers(1, 40), st.integers(2, 41)).map(lambda pair: min(pair) / max(pair) * (1 - 1e-16)),
    ).filter(lambda rate: rate < 1),
)
def test_rows_are_flagged_whose_p_value_is_within_the_rate(calibration, rate):
    """However many calibration scores are equal."""
    X = of_last_steps([1.0] * 9 * len(calibration) + calibration)
    detector = LSTMAnomalyDetector(Zeros(), false_positive_rate=rate, calibration_fraction=0.0999)
    if 1 / (1 + len(calibration)) > rate:
        with pytest.raises(ValueError, match="number of calibration rows"):
            detector.fit(X)
        return
    detector.fit(X)
    assert len(detector.calibration_scores_) == len(calibration)
    new = of_last_steps(np.arange(-1, 7, 0.5))
    flagged = detector.p_values(new) <= rate
    assert_array_equal(detector.predict(new), np.where(flagged, -1, 1))
    assert_array_equal(detector.decision_function(new) < 0, flagged)


@given(st.one_of(st.floats(1e-6, 1, exclude_max=True), st.integers(2, 10_000).map(lambda n: 1 / n)))
def test_least_number_of_calibration_rows(rate):
    n_rows = _least_calibration_rows(rate)
    assert 1 / (n_rows + 1) <= rate < 1 / n_rows


def test_least_number_of_the_usual_rates():
    rates = [0.5, 0.1, 0.05, 0.01, 0.001, 1 / 49]
    assert [_least_calibration_rows(rate) for rate in rates] == [1, 9, 19, 99, 999, 48]
    assert _least_calibration_rows(np.float32(0.5)) == 1
    assert _least_calibration_rows(1e-320) >= 1 / Fraction(1e-320) - 2


def autoregressive(rng, n_rows):
    """Return three series that depend on their own and each other's last values, with errors of heavy tails."""
    coefficients = np.array([[0.6, 0.2, 0.0], [-0.3, 0.5, 0.1], [0.0, 0.4, 0.3]])
    noise = rng.standard_t(5, (n_rows + 50, 3)) * [1.0, 10.0, 0.1]
    series = np.zeros_like(noise)
    for t in range(1, len(noise)):
        series[t] = coefficients @ series[t - 1] + noise[t]
    return series[50:]


def independent(rng, n_rows):
    return rng.standard_exponential((n_rows, 3))


@pytest.mark.parametrize("rate", [0.01, 0.05, 0.1])
@pytest.mark.parametrize("missing", [0.0, 0.1])
@pytest.mark.parametrize("process", [independent, autoregressive])
def test_the_rate_holds_on_new_normal_rows(process, missing, rate):
    """Although the forecaster has seventy-five coefficients for each of its targets and 320 rows to learn them."""
    found = []
    for seed in range(20):
        rng = np.random.default_rng(seed)
        series = process(rng, 1400)
        series[rng.random(series.shape) < [0, missing, missing]] = NAN
        X = windows_of(series, 26)[25:]
        detector = LSTMAnomalyDetector(flat_ridge(), false_positive_rate=rate, calibration_fraction=0.4)
        labels = detector.fit(X[:540]).predict(X[540:])
        found.append((labels == -1).sum() / (labels != 0).sum())
    n_calibration = len(detector.calibration_scores_)
    deviation = np.sqrt(rate * (1 - rate) * (1 / n_calibration + 1 / 800) / len(found))
    expected = np.floor(rate * (n_calibration + 1)) / (n_calibration + 1)
    assert abs(np.mean(found) - expected) < 4 * deviation


def test_the_rate_of_training_rows_does_not_hold(rng):
    """Which the calibration rows are for."""
    X = windows_of(independent(rng, 1400), 26)[25:]
    labels = LSTMAnomalyDetector(flat_ridge(), contamination=0.05).fit(X[:540]).predict(X[540:])
    assert (labels == -1).mean() > 0.065


def test_the_rate_holds_for_averages_over_rows():
    found = []
    for seed in range(20):
        X = windows_of(autoregressive(np.random.default_rng(seed), 2400), 16)[15:]
        detector = LSTMAnomalyDetector(flat_ridge(), false_positive_rate=0.1, calibration_fraction=0.5, smoothing=10)
        found.append((detector.fit(X[:1000]).predict(X[1000:]) == -1).mean())
    assert abs(np.mean(found) - 0.1) < 0.02


@pytest.mark.parametrize("fraction", [0.1, 0.2, 0.5])
@pytest.mark.parametrize("smoothing", [1, 5])
def test_calibration_rows_are_the_last_ones(rng, fraction, smoothing):
    series = rng.standard_normal((103, 2))
    X = windows_of(series)
    detector = LSTMAnomalyDetector(
        WeightedZeros(), false_positive_rate=0.1, calibration_fraction=fraction, smoothing=smoothing
    ).fit(X)
    n_calibration = int(np.ceil(fraction * 101))  # the first two rows cannot be judged
    n_train = 103 - n_calibration - (smoothing - 1)
    assert_array_equal(detector.forecaster_.y_, series[2:n_train])
    assert_array_equal(detector.forecaster_.windows_, X[2:n_train, :-1])
    assert np.shares_memory(detector.forecaster_.windows_, X)
    assert_allclose(detector.error_scale_, np.sqrt(np.mean(series[2:n_train] ** 2, axis=0)))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        assert_array_equal(detector.calibration_scores_, detector.score_samples(X)[-n_calibration:])


def test_calibration_rows_do_not_change_what_is_learnt(rng):
    """Neither the forecaster nor the scale, nor what stands for missing values."""
    series = rng.standard_normal((200, 2))
    series[rng.random(series.shape) < [0, 0.05]] = NAN
    other = series.copy()
    other[160:] *= 100
    X, other_X = windows_of(series), windows_of(other)
    X, other_X = X[3:], other_X[3:]
    detector = LSTMAnomalyDetector(flat_ridge(), false_positive_rate=0.1, calibration_fraction=39.5 / 197)
    one, two = (clone(detector).fit(windows) for windows in (X, other_X))
    assert len(one.calibration_scores_) == 40
    assert_array_equal(one.forecaster_[-1].coef_, two.forecaster_[-1].coef_)
    assert_array_equal(one.error_scale_, two.error_scale_)
    assert_array_equal(one.feature_errors(X), two.feature_errors(X))
    assert two.offset_ < 100 * one.offset_


def test_weights_choose_calibration_rows(rng):
    """A row of weight zero counts as none, and the other weights make no difference to the threshold."""
    series = rng.standard_normal((120, 1))
    series[110:] = 1000  # known anomalies
    series[60] = 1000
    X = windows_of(series, 2)[1:]
    weight = np.where(series[1:, 0] == 1000, 0, rng.random(119) + 0.5)
    detector = LSTMAnomalyDetector(WeightedZeros(), false_positive_rate=0.1).fit(X, sample_weight=weight)
    counted = weight > 0
    assert len(detector.calibration_scores_) == 22
    assert_allclose(detector.calibration_scores_, detector.score_samples(X[87:109]))
    train = np.flatnonzero(counted)[:-22]
    assert_array_equal(detector.forecaster_.y_, X[: train[-1] + 1, -1, 0])
    assert_array_equal(np.flatnonzero(detector.forecaster_.sample_weight_ == 0), [59])
    ratio = detector.forecaster_.sample_weight_[train] / weight[train]
    assert_allclose(ratio, ratio[0])
    assert_allclose(detector.error_scale_**2, np.average(series[1:, 0][train] ** 2, weights=weight[train]))
    removed = LSTMAnomalyDetector(WeightedZeros(), false_positive_rate=0.1).fit(
        X[counted], sample_weight=weight[counted]
    )
    assert_allclose(removed.calibration_scores_, detector.calibration_scores_)


def test_known_anomalies_are_in_no_average(rng):
    series = rng.standard_normal((120, 1))
    X = windows_of(series, 2)[1:]
    spoilt, weight = X.copy(), np.ones(119)
    spoilt[105, -1] = 1000
    weight[105] = 0
    detector = LSTMAnomalyDetector(WeightedZeros(), false_positive_rate=0.1, smoothing=3)
    scores = clone(detector).fit(spoilt, sample_weight=weight).calibration_scores_
    raw = LSTMAnomalyDetector(WeightedZeros()).fit(X).score_samples(X)
    n_train = 119 - len(scores) - 1 - 2
    raw *= np.mean(X[:, -1] ** 2) / np.mean(X[:n_train, -1] ** 2)
    assert len(scores) == 24
    expected = [np.mean([raw[t] for t in range(row - 2, row + 1) if t != 105]) for row in range(94, 119) if row != 105]
    assert_allclose(scores, expected)


def test_a_calibration_row_needs_one_feature(rng):
    """As in use, whereas training rows have them all."""
    series = rng.standard_normal((100, 2))
    series[90:, 1] = NAN
    series[[20, 85]] = NAN
    X = windows_of(series)
    detector = LSTMAnomalyDetector(Zeros(), false_positive_rate=0.1).fit(X)
    rows = np.setdiff1d(np.arange(2, 100), [20, 85])
    n_calibration = int(np.ceil(0.2 * len(rows)))
    assert_array_equal(detector.forecaster_.y_, series[rows[:-n_calibration]])
    assert_allclose(detector.calibration_scores_[-10:], -((series[90:, 0] / detector.error_scale_[0]) ** 2))
    assert len(detector.calibration_scores_) == n_calibration


def test_rows_not_judged_have_no_p_value(rng):
    X = windows_of(rng.standard_normal((100, 2)))
    detector = LSTMAnomalyDetector(SeasonalNaive(), false_positive_rate=0.1).fit(X)
    with pytest.warns(UserWarning, match="^2 of 100 rows cannot be judged"):
        p_values = detector.p_values(X)
    assert_array_equal(np.isnan(p_values), np.arange(100) < 2)
    assert_array_equal(p_values[2:] <= 0.1, detector.predict(X)[2:] == -1)


@pytest.mark.parametrize("forecaster", [Zeros(), WeightedZeros()])
def test_calibration_rows_of_many_series_are_the_last_in_time(rng, forecaster):
    lengths = {"a": 60, "b": 40, "c": 60}  # all end at the same time, but for the third, which ends earlier
    first = {"a": 0, "b": 20, "c": -10}
    parts = [
        pd.DataFrame(
            {"store": name, "sales": rng.standard_normal(n), "price": rng.standard_normal(n)},
            index=pd.date_range("2024-03-01", periods=n) + pd.Timedelta(days=first[name]),
        )
        for name, n in lengths.items()
    ]
    table = pd.concat(parts).sample(frac=1, random_state=0).sort_index(kind="stable")  # series after series, by time
    model = make_pipeline(
        SlidingWindow(4, groups="store"), LSTMAnomalyDetector(forecaster, false_positive_rate=0.1)
    ).fit(table)
    detector = model[-1]
    place = table.groupby("store").cumcount()
    table = table[(place >= 2).to_numpy()]  # others cannot be judged
    times = np.sort(table.index)
    start = times[len(times) - int(np.ceil(0.2 * len(times)))]
    is_late = table.index >= start
    assert is_late.sum() >= 0.2 * len(times)
    assert set(table["store"][is_late]) == {"a", "b", "c"} if start <= pd.Timestamp("2024-04-19") else {"a", "b"}
    values = table[["sales", "price"]].to_numpy()
    assert_array_equal(detector.forecaster_.y_, values[~is_late])
    assert_allclose(detector.error_scale_, np.sqrt(np.mean(values[~is_late] ** 2, axis=0)))
    scores = -np.mean((values[is_late] / detector.error_scale_) ** 2, axis=1)
    assert_allclose(detector.calibration_scores_, scores)


def test_metadata_of_training_rows_arrives(rng):
    series = rng.standard_normal((102, 2))
    with config_context(enable_metadata_routing=True):
        forecaster = WeightedZeros().set_fit_request(sample_weight=True, mood=True)
        detector = LSTMAnomalyDetector(forecaster, false_positive_rate=0.1)
        weight = rng.random(102) + 0.1
        detector.fit(windows_of(series), sample_weight=weight, mood=np.arange(102))
    assert_array_equal(detector.forecaster_.mood_, np.arange(2, 82))
    assert_allclose(
        detector.forecaster_.sample_weight_ / detector.forecaster_.sample_weight_[0], weight[2:82] / weight[2]
    )


def test_copies_have_the_same_p_values(rng, tiny):
    X = windows_of(rng.standard_normal((150, 2)))[3:]
    detector = LSTMAnomalyDetector(tiny(), false_positive_rate=0.1, calibration_fraction=0.3).fit(X)
    expected = detector.p_values(X)
    assert_array_equal(pickle.loads(pickle.dumps(detector)).p_values(X), expected)
    assert_array_equal(clone(detector).fit(X).p_values(X), expected)
    assert_array_equal(detector.predict(X) == -1, expected <= 0.1)


def test_table_of_windows(rng):
    X = windows_of(rng.standard_normal((150, 1)), 5)[4:]
    table = LSTMAnomalyDetector(Ridge(), false_positive_rate=0.1).fit(X[:, :, 0])
    array = LSTMAnomalyDetector(make_pipeline(FunctionTransformer(flatten), Ridge()), false_positive_rate=0.1).fit(X)
    assert_allclose(table.p_values(X[:, :, 0]), array.p_values(X))


def balanced(model, X, labels):
    found = model.predict(X) == -1
    return found[labels == -1].mean() - found[labels == 1].mean()


def test_search_over_the_rate(rng):
    series = rng.standard_normal((800, 2)) + np.sin(np.arange(800) / 5)[:, np.newaxis]
    labels = np.ones(800, dtype=int)
    anomalies = np.arange(450, 800, 25)
    series[anomalies] += 2.5  # so small that a rate of 1 % finds few of them
    labels[anomalies] = -1
    model = make_pipeline(StandardScaler(), SlidingWindow(5, pad="edge"), LSTMAnomalyDetector(flat_ridge()))
    model.set_params(lstmanomalydetector__calibration_fraction=0.4)
    grid = {"lstmanomalydetector__false_positive_rate": [0.01, 0.1, 0.9]}
    search = GridSearchCV(model, grid, scoring=balanced, cv=[(np.arange(400), np.arange(400, 800))], refit=True)
    search.fit(series, labels)
    assert search.best_params_ == {"lstmanomalydetector__false_positive_rate": 0.1}
    assert np.isfinite(search.cv_results_["mean_test_score"]).all()


class Untrainable(SeasonalNaive):
    def fit(self, X, y):
        raise AssertionError("trained")


@pytest.mark.parametrize(
    ("params", "n_rows", "message"),
    [
        (
            {"false_positive_rate": 0.01},
            102,
            r"n_samples=100 and calibration_fraction=0\.2, the number of calibration rows is 20, but "
            r"false_positive_rate=0\.01 needs at least 99\. Pass at least 495 rows that can be judged, a larger "
            r"calibration_fraction, or a larger false_positive_rate\.$",
        ),
        (
            {"false_positive_rate": 0.1, "contamination": 0.1},
            102,
            r"contamination=0\.1 and false_positive_rate=0\.1 both",
        ),
        ({"false_positive_rate": 0.1, "calibration_fraction": 0.999}, 102, "no row to train on"),
        ({"false_positive_rate": 0.1, "smoothing": 81}, 102, "smoothing - 1 = 80"),
        ({"false_positive_rate": 0.5}, 3, "n_samples=1 and"),
        ({"false_positive_rate": 0.0}, 102, "'false_positive_rate' parameter .* must be a float"),
        ({"false_positive_rate": 1.0}, 102, "'false_positive_rate' parameter .* must be a float"),
        ({"false_positive_rate": 0.1, "calibration_fraction": 0.0}, 102, "'calibration_fraction' parameter"),
        ({"calibration_fraction": 1.0}, 102, "'calibration_fraction' parameter"),
    ],
)
def test_what_cannot_be_fitted(rng, params, n_rows, message):
    X = windows_of(rng.standard_normal((n_rows, 2)))
    with pytest.raises(ValueError, match=message):
        LSTMAnomalyDetector(Untrainable(), **params).fit(X)


def test_rows_are_enough_as_the_error_says(rng):
    detector = LSTMAnomalyDetector(SeasonalNaive(), false_positive_rate=0.01)
    detector.fit(windows_of(rng.standard_normal((497, 2))))
    assert len(detector.calibration_scores_) == 99
    with pytest.raises(ValueError, match="needs at least 99"):
        detector.fit(windows_of(rng.standard_normal((492, 2))))


def test_no_training_row_is_complete(rng):
    series = rng.standard_normal((100, 2))
    series[:90, 1] = NAN
    with pytest.raises(ValueError, match=r"before it before the calibration rows\. Drop or fill feature 1 of X"):
        LSTMAnomalyDetector(Untrainable(), false_positive_rate=0.1).fit(windows_of(series))


def test_nothing_can_be_judged():
    with pytest.raises(ValueError, match="Drop or fill the features that are missing most"):
        LSTMAnomalyDetector(Untrainable(), false_positive_rate=0.1).fit(np.full((50, 4, 2), NAN))


def test_splits_by_time_can_be_searched(rng):
    series = rng.standard_normal((300, 2))
    model = make_pipeline(SlidingWindow(4, pad="edge"), LSTMAnomalyDetector(flat_ridge(), false_positive_rate=0.1))
    grid = {"lstmanomalydetector__calibration_fraction": [0.2, 0.4]}

    def close_to_rate(model, X, y=None):
        return -abs((model.predict(X) == -1).mean() - 0.1)

    search = GridSearchCV(model, grid, scoring=close_to_rate, cv=TimeSeriesSplit(3), error_score="raise").fit(series)
    assert search.best_score_ > -0.1
