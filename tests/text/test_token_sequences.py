import pickle
from itertools import pairwise

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_array_equal
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.tree import DecisionTreeClassifier

from sklstm import TokenSequences
from sklstm._text.token_sequences import SHARED_CONSTRAINTS

DOCUMENTS = ["the cat sat", "", "the dog sat on the mat"]  # cat 1, dog 2, mat 3, on 4, sat 5, the 6
NAN = np.nan


def pairs(document):
    return list(pairwise(document.split()))


def test_documents_end_with_their_last_token():
    tokens = TokenSequences()
    assert_array_equal(
        tokens.fit_transform(DOCUMENTS),
        [[NAN, NAN, NAN, 6, 1, 5], [NAN] * 6, [6, 2, 5, 4, 6, 3]],
    )
    assert tokens.vocabulary_ == {"cat": 1, "dog": 2, "mat": 3, "on": 4, "sat": 5, "the": 6}
    assert (tokens.n_tokens_, tokens.n_steps_) == (7, 6)
    assert tokens.transform(DOCUMENTS).dtype == np.float32


def test_new_documents():
    tokens = TokenSequences().fit(DOCUMENTS)
    cut = tokens.transform(["dog the cat sat on the bird", "mat"])
    assert_array_equal(cut, [[6, 1, 5, 4, 6, 0], [NAN, NAN, NAN, NAN, NAN, 3]])
    assert tokens.transform([]).shape == (0, 6)


@pytest.mark.parametrize(
    ("handle_unknown", "expected"), [("use_encoded_value", [4, 0, 3]), ("ignore", [5, 4, 3])], ids=str
)
def test_unknown_tokens(handle_unknown, expected):
    tokens = TokenSequences(3, handle_unknown=handle_unknown).fit(DOCUMENTS)
    assert_array_equal(tokens.transform(["sat on a new mat"]), [expected])


@pytest.mark.parametrize(("handle_unknown", "n_steps"), [("use_encoded_value", 6), ("ignore", 3)], ids=str)
def test_number_of_steps_is_that_of_the_tokens_kept(handle_unknown, n_steps):
    tokens = TokenSequences(handle_unknown=handle_unknown, min_df=2)
    assert tokens.fit_transform(DOCUMENTS).shape == (3, n_steps)
    assert tokens.vocabulary_ == {"sat": 1, "the": 2}


def test_max_length():
    tokens = TokenSequences(max_length=2)
    assert_array_equal(tokens.fit_transform(DOCUMENTS), [[1, 5], [NAN, NAN], [6, 3]])
    assert_array_equal(tokens.set_params(max_length=7).fit_transform(DOCUMENTS)[2], [NAN, 6, 2, 5, 4, 6, 3])


@pytest.mark.parametrize("max_length", [None, 1])
def test_at_least_one_step(max_length):
    tokens = TokenSequences(max_length, vocabulary=["cat"], handle_unknown="ignore")
    assert_array_equal(tokens.fit_transform(["dog", ""]), [[NAN], [NAN]])


@pytest.mark.parametrize(
    "params",
    [
        {},
        {"ngram_range": (1, 2)},
        {"ngram_range": (2, 2)},
        {"lowercase": False},
        {"strip_accents": "unicode"},
        {"preprocessor": str.swapcase},
        {"tokenizer": str.split, "token_pattern": None},
        {"token_pattern": r"\S"},
        {"stop_words": "english"},
        {"min_df": 2},
        {"max_df": 0.5},
        {"max_features": 2},
        {"vocabulary": ["the", "mat", "nothing"]},
        {"vocabulary": {"the": 1, "mat": 0}},
        {"analyzer": "char", "ngram_range": (1, 3)},
        {"analyzer": "char_wb", "ngram_range": (2, 2)},
        pytest.param({"analyzer": pairs}, id="analyzer: pairs"),
    ],
    ids=str,
)
def test_counts_are_those_of_the_count_vectorizer(params):
    new = ["The mat and the CAFÉ", "café olé on a mat"]
    counts = CountVectorizer(**params).fit(DOCUMENTS + new[:1])
    tokens = TokenSequences(**params).fit(DOCUMENTS + new[:1])
    assert {token: id_ - 1 for token, id_ in tokens.vocabulary_.items()} == counts.vocabulary_
    for documents in (DOCUMENTS, new):
        ids = tokens.transform(documents)
        known = [np.bincount(row[row > 0].astype(int) - 1, minlength=tokens.n_tokens_ - 1) for row in ids]
        # Nothing is cut here, so every token has to be there.
        assert_array_equal(known, counts.transform(documents).toarray())


@pytest.mark.parametrize("handle_unknown", ["use_encoded_value", "ignore"])
@given(st.lists(st.text("abcABC.é", max_size=9), min_size=1, max_size=5), st.sets(st.sampled_from("abcABC.é")))
def test_round_trip(handle_unknown, documents, others):
    vocabulary = {"a", *others}
    tokens = TokenSequences(handle_unknown=handle_unknown, analyzer="char", lowercase=False, vocabulary=vocabulary)
    sequences = tokens.fit_transform(documents)
    expected = [[character if character in vocabulary else None for character in document] for document in documents]
    if handle_unknown == "ignore":
        expected = [[character for character in document if character] for document in expected]
    assert tokens.inverse_transform(sequences) == expected
    assert tokens.n_steps_ == max(1, *map(len, expected))


def test_inverse_transform():
    tokens = TokenSequences().fit(DOCUMENTS)
    assert tokens.inverse_transform([[NAN, 6.0, 0.0], [NAN, NAN, NAN]]) == [["the", None], []]
    assert tokens.inverse_transform(tokens.set_output(transform="pandas").transform(["mat"])) == [["mat"]]


