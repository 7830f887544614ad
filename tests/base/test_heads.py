import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from sklstm._base.heads import ClassificationHead, RegressionHead
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


def test_classes_are_learnt_as_they_are(sample):
    head = ClassificationHead(n_outputs=5)
    assert_array_equal(head.encode(sample), sample.y)
    assert_array_equal(head.decode(sample.inputs, sample.y), sample.y)
    assert head.output_spec().softmax
