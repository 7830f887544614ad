import importlib

import numpy as np
import pytest
from helpers import assert_rows_alike_alone_and_among_others, far_from_initial, textbook_lstm
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.exceptions import NotFittedError

from sklstm import LSTMClassifier, LSTMForecaster, SlidingWindow, _engine

# So that relevances are right before what their sum lacks is shared out.
pytestmark = pytest.mark.filterwarnings("error:The relevances of")


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
        *(
            pytest.param({"n_networks": 1} | params, marks=pytest.mark.thorough)
            for params in [{"early_stopping": False, "bidirectional": True}, {"normalize": False, "loss": "huber"}]
        ),
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


@pytest.mark.parametrize("bidirectional", [False, pytest.param(True, marks=pytest.mark.thorough)])
@pytest.mark.parametrize("pooling", [*(pytest.param(p, marks=pytest.mark.thorough) for p in ("last", "mean")), "max"])
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


@pytest.mark.parametrize("pooling", ["last", *(pytest.param(p, marks=pytest.mark.thorough) for p in ("mean", "max"))])
def test_relevances_for_a_probability_that_changes_all_at_once(pooling, table):
    X, y = table
    y = np.where(y[:, 0] > 0, "up", "down")
    plain = {"network": "lstm", "bidirectional": False, "dropout": 0.0, "batch_size": 32}
    settings = plain | {"epochs": 30, "learning_rate": 0.02, "random_state": 0}
    model = LSTMClassifier(units=(6, 4), pooling=pooling, **settings).fit(X, y)
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


def textbook_logits(weights, x, n_layers, bidirectional, pooling, share):
    """Return a network's outputs for one window whose steps are present by shares."""
    *layers, kernel, bias = weights
    for _ in range(n_layers):
        runs = [textbook_lstm(x, *layers[:3], share)[-1]]
        last = runs[0][-1]
        if bidirectional:
            runs.append(textbook_lstm(x[::-1], *layers[3:6], share[::-1])[-1])
            last = np.concatenate([last, runs[1][-1]])
            runs[1] = runs[1][::-1]
        layers, x = layers[3 * len(runs) :], np.concatenate(runs, axis=1)
    part = share[:, np.newaxis]
    pooled = {"last": last, "mean": (part * x).sum(axis=0) / share.sum(), "max": (part * x + part - 1).max(axis=0)}
    return pooled[pooling] @ kernel + bias


def probability(logits):
    return 1 / (1 + np.exp(logits[0] - logits[1]))


@pytest.mark.backend
@pytest.mark.parametrize(
    ("units", "bidirectional", "pooling"),
    [
        pytest.param(3, False, "last", marks=pytest.mark.thorough),
        ((3, 2), True, "mean"),
        pytest.param((3, 2), False, "max", marks=pytest.mark.thorough),
    ],
)
def test_relevances_are_those_of_the_textbook(units, bidirectional, pooling, rng):
    X = rng.standard_normal((30, 4, 2))
    params = {"network": "lstm", "units": units, "bidirectional": bidirectional, "pooling": pooling}
    model = LSTMClassifier(**params, epochs=1, random_state=0).fit(X, np.arange(30) % 2)
    model.weights_ = far_from_initial(model.weights_, rng)
    settings = np.size(units), bidirectional, pooling, np.ones(4)
    expected = [
        integrated(lambda z: probability(textbook_logits(model.weights_, z, *settings)), window)
        for window in (X[:3] - model.feature_mean_) / model.feature_scale_
    ]
    relevance = model.input_relevance(X[:3], output=1, tol=1e-3)
    assert_allclose(relevance, expected, rtol=1e-2, atol=5e-3 if pooling == "max" else 1e-3)  # which has kinks


@pytest.mark.backend
@pytest.mark.parametrize(
    ("units", "bidirectional", "pooling"),
    [
        (3, False, "last"),
        pytest.param((3, 2), True, "mean", marks=pytest.mark.thorough),
        pytest.param((3, 2), False, "max", marks=pytest.mark.thorough),
    ],
)
def test_relevances_of_tokens_are_those_of_the_textbook(units, bidirectional, pooling, documents, rng):
    X, y = documents
    params = {"units": units, "bidirectional": bidirectional, "pooling": pooling, "embedding_dim": 2}
    model = LSTMClassifier(**params, epochs=1, random_state=0).fit(X, y)
    model.weights_ = far_from_initial(model.weights_, rng)
    embedded, weights = model.weights_[0][X[-1].astype(int)], model.weights_[1:]
    settings = np.size(units), bidirectional, pooling
    expected = integrated(lambda share: probability(textbook_logits(weights, embedded, *settings, share)), np.ones(12))
    relevance = model.input_relevance(X[-1:], output=True, tol=1e-3)
    assert_allclose(relevance[0, :, 0], expected, rtol=1e-2, atol=5e-3 if pooling == "max" else 1e-3)  # as above


