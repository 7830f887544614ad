"""Training that is interrupted: what it keeps, and where the interrupt goes on."""

import signal
import threading

import keras
import numpy as np
import pytest
from joblib.externals.loky import get_reusable_executor
from numpy.testing import assert_array_equal
from sklearn.compose import TransformedTargetRegressor
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler, StandardScaler

from sklstm import LSTMAnomalyDetector, LSTMClassifier, LSTMForecaster, LSTMTextGenerator, SlidingWindow
from sklstm._engine.training import keras_loop, train

needs_jax = pytest.mark.skipif(keras.backend.backend() != "jax", reason="epochs are compiled on JAX")


@pytest.fixture(autouse=True)
def signals_interrupt():
    """Let the signal interrupt as at a terminal: a shell starts processes in the background with the signal ignored."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


class Interrupt(keras.callbacks.Callback):
    """Sends the signal of Ctrl-C at the end of the third epoch."""

    n_epochs = 0

    def on_epoch_end(self, epoch, logs=None):
        Interrupt.n_epochs += 1
        if epoch == 2:
            signal.raise_signal(signal.SIGINT)


class InterruptKeras(Interrupt):
    """Does it in Keras' own loop."""

    def on_train_batch_end(self, batch, logs=None):
        pass


class Quiet(InterruptKeras):
    """Interrupts nothing."""

    def on_epoch_end(self, epoch, logs=None):
        pass


class InterruptBatch(keras.callbacks.Callback):
    """Sends it after the third batch."""

    def on_train_batch_end(self, batch, logs=None):
        if batch == 2:
            signal.raise_signal(signal.SIGINT)


def assert_same_network(one, other):
    assert one.history_ == other.history_
    assert one.n_iter_ == other.n_iter_ == len(one.history_["loss"])
    for array, expected in zip(one.weights_, other.weights_, strict=True):
        assert_array_equal(array, expected)


@pytest.mark.backend
@pytest.mark.parametrize("callback", [Interrupt, InterruptKeras])
@pytest.mark.parametrize(
    "params",
    [
        pytest.param({}, marks=pytest.mark.thorough),
        pytest.param({"dropout": 0.2}, marks=pytest.mark.thorough),
        {"linear_skip": True, "early_stopping": True},
    ],
    ids=str,
)
def test_an_interrupted_fit_is_one_of_the_epochs_so_far(tiny, windows, callback, params):
    X, y = windows
    same_loop = [] if callback is Interrupt else [InterruptBatch]
    complete = tiny(**params, epochs=3, batch_size=16, callbacks=same_loop and [Quiet]).fit(X, y)
    model = tiny(**params, epochs=9, batch_size=16, callbacks=[callback])
    with pytest.warns(UserWarning, match="Training interrupted by user after 3 of 9 epochs"):
        model.fit(X, y)
    assert_same_network(model, complete)
    assert_array_equal(model.predict(X), complete.predict(X))
    for resumed in (model, complete):
        resumed.set_params(callbacks=same_loop and [Quiet], warm_start=True, epochs=2).fit(X, y)
    assert_same_network(model, complete)


@pytest.mark.backend
def test_early_stopping_keeps_the_best_weights(tiny, windows):
    X, y = windows
    seen = []

    class InterruptLate(keras.callbacks.Callback):
        def on_epoch_begin(self, epoch, logs=None):
            if epoch == 3:
                self.model.set_weights([-5 * w for w in self.model.get_weights()])

        def on_epoch_end(self, epoch, logs=None):
            seen.append([np.array(w) for w in self.model.get_weights()])
            if epoch == 5:
                raise KeyboardInterrupt

    params = {"early_stopping": True, "n_iter_no_change": 50, "epochs": 50}
    with pytest.warns(UserWarning, match="lowest validation loss so far"):
        model = tiny(**params, callbacks=InterruptLate).fit(X, y)
    losses = model.history_["val_loss"]
    assert len(losses) == model.n_iter_ == 6
    assert np.argmin(losses) < 3
    for array, expected in zip(model.weights_, seen[np.argmin(losses)], strict=True):
        assert_array_equal(array, expected)


