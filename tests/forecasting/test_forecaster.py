import copy
import os
import pickle
import random
import re
import signal
import subprocess
import sys
import threading
import warnings

import joblib
import numpy as np
import pandas as pd
import pytest
from helpers import CONTAINERS, assert_rows_alike_alone_and_among_others, far_from_initial
from joblib import parallel_backend
from numpy.testing import assert_allclose, assert_array_equal
from sklearn import config_context
from sklearn.base import clone
from sklearn.compose import TransformedTargetRegressor
from sklearn.ensemble import BaggingRegressor
from sklearn.exceptions import NotFittedError
from sklearn.inspection import permutation_importance
from sklearn.metrics import r2_score
from sklearn.model_selection import GridSearchCV, TimeSeriesSplit, cross_val_score, learning_curve
from sklearn.multioutput import MultiOutputRegressor, RegressorChain
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler, StandardScaler
from threadpoolctl import threadpool_limits

from sklstm import LSTMForecaster, SlidingWindow, forecast, to_supervised
from sklstm._base.heads import LOSSES
from sklstm._compat import InvalidParameterError
from sklstm._windows import arrays
from sklstm.datasets import make_sine


def assert_same_weights(a, b, **tolerance):
    for one, other in zip(a.weights_, b.weights_, strict=True):
        assert_allclose(one, other, **{"rtol": 0, "atol": 0} | tolerance)


THOROUGH_ELSEWHERE = pytest.mark.backend(thorough=True)
needs_threads = pytest.mark.skipif(
    os.environ.get("KERAS_BACKEND", "jax") != "jax", reason="only JAX leaves threads to us"
)
LINEAR = {"linear_skip": True}
LINEAR_ALONE = LINEAR | {"learning_rate": 1e-9}  # beside a linear path, the network starts without output


# What it learns


@pytest.mark.backend
def test_learns_a_sine(tiny):
    X, y = to_supervised(make_sine(300))
    model = make_pipeline(SlidingWindow(10), tiny(units=8, epochs=15)).fit(X[:240], y[:240])
    assert model.score(X[240:], y[240:]) > 0.95


@pytest.mark.parametrize(
    ("n_rows", "window_size", "seed"),
    [(400, 20, 0), *(pytest.param(1000, 50, seed, marks=pytest.mark.thorough) for seed in range(3))],
)
def test_defaults_forecast_the_classic_sine(n_rows, window_size, seed):
    series, n_train = make_sine(n_rows), n_rows * 4 // 5
    X, y = to_supervised(series)
    model = make_pipeline(MinMaxScaler(), SlidingWindow(window_size), LSTMForecaster(epochs=20, random_state=seed))
    model.fit(X[:n_train], y[:n_train])
    assert np.sqrt(np.mean((model.predict(X)[n_train:] - y[n_train:]) ** 2)) < 0.02
    continuation = np.sin(100 + np.arange(1, 201) * 100 / (n_rows - 1))
    assert np.sqrt(np.mean((forecast(model, series, 200)[:, 0] - continuation) ** 2)) < 0.1


@pytest.mark.parametrize("loss", ["squared_error", "absolute_error", "huber", "quantile"])
def test_losses(tiny, windows, loss):
    X, y = windows
    history = tiny(loss=loss, epochs=15, learning_rate=0.02).fit(X, y).history_["loss"]
    assert history[-1] < history[0]


def test_absolute_error_learns_the_median_and_squared_error_the_mean(tiny):
    X = np.zeros((60, 2, 1))
    y = np.r_[np.zeros(40), np.full(20, 9.0)]
    fit = {"epochs": 150, "learning_rate": 0.02}
    assert_allclose(tiny(loss="squared_error", **fit).fit(X, y).predict(X[:1]), 3, atol=0.5)
    assert_allclose(tiny(loss="absolute_error", **fit).fit(X, y).predict(X[:1]), 0, atol=0.5)


def test_loss_history_is_the_mean_over_rows(tiny, windows):
    """The last batch of 40 rows is padded; with nothing learnt the loss is that of the predictions."""
    X, y = windows
    model = tiny(learning_rate=1e-12, epochs=1, batch_size=16, early_stopping=True, validation_fraction=0.25)
    model.fit(X, y, sample_weight=(w := np.arange(1.0, 41)))
    errors = ((model.predict(X) - y) / model.target_scale_) ** 2
    assert_allclose(model.history_["loss"], np.average(errors[:30], weights=w[:30]), rtol=0.02)
    assert_allclose(model.history_["val_loss"], np.average(errors[30:], weights=w[30:]), rtol=1e-4)


# Shapes


@pytest.mark.backend(thorough=True)
@pytest.mark.parametrize("y_shape", [(40,), (40, 1), (40, 3)])
@pytest.mark.parametrize("as_3d", [False, True])
def test_shapes(tiny, windows, y_shape, as_3d):
    X = windows[0] if as_3d else windows[0][:, :, 0]
    model = tiny().fit(X, np.random.default_rng(0).standard_normal(y_shape))
    assert model.predict(X).shape == y_shape
    assert model.predict(X).dtype == np.float64
    assert model.n_outputs_ == (1 if len(y_shape) == 1 else y_shape[1])
    assert model.n_steps_in_ == 6
    assert model.n_features_in_ == (2 if as_3d else 6)
    assert model.n_iter_ == len(model.history_["loss"]) == 2


@pytest.mark.backend
@pytest.mark.parametrize("n_outputs", [1, 5])
@pytest.mark.parametrize("params", [{}, LINEAR], ids=str)
def test_a_row_is_predicted_alike_alone_and_among_others(tiny, windows, params, n_outputs, rng):
    X, y = windows
    model = tiny(units=50, **params).fit(X, y[:, np.newaxis] * np.arange(1, 1 + n_outputs))
    model.weights_ = far_from_initial(model.weights_, rng)
    together = model.predict(X)
    for n in (1, 2, 8, 9, 32, 33):
        assert_array_equal(model.predict(X[-n:]), together[-n:])


@pytest.mark.backend
@pytest.mark.thorough
@pytest.mark.parametrize("seed", range(8))
def test_rows_of_random_models_are_predicted_alike_alone_and_among_others(tiny, seed):
    rng = np.random.default_rng(seed)
    n_features, window_size, n_outputs = (int(rng.choice(sizes)) for sizes in ([1, 3, 20], [1, 5, 16], [1, 4, 24]))
    series = (2 + rng.standard_normal((150, n_features)).cumsum(axis=0)).astype(np.float32).astype(float)
    series[rng.random(150) < 0.1, 0] = np.nan
    X, y = SlidingWindow(window_size).fit_transform(series), rng.standard_normal((150, n_outputs))
    model = tiny(units=(9, 4), epochs=1, bidirectional=seed % 2 == 0, linear_skip=seed % 4 != 0).fit(X, y)
    model.weights_ = far_from_initial(model.weights_, rng)
    if model.linear_skip:
        model.linear_coef_ = rng.standard_normal(model.linear_coef_.shape)
    assert_rows_alike_alone_and_among_others(model.predict, X)


def test_two_dimensional_input_is_one_feature_a_step(tiny, windows):
    X, y = windows[0][:, :, 0], windows[1]
    assert_array_equal(tiny().fit(X, y).predict(X), tiny().fit(X[:, :, None], y).predict(X[:, :, None]))


@pytest.mark.parametrize("n_features", [1, 3])
@pytest.mark.parametrize("params", [{}, LINEAR | {"early_stopping": True}], ids=str)
@pytest.mark.parametrize("window_size", [1, 5])
def test_equal_arrays_make_equal_models(tiny, params, window_size, n_features, rng):
    """Whatever their layout in memory: with a validation gap, scales, linear models and networks."""
    series = (5 + rng.standard_normal((63, n_features)).cumsum(axis=0)).astype(np.float32).astype(float)
    X, y = to_supervised(series, horizon=3, target=0)
    weight = rng.uniform(0.5, 2, len(X))
    view = SlidingWindow(window_size).fit_transform(X)
    expected = tiny(**params).fit(view, y, weight)
    for name, container in CONTAINERS.items():
        windows = container(view)
        assert_array_equal(windows, view)
        model = tiny(**params).fit(windows, container(y), weight)
        assert model.history_ == expected.history_, name
        assert_array_equal(model.predict(windows), expected.predict(view), err_msg=name)
        assert_array_equal(expected.predict(windows), expected.predict(view), err_msg=name)


def test_memory_mapped_input(tiny, windows, tmp_path):
    X, y = windows
    np.save(tmp_path / "X.npy", X)
    mapped = np.load(tmp_path / "X.npy", mmap_mode="r")
    assert_array_equal(tiny().fit(mapped, y).predict(mapped), tiny().fit(X, y).predict(X))


# Missing steps


@pytest.mark.backend
@pytest.mark.parametrize("network", [{}, {"bidirectional": True, "units": (3, 2)}])
def test_missing_steps_are_skipped_wherever_they_stand(tiny, windows, network):
    X, y = windows
    model = tiny(**network).fit(X, y)
    steps = np.random.default_rng(1).standard_normal((5, 4, 2))
    short = tiny(**network)
    short.__setstate__(model.__getstate__() | {"n_steps_in_": 4, "_input_shape": (4, 2)})
    for gaps in ([0, 1], [4, 5], [2, 3], [0, 5]):
        gapped = np.full((5, 6, 2), np.nan)
        gapped[:, [step for step in range(6) if step not in gaps]] = steps
        assert_allclose(model.predict(gapped), short.predict(steps), rtol=1e-5, atol=1e-6)


