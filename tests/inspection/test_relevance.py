import importlib

import numpy as np
import pytest
from helpers import assert_rows_alike_alone_and_among_others, far_from_initial, textbook_lstm
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.exceptions import NotFittedError

from sklstm import LSTMClassifier, LSTMForecaster, SlidingWindow, _engine


@pytest.fixture
def table(rng):
    """Return windows of three features with an offset and missing steps, and two targets."""
    series = rng.standard_normal((120, 3)).cumsum(axis=0) + np.array([1e3, 0, 5])
    series[[30, 31, 80], [0, 1, 2]] = np.nan
    X = SlidingWindow(8).fit_transform(series)[2:]
    return X, np.nan_to_num(X[:, -1, :2] - X[:, -3, 1:]) + rng.standard_normal((118, 2))


@pytest.fixture
def documents(rng):
    """Return documents of different lengths with a missing token inside, and whether they have a certain token."""
    X = rng.integers(0, 9, (60, 12)).astype(float)
    X[::3, -4:], X[1::3, :3], X[5, 6] = np.nan, np.nan, np.nan
    return X, (X == 3).any(axis=1)


def baselines(model, X):
    """Return windows of means with the missing steps of others."""
    means = np.broadcast_to(model.feature_mean_, X.shape)
    return np.where(np.isnan(X).any(axis=2, keepdims=True), np.nan, means)


def assert_complete(relevance, difference, tol=1e-3):
    assert np.abs(difference).max() > 1e-2
    assert_allclose(relevance.sum(axis=(1, 2)), difference, rtol=0, atol=tol * np.abs(difference).max())


@pytest.mark.backend
@pytest.mark.parametrize(
    "params",
    [
        {"n_networks": 2},
        {"n_networks": 1, "linear_skip": False, "normalize": True, "units": (6, 4)},
        {"n_networks": 1, "early_stopping": False, "bidirectional": True},
        pytest.param({"n_networks": 1, "normalize": False, "loss": "huber"}, marks=pytest.mark.thorough),
    ],
    ids=str,
)
def test_relevances_sum_up_to_the_difference_from_the_mean_window(params, table):
    X, y = table
    model = LSTMForecaster(**{"units": 8, "epochs": 20, "random_state": 0} | params).fit(X, y)
    model.network_weight_ = max(model.network_weight_, 0.5)
    for output in (0, 1):
        relevance = model.input_relevance(X, output=output)
        assert relevance.shape == X.shape
        difference = (model.predict(X) - model.predict(baselines(model, X)))[:, output]
        assert_complete(relevance, difference)
        assert (relevance[np.isnan(X).any(axis=2)] == 0).all()
    exported = model.to_keras()
    difference = (exported.predict(X, verbose=0) - exported.predict(baselines(model, X), verbose=0))[:, 1]
    assert_complete(relevance, difference, tol=3e-3)


@pytest.mark.parametrize("bidirectional", [False, True])
@pytest.mark.parametrize("pooling", ["last", "mean", "max"])
def test_relevances_of_tokens_sum_up_to_the_difference_from_no_document(pooling, bidirectional, documents):
    X, y = documents
    params = {"units": (5, 4), "embedding_dim": 4, "pooling": pooling, "bidirectional": bidirectional}
    model = LSTMClassifier(**params, epochs=40, learning_rate=0.02, random_state=0).fit(X, y)
    relevance = model.input_relevance(X, output=True)
    assert relevance.shape == (60, 12, 1)
    difference = (model.predict_proba(X) - model.predict_proba(np.full_like(X, np.nan)))[:, 1]
    assert_complete(relevance, difference)
    assert (relevance[:, :, 0][np.isnan(X)] == 0).all()
    assert_allclose(model.input_relevance(X, output=False), -relevance, atol=1e-5)


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("pooling", ["last", "mean", "max"])
def test_relevances_for_a_probability_that_changes_all_at_once(pooling, table):
    X, y = table
    y = np.where(y[:, 0] > 0, "up", "down")
    model = LSTMClassifier(units=(6, 4), pooling=pooling, epochs=30, learning_rate=0.02, random_state=0).fit(X, y)
    difference = (model.predict_proba(X) - model.predict_proba(baselines(model, X)))[:, 1]
    assert_complete(model.input_relevance(X, output="up"), difference)


def integrated(function, end):
    """Return integrated gradients from zero of a function of one array, by differences of its values."""
    points, shares = np.polynomial.legendre.leggauss(16)
    result = np.zeros(end.shape)
    for index in np.ndindex(end.shape):
        step = np.zeros(end.shape)
        step[index] = 1e-5
        for point, share in zip((points + 1) / 2, shares / 2, strict=True):
            slope = (function(point * end + step) - function(point * end - step)) / 2e-5
            result[index] += share * slope * end[index]
    return result


