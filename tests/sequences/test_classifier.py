import pickle

import numpy as np
import pandas as pd
import pytest
from helpers import assert_rows_alike_alone_and_among_others, far_from_initial
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone
from sklearn.calibration import CalibratedClassifierCV
from sklearn.ensemble import StackingClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import log_loss
from sklearn.model_selection import GridSearchCV
from sklearn.multiclass import OneVsRestClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer

from sklstm import LSTMClassifier, SlidingWindow, pad_sequences
from sklstm._base.splitting import drawn_rows

THOROUGH_ELSEWHERE = pytest.mark.backend(thorough=True)
POOLINGS = ["last", "mean", "max"]


def make(**params):
    """Return a classifier of plain LSTM layers that fits in a moment."""
    plain = {"network": "lstm", "bidirectional": False, "dropout": 0.0, "batch_size": 32}
    return LSTMClassifier(**plain | {"units": 6, "epochs": 12, "learning_rate": 0.02, "random_state": 0} | params)


@pytest.fixture
def sequences(rng):
    """Return sequences of three kinds, of different lengths: those that fall, stay and rise, sorted by kind."""
    y = np.repeat([0, 1, 2], 20)
    lengths = rng.integers(4, 9, size=60)
    steps = [(kind - 1) * np.arange(n)[:, np.newaxis] for kind, n in zip(y, lengths, strict=True)]
    return pad_sequences([s + rng.normal(0, 0.1, (len(s), 2)) for s in steps]), y


@pytest.fixture
def documents(rng):
    """Return tokens of which number 3 tells the class, wherever it stands."""
    X = rng.choice([0, 1, 2, 4], size=(80, 7)).astype(float)
    y = rng.integers(2, size=80)
    X[y == 1, rng.integers(7, size=y.sum())] = 3
    return X, y


# What it learns


@pytest.mark.backend
@pytest.mark.parametrize(
    "pooling", [pytest.param("last", marks=THOROUGH_ELSEWHERE), "mean", pytest.param("max", marks=THOROUGH_ELSEWHERE)]
)
def test_learns_kinds_of_sequences_of_different_lengths(sequences, pooling):
    assert make(pooling=pooling).fit(*sequences).score(*sequences) > 0.95


def test_learns_two_classes(sequences):
    X, y = sequences
    assert make().fit(X, y == 2).score(X, y == 2) > 0.95


@pytest.mark.backend
@pytest.mark.parametrize(
    "pooling", ["last", pytest.param("mean", marks=THOROUGH_ELSEWHERE), pytest.param("max", marks=THOROUGH_ELSEWHERE)]
)
def test_learns_from_tokens(documents, pooling):
    X, y = documents
    assert make(embedding_dim=4, pooling=pooling, epochs=40).fit(X[:60], y[:60]).score(X[60:], y[60:]) > 0.95


@pytest.mark.parametrize("n_classes", [2, 3])
def test_the_loss_is_the_cross_entropy(sequences, n_classes):
    """With nothing learnt, it is that of the predictions."""
    X, y = sequences
    y = np.minimum(y, n_classes - 1)
    weight = np.arange(1.0, 61)
    model = make(epochs=1, learning_rate=1e-12).fit(X, y, weight)
    assert_allclose(model.history_["loss"], log_loss(y, model.predict_proba(X), sample_weight=weight), rtol=1e-5)


CONVOLUTIONS = {"filters": [3, 3, 3]}


