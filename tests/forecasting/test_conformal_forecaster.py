"""Intervals around the forecasts of any model."""

import pickle

import numpy as np
import pandas as pd
import pytest
from sklearn import config_context
from sklearn.base import BaseEstimator, RegressorMixin, clone
from sklearn.compose import TransformedTargetRegressor
from sklearn.exceptions import NotFittedError
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LinearRegression, Ridge
from sklearn.model_selection import GridSearchCV, TimeSeriesSplit
from sklearn.pipeline import make_pipeline

from sklstm import ConformalForecaster, SeasonalNaive, SlidingWindow, forecast, to_supervised

COVERAGES = (0.8, 0.9, 0.95)


def windowed(regressor=None, size=4, **window):
    return make_pipeline(SlidingWindow(size, flatten=True, pad="edge", **window), regressor or Ridge())


def ar1(rng, n_rows, noise=None):
    noise = rng.standard_normal(n_rows) if noise is None else noise
    series = np.zeros(n_rows)
    for t in range(1, n_rows):
        series[t] = 0.8 * series[t - 1] + noise[t]
    return series


def covered(intervals, y):
    y = y.reshape(len(y), -1, 1)
    return ((intervals[:, :, 0] <= y) & (y <= intervals[:, :, 1])).mean(axis=0)


class Quantiles(RegressorMixin, BaseEstimator):
    """A model of quantiles around the last feature, which are too narrow."""

    quantiles = (0.05, 0.5, 0.95)

    def fit(self, X, y):
        self.is_fitted_ = True
        return self

    def predict(self, X):
        return np.asarray(X)[:, -1]

    def predict_quantiles(self, X):
        width = np.abs(np.asarray(X)[:, :1])
        return (self.predict(X)[:, np.newaxis] + width * [-1, 0, 1])[:, np.newaxis]


class Recorder(RegressorMixin, BaseEstimator):
    """A model that remembers which rows it was fitted on, by their only feature."""

    def fit(self, X, y, sample_weight=None):
        self.rows_, self.sample_weight_ = np.asarray(X)[:, 0], sample_weight
        self.n_outputs_ = np.asarray(y).reshape(len(y), -1).shape[1]
        return self

    def predict(self, X):
        return np.zeros((len(X), self.n_outputs_)) if self.n_outputs_ > 1 else np.zeros(len(X))


@pytest.mark.parametrize("noise", ["normal", "heavy tails"])
def test_coverage_on_an_autoregression(rng, noise):
    drawn = rng.standard_normal(6000) if noise == "normal" else rng.standard_t(2, 6000)
    X, y = to_supervised(ar1(rng, 6000, drawn), horizon=3)
    model = ConformalForecaster(windowed()).fit(X[:3000], y[:3000])
    found = covered(model.predict_interval(X[3003:], COVERAGES), y[3003:])
    np.testing.assert_allclose(found, np.tile(COVERAGES, (3, 1)), atol=0.03)


def test_margin_is_the_finite_sample_quantile_of_absolute_errors(rng):
    X, y = np.arange(100.0)[:, np.newaxis], rng.standard_normal(100)
    model = ConformalForecaster(Recorder()).fit(X, y)
    assert np.array_equal(np.sort(np.abs(model.residuals_[:, 0, 0])), np.sort(np.abs(y[80:])))
    rank = np.ceil(0.9 * 21)
    expected = np.sort(np.abs(y[80:]))[int(rank) - 1]
    np.testing.assert_allclose(model.predict_interval(X[:2]), [[[-expected, expected]]] * 2)


@pytest.mark.parametrize(("gap", "last"), [("auto", 77), (0, 79), (5, 74)])
def test_the_model_is_not_fitted_on_targets_that_reach_into_calibration_rows(rng, gap, last):
    X, y = np.arange(100.0)[:, np.newaxis], rng.standard_normal((100, 3))
    model = ConformalForecaster(Recorder(), calibration_gap=gap, refit=False).fit(X, y)
    np.testing.assert_array_equal(model.estimator_.rows_, np.arange(last + 1))
    assert model.residuals_.shape == (20, 3, 1)


def test_the_model_is_fitted_again_on_all_rows(rng):
    X, y = np.arange(50.0)[:, np.newaxis], rng.standard_normal(50)
    assert len(ConformalForecaster(Recorder()).fit(X, y).estimator_.rows_) == 50
    assert len(ConformalForecaster(Recorder(), refit=False).fit(X, y).estimator_.rows_) == 40


