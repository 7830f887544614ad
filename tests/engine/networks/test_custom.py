"""Networks of one's own, by functions at the top level, which pickle finds."""

import pickle
import random
import subprocess
import sys

import keras
import numpy as np
import pytest
from keras import layers, ops
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV

from sklstm import LSTMClassifier, LSTMForecaster, LSTMTextGenerator, _engine
from sklstm.plotting import GatesDisplay

READY = ["gru", "conv_lstm", "lstm_fcn"]


def convolved(windows, mask, *, filters=4):
    features = layers.Conv1D(filters, 3, padding="same", activation="relu")(windows)
    return layers.LSTM(5)(features, mask=mask)


def normalized(windows, mask, *, units, dropout, rate=0.5):
    """Layers with a state, and with random numbers."""
    features = layers.BatchNormalization(momentum=0.5)(windows)
    return layers.Dropout(rate + dropout)(layers.LSTM(units)(features, mask=mask))


def means(windows, mask):
    n_present = ops.sum(ops.cast(mask, "float32"), axis=1, keepdims=True)
    return ops.sum(windows, axis=1) / ops.maximum(n_present, 1.0)


def at_each_step(windows, mask, *, units):
    return layers.LSTM(units, return_sequences=True)(windows, mask=mask)


@pytest.fixture
def data(rng):
    X = 5 + 2 * rng.standard_normal((70, 9, 2))
    X[::7, :3] = np.nan
    return X, X[:, -2:, 0].sum(axis=1)


def classes(data):
    X, y = data
    return X, np.where(y > 10, "high", "low")


def small(network, **params):
    settings = {"epochs": 3, "learning_rate": 0.005, "batch_size": 32, "bidirectional": True, "dropout": 0.3}
    return LSTMClassifier(6, network=network, **settings | {"random_state": 0} | params)


def assert_same(model, other):
    for array, of_other in zip(model.weights_, other.weights_, strict=True):
        assert_array_equal(array, of_other)


@pytest.mark.backend
@pytest.mark.parametrize(
    "network",
    [
        normalized,
        *(pytest.param(network, marks=pytest.mark.backend(thorough=True)) for network in (convolved, means)),
        *(pytest.param(network, marks=pytest.mark.thorough) for network in READY),
    ],
)
def test_a_fit_and_its_export(network, data):
    X, y = classes(data)
    before = random.getstate()
    model = small(network).fit(X, y)
    assert random.getstate() == before
    probabilities = model.predict_proba(X)
    assert_same(model, clone(model).fit(X, y))
    assert_allclose(model.to_keras().predict(X, verbose=0), probabilities, atol=1e-5)
    assert_allclose(model.predict_proba(X[10:11]), probabilities[10:11], rtol=1e-5)
    assert_array_equal(pickle.loads(pickle.dumps(model)).predict_proba(X), probabilities)
    before = [array.copy() for array in model.weights_]
    model.partial_fit(X, y)
    assert any((array != of_before).any() for array, of_before in zip(model.weights_, before, strict=True))


@pytest.mark.backend(thorough=True)
@pytest.mark.parametrize("network", [normalized, *(pytest.param(name, marks=pytest.mark.thorough) for name in READY)])
def test_forecasts(network, data):
    X, y = data
    params = {"n_networks": 2, "epochs": 3, "random_state": 0}
    model = LSTMForecaster(6, network=network, early_stopping=True, **params).fit(X, y, np.arange(70) % 3)
    assert np.isfinite(model.predict(X)).all()
    assert_allclose(model.to_keras().predict(X, verbose=0)[:, 0], model.predict(X), rtol=1e-4)
    half = len(model.weights_) // 2
    assert any((a != b).any() for a, b in zip(model.weights_[:half], model.weights_[half:], strict=True))


def in_half_precision(windows, mask, *, units):
    return layers.LSTM(units, dtype="mixed_bfloat16")(windows, mask=mask)


def test_a_network_of_lower_precision_predicts(data):
    X, y = data
    model = LSTMForecaster(4, network=in_half_precision, epochs=2, n_networks=1, random_state=0).fit(X, y)
    assert_allclose(model.predict(X), model.to_keras().predict(X, verbose=0)[:, 0], rtol=0.02)


def last_step(windows, mask):
    return layers.Dense(4, activation="relu")(windows[:, -1])