@pytest.mark.parametrize("value", [7, -1, 1.5, 1e9])
def test_what_stands_for_no_token(value):
    tokens = TokenSequences().fit(DOCUMENTS)
    with pytest.raises(ValueError, match="integers from 0 to 6"):
        tokens.inverse_transform([[1.0, value]])


@pytest.mark.parametrize("kind", [list, tuple, iter, np.array, pd.Series])
def test_kinds_of_input(kind):
    expected = TokenSequences().fit_transform(DOCUMENTS)
    tokens = TokenSequences().fit(kind(DOCUMENTS))
    assert_array_equal(tokens.transform(kind(DOCUMENTS)), expected)
    assert_array_equal(tokens.transform([document.encode() for document in DOCUMENTS]), expected)


def test_documents_are_what_a_callable_takes():
    lists = [document.split() for document in DOCUMENTS]
    assert_array_equal(TokenSequences(analyzer=list).fit_transform(lists), TokenSequences().fit_transform(DOCUMENTS))


@pytest.mark.parametrize(
    ("params", "X", "message"),
    [
        ({}, "the cat", "Iterable over raw text documents expected, string object received."),
        ({}, np.array([["the cat"]]), r"1d array of documents, got an array of shape \(1, 1\)"),
        ({}, pd.DataFrame({"text": ["the cat"]}), r"1d array of documents, got an array of shape \(1, 1\)"),
        ({}, ["the cat", None], "None is an invalid document"),
        ({}, ["the cat", NAN], "nan is an invalid document"),
        ({}, [1, 2], "1 is an invalid document"),
        ({}, [], "empty vocabulary"),
        ({"stop_words": ["the", "cat"]}, ["the cat"], "empty vocabulary"),
        ({"vocabulary": []}, ["the cat"], "empty vocabulary"),
        ({"vocabulary": {"the": 0, "cat": 2}}, ["the cat"], "doesn't contain index 1"),
        ({"min_df": 2}, ["the", "cat"], "no terms remain"),
        ({"min_df": 2, "max_df": 1}, ["the", "cat"], "max_df corresponds to < documents than min_df"),
        ({"ngram_range": (2, 1)}, ["the cat"], "ngram_range"),
        ({"max_length": 0}, ["the cat"], "'max_length' parameter of TokenSequences"),
        ({"handle_unknown": "error"}, ["the cat"], "'handle_unknown' parameter of TokenSequences"),
        ({"max_features": 0}, ["the cat"], "'max_features' parameter of TokenSequences"),
    ],
    ids=str,
)
def test_what_cannot_be_fitted(params, X, message):
    tokens = TokenSequences().fit(DOCUMENTS)
    before = dict(vars(tokens))
    with pytest.raises(ValueError, match=message):
        tokens.set_params(**params).fit(X)
    assert vars(tokens) == before | params


@pytest.mark.parametrize("X", ["the cat", np.array([["the cat"]]), [None]], ids=str)
def test_what_cannot_be_transformed(X):
    tokens = TokenSequences().fit(DOCUMENTS)
    with pytest.raises(ValueError, match=r"string object received|1d array|invalid document"):
        tokens.transform(X)


@pytest.mark.parametrize("method", ["transform", "inverse_transform", "get_feature_names_out"])
def test_not_fitted(method):
    with pytest.raises(NotFittedError):
        getattr(TokenSequences(vocabulary=["cat"]), method)([["cat"]])


def test_parameters_of_the_fit_hold():
    tokens = TokenSequences().fit(DOCUMENTS)
    before = tokens.transform(["THE CAT"])
    assert_array_equal(tokens.set_params(analyzer="char", max_length=1).transform(["THE CAT"]), before)


def test_named_output():
    tokens = TokenSequences().set_output(transform="pandas")
    frame = tokens.fit_transform(DOCUMENTS)
    assert list(frame.columns) == list(tokens.get_feature_names_out()) == [f"tokensequences{i}" for i in range(6)]
    assert (frame.dtypes == np.float32).all()
    assert tokens.transform(["cat"]).shape == (1, 6)


def test_copies_transform_alike():
    tokens = TokenSequences(analyzer="char", min_df=2).fit(DOCUMENTS)
    expected = tokens.transform(["a cat"])
    assert_array_equal(pickle.loads(pickle.dumps(tokens)).transform(["a cat"]), expected)
    assert_array_equal(clone(tokens).fit(DOCUMENTS).transform(["a cat"]), expected)


def test_inside_a_search():
    documents, y = ["good film", "bad film", "a good one", "a bad one"] * 3, [1, 0, 1, 0] * 3
    pipeline = make_pipeline(TokenSequences(), DecisionTreeClassifier(random_state=0))
    grid = {"tokensequences__vocabulary": [["one"], ["bad", "good"]], "tokensequences__handle_unknown": ["ignore"]}
    search = GridSearchCV(pipeline, grid, cv=2, error_score="raise").fit(documents, y)
    assert search.best_params_["tokensequences__vocabulary"] == ["bad", "good"]
    assert_array_equal(search.predict(["an awfully bad one", "very good"]), [0, 1])


@pytest.mark.parametrize("name", SHARED_CONSTRAINTS)
def test_constraints_are_those_of_the_count_vectorizer(name):
    def contents(constraints):
        """Attributes instead of text, since the order of a set of strings changes from process to process."""
        return [getattr(constraint, "__dict__", constraint) for constraint in constraints]

    assert contents(SHARED_CONSTRAINTS[name]) == contents(CountVectorizer._parameter_constraints[name])


def test_names_are_no_documents():
    with pytest.raises(ValueError, match="X should be a 1d array of documents, got 'dict' instead"):
        TokenSequences().fit({"text": "so what?"})
