import numpy as np
import pytest
from helpers import far_from_initial, textbook_lstm
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.exceptions import NotFittedError

from sklstm import LSTMAnomalyDetector, LSTMClassifier, LSTMForecaster, LSTMTextGenerator, SlidingWindow

NETWORKS = {
    "one layer": {"units": 5},
    "stacked": {"units": (5, 3)},
    "bidirectional": {"units": 4, "bidirectional": True},
    "stacked, bidirectional": {"units": (4, 3), "bidirectional": True},
}


def expected_gates(model, sequence, layer, direction):
    """Return the textbook's gates of a layer for one standardised window or embedded document."""
    weights = list(model.weights_)[-2 - 3 * len(np.atleast_1d(model.units)) * (1 + model.bidirectional) : -2]
    for _ in range(layer + 1):
        runs = [textbook_lstm(sequence, *weights[:3])]
        if model.bidirectional:
            runs.append(textbook_lstm(sequence[::-1], *weights[3:6])[:, ::-1])
        weights = weights[3 * len(runs) :]
        sequence = np.concatenate([run[-1] for run in runs], axis=1)
    return runs[direction]


def as_array(gates):
    names = ["input_gate", "forget_gate", "output_gate", "candidate", "cell_state", "hidden_state"]
    return np.stack([gates[name] for name in names], axis=1)


def with_far_weights(model, rng):
    model.weights_ = far_from_initial(model.weights_, rng)
    return model


@pytest.fixture
def series(rng):
    """Return two features with a large offset, and missing steps at the beginning, in the middle and at the end."""
    series = rng.standard_normal((30, 2)) + np.array([1e9, 0])
    series[[0, 1, 14, 29], [0, 1, 0, 1]] = np.nan
    return series


@pytest.mark.parametrize("params", NETWORKS.values(), ids=NETWORKS)
@pytest.mark.parametrize("normalize", [False, True])
def test_gates_are_those_of_the_textbook(params, normalize, tiny, series, rng):
    X = SlidingWindow(7).fit_transform(series if normalize else series - np.array([1e9, 0]))
    model = tiny(**params, normalize=normalize).fit(X[2:], rng.standard_normal(28))
    with_far_weights(model, rng)
    standardised = (X - model.feature_mean_) / model.feature_scale_
    n_layers = len(np.atleast_1d(model.units))
    for layer in range(n_layers):
        for number, direction in enumerate(["forward", "backward"][: 1 + model.bidirectional]):
            gates = as_array(model.gates(X, layer=layer, direction=direction))
            expected = np.array([expected_gates(model, window, layer, number) for window in standardised])
            assert_allclose(gates, expected, rtol=1e-5, atol=1e-6)
            assert_array_equal(gates, as_array(model.gates(X, layer=layer - n_layers, direction=direction)))


@pytest.mark.parametrize("bidirectional", [False, True])
def test_gates_of_embedded_tokens(bidirectional, rng):
    X = rng.integers(0, 5, (20, 6)).astype(float)
    X[::2, -2:] = np.nan
    X[1::3, :2] = np.nan
    X[5, 3] = np.nan
    model = LSTMClassifier(units=(4, 3), embedding_dim=3, bidirectional=bidirectional, epochs=1, random_state=0)
    with_far_weights(model.fit(X, np.arange(20) % 2), rng)
    embedded = model.weights_[0][np.nan_to_num(X).astype(int)]
    embedded[np.isnan(X)] = np.nan
    expected = [expected_gates(model, document, 1, 0) for document in embedded]
    assert_allclose(as_array(model.gates(X)), expected, rtol=1e-5, atol=1e-6)


@pytest.mark.backend
def test_the_last_hidden_state_is_what_the_prediction_is_made_of(tiny, rng):
    X = rng.standard_normal((50, 7, 2))
    model = tiny(units=(5, 3), normalize="window", n_networks=2).fit(X, rng.standard_normal(50))
    last = [model.gates(X, network=number, steps=-1).hidden_state[:, 0] for number in range(2)]
    kernels, biases = model.weights_[6::8], model.weights_[7::8]
    outputs = [h @ kernel + bias for h, kernel, bias in zip(last, kernels, biases, strict=True)]
    expected = model._level().predict(X)[:, 0] + np.mean(outputs, axis=0)[:, 0] * model.target_scale_
    assert_allclose(model.predict(X), expected, rtol=1e-4, atol=1e-5)


