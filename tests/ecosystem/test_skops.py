"""Files of skops: every estimator comes back from one, bit by bit, and nothing else does."""

import io
import json
import warnings
import zipfile

import pytest

pytest.importorskip("skops", minversion="0.16")

import numpy as np
import pandas as pd
import skops.io as sio
from numpy.testing import assert_array_equal
from sklearn.exceptions import InconsistentVersionWarning
from sklearn.linear_model import Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from skops.io.exceptions import UntrustedTypesFoundException
from test_common import ESTIMATORS

from sklstm import (
    ConformalForecaster,
    LogMelSpectrogram,
    LSTMAnomalyDetector,
    LSTMClassifier,
    LSTMForecaster,
    LSTMTextGenerator,
    LSTMTranscriber,
    LSTMTranslator,
    SeasonalNaive,
    SlidingWindow,
    TokenSequences,
    _state,
    forecast,
    to_supervised,
    trusted_types,
)

SMALL = {"units": 3, "epochs": 2, "random_state": 0}
FORECASTER = {**SMALL, "n_networks": 2}

rng = np.random.default_rng(0)
SERIES = np.sin(np.arange(90.0)).reshape(-1, 1)
X, Y = to_supervised(SERIES, horizon=2)
W = rng.standard_normal((20, 6, 2))
W[:3, :2] = np.nan
LABELS = np.array(["a", "b"])[np.arange(20) % 2]
TEXTS = ["ab ac", "xy xz yz"] * 4
RECORDINGS = rng.standard_normal((6, 3000))
TABLE = pd.DataFrame(
    {"load": np.sin(np.arange(90.0)), "heat": np.cos(np.arange(90.0))},
    index=pd.date_range("2024-03-28", periods=90, freq="h", tz="Europe/Berlin", name="time"),
)
KNOWN, TARGET = to_supervised(TABLE, horizon=2, target="load", known=["heat"])
PANEL = pd.concat({"x": TABLE, "y": TABLE + 1}, names=["store"])
OF_PANEL = to_supervised(PANEL, target="load", groups="store")


def windowed(model, **params):
    return make_pipeline(StandardScaler(), SlidingWindow(8, **params), model)


# An estimator, what a fit takes, what a method of the fitted one takes, and the method.
MODELS = {
    "LSTMForecaster": (LSTMForecaster(**FORECASTER), (W, W[:, -1]), W, "predict"),
    "LSTMForecaster in a pipeline": (windowed(LSTMForecaster(**FORECASTER)), (X, Y), X, "predict"),
    "LSTMForecaster, quantiles": (LSTMForecaster(loss="quantile", **FORECASTER), (W, W[:, -1]), W, "predict_quantiles"),
    "LSTMForecaster, table": (
        make_pipeline(SlidingWindow(8, carry_over=True), LSTMForecaster(**FORECASTER)),
        (KNOWN[:60], TARGET[:60]),
        KNOWN[60:],
        "predict",
    ),
    "LSTMForecaster, panel": (
        make_pipeline(SlidingWindow(8, groups="store", carry_over=True), LSTMForecaster(**FORECASTER)),
        OF_PANEL,
        OF_PANEL[0],
        "predict",
    ),
    "LSTMForecaster, gru": (LSTMForecaster(network="gru", **FORECASTER), (W, W[:, -1]), W, "predict"),
    "LSTMClassifier": (LSTMClassifier(**SMALL), (W, LABELS), W, "predict_proba"),
    "LSTMClassifier, steps": (
        LSTMClassifier(pooling="none", network="lstm", **SMALL),
        (W, np.repeat(LABELS[:, np.newaxis], 6, axis=1)),
        W,
        "predict_proba",
    ),
    "LSTMClassifier in a pipeline": (
        make_pipeline(TokenSequences(), LSTMClassifier(embedding_dim=4, **SMALL)),
        (TEXTS, [0, 1] * 4),
        TEXTS,
        "predict_proba",
    ),
    "LSTMTextGenerator": (LSTMTextGenerator(**SMALL), (TEXTS,), TEXTS, "bits_per_token"),
    "LSTMTranslator": (LSTMTranslator(**SMALL), (TEXTS, TEXTS[::-1]), TEXTS, "predict"),
    "LSTMTranscriber": (LSTMTranscriber(**SMALL), (W, ["a", "b"] * 10), W, "predict"),
    "LSTMTranscriber in a pipeline": (
        make_pipeline(LogMelSpectrogram(), LSTMTranscriber(**SMALL)),
        (RECORDINGS, ["a", "b"] * 3),
        RECORDINGS,
        "predict",
    ),
    "LSTMAnomalyDetector": (
        LSTMAnomalyDetector(LSTMForecaster(**FORECASTER)),
        (W[3:],),
        W,
        "score_samples",
    ),
    "LSTMAnomalyDetector in a pipeline": (
        windowed(LSTMAnomalyDetector(SeasonalNaive(2), false_positive_rate=0.2)),
        (SERIES,),
        SERIES,
        "score_samples",
    ),
    "ConformalForecaster": (
        ConformalForecaster(windowed(LSTMForecaster(**FORECASTER))),
        (X, Y),
        X,
        "predict_interval",
    ),
    "ConformalForecaster, panel": (
        ConformalForecaster(make_pipeline(SlidingWindow(4, groups="store", flatten=True, pad="edge"), Ridge())),
        OF_PANEL,
        OF_PANEL[0],
        "predict_interval",
    ),
    "SeasonalNaive": (SeasonalNaive(2), (W, W[:, -1]), W, "predict"),
    "SeasonalNaive in a pipeline": (windowed(SeasonalNaive(2)), (X, Y), X, "predict"),
    "SlidingWindow": (SlidingWindow(4, carry_over=True), (SERIES[:60],), SERIES[60:], "transform"),
    "TokenSequences": (TokenSequences(), (TEXTS,), TEXTS, "transform"),
    "LogMelSpectrogram": (LogMelSpectrogram(), (RECORDINGS,), RECORDINGS, "transform"),
}


