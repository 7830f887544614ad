from dataclasses import replace

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from sklstm._base.heads import LOSSES, ClassificationHead, RegressionHead
from sklstm._base.level import LevelModel
from sklstm._base.linear import LinearModel
from sklstm._specs import LOGITS, WINDOWS, Sample, Scale


@pytest.fixture
def sample(rng):
    windows = rng.standard_normal((9, 4, 2))
    return Sample({WINDOWS: windows}, rng.standard_normal((9, 3)), np.ones(9), np.arange(9))


SCALE = Scale(np.ones(2), np.full(2, 2.0))


def regression_head(loss="huber", rng=None, **settings):
    """Return a head of three outputs whose models are random, or zeros without random numbers."""
    draw = rng.standard_normal if rng else np.zeros
    return RegressionHead(
        n_outputs=3,
        loss=loss,
        linear=LinearModel(draw((4, 2, 3)), draw(3), SCALE),
        level=LevelModel(draw((2, 3)), draw(3), SCALE),
        std=np.array([1.0, 2.0, 3.0]),
        **{"linear_weight": 0.0, "network_weight": 1.0, "on_residuals": False} | settings,
    )


def test_regression_decodes_what_it_encodes(sample, rng):
    head = regression_head(rng=rng)
    encoded = head.encode(sample)
    assert encoded.dtype == np.float32
    level = ((sample.windows - 1) / 2).mean(axis=1) @ head.level.coef + head.level.intercept
    assert_allclose(encoded * head.std, sample.y - level, rtol=1e-5, atol=1e-5)
    assert_allclose(head.decode(sample.inputs, encoded), sample.y, atol=1e-5)


def test_regression_averages_networks_and_linear_model(sample, rng):
    head = regression_head(rng=rng, linear_weight=0.25, network_weight=0.75)
    linear = np.einsum("nsf,sfo->no", (sample.windows - 1) / 2, head.linear.coef) + head.linear.intercept
    expected = 0.25 * linear + 0.75 * sample.y
    assert_allclose(head.decode(sample.inputs, head.encode(sample)), expected, atol=1e-5)


def test_regression_on_residuals_adds_the_linear_model(sample, rng):
    level = LevelModel(np.zeros((2, 3)), np.zeros(3), SCALE)
    head = replace(regression_head(rng=rng, linear_weight=1.0, on_residuals=True), level=level)
    linear = np.einsum("nsf,sfo->no", (sample.windows - 1) / 2, head.linear.coef) + head.linear.intercept
    assert_allclose(head.encode(sample) * head.std, sample.y - linear, rtol=1e-5, atol=1e-5)
    assert_allclose(head.decode(sample.inputs, head.encode(sample)), sample.y, atol=1e-5)


def best_weight(loss, y, network, sample_weight):
    """Return the best weight beside a linear model that predicts zeros."""
    return regression_head(loss).best_network_weight(y, np.zeros_like(y), network, sample_weight)


@pytest.mark.parametrize("best", [-0.5, 0, 0.3, 1, 1.5])
def test_the_best_weight_for_squared_errors_is_that_of_least_squares(rng, best):
    outputs, weight = rng.standard_normal((50, 2)), rng.uniform(0, 2, 50)
    y = best * outputs + rng.standard_normal((50, 2))
    expected = np.sum(weight[:, None] * outputs * y) / np.sum(weight[:, None] * outputs**2)
    assert_allclose(best_weight("squared_error", y, outputs, weight), np.clip(expected, 0, 1), atol=2e-6)
    linear = rng.standard_normal((50, 2))
    shifted = regression_head("squared_error").best_network_weight(y + linear, linear, outputs + linear, weight)
    assert_allclose(shifted, np.clip(expected, 0, 1), atol=2e-6)


@pytest.mark.parametrize("best", [-0.5, 0.3, 1.5])
def test_the_best_weight_for_absolute_errors_is_a_weighted_median_of_ratios(rng, best):
    outputs, weight = rng.standard_normal((51, 1)), rng.uniform(0, 2, 51)
    y = best * outputs + 0.3 * rng.standard_t(1, (51, 1))
    ratios, share = (y / outputs)[:, 0], weight * np.abs(outputs[:, 0])
    order = np.argsort(ratios)
    median = ratios[order][np.searchsorted(share[order].cumsum(), share.sum() / 2)]
    assert_allclose(best_weight("absolute_error", y, outputs, weight), np.clip(median, 0, 1), atol=2e-6)


def test_the_best_weight_for_huber_loss_by_hand():
    """Derivatives of the loss: f - 0.2 of the small error, and -1 of each error beyond 1; or those in between."""
    weight = best_weight("huber", np.array([[0.2], [0.4]]), np.ones((2, 1)), np.array([1.0, 3.0]))
    assert_allclose(weight, 0.35, atol=2e-6)
    weight = best_weight("huber", np.array([[0.2], [100.0]]), np.array([[1.0], [0.5]]), np.ones(2))
    assert_allclose(weight, 0.7, atol=2e-6)


@pytest.mark.parametrize("loss", sorted(LOSSES))
def test_the_best_weight_at_the_ends(loss):
    outputs = np.ones((3, 1))
    assert best_weight(loss, 5 * outputs, outputs, np.ones(3)) == 1
    assert best_weight(loss, -5 * outputs, outputs, np.ones(3)) == 0
    assert best_weight(loss, outputs, 0 * outputs, np.ones(3)) == 1


@pytest.mark.backend
@pytest.mark.parametrize("loss", sorted(LOSSES))
def test_losses_are_those_of_the_engine(loss, rng):
    from sklstm._engine.networks.objectives import make_loss

    y, outputs = 2 * rng.standard_normal((2, 30, 3)).astype(np.float32)
    assert_allclose(np.mean(LOSSES[loss](y - outputs)), float(make_loss(loss)(y, outputs)), rtol=1e-5)


def test_classes_are_learnt_as_they_are(sample):
    head = ClassificationHead(n_outputs=5)
    assert_array_equal(head.encode(sample), sample.y)
    assert_array_equal(head.decode(sample.inputs, sample.y), sample.y)
    assert head.output_spec().meaning == LOGITS