def test_selected_steps_and_units_of_many_windows(tiny, rng, monkeypatch):
    monkeypatch.setattr("sklstm._windows.arrays.CHUNK", 1000)
    X = rng.standard_normal((40, 6, 2))
    model = tiny(units=5).fit(X, rng.standard_normal(40))
    everything = as_array(model.gates(X))
    assert everything.dtype == np.float32
    assert_array_equal(as_array(model.gates(X, steps=[0, -1], units=slice(1, 4))), everything[:, :, [0, -1], 1:4])
    assert_array_equal(as_array(model.gates(X[7:9], steps=2, units=3)), everything[7:9, :, 2:3, 3:4])


def test_gates_of_documents(rng):
    model = LSTMTextGenerator(units=3, epochs=1, window_size=5, random_state=0).fit(["abcabc", "cab"])
    gates = model.gates(["abcabcabc", "ca"])
    assert gates.forget_gate.shape == (2, 9, 3)  # also of documents that are longer than windows
    assert np.isnan(gates.cell_state[1, :7]).all()
    assert_array_equal(gates.hidden_state[1, 7:], model.gates(["ca"]).hidden_state[0])
    tokens = [model.tokens_.vocabulary_[character] for character in "abcabcabc"]
    embedded, (kernel, recurrent_kernel, bias) = model.weights_[0], model.weights_[1:4]
    expected = textbook_lstm(embedded[tokens], kernel, recurrent_kernel, bias)
    assert_allclose(as_array(gates)[0], expected, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("documents", [[], [""]])
def test_documents_without_a_token_have_no_gates(documents):
    model = LSTMTextGenerator(units=2, epochs=1, random_state=0).fit(["abcabc"])
    with pytest.raises(ValueError, match="Found no document with a token"):
        model.gates(documents)


def test_gates_of_a_detector_are_those_of_its_forecaster(tiny, rng):
    X = SlidingWindow(6).fit_transform(rng.standard_normal((40, 2))).copy()
    X[20, 3, 0] = np.nan
    detector = LSTMAnomalyDetector(tiny(units=3)).fit(X)
    gates = detector.gates(X, units=1)
    assert gates.cell_state.shape == (40, 5, 1)  # of the steps before the one that is judged
    whole = np.delete(np.arange(40), 20)
    assert_array_equal(as_array(gates)[whole], as_array(detector.forecaster_.gates(X[whole, :-1], units=1)))
    assert not np.isnan(gates.cell_state[20]).any()  # the value is filled, as for the forecast


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"layer": 1}, "layer must be an int from -1 to 0. Got 1"),
        ({"layer": -2}, "layer must be an int"),
        ({"layer": "lstm"}, "layer must be an int"),
        ({"direction": "backward"}, "Only with bidirectional=True"),
        ({"direction": "up"}, r"direction must be one of \['forward'\]"),
        ({"network": 1}, "network must be an int from 0 to 0. Got 1"),
        ({"steps": 6}, "steps must select some of 6 by their positions. Got 6"),
        ({"steps": 1.5}, "steps must select some"),
        ({"units": [0, 4]}, "units must select some of 4"),
        ({"units": [[0, 1]]}, "units must select some of 4"),
        ({"units": True}, "units must select some of 4"),
    ],
)
def test_what_there_is_not_cannot_be_selected(params, message, tiny, rng):
    X = rng.standard_normal((20, 6, 2))
    model = tiny().fit(X, X[:, -1, 0])
    with pytest.raises(ValueError, match=message):
        model.gates(X, **params)


def test_bad_input(tiny, rng):
    X = rng.standard_normal((20, 6, 2))
    with pytest.raises(NotFittedError):
        tiny().gates(X)
    model = tiny().fit(X, X[:, -1, 0])
    for other, message in [(X[:, :, :1], "1 features"), (X[:, 1:], "5 steps"), (X[0], "2 dimensions")]:
        with pytest.raises(ValueError, match=message):
            model.gates(other)


def test_only_forecasters_with_gates_have_any(rng):
    from sklearn.linear_model import Ridge

    detector = LSTMAnomalyDetector(Ridge())
    assert not hasattr(detector, "gates")
    assert hasattr(LSTMAnomalyDetector(), "gates")
    assert hasattr(LSTMForecaster(), "gates")