@pytest.mark.backend
@pytest.mark.parametrize(
    ("network", "network_params", "n_steps"),
    [
        pytest.param("lstm", None, 9, marks=pytest.mark.thorough),
        pytest.param("gru", None, 9, marks=pytest.mark.thorough),
        pytest.param("conv_lstm", CONVOLUTIONS, 9, marks=pytest.mark.thorough),
        ("conv_lstm", CONVOLUTIONS, 66),  # of which steps are pooled
        pytest.param("lstm_fcn", CONVOLUTIONS, 9, marks=THOROUGH_ELSEWHERE),
        ("frames", {"filters": [3]}, 9),
    ],
)
def test_sequences_may_be_padded_in_front_or_behind(network, network_params, n_steps, rng):
    X, y = rng.standard_normal((12, n_steps, 2)), np.arange(12) % 2
    X[3, 4] = np.nan
    behind, in_front = X.copy(), X.copy()
    for row, n_missing in enumerate(rng.integers(n_steps, size=12)):
        behind[row, n_steps - n_missing :] = in_front[row, :n_missing] = np.nan
        in_front[row, n_missing:] = X[row, : n_steps - n_missing]
    model = make(network=network, network_params=network_params, bidirectional=True, epochs=1).fit(behind, y)
    assert_array_equal(model.predict_proba(behind), model.predict_proba(in_front))
    assert_allclose(model.to_keras().predict(behind, verbose=0), model.predict_proba(behind), atol=1e-5)


@pytest.mark.parametrize("pooling", POOLINGS)
def test_a_missing_step_counts_as_none_wherever_it_stands(sequences, pooling):
    X, y = sequences
    model = make(pooling=pooling, epochs=3).fit(X, y)
    at_the_end = np.full_like(X, np.nan)
    for row, window in zip(at_the_end, X, strict=True):
        present = window[~np.isnan(window[:, 0])]
        row[: len(present)] = present
    assert_allclose(model.predict_proba(at_the_end), model.predict_proba(X), rtol=1e-5)


# Labels


@pytest.mark.parametrize(
    "labels",
    [
        ["a", "b", "c"],
        np.array(["a", "b", "c"], dtype=object),
        [3, -1, 10],
        [1.0, 2.0, 3.0],
        np.array([2, 0, 1], dtype=np.uint8),
        [False, True, True],
    ],
    ids=str,
)
def test_labels_of_every_kind(sequences, labels):
    X, kinds = sequences
    y = np.asarray(labels)[kinds]
    model = make(epochs=2).fit(X, y)
    assert_array_equal(model.classes_, np.unique(y))
    assert model.predict(X).dtype == y.dtype
    assert set(model.predict(X)) <= set(labels)
    assert model.n_outputs_ == len(model.classes_)


def test_one_class_is_always_predicted(sequences):
    model = make().fit(sequences[0], ["only"] * 60)
    assert set(model.predict(sequences[0])) == {"only"}
    assert_array_equal(model.predict_proba(sequences[0]), np.ones((60, 1)))


def test_a_class_that_is_not_known_is_an_error(sequences):
    X, y = sequences
    model = make(warm_start=True).fit(X, y)
    with pytest.raises(ValueError, match="previously unseen labels"):
        model.fit(X, y + 1)
    with pytest.raises(ValueError, match="previously unseen labels"):
        make(early_stopping=True).fit(X, y, X_val=X, y_val=y + 1)


@pytest.mark.parametrize("y", [np.linspace(0, 1, 60), np.zeros((60, 2)), np.full(60, np.nan)])
def test_what_is_no_class_is_an_error(sequences, y):
    model = make(epochs=1).fit(*sequences)
    with pytest.raises(ValueError, match=r"Unknown label type|1d array|NaN"):
        model.fit(sequences[0], y)
    assert_array_equal(model.classes_, [0, 1, 2])
    assert len(model.predict(sequences[0])) == 60


# Predictions


@pytest.mark.parametrize("n_classes", [2, 3])
def test_predictions_agree_with_each_other(sequences, n_classes):
    X, y = sequences
    model = make(epochs=3).fit(X, np.minimum(y, n_classes - 1))
    probabilities, scores = model.predict_proba(X), model.decision_function(X)
    assert_allclose(probabilities.sum(axis=1), 1)
    assert_array_equal(model.predict(X), probabilities.argmax(axis=1))
    assert_allclose(model.predict_log_proba(X), np.log(probabilities))
    if n_classes == 2:
        assert_allclose(1 / (1 + np.exp(-scores)), probabilities[:, 1])
    else:
        assert_allclose(np.exp(scores) / np.exp(scores).sum(axis=1, keepdims=True), probabilities)


