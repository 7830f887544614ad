"""What holds in every entry of the engine."""

import os
import subprocess
import sys

import keras
import numpy as np
import pytest
from numpy.testing import assert_array_equal

from sklstm import LSTMClassifier, LSTMForecaster, LSTMTextGenerator

needs_jax = pytest.mark.skipif(keras.backend.backend() != "jax", reason="a setting of JAX")


# Whether JAX is set to 64 bits

NETWORK = {"units": 3, "epochs": 2, "random_state": 0}


@pytest.fixture
def jax_of_64_bits():
    """Return a function that sets JAX to 64 bits for the rest of the test."""
    import jax

    before = jax.config.jax_enable_x64
    yield lambda: jax.config.update("jax_enable_x64", True)
    jax.config.update("jax_enable_x64", before)


class BetweenBatches(keras.callbacks.Callback):
    """Leaves the loop over batches to Keras."""

    def on_train_batch_end(self, batch, logs=None):
        pass


class SetsJaxTo64Bits(keras.callbacks.Callback):
    def on_epoch_end(self, epoch, logs=None):
        import jax

        jax.config.update("jax_enable_x64", True)


OF_EACH_KIND = [
    LSTMForecaster(**NETWORK, early_stopping=True),
    LSTMForecaster(**NETWORK, dropout=0.3, callbacks=BetweenBatches),
    LSTMForecaster(**NETWORK, callbacks=SetsJaxTo64Bits),
    LSTMClassifier(**NETWORK, dropout=0.3, pooling="mean"),
]
OF_OTHER_SETTINGS = [
    *(LSTMForecaster(**NETWORK, optimizer=name) for name in ("adamw", "adagrad", "ftrl", "lion", "nadam", "sgd")),
    LSTMForecaster(**NETWORK, recurrent_dropout=0.3),
    LSTMForecaster(**NETWORK, loss="huber", bidirectional=True, linear_skip=False, normalize=False),
    *(
        LSTMClassifier(**NETWORK, pooling=pooling, bidirectional=bidirectional, early_stopping=True)
        for pooling in ("last", "mean", "max")
        for bidirectional in (False, True)
    ),
]


def results(model, X, y):
    """Return all numbers that come of a fit."""
    y = y if isinstance(model, LSTMForecaster) else y > 0
    model.fit(X, y)
    predict = model.predict if isinstance(model, LSTMForecaster) else model.predict_proba
    exported = model.to_keras().predict(X, verbose=0)
    return [*model.weights_, model.history_["loss"], predict(X), predict(X[:1]), exported]


def assert_same_results(results, expected):
    for one, other in zip(results, expected, strict=True):
        assert_array_equal(one, other)


@needs_jax
@pytest.mark.parametrize(
    "model", [*OF_EACH_KIND, *(pytest.param(model, marks=pytest.mark.thorough) for model in OF_OTHER_SETTINGS)], ids=str
)
def test_jax_of_64_bits_changes_no_result(model, windows, jax_of_64_bits):
    expected = results(model, *windows)
    jax_of_64_bits()
    assert_same_results(results(model, *windows), expected)


@needs_jax
def test_jax_of_64_bits_changes_no_micro_batch(rng, jax_of_64_bits):
    X = rng.standard_normal((256, 3, 1))
    model = LSTMForecaster(**NETWORK | {"units": 64, "epochs": 1}, batch_size=256)
    jax_of_64_bits()
    weights = model.fit(X, X[:, -1, 0]).weights_
    from jax import config

    config.update("jax_enable_x64", False)
    assert_same_results(weights, model.fit(X, X[:, -1, 0]).weights_)


@needs_jax
def test_jax_of_64_bits_changes_no_text(jax_of_64_bits):
    documents = ["so what? " * 20]
    model = LSTMTextGenerator(units=3, embedding_dim=2, epochs=2, window_size=6, random_state=0)
    expected = model.fit(documents).bits_per_token(documents), model.generate("so", 20, random_state=0)
    jax_of_64_bits()
    assert (model.fit(documents).bits_per_token(documents), model.generate("so", 20, random_state=0)) == expected


FIT = """
import numpy as np
from sklstm import LSTMForecaster
X = np.sin(np.arange(120.0)).reshape(20, 6)
model = LSTMForecaster(units=2, epochs=1, dropout=0.3, random_state=0).fit(X, X[:, 0])
prediction = model.predict(X)
exported = model.to_keras().predict(X[:, :, np.newaxis], verbose=0)
"""


@needs_jax
def test_the_environment_may_set_jax_to_64_bits(tmp_path):
    code = FIT + (
        "import jax; assert jax.numpy.arange(3).dtype == 'int64';"
        f"np.savez({str(tmp_path / 'results')!r}, prediction, exported)"
    )
    environment = os.environ | {"JAX_ENABLE_X64": "1"}
    subprocess.run([sys.executable, "-c", code], env=environment, check=True, timeout=300)
    exec(FIT, expected := {})
    with np.load(tmp_path / "results.npz") as found:
        assert_same_results(found.values(), [expected["prediction"], expected["exported"]])
