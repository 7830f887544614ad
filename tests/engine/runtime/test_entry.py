"""What holds in every entry of the engine."""

import multiprocessing
import os
import signal
import subprocess
import sys

import keras
import numpy as np
import pytest
from joblib import parallel_config
from numpy.testing import assert_array_equal
from sklearn.model_selection import GridSearchCV, cross_val_score

from sklstm import LSTMClassifier, LSTMForecaster, LSTMTextGenerator

needs_jax = pytest.mark.skipif(keras.backend.backend() != "jax", reason="a setting of JAX")
needs_fork = pytest.mark.skipif(
    "fork" not in multiprocessing.get_all_start_methods(), reason="Windows forks no processes"
)


# Whether JAX is set to 64 bits

NETWORK = {"units": 3, "epochs": 2, "n_networks": 1, "random_state": 0}


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
    LSTMForecaster(**NETWORK, dropout=0.3, callbacks=BetweenBatches),
    LSTMForecaster(**NETWORK, callbacks=SetsJaxTo64Bits),
    LSTMClassifier(**NETWORK, network="lstm", dropout=0.3, pooling="mean"),
]
OF_OTHER_SETTINGS = [
    LSTMForecaster(**NETWORK | {"n_networks": 3}, early_stopping=True),
    LSTMClassifier(**NETWORK, dropout=0.3, pooling="mean"),
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
@pytest.mark.thorough
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


# In forked processes


def in_fork(function, *args):
    """Return what a function returns or raises in a forked process, which is killed if it hangs."""
    context = multiprocessing.get_context("fork")
    receiver, sender = context.Pipe(duplex=False)

    def run():
        os.setsid()
        try:
            sender.send(function(*args))
        except Exception as error:
            sender.send(error)

    process = context.Process(target=run)
    process.start()
    try:
        assert receiver.poll(60), "it hangs"
        return receiver.recv()
    finally:
        process.join(10)
        if process.is_alive():
            os.killpg(process.pid, signal.SIGKILL)
            process.join()


def assert_refused(outcome):
    assert isinstance(outcome, RuntimeError)
    assert "set_start_method('spawn')" in str(outcome)
    assert "'loky'" in str(outcome)


@pytest.mark.backend
@needs_fork
@pytest.mark.filterwarnings("ignore:os.fork:RuntimeWarning", "ignore:.*fork:DeprecationWarning")
def test_a_fork_of_a_process_that_used_the_engine_is_refused(tiny, windows):
    X, y = windows
    model = tiny().fit(X, y)
    before = model.predict(X)
    assert_refused(in_fork(tiny().fit, X, y))
    assert_refused(in_fork(model.partial_fit, X, y))
    assert_refused(in_fork(model.predict, X))
    assert_refused(in_fork(model.to_keras))
    assert_array_equal(model.predict(X), before)


@needs_fork
@pytest.mark.filterwarnings("ignore:os.fork:RuntimeWarning", "ignore:.*fork:DeprecationWarning")
def test_forks_of_joblib_are_refused(tiny, windows):
    def search():
        with parallel_config("multiprocessing", n_jobs=2):  # error_score="raise" would end its pool, which may hang
            return GridSearchCV(tiny(), {"units": [2, 3]}, cv=2, error_score=np.nan).fit(*windows)

    tiny().fit(*windows)
    failed = in_fork(search)
    assert isinstance(failed, ValueError)
    assert "All the 4 fits failed" in str(failed)
    assert "set_start_method('spawn')" in str(failed)
    with parallel_config("multiprocessing", n_jobs=1):
        assert np.isfinite(cross_val_score(tiny(), *windows, cv=2)).all()


@needs_fork
@pytest.mark.thorough
def test_a_fork_of_a_process_that_has_not_used_the_engine_works(tmp_path):
    code = (
        f"import multiprocessing, sklstm\n\ndef run():\n    exec({FIT!r}, found := {{}})\n"
        f"    found['np'].save({str(tmp_path / 'prediction')!r}, found['prediction'])\n\n"
        "process = multiprocessing.get_context('fork').Process(target=run); process.start(); process.join()"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=300)
    exec(FIT, expected := {})
    assert_array_equal(np.load(tmp_path / "prediction.npy"), expected["prediction"])
