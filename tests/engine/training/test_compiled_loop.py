"""Epochs as one compiled loop do what Keras' own loop does."""

import re
from math import ceil

import keras
import numpy as np
import pytest
from helpers import STEP, network_spec
from numpy.testing import assert_allclose, assert_array_equal

from sklstm import LSTMTextGenerator
from sklstm._engine import batches as batching
from sklstm._engine.runtime import threads
from sklstm._engine.training import model_cache, train

pytestmark = pytest.mark.skipif(keras.backend.backend() != "jax", reason="epochs are compiled on JAX")


class Batches(keras.callbacks.Callback):
    """Asks for batches, which only Keras' own loop shows."""

    seen = 0

    def on_train_batch_end(self, batch, logs=None):
        Batches.seen += 1


@pytest.mark.parametrize(
    "params",
    [
        {"dropout": 0.3, "early_stopping": True, "epochs": 8, "n_iter_no_change": 2},
        {"units": (3, 2), "bidirectional": True},
        *(
            pytest.param(params, marks=pytest.mark.thorough)
            for params in [
                {},
                {"recurrent_dropout": 0.3},
                {"optimizer": "rmsprop", "loss": "huber"},
                {"batch_size": 1},
                {"batch_size": 7},
                {"early_stopping": True, "epochs": 8, "n_iter_no_change": 2},
            ]
        ),
        pytest.param(
            {"callbacks": [keras.callbacks.LearningRateScheduler(lambda epoch, rate: rate / (epoch + 1))]},
            id="LearningRateScheduler",
        ),
    ],
    ids=str,
)
def test_equals_the_loop_of_keras(tiny, windows, params):
    X, y = windows
    sample_weight = np.arange(len(X)) % 5
    Batches.seen = 0
    ours = tiny(**params).fit(X, y, sample_weight)
    assert Batches.seen == 0
    theirs = tiny(**params | {"callbacks": [Batches, *params.get("callbacks", [])]}).fit(X, y, sample_weight)
    n_rows = np.count_nonzero(sample_weight)
    n_training = n_rows - ceil(ours.validation_fraction * n_rows) if ours.early_stopping else n_rows
    assert Batches.seen == theirs.n_iter_ * ceil(n_training / ours.batch_size)
    assert list(ours.history_) == list(theirs.history_)
    for name, losses in ours.history_.items():
        assert_allclose(losses, theirs.history_[name], rtol=1e-4)
    for one, other in zip(ours.weights_, theirs.weights_, strict=True):
        assert_allclose(one, other, rtol=1e-3, atol=1e-5)


@pytest.fixture
def epochs_in_micro_batches(monkeypatch):
    """Let micro-batches have four rows or more; return the list of their numbers in each epoch that has some."""
    monkeypatch.setattr(train, "MICRO_BATCH_ROWS", 4)
    monkeypatch.setattr(train, "MICRO_BATCH_WORK", 1)
    from sklstm._engine.training.compiled_loop import EpochModel

    numbers = []
    train_epoch = EpochModel._train_in_micro_batches

    def counted(self, state, batches):
        numbers.append(batches.n_micro_batches(0))
        return train_epoch(self, state, batches)

    monkeypatch.setattr(EpochModel, "_train_in_micro_batches", counted)
    return numbers


@pytest.mark.parametrize(
    "params",
    [
        {"batch_size": 10},
        *(
            pytest.param(params, marks=pytest.mark.thorough)
            for params in [{}, {"batch_size": 64}, {"units": (3, 2), "bidirectional": True}]
        ),
        {"early_stopping": True, "epochs": 8, "n_iter_no_change": 2},
        {"global_clipnorm": 0.1, "optimizer": "sgd", "verbose": 1},
    ],
    ids=str,
)
def test_batches_in_micro_batches_are_those_of_keras(tiny, windows, params, epochs_in_micro_batches):
    X, y = windows
    params = {"batch_size": 16} | params
    sample_weight = np.arange(len(X)) % 5
    split = tiny(**params).fit(X, y, sample_weight)
    assert len(epochs_in_micro_batches) == split.n_iter_
    assert set(epochs_in_micro_batches) <= {2, 4, 8}
    whole = tiny(**params, callbacks=Batches).fit(X, y, sample_weight)
    assert len(epochs_in_micro_batches) == split.n_iter_
    for name, losses in split.history_.items():
        assert_allclose(losses, whole.history_[name], rtol=1e-4)
    for one, other in zip(split.weights_, whole.weights_, strict=True):
        assert_allclose(one, other, rtol=1e-3, atol=1e-5)


@pytest.mark.parametrize("params", [{"dropout": 0.3}, {"recurrent_dropout": 0.3}])
def test_batches_with_dropout_stay_whole(tiny, windows, params, epochs_in_micro_batches):
    tiny(batch_size=16, **params).fit(*windows)
    assert not epochs_in_micro_batches


def test_batches_of_texts_in_micro_batches_are_those_of_keras(epochs_in_micro_batches):
    params = {"units": 2, "window_size": 8, "epochs": 2, "batch_size": 16, "random_state": 0}
    texts = ["to be", "or not"] * 20
    split = LSTMTextGenerator(**params).fit(texts)
    assert len(epochs_in_micro_batches) == 2
    whole = LSTMTextGenerator(**params, callbacks=Batches).fit(texts)
    assert_allclose(split.history_["loss"], whole.history_["loss"], rtol=1e-4)
    for one, other in zip(split.weights_, whole.weights_, strict=True):
        assert_allclose(one, other, rtol=1e-3, atol=1e-5)


