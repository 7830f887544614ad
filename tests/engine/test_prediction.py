from dataclasses import replace
from functools import partial

import keras
import numpy as np
import pytest
from helpers import assert_rows_alike_alone_and_among_others, far_from_initial, network_spec
from numpy.testing import assert_array_equal

from sklstm import SlidingWindow, _engine
from sklstm._engine import batches, prediction
from sklstm._engine.networks.builders import initial_weights
from sklstm._specs import WINDOWS, Scale

N_STEPS = 7
SCALES = {WINDOWS: Scale(np.array([0.1, 0.2]), np.array([1.0, 2.0]))}
SPECS = [
    network_spec(N_STEPS, 2, 1, (5,)),
    network_spec(N_STEPS, 2, 3, (4, 3)),
    network_spec(N_STEPS, 2, 2, (4, 2), bidirectional=True),
    network_spec(N_STEPS, 2, 2, (5,), pooling="mean"),
    network_spec(N_STEPS, 2, 2, (5,), pooling="none"),
    network_spec(N_STEPS, 2, 4, (50,)),  # as large as it takes for matrix products to round by their size
    network_spec(N_STEPS, 2, 1, (33, 17), pooling="max"),
]


@pytest.fixture
def series(rng):
    """Return rows of two features, some of which are missing."""
    series = rng.standard_normal((50, 2))
    series[[0, 12, 13, 20], 0] = np.nan
    return series


@pytest.fixture
def predict(rng):
    """Return a function from an spec and windows to the outputs of one and the same network."""
    drawn = {}

    def predict(spec, X):
        if spec not in drawn:
            drawn[spec] = far_from_initial(initial_weights(spec, rng), rng)
        return _engine.predict(spec, [drawn[spec]], {WINDOWS: X}, SCALES)

    return predict


@pytest.mark.backend
@pytest.mark.parametrize("spec", SPECS)
def test_a_row_is_predicted_alike_alone_and_among_others(spec, predict, series):
    X = SlidingWindow(N_STEPS).fit_transform(series)
    together = predict(spec, X)
    assert together.dtype == np.float64
    assert_array_equal(np.concatenate([predict(spec, row[np.newaxis]) for row in X]), together)
    for n in (2, 3, 31, 33):
        assert_array_equal(predict(spec, X[-n:]), together[-n:])


def random_spec(rng):
    """Return the spec of a network of any kind."""
    n_steps, n_features, n_outputs = (int(rng.choice(sizes)) for sizes in ([1, 2, 7, 20], [1, 2, 5], [1, 2, 7, 30]))
    settings = {"bidirectional": rng.random() < 0.4, "pooling": str(rng.choice(["last", "mean", "max", "none"]))}
    if rng.random() < 0.25:
        n_features, settings["n_tokens"], settings["embedding_dim"] = 1, 11, int(rng.choice([1, 4, 16]))
    units = rng.choice([1, 3, 8, 17, 33, 50, 64], size=rng.integers(1, 4))
    return network_spec(n_steps, n_features, n_outputs, tuple(map(int, units)), **settings)


def random_windows(rng, spec, missing):
    n_steps, n_features = spec.windows.shape
    series = 1 + rng.standard_normal((160, n_features)).astype(np.float32)
    if spec.windows.n_tokens:
        series = rng.integers(0, 11, (160, 1)).astype(np.float32)
    if missing == "anywhere":
        series[rng.random(160) < 0.2, rng.integers(n_features)] = np.nan
    windows = SlidingWindow(n_steps).fit_transform(series.astype(float))
    return windows[n_steps - 1 :] if missing == "none" else windows


@pytest.mark.backend
@pytest.mark.thorough
@pytest.mark.parametrize("seed", range(25))
def test_rows_of_random_networks_are_predicted_alike_alone_and_among_others(seed, monkeypatch):
    """200 times one to three networks, in several blocks of batches; fewer on the other backends, which are slow."""
    monkeypatch.setattr(batches, "MAX_BATCHES_IN_BLOCK", 3)
    rng = np.random.default_rng(seed)
    spec = random_spec(rng)
    n_features = 1 if spec.windows.n_tokens else spec.windows.shape[1]
    scale = Scale(rng.standard_normal(n_features), rng.uniform(0.5, 2, n_features))
    scales = {WINDOWS: Scale(np.zeros(1), np.ones(1)) if spec.windows.n_tokens else scale}
    backend = keras.backend.backend()
    for i in range(8 if backend == "jax" else 3):
        networks = [far_from_initial(initial_weights(spec, rng), rng) for _ in range(rng.integers(1, 4))]
        X = random_windows(rng, spec, ["none", "leading", "anywhere"][i % 3])
        for last_step in {False, spec.pooling == "none"}:
            predict = partial(_engine.predict, spec, networks, scales=scales, last_step=last_step)
            assert_rows_alike_alone_and_among_others(
                lambda X, predict=predict: predict(inputs={WINDOWS: X}),
                X,
                rtol=1e-5 if backend == "tensorflow" else 0,  # its products round by the place in a batch
            )


@pytest.mark.backend
@pytest.mark.parametrize("spec", SPECS)
@pytest.mark.parametrize("n_rows", [2, N_STEPS, N_STEPS + 1])
@pytest.mark.parametrize("first", [0, 15])
def test_the_first_windows_of_a_series_are_predicted_as_any(spec, predict, series, n_rows, first):
    """Whether they are beginnings of the last one, so that one pass over it is enough, or look further back."""
    view = SlidingWindow(N_STEPS).fit_transform(series)[first : first + n_rows]
    among_others = np.concatenate([view, np.zeros((32, N_STEPS, 2))])
    assert_array_equal(predict(spec, view), predict(spec, among_others)[:n_rows])


def test_the_beginnings_of_a_window_take_one_batch(predict, series, monkeypatch):
    """As the windows of a series that is no longer than they are."""
    sizes = []
    compiled_states = prediction._compiled_states

    def watched(*key):
        states = compiled_states(*key)
        return lambda weights, block, n: sizes.append(block[WINDOWS].shape[:2]) or states(weights, block, n)

    monkeypatch.setattr(prediction, "_compiled_states", watched)
    X = SlidingWindow(N_STEPS).fit_transform(series)
    predict(SPECS[0], X[:1])
    predict(SPECS[0], X[:N_STEPS])
    predict(SPECS[0], X[20:21])
    assert sizes == [(1, 4)] * 3
    predict(SPECS[0], X[: N_STEPS + 1])
    predict(replace(SPECS[0], bidirectional=True), X[:N_STEPS])
    assert sizes[3:] == [(64, 4)] * 2
