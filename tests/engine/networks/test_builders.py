import keras
import numpy as np
import pytest
from helpers import network_spec
from numpy.testing import assert_allclose

from sklstm import _engine
from sklstm._base.base import OPTIMIZERS
from sklstm._engine.networks.builders import initial_weights, keras_inputs, network_outputs
from sklstm._engine.networks.recurrent import BuildOptions
from sklstm._specs import WINDOWS, Scale

SPECS = [
    network_spec(7, 2, 1, (5,)),
    network_spec(7, 1, 3, (4, 3)),
    network_spec(7, 3, 2, (4, 2), bidirectional=True),
    network_spec(7, 2, 2, (5,), pooling="mean"),
    network_spec(7, 2, 2, (4, 3), bidirectional=True, pooling="max"),
    network_spec(7, 1, 6, (4,), pooling="none", n_tokens=6, embedding_dim=3),
]


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def lstm(steps, kernel, recurrent_kernel, bias):
    """Return the hidden state after each step, by the textbook.

    The cell of Hochreiter & Schmidhuber (1997) with the forget gate of Gers et al. (2000). A missing step
    changes nothing.
    """
    n_units = len(recurrent_kernel)
    W_i, W_f, W_c, W_o = np.split(kernel.astype(float), 4, axis=1)
    U_i, U_f, U_c, U_o = np.split(recurrent_kernel.astype(float), 4, axis=1)
    b_i, b_f, b_c, b_o = np.split(bias.astype(float), 4)
    h = c = np.zeros(n_units)
    states = []
    for x in steps:
        if not np.isnan(x).any():
            i = sigmoid(x @ W_i + h @ U_i + b_i)
            f = sigmoid(x @ W_f + h @ U_f + b_f)
            o = sigmoid(x @ W_o + h @ U_o + b_o)
            c = f * c + i * np.tanh(x @ W_c + h @ U_c + b_c)
            h = o * np.tanh(c)
        states.append(h)
    return np.array(states)


def textbook(spec, weights, window):
    """Return the network's output for one window."""
    weights = list(weights)
    missing = np.isnan(window).any(axis=1)
    sequence = window
    if spec.windows.n_tokens:
        embedding = weights.pop(0)
        sequence = np.where(missing[:, None], np.nan, embedding[np.nan_to_num(window[:, 0]).astype(int)])
    for _ in spec.units:
        forward = lstm(sequence, *weights[:3])
        del weights[:3]
        last = forward[-1]
        if spec.bidirectional:
            backward = lstm(sequence[::-1], *weights[:3])
            del weights[:3]
            last = np.concatenate([last, backward[-1]])
            forward = np.hstack([forward, backward[::-1]])
        sequence = np.where(missing[:, None], np.nan, forward)
    kernel, bias = weights
    pooled = {
        "last": last,
        "mean": forward[~missing].sum(axis=0) / max(np.sum(~missing), 1),
        "max": forward[~missing].max(axis=0, initial=-1),
        "none": forward,
    }[spec.pooling]
    return pooled @ kernel + bias


@pytest.mark.backend
@pytest.mark.parametrize("spec", SPECS)
@pytest.mark.parametrize("missing", [[], [0, 1], [3], [6], [0, 3, 6], range(7)])
def test_the_forward_pass_equals_the_textbook(spec, missing, rng):
    weights = [rng.standard_normal(w.shape).astype(np.float32) for w in initial_weights(spec, rng)]
    X = rng.standard_normal((9, 7, spec.windows.shape[1]))
    X[::2, missing] = np.nan
    mean, scale = rng.standard_normal((2, spec.windows.shape[1])) ** 2 + 1
    if spec.windows.n_tokens:
        X, mean, scale = np.abs(X).round(), np.zeros(1), np.ones(1)
    output = _engine.predict(spec, [weights], {WINDOWS: X}, {WINDOWS: Scale(mean, scale)})
    expected = [textbook(spec, weights, window) for window in (X - mean) / scale]
    assert_allclose(output, expected, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("spec", SPECS)
def test_initial_weights_are_those_that_keras_draws(spec, rng):
    """Not the very numbers: the same shapes, biases, orthogonality, and limits."""
    inputs = keras_inputs(spec)
    network = keras.Model(inputs, network_outputs(spec, inputs, BuildOptions("anywhere", exported=True)))
    for ours, theirs in zip(initial_weights(spec, rng), network.get_weights(), strict=True):
        assert ours.shape == theirs.shape
        assert ours.dtype == theirs.dtype
        if ours.ndim == 1:
            np.testing.assert_array_equal(ours, theirs)
        elif len(ours) == spec.windows.n_tokens:
            assert 0 < max(np.abs(ours).max(), np.abs(theirs).max()) <= 0.05
        elif ours.shape[1] == 4 * ours.shape[0]:
            assert_allclose(ours @ ours.T, theirs @ theirs.T, atol=1e-5)
        else:
            limit = np.sqrt(6 / sum(ours.shape))
            assert max(np.abs(ours).max(), np.abs(theirs).max()) <= limit


def test_weights_are_drawn_uniformly_and_orthogonally():
    spec = network_spec(7, 100, 1, (100,))
    kernel, recurrent_kernel, *_ = initial_weights(spec, np.random.default_rng(0))
    limit = np.sqrt(6 / 500)
    assert_allclose([kernel.min(), kernel.mean(), kernel.max()], [-limit, 0, limit], atol=limit / 50)
    assert_allclose(recurrent_kernel @ recurrent_kernel.T, np.eye(100), atol=1e-5)


FAMILIES = {"adam", "adadelta", "ftrl", "sgd"}  # each has another optimizer's state


@pytest.mark.parametrize(
    "optimizer",
    [*sorted(FAMILIES), *(pytest.param(o, marks=pytest.mark.thorough) for o in sorted(OPTIMIZERS - FAMILIES))],
)
def test_every_optimizer_trains(optimizer, tiny, windows):
    assert tiny(optimizer=optimizer, units=2).fit(*windows).n_iter_ == 2
