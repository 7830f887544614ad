import os
import pickle
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
from helpers import far_from_initial
from hypothesis import given
from hypothesis import strategies as st
from keras import layers
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.model_selection import GridSearchCV
from threadpoolctl import threadpool_limits

from sklstm import LSTMTextGenerator
from sklstm._specs import IGNORED_CLASS, WINDOWS

PATTERN = ["so what? " * 60]


def make(**params):
    """Return a generator that fits in a moment."""
    defaults = {"units": 12, "window_size": 10, "embedding_dim": 4, "epochs": 40, "batch_size": 8, "random_state": 0}
    return LSTMTextGenerator(**defaults | params)


def latest_tokens(windows, mask):
    """Return what layers without a state make of the latest tokens of a window."""
    return layers.Conv1D(8, 3, padding="causal", activation="tanh")(windows)


@pytest.fixture(scope="module")
def fitted():
    return make().fit(PATTERN)


@pytest.fixture(scope="module")
def untrained():
    """Return a generator that knows the letters a to e, and windows of 4."""
    return make(window_size=4, epochs=1, learning_rate=1e-12).fit(["abcde"])


# What it learns


@pytest.mark.backend
def test_learns_a_pattern_of_characters(fitted):
    assert fitted.generate("so ", length=11, temperature=0) == "what? so wh"
    assert fitted.bits_per_token(PATTERN) < 0.2


def test_learns_a_pattern_of_words():
    model = make(analyzer="word").fit(["The cat sat. The dog ran. " * 30])
    assert model.generate("The dog", length=4, temperature=0) == "ran . The cat"


def test_starts_each_document_anew():
    """A document starts with an a or a b, and which one it is tells all that follows."""
    model = make(epochs=30).fit(["aaaaaa", "bbbbbb"] * 20)
    assert model.generate("a", length=5, temperature=0) == "aaaaa"
    assert model.generate("b", length=5, temperature=0) == "bbbbb"


def test_what_cannot_be_foreseen_takes_the_bits_that_it_holds():
    rng = np.random.default_rng(0)
    known, new = ("".join(rng.choice(list("abcd"), n)) for n in (500, 2000))
    assert_allclose(make(epochs=5).fit([known]).bits_per_token([new]), 2, atol=0.1)


def test_bits_are_those_of_the_loss(untrained):
    """One window of all five letters, of which the four after the first are predicted."""
    bits = untrained.bits_per_token(["abcde"])
    assert_allclose(untrained.history_["loss"][-1] / np.log(2), bits, rtol=0.01)
    assert_allclose(bits, np.log2(6), rtol=0.1)  # five letters and what is none of them, before anything is learnt
    assert untrained.score(["abcde"]) == -bits


def test_bits_do_not_depend_on_how_documents_are_batched(fitted):
    documents = ["what? so what? so", "hat", "so wh"]
    weights = [len(document) - 1 for document in documents]
    each = [fitted.bits_per_token([document]) for document in documents]
    assert_allclose(fitted.bits_per_token(documents), np.average(each, weights=weights), rtol=1e-5)


# Windows


@given(st.lists(st.text("abcde", min_size=2, max_size=13), min_size=1, max_size=3), st.sampled_from([None, 1, 2, 3, 4]))
def test_each_token_but_the_first_is_predicted_once_from_those_before_it(untrained, documents, stride):
    inputs, targets = untrained._windows(documents, stride)
    assert inputs.shape == targets.shape == (len(inputs), 4)
    newest = targets[:, -(stride or 4) :]
    expected = [token for tokens in untrained._encode(documents) for token in tokens[1:]]
    assert_array_equal(newest[newest != IGNORED_CLASS], expected)
    assert_array_equal(
        inputs[:, 1:][targets[:, :-1] != IGNORED_CLASS], targets[:, :-1][targets[:, :-1] != IGNORED_CLASS]
    )
    assert_array_equal(np.isnan(inputs), targets == IGNORED_CLASS)


def test_windows_by_hand(untrained):
    inputs, targets = untrained._windows(["abcdea"])
    assert_array_equal(inputs, [[np.nan, np.nan, np.nan, 1], [2, 3, 4, 5]])
    assert_array_equal(targets, [[IGNORED_CLASS, IGNORED_CLASS, IGNORED_CLASS, 2], [3, 4, 5, 1]])


# Writing


def test_the_same_random_state_gives_the_same_text(fitted):
    texts = [fitted.generate("so", 30, temperature=5.0, random_state=seed) for seed in (0, 0, 1)]
    assert texts[0] == texts[1] != texts[2]
    assert len(texts[0]) == 30
    assert set(texts[0]) <= set(PATTERN[0])


def test_a_low_temperature_writes_what_is_most_probable(fitted):
    prompt = "so what? "
    cold = fitted.generate(prompt, 9, temperature=1e-3, random_state=0)
    assert cold == fitted.generate(prompt, 9, temperature=0) == prompt


def test_tokens_are_drawn_by_their_probabilities(untrained):
    """Before anything is learnt, all letters are about as probable."""
    text = untrained.generate("abc", 500, random_state=0)
    assert_allclose([text.count(letter) / 500 for letter in "abcde"], 0.2, atol=0.08)


