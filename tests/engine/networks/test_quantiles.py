import keras
import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy.stats import norm

from sklstm._engine.networks.quantiles import quantile_tensor, quantiles_of

LEVELS = (0.025, 0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95, 0.975)
SEVERAL = [LEVELS, (0.5,), (0.5, 0.9), (0.01, 0.3, 0.5)]
MANY_ROWS = [10**5, pytest.param(10**6, marks=pytest.mark.thorough)]


@pytest.mark.parametrize("levels", SEVERAL)
def test_zeros_are_the_quantiles_of_a_standard_normal(levels):
    quantiles = quantiles_of(np.zeros((2, 3 * len(levels))), levels)
    assert quantiles.shape == (2, 3, len(levels))
    assert_allclose(quantiles, np.broadcast_to(norm.ppf(levels), quantiles.shape), rtol=1e-12, atol=1e-15)


def test_quantiles_by_hand():
    """Softplus of log(exp(a) - 1) is a."""
    increments = np.array([3.0, 1.0, 2.0])
    below, above, far_above = np.log(np.expm1(increments))
    scales = np.diff(norm.ppf((0.2, 0.5, 0.6, 0.9))) / np.log(2)
    expected = [7 - 3 * scales[0], 7, 7 + scales[1], 7 + scales[1] + 2 * scales[2]]
    assert_allclose(quantiles_of(np.array([below, 7, above, far_above]), (0.2, 0.5, 0.6, 0.9)), [expected])


@pytest.mark.parametrize("levels", SEVERAL)
def test_the_output_of_the_median_is_the_median(levels, rng):
    outputs = rng.standard_normal((20, 2, len(levels)))
    middle = levels.index(0.5)
    assert_array_equal(quantiles_of(outputs.reshape(20, -1), levels)[:, :, middle], outputs[:, :, middle])


@pytest.mark.backend
@pytest.mark.parametrize("levels", SEVERAL)
def test_numpy_and_keras_agree(levels, rng):
    outputs = 3 * rng.standard_normal((50, 2 * len(levels))).astype(np.float32)
    tensor = quantile_tensor(keras.ops.convert_to_tensor(outputs), levels)
    expected = quantiles_of(outputs.astype(np.float64), levels)
    assert_allclose(keras.ops.convert_to_numpy(tensor), expected, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("n_rows", MANY_ROWS)
@pytest.mark.parametrize("scale", [1, 100, 1e6])
def test_no_quantiles_cross(n_rows, scale, rng):
    outputs = scale * rng.standard_normal((n_rows, len(LEVELS)))
    assert (np.diff(quantiles_of(outputs, LEVELS)) >= 0).all()


@pytest.mark.backend
@pytest.mark.parametrize("scale", [1, 100, 1e6])
def test_no_quantiles_of_tensors_cross(scale, rng):
    outputs = (scale * rng.standard_normal((10**5, len(LEVELS)))).astype(np.float32)
    quantiles = keras.ops.convert_to_numpy(quantile_tensor(keras.ops.convert_to_tensor(outputs), LEVELS))
    assert (np.diff(quantiles) >= 0).all()


def test_quantiles_of_moderate_outputs_differ(rng):
    outputs = rng.uniform(-20, 20, (10**4, len(LEVELS)))
    assert (np.diff(quantiles_of(outputs, LEVELS)) > 0).all()
