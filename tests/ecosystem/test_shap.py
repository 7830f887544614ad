import numpy as np
import pytest
from numpy.testing import assert_allclose
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer

from sklstm import LSTMForecaster, SlidingWindow

shap = pytest.importorskip("shap")

STEPS, FEATURES = 3, 2


def as_windows(rows):
    """Return flat windows as windows."""
    return np.reshape(rows, (len(rows), STEPS, FEATURES))


@pytest.fixture
def table(rng):
    return rng.standard_normal((300, FEATURES))


@pytest.fixture
def flat(table):
    return SlidingWindow(STEPS, flatten=True).fit_transform(table)[STEPS - 1 :]


@pytest.fixture
def target(table):
    """Return what depends on the first column one row before, and on the second one in the same row."""
    return 2 * table[STEPS - 2 : -1, 0] + table[STEPS - 1 :, 1]


def explain(model, flat, rows):
    names = SlidingWindow(STEPS, flatten=True).fit(np.zeros((1, FEATURES))).get_feature_names_out(["load", "wind"])
    masker = shap.maskers.Independent(flat, max_samples=20)
    explainer = shap.explainers.Permutation(model.predict, masker, feature_names=list(names), seed=0)
    return explainer(rows, silent=True)


def test_shap_values_of_a_pipeline(flat, target):
    model = make_pipeline(FunctionTransformer(as_windows), LSTMForecaster(units=4, epochs=20, random_state=0))
    model.fit(flat[:-5], target[:-5])
    explanation = explain(model, flat, flat[-5:])
    assert explanation.values.shape == (5, STEPS * FEATURES)
    assert_allclose(explanation.values.sum(axis=1) + explanation.base_values, model.predict(flat[-5:]))
    mean = shap.maskers.Independent(flat, max_samples=20).data.mean(axis=0)
    expected = (flat[-5:] - mean) * [0, 0, 2, 0, 0, 1]  # those of the linear function that is learnt
    assert explanation.feature_names[2] == "load_lag1"
    assert_allclose(explanation.values, expected, atol=0.3)


def test_windows_are_no_rows_of_a_table(flat, target):
    windows = as_windows(flat)
    model = LSTMForecaster(units=2, epochs=1, n_networks=1, random_state=0).fit(windows, target)
    with pytest.raises(TypeError):
        shap.explainers.Permutation(model.predict, windows[:20])(windows[:2])
