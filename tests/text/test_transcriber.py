import pickle
from copy import deepcopy

import keras
import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer
from sklearn.utils import get_tags

from sklstm import LSTMTranscriber, pad_sequences
from sklstm.metrics import character_error_rate

NAN = np.nan
TONES = {"a": 1, "b": 2, "c": 3}


def play(text, rng):
    """Return tones, each of some steps and behind a pause of some steps."""
    tones = [np.repeat([0, TONES[tone]], rng.integers(1, 4, size=2)) for tone in text]
    return np.concatenate([*tones, [0]]).reshape(-1, 1) + 0.1 * rng.standard_normal()


@pytest.fixture(scope="module")
def melodies():
    rng = np.random.default_rng(0)
    texts = ["".join(rng.choice(list(TONES), size=rng.integers(1, 5))) for _ in range(100)]
    return [play(text, rng) for text in texts], texts


def make(**params):
    defaults = {"units": 8, "dropout": 0.0, "epochs": 40, "batch_size": 8, "learning_rate": 0.02, "random_state": 0}
    return LSTMTranscriber(**defaults | params)


def tiny(**params):
    return make(**{"units": 4, "epochs": 1} | params)


@pytest.fixture(scope="module")
def model(melodies):
    return make().fit(*melodies)


@pytest.fixture(scope="module")
def forward(melodies):
    return make(bidirectional=False).fit(*melodies)


def test_melodies_are_learnt(model, melodies):
    X, y = melodies
    assert model.score(X, y) > 0.99
    assert model.characters_ == ["a", "b", "c"]
    assert model.n_outputs_ == 4
    assert model.n_features_in_ == 1
    rng = np.random.default_rng(1)
    assert model.predict([play("abba", rng), play("c", rng)]) == ["abba", "c"]


@pytest.mark.backend
@pytest.mark.thorough
@pytest.mark.parametrize("params", [{"network": "gru"}, {"units": (8, 8), "dropout": 0.1, "beam_size": 4}], ids=str)
def test_other_networks_learn_them_too(melodies, params):
    assert make(**params).fit(*melodies).score(*melodies) > 0.9


def test_score_is_one_minus_the_error_rate(melodies):
    X, y = melodies
    model = tiny(epochs=4).fit(X, y)
    weight = np.arange(100.0)
    assert model.score(X, y) == 1 - character_error_rate(y, model.predict(X))
    assert model.score(X, y, weight) == 1 - character_error_rate(y, model.predict(X), sample_weight=weight)


def test_a_search_over_many_beginnings_is_no_worse(melodies):
    X, y = melodies
    model = make(epochs=6).fit(X, y)
    best_path = model.score(X, y)
    assert model.set_params(beam_size=10).score(X, y) >= best_path - 0.01


@pytest.mark.parametrize("filler", [0, 3])
def test_arrays_padded_with_nan_before_or_behind_are_the_same(model, melodies, filler):
    X, y = melodies
    assert model.predict(pad_sequences(X)) == model.predict(X)
    longest = max(map(len, X)) + filler
    behind = np.full((len(X), longest, 1), NAN)
    for row, sequence in zip(behind, X, strict=True):
        row[: len(sequence)] = sequence
    assert model.predict(behind) == model.predict(X)
    for a, b in zip(tiny().fit(behind, y).weights_, tiny().fit(X, y).weights_, strict=True):
        assert_array_equal(a, b)


def test_a_row_does_not_depend_on_the_others(model, melodies):
    X, _ = melodies
    outputs = dict(model._logits(model_sequences(model, X)))
    for row in (0, 50, 99):
        ((_, alone),) = model._logits(model_sequences(model, X[row : row + 1]))
        assert_array_equal(alone, outputs[row])


def model_sequences(model, X):
    from sklstm._validation import check_feature_sequences

    return check_feature_sequences(model, X, reset=False)


def test_a_stream_writes_what_predict_does(forward, melodies):
    X, _ = melodies
    expected = forward.predict(X)
    for sequence, text in zip(X[:30], expected, strict=False):
        stream = forward.stream()
        assert "".join(stream.push(part) for part in np.array_split(sequence, 4) if len(part)) == text


def test_a_stream_keeps_its_network_and_takes_no_memory(forward, melodies):
    X, _ = melodies
    model = deepcopy(forward)
    stream, expected = model.stream(), model.predict(X[:1])
    model.set_params(units=3, epochs=1).fit(X[:5], ["x"] * 5)
    assert stream.push(X[0]) == expected[0]
    before = len(pickle.dumps(stream._states))
    for _ in range(20):
        stream.push(X[0])
    assert len(pickle.dumps(stream._states)) == before


