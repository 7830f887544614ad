"""Files that callbacks write load without this package, and answer in the units of the target."""

import os
import random
import subprocess
import sys

import keras
import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from sklstm import LSTMClassifier, LSTMForecaster, LSTMTextGenerator, LSTMTranscriber, LSTMTranslator

LOAD = """
import sys
sys.modules["sklstm"] = None  # so that importing it fails
import keras, numpy as np
folder, *files = sys.argv[1:]
for file in files:
    windows = np.load(f"{folder}/{file}.npy")
    np.save(f"{folder}/{file}.predicted.npy", keras.models.load_model(f"{folder}/{file}").predict(windows, verbose=0))
"""


class Save(keras.callbacks.Callback):
    """Saves after the first epoch, as a user may."""

    def __init__(self, path):
        super().__init__()
        self.path = path

    def on_epoch_end(self, epoch, logs=None):
        if epoch == 0:
            self.model.save(self.path)


@pytest.mark.backend(thorough=True)
@pytest.mark.parametrize("chosen", [slice(2), pytest.param(slice(2, None), marks=pytest.mark.thorough)], ids=str)
def test_files_load_without_the_package_and_answer_in_the_units_of_the_target(windows, tmp_path, chosen):
    X, y = windows
    y = 1000 + 50 * y
    both = np.column_stack([y, -y])
    params = {"units": 3, "epochs": 1, "random_state": 0, "learning_rate_schedule": "constant"}
    forecaster = {**params, "n_networks": 1, "early_stopping": False}
    fits = [
        (LSTMForecaster(**forecaster), y),
        (LSTMClassifier(**params), np.sign(y - 1000)),
        (LSTMClassifier(**params, pooling="mean"), np.sign(y - 1000)),
        (LSTMForecaster(**forecaster, linear_skip=False, bidirectional=True), both),
        (LSTMForecaster(**{**forecaster, "units": (3, 2)}, loss="huber"), both),
        (LSTMForecaster(**forecaster, normalize=False, dropout=0.1), y),
        (LSTMClassifier(**{**params, "units": (3, 2)}, bidirectional=True, pooling="max"), np.sign(y - 1000)),
    ]
    expected = {}
    for i, (model, target) in enumerate(fits[chosen]):
        model.fit(X, target)
        predictions = (model.predict_proba if isinstance(model, LSTMClassifier) else model.predict)(X)
        for file, callback in (
            (f"checkpoint{i}.keras", keras.callbacks.ModelCheckpoint(tmp_path / f"checkpoint{i}.keras")),
            (f"own{i}.keras", lambda i=i: Save(tmp_path / f"own{i}.keras")),
        ):
            again = type(model)(**model.get_params()).set_params(callbacks=[callback], epochs=1)
            again.fit(X, target)
            np.save(tmp_path / f"{file}.npy", X)
            expected[file] = predictions.reshape(len(X), -1)
    env = {**os.environ, "KERAS_BACKEND": keras.backend.backend()}
    subprocess.run([sys.executable, "-c", LOAD, str(tmp_path), *expected], check=True, env=env)
    for file, predictions in expected.items():
        assert_allclose(np.load(tmp_path / f"{file}.predicted.npy"), predictions, rtol=1e-4, err_msg=file)


def test_a_file_holds_the_epoch_that_it_was_written_after(tiny, windows, tmp_path):
    X, y = windows
    saves = keras.callbacks.ModelCheckpoint(str(tmp_path / "{epoch}.keras"))
    params = {"linear_skip": True, "callbacks": [saves]}
    before = random.getstate(), np.random.get_state(legacy=False)  # noqa: NPY002
    tiny(**params | {"linear_skip": False}, epochs=1).fit(X, y)
    assert random.getstate() == before[0]
    assert_array_equal(np.random.get_state(legacy=False)["state"]["key"], before[1]["state"]["key"])  # noqa: NPY002
    tiny(**params, epochs=3).fit(X, y)
    for epoch in (1, 2, 3):
        predicted = keras.models.load_model(tmp_path / f"{epoch}.keras").predict(X, verbose=0)[:, 0]
        assert_allclose(predicted, tiny(**params | {"callbacks": None}, epochs=epoch).fit(X, y).predict(X), rtol=1e-4)


