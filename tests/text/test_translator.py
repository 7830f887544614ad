import pickle
from copy import deepcopy

import keras
import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.model_selection import GridSearchCV, cross_val_predict
from sklearn.utils import get_tags

from sklstm import LSTMTranslator
from sklstm._specs import PREVIOUS, WINDOWS

DIGITS = ["one", "two", "three", "four", "five", "six", "seven", "eight", "nine"]
X = [f"{a} {b}" for a in DIGITS for b in DIGITS]
Y = [f"{a}{b}" for a in range(1, 10) for b in range(1, 10)]


def make(**params):
    defaults = {"units": 24, "epochs": 40, "batch_size": 16, "learning_rate": 0.02, "random_state": 0}
    return LSTMTranslator(**defaults | params)


def tiny(**params):
    return make(**{"units": 4, "embedding_dim": 4, "epochs": 2, "batch_size": 8} | params)


@pytest.fixture(scope="module")
def model():
    return make().fit(X, Y)


@pytest.fixture(scope="module")
def quick():
    return tiny().fit(X, Y)


def test_pairs_are_learnt(model):
    assert model.score(X, Y) == 1
    assert model.predict(X[:3]) == Y[:3]
    assert model.history_["loss"][-1] < 0.1
    assert model.n_iter_ == len(model.history_["loss"]) == 40


@pytest.mark.backend(thorough=True)
@pytest.mark.parametrize(
    "params",
    [
        pytest.param({"network": "gru"}, marks=pytest.mark.thorough),
        pytest.param({"bidirectional": False, "units": (16, 24)}, marks=pytest.mark.thorough),
        {"analyzer": ("word", "char"), "dropout": 0.1},
        pytest.param({"attention": False, "analyzer": ("word", "char"), "epochs": 60}, marks=pytest.mark.thorough),
    ],
    ids=str,
)
def test_other_networks_learn_them_too(params):
    assert make(**params).fit(X, Y).score(X, Y) > 0.9


def test_words_make_up_the_text_again():
    texts = ["Don't  panic, 42 times!", " leading\nlines\t", "naïve Ω"]
    model = tiny(analyzer="word").fit(texts, texts)
    for text, tokens in zip(texts, model.target_tokens_._encode(texts), strict=True):
        assert "".join(model._names()[token] for token in tokens) == text
    assert " panic" in model.source_tokens_.vocabulary_


def test_the_best_of_several_translations_is_that_of_predict(model):
    texts = X[::10]
    found = model.predict_n_best(texts, n_best=4)
    assert [hypotheses[0][0] for hypotheses in found] == deepcopy(model).set_params(beam_size=4).predict(texts)
    for hypotheses in found:
        scores = [score for _, score in hypotheses]
        assert scores == sorted(scores, reverse=True)
        assert max(scores) <= 0
        assert len({text for text, _ in hypotheses}) == len(hypotheses) == 4


def test_scores_are_mean_log_probabilities_of_the_keras_model(model):
    ((text, score),) = model.predict_n_best(X[4:5], n_best=1)[0]
    inputs, following = model._encode_pairs(X[4:5], [text])
    probabilities = keras.ops.convert_to_numpy(model.to_keras()({name: array[:] for name, array in inputs.items()}))
    tokens = following[:][0, :, 0]
    without_unknown = probabilities[0] / (1 - probabilities[0, :, :1])  # which is never written
    assert_allclose(score, np.log(without_unknown[np.arange(len(tokens)), tokens]).mean(), atol=1e-4)


@pytest.mark.filterwarnings("ignore:.*were cut at max_length")
def test_a_translation_does_not_depend_on_the_other_texts(quick):
    texts = [*X[:40], "one " * 30, ""]
    together = quick.predict(texts)
    for i in (0, 40, 41):
        assert quick.predict(texts[i : i + 1]) == [together[i]]


@pytest.mark.filterwarnings("ignore:.*were cut at max_length")
def test_texts_may_be_empty_unknown_or_longer_than_any_before(quick):
    assert all(isinstance(text, str) for text in quick.predict(["", "ÄÖÜ", "one two " * 50]))


