"""Quantile forecasts of `LSTMForecaster`."""

import pickle

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy.stats import norm
from sklearn.base import clone
from sklearn.compose import TransformedTargetRegressor
from sklearn.exceptions import NotFittedError
from sklearn.metrics import mean_pinball_loss, r2_score
from sklearn.model_selection import GridSearchCV, TimeSeriesSplit
from sklearn.pipeline import make_pipeline

from sklstm import LSTMAnomalyDetector, LSTMForecaster, SlidingWindow, forecast, to_supervised
from sklstm._compat import InvalidParameterError
from sklstm._engine.networks.quantiles import quantiles_of
from sklstm.datasets import make_sine

LEVELS = (0.1, 0.5, 0.9)
COMBINED = {
    "linear_skip": True,
    "early_stopping": True,
    "normalize": "window",
    "n_networks": 2,
    "epochs": 20,
    "learning_rate": 0.05,
}
RESIDUALS = {"linear_skip": True}
THOROUGH_ELSEWHERE = pytest.mark.backend(thorough=True)
PATHS = [{}, RESIDUALS, COMBINED, {"early_stopping": True}, {"normalize": False}]


@pytest.fixture
def make(tiny):
    """Return a function that makes forecasters of three quantiles which fit in a moment."""
    return lambda **params: tiny(**{"loss": "quantile", "quantiles": LEVELS} | params)


@pytest.fixture
def two_outputs(windows):
    X, y = windows
    y = y / 3 + 3 * np.abs(X[:, -1, 0])  # which a linear model alone does not explain
    return X, np.column_stack([y, 10 - 3 * y])


def noisy_rows(rng, n_rows):
    """Return windows, and a target whose noise depends on them in a way that is not linear."""
    X = rng.standard_normal((n_rows, 3, 1))
    spread = np.where(X[:, -1, 0] > 0, 2.0, 0.2)
    return X, X[:, -2, 0] + spread * rng.standard_normal(n_rows), spread


# What it learns


@pytest.mark.backend(thorough=True)
@pytest.mark.parametrize("params", [{}, {"linear_skip": True, "early_stopping": True, "n_networks": 2}], ids=str)
def test_quantiles_have_their_coverage_where_the_noise_is_large_and_where_it_is_small(tiny, rng, params):
    X, y, spread = noisy_rows(rng, 3000)
    levels = LSTMForecaster().quantiles
    model = tiny(loss="quantile", units=8, epochs=25, learning_rate=0.02, learning_rate_schedule="cosine", **params)
    quantiles = model.fit(X[:1500], y[:1500]).predict_quantiles(X[1500:])[:, 0]
    covered = y[1500:, np.newaxis] <= quantiles
    assert_allclose(covered.mean(axis=0), levels, atol=0.04)
    for size in (0.2, 2):
        assert_allclose(covered[spread[1500:] == size].mean(axis=0), levels, atol=0.08)
        widths = (quantiles[:, -2] - quantiles[:, 1])[spread[1500:] == size]
        assert_allclose(np.median(widths), 2 * norm.ppf(0.95) * size, rtol=0.35)


def test_networks_on_residuals_start_from_a_normal_distribution_around_the_linear_model(make, two_outputs):
    X, y = two_outputs
    model = make(**RESIDUALS, learning_rate=1e-12).fit(X, y)
    linear = model._head().linear.predict(X)
    expected = linear[:, :, np.newaxis] + model.target_scale_[:, np.newaxis] * norm.ppf(LEVELS)
    assert_allclose(model.predict_quantiles(X), expected, rtol=1e-6, atol=1e-8)
    assert_array_equal(model.linear_quantile_offsets_, np.zeros((2, 3)))


