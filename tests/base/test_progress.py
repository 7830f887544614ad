"""scikit-learn's callbacks on our estimators, and the bar of verbose=1."""

import pickle
import warnings

import keras
import numpy as np
import pytest
import sklearn
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone
from sklearn.linear_model import Ridge
from sklearn.model_selection import GridSearchCV, TimeSeriesSplit
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sklstm import (
    ConformalForecaster,
    LSTMAnomalyDetector,
    LSTMClassifier,
    LSTMTextGenerator,
    LSTMTranscriber,
    LSTMTranslator,
    SlidingWindow,
)

try:
    from sklearn.callback import ProgressBar, ScoringMonitor
except ImportError:
    HAS_CALLBACKS = False
else:
    HAS_CALLBACKS = True

with_callbacks = pytest.mark.skipif(not HAS_CALLBACKS, reason="sklearn.callback is there from scikit-learn 1.9 on")


class Record:
    """Record the tasks that end, and whether callbacks were torn down; it is handed down to all estimators."""

    max_propagation_depth = None

    def __init__(self, fails_after=None, stops_after=None):
        self.begun, self.ended, self.losses = [], [], []
        self.torn_down = False
        self.fails_after, self.stops_after = fails_after, stops_after

    def __reduce__(self):
        return Record, ()

    def setup(self, estimator, context):
        self.torn_down = False

    def on_fit_task_begin(self, estimator, context):
        self.begun.append((context.estimator_name, context.task_name))

    def on_fit_task_end(self, estimator, context, *, fitted_estimator=None):
        self.ended.append((context.estimator_name, context.task_name))
        if context.task_name.endswith("epoch"):
            self.losses.append(fitted_estimator.history_["loss"][-1])
            self.weights = fitted_estimator.weights_
            if len(self.losses) == self.fails_after:
                raise RuntimeError("a failing callback")
            return len(self.losses) == self.stops_after
        return False

    def teardown(self, estimator, context):
        self.torn_down = True


def attributes(model):
    return {name: value for name, value in vars(model).items() if name.endswith("_")}


class Batches(keras.callbacks.Callback):
    """A callback between batches, for which Keras' own loop trains."""

    def on_train_batch_end(self, batch, logs=None):
        pass


@with_callbacks
@pytest.mark.backend
@pytest.mark.parametrize("callbacks", [None, Batches])
def test_callbacks_see_each_epoch_and_change_nothing(tiny, windows, callbacks):
    record = Record()
    model = tiny(epochs=3, callbacks=callbacks).set_callbacks(record).fit(*windows)
    assert record.begun == [("LSTMForecaster", name) for name in ("fit", "epoch", "epoch", "epoch")]
    assert record.ended == [("LSTMForecaster", name) for name in ("epoch", "epoch", "epoch", "fit")]
    assert_allclose(record.losses, model.history_["loss"])
    assert record.torn_down
    for seen, kept in zip(record.weights, model.weights_, strict=True):
        assert_array_equal(seen, kept)
    plain = tiny(epochs=3, callbacks=callbacks).fit(*windows)
    assert attributes(model).keys() == attributes(plain).keys()
    assert vars(model).keys() - vars(plain).keys() == {"_skl_callbacks"}
    assert_array_equal(model.predict(windows[0]), plain.predict(windows[0]))


@with_callbacks
def test_callbacks_see_the_epochs_of_all_networks(tiny, windows):
    record = Record()
    tiny(n_networks=3).set_callbacks(record).fit(*windows)
    epochs = [("LSTMForecaster", f"network {number} epoch") for number in range(3) for _ in range(2)]
    assert sorted(record.ended[:-1]) == epochs


@with_callbacks
def test_training_that_resumes_is_seen(tiny, windows):
    record = Record()
    model = tiny(warm_start=True).set_callbacks(record)
    model.fit(*windows).fit(*windows).partial_fit(*windows)
    assert len(record.losses) == 5
    assert_allclose(record.losses, model.history_["loss"])


@with_callbacks
def test_a_callback_can_stop_training(tiny, windows):
    assert tiny(epochs=5).set_callbacks(Record(stops_after=2)).fit(*windows).n_iter_ == 2


@with_callbacks
def test_a_failing_fit_tears_callbacks_down_and_leaves_nothing(tiny, windows):
    record = Record(fails_after=1)
    model = tiny().set_callbacks(record)
    before = dict(vars(model))
    with pytest.raises(RuntimeError, match="a failing callback"):
        model.fit(*windows)
    assert record.torn_down
    assert vars(model) == before