@pytest.mark.parametrize("prompt", ["", "!?%", "a" * 50])
def test_any_prompt_will_do(untrained, prompt):
    assert len(untrained.generate(prompt, 5, random_state=0)) == 5


def test_nothing_is_written_beyond_the_length(untrained):
    assert untrained.generate("abc", 0) == ""


def test_tokens_out_of_the_vocabulary_are_not_written():
    model = make(max_features=2, epochs=1).fit(["aabbc" * 20])
    assert set(model.generate("c", 60, random_state=0)) == {"a", "b"}


def test_several_prompts_have_a_text_each(fitted):
    prompts = ["so ", "", "what? so wha", "?"]
    texts = fitted.generate(prompts, 9, temperature=0)
    assert texts == [fitted.generate(prompt, 9, temperature=0) for prompt in prompts]
    assert (
        texts
        == fitted.generate(iter(prompts), 9, temperature=0)
        == fitted.generate(np.array(prompts), 9, temperature=0)
    )
    assert fitted.generate([], 9) == []
    assert fitted.generate(prompts, 0) == [""] * 4


@pytest.mark.parametrize("network", ["lstm", "gru", latest_tokens])
def test_a_text_does_not_depend_on_the_other_prompts(network):
    model = make(network=network, units=[8, 8], epochs=2).fit(PATTERN)
    wishes = {"length": 30, "temperature": 1.5, "top_k": 5, "top_p": 0.9, "random_state": 0}
    texts = model.generate(["so ", "what? so what? ", "", "so "], **wishes)
    assert model.generate("so ", **wishes) == texts[0]
    assert model.generate(["so ", "h", "", "so what? so "], **wishes)[::2] == texts[::2]
    assert texts[0] != texts[3]  # each has numbers of its own
    assert model.generate("so ", **wishes | {"length": 12}) == texts[0][:12]


@pytest.mark.parametrize("params", [{}, {"network": "gru"}, {"units": [8, 8]}])
def test_all_tokens_count(params, rng):
    """What follows is what the network says of one long window, beyond those of training."""
    model = make(**params, epochs=1).fit(["abcdefghij" * 4])
    for array, far in zip(model.weights_, far_from_initial(model.weights_, rng), strict=True):
        is_bias = array.ndim == 1 or len(array) == 2  # which would decide alone on the most probable token
        array[:] = 0 if is_bias else 0.7 * far
    prompt = "".join(rng.choice(list("abcdefghij"), 60))
    following = model.generate([prompt[:end] for end in range(1, 61)], 1, temperature=0)
    (tokens,) = np.array(model._encode([prompt]), dtype=float)
    model.n_steps_in_ = 60
    logits = model._network_output({WINDOWS: tokens[np.newaxis, :, np.newaxis]})[0]
    assert following == [list(model.tokens_.vocabulary_)[token] for token in logits[:, 1:].argmax(axis=1)]
    assert len(set(following)) > 1


def test_a_network_of_ones_own_reads_a_window(rng):
    model = make(network=latest_tokens, window_size=4, epochs=1).fit(["abcdefghij" * 4])
    model.weights_ = far_from_initial(model.weights_, rng)
    wishes = {"length": 20, "random_state": 0}
    assert model.generate("aaabcde", **wishes) == model.generate("bcde", **wishes)


def test_the_same_text_in_another_process_which_needs_no_keras(fitted, tmp_path):
    path = tmp_path / "model.pickle"
    path.write_bytes(pickle.dumps(fitted))
    code = f"""
import pathlib, pickle, sys
model = pickle.loads(pathlib.Path({str(path)!r}).read_bytes())
print(model.generate(["so ", "what"], 50, temperature=2.0, top_p=0.9, random_state=0))
assert "keras" not in sys.modules
"""
    environment = os.environ | {"OPENBLAS_NUM_THREADS": "1"}
    found = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
    expected = fitted.generate(["so ", "what"], 50, temperature=2.0, top_p=0.9, random_state=0)
    assert found.stdout.strip() == repr(expected)


def test_top_k_and_top_p_limit_what_is_drawn(untrained):
    likely = untrained.generate("abc", 1, temperature=0)
    assert untrained.generate("abc", 1, temperature=50.0, top_k=1, random_state=0) == likely
    assert untrained.generate("abc", 1, temperature=50.0, top_p=0.01, random_state=0) == likely
    texts = untrained.generate(["abc"] * 300, 1, top_k=2, random_state=0)
    assert len(set(texts)) == 2
    assert likely in texts


@pytest.mark.parametrize(
    "wish",
    [
        {"length": -1},
        {"length": 1.5},
        {"length": "many"},
        {"temperature": -0.1},
        {"temperature": np.nan},
        {"temperature": np.inf},
        {"temperature": None},
        {"top_k": 0},
        {"top_k": 2.5},
        {"top_p": 0},
        {"top_p": 1.1},
        {"top_p": "0.9"},
        {"random_state": "seed"},
        {"prompt": None},
        {"prompt": 3},
        {"prompt": b"so"},
        {"prompt": ["so", None]},
        {"prompt": [["so"]]},
    ],
    ids=repr,
)
def test_invalid_wishes(fitted, wish):
    with pytest.raises(ValueError, match=f"The '{next(iter(wish))}' parameter of .*generate must be"):
        fitted.generate(**wish)


