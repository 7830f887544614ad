import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose
from sklearn.linear_model import RidgeCV

from sklstm import SlidingWindow, to_supervised
from sklstm._base.level import fit_level
from sklstm._base.linear import PENALTIES
from sklstm._specs import WINDOWS, Sample, Scale
from sklstm._windows import arrays
from sklstm._windows.arrays import window_view


def make_sample(windows, y, sample_weight=None):
    weight = np.ones(len(windows)) if sample_weight is None else sample_weight
    return Sample({WINDOWS: windows}, y, weight, np.flatnonzero(weight))


SCALE = Scale(np.array([2.0, 1.0]), np.array([1.5, 4.0]))


@pytest.mark.parametrize("horizon", [[1], [1, 2, 3], [3]])
@pytest.mark.parametrize("targets", [[1], [1, 0]])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_the_level_is_the_mean_of_what_is_forecast(horizon, targets, dtype, rng):
    """Also if a scaler stands in front, and some rows have no weight or missing steps."""
    series = 100 + rng.standard_normal((60, 2)).cumsum(axis=0)
    future = np.concatenate([np.roll(series[:, targets], -step, axis=0) for step in horizon], axis=1)
    scaled = ((series - 100) / 5).astype(dtype)
    scaled[20] = np.nan
    windows, y = window_view(scaled, 6)[:-3], future[5:-3]
    weight = (rng.random(len(windows)) < 0.8).astype(float)
    level = fit_level(make_sample(windows, y, weight), SCALE, seed=0)
    expected = 100 + 5 * np.nanmean(windows, axis=1, dtype=float)[:, targets * len(horizon)]
    assert_allclose(level.predict(windows), expected, rtol=1e-5)


def test_otherwise_it_is_a_ridge_regression_on_the_means_of_windows(monkeypatch, rng):
    monkeypatch.setattr(arrays, "CHUNK", 100)
    windows, weight = 3 + rng.standard_normal((60, 5, 2)), rng.uniform(0, 3, 60) * (rng.random(60) < 0.9)
    windows[:4, 0] = np.nan
    y = 4 * np.nanmean(windows, axis=1) + rng.standard_normal((60, 2))
    means = (np.nanmean(windows, axis=1) - SCALE.mean) / SCALE.std
    sample = make_sample(windows, y, weight)
    ridge = RidgeCV(PENALTIES).fit(means[sample.rows], y[sample.rows], weight[sample.rows])
    level = fit_level(sample, SCALE, seed=0)
    assert_allclose(level.coef, ridge.coef_.T, rtol=1e-6)
    assert_allclose(level.predict(windows), ridge.predict(means), rtol=1e-6)


@pytest.mark.parametrize("n_rows", [1, 2, 9])
def test_the_level_of_constants(n_rows):
    windows, y = np.full((n_rows, 3, 2), 7.0), np.full((n_rows, 2), 5.0)
    assert_allclose(fit_level(make_sample(windows, y), SCALE, seed=0).predict(windows), y)


def test_each_output_has_a_level_of_its_own(rng):
    """One is a later value of a feature, one is constant, and one is neither."""
    series = rng.standard_normal((80, 2)).cumsum(axis=0)
    windows = window_view(series, 5)[:-1]
    y = np.column_stack([series[5:, 1], np.full(75, 3.0), series[5:, 0] + rng.standard_normal(75)])
    level = fit_level(make_sample(windows, y), SCALE, seed=0)
    assert_allclose(level.predict(windows)[:, 0], windows[:, :, 1].mean(axis=1))
    assert_allclose(level.predict(windows)[:, 1], 3)
    means = (windows.mean(axis=1) - SCALE.mean) / SCALE.std
    assert_allclose(level.predict(windows)[:, 2], RidgeCV(PENALTIES).fit(means, y[:, 2]).predict(means), rtol=1e-6)


def test_a_target_is_not_the_future_of_a_feature_that_moves_against_it():
    """Half a period of a sine apart, they differ by their sign."""
    series = np.sin(np.arange(200) * 2 * np.pi / 24)[:, np.newaxis]
    windows, y = window_view(series, 14)[:-12], series[13 + 12 :]
    scale = Scale(np.zeros(1), np.ones(1))
    level = fit_level(make_sample(windows, y), scale, seed=0)
    assert_allclose(level.coef, 1)
    assert_allclose(level.predict(windows)[:, 0], windows.mean(axis=(1, 2)), atol=1e-9)


def test_the_level_of_a_panel_whose_last_series_are_constant(rng):
    walks = [100 + rng.standard_normal(1500).cumsum() for _ in range(3)]
    table = pd.DataFrame({"id": np.repeat(range(5), 1500), "v": np.concatenate([*walks, [7.0] * 1500, [9.0] * 1500])})
    X, y = to_supervised(table, horizon=2, target="v", groups="id")
    windows = SlidingWindow(4, groups="id").fit_transform(X)
    level = fit_level(make_sample(windows, np.asarray(y)), Scale(np.array([2.0]), np.array([1.5])), seed=0)
    expected = np.nanmean(np.asarray(windows), axis=1)[:, [0, 0]]
    assert_allclose(level.predict(windows), expected)
