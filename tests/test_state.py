"""The state of every estimator: what pickles say of it, and what other threads see of it."""

import copy
import pickle
import warnings

import joblib
import numpy as np
import pytest
from numpy.testing import assert_array_equal
from sklearn.base import clone
from sklearn.exceptions import InconsistentVersionWarning
from test_common import ESTIMATORS

import sklstm
from sklstm import (
    LSTMAnomalyDetector,
    LSTMClassifier,
    LSTMForecaster,
    LSTMTextGenerator,
    LSTMTranscriber,
    LSTMTranslator,
    SeasonalNaive,
    SlidingWindow,
    TokenSequences,
    _state,
)

ANY = pytest.mark.parametrize("estimator", [cls() for cls in ESTIMATORS], ids=str)


def pickled_by(version, estimator, monkeypatch):
    """Return a pickle of an estimator as another version makes it."""
    with monkeypatch.context() as other:
        other.setattr(_state, "__version__", version)
        return pickle.dumps(estimator)


@ANY
def test_a_pickle_of_another_version_warns(estimator, monkeypatch):
    data = pickled_by("0.0.7", estimator, monkeypatch)
    message = f"{type(estimator).__name__} from sklstm 0.0.7 when using sklstm {sklstm.__version__}"
    with pytest.warns(InconsistentVersionWarning, match=message) as caught:
        other = pickle.loads(data)
    assert len(caught) == 1
    assert vars(other) == vars(estimator)


@ANY
def test_a_pickle_without_a_version_warns(estimator):
    state = {name: value for name, value in estimator.__getstate__().items() if name != "_sklstm_version"}
    other = type(estimator)()
    with pytest.warns(InconsistentVersionWarning, match="from sklstm pre-0.1 when using"):
        other.__setstate__(state)
    assert vars(other) == vars(estimator)


@ANY
def test_copies_of_this_version_do_not_warn(estimator, tmp_path):
    joblib.dump(estimator, tmp_path / "estimator")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for other in (
            pickle.loads(pickle.dumps(estimator)),
            copy.deepcopy(estimator),
            clone(estimator),
            joblib.load(tmp_path / "estimator"),
        ):
            assert vars(other) == vars(estimator)


class Naive(SeasonalNaive):
    """An estimator as users define it."""


def test_the_version_of_a_user_s_own_estimator(monkeypatch):
    with pytest.warns(InconsistentVersionWarning, match="estimator Naive from sklstm 9"):
        pickle.loads(pickled_by("9", Naive(), monkeypatch))


def test_the_version_of_an_estimator_with_callbacks(monkeypatch):
    import keras

    model = LSTMForecaster(callbacks=[keras.callbacks.TerminateOnNaN])
    with pytest.warns(InconsistentVersionWarning, match="from sklstm 0.0.7"):
        other = pickle.loads(pickled_by("0.0.7", model, monkeypatch))
    assert vars(other) == vars(model)


# What another thread sees of a fit, or does while one predicts

SMALL = {"units": 2, "epochs": 1, "early_stopping": False, "random_state": 0}
X = np.sin(np.arange(60.0)).reshape(12, 5)
OTHER_X = 9 + 5 * np.cos(np.arange(36.0)).reshape(12, 3)
LABELS = np.arange(12) % 2
OTHER_LABELS = np.repeat(["a", "b", "c"], 4)

meanwhile = {"do": lambda: None}  # what another thread does, in the middle of what the test does


class Array:
    """An array, at whose conversion something else happens."""

    def __init__(self, array):
        self.array = array

    def __array__(self, dtype=None, copy=None):
        meanwhile["do"]()
        return self.array


class Forecaster(SeasonalNaive):
    """A forecaster, in whose fit something else happens."""

    def fit(self, X, y):
        meanwhile["do"]()
        return super().fit(X, y)


def callback():
    """Return a callback, in whose training something else happens."""
    import keras

    class Callback(keras.callbacks.Callback):
        def on_train_begin(self, logs=None):
            meanwhile["do"]()

    return Callback()


def split(document):
    meanwhile["do"]()
    return document.split()


# An estimator, what two fits learn from, and a method that reads the fit.
FITS = {
    "forecaster": (LSTMForecaster(**SMALL, callbacks=callback), (X, X[:, 0]), (OTHER_X, OTHER_X[:, :2]), "predict"),
    "classifier": (LSTMClassifier(**SMALL, callbacks=callback), (X, LABELS), (OTHER_X, OTHER_LABELS), "predict"),
    "generator": (LSTMTextGenerator(**SMALL, callbacks=callback), (["ab ac"],), (["xyz"],), "bits_per_token"),
    "translator": (LSTMTranslator(**SMALL, callbacks=callback), (["a", "b"], ["c", "d"]), (["x"], ["yz"]), "predict"),
    "transcriber": (
        LSTMTranscriber(**SMALL, callbacks=callback),
        (X[:, :, None], ["a"] * len(X)),
        (OTHER_X[:, :, None], ["b"] * len(OTHER_X)),
        "predict",
    ),
    "naive": (SeasonalNaive(), (X, Array(X[:, 0])), (OTHER_X, Array(OTHER_X[:, :2])), "predict"),
    "detector": (LSTMAnomalyDetector(Forecaster()), (X,), (OTHER_X,), "feature_errors"),
    "window": (SlidingWindow(3, carry_over=True), (X,), (OTHER_X,), "transform"),
    "tokens": (TokenSequences(tokenizer=split), (["a b c"],), (["x y z"],), "transform"),
}


@pytest.mark.filterwarnings("ignore:The parameter 'token_pattern'")
@pytest.mark.parametrize("fails", [False, True])
@pytest.mark.parametrize(
    "name",
    [
        *("forecaster", "generator", "naive", "detector", "tokens"),
        *(pytest.param(name, marks=pytest.mark.thorough) for name in ("classifier", "translator", "transcriber")),
    ],
)
def test_a_fit_is_not_seen_before_it_ends(name, fails, monkeypatch):
    estimator, data, other_data, method = FITS[name]
    model = clone(estimator).fit(*data)
    read = getattr(model, method)
    expected, seen, before = read(data[0]), [], dict(vars(model))

    def look():
        monkeypatch.setitem(meanwhile, "do", lambda: None)
        seen.append(read(data[0]))
        if fails:
            raise KeyboardInterrupt

    monkeypatch.setitem(meanwhile, "do", look)
    try:
        assert model.fit(*other_data) is model
    except KeyboardInterrupt:
        assert fails
        assert vars(model) == before
    else:
        assert not fails
        assert_array_equal(read(other_data[0]), getattr(clone(estimator).fit(*other_data), method)(other_data[0]))
    assert_array_equal(seen, [expected])


@pytest.mark.parametrize("name", ["forecaster", "classifier", "naive", "detector", "window"])
def test_a_method_reads_one_fit_if_another_one_ends_meanwhile(name, monkeypatch):
    estimator, data, other_data, method = FITS[name]
    model = clone(estimator).fit(*data)
    expected = getattr(model, method)(data[0])

    def refit():
        monkeypatch.setitem(meanwhile, "do", lambda: None)
        model.fit(*other_data)

    monkeypatch.setitem(meanwhile, "do", refit)
    assert_array_equal(getattr(model, method)(Array(data[0])), expected)
    assert model.n_features_in_ == 3


def test_what_a_fit_does_not_change_may_be_changed_meanwhile(monkeypatch):
    model = SeasonalNaive()
    monkeypatch.setitem(meanwhile, "do", lambda: model.set_params(target=0))
    assert model.fit(X, Array(X[:, 0])).target == 0
