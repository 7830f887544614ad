"""A class for each step of a sequence."""

import pickle
from functools import partial

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import BaseEstimator, clone
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import accuracy_score, f1_score, log_loss, roc_auc_score
from sklearn.model_selection import GridSearchCV, cross_val_predict, cross_val_score
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import FunctionTransformer

from sklstm import LSTMClassifier, TokenSequences, pad_sequences
from sklstm.metrics import make_step_scorer


def make(**params):
    plain = {"bidirectional": False, "dropout": 0.0, "batch_size": 32}
    settings = plain | {"pooling": "none", "epochs": 12, "learning_rate": 0.02, "random_state": 0}
    return LSTMClassifier(**{"units": 6} | settings | params)


@pytest.fixture
def streams(rng):
    """Return sequences of different lengths, and for each step whether the value before it was above zero."""
    sequences = [rng.standard_normal(n) for n in rng.integers(6, 13, size=64)]
    labels = [np.where(np.roll(values, 1) > 0, "after", "quiet").tolist() for values in sequences]
    for of_sequence in labels:
        of_sequence[0] = None  # which nothing tells
    return pad_sequences(sequences)[:, :, np.newaxis], pad_sequences(labels)


def counting(y):
    """Tell which steps have a label."""
    return np.isin(y, ["after", "quiet"])


def late(windows, mask, *, units):
    from keras import layers

    return layers.Bidirectional(layers.LSTM(units, return_sequences=True))(windows, mask=mask)


@pytest.mark.backend
@pytest.mark.parametrize(
    "network", ["lstm", *(pytest.param(network, marks=pytest.mark.backend(thorough=True)) for network in ("gru", late))]
)
def test_learns_what_happened_at_earlier_steps(streams, network):
    X, y = streams
    settings = (
        {"bidirectional": True, "dropout": 0.3} if callable(network) else {}
    )  # the defaults, which it does not read
    model = make(network=network, epochs=40, batch_size=8, **settings).fit(X[:40], y[:40])
    assert model.score(X[40:], y[40:]) > 0.95
    present = ~np.isnan(X[..., 0])
    assert model.classes_.tolist() == ["after", "quiet"]
    assert_allclose(model.to_keras().predict(X, verbose=0)[present], model.predict_proba(X)[present], atol=1e-5)


def test_reads_in_both_directions(rng):
    """What comes after a step is known, too."""
    X = rng.standard_normal((120, 6))
    y = np.roll(X, -1, axis=1) > 0
    model = make(bidirectional=True, epochs=60).fit(X[:80], y[:80])
    assert accuracy_score(y[80:, :-1].ravel(), model.predict(X[80:])[:, :-1].ravel()) > 0.95


def test_of_one_step_is_a_logistic_regression_of_states(rng):
    """Sequences of one step are rows, whose labels of steps are labels of rows."""
    X = rng.standard_normal((50, 1, 2))
    y = X[:, :, 0] > 0
    stepwise, of_rows = make(), make(pooling="last", network="lstm")
    assert_allclose(
        stepwise.fit(X, y).predict_proba(X)[:, 0], of_rows.fit(X, y[:, 0]).predict_proba(X), rtol=1e-4, atol=1e-5
    )


def test_steps_without_a_label_do_not_count(streams, rng):
    X, y = streams
    with_others = y.copy()
    with_others[np.isnan(X[..., 0])] = "quiet"  # labels of missing steps
    some = rng.random(y.shape) < 0.2
    y[some] = with_others[some] = None
    model = make(epochs=2).fit(X, y)
    assert_array_equal(model.predict_proba(X), make(epochs=2).fit(X, with_others).predict_proba(X))
    known = counting(y)
    assert model.score(X, with_others) == accuracy_score(y[known].astype(str), model.predict(X)[known])
    without = np.arange(len(y)) % 3 == 0
    y[without] = np.nan
    a, b = make(epochs=2).fit(X, y), make(epochs=2).fit(X, with_others, (~without).astype(float))
    assert_array_equal(a.predict_proba(X), b.predict_proba(X))


@pytest.mark.parametrize("labels", [[0, 1], [0.0, 1.0], [False, True], ["a", "b"]])
def test_labels_of_every_kind(streams, labels):
    X, y = streams
    complete = np.array(labels)[(y == "after").astype(int)]
    model = make(epochs=1).fit(X, complete)
    assert_array_equal(model.classes_, labels)
    with_missing = complete.astype(object)
    with_missing[:, -1] = None
    assert_array_equal(make(epochs=1).fit(X, with_missing).classes_, labels)