def test_folds_are_predicted_by_models_of_the_rows_before(rng):
    X, y = to_supervised(ar1(rng, 201), horizon=2)
    model = ConformalForecaster(windowed(), calibration_folds=2).fit(X, y)
    for first, stop in ((159, 179), (179, 199)):
        expected = windowed().fit(X[: first - 1], y[: first - 1]).predict(X)[first:stop]
        np.testing.assert_allclose(model.residuals_[first - 159 : stop - 159, :, 0], y[first:stop] - expected)
    assert ConformalForecaster(windowed(), calibration_folds=2, horizon=5).fit(X, y).trajectory_errors_.shape == (35, 5)


def test_rows_without_a_target_are_no_calibration_rows(rng):
    X, y = to_supervised(ar1(rng, 300))
    y[-20:] = np.nan
    model = ConformalForecaster(windowed()).fit(X, y)
    assert len(model.residuals_) == np.ceil(0.2 * 279)
    assert np.isfinite(model.residuals_).all()


def test_rows_of_weight_zero_are_no_calibration_rows(rng):
    X, y, weight = np.arange(100.0)[:, np.newaxis], rng.standard_normal(100), np.ones(100)
    weight[90:], y[90:] = 0, 1000
    model = ConformalForecaster(Recorder()).fit(X, y, weight)
    assert np.abs(model.residuals_).max() < 10
    np.testing.assert_array_equal(model.estimator_.sample_weight_, weight)


def test_quantiles_are_moved_by_how_far_truths_lie_outside(rng):
    X = rng.uniform(1, 3, size=(4000, 2))
    y = X[:, 1] + X[:, 0] * rng.standard_normal(4000)
    model = ConformalForecaster(Quantiles()).fit(X[:2000], y[:2000])
    np.testing.assert_array_equal(model.levels_, Quantiles.quantiles)
    raw, intervals = Quantiles().fit(X, y).predict_quantiles(X), model.predict_interval(X, 0.9)
    margins = np.stack([raw[:, 0, 0] - intervals[:, 0, 0], intervals[:, 0, 1] - raw[:, 0, 2]])
    np.testing.assert_allclose(margins, margins[0, 0])
    assert abs(covered(intervals[2000:], y[2000:])[0] - 0.9) < 0.03


def test_method_residual_ignores_quantiles(rng):
    X, y = rng.standard_normal((200, 2)), rng.standard_normal(200)
    model = ConformalForecaster(Quantiles(), method="residual").fit(X, y)
    np.testing.assert_array_equal(model.levels_, [0.5])
    assert np.ptp(np.diff(model.predict_interval(X)), axis=0).max() < 1e-12


def test_method_quantile_needs_a_model_of_quantiles(rng):
    with pytest.raises(ValueError, match="needs a model with predict_quantiles"):
        ConformalForecaster(Ridge(), method="quantile").fit(rng.random((50, 2)), rng.random(50))


def test_quantiles_of_a_transformed_target(rng):
    X = rng.uniform(1, 3, size=(500, 2))
    y = np.exp(X[:, 1] + X[:, 0] * rng.standard_normal(500))
    inner = TransformedTargetRegressor(Quantiles(), func=np.log, inverse_func=np.exp)
    model = ConformalForecaster(make_pipeline(inner), refit=False).fit(X, y)
    ends = model.predict_interval(X, 0.9)[:, 0]
    raw = np.exp(Quantiles().predict_quantiles(X)[:, 0])
    np.testing.assert_allclose(raw[:, 0] - ends[:, 0], ends[:, 1] - raw[:, 2])


@pytest.mark.parametrize("coverage", [0.9, (0.8, 0.95)])
def test_shapes(rng, coverage):
    X, y = to_supervised(ar1(rng, 200), horizon=2)
    found = ConformalForecaster(windowed()).fit(X, y).predict_interval(X, coverage)
    assert found.shape == (198, 2, 2, *np.shape(coverage))
    assert found.dtype == np.float64


def test_larger_coverages_are_wider(rng):
    X, y = to_supervised(ar1(rng, 400), horizon=2)
    found = np.diff(ConformalForecaster(windowed()).fit(X, y).predict_interval(X, (0.95, 0.5, 0.8)), axis=2)[:, :, 0]
    assert (found[..., 0] > found[..., 2]).all()
    assert (found[..., 2] > found[..., 1]).all()