@pytest.fixture(scope="module")
def fitted():
    """Return a function that returns a fitted model by its name."""
    models = {}

    def fit(name):
        if name not in models:
            estimator, data, *_ = MODELS[name]
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                models[name] = estimator.fit(*data)
        return models[name]

    return fit


def test_all_estimators_are_here():
    assert {cls.__name__ for cls in ESTIMATORS} <= set(MODELS)


@pytest.mark.parametrize("name", MODELS)
def test_a_file_gives_the_same_predictions(name, fitted):
    model = fitted(name)
    *_, data, method = MODELS[name]
    with warnings.catch_warnings():
        warnings.simplefilter("error", InconsistentVersionWarning)
        loaded = sio.loads(sio.dumps(model), trusted=trusted_types())
    assert type(loaded) is type(model)
    assert_array_equal(np.asarray(getattr(loaded, method)(data)), np.asarray(getattr(model, method)(data)))
    assert set(vars(loaded)) == set(vars(model))


def test_forecasts_of_a_loaded_model(fitted):
    model = fitted("LSTMForecaster, table")
    loaded = sio.loads(sio.dumps(model), trusted=trusted_types())
    future = TABLE[["heat"]].set_axis(TABLE.index + pd.Timedelta(hours=90))[:4]
    pd.testing.assert_frame_equal(
        forecast(loaded, TABLE, steps=4, future=future), forecast(model, TABLE, steps=4, future=future)
    )


def test_a_loaded_model_trains_on(fitted):
    model = fitted("LSTMForecaster")
    loaded = sio.loads(sio.dumps(model), trusted=trusted_types())
    again = sio.loads(sio.dumps(model), trusted=trusted_types())
    assert_array_equal(loaded.partial_fit(W, W[:, -1]).predict(W), again.partial_fit(W, W[:, -1]).predict(W))


@pytest.mark.parametrize("name", MODELS)
def test_no_other_types_are_needed(name, fitted):
    assert set(sio.get_untrusted_types(data=sio.dumps(fitted(name)))) <= set(trusted_types())


def edited(data, edit):
    """Return a file of skops with an edited schema."""
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as old, zipfile.ZipFile(out, "w") as new:
        for name in old.namelist():
            content = old.read(name)
            if name == "schema.json":
                schema = json.loads(content)
                edit(schema)
                content = json.dumps(schema)
            new.writestr(name, content)
    return out.getvalue()


def add_a_function(schema):
    schema["content"]["content"]["callbacks"] = {
        "__class__": "system",
        "__module__": "posix",
        "__loader__": "FunctionNode",
        "__id__": 1,
    }


def add_a_private_class(schema):
    schema["content"]["content"]["callbacks"] = {
        "__class__": "_EngineFirst",
        "__module__": "sklstm._base.base",
        "__loader__": "ObjectNode",
        "__id__": 1,
    }


def change_the_class(schema):
    schema["__class__"], schema["__module__"] = "Popen", "subprocess"


def use_a_submodule(schema):
    schema["__class__"], schema["__module__"] = "import_module", "sklstm._base.base.importlib"


@pytest.mark.parametrize("edit", [add_a_function, add_a_private_class, change_the_class, use_a_submodule])
def test_edited_files_are_refused(edit, fitted):
    data = edited(sio.dumps(fitted("LSTMForecaster")), edit)
    with pytest.raises(UntrustedTypesFoundException):
        sio.loads(data, trusted=trusted_types())


def a_function(windows, mask, *, units):
    from keras import layers

    return layers.LSTM(units)(windows, mask=mask)


def test_a_user_s_function_is_to_be_trusted_by_the_user():
    model = LSTMForecaster(network=a_function, **FORECASTER).fit(W, W[:, -1])
    data = sio.dumps(model)
    name = f"{a_function.__module__}.a_function"
    with pytest.raises(UntrustedTypesFoundException, match=name):
        sio.loads(data, trusted=trusted_types())
    loaded = sio.loads(data, trusted=[*trusted_types(), name])
    assert_array_equal(loaded.predict(W), model.predict(W))


def test_files_hold_public_names_only(fitted):
    for name in MODELS:
        assert b"sklstm._" not in sio.dumps(fitted(name)), name


@pytest.mark.parametrize("cls", ESTIMATORS)
def test_a_file_of_another_version_warns(cls, monkeypatch):
    with monkeypatch.context() as other:
        other.setattr(_state, "__version__", "0.0.7")
        data = sio.dumps(cls())
    with pytest.warns(InconsistentVersionWarning, match=f"{cls.__name__} from sklstm 0.0.7 when using"):
        assert vars(sio.loads(data, trusted=trusted_types())) == vars(cls())


def test_a_file_of_another_scikit_learn_warns_as_theirs_do(fitted, monkeypatch):
    with monkeypatch.context() as other:
        other.setattr("sklearn.base.__version__", "1.0")
        data = sio.dumps(fitted("SeasonalNaive in a pipeline"))
    with pytest.warns(InconsistentVersionWarning, match="StandardScaler from version 1.0"):
        sio.loads(data, trusted=trusted_types())