def test_the_loss_is_the_cross_entropy_of_the_steps_that_count(streams):
    X, y = streams
    model = make(epochs=1, learning_rate=1e-12, batch_size=64).fit(X, y)
    known = counting(y)
    loss = log_loss(y[known].astype(str), model.predict_proba(X)[known])
    assert_allclose(model.history_["loss"], loss, rtol=1e-5)


@pytest.mark.parametrize("batch_size", [8, 20, 64])
def test_each_step_counts_alike_whichever_batch_it_falls_in(batch_size, rng):
    X = rng.standard_normal((64, 30))
    y, weight = X > 0, rng.uniform(1, 4, 64)
    X[:40, :-2] = np.nan  # sorted by length
    model = make(epochs=1, learning_rate=1e-12, batch_size=batch_size, early_stopping=True)
    model.fit(X, y, weight, X_val=X, y_val=y, sample_weight_val=weight)
    present = ~np.isnan(X)
    of_steps = np.broadcast_to(weight[:, np.newaxis], X.shape)[present]
    loss = log_loss(y[present], model.predict_proba(X)[present], sample_weight=of_steps)
    assert_allclose(model.history_["val_loss"], loss, rtol=1e-5)
    assert_allclose(model.history_["loss"], loss, rtol=1e-5)


def test_class_weight_weighs_the_classes_of_steps(streams):
    X, y = streams
    known = counting(y)
    model = make(epochs=1, learning_rate=1e-12, batch_size=64, class_weight={"after": 3.0}).fit(X, y)
    weights = np.where(y[known] == "after", 3.0, 1.0)
    loss = log_loss(y[known].astype(str), model.predict_proba(X)[known], sample_weight=weights)
    assert_allclose(model.history_["loss"], loss, rtol=1e-5)
    X, y = X[:, -6:], y[:, -6:]
    rare = (X[..., 0] > 1.5).astype(int)
    balanced, plain = make(class_weight="balanced", epochs=3).fit(X, rare), make(epochs=3).fit(X, rare)
    assert (balanced.predict(X) == 1).mean() > (plain.predict(X) == 1).mean()


def test_early_stopping_holds_out_sequences(streams):
    X, y = streams
    model = make(early_stopping=True, class_weight="balanced", epochs=60, n_iter_no_change=3).fit(X, y)
    assert len(model.history_["val_loss"]) == model.n_iter_
    make(early_stopping=True).fit(X[:40], y[:40], X_val=X[40:], y_val=y[40:])


def test_partial_fits_equal_a_fit(streams):
    X, y = streams
    model = make(learning_rate_schedule="constant")
    once = clone(model).set_params(epochs=2).fit(X, y)
    model.partial_fit(X, y, classes=["after", "quiet"]).partial_fit(X, y)
    assert_array_equal(model.predict_proba(X), once.predict_proba(X))
    assert_array_equal(pickle.loads(pickle.dumps(model)).predict(X), model.predict(X))


def test_a_row_is_predicted_alike_alone_and_among_others(streams):
    X, y = streams
    model = make(epochs=2).fit(X, y)
    assert_array_equal(model.predict_proba(X[7:8])[0], model.predict_proba(X)[7])


# Searches, scores


def test_in_searches_and_cross_validation(streams):
    X, y = streams
    f1 = make_step_scorer(f1_score, pos_label="after")
    search = GridSearchCV(make(epochs=8), {"learning_rate": [1e-6, 0.02]}, scoring=f1, cv=3).fit(X, y)
    assert search.best_params_ == {"learning_rate": 0.02}
    assert cross_val_score(make(epochs=20, batch_size=8), X, y, cv=3).mean() > 0.9
    assert cross_val_predict(make(epochs=1), X, y, cv=3).shape == y.shape


@pytest.mark.parametrize(
    ("metric", "method", "sign"),
    [
        (f1_score, "predict", 1),
        (roc_auc_score, "decision_function", 1),
        (roc_auc_score, "predict_proba", 1),
        (log_loss, "predict_proba", -1),
    ],
)
def test_step_scorers(streams, metric, method, sign):
    X, y = streams
    known = counting(y)
    y = np.where(known, y == "after", np.nan)
    model = make(epochs=3).fit(X, y)
    scorer = make_step_scorer(metric, response_method=method, greater_is_better=sign > 0)
    y_pred = getattr(model, method)(X)
    y_pred = y_pred[..., 1] if y_pred.ndim == 3 else y_pred
    weight = np.arange(1.0, 65)
    assert_allclose(scorer(model, X, y), sign * metric(y[known], y_pred[known]))
    of_steps = np.repeat(weight[:, np.newaxis], X.shape[1], axis=1)[known]
    expected = sign * metric(y[known], y_pred[known], sample_weight=of_steps)
    assert_allclose(pickle.loads(pickle.dumps(scorer))(model, X, y, weight), expected)


