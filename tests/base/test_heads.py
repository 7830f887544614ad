import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from sklstm._base.heads import LOSSES, ClassificationHead, RegressionHead
from sklstm._base.linear import LinearModel
from sklstm._specs import WINDOWS, Sample, Scale


@pytest.fixture
def sample(rng):
    windows = rng.standard_normal((9, 4, 2))
    return Sample({WINDOWS: windows}, rng.standard_normal((9, 3)), np.ones(9), np.arange(9))


def test_regression_decodes_what_it_encodes(sample, rng):
    linear = LinearModel(rng.standard_normal((4, 2, 3)), np.arange(3.0), Scale(np.ones(2), np.full(2, 2.0)))
    head = RegressionHead(n_outputs=3, loss="huber", linear=linear, std=np.array([1.0, 2.0, 3.0]))
    residuals = head.encode(sample)
    assert residuals.dtype == np.float32
    standardised = (sample.windows - 1) / 2
    expected = sample.y - np.einsum("nsf,sfo->no", standardised, linear.coef) - linear.intercept
    assert_allclose(residuals * head.std, expected, rtol=1e-5, atol=1e-5)
    assert_allclose(head.decode(sample.inputs, residuals), sample.y, atol=1e-5)


def regression_head(loss, n_outputs=1):
    linear = LinearModel(np.zeros((1, 1, n_outputs)), np.zeros(n_outputs), Scale(np.zeros(1), np.ones(1)))
    return RegressionHead(n_outputs=n_outputs, loss=loss, linear=linear, std=np.ones(n_outputs))


@pytest.mark.parametrize("best", [-0.5, 0, 0.3, 1, 1.5])
def test_the_best_factor_for_squared_errors_is_that_of_least_squares(rng, best):
    outputs, weight = rng.standard_normal((50, 2)), rng.uniform(0, 2, 50)
    residuals = best * outputs + rng.standard_normal((50, 2))
    expected = np.sum(weight[:, None] * outputs * residuals) / np.sum(weight[:, None] * outputs**2)
    factor = regression_head("squared_error", 2).best_factor(outputs, residuals, weight)
    assert_allclose(factor, np.clip(expected, 0, 1), atol=2e-6)


@pytest.mark.parametrize("best", [-0.5, 0.3, 1.5])
def test_the_best_factor_for_absolute_errors_is_a_weighted_median_of_ratios(rng, best):
    outputs, weight = rng.standard_normal((51, 1)), rng.uniform(0, 2, 51)
    residuals = best * outputs + 0.3 * rng.standard_t(1, (51, 1))
    ratios, share = (residuals / outputs)[:, 0], weight * np.abs(outputs[:, 0])
    order = np.argsort(ratios)
    median = ratios[order][np.searchsorted(share[order].cumsum(), share.sum() / 2)]
    factor = regression_head("absolute_error").best_factor(outputs, residuals, weight)
    assert_allclose(factor, np.clip(median, 0, 1), atol=2e-6)


def test_the_best_factor_for_huber_loss_by_hand():
    """Derivatives of the loss: f - 0.2 of the small error, and -1 of each error beyond 1; or those in between."""
    head = regression_head("huber")
    assert_allclose(head.best_factor(np.ones((2, 1)), np.array([[0.2], [0.4]]), np.array([1.0, 3.0])), 0.35, atol=2e-6)
    outputs, residuals = np.array([[1.0], [0.5]]), np.array([[0.2], [100.0]])
    assert_allclose(head.best_factor(outputs, residuals, np.ones(2)), 0.7, atol=2e-6)


@pytest.mark.parametrize("loss", sorted(LOSSES))
def test_the_best_factor_at_the_ends(loss):
    outputs = np.ones((3, 1))
    assert regression_head(loss).best_factor(outputs, 5 * outputs, np.ones(3)) == 1
    assert regression_head(loss).best_factor(outputs, -5 * outputs, np.ones(3)) == 0
    assert regression_head(loss).best_factor(0 * outputs, outputs, np.ones(3)) == 1


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
    assert head.output_spec().softmax
