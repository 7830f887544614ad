"""Files of ONNX and of Keras made of `to_keras`: what onnxruntime and a process without this package make of them."""

import pytest

pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")

import importlib.util
import os
import subprocess
import sys

import keras
import numpy as np
import onnxruntime as ort
from numpy.testing import assert_allclose, assert_array_equal

from sklstm import LSTMClassifier, LSTMForecaster, LSTMTranscriber, LSTMTranslator, SlidingWindow, to_supervised

# What Keras exports with on each backend.
NEEDS = {"jax": "jax2onnx", "tensorflow": "tf2onnx", "torch": "onnxscript"}
if importlib.util.find_spec(NEEDS[keras.backend.backend()]) is None:
    pytest.skip(f"Keras exports with {NEEDS[keras.backend.backend()]}", allow_module_level=True)

SMALL = {"units": 4, "epochs": 2, "random_state": 0}
ONE = {**SMALL, "n_networks": 1}

rng = np.random.default_rng(0)
SERIES = np.c_[np.sin(np.arange(60.0)), np.cos(np.arange(60.0))]
SERIES[30] = np.nan
TABLE, Y = to_supervised(SERIES, horizon=2, target=0)
X = SlidingWindow(6).fit_transform(TABLE)
LABELS = np.array(["a", "b", "c"])[np.arange(len(X)) % 3]
TOKENS = rng.integers(0, 9, (40, 7)).astype(float)
TOKENS[:5, 5:] = TOKENS[5:9, :3] = np.nan
OF_TOKENS = LABELS[:40]
VIDEOS = rng.standard_normal((12, 4, 6, 6))

MODELS = {
    "forecaster": (LSTMForecaster(n_networks=2, **SMALL), (X, Y), "predict"),
    "linear model alone": (LSTMForecaster(normalize=True, early_stopping=False, **ONE), (X, Y), "predict"),
    "no linear model": (LSTMForecaster(linear_skip=False, normalize=False, **ONE), (X, Y[:, 0]), "predict"),
    "quantiles": (LSTMForecaster(loss="quantile", n_networks=2, **SMALL), (X, Y), "predict_quantiles"),
    "bidirectional": (LSTMForecaster(**{**ONE, "units": (4, 3)}, bidirectional=True), (X, Y), "predict"),
    "gru": (LSTMForecaster(network="gru", **ONE), (X, Y), "predict"),
    "conv_lstm": (LSTMForecaster(network="conv_lstm", **ONE), (X, Y), "predict"),
    "lstm_fcn": (
        LSTMForecaster(network="lstm_fcn", network_params={"filters": (4, 4, 4)}, **ONE),
        (X, Y),
        "predict",
    ),
    "classifier": (LSTMClassifier(n_networks=2, **SMALL), (X, LABELS), "predict_proba"),
    "classifier, mean": (LSTMClassifier(network="lstm", pooling="mean", **SMALL), (X, LABELS), "predict_proba"),
    "classifier, max": (LSTMClassifier(network="gru", pooling="max", **SMALL), (X, LABELS), "predict_proba"),
    "classifier, tokens": (LSTMClassifier(embedding_dim=4, **SMALL), (TOKENS, OF_TOKENS), "predict_proba"),
    "classifier, frames": (
        LSTMClassifier(network="frames", network_params={"filters": [4]}, **SMALL),
        (VIDEOS, np.arange(12) % 2),
        "predict_proba",
    ),
    "classifier, steps": (
        LSTMClassifier(network="lstm", pooling="none", bidirectional=False, **SMALL),
        (X[5:], np.repeat(LABELS[5:, np.newaxis], 6, axis=1)),
        "predict_proba",
    ),
}


def relative_difference(found, expected):
    return np.nanmax(np.abs(found - expected)) / np.nanmax(np.abs(expected))