# Training


def test_the_same_random_state_gives_the_same_fit():
    one, other = (make(epochs=2, dropout=0.2).fit(PATTERN) for _ in range(2))
    assert one.history_ == other.history_
    copy = pickle.loads(pickle.dumps(one))
    assert copy.generate("so", 9, random_state=0) == one.generate("so", 9, random_state=0)


def test_training_goes_on_with_the_same_vocabulary():
    model = make(epochs=2, warm_start=True).fit(PATTERN)
    vocabulary = model.tokens_.vocabulary_
    model.fit(["so what! " * 20])
    assert model.n_iter_ == 4
    assert model.tokens_.vocabulary_ == vocabulary


def test_early_stopping_looks_at_the_end_of_the_text():
    model = make(early_stopping=True, validation_fraction=0.5, n_iter_no_change=1, epochs=300)
    model.fit(["abababab" * 15 + "cdcddccd" * 15])
    assert model.n_iter_ < 300
    assert np.argmin(model.history_["val_loss"]) < len(model.history_["val_loss"]) - 1


def test_another_window_size_does_not_change_a_fitted_model(fitted):
    model = pickle.loads(pickle.dumps(fitted)).set_params(window_size=3, analyzer="word")
    assert model.generate("so ", 6, temperature=0) == fitted.generate("so ", 6, temperature=0)
    assert model.bits_per_token(PATTERN) == fitted.bits_per_token(PATTERN)


def test_in_a_grid_search():
    documents = ["so what? so what? " * 3] * 8
    search = GridSearchCV(make(epochs=10), {"units": [1, 12]}, cv=2, error_score="raise").fit(documents)
    assert search.best_params_ == {"units": 12}
    assert clone(search.best_estimator_).get_params() == search.best_estimator_.get_params()


# Errors


@pytest.mark.parametrize(
    ("documents", "message"),
    [
        ("a single text", "Iterable over raw text documents expected, string object received"),
        ([1, 2], "1 is an invalid document"),
        (["a", "b"], "no document with two tokens"),
        ([], "empty vocabulary"),
        ([""], "empty vocabulary"),
    ],
)
def test_invalid_documents(fitted, documents, message):
    model = pickle.loads(pickle.dumps(fitted))
    with pytest.raises(ValueError, match=message):
        model.fit(documents)
    assert model.generate("so ", 5, temperature=0) == "what?"
    with pytest.raises(ValueError, match=message):
        make().fit(documents)


def test_bits_of_nothing_is_an_error(fitted):
    with pytest.raises(ValueError, match="no document with two tokens"):
        fitted.bits_per_token(["s"])


@pytest.mark.parametrize("method", ["generate", "score", "bits_per_token"])
def test_not_fitted(method):
    with pytest.raises(NotFittedError):
        getattr(make(), method)(PATTERN[0])


@pytest.mark.parametrize("params", [{"analyzer": "line"}, {"window_size": 0}, {"embedding_dim": None}, {"units": 0}])
def test_invalid_parameters(params):
    with pytest.raises(ValueError, match=f"The '{next(iter(params))}' parameter"):
        make(**params).fit(PATTERN)


# One value for a document


@pytest.mark.backend
@pytest.mark.parametrize("n_words", [30, pytest.param(900, marks=pytest.mark.backend(thorough=True))])
def test_documents_take_the_same_bits_and_go_on_alike_in_all_circumstances(rng, n_words):
    words = [f"w{i}" for i in range(n_words)]
    documents = [" ".join(words), *(" ".join(rng.choice(words, size=n)) for n in (2, 3, 10, 11, 33))]
    model = make(analyzer="word", units=20, epochs=1).fit(documents)
    model.weights_ = far_from_initial(model.weights_, rng)
    bits = [model.bits_per_token([document]) for document in documents]
    assert_array_equal([model.bits_per_token([document] * 4) for document in documents], bits)
    together, n_tokens = model.bits_per_token(documents), [len(document.split()) - 1 for document in documents]
    assert model.bits_per_token(documents[::-1]) == together
    assert_allclose(together, np.average(bits, weights=n_tokens), rtol=1e-14)
    text = model.generate(documents[0], length=20, random_state=0)
    with threadpool_limits(1):
        assert model.bits_per_token(documents) == together
        assert model.generate(documents[0], length=20, random_state=0) == text


@pytest.mark.parametrize("documents", [pd.DataFrame({"text": ["so what?"] * 3}), {"text": "so what?"}])
def test_names_are_no_documents(documents):
    model = LSTMTextGenerator(2, window_size=3, epochs=1)
    with pytest.raises(ValueError, match="X should be a list of documents, got"):
        model.fit(documents)
    model.fit(["so what?"])
    with pytest.raises(ValueError, match="X should be a list of documents, got"):
        model.bits_per_token(documents)
    with pytest.raises(ValueError, match=r"Got .*text"):
        model.generate(documents)
