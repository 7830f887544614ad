import numpy as np
import pytest
from numpy.testing import assert_allclose

from sklstm._base.scaling import feature_scale, target_scale
from sklstm._windows import arrays


def test_feature_scale_is_that_of_the_steps_present(rng, monkeypatch):
    monkeypatch.setattr(arrays, "CHUNK", 3 * 10)  # three rows a chunk
    windows = rng.standard_normal((20, 5, 2))
    windows[::3, 1, 0] = np.nan
    weight = rng.integers(1, 4, 20)
    rows = np.arange(2, 18)
    mean, std = feature_scale(windows, weight, rows)
    repeated = np.repeat(windows[rows], weight[rows], axis=0)
    steps = repeated[~np.isnan(repeated).any(axis=2)]
    assert_allclose(mean, steps.mean(axis=0))
    assert_allclose(std, steps.std(axis=0))


def test_feature_scale_of_nothing():
    with pytest.raises(ValueError, match="a missing value in every step"):
        feature_scale(np.full((3, 2, 1), np.nan), np.ones(3), np.arange(3))


def test_target_scale_is_weighted():
    mean, std = target_scale(np.array([[0.0], [1.0], [9.0]]), np.array([1.0, 3.0, 5.0]), np.array([0, 1]))
    assert_allclose([mean[0], std[0]], [0.75, np.std([0, 1, 1, 1])])