@pytest.mark.backend(thorough=True)
@pytest.mark.parametrize("name", MODELS)
def test_onnxruntime_predicts_the_same(name, tmp_path):
    estimator, (data, y), method = MODELS[name]
    model = estimator.fit(data, y)
    model.to_keras().export(tmp_path / "model.onnx", format="onnx", verbose=False)
    session = ort.InferenceSession(tmp_path / "model.onnx")
    (item,) = session.get_inputs()
    windows = np.asarray(data, np.float32).reshape(len(data), *data.shape[1:], *[1] * (len(item.shape) - data.ndim))
    expected = getattr(model, method)(data)
    for rows in (slice(None), slice(1), slice(2, 5)):  # of which the first ones have short histories
        (found,) = session.run(None, {item.name: windows[rows]})
        assert relative_difference(found.reshape(expected[rows].shape), expected[rows]) < 1e-5


@pytest.mark.backend(thorough=True)
def test_the_file_of_a_translator_predicts_next_tokens(tmp_path):
    model = LSTMTranslator(**SMALL).fit(["a b", "b"] * 5, ["c", "d d"] * 5)
    exported = model.to_keras()
    exported.export(tmp_path / "model.onnx", format="onnx", verbose=False)
    inputs = {"windows": TOKENS[:4, :5, None] % 2, "previous": TOKENS[9:13, :3, None] % 2}
    inputs = {name: array.astype(np.float32) for name, array in inputs.items()}
    (found,) = ort.InferenceSession(tmp_path / "model.onnx").run(None, inputs)
    assert relative_difference(found, keras.ops.convert_to_numpy(exported(inputs))) < 1e-5


@pytest.mark.backend(thorough=True)
def test_the_file_of_a_transcriber_has_probabilities_of_characters(tmp_path):
    model = LSTMTranscriber(**SMALL).fit(X[5:25], ["a", "b"] * 10)
    exported = model.to_keras()
    exported.export(tmp_path / "model.onnx", format="onnx", verbose=False)
    windows = np.asarray(X[5:9], np.float32)
    (found,) = ort.InferenceSession(tmp_path / "model.onnx").run(None, {"windows": windows})
    assert relative_difference(found, keras.ops.convert_to_numpy(exported(windows))) < 1e-5


WITHOUT = """
import sys
import keras, numpy as np
model = keras.saving.load_model(sys.argv[1])
np.save(sys.argv[2], model.predict(np.load(sys.argv[3]), verbose=0))
assert not any(name.startswith("sklstm") for name in sys.modules)
"""


@pytest.mark.parametrize("name", ["forecaster", "bidirectional", "classifier"])
def test_a_keras_file_loads_in_a_process_without_this_package(name, tmp_path):
    estimator, (data, y), method = MODELS[name]
    model = estimator.fit(data, y)
    exported = model.to_keras()
    exported.save(tmp_path / "model.keras")
    windows = np.asarray(data, np.float32)
    np.save(tmp_path / "X.npy", windows)
    paths = [str(tmp_path / name) for name in ("model.keras", "found.npy", "X.npy")]
    environment = os.environ | {"KERAS_BACKEND": keras.backend.backend()}
    subprocess.run([sys.executable, "-c", WITHOUT, *paths], check=True, env=environment)
    found = np.load(tmp_path / "found.npy")
    assert_allclose(found, exported.predict(windows, verbose=0), rtol=1e-5, atol=1e-6)
    assert relative_difference(found, getattr(model, method)(data)) < 1e-5


def test_a_model_of_step_labels_keeps_the_mask_of_its_outputs():
    labels = np.repeat(LABELS[5:, np.newaxis], 6, axis=1)
    model = LSTMClassifier(network="lstm", pooling="none", **SMALL).fit(X[5:], labels)
    outputs = model.to_keras()(np.asarray(X[28:32], np.float32))
    mask = keras.ops.convert_to_numpy(outputs._keras_mask)
    assert_array_equal(mask, ~np.isnan(np.asarray(X[28:32])).any(axis=2))