def test_a_step_is_missing_if_any_feature_is(tiny, windows):
    X, y = windows
    model = tiny().fit(X, y)
    partly, wholly = X.copy(), X.copy()
    partly[:, 2, 1] = np.nan
    wholly[:, 2] = np.nan
    assert_array_equal(model.predict(partly), model.predict(wholly))


def test_a_window_of_missing_steps_has_a_prediction(tiny, windows):
    X, y = windows
    assert np.isfinite(tiny().fit(X, y).predict(np.full((1, 6, 2), np.nan))).all()


def test_missing_steps_do_not_count_in_the_statistics(tiny, windows):
    X, y = windows
    present = X[~np.isnan(X).any(axis=2)]
    model = tiny().fit(X, y)
    assert_allclose(model.feature_mean_, present.mean(axis=0))
    assert_allclose(model.feature_scale_, present.std(axis=0))


# Scale


@pytest.mark.parametrize(("scale", "offset"), [(1e6, 0), (1e-6, 0), (1, 1e6), (3e-3, 7e4)])
def test_data_of_any_magnitude_train_alike(tiny, windows, scale, offset):
    X, y = windows
    plain = tiny().fit(X, y).predict(X)
    moved = tiny().fit(X * scale + offset, y * scale + offset).predict(X * scale + offset)
    assert_allclose((moved - offset) / scale, plain, rtol=1e-3, atol=1e-3)


def test_statistics_are_those_of_the_training_rows_by_weight(tiny, windows):
    X, y = windows
    X = np.nan_to_num(X)
    weight = np.arange(40.0)
    model = tiny(early_stopping=True, validation_fraction=0.25).fit(X, y, sample_weight=weight)
    rows = slice(1, 30)  # row 0 weighs nothing; the last 10 of the 39 others validate
    expected = np.average(X[rows].mean(axis=1), axis=0, weights=weight[rows])
    assert_allclose(model.feature_mean_, expected)
    assert_allclose(model.target_mean_, np.average(y[rows], weights=weight[rows]))


def test_without_normalize_the_network_sees_the_data(tiny, windows):
    model = tiny(normalize=False).fit(*windows)
    assert_array_equal(model.feature_mean_, [0, 0])
    assert_array_equal(model.feature_scale_, [1, 1])
    assert_array_equal([model.target_mean_, model.target_scale_], [[0], [1]])


def test_predictions_are_in_the_units_of_the_target(tiny):
    X = np.zeros((20, 2, 1))
    X[::2] = 1
    y = 1e9 + np.where(X[:, 0, 0] > 0, 1.0, 0.0)
    model = tiny(epochs=60).fit(X, y)
    assert_allclose(model.predict(X) - 1e9, y - 1e9, atol=0.2)


def test_constant_features_and_targets(tiny):
    model = tiny().fit(np.ones((10, 3, 1)), np.full(10, 5.0))
    assert_allclose(model.predict(np.ones((2, 3, 1))), 5, atol=0.5)


# Weights