@pytest.mark.backend
def test_an_interrupt_between_batches_keeps_those_so_far(tiny, windows, monkeypatch):
    X, y = windows
    monkeypatch.setattr(keras_loop, "SECONDS_BETWEEN_COPIES", -1)
    with pytest.warns(UserWarning, match="after 0 of 4 epochs"):
        model = tiny(epochs=4, batch_size=8, callbacks=InterruptBatch).fit(X, y)
    assert model.n_iter_ == 0
    assert model.history_ == {"loss": []}
    assert model._optimizer_state["variables"][0][0] == 3  # steps taken
    assert np.isfinite(model.predict(X)).all()
    with pytest.warns(UserWarning, match="after 0 of 1 epochs"):
        model.partial_fit(X, y)
    model.set_params(callbacks=None, warm_start=True).fit(X, y)
    assert model.n_iter_ == 4
    assert model._optimizer_state["variables"][0][0] == 6 + 4 * 5


@needs_jax  # since TensorFlow asks for batches in another thread
def test_an_interrupt_within_a_step_goes_back_to_the_last_epoch(tiny, windows, monkeypatch):
    """Where Keras' own loop has deleted what the step began with, or changed some variables."""
    X, y = windows
    complete = tiny(epochs=1, callbacks=Quiet).fit(X, y)
    taken = []

    def interrupted(batches, i, gather=train.Batches.__getitem__):
        taken.append(i)
        if len(taken) > 4:
            raise KeyboardInterrupt
        return gather(batches, i)

    monkeypatch.setattr(train.Batches, "__getitem__", interrupted)
    with pytest.warns(UserWarning, match="interrupted"):
        model = tiny(epochs=9, callbacks=Quiet).fit(X, y)
    assert model.n_iter_ in (1, 2)
    if model.n_iter_ == 1:
        assert_same_network(model, complete)
    assert np.isfinite(model.predict(X)).all()


@needs_jax
@pytest.mark.parametrize("n_assigned", [0, 1, 2, 7, 12])
def test_an_interrupt_leaves_no_mixture_of_states(tiny, windows, monkeypatch, n_assigned):
    """An interrupt may come when some variables have the values after an epoch, and others those before it."""
    X, y = windows
    complete = tiny(epochs=1).fit(X, y)
    assign, epochs = keras.Variable.assign, []

    def interrupting(variable, value):
        if epochs:
            epochs.append(value)
            if len(epochs) == n_assigned + 2:
                raise KeyboardInterrupt
        return assign(variable, value)

    class Watch(keras.callbacks.Callback):
        def on_epoch_begin(self, epoch, logs=None):
            epochs.append(epoch)

    monkeypatch.setattr(keras.Variable, "assign", interrupting)
    with pytest.warns(UserWarning, match="after 0 of 5 epochs"):
        model = tiny(epochs=5, callbacks=Watch).fit(X, y)
    assert model.n_iter_ == 0
    for array, expected in zip(model.weights_, complete.weights_, strict=True):
        assert_array_equal(array, expected)


@needs_jax
def test_an_interrupt_in_micro_batches_keeps_the_steps_so_far(tiny, windows, monkeypatch):
    monkeypatch.setattr(train, "MICRO_BATCH_ROWS", 4)
    monkeypatch.setattr(train, "MICRO_BATCH_WORK", 1)
    gathered = []

    def interrupted(batches, i, number, gather=train.Batches.micro_batch):
        gathered.append((i, number))
        if i == 1:
            raise KeyboardInterrupt
        return gather(batches, i, number)

    monkeypatch.setattr(train.Batches, "micro_batch", interrupted)
    with pytest.warns(UserWarning, match="after 0 of 2 epochs"):
        model = tiny(batch_size=16).fit(*windows)
    assert (0, 3) in gathered
    assert model._optimizer_state["variables"][0][0] == 1  # step taken
    assert np.isfinite(model.predict(windows[0])).all()


@needs_jax
def test_the_signal_comes_through_while_keras_waits_for_a_batch(rng):
    X = rng.standard_normal((4000, 30, 1))

    class InterruptSoon(Quiet):
        def on_train_begin(self, logs=None):
            threading.Timer(3.0, signal.raise_signal, [signal.SIGINT]).start()

    model = LSTMForecaster(units=64, epochs=500, batch_size=500, early_stopping=False, callbacks=InterruptSoon)
    with pytest.warns(UserWarning, match="interrupted"):
        model.fit(X, X[:, -1, 0])
    assert model.n_iter_ < 400