@pytest.mark.backend
@pytest.mark.parametrize("n_classes", [pytest.param(2, marks=THOROUGH_ELSEWHERE), 3])
def test_a_row_is_predicted_alike_alone_and_among_others(sequences, n_classes, rng):
    X, y = sequences
    model = make(units=50, epochs=1, pooling="mean").fit(X[y < n_classes], y[y < n_classes])
    model.weights_ = far_from_initial(model.weights_, rng)
    for method in (model.decision_function, model.predict_proba, model.predict_log_proba):
        together = method(X)
        for n in (1, 2, 31, 33):
            assert_array_equal(method(X[:n]), together[:n])


@pytest.mark.backend
@pytest.mark.thorough
@pytest.mark.parametrize("pooling", POOLINGS)
@pytest.mark.parametrize("embedding_dim", [None, 3])
@pytest.mark.parametrize("n_classes", [2, 9, 40])
def test_rows_of_random_models_are_predicted_alike_alone_and_among_others(rng, pooling, embedding_dim, n_classes):
    X = rng.integers(0, 9, (120, 5, 1 if embedding_dim else 2)).astype(float)
    X[:30, :2] = X[30:50, 3] = np.nan
    model = make(epochs=1, pooling=pooling, embedding_dim=embedding_dim).fit(X, np.arange(120) % n_classes)
    model.weights_ = far_from_initial(model.weights_, rng)
    for method in (model.decision_function, model.predict_proba, model.predict_log_proba):
        assert_rows_alike_alone_and_among_others(method, X)


@pytest.mark.backend
@pytest.mark.parametrize(
    "params",
    [
        {"pooling": "max", "bidirectional": True},
        pytest.param({"pooling": "mean", "units": (4, 3)}, marks=pytest.mark.thorough),
    ],
)
def test_to_keras(sequences, params):
    X, y = sequences
    model = make(epochs=2, **params).fit(X, y)
    network = model.to_keras()
    assert_allclose(network.predict(X, verbose=0), model.predict_proba(X), atol=1e-5)
    assert_allclose(network.evaluate(X, y, verbose=0), log_loss(y, model.predict_proba(X)), rtol=1e-4)


@pytest.mark.backend(thorough=True)
def test_to_keras_of_tokens(documents):
    X, y = documents
    X[::2, :3] = np.nan
    model = make(epochs=2, embedding_dim=3).fit(X, y)
    network = model.to_keras()
    assert_allclose(network.predict(X[:, :, np.newaxis], verbose=0), model.predict_proba(X), atol=1e-5)


def test_the_same_random_state_gives_the_same_fit(sequences):
    params = {"early_stopping": True, "dropout": 0.2, "epochs": 3}
    one, other = (make(**params).fit(*sequences) for _ in range(2))
    assert one.history_ == other.history_
    assert one.history_ != make(**params | {"random_state": 1}).fit(*sequences).history_
    assert_array_equal(pickle.loads(pickle.dumps(one)).predict(sequences[0]), one.predict(sequences[0]))


# Weights


def test_class_weight_is_a_weight_of_rows(sequences):
    X, y = sequences
    weight = np.linspace(1, 2, 60)
    model = make(epochs=3, class_weight={0: 3.0, 2: 0.0}).fit(X, y, weight)
    expected = make(epochs=3).fit(X, y, weight * np.array([3.0, 1.0, 0.0])[y])
    for one, other in zip(model.weights_, expected.weights_, strict=True):
        assert_allclose(one, other, rtol=1e-6)


def test_balanced_classes_weigh_the_same(sequences):
    X, y = sequences
    rare = np.r_[0:20, 20:40, 40:45]
    balanced = make(epochs=3, class_weight="balanced").fit(X[rare], y[rare])
    expected = make(epochs=3, class_weight={0: 1.0, 1: 1.0, 2: 4.0}).fit(X[rare], y[rare])
    assert_allclose(balanced.predict_proba(X), expected.predict_proba(X), rtol=1e-5)