def test_tags_of_words():
    """Words in a pipeline, where no step of X tells that it is missing."""
    sentences = ["the dog sees a cat", "a cat runs", "the cat sees the dog", "a dog runs fast"] * 8
    tags = {"the": "article", "a": "article", "dog": "noun", "cat": "noun", "fast": "adverb"}
    y = pad_sequences([[tags.get(word, "verb") for word in sentence.split()] for sentence in sentences])
    words = TokenSequences(token_pattern=r"\S+")
    model = make_pipeline(words, make(embedding_dim=4, epochs=40, batch_size=8)).fit(sentences, y)
    assert model.predict(["a cat sees a dog"]).tolist() == [["article", "noun", "verb", "article", "noun"]]
    assert model.score(sentences, y) == 1
    assert make_step_scorer(f1_score, average="macro")(model, sentences, y) == 1


def zeros_to_nan(X):
    return np.where(X == 0, np.nan, X)


def pairs(X):
    return X.reshape(len(X), -1, 2)


@pytest.mark.parametrize("transform", [zeros_to_nan, np.nan_to_num, pairs, pad_sequences, "passthrough"])
def test_a_scorer_counts_the_steps_that_the_last_step_of_a_pipeline_reads(streams, transform):
    X, y = streams
    y = np.where(counting(y), y == "after", 0)
    X = np.nan_to_num(X) if transform is zeros_to_nan else X
    if transform is pairs:
        X, y = np.nan_to_num(X[..., 0]), y[:, ::2]
    elif transform is pad_sequences:
        X = [sequence[~np.isnan(sequence[:, 0])] for sequence in X]
    step = transform if isinstance(transform, str) else FunctionTransformer(transform)
    search = GridSearchCV(make_pipeline(step, make(epochs=2)), {"lstmclassifier__units": [3]}, cv=2).fit(X, y)
    nested = Pipeline([("search", search)])
    scorer = make_step_scorer(accuracy_score)
    assert scorer(nested, X, y) == scorer(search.best_estimator_, X, y) == search.score(X, y)
    by_scorer = cross_val_score(search.best_estimator_, X, y, cv=2, scoring=scorer)
    assert_array_equal(by_scorer, cross_val_score(search.best_estimator_, X, y, cv=2))


class Threshold(BaseEstimator):
    """An estimator of another package."""

    def fit(self, X, y):
        return self

    def predict(self, X):
        return np.asarray(X)[..., 0] > 0


def test_a_scorer_of_other_estimators(streams):
    X, y = streams
    present = ~np.isnan(X[..., 0])
    scorer = make_step_scorer(accuracy_score)
    assert scorer(Threshold(), X, X[..., 0] > 0) == scorer(Threshold(), X.tolist(), X[..., 0] > 0) == 1
    y = (X[..., 0] > 0) ^ (~present)
    assert scorer(Threshold(), X, y) == 1


def test_tags_of_folds_without_the_longest_sentence():
    sentences = ["a b c d e"] + ["a b c", "b a", "c a b"] * 5
    y = pad_sequences([sentence.upper().split() for sentence in sentences])
    model = make_pipeline(TokenSequences(token_pattern=r"\S+"), make(embedding_dim=2, epochs=1))
    with pytest.raises(ValueError, match=r"the shape \(15, 3\). Got the shape \(15, 5\).*max_length=5 to TokenSeq"):
        model.fit(sentences[1:], y[1:])
    model.set_params(tokensequences__max_length=y.shape[1])
    assert np.isfinite(cross_val_score(model, sentences, y, cv=2)).all()


def test_labels_where_tokens_are_missing_warn(streams, recwarn):
    sentences = ["the dog sees a cat", "a cat runs", "a dog runs fast"] * 4
    y = pad_sequences([sentence.split() for sentence in sentences])
    model = make(embedding_dim=2, epochs=1)
    make_pipeline(TokenSequences(token_pattern=r"\S+"), model).fit(sentences, y)
    make(epochs=1).fit(streams[0], counting(streams[1]))  # of features, any step may fail
    assert not recwarn.list
    y[0] = None
    with pytest.warns(UserWarning, match=r"11 labels of y stand at steps that are missing.*token_pattern=r'\\S\+'"):
        make_pipeline(TokenSequences(max_length=5), model).fit(sentences, y)