@pytest.mark.backend
@pytest.mark.parametrize(
    "params",
    [
        pytest.param({}, marks=THOROUGH_ELSEWHERE),
        pytest.param(LINEAR, marks=THOROUGH_ELSEWHERE),
        LINEAR | {"early_stopping": True},
    ],
    ids=str,
)
@pytest.mark.parametrize("batch_size", [8, pytest.param(64, marks=THOROUGH_ELSEWHERE)])
def test_zero_weights_equal_removed_rows(tiny, windows, batch_size, params):
    X, y = windows
    weight = np.ones(40)
    weight[::3] = 0
    kept = weight > 0
    weighted = tiny(batch_size=batch_size, **params).fit(X, y, sample_weight=weight)
    removed = tiny(batch_size=batch_size, **params).fit(X[kept], y[kept])
    assert_allclose(weighted.linear_coef_, removed.linear_coef_)
    assert_same_weights(weighted, removed, atol=1e-6)
    assert_allclose(weighted.predict(X), removed.predict(X), rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("params", [{}, LINEAR | {"early_stopping": True}], ids=str)
@pytest.mark.parametrize("weighted", [False, True])
def test_rows_whose_target_is_missing_equal_rows_of_weight_zero(tiny, rng, params, weighted):
    X, y = rng.standard_normal((40, 6, 2)), rng.standard_normal((40, 2))
    weight = rng.uniform(1, 2, size=40) if weighted else None
    missing = y.copy()
    missing[::5, 1] = missing[7] = np.nan
    known = ~np.isnan(missing).any(axis=1)
    one = tiny(**params).fit(X, missing, sample_weight=weight)
    other = tiny(**params).fit(X, y, sample_weight=np.where(known, 1.0 if weight is None else weight, 0.0))
    assert_allclose(one.history_["loss"], other.history_["loss"], rtol=1e-6)
    assert_same_weights(one, other, atol=1e-6)
    assert_allclose(one.predict(X), other.predict(X), rtol=1e-4, atol=1e-6)
    one.partial_fit(X, missing, sample_weight=weight)
    assert one.n_iter_ == other.n_iter_ + 1


def test_rows_of_x_val_whose_target_is_missing_do_not_count(tiny, windows):
    X, y = windows
    y_val = np.where(np.arange(10) % 3, y[30:], np.nan)
    kept = ~np.isnan(y_val)
    model = tiny(early_stopping=True)
    one = clone(model).fit(X[:30], y[:30], X_val=X[30:], y_val=y_val)
    other = clone(model).fit(X[:30], y[:30], X_val=X[30:][kept], y_val=y_val[kept])
    assert_allclose(one.history_["val_loss"], other.history_["val_loss"], rtol=1e-6)


def test_weights_equal_repeated_rows_in_a_full_batch(tiny, windows):
    X, y = windows
    weight = np.random.default_rng(0).integers(0, 4, size=40)
    weighted = tiny(batch_size=256, epochs=20).fit(X, y, sample_weight=weight)
    repeated = tiny(batch_size=256, epochs=20).fit(X.repeat(weight, axis=0), y.repeat(weight))
    assert_allclose(weighted.predict(X), repeated.predict(X), rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize("params", [{}, LINEAR], ids=str)
def test_only_the_ratios_of_weights_count(tiny, windows, params):
    X, y = windows
    weight = np.arange(1.0, 41)
    one, other = tiny(**params).fit(X, y, weight), tiny(**params).fit(X, y, 4e306 * weight)
    assert_same_weights(one, other, atol=1e-6)
    assert_allclose(one.linear_coef_, other.linear_coef_)


@pytest.mark.parametrize(("batch_size", "learning_rate"), [(1, 0.001), (8, 0.005), (64, 0.05)])
def test_weights_count_whatever_the_batch_size(tiny, batch_size, learning_rate):
    y = np.tile([0.0, 1.0], 20)
    model = tiny(batch_size=batch_size, epochs=80, learning_rate=learning_rate, normalize=False)
    model.fit(np.ones((40, 2, 1)), y, sample_weight=np.where(y, 9.0, 1.0))
    assert_allclose(model.predict(np.ones((1, 2, 1))), 0.9, atol=0.04)


def test_score_is_weighted(tiny, windows):
    X, y = windows
    weight = np.arange(40.0)
    model = tiny().fit(X, y)
    assert_allclose(model.score(X, y, weight), r2_score(y, model.predict(X), sample_weight=weight))


# Going on


@pytest.mark.parametrize("params", [{}, {"optimizer": "rmsprop"}, {"batch_size": 16}, LINEAR])
def test_partial_fit_epoch_by_epoch_equals_fit(tiny, windows, params):
    X, y = windows
    whole = tiny(epochs=4, **params).fit(X, y)
    parts = tiny(**params)
    for _ in range(4):
        parts.partial_fit(X, y)
    assert_same_weights(whole, parts, atol=1e-7)
    assert_allclose(whole.history_["loss"], parts.history_["loss"], rtol=1e-5)
    assert parts.n_iter_ == 4


@pytest.mark.parametrize("params", [{}, LINEAR])
def test_warm_start_goes_on(tiny, windows, params):
    X, y = windows
    whole = tiny(epochs=5, **params).fit(X, y)
    warm = tiny(epochs=2, warm_start=True, **params).fit(X, y)
    warm.set_params(epochs=3).fit(X, y)
    assert_same_weights(whole, warm, atol=1e-7)
    assert warm.n_iter_ == 5


def test_histories_of_trainings_with_and_without_validation_have_one_length(tiny, windows):
    X, y = windows
    model = tiny(epochs=2, warm_start=True, early_stopping=True).fit(X, y).partial_fit(X, y).fit(X, y)
    assert len(model.history_["loss"]) == len(model.history_["val_loss"]) == model.n_iter_ == 5
    assert_array_equal(np.isnan(model.history_["val_loss"]), [False, False, True, False, False])


def test_fit_without_warm_start_begins_anew(tiny, windows):
    model = tiny().fit(*windows)
    first = copy.deepcopy(model)
    assert_same_weights(first, model.fit(*windows))


def test_training_goes_on_with_another_learning_rate_and_optimizer(tiny, windows):
    X, y = windows
    model = tiny().fit(X, y)
    before = [w.copy() for w in model.weights_]
    model.set_params(learning_rate=1e-12).partial_fit(X, y)
    assert_allclose(before[0], model.weights_[0], atol=1e-6)
    model.set_params(optimizer="sgd", learning_rate=0.1).partial_fit(X, y)
    assert not np.allclose(before[0], model.weights_[0], atol=1e-6)
    assert model.n_iter_ == 4


def test_training_cannot_go_on_with_another_network(tiny, windows):
    model = tiny(warm_start=True).fit(*windows)
    for change in ({"units": 5}, {"bidirectional": True}):
        with pytest.raises(ValueError, match="warm_start=False"):
            clone(model).fit(*windows).set_params(**change).fit(*windows)


def test_parameters_set_after_the_fit_do_not_disturb_it(tiny, windows):
    X, y = windows
    model = tiny().fit(X, y)
    before = model.predict(X)
    model.set_params(units=(7, 7), bidirectional=True, normalize=False, loss="huber")
    assert_array_equal(model.predict(X), before)


def test_the_linear_path_of_the_first_call_stays(tiny, windows):
    X, y = windows
    model = tiny(**LINEAR, warm_start=True).partial_fit(X, y)
    coef, intercept = model.linear_coef_.copy(), model.target_mean_.copy()
    for train in (model.partial_fit, model.fit):
        train(X[::-1], 5 - 3 * y)
        assert_array_equal(model.linear_coef_, coef)
        assert_array_equal(model.target_mean_, intercept)
    assert not np.allclose(clone(model).fit(X[::-1], 5 - 3 * y).linear_coef_, coef)


# The linear path


@pytest.mark.parametrize("early_stopping", [False, True])
def test_the_linear_path_learns_a_linear_map(tiny, rng, early_stopping):
    X = 5 + 3 * rng.standard_normal((200, 4, 2))
    coef, intercept = rng.standard_normal((4, 2, 3)), np.array([100.0, 0.0, -1.0])
    y = np.tensordot(X, coef, axes=2) + intercept
    model = tiny(**LINEAR_ALONE, early_stopping=early_stopping).fit(X, y)
    assert_allclose(model.linear_coef_ / model.feature_scale_[:, np.newaxis], coef, atol=1e-4)
    assert_allclose(model.predict(X), y, atol=0.01)


def test_a_trend_is_carried_beyond_the_values_seen_in_training(tiny):
    time = np.arange(160.0)
    series = 7 + 3 * time + 5 * np.sin(time / 3)
    X, y = to_supervised(series)
    errors = {}
    for linear_skip in (True, False):
        model = make_pipeline(SlidingWindow(12), tiny(linear_skip=linear_skip, epochs=10)).fit(X[:80], y[:80])
        errors[linear_skip] = np.abs(model.predict(X)[80:] - y[80:]).max()
    assert errors[True] < 5
    assert errors[False] > 50


def test_in_the_linear_map_a_missing_step_has_the_values_before_it(tiny, rng):
    X = rng.standard_normal((200, 5, 2))
    coef = rng.standard_normal((5, 2))
    model = tiny(**LINEAR_ALONE).fit(X, np.tensordot(X, coef, axes=2))
    gapped, filled = X[:9].copy(), X[:9].copy()
    gapped[:3, :2], filled[:3, :2] = np.nan, X[:3, 2:3]  # before all others: those of the first step present
    gapped[3:6, 2:4, 0], filled[3:6, 2:4] = np.nan, X[3:6, 1:2]
    gapped[6:, 4], filled[6:, 4] = np.nan, X[6:9, 3]
    assert_allclose(model.predict(gapped), np.tensordot(filled, coef, axes=2), atol=0.01)


def test_a_window_without_a_whole_step_is_predicted_as_one_of_average_steps(tiny, windows):
    X, y = windows
    model = tiny(**LINEAR_ALONE).fit(X, y)
    partly = np.full((2, 6, 2), np.nan)
    partly[0, :, 1] = 9
    average = np.broadcast_to(model.feature_mean_, (6, 2))
    assert_allclose(model.predict(partly), model.predict([average, average]))


def test_the_network_learns_what_the_linear_path_leaves(tiny, rng):
    X = rng.standard_normal((300, 3, 1))
    y = 3 * X[:, -1, 0] + 2 * np.abs(X[:, -2, 0])
    model = tiny(**LINEAR, epochs=60, units=8, learning_rate=0.02).fit(X[:200], y[:200])
    rest = y - model._head().linear.predict(X)[:, 0]
    assert_allclose(model.target_scale_, y[:200].std())
    assert np.mean((model.predict(X) - y)[200:] ** 2) < 0.3 * np.mean(rest[200:] ** 2)


def test_rows_are_looked_at_in_chunks(tiny, windows, monkeypatch):
    X, y = windows
    params = LINEAR | {"early_stopping": True}
    whole = tiny(**params).fit(X, y)
    monkeypatch.setattr(arrays, "CHUNK", 7 * X[0].size)
    parts = tiny(**params).fit(X, y)
    assert_allclose(parts.linear_coef_, whole.linear_coef_)
    assert_allclose(parts.predict(X), whole.predict(X), rtol=1e-4, atol=1e-6)


def network_part(model, X):
    return model.predict(X) - model._head().linear.predict(X)[:, 0]


def test_of_noise_the_network_learns_next_to_nothing():
    shares = []
    for seed in range(5):
        rng = np.random.default_rng(seed)
        X, y = rng.standard_normal((200, 5, 1)), rng.standard_normal(200)
        model = LSTMForecaster(8, epochs=20, learning_rate=0.02, random_state=seed).fit(X, y)
        shares.append(network_part(model, X).var())
    assert np.mean(shares) < 0.02


@pytest.mark.parametrize("early_stopping", [False, True])
def test_rows_without_a_step_equal_rows_of_weight_zero(early_stopping, tiny, rng):
    X, y = rng.standard_normal((60, 4, 2)), rng.standard_normal(60)
    X[:20], X[40] = np.nan, np.nan
    params = {"linear_skip": True, "early_stopping": early_stopping, "normalize": "window"}
    weighted = tiny(**params).fit(np.nan_to_num(X), y, (~np.isnan(X[:, 0, 0])).astype(float))
    assert_allclose(tiny(**params).fit(X, y).predict(X[20:40]), weighted.predict(X[20:40]), rtol=1e-5, atol=1e-6)


def predictions_of_parts(model, X):
    """Return what the networks predict, and what the linear model does."""
    networks = copy.copy(model)
    networks.network_weight_, networks.linear_weight_ = 1.0, 0.0
    return networks.predict(X), model._head().linear.predict(X)[:, 0]


@pytest.mark.parametrize("loss_name", ["squared_error", "absolute_error", "huber"])
@pytest.mark.parametrize("signal", [pytest.param(0, marks=pytest.mark.thorough), 1, 9])
@pytest.mark.parametrize("given", [False, True])
def test_networks_and_linear_model_are_weighed_by_rows_that_both_have_not_seen(tiny, rng, signal, loss_name, given):
    X = rng.standard_normal((80, 3, 1))
    y = signal * np.abs(X[:, -1, 0]) + rng.standard_normal(80)
    weight = rng.uniform(0.5, 2, 80)
    params = {"loss": loss_name, "early_stopping": True, "validation_fraction": 0.25, "epochs": 30}
    model = tiny(**LINEAR, **params, learning_rate=0.05)
    if given:
        model.fit(X[:60], y[:60], weight[:60], X_val=X[60:], y_val=y[60:], sample_weight_val=weight[60:])
    else:
        model.fit(X, y, weight)
    networks, linear = predictions_of_parts(model, X)
    assert_allclose(model.predict(X), model.network_weight_ * networks + model.linear_weight_ * linear)
    assert model.linear_weight_ == 1 - model.network_weight_
    of_first_rows = tiny(**LINEAR_ALONE).fit(X[:60], y[:60], weight[:60])._head().linear.predict(X)[:, 0]

    def loss(network_weight):
        errors = (network_weight * networks + (1 - network_weight) * of_first_rows - y)[60:] / model.target_scale_
        return np.average(LOSSES[loss_name](errors), weights=weight[60:])

    best = loss(model.network_weight_)
    assert best <= min(loss(share) for share in np.linspace(0, 1, 21)) + 1e-3  # the other linear model has its penalty


@pytest.mark.parametrize("loss", ["absolute_error", "huber"])
def test_an_outlier_in_validation_does_not_switch_off_robust_networks(tiny, rng, loss):
    """The weight with the least squared error would be zero, and the error that of the linear model."""
    X = rng.standard_normal((300, 2, 1))
    y = np.abs(X[:, -1, 0])
    noisy = y.copy()
    outlier = 160 + np.argmax(y[160:200])
    noisy[outlier] -= 100
    model = tiny(**LINEAR, loss=loss, early_stopping=True, units=8, epochs=30, learning_rate=0.03)
    model.fit(X[:200], noisy[:200])
    linear = predictions_of_parts(model, X[200:])[1]
    assert np.abs(model.predict(X[200:]) - y[200:]).mean() < 0.3 * np.abs(linear - y[200:]).mean()


# Several networks


def single_networks(model):
    """Return a model for each network of a fitted one."""
    for weights in model._network_weights():
        single = copy.copy(model)
        single.weights_, single._n_networks = weights, 1
        yield single


@pytest.mark.backend
@pytest.mark.parametrize(
    "params",
    [pytest.param({}, marks=THOROUGH_ELSEWHERE), {"linear_skip": True, "early_stopping": True, "normalize": "window"}],
    ids=str,
)
def test_networks_are_averaged(tiny, windows, params):
    X, y = windows
    model = tiny(n_networks=3, **params).fit(X, y)
    predictions = [single.predict(X) for single in single_networks(model)]
    assert len(predictions) == 3
    assert not np.allclose(predictions[0], predictions[1])
    assert_allclose(model.predict(X), np.mean(predictions, axis=0))
    assert_allclose(model.to_keras().predict(X, verbose=0)[:, 0], model.predict(X), atol=1e-4)


def test_the_first_network_is_that_of_a_fit_of_one(tiny, windows):
    several = tiny(n_networks=3).fit(*windows)
    for array, expected in zip(several.weights_, tiny().fit(*windows).weights_, strict=False):
        assert_array_equal(array, expected)


def test_history_is_the_mean_over_the_networks_that_were_trained_so_long(tiny, windows, monkeypatch):
    from sklstm import _engine

    trained = []
    train = _engine.train
    monkeypatch.setattr(_engine, "train", lambda *args, **kwargs: trained.extend(train(*args, **kwargs)) or trained)
    params = {"early_stopping": True, "epochs": 30, "n_iter_no_change": 1, "learning_rate": 0.05}
    model = tiny(n_networks=3, **params).fit(*windows)
    losses = [network.history["val_loss"] for network in trained]
    assert len(set(map(len, losses))) > 1
    assert model.n_iter_ == max(map(len, losses)) == len(model.history_["loss"])
    expected = [np.mean([loss[epoch] for loss in losses if epoch < len(loss)]) for epoch in range(model.n_iter_)]
    assert_allclose(model.history_["val_loss"], expected)


def test_each_network_holds_out_another_block_and_all_rows_beside_it(tiny):
    """Targets of the block, and of the rows around it whose futures overlap with its own, change no weight."""
    X, y = to_supervised(make_sine(104), horizon=3)
    X = SlidingWindow(5).fit_transform(X)
    model = tiny(n_networks=3, early_stopping=True, validation_fraction=0.2, epochs=1, normalize=False)
    before = [network.weights_ for network in single_networks(model.fit(X, y))]
    for number, first in enumerate([0, 40, 80]):  # of 101 rows, of which 21 are held out, and a gap of 2
        for changed, is_held_out in [
            (slice(max(first - 2, 0), first + 23), True),
            (slice(max(first - 3, 0), max(first - 2, 0)), False),
            (slice(first + 23, first + 24), False),
        ]:
            other = y.copy()
            other[changed] += 1
            if np.array_equal(other, y):  # beyond the ends
                continue
            weights = list(single_networks(model.fit(X, other)))[number].weights_
            same = all(np.array_equal(array, expected) for array, expected in zip(weights, before[number], strict=True))
            assert same == is_held_out, (number, changed)


def test_the_number_of_threads_changes_no_network(tiny, windows):
    X, y = windows
    model = tiny(n_networks=4, early_stopping=True, linear_skip=True, normalize="window")
    expected = model.fit(X, y).predict(X)
    with threadpool_limits(1):
        assert_array_equal(model.fit(X, y).predict(X), expected)


@pytest.mark.backend
def test_training_of_several_networks_resumes(tiny, windows):
    X, y = windows
    whole = tiny(n_networks=2, epochs=4).fit(X, y)
    parts = tiny(n_networks=2)
    for _ in range(4):
        parts.partial_fit(X, y)
    assert_same_weights(parts, whole)
    warm = tiny(n_networks=2, epochs=2, warm_start=True).fit(X, y).fit(X, y)
    assert_same_weights(warm, whole)
    assert warm.history_ == parts.history_ == whole.history_
    with pytest.raises(ValueError, match=r"'n_networks': 2.*cannot become.*'n_networks': 3"):
        warm.set_params(n_networks=3).fit(X, y)


@pytest.mark.backend
def test_each_network_calls_callbacks_of_its_own(tiny, windows):
    import keras

    calls = []

    class Count(keras.callbacks.Callback):
        def on_train_begin(self, logs=None):
            self.n_epochs = 0

        def on_epoch_end(self, epoch, logs=None):
            self.n_epochs += 1
            calls.append(self.n_epochs)

    tiny(n_networks=3, callbacks=[Count()]).fit(*windows)
    assert calls == [1, 2] * 3


def test_callbacks_that_write_a_file_need_a_single_network(tiny, windows, tmp_path):
    import keras

    log = keras.callbacks.CSVLogger(tmp_path / "log.csv")
    with pytest.raises(ValueError, match=r"CSVLogger, .* n_networks=2 networks .*Set n_networks=1"):
        tiny(n_networks=2, callbacks=[log]).fit(*windows)
    tiny(callbacks=[log]).fit(*windows)


@pytest.mark.backend
@pytest.mark.parametrize("early_stopping", [pytest.param(False, marks=THOROUGH_ELSEWHERE), True])
def test_training_resumes_with_the_networks_that_an_interrupt_left(tiny, windows, early_stopping):
    import keras

    class InterruptSecond(keras.callbacks.Callback):
        n_trained = 0

        def on_train_begin(self, logs=None):
            InterruptSecond.n_trained += 1

        def on_epoch_end(self, epoch, logs=None):
            if InterruptSecond.n_trained == 2 and epoch == 2:
                raise KeyboardInterrupt

    X, y = windows
    params = {"linear_skip": True, "early_stopping": early_stopping, "normalize": "window", "warm_start": True}
    model = tiny(n_networks=4, epochs=5, callbacks=InterruptSecond, **params)
    with pytest.warns(UserWarning, match="3 of 5 epochs.* of 2 of 4 networks"):
        model.fit(X, y)
    assert len(model._network_weights()) == 2
    assert model.n_iter_ == 5
    before = model.predict(X)
    model.set_params(callbacks=None).fit(X, y).partial_fit(X, y)
    assert len(model._network_weights()) == 2
    assert not np.allclose(model.predict(X), before)


def test_an_error_in_one_network_ends_the_others(tiny, windows):
    X, y = windows
    model = tiny(n_networks=4, epochs=3).fit(X, y)
    expected = model.predict(X)
    with pytest.raises(ValueError, match="no longer finite"):
        model.set_params(learning_rate=1e30, global_clipnorm=None).fit(X, y)
    assert_array_equal(model.predict(X), expected)


@needs_threads
@pytest.mark.thorough
def test_an_interrupt_reaches_networks_in_threads(rng):
    X = rng.standard_normal((4000, 30, 1))
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    model = LSTMForecaster(units=64, epochs=1, batch_size=100, n_networks=2, early_stopping=False)
    model.fit(X, X[:, -1, 0]).set_params(epochs=500)  # compiled, however long that takes
    threading.Timer(6.0, os.kill, [os.getpid(), signal.SIGINT]).start()  # to the process, as a terminal does
    try:
        with pytest.warns(UserWarning, match="interrupted"):
            model.fit(X, X[:, -1, 0])
    finally:
        signal.signal(signal.SIGINT, before)
    assert 0 < model.n_iter_ < 400


# The level of a window


@pytest.mark.parametrize("early_stopping", [False, True])
def test_a_constant_target_is_forecast(tiny, rng, early_stopping):
    for X in (np.full((100, 5, 1), 7.0), rng.standard_normal((100, 5, 1))):
        model = tiny(linear_skip=True, early_stopping=early_stopping, normalize="window").fit(X, np.full(100, 5.0))
        assert_allclose(model.predict(X), 5, atol=1e-6 if early_stopping else 0.01)


def test_the_mean_of_a_target_that_windows_do_not_explain(tiny, rng):
    X, y = np.full((100, 5, 1), 2.0), 50 + rng.standard_normal(100)
    model = tiny(normalize="window", learning_rate=1e-9).fit(X, y)
    assert_allclose(model.predict(X), y.mean(), atol=1)


def test_a_trend_does_not_take_windows_out_of_the_range_of_training(tiny):
    """A season on a trend that more than doubles the level after the training rows."""
    steps = np.arange(600.0)
    series = np.sin(steps * 2 * np.pi / 12) + np.abs(np.sin(steps * 2 * np.pi / 24)) + steps / 20
    X, y = to_supervised(series.reshape(-1, 1), horizon=6)
    X = SlidingWindow(24).fit_transform(X)
    errors = {}
    for normalize in ("window", True):
        model = tiny(units=16, epochs=30, learning_rate=0.01, normalize=normalize).fit(X[24:250], y[24:250])
        errors[normalize] = np.abs(model.predict(X[300:]) - y[300:]).mean()
    assert errors["window"] < 0.25 < 2 < errors[True]


def test_the_level_itself_is_seen_too(tiny, rng):
    X = np.repeat(rng.standard_normal((400, 1, 1)), 3, axis=1)
    y = np.abs(X[:, 0, 0])
    model = tiny(units=8, epochs=40, learning_rate=0.03, normalize="window").fit(X[:300], y[:300])
    assert model.score(X[300:], y[300:]) > 0.8


@pytest.mark.parametrize(
    ("n_rows", "batch_size", "n_epochs"), [(40, 32, 100), (640, 1, 5), (640, 32, 50), (640, 40, 63)]
)
def test_epochs_by_the_number_of_steps_of_the_optimizer(tiny, rng, n_rows, batch_size, n_epochs):
    X = rng.standard_normal((n_rows, 1, 1))
    assert tiny(epochs="auto", units=1, batch_size=batch_size).fit(X, X[:, 0, 0]).n_iter_ == n_epochs


# The learning rate


@pytest.fixture
def rates():
    """Return a callback that records the learning rate of each epoch, in a list that its copies share."""
    import keras

    class Rates(keras.callbacks.Callback):
        seen = []

        def on_epoch_end(self, epoch, logs=None):
            self.seen.append(float(self.model.optimizer.learning_rate))

    return Rates


COSINE = {"learning_rate_schedule": "cosine"}


@pytest.mark.backend
def test_the_learning_rate_falls_along_half_a_cosine(tiny, windows, rates):
    tiny(**COSINE, epochs=4, learning_rate=0.01, callbacks=rates).fit(*windows)
    assert_allclose(rates.seen, 0.005 * (1 + np.cos(np.pi * np.arange(4) / 4)), rtol=1e-5)
    assert_allclose(rates.seen[0], 0.01)


def test_a_constant_learning_rate(tiny, windows, rates):
    tiny(epochs=3, learning_rate=0.01, callbacks=rates).fit(*windows)
    assert_allclose(rates.seen, 0.01)


def test_the_schedule_counts_in_training(tiny, windows):
    for epochs in (1, 3):
        constant, cosine = tiny(epochs=epochs).fit(*windows), tiny(epochs=epochs, **COSINE).fit(*windows)
        assert (np.abs(constant.weights_[0] - cosine.weights_[0]).max() == 0) == (epochs == 1)


@pytest.mark.backend
def test_a_long_gradient_is_shortened(tiny, windows):
    """A step of plain gradient descent is as long as the gradient, times the learning rate."""
    X, y = windows

    def length_of_a_step(**params):
        model = tiny(optimizer="sgd", batch_size=64, warm_start=True, **params)
        before, after = (model.set_params(epochs=1, learning_rate=rate).fit(X, y).weights_ for rate in (1e-30, 0.1))
        return np.sqrt(sum(np.sum((a - b) ** 2) for a, b in zip(after, before, strict=True))) / 0.1

    free = length_of_a_step(global_clipnorm=None)
    assert_allclose(length_of_a_step(global_clipnorm=free / 2), free / 2, rtol=1e-4)
    assert_allclose(length_of_a_step(global_clipnorm=free * 2), free, rtol=1e-4)


def test_the_learning_rate_restarts_with_each_fit(tiny, windows, rates):
    model = tiny(**COSINE, epochs=3, warm_start=True, callbacks=rates).fit(*windows).fit(*windows)
    model.partial_fit(*windows).partial_fit(*windows)
    assert_allclose(rates.seen[3:6], rates.seen[:3])
    assert_allclose(rates.seen[6:], model.learning_rate)


def test_what_a_callback_does_to_the_learning_rate_lasts(tiny, windows, rates):
    import keras

    class Halve(keras.callbacks.Callback):
        def on_epoch_begin(self, epoch, logs=None):
            if epoch == 2:
                self.model.optimizer.learning_rate = float(self.model.optimizer.learning_rate) / 2

    tiny(**COSINE, epochs=5, learning_rate=0.01, callbacks=[Halve, rates]).fit(*windows)
    expected = 0.005 * (1 + np.cos(np.pi * np.arange(5) / 5))
    assert_allclose(rates.seen, expected / [1, 1, 2, 2, 2], rtol=1e-5)


# Early stopping


@pytest.mark.backend
def test_early_stopping_restores_the_best_weights(tiny, windows):
    X, y = windows
    model = tiny(early_stopping=True, validation_fraction=0.25, epochs=40, n_iter_no_change=3, learning_rate=0.2)
    model.fit(X, y)
    losses = model.history_["val_loss"]
    assert len(losses) == model.n_iter_ < 40
    restored = np.mean(((model.predict(X[30:]) - y[30:]) / model.target_scale_) ** 2)
    assert_allclose(restored, min(losses), rtol=1e-4)


def test_the_best_weights_are_the_best_even_by_less_than_tol(tiny, windows):
    X, y = windows
    model = tiny(early_stopping=True, validation_fraction=0.25, epochs=6, tol=100.0).fit(X, y)
    restored = np.mean(((model.predict(X[30:]) - y[30:]) / model.target_scale_) ** 2)
    assert_allclose(restored, min(model.history_["val_loss"]), rtol=1e-4)
    assert model.history_["val_loss"][-1] < model.history_["val_loss"][0]


def test_partial_fit_trains_on_all_rows(tiny, windows):
    X, y = windows
    assert_same_weights(tiny().partial_fit(X, y), tiny(early_stopping=True).partial_fit(X, y))
    tiny(early_stopping=True).partial_fit(X[:1], y[:1])


def test_early_stopping_holds_out_the_last_rows(tiny, windows):
    X, y = windows
    other = y.copy()
    other[30:] += 1000
    params = {"early_stopping": True, "validation_fraction": 0.25, "epochs": 3, "n_iter_no_change": 3}
    one, two = tiny(**params).fit(X, y), tiny(**params).fit(X, other)
    assert one.history_["loss"] == two.history_["loss"]
    assert one.history_["val_loss"] != two.history_["val_loss"]


def test_early_stopping_needs_a_row_to_train_on(tiny):
    with pytest.raises(ValueError, match="n_samples=1,"):
        tiny(early_stopping=True).fit(np.ones((1, 2, 1)), [1.0])


@pytest.mark.parametrize(
    ("gap", "kind", "n_left_out"),
    [
        ("auto", "view", 3),
        ("auto", "copy", 3),
        ("auto", "fold", 3),
        ("auto", "independent", 0),
        (0, "view", 0),
        (7, "view", 7),
        (7, "independent", 7),
    ],
)
def test_rows_whose_futures_overlap_those_held_out_are_left_out(tiny, gap, kind, n_left_out):
    X, y = to_supervised(make_sine(74), horizon=4)
    X = SlidingWindow(5).fit_transform(X)
    kept = np.r_[:7, 27:70] if kind == "fold" else np.arange(50)
    X, y = X if kind == "view" else X[kept], y[kept]
    X = X[:50] if kind != "independent" else np.random.default_rng(0).permuted(X, axis=0)

    def training_losses(changed=slice(0)):
        model = tiny(early_stopping=True, validation_fraction=0.2, validation_gap=gap)
        other = y.copy()
        other[changed] += 100
        return model.fit(X, other).history_["loss"]

    first_left_out = 40 - n_left_out
    assert training_losses(slice(first_left_out, None)) == training_losses()
    assert training_losses(first_left_out - 1) != training_losses()


@pytest.mark.parametrize(("gap", "n_rows"), [(29, 40), ("auto", 4)])
def test_a_gap_that_leaves_nothing_to_train_on(tiny, gap, n_rows):
    X, y = to_supervised(make_sine(n_rows + 4), horizon=4)
    X = SlidingWindow(3).fit_transform(X)
    model = tiny(early_stopping=True, validation_fraction=0.25, validation_gap=gap)
    if gap == 29:
        assert tiny(early_stopping=True, validation_fraction=0.25, validation_gap=28).fit(X, y).n_iter_ == 2
        model.set_params(validation_gap=30)
    with pytest.raises(ValueError, match=rf"n_samples={n_rows}, .* gap of \d+ row\(s\), .*no row"):
        model.fit(X, y)


# Rows held out by the user


def test_x_val_stands_in_for_the_last_rows(tiny, windows):
    X, y = windows
    weight = np.arange(40.0) % 3 + 1
    held_out = {"X_val": X[30:], "y_val": y[30:], "sample_weight_val": weight[30:]}
    split = tiny(early_stopping=True, validation_fraction=0.25).fit(X, y, weight)
    given = tiny(early_stopping=True).fit(X[:30], y[:30], weight[:30], **held_out)
    assert_same_weights(split, given, atol=1e-6)
    for name in ("loss", "val_loss"):
        assert_allclose(split.history_[name], given.history_[name], rtol=1e-5)


def test_with_x_val_all_rows_train(tiny, windows):
    X, y = windows
    model = tiny(**LINEAR, early_stopping=True).fit(X, y, X_val=X[:5] + 1, y_val=y[:5])
    assert model.history_["loss"] == tiny().fit(X, y).history_["loss"]
    assert_array_equal(model.linear_coef_, tiny(**LINEAR).fit(X, y).linear_coef_)


def test_rows_of_weight_zero_in_x_val_do_not_count(tiny, windows):
    X, y = windows
    weight = np.arange(10.0) % 3
    kept = weight > 0
    model = tiny(**LINEAR, early_stopping=True)
    one = clone(model).fit(X[:30], y[:30], X_val=X[30:], y_val=y[30:], sample_weight_val=weight)
    other = clone(model).fit(X[:30], y[:30], X_val=X[30:][kept], y_val=y[30:][kept], sample_weight_val=9 * weight[kept])
    assert_allclose(one.history_["val_loss"], other.history_["val_loss"], rtol=1e-6)
    assert_same_weights(one, other, atol=1e-6)


@pytest.mark.backend(thorough=True)
def test_missing_steps_in_x_val_alone(tiny, rng):
    X, y = rng.standard_normal((40, 6, 2)), rng.standard_normal((40, 3))
    X_val = X[:9].copy()
    X_val[:4, :2] = X_val[4:6, 3] = X_val[8] = np.nan
    model = tiny(early_stopping=True, epochs=1).fit(X, y, X_val=X_val, y_val=y[:9])
    errors = (model.predict(X_val) - y[:9])[:8] / model.target_scale_  # the last row has no step
    assert_allclose(model.history_["val_loss"], np.mean(errors**2), rtol=1e-4)


def test_x_val_through_a_pipeline(tiny):
    X, y = to_supervised(10 * make_sine(90))
    network = tiny(**LINEAR, early_stopping=True)
    with config_context(enable_metadata_routing=True):
        routed = clone(network).set_fit_request(X_val=True, y_val=True)
        pipeline = make_pipeline(
            MinMaxScaler(), SlidingWindow(5, carry_over=True), routed, transform_input=["X_val"]
        ).fit(X[:60], y[:60], X_val=X[60:], y_val=y[60:])
    scaler = MinMaxScaler().fit(X[:60])
    windows = SlidingWindow(5).fit_transform(scaler.transform(X))
    network.fit(windows[:60], y[:60], X_val=windows[60:], y_val=y[60:])
    assert_allclose(pipeline[-1].history_["val_loss"], network.history_["val_loss"], rtol=1e-6)
    assert_same_weights(pipeline[-1], network, atol=1e-6)


@pytest.mark.parametrize(
    ("held_out", "message"),
    [
        ({"X_val": np.ones((2, 6, 2))}, "X_val or sample_weight_val is provided, but y_val was not provided"),
        ({"y_val": np.ones(2)}, "y_val is provided, but X_val was not provided"),
        ({"X_val": np.ones((2, 6, 2)), "y_val": np.ones(3)}, "inconsistent numbers of samples"),
        ({"X_val": np.ones((2, 6, 1)), "y_val": np.ones(2)}, "1 features, but LSTMForecaster is expecting 2"),
        ({"X_val": np.ones((2, 5, 2)), "y_val": np.ones(2)}, "5 steps, but LSTMForecaster is expecting 6"),
        ({"X_val": np.ones((2, 6, 2)), "y_val": np.ones((2, 2))}, r"y has shape \(2, 2\)"),
        ({"X_val": np.ones((2, 6, 2)), "y_val": [np.nan, np.nan]}, "contains NaN in every row"),
        ({"X_val": np.ones((2, 6, 2)), "y_val": np.ones(2), "sample_weight_val": [1, -1]}, "Negative values"),
    ],
)
def test_bad_x_val(tiny, windows, held_out, message):
    X, y = windows
    model = tiny(early_stopping=True).fit(X, y)
    before = model.predict(X)
    with pytest.raises(ValueError, match=message):
        model.fit(X + 1, y, **held_out)
    assert_array_equal(model.predict(X), before)


def test_x_val_is_for_early_stopping(tiny, windows):
    X, y = windows
    with pytest.raises(ValueError, match="pass them with early_stopping=True only"):
        tiny().fit(X, y, X_val=X, y_val=y)


# Callbacks


@pytest.mark.backend
def test_callbacks(tiny, windows):
    import keras

    class Counter(keras.callbacks.Callback):
        made = 0
        epochs = 0

        def __init__(self):
            super().__init__()
            Counter.made += 1

        def on_epoch_end(self, epoch, logs=None):
            assert set(logs) == {"loss"}
            Counter.epochs += 1
            self.epoch = epoch

    instance = Counter()
    tiny(callbacks=instance).fit(*windows)
    tiny(callbacks=[instance, Counter]).fit(*windows)
    assert Counter.epochs == 6
    assert Counter.made == 2  # the instance, and what the class made; copies do not count
    assert not hasattr(instance, "epoch")
    assert instance._model is None


def test_a_callback_may_change_the_training_of_its_fit_only(tiny, windows):
    import keras

    plain = tiny(epochs=3).fit(*windows)
    freezing = keras.callbacks.LearningRateScheduler(lambda epoch: 0.0)
    frozen = tiny(epochs=3, callbacks=[freezing]).fit(*windows)
    assert not np.allclose(plain.weights_[0], frozen.weights_[0])
    assert_same_weights(plain, tiny(epochs=3).fit(*windows))


def test_a_callback_of_ones_own_may_ruin_the_model_of_its_fit_only(tiny, windows):
    import keras

    class Freeze(keras.callbacks.Callback):
        def on_train_end(self, logs=None):
            self.model.trainable = False

    plain = tiny().fit(*windows)
    tiny(callbacks=[Freeze]).fit(*windows)
    assert_same_weights(plain, tiny().fit(*windows))


def test_estimators_with_callbacks_clone_and_pickle(tiny, windows):
    import keras

    model = tiny(callbacks=[keras.callbacks.TerminateOnNaN(), keras.callbacks.TerminateOnNaN])
    assert_same_weights(clone(model).fit(*windows), pickle.loads(pickle.dumps(model.fit(*windows))))


@pytest.mark.thorough
def test_callbacks_in_other_processes(tiny, windows, monkeypatch):
    """Unpickling a callback imports Keras, there too on the backend of the engine."""
    import keras

    monkeypatch.delenv("KERAS_BACKEND", raising=False)
    for callback in (keras.callbacks.TerminateOnNaN(), lambda: keras.callbacks.TerminateOnNaN()):
        scores = cross_val_score(tiny(callbacks=[callback]), *windows, cv=2, n_jobs=2, error_score="raise")
        assert_allclose(scores, cross_val_score(tiny(), *windows, cv=2), rtol=1e-6)


@pytest.mark.parametrize("callback", [dict, "EarlyStopping", 3, [[]]], ids=str)
def test_callbacks_must_be_or_make_callbacks(tiny, windows, callback):
    with pytest.raises(TypeError, match="must be Keras callbacks or callables that make them"):
        tiny(callbacks=[callback]).fit(*windows)


def test_verbose(tiny, windows, capsys):
    tiny().fit(*windows)
    assert capsys.readouterr().out == ""
    tiny(verbose=2).fit(*windows)
    assert "Epoch 2/2" in capsys.readouterr().out


# Reproducibility


@pytest.mark.backend
@pytest.mark.parametrize(
    "params", [pytest.param({}, marks=THOROUGH_ELSEWHERE), {"dropout": 0.3, "recurrent_dropout": 0.3}]
)
def test_random_state_decides_the_fit(tiny, windows, params):
    first = tiny(**params).fit(*windows)
    np.random.seed(1)  # noqa: NPY002
    random.seed(1)
    assert_same_weights(first, tiny(**params).fit(*windows))
    assert not np.allclose(first.weights_[0], tiny(random_state=1, **params).fit(*windows).weights_[0])
    state = np.random.RandomState(3)
    assert_same_weights(
        tiny(random_state=np.random.RandomState(3), **params).fit(*windows),
        tiny(random_state=state, **params).fit(*windows),
    )


def test_no_random_state_follows_numpy_like_any_estimator(tiny, windows):
    fits = []
    for seed in (0, 0, 1):
        np.random.seed(seed)  # noqa: NPY002
        fits.append(tiny(random_state=None).fit(*windows))
    assert_same_weights(fits[0], fits[1])
    assert not np.allclose(fits[0].weights_[0], fits[2].weights_[0])


@pytest.mark.backend
@pytest.mark.parametrize(
    "params",
    [
        pytest.param({}, marks=THOROUGH_ELSEWHERE),
        LINEAR,
        pytest.param({"bidirectional": True}, marks=THOROUGH_ELSEWHERE),
    ],
    ids=str,
)
def test_global_state_is_left_alone(tiny, windows, params):
    import keras

    def global_random_states():
        states = [random.getstate(), np.random.get_state()]  # noqa: NPY002
        if keras.backend.backend() == "torch":
            import torch

            states.append(torch.random.get_rng_state().numpy())
        return pickle.dumps(states)

    X, y = windows
    model = tiny(**params, dropout=0.1, units=3)
    expected = model.fit(X, y).predict(X)
    keras.config.set_dtype_policy("mixed_float16")
    before = global_random_states(), dict(os.environ)
    try:
        for method in (lambda: model.partial_fit(X, y), model.to_keras, lambda: model.fit(X, y)):
            method()
            assert (global_random_states(), os.environ) == before
        prediction = model.predict(X)
        assert keras.config.dtype_policy().name == "mixed_float16"
    finally:
        keras.config.set_dtype_policy("float32")
    assert (global_random_states(), os.environ) == before
    assert_array_equal(prediction, expected)


@pytest.mark.backend
def test_random_numbers_of_keras_are_left_alone(tiny, windows):
    from keras.ops import convert_to_numpy
    from keras.src.random.seed_generator import global_seed_generator  # the one of layers without a seed

    before = np.array(convert_to_numpy(global_seed_generator().state.value))
    tiny(**LINEAR, dropout=0.1).fit(*windows).to_keras()
    assert_array_equal(convert_to_numpy(global_seed_generator().state.value), before)


def test_dropout_is_for_training_only(tiny, windows):
    X, y = windows
    model = tiny(dropout=0.5, recurrent_dropout=0.5).fit(X, y)
    assert_array_equal(model.predict(X), model.predict(X))
    assert not np.allclose(model.weights_[0], tiny().fit(X, y).weights_[0])


# Other processes, other estimators


@pytest.fixture
def series():
    return to_supervised(make_sine(80))


def test_copies_predict_alike(tiny, windows, tmp_path):
    X, y = windows
    model = tiny().fit(X, y)
    joblib.dump(model, tmp_path / "model")
    for other in (
        pickle.loads(pickle.dumps(model)),
        copy.deepcopy(model),
        joblib.load(tmp_path / "model"),
        joblib.load(tmp_path / "model", mmap_mode="r"),
    ):
        assert_array_equal(other.predict(X), model.predict(X))
        assert_same_weights(other.partial_fit(X, y), copy.deepcopy(model).partial_fit(X, y))
    assert not hasattr(clone(model), "weights_")


def test_fitted_state_is_plain_data(tiny, windows):
    def is_plain(value):
        if isinstance(value, dict):
            return all(map(is_plain, value.values()))
        if isinstance(value, list | tuple):
            return all(map(is_plain, value))
        return isinstance(value, np.ndarray | int | float | str | bool | None)

    assert is_plain(vars(tiny().fit(*windows)))


def test_grid_search_in_processes_equals_fits_one_by_one(tiny, series):
    pipeline = make_pipeline(MinMaxScaler(), SlidingWindow(3), tiny())
    grid = {"slidingwindow__window_size": [3, 5], "lstmforecaster__units": [2, 3]}
    search = GridSearchCV(pipeline, grid, cv=TimeSeriesSplit(2), n_jobs=2, error_score="raise")
    scores = search.fit(*series).cv_results_["mean_test_score"]
    expected = [
        cross_val_score(clone(pipeline).set_params(**params), *series, cv=TimeSeriesSplit(2)).mean()
        for params in search.cv_results_["params"]
    ]
    assert_allclose(scores, expected, rtol=1e-6)


def test_threads(tiny, series):
    pipeline = make_pipeline(SlidingWindow(5), tiny(epochs=5))
    alone = cross_val_score(pipeline, *series, cv=TimeSeriesSplit(4))
    with parallel_backend("threading", n_jobs=4):
        assert_allclose(cross_val_score(pipeline, *series, cv=TimeSeriesSplit(4)), alone, rtol=1e-6)
        model = pipeline.fit(*series)
        predictions = joblib.Parallel(n_jobs=4)(joblib.delayed(model.predict)(series[0]) for _ in range(8))
    for prediction in predictions:
        assert_array_equal(prediction, predictions[0])


def meta_estimators():
    network = LSTMForecaster(units=3, epochs=1, random_state=0)
    pipeline = make_pipeline(SlidingWindow(4), network)
    yield "target transform", TransformedTargetRegressor(pipeline, transformer=StandardScaler()), 1
    yield "memory", make_pipeline(MinMaxScaler(), SlidingWindow(4), network, memory=None), 1
    yield "bagging", BaggingRegressor(network, n_estimators=2, random_state=0), 1
    yield "multi-output", MultiOutputRegressor(pipeline), 2
    yield "chain", RegressorChain(network, order=[1, 0]), 2


@pytest.mark.parametrize(
    ("model", "n_outputs"), [pytest.param(model, n, id=name) for name, model, n in meta_estimators()]
)
def test_meta_estimators(model, n_outputs, tmp_path):
    if "memory" in model.get_params():
        model.set_params(memory=str(tmp_path))
    X, y = to_supervised(make_sine(60), horizon=n_outputs)
    prediction = model.fit(X, y).predict(X)
    assert prediction.shape == y.shape
    assert np.isfinite(prediction).all()
    assert_array_equal(clone(model).fit(X, y).predict(X), prediction)


def test_inspection(tiny, series):
    model = make_pipeline(SlidingWindow(4), tiny()).fit(*series)
    assert permutation_importance(model, *series, n_repeats=2, random_state=0).importances.shape == (1, 2)
    _, train_scores, _ = learning_curve(model, *series, cv=TimeSeriesSplit(2), train_sizes=[0.5, 1.0])
    assert train_scores.shape == (2, 2)


@pytest.mark.backend
def test_to_keras(tiny, windows, tmp_path):
    import keras

    X, y = windows
    X[8], X[9, :, 0] = np.nan, np.nan
    model = tiny(**LINEAR, units=(3, 2), bidirectional=True, epochs=3).fit(10 * X + 4, 5 * y - 3)
    network = model.to_keras()
    assert_allclose(network.predict(10 * X + 4, verbose=0)[:, 0], model.predict(10 * X + 4), rtol=1e-4, atol=1e-4)
    before = [w.copy() for w in model.weights_]
    network.train_on_batch(X, y)  # it is compiled
    for one, other in zip(before, model.weights_, strict=True):
        assert_array_equal(one, other)
    network.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    assert_allclose(loaded.predict(X, verbose=0), network.predict(X, verbose=0), atol=1e-6)
    assert "sklstm" not in loaded.to_json()
    fresh = keras.models.clone_model(network)
    assert np.abs(fresh.get_weights()[0]).max() > 0


@pytest.mark.backend
@pytest.mark.thorough
def test_the_keras_model_loads_without_the_package(tiny, windows, tmp_path):
    import keras

    X, y = windows
    network = tiny(**LINEAR, units=(3, 2), bidirectional=True).fit(X, y).to_keras()
    network.save(tmp_path / "model.keras")
    np.save(tmp_path / "X.npy", X)
    code = (
        "import sys, keras, numpy as np; model = keras.models.load_model('model.keras');"
        "np.save('y.npy', model.predict(np.load('X.npy'), verbose=0)); assert 'sklstm' not in sys.modules"
    )
    env = os.environ | {"KERAS_BACKEND": keras.backend.backend()}
    subprocess.run([sys.executable, "-c", code], cwd=tmp_path, env=env, check=True)
    assert_allclose(np.load(tmp_path / "y.npy"), network.predict(X, verbose=0), atol=1e-6)


@pytest.mark.backend(thorough=True)
@pytest.mark.parametrize(
    "params", [{}, {"linear_skip": True, "n_networks": 2, "early_stopping": True, "normalize": "window"}], ids=str
)
@pytest.mark.parametrize(
    ("n_steps", "n_features", "n_outputs"),
    [
        (1, 2, 3),
        (5, 3, 2),
        *(pytest.param(*shape, marks=pytest.mark.thorough) for shape in [(1, 1, 1), (2, 1, 1), (9, 1, 4), (1, 2, 3)]),
    ],
)
def test_the_keras_model_predicts_alike(tiny, rng, n_steps, n_features, n_outputs, params):
    X = 300 + 7 * rng.standard_normal((60, n_steps, n_features))
    y = rng.standard_normal((60, n_outputs)) + X[:, -1, :1]
    X[rng.random(X.shape) < np.repeat([0, 0.3, 0.9], 20)[:, np.newaxis, np.newaxis]] = np.nan
    X[:n_steps, :, 0][np.tri(n_steps, dtype=bool)] = np.nan
    model = tiny(**params).fit(X, y)
    assert_allclose(model.to_keras().predict(X, verbose=0), model.predict(X), rtol=0, atol=2e-3)


# Errors, all of them before training


GOOD = np.ones((4, 3, 2))
TARGET = np.arange(4.0)


def with_value(value, dtype=None):
    X = GOOD.astype(dtype or type(value))
    X[1, 1, 1] = value
    return X


@pytest.mark.parametrize(
    ("X", "error", "message"),
    [
        (np.ones(4), ValueError, "Reshape your data"),
        (np.ones((4, 3, 2, 1)), ValueError, "dim 4, while dim <= 3 is required"),
        (np.ones((0, 3, 2)), ValueError, "0 sample"),
        (np.ones((4, 0, 2)), ValueError, "0 step"),
        (np.ones((4, 3, 0)), ValueError, "0 feature"),
        (np.ones((4, 0)), ValueError, "0 feature"),
        ([[[1.0], [2.0]], [[1.0]]], ValueError, "inhomogeneous|sequence"),
        (np.ones((5, 3, 2)), ValueError, "inconsistent numbers of samples"),
        (with_value(np.inf), ValueError, "Input X contains infinity"),
        (with_value(-np.inf), ValueError, "Input X contains infinity"),
        (with_value(1e39), ValueError, "too large for dtype"),
        (with_value(1j), ValueError, "Complex data not supported"),
        (np.full((4, 3), "a"), ValueError, "not compatible with arrays of bytes/strings"),
        (np.full((4, 3), "a", dtype=object), ValueError, "could not convert"),
        (np.zeros((4, 3), dtype="datetime64[s]"), TypeError, "datetime64"),
        (np.zeros((4, 3), dtype="timedelta64[s]"), TypeError, "timedelta64"),
        (pd.DataFrame({"t": pd.date_range("2020", periods=4)}), TypeError, r"columns \['t'\] hold dates"),
    ],
)
def test_bad_x(tiny, X, error, message):
    with pytest.raises(error, match=message):
        tiny().fit(X, TARGET)


@pytest.mark.parametrize(
    "X",
    [
        np.ones((4, 1)),
        np.ones((4, 4)),
        pd.DataFrame(np.ones((4, 6)), columns=["temp", "wind", "rain", "snow", "sun", "demand"]),
        pd.DataFrame(np.ones((4, 6)), columns=[f"{name}_lag{lag}" for lag in (2, 1, 0) for name in ("temp", "wind")]),
    ],
    ids=["one column", "four columns", "variables", "flattened windows of two variables"],
)
def test_a_forgotten_window_warns(tiny, X):
    with pytest.warns(UserWarning, match=rf"{X.shape[1]} column.* make_pipeline\(SlidingWindow\(\), LSTMForecaster"):
        tiny(epochs=1).fit(X, TARGET)


@pytest.mark.parametrize(
    "X",
    [
        np.ones((4, 5)),
        np.ones((4, 2, 1)),
        pd.DataFrame(np.ones((4, 6))),
        pd.DataFrame(np.ones((4, 6)), columns=[f"temp_lag{lag}" for lag in range(5, -1, -1)]),
        pd.DataFrame(np.ones((4, 6)), columns=[f"2020-01-{day:02}" for day in range(1, 7)]),
        pd.DataFrame(np.ones((4, 5)), columns=["t-4", "t-3", "t-2", "t-1", "t"]),
    ],
    ids=["five columns", "windows", "numbered columns", "lags", "dates", "offsets"],
)
def test_steps_do_not_warn(tiny, X):
    with warnings.catch_warnings():
        warnings.filterwarnings("error", message="X is a table")
        tiny(epochs=1).fit(X, TARGET).predict(X)


def test_sparse_data(tiny):
    from scipy.sparse import csr_array

    with pytest.raises(TypeError, match="Sparse data was passed for X"):
        tiny().fit(csr_array(np.eye(4)), TARGET)
    with pytest.raises(TypeError, match="Sparse data was passed for y"):
        tiny().fit(GOOD, csr_array(TARGET[:, None]))


@pytest.mark.parametrize(
    ("y", "error", "message"),
    [
        (None, ValueError, "requires y to be passed"),
        (np.ones((4, 1, 1)), ValueError, "y should be a 1d or 2d array"),
        (np.full(4, np.nan), ValueError, "Input y contains NaN in every row"),
        (np.array([0, 1, np.inf, 3]), ValueError, "Input y contains infinity"),
        (["a", "b", "c", "d"], ValueError, "not compatible with arrays of bytes/strings"),
        (np.ones(3), ValueError, "inconsistent numbers of samples"),
        (5.0, TypeError, "at least 1 dimension"),
    ],
)
def test_bad_y(tiny, y, error, message):
    with pytest.raises(error, match=message):
        tiny().fit(GOOD, y)


@pytest.mark.parametrize(
    ("weight", "message"),
    [
        ([1, 1, 1, -1], "Negative values in data passed to `sample_weight`"),
        ([0, 0, 0, 0], "at least one non-zero"),
        ([1, 1, 1], "expected"),
        ([1, 1, 1, np.nan], "NaN"),
        ([[1, 1, 1, 1]], "1D array|1D"),
    ],
)
def test_bad_weights(tiny, weight, message):
    with pytest.raises(ValueError, match=message):
        tiny().fit(GOOD, TARGET, sample_weight=weight)


def test_all_steps_are_masked(tiny):
    with pytest.raises(ValueError, match="all steps are masked"):
        tiny().fit(np.full((4, 3, 2), np.nan), TARGET)


def test_predict_before_fit(tiny):
    with pytest.raises(NotFittedError):
        tiny().predict(GOOD)
    with pytest.raises(NotFittedError):
        tiny().to_keras()


@pytest.mark.parametrize(
    ("X", "message"),
    [
        (np.ones((4, 3, 1)), "X has 1 features, but LSTMForecaster is expecting 2 features as input"),
        (np.ones((4, 5, 2)), "X has 5 steps, but LSTMForecaster is expecting 3 steps as input"),
        (np.ones((4, 3)), "X has 2 dimensions, but LSTMForecaster is expecting 3 dimensions as input"),
    ],
)
@pytest.mark.parametrize("method", ["predict", "partial_fit"])
def test_other_shapes_than_fitted(tiny, X, message, method):
    model = tiny().fit(GOOD, TARGET)
    with pytest.raises(ValueError, match=re.escape(message)):
        model.predict(X) if method == "predict" else model.partial_fit(X, TARGET)


def test_other_outputs_than_fitted(tiny):
    model = tiny().fit(GOOD, TARGET)
    with pytest.raises(ValueError, match=r"y has shape \(4, 2\)"):
        model.partial_fit(GOOD, np.ones((4, 2)))


def test_renamed_or_reordered_columns(tiny):
    frame = pd.DataFrame(np.ones((4, 2)), columns=["a", "b"])
    model = tiny().fit(frame, TARGET)
    assert_array_equal(model.feature_names_in_, ["a", "b"])
    for columns in (["a", "c"], ["b", "a"]):
        with pytest.raises(ValueError, match="feature names"):
            model.predict(frame.set_axis(columns, axis=1))


@pytest.mark.parametrize(
    "params",
    [
        {"units": 0},
        {"units": []},
        {"units": [8, 0]},
        {"units": (8, 1.5)},
        {"units": "8"},
        {"dropout": 1.0},
        {"recurrent_dropout": -0.1},
        {"loss": "mse"},
        {"optimizer": "unknown"},
        {"learning_rate": 0},
        {"epochs": 0},
        {"batch_size": 0},
        {"validation_fraction": 0.0},
        {"validation_fraction": 1.0},
        {"validation_gap": -1},
        {"validation_gap": "none"},
        {"linear_skip": "yes"},
        {"learning_rate_schedule": "linear"},
        {"global_clipnorm": 0},
        {"n_iter_no_change": 0},
        {"tol": -1},
        {"random_state": "a"},
        {"verbose": -1},
        {"callbacks": 3},
        {"bidirectional": "yes"},
    ],
    ids=str,
)
def test_bad_parameters(tiny, params):
    (name,) = params
    for method in ("fit", "partial_fit"):
        with pytest.raises(InvalidParameterError, match=f"The '{name}' parameter of LSTMForecaster must be"):
            getattr(tiny(**params), method)(GOOD, TARGET)


@pytest.mark.backend
def test_a_loss_that_is_not_finite_is_an_error_that_says_what_to_try(tiny, windows):
    X, y = windows
    model = tiny(optimizer="sgd").fit(X, y)
    state = copy.deepcopy(vars(model))
    model.set_params(learning_rate=1e30, normalize=False)
    for method in (model.fit, model.partial_fit):
        with pytest.raises(ValueError, match=r"no longer finite.*learning_rate"):
            method(1e20 * X, 1e20 * y)
    model.set_params(learning_rate=0.005, normalize=True)
    assert_array_equal(model.predict(X), tiny(optimizer="sgd").fit(X, y).predict(X))
    assert vars(model).keys() == state.keys()


@pytest.mark.parametrize("method", ["fit", "partial_fit"])
def test_weights_that_are_not_finite_after_the_last_step_are_an_error(tiny, windows, method):
    X, y = windows
    model = tiny().fit(X, y)
    before = model.predict(X)
    model.set_params(learning_rate=1e39, epochs=1, batch_size=64)
    with pytest.raises(ValueError, match="no longer finite"):
        getattr(model, method)(X, y)
    assert_array_equal(model.predict(X), before)


def test_a_failed_fit_leaves_the_earlier_one(tiny, windows):
    X, y = windows
    model = tiny().fit(X, y)
    before = model.predict(X)
    for bad_X, bad_y in [(X[:, :3], y[:5]), (X[:, :, :1] * np.inf, y), (X[:, :4], y.astype(str)), (X[0], y)]:
        with pytest.raises(ValueError):  # noqa: PT011
            model.fit(bad_X, bad_y)
        assert_array_equal(model.predict(X), before)
    frame = pd.DataFrame(X[:, 0], columns=["a", "b"])
    with pytest.raises(ValueError, match="inconsistent"):
        model.fit(frame, y[:3])
    assert not hasattr(model, "feature_names_in_")


def test_fits_that_were_interrupted_before_training_leave_the_earlier_one(tiny, windows):
    import keras

    class Interrupt(keras.callbacks.Callback):
        def on_train_begin(self, logs=None):
            raise KeyboardInterrupt

    X, y = windows
    model = tiny().fit(X, y)
    before = model.predict(X)
    with pytest.raises(KeyboardInterrupt):
        model.set_params(callbacks=[Interrupt]).fit(X, y)
    assert_array_equal(model.predict(X), before)
    assert_array_equal(tiny().fit(X, y).predict(X), before)