def test_balanced_classes_count_rows_by_their_weights(sequences):
    X, y = sequences
    kept = np.r_[0:5, 20:60]
    weight = np.r_[np.full(5, 2.0), np.zeros(15), np.ones(40)]
    repeated = np.r_[0:5, 0:5, 20:60]
    balanced = {"epochs": 3, "class_weight": "balanced", "batch_size": 64}
    model = make(**balanced).fit(X, y, weight)
    for rows, weights in ((kept, weight[kept]), (repeated, None)):
        other = make(**balanced).fit(X[rows], y[rows], weights)
        assert_allclose(model.predict_proba(X), other.predict_proba(X), rtol=1e-4)


def test_a_weight_of_a_class_that_is_not_among_the_rows_does_no_harm(sequences):
    X, y = sequences
    params = {"class_weight": {2: 3.0}, "early_stopping": True, "epochs": 2}
    model = make(**params).partial_fit(X[:40], y[:40], classes=[0, 1, 2])
    assert_array_equal(model.partial_fit(X[40:], y[40:]).classes_, [0, 1, 2])
    assert make(**params).fit(X, y, X_val=X[:40], y_val=y[:40]).n_iter_ == 2


@pytest.mark.parametrize("class_weight", ["balanced", {0: 0.5, 2: 4.0}], ids=str)
@pytest.mark.parametrize("warm_start", [False, True])
def test_classes_weigh_in_validation_as_in_training(sequences, class_weight, warm_start):
    """Whatever their frequencies in the validation set are."""
    X, y = sequences
    train, test = np.r_[0:16, 20:28, 40:44], np.r_[16:18, 28:40, 44:60]
    weight, weight_val = np.linspace(1, 2, len(train)), np.linspace(2, 1, len(test))
    counts = np.bincount(y[train], weight)
    class_weights = weight.sum() / (3 * counts) if class_weight == "balanced" else np.array([0.5, 1.0, 4.0])
    model = make(class_weight=class_weight, early_stopping=True, epochs=1, learning_rate=1e-12)
    if warm_start:
        model.set_params(warm_start=True).fit(X, y)
    model.fit(X[train], y[train], weight, X_val=X[test], y_val=y[test], sample_weight_val=weight_val)
    for name, rows, row_weight in (("loss", train, weight), ("val_loss", test, weight_val)):
        expected = log_loss(y[rows], model.predict_proba(X[rows]), sample_weight=row_weight * class_weights[y[rows]])
        assert_allclose(model.history_[name][-1], expected, rtol=1e-4)


def test_classes_weigh_alike_on_both_sides_of_a_split(sequences):
    X, y = sequences
    model = make(class_weight="balanced", early_stopping=True, epochs=1, learning_rate=1e-12, validation_fraction=0.3)
    rows = np.r_[0:20, 20:30, 40:47]
    model.fit(X[rows], y[rows])
    held_out = drawn_rows(np.arange(37), y[rows], 0.3, model._seed)[1]
    weight = np.array([1 / 20, 1 / 10, 1 / 7])[y[rows][held_out]]
    expected = log_loss(y[rows][held_out], model.predict_proba(X[rows][held_out]), sample_weight=weight)
    assert_allclose(model.history_["val_loss"], expected, rtol=1e-4)


def test_a_class_without_weight_in_training_does_not_count_in_validation(sequences):
    X, y = sequences
    params = {"class_weight": "balanced", "early_stopping": True, "epochs": 1}
    weight = np.where(y == 2, 0.0, 1.0)
    model = make(**params).fit(X, y, weight, X_val=X, y_val=y)
    expected = make(**params).fit(X, y, weight, X_val=X, y_val=y, sample_weight_val=weight)
    assert_allclose(model.history_["val_loss"], expected.history_["val_loss"], rtol=1e-6)