# Bad input


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda y: y[:, 0], "y must have a class for each step: the shape"),
        (lambda y: y[:, :-1], "y must have a class for each step"),
        (lambda y: y[:-1], "y must have a class for each step"),
        (lambda y: np.full(y.shape, np.nan), "no class at any step"),
        (lambda y: np.random.default_rng(0).random(y.shape), "Unknown label type"),
        (lambda y: None, "y cannot be None|y to be passed"),
    ],
)
def test_bad_labels(streams, change, message):
    X, y = streams
    with pytest.raises(ValueError, match=message):
        make().fit(X, change(y))


@pytest.mark.parametrize(
    ("sample_weight", "message"),
    [
        (np.ones((64, 12)), "Sample weights must be 1D array or scalar"),
        (np.ones(63), r"sample_weight.shape == \(63,\), expected \(64,\)"),
        ([1], r"sample_weight.shape == \(1,\), expected \(64,\)"),
    ],
)
def test_bad_weights_of_scores(streams, sample_weight, message):
    X, y = streams
    model = make(epochs=1).fit(X, y)
    for score in (model.score, partial(make_step_scorer(accuracy_score), model)):
        with pytest.raises(ValueError, match=message):
            score(X, y, sample_weight)


def test_a_score_without_labels(streams):
    X, y = streams
    model = make(epochs=1).fit(X, y)
    for score in (model.score, partial(make_step_scorer(accuracy_score), model)):
        with pytest.raises(ValueError, match="no class at any step present in X, so no step to score"):
            score(X, np.full(y.shape, None))


@pytest.mark.parametrize("pooling", ["none", "last"])
def test_classes_without_a_weight_alone(streams, pooling):
    X, y = streams[0], np.zeros(streams[1].shape, dtype=int)
    model = make(class_weight={0: 0, 1: 1}, pooling=pooling, network="lstm")
    with pytest.raises(ValueError, match="Sample weights must contain at least one non-zero number"):
        model.partial_fit(X, y if pooling == "none" else y[:, 0], classes=[0, 1])


@pytest.mark.parametrize("network", ["conv_lstm", "lstm_fcn"])
def test_networks_without_outputs_at_each_step(streams, network):
    with pytest.raises(ValueError, match=f"network='{network}' has no outputs at each step"):
        make(network=network).fit(*streams)


def test_an_unfitted_estimator_has_no_score(streams):
    with pytest.raises(NotFittedError):
        make().score(*streams)


def test_labels_of_mixed_types_are_an_error(streams):
    X, y = streams
    y[0, -1] = 3
    with pytest.raises((TypeError, ValueError)):
        make().fit(X, y)


def test_labels_of_steps_need_pooling_none(streams):
    X, y = streams
    with pytest.raises(ValueError, match=r"y should be a 1d array, .* pass pooling='none'"):
        make(pooling="last").fit(X, y)


def test_relevance_is_that_of_sequences(streams):
    X, y = streams
    with pytest.raises(ValueError, match="not for pooling='none'"):
        make(epochs=1).fit(X, y).input_relevance(X, output="after")


def test_other_estimators_say_what_they_cannot_score(streams):
    X, y = streams
    model = LogisticRegression().fit(np.nan_to_num(X[..., 0]), y[:, -1])
    with pytest.raises(ValueError, match=r"needs predictions for each step. Got those of LogisticRegression"):
        make_step_scorer(f1_score)(model, np.nan_to_num(X[..., 0]), y)


def test_rows_whose_labels_weigh_nothing_are_left_out(rng):
    X, y = rng.standard_normal((12, 6, 1)), np.full((12, 6), "O")
    y[0, 0] = y[1, 1] = y[2, 2] = "B"
    params = {"network": "lstm", "pooling": "none", "epochs": 3, "early_stopping": True, "random_state": 0}
    model = LSTMClassifier(3, class_weight={"O": 0, "B": 1}, **params).fit(X, y)
    assert min(model.history_["val_loss"]) > 0
    with pytest.raises(ValueError, match="at least one non-zero"):
        model.fit(X, y, X_val=X[5:], y_val=y[5:])
