from dataclasses import replace

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.metrics import mean_pinball_loss

from sklstm._base.heads import LOSSES, ClassificationHead, QuantileHead, RegressionHead, weighted_quantiles
from sklstm._base.level import LevelModel
from sklstm._base.linear import LinearModel
from sklstm._specs import LOGITS, WINDOWS, Meaning, Sample, Scale


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


LEVELS = (0.1, 0.5, 0.7)


def quantile_head(rng, linear_offsets=None, **settings):
    """Return a head of three outputs of the target, with random models."""
    offsets = np.zeros((3, 3)) if linear_offsets is None else linear_offsets
    own = {"n_outputs": 9, "loss": "quantile", "meaning": Meaning("quantiles", LEVELS), "linear_offsets": offsets}
    return QuantileHead(**vars(regression_head(rng=rng, **settings)) | own)


def test_quantiles_are_averaged_level_by_level(sample, rng):
    offsets = np.sort(rng.standard_normal((3, 3)))
    head = quantile_head(rng, offsets, linear_weight=0.25, network_weight=0.75)
    outputs = rng.standard_normal((9, 9))
    decoded = head.decode(sample.inputs, outputs)
    assert decoded.shape == (9, 3, 3)
    for position in range(3):
        linear = head.linear.predict(sample.windows) + offsets[:, position]
        network = head.level.predict(sample.windows) + head.std * outputs[:, position::3]
        assert_allclose(decoded[:, :, position], 0.25 * linear + 0.75 * network)


def test_quantiles_are_learnt_from_the_encoded_target(sample, rng):
    head = quantile_head(rng)
    encoded = head.encode(sample)
    assert encoded.shape == sample.y.shape
    decoded = head.decode(sample.inputs, np.repeat(encoded, 3, axis=1))
    assert_allclose(decoded, np.repeat(sample.y[:, :, None], 3, axis=2), atol=1e-5)


def test_the_median_is_the_output_to_explain(rng):
    assert [quantile_head(rng).output_of_network(output) for output in range(3)] == [1, 4, 7]
    assert [regression_head().output_of_network(output) for output in range(3)] == [0, 1, 2]


def test_the_best_weight_for_quantiles_has_the_least_mean_pinball_loss(rng):
    y, linear = rng.standard_normal((2, 80, 3))
    network = np.sort(rng.standard_normal((80, 3, 3)))
    weight = rng.uniform(0, 2, 80)
    offsets = np.sort(rng.standard_normal((3, 3)))
    head = quantile_head(rng, offsets)

    def loss(share):
        quantiles = share * network + (1 - share) * (linear[:, :, None] + offsets / head.std[:, None])
        losses = [
            mean_pinball_loss(y, quantiles[:, :, i], sample_weight=weight, alpha=level)
            for i, level in enumerate(LEVELS)
        ]
        return np.mean(losses)

    best = head.best_network_weight(y, linear, network.reshape(80, 9), weight)
    assert 0 < best < 1
    assert loss(best) <= min(loss(share) for share in np.linspace(0, 1, 501)) + 1e-9
    assert head.best_network_weight(y, linear, 1000 + network.reshape(80, 9), weight) == 0
    assert head.best_network_weight(y, linear, np.repeat(y, 3, axis=1), weight) == 1


def test_weighted_quantiles_have_the_least_pinball_loss(rng):
    residuals, weight = rng.standard_normal((31, 2)), rng.uniform(0.1, 2, 31)
    found = weighted_quantiles(residuals, weight, LEVELS)
    assert found.shape == (2, 3)
    for column, quantiles in zip(residuals.T, found, strict=True):
        for level, quantile in zip(LEVELS, quantiles, strict=True):
            loss, *others = (
                mean_pinball_loss(column, np.full(31, value), sample_weight=weight, alpha=level)
                for value in (quantile, *column)
            )
            assert loss <= min(others) + 1e-12


def test_a_weight_counts_like_as_many_rows(rng):
    residuals, weight = rng.standard_normal((31, 2)), rng.integers(1, 4, 31)
    repeated = weighted_quantiles(np.repeat(residuals, weight, axis=0), np.ones(weight.sum()), LEVELS)
    assert_array_equal(weighted_quantiles(residuals, weight.astype(float), LEVELS), repeated)
    assert not np.array_equal(weighted_quantiles(residuals, np.ones(31), LEVELS), repeated)


def test_classes_are_learnt_as_they_are(sample):
    head = ClassificationHead(n_outputs=5)
    assert_array_equal(head.encode(sample), sample.y)
    assert_array_equal(head.decode(sample.inputs, sample.y), sample.y)
    assert head.output_spec().meaning == LOGITS