def test_history_is_the_mean_pinball_loss(make, two_outputs):
    X, y = two_outputs
    weight = np.arange(1.0, 41)
    model = make(learning_rate=1e-12, epochs=1, early_stopping=True, validation_fraction=0.25).fit(X, y, weight)
    quantiles = model.predict_quantiles(X[30:]) / model.target_scale_[:, np.newaxis]
    targets = y[30:] / model.target_scale_
    losses = [
        mean_pinball_loss(targets, quantiles[:, :, i], sample_weight=weight[30:], alpha=level)
        for i, level in enumerate(LEVELS)
    ]
    assert_allclose(model.history_["val_loss"], np.mean(losses), rtol=1e-4)


# What it returns


@pytest.mark.backend(thorough=True)
@pytest.mark.parametrize(
    ("y_shape", "params"), [((40,), {}), ((40, 1), COMBINED), *(((40, 3), params) for params in PATHS)], ids=str
)
def test_shapes(make, windows, y_shape, params, rng):
    X = windows[0]
    model = make(**params).fit(X, rng.standard_normal(y_shape))
    quantiles = model.predict_quantiles(X)
    assert quantiles.shape == (40, y_shape[1] if len(y_shape) == 2 else 1, 3)
    assert quantiles.dtype == np.float64
    assert model.predict(X).shape == y_shape
    assert_array_equal(model.predict(X), quantiles[:, :, 1].reshape(y_shape))
    assert model.linear_quantile_offsets_.shape == quantiles.shape[1:]
    assert np.isfinite(quantiles).all()  # in spite of missing steps


@pytest.mark.parametrize(
    ("params", "n_rows"),
    [
        *((params, 10**4) for params in PATHS),
        *(pytest.param(COMBINED, n_rows, marks=pytest.mark.thorough) for n_rows in (10**5, 10**6)),
    ],
    ids=str,
)
def test_quantiles_never_cross(make, two_outputs, params, rng, n_rows):
    model = make(**params, quantiles=tuple(np.arange(1, 20) / 20)).fit(*two_outputs)
    model.network_weight_ = max(model.network_weight_, 0.5)
    model.weights_ = [5 * rng.standard_normal(array.shape).astype(np.float32) for array in model.weights_]
    quantiles = model.predict_quantiles(3 * rng.standard_normal((n_rows, 6, 2)))
    assert (np.diff(quantiles) >= 0).all()


def test_a_single_quantile_is_the_median(make, windows):
    X, y = windows
    model = make(quantiles=[0.5]).fit(X, y)
    assert_array_equal(model.predict_quantiles(X)[:, 0, 0], model.predict(X))
    absolute = make(loss="absolute_error", optimizer="adam", global_clipnorm=None)
    assert_allclose(
        model.set_params(global_clipnorm=None).fit(X, y).predict(X), absolute.fit(X, y).predict(X), atol=1e-3
    )