@pytest.mark.backend
def test_a_model_that_was_interrupted_is_not_used_again(tiny, windows):
    expected = tiny().fit(*windows)
    for callback in (Interrupt, InterruptKeras, InterruptBatch):
        with pytest.warns(UserWarning, match="interrupted"):
            tiny(epochs=5, batch_size=8, callbacks=callback).fit(*windows)
        assert_same_network(tiny().fit(*windows), expected)


def test_an_interrupt_of_what_callbacks_do_at_the_end(tiny, windows):
    class InterruptTheEnd(keras.callbacks.Callback):
        calls = 0

        def on_train_end(self, logs=None):
            InterruptTheEnd.calls += 1
            raise KeyboardInterrupt

    params = {"early_stopping": True, "learning_rate": 0.3, "epochs": 6, "n_iter_no_change": 9}
    complete = tiny(**params).fit(*windows)
    with pytest.warns(UserWarning, match="after 6 of 6 epochs"):
        model = tiny(**params, callbacks=InterruptTheEnd).fit(*windows)
    assert InterruptTheEnd.calls == 1
    assert_same_network(model, complete)


def test_callbacks_see_the_end_of_an_interrupted_training(tiny, windows, tmp_path):
    log = keras.callbacks.CSVLogger(tmp_path / "log.csv")
    with pytest.warns(UserWarning, match="interrupted"):
        tiny(epochs=5, callbacks=[log, Interrupt]).fit(*windows)
    assert len((tmp_path / "log.csv").read_text().splitlines()) == 4  # names, and three epochs


@pytest.mark.parametrize("n_jobs", [None, pytest.param(2, marks=pytest.mark.thorough)])
def test_in_a_search_the_interrupt_goes_on(tiny, windows, n_jobs, monkeypatch):
    monkeypatch.setattr(Interrupt, "n_epochs", 0)
    get_reusable_executor().shutdown(kill_workers=True)  # workers of other tests, which may ignore the signal
    model = tiny(epochs=5, callbacks=[Interrupt])
    with pytest.raises(KeyboardInterrupt):
        GridSearchCV(model, {"units": [2, 3]}, cv=2, n_jobs=n_jobs).fit(*windows)
    assert Interrupt.n_epochs == (3 if n_jobs is None else 0)  # in this process
    with pytest.raises(KeyboardInterrupt):
        cross_val_score(LSTMAnomalyDetector(model), windows[0], windows[1], cv=2, n_jobs=n_jobs, scoring=lambda *_: 0)


def test_around_an_interrupted_forecaster_all_is_fitted(tiny, rng):
    table = rng.standard_normal((40, 2))
    forecaster = tiny(epochs=5, callbacks=[Interrupt])
    complete = tiny(epochs=3)

    def made(model):
        pipeline = make_pipeline(MinMaxScaler(), SlidingWindow(4), model)
        target = TransformedTargetRegressor(pipeline, transformer=StandardScaler())
        detector = make_pipeline(SlidingWindow(4), LSTMAnomalyDetector(model))
        return target, detector

    for interrupted, expected in zip(made(forecaster), made(complete), strict=True):
        with pytest.warns(UserWarning, match="after 3 of 5 epochs"):
            interrupted.fit(table, table[:, 0])
        expected.fit(table, table[:, 0])
        assert_array_equal(interrupted.predict(table), expected.predict(table))


def test_other_networks_are_interrupted_alike(windows):
    X, y = windows
    params = {"units": 3, "network": "lstm", "learning_rate_schedule": "constant", "random_state": 0}
    documents = ["to be or not to be"] * 3
    for estimator, data in ((LSTMClassifier, (X, y > 0)), (LSTMTextGenerator, (documents,))):
        with pytest.warns(UserWarning, match="after 3 of 5 epochs"):
            model = estimator(**params, epochs=5, callbacks=Interrupt).fit(*data)
        assert_same_network(model, estimator(**params, epochs=3).fit(*data))