@pytest.mark.backend(thorough=True)
def test_a_network_that_does_not_read_the_mask(data, tmp_path):
    X, y = data
    model = LSTMForecaster(6, network=last_step, epochs=2, random_state=0).fit(X[1:7], y[1:7])
    exported = model.to_keras()
    exported.save(tmp_path / "network.keras")
    loaded = keras.saving.load_model(tmp_path / "network.keras")
    assert_allclose(loaded.predict(X[1:7], verbose=0)[:, 0], model.predict(X[1:7]), rtol=1e-4)


def test_mean_of_present_steps_is_exact(data):
    X, y = classes(data)
    model = small(means).fit(X, y)
    kernel, bias = model.weights_
    standardised = (X - model.feature_mean_) / model.feature_scale_
    logits = np.nanmean(standardised, axis=1) @ kernel + bias
    assert_allclose(model.decision_function(X), logits[:, 1] - logits[:, 0], atol=1e-5)


@pytest.mark.backend
def test_moving_statistics_are_those_of_training(data):
    """Those of a batch normalization come first among the weights, and predictions read them."""
    X, y = classes(data)
    model = small(normalized, epochs=20).fit(X, y)
    mean, variance = model.weights_[:2]
    assert (variance != 1).all()
    assert_allclose(mean, 0, atol=0.3)  # of standardised features
    probabilities = model.predict_proba(X)
    model.weights_ = [mean + 1, *model.weights_[1:]]
    assert np.abs(model.predict_proba(X) - probabilities).max() > 1e-3


def test_parameters_of_the_estimator_are_passed_by_their_names(data):
    X, y = classes(data)
    model = LSTMClassifier(3, network=normalized, epochs=1, random_state=0).fit(X, y)
    assert (3, 12) in [array.shape for array in model.weights_]
    with_dropout = clone(model).set_params(dropout=0.1).fit(X, y)
    assert any((a != b).any() for a, b in zip(model.weights_, with_dropout.weights_, strict=True))


def test_a_search_over_its_parameters(data):
    X, y = classes(data)
    grid = {"network_params": [{"filters": 2}, {"filters": 5}]}
    search = GridSearchCV(small(convolved), grid, cv=2).fit(X, y)
    filters = search.best_params_["network_params"]["filters"]
    assert search.best_estimator_.weights_[0].shape == (3, 2, filters)


def test_compiled_once_for_a_search_over_learning_rates(data):
    X, y = classes(data)
    model = small(convolved, network_params={"filters": 3})
    model.fit(X, y).predict(X)
    before = _engine.compilations()
    GridSearchCV(model, {"learning_rate": [0.001, 0.01, 0.1]}, cv=[(np.arange(70), np.arange(70))]).fit(X, y)
    assert _engine.compilations() == before


def test_early_stopping_and_warm_start(data):
    X, y = classes(data)
    model = small(normalized, early_stopping=True, epochs=12, n_iter_no_change=2).fit(X, y)
    assert "val_loss" in model.history_
    n_before = model.n_iter_
    model.set_params(warm_start=True, early_stopping=False, epochs=2).fit(X, y)
    assert model.n_iter_ == n_before + 2


def test_tokens(rng):
    X = rng.integers(1, 9, (60, 7)).astype(float)
    X[:, :2] = np.nan
    y = X[:, -1] > 4
    model = small(convolved, embedding_dim=3, epochs=60, learning_rate=0.05).fit(X, y)
    assert model.weights_[0].shape == (9, 3)
    assert model.score(X, y) > 0.9


def test_text():
    model = LSTMTextGenerator(5, network=at_each_step, window_size=6, epochs=2, random_state=0)
    model.fit(["abcabcabcabc"] * 4)
    assert isinstance(model.generate("a", 5, random_state=0), str)


def test_input_relevance_adds_up(data):
    X, y = data
    model = LSTMForecaster(6, network=convolved, n_networks=1, epochs=5, random_state=0).fit(X, y)
    relevance = model.input_relevance(X)
    baseline = np.where(np.isnan(X), np.nan, model.feature_mean_)
    assert_allclose(relevance.sum(axis=(1, 2)), model.predict(X) - model.predict(baseline), rtol=1e-3, atol=1e-4)


