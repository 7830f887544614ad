"""The state of every estimator: what pickles say of it."""

import copy
import pickle
import warnings

import joblib
import pytest
from sklearn.base import clone
from sklearn.exceptions import InconsistentVersionWarning
from test_common import ESTIMATORS

import sklstm
from sklstm import LSTMForecaster, SeasonalNaive, _state

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