def test_a_bidirectional_network_has_no_stream(model):
    with pytest.raises(ValueError, match="Fit with bidirectional=False"):
        model.stream()
    with pytest.raises(NotFittedError):
        LSTMTranscriber().stream()


def test_steps_of_a_stream_are_checked(forward):
    stream = forward.stream()
    with pytest.raises(ValueError, match="has 2 features, but LSTMTranscriber is expecting 1 features"):
        stream.push([[1, 2]])
    with pytest.raises(ValueError, match="no step"):
        stream.push([[NAN]])


def test_empty_texts_are_learnt(melodies):
    X, y = melodies
    silence = [np.zeros((n, 1)) for n in range(3, 23)]
    model = make().fit([*X, *silence], [*y, *[""] * 20])
    assert model.predict(silence[:2]) == ["", ""]


@pytest.mark.thorough
def test_a_text_may_take_up_all_steps():
    X = [np.array([[1.0], [0.0], [1.0]])] * 20
    assert np.isfinite(tiny(epochs=2).fit(X, ["aa"] * 20).history_["loss"]).all()


def test_features_are_standardised(melodies):
    X, y = melodies
    model = tiny().fit(X, y)
    assert_allclose(model.feature_mean_, np.concatenate(X).mean(axis=0), rtol=1e-5)
    assert_allclose(model.feature_scale_, np.concatenate(X).std(axis=0), rtol=1e-5)
    assert_array_equal(tiny(normalize=False).fit(X, y).feature_scale_, [1])
    moved = [1000 + 100 * sequence for sequence in X]
    assert_allclose(tiny().fit(moved, y).history_["loss"], model.history_["loss"], rtol=1e-3)


def test_a_row_of_weight_zero_teaches_nothing(melodies):
    X, _ = melodies
    one = X[0]
    model = make(epochs=60).fit([one, one] * 20, ["a", "b"] * 20, sample_weight=[1.0, 0.0] * 20)
    assert model.predict([one]) == ["a"]


def test_early_stopping_and_warm_start(melodies):
    X, y = melodies
    model = tiny(early_stopping=True, epochs=3, warm_start=True).fit(X, y)
    assert len(model.history_["val_loss"]) == model.n_iter_
    n_iter = model.n_iter_
    assert model.fit(X, y).n_iter_ > n_iter
    with pytest.raises(ValueError, match=r"y\[0\] has the characters \['z'\], which no text of the first fit has"):
        model.fit(X[:1], ["z"])


def test_same_seed_same_fit(melodies):
    for a, b in zip(tiny().fit(*melodies).weights_, tiny().fit(*melodies).weights_, strict=True):
        assert_array_equal(a, b)


@pytest.mark.backend
def test_the_keras_model_loads_in_keras(model, melodies, tmp_path):
    X, _ = melodies
    batch = np.full((2, 30, 1), NAN)
    for row, sequence in zip(batch, X[:2], strict=True):
        row[: len(sequence)] = sequence
    exported = model.to_keras()
    probabilities = keras.ops.convert_to_numpy(exported(batch))
    for row, logits in model._logits(model_sequences(model, X[:2])):
        assert_array_equal(probabilities[row, : len(logits)].argmax(axis=1), logits.argmax(axis=1))
    exported.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    assert_allclose(keras.ops.convert_to_numpy(loaded(batch)), probabilities, atol=1e-6)


def test_gates(forward, melodies):
    X, _ = melodies
    gates = forward.gates(X[:2])
    assert gates.cell_state.shape == (2, max(map(len, X[:2])), 8)
    assert np.isfinite(gates.cell_state[0, : len(X[0])]).all()


def test_pickles_pipelines_and_searches(model, melodies):
    X, y = melodies
    assert pickle.loads(pickle.dumps(model)).predict(X) == model.predict(X)
    pipeline = make_pipeline(FunctionTransformer(lambda X: [2 * sequence for sequence in X]), tiny())
    search = GridSearchCV(pipeline, {"lstmtranscriber__beam_size": [1, 2]}, cv=2).fit(X, y)
    assert not np.isnan(search.cv_results_["mean_test_score"]).any()
    assert clone(model).get_params() == model.get_params()
    tags = get_tags(model)
    assert tags.input_tags.three_d_array
    assert not tags.input_tags.two_d_array
    assert tags.target_tags.required