def test_it_is_pickled_by_reference(tmp_path, data):
    X, y = classes(data)
    module = tmp_path / "networks_of_a_user.py"
    module.write_text(
        "def network(windows, mask, *, filters):\n"
        "    from keras import layers\n"
        "    return layers.LSTM(4)(layers.Conv1D(filters, 3, padding='same')(windows), mask=mask)\n"
    )
    sys.path.insert(0, str(tmp_path))
    try:
        from networks_of_a_user import network
    finally:
        sys.path.remove(str(tmp_path))
    model = small(network, network_params={"filters": 2}).fit(X, y)
    (tmp_path / "model.pickle").write_bytes(pickle.dumps((model, X)))
    script = (
        "import pickle; model, X = pickle.load(open('model.pickle', 'rb'));"
        "pickle.dump(model.predict_proba(X), open('found.pickle', 'wb'))"
    )
    subprocess.run([sys.executable, "-c", script], cwd=tmp_path, check=True)
    assert_array_equal(pickle.loads((tmp_path / "found.pickle").read_bytes()), model.predict_proba(X))
    local = small(lambda windows, mask: means(windows, mask)).fit(X, y)
    assert_same(local, clone(local).fit(X, y))
    with pytest.raises((pickle.PicklingError, AttributeError), match="lambda"):
        pickle.dumps(local)


def unconnected(windows, mask):
    return layers.LSTM(4)(keras.Input((9, 2)))


def of_the_mask_alone(windows, mask):
    return layers.Dense(4)(ops.cast(mask, "float32"))


def without_input(windows, mask):
    return np.zeros((3, 4), np.float32)


def constant(windows, mask):
    return ops.zeros((70, 4))


def stateful(windows, mask):
    return layers.LSTM(4, stateful=True)(windows)


def of_one_argument(windows):
    return layers.LSTM(4)(windows)


OUTSIDE = layers.Dense(3)


def shared(windows, mask):
    return layers.LSTM(4)(OUTSIDE(windows), mask=mask)


def needs_more(windows, mask, filters):
    return layers.LSTM(filters)(windows)


BAD = [
    (unconnected, None, ValueError, "must make what it returns of its first argument"),
    ("conv_lstm", {"filters": 16}, ValueError, "filters of network_params must be a list of positive ints. Got 16"),
    ("conv_lstm", {"filters": [16, 0, 2]}, ValueError, "filters of network_params must be a list of positive ints"),
    ("conv_lstm", {"pool_size": 0}, ValueError, "pool_size of network_params must be a positive int. Got 0"),
    ("conv_lstm", {"pool_size": True}, ValueError, "pool_size of network_params must be a positive int. Got True"),
    ("conv_lstm", {"kernel_sizes": []}, ValueError, "must be lists of the same length"),
    ("conv_lstm", {"kernel_sizes": 3}, ValueError, "kernel_sizes of network_params must be a list of positive ints"),
    ("lstm_fcn", {"kernel_sizes": None}, ValueError, "kernel_sizes of network_params must be a list"),
    ("lstm_fcn", {"filters": [8, 8]}, ValueError, "must be lists of the same length"),
    (of_the_mask_alone, None, ValueError, "its first argument, but no layer reads"),
    (without_input, None, TypeError, "Got ndarray instead"),
    (constant, None, TypeError, "must return a tensor"),
    (lambda windows, mask: None, None, TypeError, "Got NoneType instead"),
    (lambda windows, mask: [layers.LSTM(4)(windows)], None, TypeError, "Got list instead"),
    (lambda windows, mask: windows, None, ValueError, "return_sequences=False"),
    (lambda windows, mask: ops.sum(windows, axis=(1, 2)), None, ValueError, "Got the shape"),
    (stateful, None, ValueError, "the batch size must be static"),
    (of_one_argument, None, TypeError, "takes 1 positional argument"),
    (needs_more, None, TypeError, "missing 1 required positional argument: 'filters'"),
    (convolved, {"filter": 3}, ValueError, r"network_params has .'filter'., while network=convolved takes .'filters'."),
    (convolved, {"filters": np.ones(2)}, ValueError, "must hold numbers, strings"),
    (convolved, {"filters": layers.Dense(2)}, ValueError, "must hold numbers, strings"),
    (convolved, {"filters": 2, 1: 3}, ValueError, "by names that are strings"),
    (shared, None, ValueError, "uses the layers .* again, which were made outside"),
    (normalized, {"units": 3}, ValueError, r"has .'units'.*Parameters of the estimator"),
    (convolved, {"units": 3}, ValueError, r"has .'units'."),
    ("lstm", {"filters": 3}, ValueError, "network='lstm' takes none"),
    ("gru", {"filters": 3}, ValueError, "network='gru' takes none"),
    ("lstm_fcn", {"pool_size": 3}, ValueError, r"takes .'filters', 'kernel_sizes'."),
    ("transformer", None, ValueError, "The 'network' parameter of LSTMClassifier"),
    (3, None, ValueError, "The 'network' parameter of LSTMClassifier"),
    (convolved, [3], ValueError, "The 'network_params' parameter of LSTMClassifier"),
]


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"pooling": "mean"}, "pooling='mean' is for network='lstm' and 'gru'"),
        ({"dropout": 0.1}, r"network=convolved has no parameters .'dropout'."),
        ({"bidirectional": False}, r"network=convolved has no parameters .'bidirectional'."),
    ],
)
def test_parameters_that_a_network_does_not_read(params, message, data):
    X, y = classes(data)
    with pytest.raises(ValueError, match=message):
        small(convolved, **params).fit(X, y)