def test_empty_texts_are_learnt():
    model = make(epochs=30).fit(["", "a", "b"] * 10, ["no", "", "b"] * 10)
    assert model.predict(["", "a", "b"]) == ["no", "", "b"]


def test_max_length_cuts_and_tells(model):
    cut = deepcopy(model).set_params(max_length=1)
    with pytest.warns(UserWarning, match="2 of 2 translations were cut at max_length=1 tokens"):
        assert cut.predict(X[:2]) == ["1", "1"]


@pytest.mark.thorough
def test_pairs_of_very_different_lengths():
    rng = np.random.default_rng(0)
    lengths = rng.integers(1, 300, size=(40, 2))
    sources, targets = (["".join(rng.choice(list("ab"), n)) for n in side] for side in lengths.T)
    model = tiny(epochs=1, max_length=5).fit(sources, targets)
    assert np.isfinite(model.history_["loss"]).all()


def test_rare_tokens_are_unknown_and_never_written():
    model = tiny(min_df=2).fit(["aab", "ab", "abz"], ["xy", "xy", "xyq"])
    assert "z" not in model.source_tokens_.vocabulary_
    assert "q" not in model.target_tokens_.vocabulary_
    assert tiny(max_features=1).fit(["aab"], ["xxy"]).target_tokens_.vocabulary_ == {"x": 1}


def test_same_seed_same_fit(quick):
    other = tiny().fit(X, Y)
    for a, b in zip(quick.weights_, other.weights_, strict=True):
        assert_array_equal(a, b)


def test_weights_lead_to_what_counts():
    weight = [1.0, 0.0] * 20
    model = make(epochs=30).fit(["a", "a"] * 20, ["b", "c"] * 20, sample_weight=weight)
    assert model.predict(["a"]) == ["b"]


def test_equal_texts_are_on_one_side_of_the_validation():
    sources = [f"text {i % 10}" for i in range(60)]
    model = tiny(early_stopping=True, validation_fraction=0.3).fit(sources, sources)
    inputs, following = model._encode_pairs(sources, sources)
    sample = model._check_sample(inputs, following, None, reset=False)
    split = model._split_rows(sample)
    assert {sources[row] for row in split.training}.isdisjoint(sources[row] for row in split.validation)
    assert len({sources[row] for row in split.validation}) == 3
    assert len(model.history_["val_loss"]) == model.n_iter_


def test_warm_start_goes_on(quick):
    model = tiny(warm_start=True).fit(X, Y)
    assert_array_equal(model.weights_[0], quick.weights_[0])
    assert model.fit(X, Y).n_iter_ == 4
    model.fit(["Ω one"], ["Ω"])  # unknown by then
    assert "Ω" not in model.target_tokens_.vocabulary_
    with pytest.raises(ValueError, match="cannot become"):
        model.set_params(units=5).fit(X, Y)


@pytest.mark.filterwarnings("ignore:.*were cut at max_length")
@pytest.mark.parametrize("network", ["lstm", pytest.param("gru", marks=pytest.mark.thorough)])
def test_attention_weights(network):
    model = tiny(network=network, max_length=4).fit(X, Y)
    found = model.attention_weights(["one two", "", "three one"])
    assert [item.read for item in found] == [[*"one two", ""], [""], [*"three one", ""]]
    for item in found:
        assert item.weights.shape == (len(item.written), len(item.read))
        assert item.written[-1] == ""
        assert_allclose(item.weights.sum(axis=1), 1)


def test_attention_finds_the_digits(model):
    (found,) = model.attention_weights(["seven two"])
    assert found.written == ["7", "2", ""]
    assert found.weights[0].argmax() < found.weights[1].argmax()


def test_gates_of_the_encoder(model):
    gates = model.gates(["one two", "six"])
    assert gates.forget_gate.shape == (2, len("one two") + 1, 24)
    assert np.isnan(gates.forget_gate[1, len("six") + 1 :]).all()
    assert_array_equal(gates.hidden_state[1, :4], model.gates(["six"]).hidden_state[0])