def test_units_do_not_matter(rng):
    X, y = to_supervised(ar1(rng, 300), horizon=2)
    model = ConformalForecaster(windowed(LinearRegression()))
    found, scaled = (model.fit(X, target).predict_interval(X) for target in (y, 1000 * y + 5))
    np.testing.assert_allclose(scaled, 1000 * found + 5)


def test_predictions_are_those_of_the_model(rng):
    X, y = to_supervised(ar1(rng, 200))
    model = ConformalForecaster(windowed()).fit(X, y)
    np.testing.assert_array_equal(model.predict(X), windowed().fit(X, y).predict(X))
    assert model.score(X, y) == windowed().fit(X, y).score(X, y)
    assert model.n_features_in_ == 1


# Calibration on other rows, and updates.


def test_conformalize_calibrates_a_fitted_model(rng):
    X, y = to_supervised(ar1(rng, 900))
    fitted = windowed().fit(X[:500], y[:500])
    known = np.where(np.arange(len(y)) >= 500, y, np.nan)
    for model in (ConformalForecaster(fitted), ConformalForecaster(FrozenEstimator(fitted))):
        model.conformalize(X, known)
        assert model.residuals_.shape == (399, 1, 1)
        np.testing.assert_allclose(model.residuals_[:, 0, 0], y[500:] - fitted.predict(X)[500:])
        np.testing.assert_array_equal(model.predict(X), fitted.predict(X))


def test_conformalize_takes_the_place_of_the_calibration_in_fit(rng):
    X, y = to_supervised(ar1(rng, 400))
    model = ConformalForecaster(windowed()).fit(X[:200], y[:200])
    model.update(X[200:300], y[200:300]).conformalize(X[300:], y[300:])
    other = ConformalForecaster(model.estimator_).conformalize(X[300:], y[300:])
    np.testing.assert_array_equal(model.predict_interval(X), other.predict_interval(X))


def test_conformalize_needs_a_fitted_model(rng):
    with pytest.raises(NotFittedError):
        ConformalForecaster(windowed()).conformalize(rng.random((50, 1)), rng.random(50))


def test_update_adds_calibration_rows(rng):
    X, y = np.arange(100.0)[:, np.newaxis], rng.standard_normal(100)
    model = ConformalForecaster(Recorder()).fit(X[:50], y[:50])
    model.update(X[50:80], y[50:80]).update(X[80:], y[80:])
    errors = np.sort(np.abs(y[40:]))
    np.testing.assert_allclose(model.predict_interval(X[:1])[0, 0, 1], errors[int(np.ceil(0.9 * 61)) - 1])


def test_adaptive_intervals_follow_a_break(rng):
    X, scale = np.arange(3000.0)[:, np.newaxis], np.where(np.arange(3000) < 1000, 1, 3)
    y = scale * rng.standard_normal(3000)
    found = {}
    for adaptive in (False, True):
        model, hits = ConformalForecaster(Recorder(), adaptive=adaptive).fit(X[:1000], y[:1000]), []
        for t in range(1000, 3000, 10):
            low, high = model.predict_interval(X[t : t + 1])[0, 0]
            hits.append((low <= y[t : t + 10]) & (y[t : t + 10] <= high))
            model.update(X[t : t + 10], y[t : t + 10])
        found[adaptive] = np.mean(hits[20:60])
    assert found[True] > 0.85
    assert found[False] < 0.83


def test_an_update_in_parts_is_one_as_a_whole(rng):
    X, y = np.arange(90.0)[:, np.newaxis], rng.standard_normal((90, 2))
    y[60, 1] = np.nan
    whole, parts = (ConformalForecaster(Recorder(), adaptive=True).fit(X[:50], y[:50]) for _ in range(2))
    whole.update(X[50:], y[50:])
    for t in range(50, 90):
        parts.update(X[t : t + 1], y[t : t + 1])
    np.testing.assert_allclose(parts.predict_interval(X, COVERAGES[:1]), whole.predict_interval(X, COVERAGES[:1]))


# Panels and scales.