@pytest.mark.parametrize(("network", "params", "error", "message"), BAD)
def test_bad_networks(network, params, error, message, data):
    """They are refused before training, and what was fitted stays."""
    X, y = classes(data)
    model = small("lstm").fit(X, y)
    fitted = model.predict_proba(X)
    with pytest.raises(error, match=message):
        model.set_params(network=network, network_params=params).fit(X, y)
    assert_array_equal(model.predict_proba(X), fitted)


def test_training_does_not_resume_with_another_network(data):
    X, y = classes(data)
    model = small(convolved, network_params={"filters": 3}).fit(X, y)
    with pytest.raises(ValueError, match="Training resumes with the fitted network"):
        model.set_params(network_params={"filters": 4}).partial_fit(X, y)


def later_steps(windows, mask):
    return layers.Conv1D(4, 3, padding="same")(windows)


def both_directions(windows, mask):
    return layers.Bidirectional(layers.LSTM(4, return_sequences=True))(windows, mask=mask)


def earlier_steps(windows, mask):
    return layers.Conv1D(4, 3, padding="causal")(windows)


def fewer_steps(windows, mask):
    return layers.Conv1D(4, 3, strides=2, padding="same")(windows)


@pytest.mark.parametrize(
    ("network", "message"),
    [
        (later_steps, "network=later_steps reads later steps"),
        (both_directions, "network=both_directions reads later steps"),
        (fewer_steps, r"must return a tensor of shape \(n_samples, 6, n_numbers\)"),
        (convolved, r"must return a tensor of shape \(n_samples, 6, n_numbers\)"),
        ("conv_lstm", "The 'network' parameter of LSTMTextGenerator"),
    ],
)
def test_bad_networks_for_text(network, message):
    with pytest.raises(ValueError, match=message):
        LSTMTextGenerator(4, network=network, window_size=6, epochs=1, random_state=0).fit(["abcabcabc"] * 4)


def test_text_by_a_causal_convolution():
    model = LSTMTextGenerator(network=earlier_steps, window_size=6, epochs=30, learning_rate=0.05, random_state=0)
    assert model.fit(["abcabcabcabc" * 4] * 4).generate("abc", 6, temperature=0) == "abcabc"


def test_missing_tokens_are_zeros(rng):
    X = rng.integers(0, 9, (60, 7)).astype(float)
    X[::2, :3] = np.nan
    model = small(means, embedding_dim=3).fit(X, X[:, -1] > 4)
    vectors, kernel, bias = model.weights_
    read = np.where(np.isnan(X)[:, :, np.newaxis], np.nan, vectors[np.nan_to_num(X).astype(int)])
    logits = np.nanmean(read, axis=1) @ kernel + bias
    assert_allclose(model.decision_function(X), logits[:, 1] - logits[:, 0], atol=1e-5)


def by_kind(windows, mask, *, flag):
    return ops.mean(windows, axis=1) if flag is True else ops.max(windows, axis=1)


def test_parameters_that_are_equal_but_not_the_same(data):
    X, y = classes(data)
    one, true = (small(by_kind, network_params={"flag": flag}).fit(X, y).predict_proba(X) for flag in (1, True))
    assert np.abs(one - true).max() > 1e-3
    numpy_int = small(convolved, network_params={"filters": np.int64(3)}).fit(X, y)
    assert_same(numpy_int, small(convolved, network_params={"filters": 3}).fit(X, y))