@pytest.mark.backend
def test_relevances_are_those_of_the_textbook(tiny, rng):
    X = rng.standard_normal((30, 4, 2))
    model = tiny(units=3).fit(X, X[:, -1, 0])
    model.weights_ = far_from_initial(model.weights_, rng)
    *cell, kernel, bias = model.weights_

    def predict(z):
        return (textbook_lstm(z, *cell)[-1, -1] @ kernel + bias)[0] * model.target_scale_[0]

    z = (X[:3] - model.feature_mean_) / model.feature_scale_
    assert_allclose(model.input_relevance(X[:3]), [integrated(predict, window) for window in z], rtol=1e-4, atol=1e-4)


@pytest.mark.backend
def test_relevances_of_tokens_are_those_of_the_textbook(documents, rng):
    X, y = documents
    model = LSTMClassifier(3, embedding_dim=2, epochs=1, random_state=0).fit(X, y)
    model.weights_ = far_from_initial(model.weights_, rng)
    embedding, *cell, kernel, bias = model.weights_
    document = X[-1]

    def predict(share):
        logits = textbook_lstm(embedding[document.astype(int)], *cell, share)[-1, -1] @ kernel + bias
        return 1 / (1 + np.exp(logits[0] - logits[1]))

    expected = integrated(predict, np.ones(12))
    relevance = model.input_relevance(document[np.newaxis], output=True, tol=1e-5)
    assert_allclose(relevance[0, :, 0], expected, rtol=1e-3, atol=1e-4)


def test_the_linear_part_is_exact(tiny, rng):
    X = rng.standard_normal((60, 5, 2))
    X[7, 3] = np.nan
    model = tiny(linear_skip=True, early_stopping=True, learning_rate=1e-9).fit(X, np.nan_to_num(X[:, 1, 0]))
    model.network_weight_, model.linear_weight_ = 0.0, 1.0
    z = (X - model.feature_mean_) / model.feature_scale_
    relevance = model.input_relevance(X)
    whole = np.delete(np.arange(60), 7)
    assert_allclose(relevance[whole], z[whole] * model.linear_coef_[:, :, 0], atol=1e-12)
    filling = z[7, 2] * model.linear_coef_[2:4, :, 0].sum(axis=0)  # the step before the missing one stands for both
    assert_allclose(relevance[7, 2], filling, atol=1e-12)
    assert_array_equal(relevance[7, 3], 0)


def test_a_feature_that_the_weights_ignore_has_no_relevance(tiny, table):
    X, y = table
    model = tiny().fit(X, y)
    model.weights_[0][1] = 0  # in the kernel
    relevance = model.input_relevance(X)
    assert (relevance[:, :, 1] == 0).all()
    assert np.abs(relevance[:, :, [0, 2]]).max(axis=(0, 1)).all()


@pytest.mark.parametrize("normalize", [True, "window"])
def test_rows_have_one_relevance_alone_and_among_others(normalize, tiny, table):
    X, y = table
    X = X[:70]
    model = tiny(normalize=normalize).fit(X, y[:70])
    assert_rows_alike_alone_and_among_others(model.input_relevance, X, rtol=1e-6)


def test_other_fits_of_a_network_compile_nothing_anew(tiny, table):
    X, y = table
    tiny(units=7, normalize="window").fit(X, y).input_relevance(X)
    before = _engine.compilations()
    model = tiny(units=7, normalize="window", random_state=1).fit(X[:100], y[:100])
    model.input_relevance(X[:1], output=1)
    assert _engine.compilations()["relevance"] == before["relevance"]


def test_a_sum_that_does_not_come_within_the_tolerance_warns(tiny, table, monkeypatch):
    monkeypatch.setattr(importlib.import_module("sklstm._engine.relevance"), "MOST_POINTS", 32)
    X, y = table
    with pytest.warns(UserWarning, match="of 118 rows do not sum up .* within tol=1e-15. Choose a larger tol"):
        tiny().fit(X, y).input_relevance(X, tol=1e-15)


@pytest.mark.parametrize("output", [2, -1, "a", 0.0, None])
def test_an_output_that_does_not_exist(output, tiny, table):
    model = tiny().fit(*table)
    with pytest.raises(ValueError, match=r"output must be an int from 0 to 1\. Got"):
        model.input_relevance(table[0], output=output)


def test_a_class_that_does_not_exist(documents):
    model = LSTMClassifier(2, embedding_dim=2, epochs=1).fit(documents[0], np.where(documents[1], "yes", "no"))
    with pytest.raises(ValueError, match=r"output must be one of the classes .*'no'.*Got 'maybe'"):
        model.input_relevance(documents[0], output="maybe")


def test_bad_input(tiny, table):
    X, y = table
    with pytest.raises(NotFittedError):
        tiny().input_relevance(X)
    model = tiny().fit(X, y)
    for other, message in [(X[:, :, :1], "1 features"), (X[:, 1:], "7 steps"), (X[0], "2 dimensions")]:
        with pytest.raises(ValueError, match=message):
            model.input_relevance(other)
    with pytest.raises(ValueError, match="tol == 0, must be > 0"):
        model.input_relevance(X, tol=0)
