import threading
from collections import Counter

import keras
import numpy as np
import pytest
from helpers import STEP, network_spec
from numpy.testing import assert_array_equal
from sklearn.model_selection import GridSearchCV, TimeSeriesSplit
from sklearn.pipeline import make_pipeline

from sklstm import SlidingWindow, _engine, to_supervised
from sklstm._engine import prediction
from sklstm._engine.training import model_cache
from sklstm.datasets import make_sine

needs_jax = pytest.mark.skipif(keras.backend.backend() != "jax", reason="counts compilations by JAX")


@pytest.fixture
def compilations(monkeypatch):
    """Return a function that counts compilations since the test began, with nothing compiled before."""
    monkeypatch.setattr(model_cache, "_idle_models", type(model_cache._idle_models)())
    prediction._compiled_states.cache_clear()
    before = Counter(_engine.compilations())
    return lambda: dict(Counter(_engine.compilations()) - before)


@pytest.fixture
def xla_compilations():
    """Return a list that grows by the name of each function that XLA compiles, however small."""
    import jax

    names = []

    def listen(event, duration, **kwargs):
        if event == "/jax/core/compile/backend_compile_duration":
            names.append(kwargs.get("fun_name"))

    jax.monitoring.register_event_duration_secs_listener(listen)
    return names


@needs_jax
def test_a_grid_search_compiles_as_often_as_there_are_networks(compilations, tiny):
    X, y = to_supervised(make_sine(200))
    model = make_pipeline(SlidingWindow(), tiny(epochs=1, batch_size=8))
    grid = {"slidingwindow__window_size": [3, 5], "lstmforecaster__units": [2, 3]}
    search = GridSearchCV(model, grid, cv=TimeSeriesSplit(5), refit=False, error_score="raise").fit(X, y)
    assert len(search.cv_results_["params"]) * 5 == 20
    # Windows of 3 and of 5 steps are two shapes for each number of units.
    assert compilations() == {"train": 4, "predict": 4}


@needs_jax
def test_a_second_fit_compiles_nothing(tiny, windows, xla_compilations):
    X, y = windows
    params = {"early_stopping": True, "dropout": 0.1}
    tiny(**params).fit(X, y).predict(X)
    assert xla_compilations
    xla_compilations.clear()
    for change in ({"random_state": 5}, {"learning_rate": 0.1}, {"epochs": 3}, {"n_iter_no_change": 1}):
        tiny(**params | change).fit(X[:37], y[:37]).predict(X[:33])
    assert xla_compilations == []


@pytest.mark.backend
@pytest.mark.parametrize(
    "params",
    [
        {"dropout": 0.2},
        *(
            pytest.param(params, marks=pytest.mark.backend(thorough=True))
            for params in [{}, {"optimizer": "adagrad"}, {"early_stopping": True}]
        ),
    ],
)
def test_reused_models_give_the_results_of_new_ones(compilations, tiny, windows, params):
    X, y = windows
    new = tiny(**params).fit(X, y)
    tiny(**params, random_state=7, learning_rate=0.5).fit(X[::-1], -y)
    reused = tiny(**params).fit(X, y)
    assert new.history_ == reused.history_
    for one, other in zip(new.weights_, reused.weights_, strict=True):
        assert_array_equal(one, other)


def test_threads_do_not_share_a_model():
    key = network_spec(3, 1, 1, (2,)), STEP
    seen = []
    together = threading.Barrier(2, timeout=60)

    def borrow():
        with model_cache.borrowed_model(*key) as model:
            seen.append(model)
            together.wait()

    threads = [threading.Thread(target=borrow) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert seen[0] is not seen[1]
    with model_cache.borrowed_model(*key) as model:
        assert model in seen


def test_a_model_that_failed_is_not_used_again():
    key = network_spec(3, 1, 1, (2,)), STEP
    with pytest.raises(RuntimeError), model_cache.borrowed_model(*key) as failed:
        raise RuntimeError
    with model_cache.borrowed_model(*key) as model:
        assert model is not failed


@pytest.mark.backend
def test_a_model_that_a_callback_may_have_changed_is_not_used_again(compilations, tiny, windows):
    expected = tiny().fit(*windows)
    callback = keras.callbacks.LambdaCallback()
    callback.on_train_end = lambda logs=None: setattr(callback.model, "trainable", False)
    for changing in (lambda: callback, lambda: type("Own", (keras.callbacks.EarlyStopping,), {})("loss")):
        tiny(callbacks=[changing]).fit(*windows)
        assert not any(model_cache._idle_models.values())
        fitted = tiny().fit(*windows)
        assert fitted.history_ == expected.history_


@pytest.mark.backend
def test_a_model_is_used_again_after_callbacks_of_keras_that_do_no_harm(compilations, tiny, windows, tmp_path):
    expected = tiny().fit(*windows)
    harmless = [
        keras.callbacks.CSVLogger(tmp_path / "log.csv"),
        keras.callbacks.EarlyStopping("loss", patience=0, min_delta=9, restore_best_weights=True),
        keras.callbacks.LearningRateScheduler(lambda epoch, rate: rate / 2),
        keras.callbacks.ReduceLROnPlateau("loss", patience=0),
        keras.callbacks.TerminateOnNaN(),
    ]
    tiny(callbacks=harmless).fit(*windows)
    assert any(model_cache._idle_models.values())
    assert tiny().fit(*windows).history_ == expected.history_


def test_the_number_of_idle_models_is_bounded(monkeypatch):
    monkeypatch.setattr(model_cache, "_idle_models", type(model_cache._idle_models)())
    monkeypatch.setattr(model_cache, "MAX_IDLE_MODELS", 2)
    for units in (1, 2, 3):
        with model_cache.borrowed_model(network_spec(3, 1, 1, (units,)), STEP):
            pass
    assert [spec.units for spec, _ in model_cache._idle_models] == [(2,), (3,)]


def test_state_is_copied_out(tiny, windows):
    model = tiny().fit(*windows)
    kept = [np.array(w) for w in model.weights_]
    tiny(random_state=1).fit(*windows)
    for one, other in zip(model.weights_, kept, strict=True):
        assert_array_equal(one, other)