@pytest.mark.backend(thorough=True)
@pytest.mark.parametrize("params", [{}, RESIDUALS], ids=str)
def test_quantiles_of_several_networks_are_averaged(make, two_outputs, params):
    X, y = two_outputs
    model = make(n_networks=3, **params).fit(X, y)
    of_networks = []
    for weights in model._network_weights():
        single = pickle.loads(pickle.dumps(model))
        single.weights_, single._n_networks = weights, 1
        of_networks.append(single.predict_quantiles(X))
    assert not np.allclose(of_networks[0], of_networks[1])
    assert_allclose(model.predict_quantiles(X), np.mean(of_networks, axis=0), rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("params", PATHS, ids=str)
def test_a_row_has_the_same_quantiles_alone_and_among_others(make, two_outputs, params):
    X, y = two_outputs
    model = make(**params).fit(X, y)
    together = model.predict_quantiles(X)
    for row in (0, 7, 39):
        assert_array_equal(model.predict_quantiles(X[row : row + 1])[0], together[row])


def test_units_of_the_target_scale_its_quantiles(make, two_outputs):
    X, y = two_outputs
    for params in ({}, RESIDUALS, COMBINED):
        quantiles = make(**params).fit(X, y).predict_quantiles(X)
        in_other_units = make(**params).fit(X, 1000 * y + 5).predict_quantiles(X)
        assert_allclose((in_other_units - 5) / 1000, quantiles, rtol=1e-3, atol=1e-3)


# Networks and linear model


def test_offsets_are_quantiles_of_the_residuals_of_a_linear_model_that_has_not_seen_the_rows(make, rng):
    X, y, _ = noisy_rows(rng, 80)
    weight = rng.uniform(0.5, 2, 80)
    params = {"linear_skip": True, "early_stopping": True, "validation_fraction": 0.25}
    model = make(**params).fit(X, y, weight)
    of_first_rows = make(**RESIDUALS).fit(X[:60], y[:60], weight[:60])._head().linear.predict(X[60:])[:, 0]
    residuals = y[60:] - of_first_rows
    order = np.argsort(residuals)
    shares = weight[60:][order].cumsum() / weight[60:].sum()
    expected = residuals[order][np.searchsorted(shares, LEVELS)]
    assert_allclose(model.linear_quantile_offsets_, [expected], atol=0.02)  # the other linear model has its penalty
    assert_array_equal(
        make(linear_skip=False, early_stopping=True).fit(X, y).linear_quantile_offsets_, np.zeros((1, 3))
    )


@pytest.mark.parametrize("given", [False, True])
def test_networks_and_linear_model_are_weighed_by_the_pinball_loss(make, rng, given):
    X, y, _ = noisy_rows(rng, 200)
    weight = rng.uniform(0.5, 2, 200)
    model = make(linear_skip=True, early_stopping=True, validation_fraction=0.25, epochs=30, learning_rate=0.02)
    if given:
        model.fit(X[:150], y[:150], weight[:150], X_val=X[150:], y_val=y[150:], sample_weight_val=weight[150:])
    else:
        model.fit(X, y, weight)
    assert model.linear_weight_ == 1 - model.network_weight_
    linear = model._head().linear.predict(X)[:, :, np.newaxis] + model.linear_quantile_offsets_
    combined, share = model.predict_quantiles(X), model.network_weight_
    assert share > 0.1
    networks = (combined - (1 - share) * linear) / share
    of_first_rows = make(**RESIDUALS).fit(X[:150], y[:150], weight[:150])._head().linear.predict(X)
    unseen = of_first_rows[:, :, np.newaxis] + model.linear_quantile_offsets_

    def loss(share):
        quantiles = (share * networks + (1 - share) * unseen)[150:, 0]
        return np.mean(
            [
                mean_pinball_loss(y[150:], quantiles[:, i], sample_weight=weight[150:], alpha=level)
                for i, level in enumerate(LEVELS)
            ]
        )

    assert loss(share) <= min(loss(other) for other in np.linspace(0, 1, 21)) + 1e-3


def test_a_network_that_has_learnt_nothing_gets_no_weight(make, rng):
    X = rng.standard_normal((100, 3, 1))
    model = make(**COMBINED | {"learning_rate": 1e-12}).fit(X, 100 * X[:, -1, 0])
    assert model.network_weight_ < 0.05
    model.network_weight_, model.linear_weight_ = 0.0, 1.0
    expected = model._head().linear.predict(X)[:, :, np.newaxis] + model.linear_quantile_offsets_
    assert_allclose(model.predict_quantiles(X), expected)


# Weights and missing values


@pytest.mark.parametrize("params", [{}, COMBINED], ids=str)
def test_rows_of_weight_zero_and_rows_without_a_target_count_as_no_rows(make, rng, params):
    X, y, _ = noisy_rows(rng, 60)
    left_out = np.isin(np.arange(60), [0, 7, 30])
    expected = make(**params).fit(X[~left_out], y[~left_out]).predict_quantiles(X)
    weighted = make(**params).fit(X, y, (~left_out).astype(float))
    assert_allclose(weighted.predict_quantiles(X), expected, rtol=1e-4, atol=1e-5)
    missing = make(**params).fit(X, np.where(left_out, np.nan, y))
    assert_array_equal(missing.predict_quantiles(X), weighted.predict_quantiles(X))


@pytest.mark.backend(thorough=True)
def test_weights_move_quantiles(make):
    X = np.zeros((60, 2, 1))
    y = np.r_[np.zeros(30), np.ones(30)]
    fit = {"epochs": 150, "learning_rate": 0.02}
    assert_allclose(make(**fit).fit(X, y, 1 + 3 * y).predict_quantiles(X[:1])[0, 0], [0, 1, 1], atol=0.2)
    assert_allclose(make(**fit).fit(X, y, 4 - 3 * y).predict_quantiles(X[:1])[0, 0], [0, 0, 1], atol=0.2)


# Training goes on


@pytest.mark.backend(thorough=True)
def test_training_resumes(make, two_outputs):
    X, y = two_outputs
    whole = make(epochs=4, **RESIDUALS).fit(X, y)
    parts = make(**RESIDUALS)
    for _ in range(4):
        parts.partial_fit(X, y)
    warm = make(epochs=2, warm_start=True, **RESIDUALS).fit(X, y).fit(X, y)
    assert_array_equal(parts.predict_quantiles(X), whole.predict_quantiles(X))
    assert_array_equal(warm.predict_quantiles(X), whole.predict_quantiles(X))
    combined = make(**COMBINED, warm_start=True).fit(X, y)
    before, offsets = combined.predict_quantiles(X), combined.linear_quantile_offsets_
    combined.partial_fit(X, y)
    assert not np.allclose(combined.predict_quantiles(X), before)
    assert_array_equal(combined.linear_quantile_offsets_, offsets)
    assert combined.fit(X, y).linear_quantile_offsets_.shape == (2, 3)


@pytest.mark.parametrize("change", [{"quantiles": (0.2, 0.5, 0.8)}, {"loss": "absolute_error"}], ids=str)
def test_a_fitted_network_keeps_its_quantiles(make, windows, change):
    X, y = windows
    model = make(warm_start=True).fit(X, y)
    before = model.predict_quantiles(X)
    model.set_params(**change)
    for resume in (model.fit, model.partial_fit):
        with pytest.raises(ValueError, match=r"'quantiles': \[0.1, 0.5, 0.9\].* cannot become"):
            resume(X, y)
    assert_array_equal(model.predict_quantiles(X), before)
    other = make(loss="absolute_error").fit(X, y)
    with pytest.raises(ValueError, match=r"cannot become .*'quantiles': \[0.1, 0.5, 0.9\]"):
        other.set_params(loss="quantile").partial_fit(X, y)


@pytest.mark.backend(thorough=True)
def test_the_same_random_state_gives_the_same_quantiles(make, windows):
    X, y = windows
    first, again, other = (make(random_state=seed, **COMBINED).fit(X, y).predict_quantiles(X) for seed in (0, 0, 1))
    assert_array_equal(first, again)
    assert not np.allclose(first, other)


def test_networks_of_other_quantiles_share_no_compiled_loss(make, windows):
    X, y = windows
    for quantiles in (LEVELS, (0.3, 0.5, 0.7)):
        model = make(quantiles=quantiles, early_stopping=True, epochs=1, validation_fraction=0.25).fit(X, y)
        targets, predicted = (v[30:] / model.target_scale_[0] for v in (y, model.predict_quantiles(X)[:, 0]))
        losses = [mean_pinball_loss(targets, predicted[:, i], alpha=level) for i, level in enumerate(quantiles)]
        assert_allclose(model.history_["val_loss"], np.mean(losses), rtol=1e-4)


# With others


@pytest.mark.backend
@pytest.mark.parametrize(
    "params",
    [
        COMBINED,
        *(
            pytest.param(params, marks=THOROUGH_ELSEWHERE)
            for params in [*PATHS, {"normalize": "window", "n_networks": 2}]
            if params != COMBINED
        ),
    ],
    ids=str,
)
def test_to_keras(make, two_outputs, params, tmp_path):
    import keras

    X, y = two_outputs
    model = make(**{"epochs": 5, "learning_rate": 0.02} | params).fit(X, y)
    expected = model.predict_quantiles(X)
    assert model.network_weight_ > 0.1
    assert (model.linear_weight_ > 0) == model.linear_skip
    exported = model.to_keras()
    assert exported.output_shape == (None, 2, 3)
    found = exported.predict(X, verbose=0)
    assert_allclose(found, expected, rtol=1e-4, atol=1e-4 * np.abs(expected).max())
    exported.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    assert_array_equal(loaded.predict(X, verbose=0), found)
    assert "sklstm" not in loaded.to_json()


@pytest.mark.parametrize("params", [{}, COMBINED], ids=str)
def test_relevance_is_that_of_the_median(make, two_outputs, params):
    X, y = two_outputs
    model = make(**{"epochs": 10} | params).fit(X, y)
    baseline = np.where(np.isnan(X).any(axis=2, keepdims=True), np.nan, np.broadcast_to(model.feature_mean_, X.shape))
    for output in range(2):
        relevance = model.input_relevance(X, output=output, tol=1e-3)
        difference = (model.predict(X) - model.predict(baseline))[:, output]
        assert_allclose(relevance.sum(axis=(1, 2)), difference, atol=2e-3 * np.abs(relevance).sum(axis=(1, 2)).max())


def test_gates(make, windows):
    X, y = windows
    assert make().fit(X, y).gates(X).forget_gate.shape == (40, 6, 4)


@pytest.mark.backend
@pytest.mark.parametrize("hook", [pytest.param("on_epoch_end", marks=THOROUGH_ELSEWHERE), "on_train_batch_end"])
def test_callbacks(make, windows, hook, tmp_path):
    """A callback between batches makes Keras' own loop train."""
    import keras

    X, y = windows
    calls = []

    class Save(keras.callbacks.Callback):
        pass

    def save(self, number, logs=None):
        calls.append(number)
        self.model.save(tmp_path / "model.keras")

    setattr(Save, hook, save)
    model = make(callbacks=Save, **RESIDUALS).fit(X, y)
    assert len(calls) == (2 if hook == "on_epoch_end" else 4)
    saved = keras.saving.load_model(tmp_path / "model.keras").predict(X, verbose=0)
    assert_allclose(saved, model.predict_quantiles(X), rtol=1e-4, atol=1e-4)
    assert_allclose(make(**RESIDUALS).fit(X, y).predict_quantiles(X), model.predict_quantiles(X), rtol=1e-4, atol=1e-4)


def test_pickle_and_clone(make, two_outputs):
    X, y = two_outputs
    model = make(**COMBINED).fit(X, y)
    loaded = pickle.loads(pickle.dumps(model))
    assert_array_equal(loaded.predict_quantiles(X), model.predict_quantiles(X))
    assert clone(model).quantiles == LEVELS
    assert not hasattr(clone(model), "weights_")


def test_score_is_that_of_the_median(make, windows):
    X, y = windows
    model = make().fit(X, y)
    assert_allclose(model.score(X, y), r2_score(y, model.predict_quantiles(X)[:, 0, 1]))


def test_grid_search_and_transformed_target(make):
    X, y = to_supervised(make_sine(60))
    search = GridSearchCV(
        make(), {"quantiles": [LEVELS, (0.25, 0.5, 0.75)]}, cv=TimeSeriesSplit(2), error_score="raise"
    )
    windows = SlidingWindow(5).fit_transform(X)
    assert search.fit(windows, y).best_estimator_.predict_quantiles(windows).shape == (len(y), 1, 3)
    transformed = TransformedTargetRegressor(make(), func=np.exp, inverse_func=np.log)
    assert transformed.fit(windows, y).predict(windows).shape == y.shape


def test_forecast_and_detector_take_the_median(make):
    series = make_sine(80)
    X, y = to_supervised(series)
    model = make_pipeline(SlidingWindow(5), make()).fit(X, y)
    first = forecast(model, series, steps=3)[0]
    assert_array_equal(first, model[-1].predict_quantiles(model[:-1].transform(series)[-1:])[0, :, 1])
    windows = SlidingWindow(5).fit_transform(X)
    assert LSTMAnomalyDetector(make()).fit(windows).predict(windows).shape == (len(X),)


# Errors


@pytest.mark.parametrize(
    ("quantiles", "message"),
    [
        ((0.5, 0.1), "each larger than the one before"),
        ((0.1, 0.5, 0.5), "each larger than the one before"),
        ((0.0, 0.5), r"floats in the range \(0.0, 1.0\)"),
        ((0.5, 1.0), r"floats in the range \(0.0, 1.0\)"),
        ((0.5, np.nan), r"floats in the range \(0.0, 1.0\)"),
        ((0.5, "0.9"), r"floats in the range \(0.0, 1.0\)"),
        ((0.5, None), r"floats in the range \(0.0, 1.0\)"),
        ([[0.5]], r"floats in the range \(0.0, 1.0\)"),
        (np.array([[0.5, 0.9]]), r"floats in the range \(0.0, 1.0\)"),
        ((), r"must contain 0.5, since `predict` returns the median.*Add 0.5"),
        ((0.1, 0.9), r"must contain 0.5, since `predict` returns the median.*Add 0.5"),
        ("0.5", "'quantiles' parameter of LSTMForecaster must be an array-like"),
        (0.5, "'quantiles' parameter of LSTMForecaster must be an array-like"),
        (None, "'quantiles' parameter of LSTMForecaster must be an array-like"),
    ],
    ids=str,
)
def test_bad_quantiles(make, windows, quantiles, message):
    for fit in (make(quantiles=quantiles).fit, make(quantiles=quantiles).partial_fit):
        with pytest.raises(InvalidParameterError, match=message):
            fit(*windows)


def test_quantiles_may_be_an_array(make, windows):
    X, y = windows
    model = make(quantiles=np.linspace(0.1, 0.9, 9)).fit(X, y)
    assert model.predict_quantiles(X).shape == (40, 1, 9)
    assert type(clone(model).fit(X, y).linear_quantile_offsets_) is np.ndarray


def test_quantiles_are_read_with_that_loss_only(tiny, windows):
    tiny(loss="absolute_error", quantiles=(0.9, 0.1)).fit(*windows)


def test_without_that_loss_there_are_no_quantiles(tiny, make, windows):
    X, y = windows
    model = tiny(loss="absolute_error")
    with pytest.raises(AttributeError, match="has no attribute 'predict_quantiles'") as error:
        model.predict_quantiles(X)
    assert "available with loss='quantile' only. Got loss='absolute_error'" in str(error.value.__cause__)
    assert model.fit(X, y).linear_quantile_offsets_ is None
    model.set_params(loss="quantile")  # what is fitted counts
    assert not hasattr(model, "predict_quantiles")
    with pytest.raises(AttributeError, match="has no attribute 'predict_quantiles'") as error:
        model.predict_quantiles(X)
    assert "The fitted networks forecast no quantiles. Fit anew with loss='quantile'" in str(error.value.__cause__)
    assert model.predict(X).shape == (40,)
    assert hasattr(make().fit(X, y).set_params(loss="absolute_error"), "predict_quantiles")


def test_not_fitted(make, windows):
    with pytest.raises(NotFittedError):
        make().predict_quantiles(windows[0])


def test_quantiles_of_outputs_are_those_of_the_network(make, two_outputs):
    """Decoding by hand, without a linear model."""
    from sklstm import _engine

    X, y = two_outputs
    model = make().fit(X, y)
    outputs = _engine.predict(model._network_spec(), model._network_weights(), {"windows": X}, model._scales())
    expected = model.target_mean_[:, np.newaxis] + model.target_scale_[:, np.newaxis] * quantiles_of(outputs, LEVELS)
    assert_allclose(model.predict_quantiles(X), expected, rtol=1e-12)