def test_other_numbers_and_containers(model, melodies):
    X, _ = melodies
    expected = model.predict(X[:3])
    assert model.predict(tuple(X[:3])) == expected
    assert model.predict([sequence.tolist() for sequence in X[:3]]) == expected
    objects = np.empty(3, object)
    objects[:] = X[:3]
    assert model.predict(objects) == expected


ONE = [[0.0], [1.0]]


@pytest.mark.parametrize(
    ("X", "y", "params", "message"),
    [
        ([ONE], "a", {}, "y should be a list of strings. Got 'str' instead"),
        ([ONE], [1], {}, r"y should be a list of strings, but y\[0\] is 1"),
        ([ONE], [None], {}, r"y\[0\] is None"),
        ([ONE], None, {}, "requires y to be passed, but the target y is None"),
        ([ONE], ["a", "b"], {}, r"inconsistent numbers of samples: \[1, 2\]"),
        ([], [], {}, r"Found array with 0 sample\(s\)"),
        ("abc", ["a"], {}, "X should be a list of arrays of shape"),
        (7, ["a"], {}, "X should be a list of arrays of shape"),
        (np.zeros((2, 9)), ["a", "b"], {}, r"Got an array of shape \(2, 9\) instead"),
        ([np.zeros(9)], ["a"], {}, r"X\[0\] should have the shape \(n_steps, n_features\).*LogMelSpectrogram"),
        ([np.zeros((3, 2, 2))], ["a"], {}, r"X\[0\] should have the shape"),
        ([ONE, [[0, 1]]], ["a", "a"], {}, r"X\[1\] has 2 features, but LSTMTranscriber is expecting 1 features"),
        ([ONE, [[NAN]]], ["a", "a"], {}, r"X\[1\] has no step without a missing value"),
        ([ONE, np.zeros((0, 1))], ["a", ""], {}, r"X\[1\]|0 sample"),
        ([[["x"]]], ["a"], {}, "could not convert string to float|dtype='numeric'"),
        ([[[np.inf]]], ["a"], {}, "contains infinity"),
        ([[[1j]]], ["a"], {}, "Complex data not supported"),
        ([ONE, ONE], ["a", "aa"], {}, r"y\[1\] has 2 characters, for which X\[1\] needs at least 3 steps"),
        ([ONE], ["abc"], {}, r"y\[0\] has 3 characters, for which X\[0\] needs at least 3 steps"),
        ([ONE], [""], {}, "All texts of y are empty"),
        ([ONE], ["a"], {"units": 0}, "'units' parameter"),
        ([ONE], ["a"], {"beam_size": 0}, "'beam_size' parameter"),
        ([ONE], ["a"], {"bidirectional": "yes"}, "'bidirectional' parameter"),
        ([ONE], ["a"], {"network": "conv_lstm"}, "'network' parameter"),
        ([ONE], ["a"], {"early_stopping": True}, "n_samples=1"),
    ],
)
def test_bad_input_is_refused_and_the_fit_before_stays(X, y, params, message):
    model = tiny().fit([ONE] * 2, ["a", "b"])
    weights, characters = model.weights_, model.characters_
    with pytest.raises(ValueError, match=f"(?s){message}"):
        model.set_params(**params).fit(X, y)
    assert model.weights_ is weights
    assert model.characters_ is characters


def test_what_cannot_be_asked(model):
    with pytest.raises(NotFittedError):
        LSTMTranscriber().predict([ONE])
    with pytest.raises(NotFittedError):
        LSTMTranscriber().score([ONE], ["a"])
    with pytest.raises(ValueError, match="has 2 features"):
        model.predict([[[1, 2]]])
    with pytest.raises(ValueError, match="Found array with 0 sample"):
        model.predict([])
    with pytest.raises(ValueError, match="All true texts are empty"):
        model.score([ONE], [""])
    with pytest.raises(ValueError, match=r"y\[0\] is 1"):
        model.score([ONE], [1])


def test_columns_in_another_order_are_refused(rng):
    X = [pd.DataFrame(rng.standard_normal((n, 2)), columns=["low", "high"]) for n in (5, 7)]
    model = LSTMTranscriber(2, epochs=1).fit(X, ["a", "b"])
    assert list(model.feature_names_in_) == ["low", "high"]
    with pytest.raises(ValueError, match="Feature names must be in the same order"):
        model.predict([X[0], X[1][["high", "low"]]])
    with pytest.raises(ValueError, match="Feature names must be in the same order"):
        model.fit([X[0], X[1][["high", "low"]]], ["a", "b"])
    assert not hasattr(model.fit([x.to_numpy() for x in X], ["a", "b"]), "feature_names_in_")
