"""Equal data give equal results, whatever Keras' default precision is, or was when a model was built."""

import keras
import numpy as np
import pytest
from numpy.testing import assert_array_equal

from sklstm import LSTMClassifier
from sklstm._engine import prediction
from sklstm._engine.runtime.precision import float32_by_default
from sklstm._engine.training import model_cache


@pytest.fixture(autouse=True)
def forget(monkeypatch):
    """Forget compiled models before a test, and what they were built with after it."""
    policy = keras.config.dtype_policy()
    monkeypatch.setattr(model_cache, "_idle_models", type(model_cache._idle_models)())
    prediction._compiled_states.cache_clear()
    yield
    keras.config.set_floatx("float32")
    keras.config.set_dtype_policy(policy)
    prediction._compiled_states.cache_clear()


def set_default(default):
    if default != "mixed_float16":
        keras.config.set_floatx(default)
    keras.config.set_dtype_policy(default)


def results(model, X, y, default):
    """Return all numbers of a fit, a prediction and an export under some default precision."""
    set_default(default)
    model.fit(X, y)
    predicted = model.predict(X)
    exported = model.to_keras()
    assert (keras.config.floatx(), keras.config.dtype_policy().name) == (
        "float32" if default == "mixed_float16" else default,
        default,
    )
    set_default("float32")
    losses = [loss for values in model.history_.values() for loss in values]
    (state,) = model._optimizer_state["variables"]
    return [
        losses,
        predicted,
        exported.predict(X, verbose=0),
        exported.optimizer.learning_rate,
        *model.weights_,
        *state,
    ]


@pytest.mark.backend
@pytest.mark.parametrize(
    ("default", "classifies"),
    [
        ("float16", False),
        pytest.param("float64", True, marks=pytest.mark.thorough),
        *(
            pytest.param(default, classifies, marks=pytest.mark.thorough)
            for default, classifies in [
                ("float16", True),
                ("float64", False),
                ("mixed_float16", False),
                ("mixed_float16", True),
            ]
        ),
    ],
)
def test_the_default_precision_changes_nothing(tiny, windows, default, classifies):
    X, y = windows
    X = X.astype(np.float32)  # since Keras' own predict casts other arrays to the default
    if classifies:
        model, y = LSTMClassifier(units=3, epochs=2, random_state=0), y > 0
    else:
        model = tiny(linear_skip=True, early_stopping=True, optimizer="nadam", loss="huber")
    first = results(model, X, y, default)
    expected = results(model, X, y, "float32")  # with what was compiled before
    model_cache._idle_models.clear()
    prediction._compiled_states.cache_clear()
    for values in (first, results(model, X, y, "float32"), results(model, X, y, default)):
        assert len(values) == len(expected)
        for value, other in zip(values, expected, strict=True):
            assert_array_equal(value, other)


def test_nested_and_failed_builds_give_the_default_back():
    keras.config.set_floatx("float16")

    @float32_by_default()
    def fail():
        with float32_by_default():
            pass
        assert keras.config.floatx() == "float32"
        raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    assert keras.config.floatx() == "float16"