@pytest.mark.parametrize(
    ("class_weight", "message"),
    [({3: 1.0}, "not in class_weight"), ({0: -1.0}, "Negative"), ({0: 0, 1: 0, 2: 0}, "at least one non-zero")],
)
def test_invalid_weights_of_classes(sequences, class_weight, message):
    with pytest.raises(ValueError, match=message):
        make(class_weight=class_weight).fit(*sequences)


# Early stopping


@pytest.mark.backend(thorough=True)
def test_rows_of_every_class_are_held_out(sequences):
    """Rows are sorted by class: without the last ones, the last class would not be learnt."""
    model = make(early_stopping=True, validation_fraction=1 / 3, epochs=20).fit(*sequences)
    assert len(model.history_["val_loss"]) == model.n_iter_
    assert model.score(*sequences) > 0.95


def test_rows_to_look_at_can_be_given(sequences):
    X, y = sequences
    model = make(early_stopping=True, epochs=1).fit(X, y, X_val=X[:30], y_val=y[:30])
    assert_allclose(
        model.history_["val_loss"], log_loss(y[:30], model.predict_proba(X[:30]), labels=[0, 1, 2]), rtol=1e-4
    )
    for given in ({"X_val": X}, {"sample_weight_val": y}):
        with pytest.raises(ValueError, match="y_val was not provided"):
            model.fit(X, y, **given)


def test_a_class_too_rare_to_be_held_out_is_an_error(sequences):
    X, y = sequences
    with pytest.raises(ValueError, match="least populated class"):
        make(early_stopping=True).fit(X, np.r_[3, y[1:]])


# Training in parts


def test_partial_fits_equal_a_fit(sequences):
    constant = {"learning_rate_schedule": "constant", "epochs": 3}
    X, y = sequences
    model = make(**constant)
    for _ in range(3):
        model.partial_fit(X, y, classes=[0, 1, 2])
    assert_allclose(model.predict_proba(X), make(**constant).fit(X, y).predict_proba(X), rtol=1e-5)


def test_partial_fit_knows_classes_that_it_has_not_seen(sequences):
    X, y = sequences
    model = make().partial_fit(X[:40], y[:40], classes=[0, 1, 2])
    assert model.predict_proba(X).shape == (60, 3)
    assert model.partial_fit(X[40:], y[40:]).n_iter_ == 2


@pytest.mark.parametrize(
    ("params", "classes", "message"),
    [
        ({}, None, "classes must be passed on the first call"),
        ({}, [0, 1], "previously unseen labels"),
        ({"class_weight": "balanced"}, [0, 1, 2], "'balanced' is not supported"),
    ],
)
def test_a_first_partial_fit_that_fails_leaves_nothing(sequences, params, classes, message):
    model = make(**params)
    before = dict(vars(model))
    with pytest.raises(ValueError, match=message):
        model.partial_fit(*sequences, classes=classes)
    assert vars(model) == before


def test_classes_stay_what_they_were(sequences):
    model = make().partial_fit(*sequences, classes=[0, 1, 2])
    with pytest.raises(ValueError, match="not the same as on last call"):
        model.partial_fit(*sequences, classes=[0, 1, 2, 3])


# Tokens


def test_a_token_that_was_not_seen_counts_as_number_0(documents):
    X, y = documents
    model = make(embedding_dim=2, epochs=2).fit(X, y)
    other = X.copy()
    other[X == 0] = 99
    assert_array_equal(model.predict_proba(other), model.predict_proba(X))


@pytest.mark.parametrize(
    ("X", "message"),
    [
        (np.full((4, 3), 0.5), "non-negative integers"),
        (np.full((4, 3), -1), "non-negative integers"),
        (np.ones((4, 3, 2)), "1 feature a step, but X has 2"),
    ],
)
def test_what_is_no_token_is_an_error(X, message):
    with pytest.raises(ValueError, match=message):
        make(embedding_dim=2).fit(X, [0, 1, 0, 1])