def test_relevances_of_deviations_and_levels(tiny, rng):
    """They enter the network as such, and the level of a window is shared out among its steps."""
    X = rng.standard_normal((40, 4, 2)).cumsum(axis=1) + rng.standard_normal((40, 1, 2))
    model = tiny(units=3, normalize="window").fit(X, X[:, -1, 0])
    model.weights_ = far_from_initial(model.weights_, rng)
    z = (X[:3] - model.feature_mean_) / model.feature_scale_
    level = z.mean(axis=1)
    deviations = (z - level[:, np.newaxis]) / (model.deviation_scale_ / model.feature_scale_)
    for window, ends in enumerate(zip(deviations, level, strict=True)):

        def predict(ends):
            x = np.concatenate([ends[:-1], np.broadcast_to(np.tanh(ends[-1:]), (4, 2))], axis=1)
            return textbook_logits(model.weights_, x, 1, False, "last", np.ones(4))[0] * model.target_scale_[0]

        expected = integrated(predict, np.concatenate([ends[0], ends[1][np.newaxis]]))
        of_level = expected[-1] / level[window] * z[window] / 4
        of_level_coef = z[window] / 4 * model.level_coef_[:, 0]
        relevance = model.input_relevance(X[window : window + 1], tol=1e-3)[0]
        assert_allclose(relevance, expected[:-1] + of_level + of_level_coef, rtol=1e-2, atol=1e-3)


def test_relevances_do_not_grow_with_the_level_of_the_series(tiny):
    counter = np.arange(300.0)[:, np.newaxis]
    X = SlidingWindow(8).fit_transform(counter)[8:]
    model = tiny(units=4, normalize="window", epochs=10).fit(X[:-1], counter[9:, 0])
    here, later = (np.abs(model.input_relevance(windows)).sum() for windows in (X[-1:], X[-1:] + 3000))
    of_level = np.abs(model.level_coef_).sum() / model.feature_scale_[0] * 3000
    assert later - of_level < 10 * here


@pytest.mark.filterwarnings("default:The relevances of")
def test_gradients_that_vanish_are_told(tiny, rng):
    X = 1e6 + rng.standard_normal((40, 5, 1))
    model = tiny(normalize=False).fit(X, X[:, -1, 0] - 1e6)
    with pytest.warns(UserWarning, match="of 3 rows are not within"):
        model.input_relevance(X[:3])


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


@pytest.mark.parametrize("n_points", [1, pytest.param(8, marks=pytest.mark.thorough), 32])
def test_batches_of_large_windows_have_fewer_points(n_points, tiny, table, monkeypatch):
    X, y = table
    X = X[:9]
    model = tiny().fit(X, y[:9])
    expected = model.input_relevance(X)
    module = importlib.import_module("sklstm._engine.relevance")
    compiled_gradient, sizes = module._compiled_gradient, set()

    def recording(*args):
        def take_gradient(weights, moving, *others):
            sizes.add(moving.size)
            return compiled_gradient(*args)(weights, moving, *others)

        return take_gradient

    monkeypatch.setattr(module, "_compiled_gradient", recording)
    monkeypatch.setattr(module, "MAX_VALUES_IN_BATCH", (n_points + 1) * X[0].size - 1)
    relevance = model.input_relevance(X)
    assert sizes == {n_points * X[0].size}
    assert_allclose(relevance, expected, rtol=1e-4, atol=1e-6)
    assert_allclose(model.input_relevance(X[4:5])[0], relevance[4], rtol=1e-6, atol=1e-7)


def test_other_fits_of_a_network_compile_nothing_anew(tiny, table):
    X, y = table
    tiny(units=7, normalize="window").fit(X, y).input_relevance(X)
    before = _engine.compilations()
    model = tiny(units=7, normalize="window", random_state=1).fit(X[:100], y[:100])
    model.input_relevance(X[:1], output=1)
    assert _engine.compilations()["relevance"] == before["relevance"]


@pytest.mark.filterwarnings("default:The relevances of")
def test_a_sum_that_does_not_come_within_the_tolerance_warns(tiny, table, monkeypatch):
    monkeypatch.setattr(importlib.import_module("sklstm._engine.relevance"), "MOST_POINTS", 32)
    X, y = table
    with pytest.warns(UserWarning, match="of 118 rows are not within tol=1e-15 of their values. Choose a larger tol"):
        tiny().fit(X, y).input_relevance(X, tol=1e-15)


@pytest.mark.parametrize("output", [2, -1, "a", 0.0, None])
def test_an_output_that_does_not_exist(output, tiny, table):
    model = tiny().fit(*table)
    with pytest.raises(ValueError, match=r"output must be an int from 0 to 1\. Got"):
        model.input_relevance(table[0], output=output)


def test_an_output_by_name(tiny, table):
    pd = pytest.importorskip("pandas")
    X, y = table
    model = tiny().fit(X, pd.DataFrame(y, columns=["low", "high"]))
    assert_array_equal(model.input_relevance(X[:3], output="high"), model.input_relevance(X[:3], output=1))
    with pytest.raises(ValueError, match=r"from 0 to 1, or one of the names \['low', 'high'\]\. Got 'mean' instead"):
        model.input_relevance(X[:3], output="mean")


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