@pytest.mark.backend
def test_the_keras_model_loads_in_keras_and_predicts_the_next_token(model, tmp_path):
    inputs, following = model._encode_pairs(X[:5], Y[:5])
    batch = {name: array[:] for name, array in inputs.items()}
    assert batch[WINDOWS].shape[2] == batch[PREVIOUS].shape[2] == 1
    exported = model.to_keras()
    probabilities = keras.ops.convert_to_numpy(exported(batch))
    assert_array_equal(probabilities.argmax(axis=2), following[:][:, :, 0])
    exported.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    assert_allclose(keras.ops.convert_to_numpy(loaded(batch)), probabilities, atol=1e-6)


def test_pickles_and_clones(model):
    assert pickle.loads(pickle.dumps(model)).predict(X[:5]) == Y[:5]
    assert clone(model).get_params() == model.get_params()


@pytest.mark.filterwarnings("ignore:.*were cut at max_length")
@pytest.mark.thorough
def test_a_search_over_units_and_analyzers():
    grid = [{"units": [2]}, {"analyzer": [("word", "char")]}]
    search = GridSearchCV(tiny(epochs=1, max_length=3), grid, cv=2).fit(X, Y)
    assert not np.isnan(search.cv_results_["mean_test_score"]).any()
    assert len(cross_val_predict(tiny(epochs=1, max_length=3), np.array(X), np.array(Y), cv=2)) == len(X)


@pytest.mark.filterwarnings("ignore:.*were cut at max_length")
def test_series_and_arrays_of_texts(quick):
    for texts in (tuple(X[:3]), np.array(X[:3]), np.array(X[:3], object), pd.Series(X[:3])):
        assert quick.predict(texts) == quick.predict(X[:3])


def test_tags():
    tags = get_tags(LSTMTranslator())
    assert tags.input_tags.string
    assert not tags.input_tags.two_d_array
    assert tags.target_tags.required


@pytest.mark.parametrize(
    ("texts", "targets", "params", "message"),
    [
        ("one", ["1"], {}, "X should be a list of strings. Got 'str' instead"),
        (["one"], "1", {}, "y should be a list of strings. Got 'str' instead"),
        (["one", 2], ["1", "2"], {}, r"X should be a list of strings, but X\[1\] is 2"),
        (["one", "two"], ["1", None], {}, r"y should be a list of strings, but y\[1\] is None"),
        (["one", b"two"], ["1", "2"], {}, r"X\[1\] is b'two'"),
        (["one", np.nan], ["1", "2"], {}, r"X\[1\] is nan"),
        ([["one"], ["two"]], ["1", "2"], {}, r"X\[0\] is \['one'\]"),
        (np.array([["one"], ["two"]]), ["1", "2"], {}, r"Got an array of shape \(2, 1\) instead"),
        (3, ["1"], {}, "X should be a list of strings. Got 'int' instead"),
        (["one", "two"], ["1"], {}, r"inconsistent numbers of samples: \[2, 1\]"),
        (["one"], None, {}, "requires y to be passed, but the target y is None"),
        ([], [], {}, r"Found array with 0 sample\(s\) in X"),
        (["", ""], ["1", "2"], {}, "All texts of X are empty"),
        (["one"], [""], {}, "All texts of y are empty"),
        (["one"], ["1"], {"units": 0}, "'units' parameter"),
        (["one"], ["1"], {"units": []}, "'units' parameter"),
        (["one"], ["1"], {"analyzer": "sentence"}, "'analyzer' parameter"),
        (["one"], ["1"], {"analyzer": ("char",)}, "or a tuple of one for X and one for y"),
        (["one"], ["1"], {"analyzer": ("char", "letter")}, "or a tuple of one for X and one for y"),
        (["one"], ["1"], {"beam_size": 0}, "'beam_size' parameter"),
        (["one"], ["1"], {"max_length": 0}, "'max_length' parameter"),
        (["one"], ["1"], {"network": "rnn"}, "'network' parameter"),
        (["one"], ["1"], {"dropout": 1.0}, "'dropout' parameter"),
        (["one"], ["1"], {"embedding_dim": 0}, "'embedding_dim' parameter"),
        (["one"], ["1"], {"min_df": 2}, "(?i)min_df|no terms remain"),
        (["one"], ["1"], {"early_stopping": True}, "n_samples=1|n_groups=1|resulting train set will be empty"),
    ],
)
def test_bad_input_is_refused_and_the_fit_before_stays(texts, targets, params, message):
    model = tiny(epochs=1).fit(["ab", "b"], ["x", "y"])
    weights = model.weights_
    with pytest.raises(ValueError, match=message):
        model.set_params(**params).fit(texts, targets)
    assert model.weights_ is weights