def panel(rng, n_series=12, n_rows=120):
    tables = []
    for number in range(n_series):
        series = 3.0**number * ar1(rng, n_rows)
        days = pd.date_range("2020-01-01", periods=n_rows)
        tables.append(pd.DataFrame({"shop": f"shop {number}", "sales": series}, index=days))
    return pd.concat(tables).sort_index(kind="stable")


def test_errors_are_scaled_by_series(rng):
    table = panel(rng)
    X, y = to_supervised(table, target="sales", groups="shop")
    early = X.index < "2020-04-01"
    shares = {}
    for scale in ("series", None):
        model = ConformalForecaster(windowed(LinearRegression(fit_intercept=False), groups="shop"), scale=scale)
        low, high = model.fit(X[early], y[early]).predict_interval(X[~early], 0.8)[:, 0].T
        inside = (low <= y[~early]) & (y[~early] <= high)
        assert abs(inside.mean() - 0.8) < 0.08
        shares[scale] = inside.groupby(X["shop"][~early].to_numpy()).mean()
    assert shares[None].std() > 0.27  # one width holds all of the small series, and few of the large ones
    assert shares["series"].std() < 0.22


def test_each_series_is_calibrated_by_its_own_rows(rng):
    table = panel(rng, n_series=3)
    X, y = to_supervised(table, target="sales", groups="shop")
    model = ConformalForecaster(windowed(groups="shop"), pooled=False, refit=False).fit(X, y)
    widths = np.diff(model.predict_interval(X, 0.8)[:, 0])[:, 0]
    for shop in X["shop"].unique():
        is_here = (X["shop"] == shop).to_numpy()
        calibrated = np.flatnonzero(is_here)[-len(model.residuals_) // 3 :]
        errors = np.sort(np.abs(y.to_numpy()[calibrated] - model.predict(X)[calibrated]))
        expected = 2 * errors[int(np.ceil(0.8 * (len(errors) + 1))) - 1]
        np.testing.assert_allclose(widths[is_here], expected)


def test_all_series_are_calibrated_at_the_same_times(rng):
    table = panel(rng, n_series=4, n_rows=50)
    X, y = to_supervised(table.sort_values("shop", kind="stable"), horizon=3, target="sales", groups="shop")
    model = ConformalForecaster(windowed(groups="shop")).fit(X, y)
    assert len(model.residuals_) == 4 * 10


def test_a_series_that_was_not_fitted(rng):
    X, y = to_supervised(panel(rng, n_series=3), target="sales", groups="shop")
    is_new = (X["shop"] == "shop 2").to_numpy()
    model = ConformalForecaster(windowed(groups="shop"), scale="series").fit(X[~is_new], y[~is_new])
    with pytest.raises(ValueError, match="Series 'shop 2' has no two targets in a row in fit"):
        model.predict_interval(X)


@pytest.mark.parametrize("params", [{"scale": "series"}, {"pooled": False}])
def test_one_series_is_no_panel(rng, params):
    with pytest.raises(ValueError, match="are for panels"):
        ConformalForecaster(windowed(), **params).fit(rng.random((50, 1)), rng.random(50))


def last_value(X):
    return np.asarray(X)[:, 0]


def test_scale_by_a_function(rng):
    X = rng.uniform(1, 5, size=(3000, 1))
    y = X[:, 0] * rng.standard_normal(3000)
    model = ConformalForecaster(Recorder(), scale=last_value).fit(X[:1500], y[:1500])
    intervals = model.predict_interval(X)
    np.testing.assert_allclose(intervals[:, 0, 1] / X[:, 0], intervals[0, 0, 1] / X[0, 0])
    is_large = X[1500:, 0] > 4
    assert abs(covered(intervals[1500:][is_large], y[1500:][is_large])[0] - 0.9) < 0.04
    assert pickle.loads(pickle.dumps(model)).predict_interval(X).tolist() == intervals.tolist()


@pytest.mark.parametrize(
    "scale", [lambda X: -np.ones(len(X)), lambda X: np.ones(3), lambda X: 1.0, lambda X: np.full(len(X), np.inf)]
)
def test_scale_must_be_positive_for_each_row(rng, scale):
    with pytest.raises(ValueError, match="scale must return a positive finite number for each of 50 rows"):
        ConformalForecaster(Ridge(), scale=scale).fit(rng.random((50, 2)), rng.random(50))


def test_scale_must_be_known_for_calibration_rows(rng):
    with pytest.raises(ValueError, match="scale returned NaN for calibration rows"):
        ConformalForecaster(Ridge(), scale=lambda X: np.full(len(X), np.nan)).fit(rng.random((50, 2)), rng.random(50))


def test_the_order_of_series_does_not_matter_to_an_update(rng):
    X, y = to_supervised(panel(rng, n_series=3), target="sales", groups="shop")
    widths = []
    for by in ("time", "series"):
        order = np.arange(len(X)) if by == "time" else np.argsort(X["shop"].to_numpy(), kind="stable")
        model = ConformalForecaster(windowed(groups="shop"), adaptive=True).fit(X[:240], y[:240])
        model.update(X.iloc[order], y.where(np.arange(len(y)) >= 240).iloc[order])
        widths.append(np.ptp(model.predict_interval(X[:3], 0.8), axis=2))
    np.testing.assert_allclose(*widths)


def test_no_training_target_reaches_into_calibration_rows_of_rarer_series(rng):
    days = pd.date_range("2024-01-01", periods=200)
    daily = pd.DataFrame({"id": "daily", "v": np.arange(200.0)}, index=days)
    weekly = pd.DataFrame({"id": "weekly", "v": np.arange(0.0, 200, 7)}, index=days[::7])  # the value is the day
    X, y = to_supervised(pd.concat([daily, weekly]).sort_index(kind="stable"), horizon=3, target="v", groups="id")
    model = ConformalForecaster(Latest(), refit=False)
    model.estimator = make_pipeline(SlidingWindow(2, groups="id", flatten=True, pad="edge"), Latest())
    fitted = model.fit(X, y).estimator_[-1]
    first = X["v"].iloc[-len(model.residuals_) :].min()
    assert fitted.latest_target_ <= first


class Latest(RegressorMixin, BaseEstimator):
    """A model that remembers the largest of its targets."""

    def fit(self, X, y):
        self.latest_target_ = np.max(np.asarray(y))
        return self

    def predict(self, X):
        return np.zeros((len(X), 3))


def test_parameters_set_after_fit_do_not_change_units(rng):
    X, y = to_supervised(panel(rng, n_series=3), target="sales", groups="shop")
    model = ConformalForecaster(windowed(groups="shop"), scale="series").fit(X, y)
    before = model.predict_interval(X)
    model.set_params(scale=None, pooled=False, method="residual", estimator__slidingwindow__groups=None)
    np.testing.assert_array_equal(model.predict_interval(X), before)


def test_targets_that_are_alike_adapt_alike(rng):
    series = pd.DataFrame({"a": ar1(rng, 200)}).assign(b=lambda table: table.a, c=lambda table: table.a)
    X, y = to_supervised(series)
    model = ConformalForecaster(windowed(), adaptive=True).fit(X[:150], y[:150]).update(X[150:], y[150:])
    widths = np.ptp(model.predict_interval(X[:1]), axis=2)[0]
    np.testing.assert_allclose(widths, widths[0])


def test_context_does_not_matter_to_updates(rng):
    X, y = to_supervised(ar1(rng, 160), horizon=3)
    widths = []
    for n_context in (3, 100):
        model = ConformalForecaster(windowed(), adaptive=True).fit(X[:100], y[:100])
        for t in range(100, 150):
            known = np.full((n_context + 1, 3), np.nan)
            known[-1] = y[t]
            model.update(X[t - n_context : t + 1], known)
        widths.append(np.ptp(model.predict_interval(X[:1], 0.8), axis=2))
    np.testing.assert_allclose(*widths)


def test_rows_of_weight_zero_start_no_trajectories(rng):
    X, y = rng.standard_normal((200, 1)), rng.standard_normal(200)
    weight = np.ones(200)
    weight[180:190] = 0
    model = ConformalForecaster(Ridge(), horizon=3).fit(X, y, weight)
    assert len(model.trajectory_errors_) == 38 - 3


def test_a_model_with_other_outputs(rng):
    class First(LinearRegression):
        def predict(self, X):
            return super().predict(X)[:, :1]

    with pytest.raises(ValueError, match=r"The model predicts 1 output\(s\), while y has 3"):
        ConformalForecaster(First()).fit(rng.random((50, 2)), rng.random((50, 3)))


def test_quantiles_are_those_that_were_fitted(rng, tiny):
    X = rng.standard_normal((80, 4, 1))
    model = ConformalForecaster(tiny(epochs=1, loss="quantile", quantiles=(0.1, 0.5, 0.9))).fit(X, X[:, -1, 0])
    model.estimator_.set_params(quantiles=(0.25, 0.5, 0.75))
    model.conformalize(X, X[:, -1, 0])
    np.testing.assert_array_equal(model.levels_, (0.1, 0.5, 0.9))


def test_quantiles_without_levels(rng):
    class Unknown(Quantiles):
        quantiles = (0.9, 0.1)

    with pytest.raises(ValueError, match=r"does not tell which: increasing probabilities with 0.5"):
        ConformalForecaster(Unknown()).fit(rng.random((50, 2)), rng.random(50))


def test_quantiles_of_a_decreasing_transformation(rng):
    inner = TransformedTargetRegressor(Quantiles(), func=np.negative, inverse_func=np.negative)
    with pytest.raises(ValueError, match="need an increasing transformation"):
        ConformalForecaster(inner).fit(rng.random((50, 2)), rng.random(50))


@pytest.mark.parametrize("container", [np.asarray, list])
@pytest.mark.parametrize("weighted", [False, True])
def test_missing_targets_are_left_out(rng, container, weighted):
    X, y = rng.random((50, 2)), rng.random(50)
    y[[3, 45]] = np.nan
    weight = np.ones(50) if weighted else None
    model = ConformalForecaster(Ridge()).fit(container(X), container(y), weight)
    known = ~np.isnan(y)
    np.testing.assert_allclose(model.predict(X), Ridge().fit(X[known], y[known]).predict(X))


def test_targets_in_another_order(rng):
    X, y = to_supervised(pd.DataFrame(rng.random((60, 2)), columns=["a", "b"]))
    model = ConformalForecaster(Ridge()).fit(X, y)
    with pytest.raises(ValueError, match=r"y has the columns \['b', 'a'\], but \['a', 'b'\] are expected"):
        model.update(X, y[["b", "a"]])


# Bad input, and scikit-learn.


@pytest.mark.parametrize(
    ("params", "match"),
    [
        ({"method": "cqr"}, "method"),
        ({"calibration_fraction": 0}, "calibration_fraction"),
        ({"calibration_fraction": 1.0}, "calibration_fraction"),
        ({"calibration_folds": 0}, "calibration_folds"),
        ({"calibration_gap": -1}, "calibration_gap"),
        ({"horizon": 0}, "horizon"),
        ({"scale": "panel"}, "scale"),
        ({"pooled": "yes"}, "pooled"),
        ({"adaptive": 2}, "adaptive"),
        ({"estimator": "ridge"}, "estimator"),
    ],
)
def test_bad_parameters(rng, params, match):
    with pytest.raises(ValueError, match=f"The '{match}' parameter of ConformalForecaster"):
        clone(ConformalForecaster(Ridge())).set_params(**params).fit(rng.random((50, 2)), rng.random(50))


@pytest.mark.parametrize("coverage", [0, 1, 90, "0.9", None, (0.8, 0.8)])
def test_bad_coverage(rng, coverage):
    model = ConformalForecaster(Ridge()).fit(rng.random((50, 2)), rng.random(50))
    with pytest.raises(ValueError, match="coverage must be a float in the open interval"):
        model.predict_interval(rng.random((3, 2)), coverage)


def test_too_few_calibration_rows_for_the_coverage(rng):
    model = ConformalForecaster(Ridge()).fit(rng.random((50, 2)), rng.random(50))
    with pytest.raises(ValueError, match=r"coverage=0.95 needs at least 19 calibration rows .* there are 10"):
        model.predict_interval(rng.random((3, 2)), 0.95)


def test_too_few_rows_to_fit_on(rng):
    with pytest.raises(ValueError, match=r"n_samples=5, calibration_fraction=0.5 and a gap of 3 row"):
        ConformalForecaster(Ridge(), calibration_fraction=0.5).fit(rng.random((5, 2)), rng.random((5, 4)))


def test_a_failed_fit_leaves_the_earlier_one(rng):
    X, y = rng.random((50, 2)), rng.random(50)
    model = ConformalForecaster(Ridge()).fit(X, y)
    before = model.predict_interval(X)
    with pytest.raises(ValueError, match="inconsistent numbers of samples"):
        model.fit(X, y[:-1])
    np.testing.assert_array_equal(model.predict_interval(X), before)


@pytest.mark.parametrize("y", [np.full(10, np.nan), np.ones((10, 2)), np.ones(9)])
def test_bad_targets_of_an_update(rng, y):
    model = ConformalForecaster(Ridge()).fit(rng.random((50, 2)), rng.random(50))
    with pytest.raises(ValueError, match=r"NaN in every row|2 output|inconsistent"):
        model.update(rng.random((10, 2)), y)


def test_not_fitted():
    for method in ("predict", "predict_interval"):
        with pytest.raises(NotFittedError):
            getattr(ConformalForecaster(Ridge()), method)(np.ones((2, 2)))


def test_weights_need_a_model_that_takes_them(rng):
    with pytest.raises(ValueError, match="does not support sample weights"):
        ConformalForecaster(windowed()).fit(rng.random((50, 1)), rng.random(50), sample_weight=np.ones(50))


def test_metadata_is_routed(rng):
    X, y, weight = np.arange(50.0)[:, np.newaxis], rng.random(50), rng.random(50)
    with config_context(enable_metadata_routing=True):
        model = ConformalForecaster(Recorder().set_fit_request(sample_weight=True))
        np.testing.assert_array_equal(model.fit(X, y, sample_weight=weight).estimator_.sample_weight_, weight)


def test_a_search_over_the_model(rng):
    X, y = to_supervised(ar1(rng, 200))
    search = GridSearchCV(
        ConformalForecaster(windowed()), {"estimator__slidingwindow__window_size": [1, 4]}, cv=TimeSeriesSplit(2)
    ).fit(X, y)
    assert forecast(search, X, 1, coverage=0.8).shape == (1, 3)


def test_a_naive_forecast_has_intervals():
    series = np.tile([1.0, 5.0, 3.0], 40) + np.repeat([0.0, 1.0], 60)
    model = ConformalForecaster(make_pipeline(SlidingWindow(3), SeasonalNaive(3))).fit(*to_supervised(series))
    np.testing.assert_array_equal(model.predict_interval(series[:, np.newaxis], 0.8)[-1], [[2, 2]])


def test_pickles(rng):
    X, y = to_supervised(ar1(rng, 200), horizon=2)
    model = ConformalForecaster(windowed(), horizon=4).fit(X, y)
    dumped = pickle.dumps(model)
    assert b"sklstm._" not in dumped
    np.testing.assert_array_equal(pickle.loads(dumped).predict_interval(X), model.predict_interval(X))


def test_an_interrupt_ends_the_fit(tiny, rng):
    """No half-trained model calibrates."""
    keras = pytest.importorskip("keras")

    class Interrupt(keras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            raise KeyboardInterrupt

    series = rng.standard_normal(60)
    model = ConformalForecaster(make_pipeline(SlidingWindow(3), tiny(callbacks=[Interrupt])))
    with pytest.raises(KeyboardInterrupt):
        model.fit(*to_supervised(series))


@pytest.mark.parametrize("calibration_folds", [1, 3])
def test_trajectories_do_not_depend_on_the_order_of_series(calibration_folds, rng):
    tables = {"a": rng.standard_normal(60).cumsum(), "b": 100 * rng.standard_normal(60).cumsum()}
    days = pd.date_range("2024-01-01", periods=60)
    by_series = pd.concat([pd.DataFrame({"shop": shop, "sales": sales}, days) for shop, sales in tables.items()])
    errors = []
    for table in (by_series, by_series.sort_index(kind="stable")):
        X, y = to_supervised(table, target="sales", groups="shop")
        y = y.where(y.index < days[50])  # the latest ones are not known yet
        model = windowed(Ridge(), groups="shop")
        fitted = ConformalForecaster(model, horizon=3, calibration_folds=calibration_folds, scale="series").fit(X, y)
        errors.append(np.sort(fitted.trajectory_errors_, axis=0))
    np.testing.assert_allclose(*errors)


def test_a_fit_on_arrays_forgets_the_names_of_an_earlier_one(rng):
    X, y = to_supervised(pd.DataFrame({"x": rng.standard_normal(60)}))
    model = ConformalForecaster(Ridge()).fit(X, y)
    assert list(model.feature_names_in_) == ["x"]
    assert not hasattr(model.fit(X.to_numpy(), y.to_numpy()), "feature_names_in_")