@with_callbacks
def test_scores_of_each_epoch(tiny, windows):
    monitor = ScoringMonitor(scoring="r2")
    model = tiny(epochs=3, n_networks=2).set_callbacks(monitor).fit(*windows)
    scores = {row["task_id_path"]: row["r2"] for row in monitor.get_logs().data}
    assert set(scores) == {(0,), *((0, epoch) for epoch in range(6))}  # three of each network
    assert_allclose(scores[(0,)], model.score(*windows))
    short = tiny(epochs=2).fit(*windows)  # the first network after two epochs
    assert_allclose(scores[(0, 1)], short.score(*windows), rtol=1e-5)


@with_callbacks
def test_bars_of_a_search_go_down_to_the_epochs(tiny):
    pytest.importorskip("rich")
    X = np.sin(np.arange(40.0))[:, np.newaxis]
    record = Record()
    search = GridSearchCV(
        make_pipeline(StandardScaler(), SlidingWindow(3), tiny()), {"lstmforecaster__units": [4]}, cv=TimeSeriesSplit(2)
    )
    with warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning)
        search.set_callbacks(record, ProgressBar(max_propagation_depth=None)).fit(X[:-1], X[1:, 0])
    assert record.ended.count(("LSTMForecaster", "epoch")) == 3 * 2  # of two splits and of the refit
    assert record.ended.count(("SlidingWindow", "fit")) == 3
    assert record.ended[-1] == ("GridSearchCV", "fit")
    assert b"sklearn.callback" not in pickle.dumps(search.best_estimator_)
    assert not any("callback" in name for step in search.best_estimator_ for name in vars(step) if name != "callbacks")


@with_callbacks
@pytest.mark.parametrize(
    ("estimator", "data"),
    [
        (LSTMTextGenerator(units=2, epochs=2), (["one document", "another one"],)),
        (LSTMTranslator(units=2, epochs=2), (["one", "two"], ["1", "2"])),
        (LSTMTranscriber(units=2, epochs=2), ([[[0.0], [1.0]]] * 2, ["1", "2"])),
        (LSTMClassifier(units=2, epochs=2, network="lstm"), (np.zeros((4, 3, 1)), [0, 1, 0, 1])),
    ],
    ids=lambda value: type(value).__name__,
)
def test_all_networks_are_seen(estimator, data):
    record = Record()
    clone(estimator).set_callbacks(record).fit(*data)
    assert len(record.losses) == 2


@with_callbacks
def test_parts_of_meta_estimators_are_seen(tiny, windows):
    X, y = windows
    for model, n_fits in [(LSTMAnomalyDetector(tiny()), 1), (ConformalForecaster(tiny(), calibration_folds=2), 3)]:
        record = Record()
        model.set_callbacks(record).fit(X, y)
        assert len(record.losses) == 2 * n_fits
        assert record.ended[-1] == (type(model).__name__, "fit")


@with_callbacks
def test_a_model_without_callbacks_is_told(windows):
    X, y = windows
    with pytest.warns(UserWarning, match="Ridge does not support callbacks"):
        ConformalForecaster(Ridge()).set_callbacks(Record()).fit(np.nan_to_num(X[:, -1]), y)


@pytest.mark.skipif(HAS_CALLBACKS, reason="this scikit-learn has callbacks")
def test_older_versions_say_what_is_needed(tiny):
    with pytest.raises(NotImplementedError, match=rf"needs scikit-learn 1.9 .*{sklearn.__version__}.* verbose=1"):
        tiny().set_callbacks(None)


@pytest.mark.backend
def test_one_bar_shows_the_epochs_of_all_networks(tiny, windows, capsys):
    plain = tiny(epochs=3, n_networks=2).fit(*windows)
    assert capsys.readouterr().out == ""
    model = tiny(epochs=3, n_networks=2, verbose=1).fit(*windows)
    shown = capsys.readouterr().out
    assert shown.count("6/6") == shown.count("\n") == 1
    assert "/epoch - loss: " in shown
    assert_array_equal(model.predict(windows[0]), plain.predict(windows[0]))


def test_the_bar_ends_when_training_stops_early(tiny, windows, capsys):
    model = tiny(epochs=9, n_iter_no_change=1, tol=1e9, early_stopping=True, verbose=1).fit(*windows)
    n_epochs = model.n_iter_
    assert n_epochs < 9
    shown = capsys.readouterr().out
    assert f"{n_epochs}/{n_epochs}" in shown
    assert shown.endswith("\n")