@pytest.mark.backend
def test_a_last_batch_of_one_row_has_the_variance_of_others(rng):
    """By a callback between batches on JAX, too, and without one."""
    X, y = rng.standard_normal((65, 6, 2)), np.arange(65) % 2
    for callbacks in (None, keras.callbacks.LambdaCallback(on_train_batch_end=lambda batch, logs: None)):
        model = small(normalized, epochs=20, batch_size=64, callbacks=callbacks).fit(X, y)
        assert (model.weights_[1] > 0.8).all()


def stacked(windows, mask, *, units):
    features = layers.Conv1D(3, 2, padding="same")(windows)
    hidden = layers.Bidirectional(layers.LSTM(units, return_sequences=True))(features, mask=mask)
    return layers.LSTM(4, name="last")(hidden, mask=mask)


@pytest.mark.backend(thorough=True)
def test_gates_of_lstm_layers(data):
    """The last hidden states are those that the output layer sees."""
    X, y = data
    model = LSTMForecaster(3, network=stacked, n_networks=2, epochs=2, linear_skip=False, random_state=0).fit(X, y)
    half, outputs = len(model.weights_) // 2, []
    for network in range(2):
        *_, kernel, bias = model.weights_[half * network : half * (network + 1)]
        gates = model.gates(X, network=network)
        outputs.append(gates.hidden_state[:, -1] @ kernel + bias)
        assert np.isnan(gates.cell_state[0, :3]).all()
    level = model._level().predict(X)[:, 0]
    expected = np.mean(outputs, axis=0)[:, 0] * model.target_scale_ + level
    assert_allclose(model.predict(X), expected, rtol=1e-4, atol=1e-4)
    first = model.gates(X, layer=0, direction="backward", units=[0, 2], steps=-1)
    assert first.forget_gate.shape == (70, 1, 2)
    with pytest.raises(ValueError, match="layer must be an int from -2 to 1"):
        model.gates(X, layer=2)
    with pytest.raises(ValueError, match="direction must be one of"):
        model.gates(X, direction="backward")


@pytest.mark.thorough
def test_gates_of_shorter_sequences_and_of_the_shuffled(data):
    X, y = classes(data)
    model = small("conv_lstm", network_params={"pool_size": 4}).fit(X, y)
    assert model.gates(X).cell_state.shape == (70, 3, 6)
    with pytest.raises(ValueError, match="The layer reads 3 steps, while windows have 9"):
        GatesDisplay.from_estimator(model, X)
    with pytest.raises(ValueError, match="reads features, not steps"):
        GatesDisplay.from_estimator(small("lstm_fcn").fit(X, y), X)
    assert small("lstm_fcn").fit(X, y).gates(X).cell_state.shape == (70, 2, 6)


@pytest.mark.parametrize("network", ["gru", means])
def test_networks_without_gates(network, data):
    X, y = classes(data)
    with pytest.raises(ValueError, match="gates are those of LSTM layers"):
        small(network).fit(X, y).gates(X)


@pytest.mark.parametrize("network", ["gru", convolved])
def test_relevance_of_tokens_is_refused(network, rng):
    X = rng.integers(1, 9, (60, 7)).astype(float)
    model = small(network, embedding_dim=3).fit(X, X[:, -1] > 4)
    with pytest.raises(ValueError, match="relevance of tokens"):
        model.input_relevance(X, output=True)


def encoder_decoder(windows, mask):
    *_, h, c = layers.LSTM(3, return_state=True)(windows, mask=mask)
    return layers.LSTM(3)(windows, mask=mask, initial_state=[h, c])


def other_backward_layer(windows, mask):
    backward = layers.LSTM(3, go_backwards=True, activation="relu")
    return layers.Bidirectional(layers.LSTM(3), backward_layer=backward)(windows, mask=mask)


def used_twice(windows, mask):
    layer = layers.LSTM(3)
    return layer(windows, mask=mask) + layer(-windows, mask=mask)


@pytest.mark.parametrize(("network", "n_layers"), [(encoder_decoder, 1), (other_backward_layer, 0), (used_twice, 0)])
def test_layers_that_gates_cannot_tell_of(network, n_layers, data):
    X, y = classes(data)
    model = small(network).fit(X, y)
    if n_layers:
        model.gates(X, layer=n_layers - 1)
    with pytest.raises(ValueError, match="layer must be an int" if n_layers else "gates are those of LSTM layers"):
        model.gates(X, layer=n_layers)
