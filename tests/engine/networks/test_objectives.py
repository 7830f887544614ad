import keras
import numpy as np
import pytest
from numpy.testing import assert_allclose
from sklearn.metrics import mean_pinball_loss

from sklstm._engine.networks.objectives import make_loss
from sklstm._engine.networks.quantiles import quantiles_of

pytestmark = pytest.mark.backend
LEVELS = (0.1, 0.25, 0.5, 0.9)


@pytest.mark.parametrize("n_outputs", [1, 3])
@pytest.mark.parametrize("weighted", [False, True])
def test_quantile_loss_is_the_mean_pinball_loss(n_outputs, weighted, rng):
    y = rng.standard_normal((30, n_outputs)).astype(np.float32)
    outputs = rng.standard_normal((30, n_outputs * len(LEVELS))).astype(np.float32)
    weight = rng.uniform(0, 2, 30).astype(np.float32) if weighted else np.ones(30, np.float32)
    loss = make_loss("quantile", quantiles=LEVELS, reduction="mean_with_sample_weight")
    found = keras.ops.convert_to_numpy(loss(y, outputs, sample_weight=weight))
    quantiles = quantiles_of(outputs, LEVELS)
    expected = [
        mean_pinball_loss(y, quantiles[:, :, position], sample_weight=weight, alpha=level)
        for position, level in enumerate(LEVELS)
    ]
    assert_allclose(found, np.mean(expected), rtol=1e-5)


def test_quantile_loss_of_the_median_alone_is_half_the_absolute_error(rng):
    y, outputs = rng.standard_normal((2, 30, 2)).astype(np.float32)
    found = keras.ops.convert_to_numpy(make_loss("quantile", quantiles=(0.5,))(y, outputs))
    assert_allclose(found, np.abs(y - outputs).mean() / 2, rtol=1e-5)