@pytest.mark.parametrize("params", [{"pooling": "sum"}, {"embedding_dim": 0}, {"class_weight": "equal"}])
def test_invalid_parameters(sequences, params):
    with pytest.raises(ValueError, match=f"The '{next(iter(params))}' parameter"):
        make(**params).fit(*sequences)


@pytest.mark.parametrize("change", [{"pooling": "mean"}, {"embedding_dim": 3}])
def test_training_cannot_resume_with_another_network(documents, change):
    model = make(warm_start=True, embedding_dim=2, epochs=1).fit(*documents)
    with pytest.raises(ValueError, match="cannot become"):
        model.set_params(**change).fit(*documents)


# Among other estimators


@pytest.mark.parametrize(
    "wrap",
    [
        lambda model: CalibratedClassifierCV(model, cv=2),
        OneVsRestClassifier,
        lambda model: GridSearchCV(model, {"pooling": ["last", "mean"]}, cv=2, scoring="roc_auc_ovr"),
    ],
    ids=["calibrated", "one vs rest", "grid search"],
)
def test_inside_other_estimators(sequences, wrap):
    X, y = sequences
    assert clone(wrap(make(epochs=20))).fit(X, y).predict(X).shape == (60,)
    assert np.mean(wrap(make(epochs=20)).fit(X, y).predict(X) == y) > 0.9


def test_stacked_with_a_linear_model(sequences):
    X, y = sequences
    flat = make_pipeline(FunctionTransformer(lambda X: np.nan_to_num(X).reshape(len(X), -1)), LogisticRegression())
    stack = StackingClassifier([("lstm", make()), ("linear", flat)], cv=2)
    assert stack.fit(X, y).score(X, y) > 0.9


# Several networks


@pytest.mark.backend(thorough=True)
@pytest.mark.parametrize("pooling", ["last", "none"])
def test_several_networks_predict_the_mean_of_their_probabilities(sequences, pooling):
    X, y = sequences
    y = np.repeat(y[:, np.newaxis], X.shape[1], axis=1) if pooling == "none" else y
    model = make(n_networks=3, pooling=pooling, epochs=2).fit(X, y)
    n_arrays = len(model.weights_) // 3
    of_networks = []
    for first in range(0, len(model.weights_), n_arrays):
        alone = make(pooling=pooling, epochs=1).fit(X, y)
        alone.weights_ = model.weights_[first : first + n_arrays]
        of_networks.append(alone.predict_proba(X))
    assert np.ptp(of_networks, axis=0).max() > 1e-3
    assert_allclose(model.predict_proba(X), np.mean(of_networks, axis=0), rtol=1e-6)
    assert_allclose(model.to_keras().predict(X, verbose=0), model.predict_proba(X), rtol=1e-4, atol=1e-6)
    assert_array_equal(model.predict(X), model.classes_[model.predict_proba(X).argmax(axis=-1)])
    assert_allclose(model.predict_proba(X[5:6]), model.predict_proba(X)[5:6], rtol=0, atol=0)


def test_the_first_of_several_networks_is_that_of_a_fit_of_one(sequences):
    one, three = make(epochs=1).fit(*sequences), make(epochs=1, n_networks=3).fit(*sequences)
    assert_array_equal(three.weights_[0], one.weights_[0])


def test_several_networks_hold_out_different_rows(sequences):
    X, y = sequences
    model = make(n_networks=2, early_stopping=True, epochs=3).fit(X, y)
    held_out = [set(drawn_rows(np.arange(60), y[:, np.newaxis], 0.2, model._seed + number)[1]) for number in range(2)]
    assert held_out[0] != held_out[1]
    splits = model._splits(model._check_sample(X, y, None, reset=False), validates=True)
    assert [set(split.validation) for split in splits] == held_out
    model.partial_fit(X, y)
    assert model.n_iter_ >= 2


def test_relevances_for_several_networks(sequences):
    X, y = sequences
    model = make(n_networks=2).fit(X, y)
    relevance = model.input_relevance(X[:3], output=0)
    baseline = np.where(np.isnan(X[:3]), np.nan, model.feature_mean_)
    difference = model.predict_proba(X[:3])[:, 0] - model.predict_proba(baseline)[:, 0]
    assert_allclose(relevance.sum(axis=(1, 2)), difference, atol=1e-5)