def test_micro_batches_know_nothing_of_the_global_policy(tiny, windows, epochs_in_micro_batches):
    expected = tiny(batch_size=16).fit(*windows).history_["loss"]
    policy = keras.config.dtype_policy()
    keras.config.set_dtype_policy("mixed_float16")
    model_cache._idle_models.clear()
    try:
        losses = tiny(batch_size=16).fit(*windows).history_["loss"]
    finally:
        keras.config.set_dtype_policy(policy)
        model_cache._idle_models.clear()
    assert len(epochs_in_micro_batches) == 4
    assert_allclose(losses, expected, rtol=1e-5)


def test_the_number_of_threads_changes_nothing(tiny, windows, monkeypatch, epochs_in_micro_batches):
    X, y = windows
    X, y = np.tile(X, (20, 1, 1)), np.tile(y, 20)
    monkeypatch.setattr(batching, "MAX_BATCHES_IN_BLOCK", 3)
    fits = []
    for n_threads in (1, 2, 3):
        monkeypatch.setattr(threads, "_effective_n_threads", lambda n=n_threads: n)
        model = tiny(batch_size=16).fit(X, y)
        fits.append([*model.weights_, model.predict(X)])
    assert len(epochs_in_micro_batches) == 6
    for other in fits[1:]:
        for one, array in zip(fits[0], other, strict=True):
            assert_array_equal(array, one)


def test_only_large_batches_are_in_micro_batches():
    def min_micro_batch(*units, n_steps=5):
        return train._min_micro_batch(network_spec(n_steps, 1, 1, units), STEP)

    assert min_micro_batch(1) > min_micro_batch(8) > min_micro_batch(8, 256) >= 64
    assert min_micro_batch(8) > min_micro_batch(8, n_steps=84) > min_micro_batch(8, n_steps=1000) >= 128


def test_callbacks_are_called_in_the_order_of_keras(tiny, windows):
    hooks = ["on_train_begin", "on_epoch_begin", "on_test_begin", "on_test_end", "on_epoch_end", "on_train_end"]
    calls = {}

    def recorder(*bases):
        names = calls[bases] = []
        record = {hook: lambda self, *args, hook=hook, **kwargs: names.append(hook) for hook in hooks}
        return type("Recorder", (*bases, keras.callbacks.Callback), record)

    for bases in ((), (Batches,)):
        tiny(early_stopping=True, callbacks=recorder(*bases)).fit(*windows)
    assert calls[()] == calls[(Batches,)]
    assert calls[()] == [hooks[0], *hooks[1:5], *hooks[1:5], hooks[5]]


def test_a_callback_can_stop_and_can_read_and_write_weights(tiny, windows):
    class Zero(keras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            self.model.set_weights([0 * w for w in self.model.get_weights()])
            self.model.stop_training = epoch == 1

    model = tiny(epochs=5, callbacks=Zero).fit(*windows)
    assert model.n_iter_ == 2
    assert not any(w.any() for w in model.weights_)


@pytest.mark.parametrize("callbacks", [None, Batches])
def test_a_line_is_printed_for_each_epoch(tiny, windows, callbacks, capsys):
    tiny(verbose=2, batch_size=8, callbacks=callbacks).fit(*windows)
    shown = re.split(r"[\n\r\x08]+", capsys.readouterr().out)
    assert [line for line in shown if "Epoch" in line] == ["Epoch 1/2", "Epoch 2/2"]
    assert sum("5/5" in line and "loss: " in line for line in shown) >= 2


def test_many_blocks_are_one_epoch(tiny, windows, monkeypatch):
    X, y = windows
    one_block = tiny(batch_size=4).fit(X, y)
    monkeypatch.setattr(batching, "MAX_BATCHES_IN_BLOCK", 3)
    monkeypatch.setattr(model_cache, "_idle_models", type(model_cache._idle_models)())
    blocks = tiny(batch_size=4).fit(X, y)
    assert_allclose(blocks.history_["loss"], one_block.history_["loss"], rtol=1e-5)
    for one, other in zip(blocks.weights_, one_block.weights_, strict=True):
        assert_allclose(one, other, rtol=1e-5, atol=1e-6)


def test_a_callback_can_compile_anew(tiny, windows):
    class Slow(keras.callbacks.Callback):
        def on_train_begin(self, logs=None):
            self.model.compile(keras.optimizers.SGD(1e-9), "mse")
            self.model.optimizer.build(self.model.trainable_variables)

    tiny().fit(*windows)
    first, second = tiny(callbacks=Slow).fit(*windows).history_["loss"]
    assert_allclose(first, second, rtol=1e-4)


def test_callbacks_see_the_metrics_of_an_epoch(tiny, windows):
    class Record(keras.callbacks.Callback):
        seen = []

        def on_epoch_end(self, epoch, logs=None):
            self.seen.append(float(self.model.get_metrics_result()["loss"]))

    losses = tiny(callbacks=Record).fit(*windows).history_["loss"]
    assert_allclose(Record.seen, losses)