def test_a_language_model_is_saved_with_its_probabilities(tmp_path):
    path = tmp_path / "text.keras"
    model = LSTMTextGenerator(units=2, window_size=4, epochs=1, random_state=0, callbacks=lambda: Save(path))
    model.fit(["to be or not to be"])
    tokens = np.array([[[np.nan], [1], [2], [3]]])
    assert_allclose(
        keras.models.load_model(path).predict(tokens, verbose=0), model._to_keras().predict(tokens, verbose=0)
    )


@pytest.mark.thorough
@pytest.mark.parametrize("model", [LSTMTranslator, LSTMTranscriber])
def test_a_file_of_a_bidirectional_encoder_has_the_weights_of_the_fit(tmp_path, model, rng):
    path = tmp_path / "encoder.keras"
    X = [rng.standard_normal((12, 2)) for _ in range(8)] if model is LSTMTranscriber else ["ab ba"] * 8
    model = model(units=2, epochs=1, random_state=0, callbacks=lambda: Save(path)).fit(X, ["a", "b"] * 4)
    saved, expected = keras.models.load_model(path).get_weights(), model.to_keras().get_weights()
    assert len(saved) == len(expected)
    for array, of_fit in zip(saved, expected, strict=True):
        assert_array_equal(array, of_fit)


@pytest.mark.backend
@pytest.mark.parametrize("linear_skip", [pytest.param(False, marks=pytest.mark.backend(thorough=True)), True])
def test_files_of_weights_load_into_the_model_for_users_and_back(tiny, windows, tmp_path, linear_skip):
    X, y = windows
    path = tmp_path / "best.weights.h5"
    saves = keras.callbacks.ModelCheckpoint(path, save_weights_only=True)
    model = tiny(linear_skip=linear_skip, callbacks=saves).fit(X, y)
    loaded = model.to_keras()
    loaded.set_weights([0 * w for w in loaded.get_weights()])
    loaded.load_weights(path)
    assert_allclose(loaded.predict(X, verbose=0)[:, 0], model.predict(X), rtol=1e-3, atol=1e-5)

    class Load(keras.callbacks.Callback):
        def on_train_end(self, logs=None):
            self.model.load_weights(path)

    other = tiny(linear_skip=linear_skip, random_state=1, callbacks=Load).fit(X, y)
    for array, expected in zip(other.weights_, model.weights_, strict=True):
        assert_array_equal(array, expected)


def test_what_cannot_work_says_what_does(tiny, windows, tmp_path):
    backup = keras.callbacks.BackupAndRestore(tmp_path)
    with pytest.raises(ValueError, match=r"BackupAndRestore, which cannot resume a fit.* `partial_fit`, and pickle"):
        tiny(callbacks=[backup]).fit(*windows)

    class SaveByFunction(keras.callbacks.Callback):
        def on_train_end(self, logs=None):
            keras.saving.save_model(self.model, tmp_path / "model.keras")

    with pytest.raises(NotImplementedError, match=r"self.model.save\(path\)"):
        tiny(callbacks=SaveByFunction).fit(*windows)
    with pytest.raises(ValueError, match=r"Save it in a file that ends in '\.keras'"):
        tiny(callbacks=keras.callbacks.ModelCheckpoint(tmp_path / "model.h5")).fit(*windows)


class FreezesFirstLayer(keras.callbacks.Callback):
    """A callback that trains the other layers only, as Keras' guide on transfer learning does."""

    def on_train_begin(self, logs=None):
        self.model.get_layer("lstm_0").trainable = False
        self.model.compile(keras.optimizers.SGD(0.0), "mse")


@pytest.mark.skipif(keras.backend.backend() != "jax", reason="Keras' own loop has its steps by then")
def test_weights_keep_their_places_if_a_layer_is_frozen(tiny, windows):
    X, y = windows
    model = tiny(units=(3, 3), learning_rate=1e-12, optimizer="sgd").fit(X, y)
    frozen = tiny(units=(3, 3), callbacks=[FreezesFirstLayer()]).fit(X, y)
    for weights, of_frozen in zip(model.weights_, frozen.weights_, strict=True):
        assert_allclose(of_frozen, weights, atol=1e-6)