# Defaults


@pytest.mark.parametrize(
    ("params", "network"),
    [
        ({"network_params": {"filters": [3, 3, 3]}}, "conv_lstm"),
        ({"pooling": "max"}, "lstm"),
        ({"pooling": "none"}, "lstm"),
        ({"embedding_dim": 3}, "lstm"),
    ],
)
def test_the_network_that_auto_stands_for(rng, params, network):
    X = rng.integers(5, size=(20, 6)).astype(float)
    y = X > 2 if params.get("pooling") == "none" else X[:, 0] > 2
    models = [LSTMClassifier(2, network=name, epochs=1, random_state=0, **params) for name in ("auto", network)]
    auto, named = (model.fit(X, y).predict_proba(X) for model in models)
    assert_array_equal(auto, named)


@pytest.mark.parametrize(
    ("n_rows", "params", "n_epochs"),
    [
        (16, {}, 300),  # two batches of eight, and at most so many epochs
        (160, {}, 60),  # batches of sixteen
        pytest.param(160, {"batch_size": 160}, 300, marks=pytest.mark.thorough),
        (160, {"embedding_dim": 2}, 20),
        (1600, {"embedding_dim": 2}, 4),  # batches of 32
    ],
)
def test_how_many_epochs_auto_stands_for(rng, n_rows, params, n_epochs):
    X = rng.integers(5, size=(n_rows, 2)).astype(float)
    model = LSTMClassifier(1, network="lstm", random_state=0, **params).fit(X, X[:, 0] > 2)
    assert model.n_iter_ == n_epochs


@pytest.mark.thorough
def test_defaults_find_a_shape_wherever_it_is(rng):
    """A short wave of a low or a high frequency in noise, which a last state after the sequence has forgotten."""
    y = np.arange(80) % 2
    X = rng.normal(0, 0.3, (80, 100))
    for sequence, kind, start in zip(X, y, rng.integers(88, size=80), strict=True):
        sequence[start : start + 12] += np.sin(np.arange(12) * (2.0 if kind else 1.0))
    assert LSTMClassifier(random_state=0).fit(X[:60], y[:60]).score(X[60:], y[60:]) > 0.9


def test_padding_does_not_count_with_the_default_network(sequences):
    X, y = sequences
    longer = np.concatenate([np.full((60, 5, 2), np.nan), X], axis=1)
    params = {"network_params": CONVOLUTIONS, "epochs": 20, "random_state": 0}  # few filters, to be quick
    model, other = (LSTMClassifier(4, **params).fit(windows, y) for windows in (X, longer))
    assert_allclose(model.predict_proba(X), other.predict_proba(longer), atol=0.05)


def test_sequences_of_different_lengths_need_padding():
    sequences = [np.ones((2, 1)), np.ones((3, 1))]
    with pytest.raises(ValueError, match=r"pad_sequences\(X\)"):
        LSTMClassifier().fit(sequences, ["a", "b"])


@pytest.mark.backend(thorough=True)
def test_tokens_above_those_of_fit_count_as_zero_in_the_exported_model_too(rng):
    X = rng.integers(0, 5, (20, 4)).astype(float)
    model = LSTMClassifier(3, network="lstm", embedding_dim=2, epochs=1, random_state=0).fit(X, np.arange(20) % 2)
    X[:, 1] = 9
    assert_allclose(model.to_keras().predict(X[:, :, np.newaxis], verbose=0), model.predict_proba(X), atol=1e-6)


def test_tokens_of_several_series():
    table = pd.DataFrame({"machine": ["a", "b"] * 20, "state": np.arange(40) % 4})
    model = make_pipeline(SlidingWindow(4, groups="machine"), LSTMClassifier(3, embedding_dim=2, epochs=1))
    assert model.fit(table, np.arange(40) % 2).predict(table).shape == (40,)