@pytest.mark.parametrize("weight", [[1.0], [-1.0, 1.0], [0.0, 0.0], [np.nan, 1.0], ["a", "b"]], ids=str)
def test_bad_weights_are_refused(weight):
    with pytest.raises(ValueError, match=r"(?i)weight|could not convert"):
        tiny().fit(["one", "two"], ["1", "2"], sample_weight=weight)


@pytest.mark.parametrize(
    ("weight", "message"),
    [
        ([1, 2, 3], "sample_weight.shape"),
        ([-1.0, 1.0], "(?i)negative values"),
        ([0.0, 0.0], "at least one non-zero number"),
        ([np.nan, 1.0], "NaN"),
    ],
    ids=str,
)
def test_bad_weights_of_scores_are_refused(model, weight, message):
    with pytest.raises(ValueError, match=message):
        model.score(X[:2], Y[:2], sample_weight=weight)


def test_scores_are_weighted(model):
    assert model.score(X[:2], [Y[0], "wrong"], sample_weight=[3, 1]) == 0.75


def test_what_cannot_be_asked(model):
    for ask in (LSTMTranslator().predict, LSTMTranslator().predict_n_best, LSTMTranslator().attention_weights):
        with pytest.raises(NotFittedError):
            ask(["one"])
    with pytest.raises(NotFittedError):
        LSTMTranslator().score(["one"], ["1"])
    with pytest.raises(ValueError, match="n_best == 0, must be >= 1"):
        model.predict_n_best(["one"], n_best=0)
    with pytest.raises(ValueError, match="has no attention"):
        tiny(attention=False, epochs=1).fit(X, Y).attention_weights(["one"])
    with pytest.raises(ValueError, match=r"inconsistent numbers of samples"):
        model.score(["one"], ["1", "2"])
    with pytest.raises(ValueError, match=r"Found array with 0 sample"):
        model.predict([])
    with pytest.raises(ValueError, match="X should be a list of strings"):
        model.predict("one")


@pytest.mark.thorough
def test_callbacks_between_batches_change_nothing(quick, tmp_path):
    class Saving(keras.callbacks.Callback):
        batches = 0

        def on_train_batch_end(self, batch, logs=None):
            type(self).batches += 1

        def on_train_end(self, logs=None):
            self.model.save(tmp_path / "model.keras")

    model = tiny(callbacks=Saving).fit(X, Y)
    assert Saving.batches == 2 * -(-len(X) // 8)
    assert_allclose(model.history_["loss"], quick.history_["loss"], rtol=1e-4)
    inputs, _ = model._encode_pairs(X[:3], Y[:3])
    batch = {name: array[:] for name, array in inputs.items()}
    saved, exported = keras.saving.load_model(tmp_path / "model.keras"), model.to_keras()
    assert_allclose(*(keras.ops.convert_to_numpy(each(batch)) for each in (saved, exported)), atol=1e-6)


def test_names_are_no_texts():
    with pytest.raises(ValueError, match=r"X should be a list of strings\. Got 'dict' instead"):
        LSTMTranslator().fit({"text": "so what?"}, ["et alors ?"])
