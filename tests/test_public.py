"""What the package promises as a whole: its names, its docstrings, its documents."""

import inspect
import pickle
import re
from pathlib import Path

import numpy as np
import pytest

import sklstm
import sklstm.datasets
import sklstm.metrics
import sklstm.plotting
from sklstm import (
    LSTMAnomalyDetector,
    LSTMClassifier,
    LSTMForecaster,
    LSTMTextGenerator,
    LSTMTranscriber,
    LSTMTranslator,
    SeasonalNaive,
    TokenSequences,
)

ROOT = Path(__file__).parents[1]
MODULES = [sklstm, sklstm.datasets, sklstm.metrics, sklstm.plotting]
PUBLIC = [getattr(module, name) for module in MODULES for name in module.__all__]
DRAWING = [
    getattr(getattr(sklstm.plotting, name), method)
    for name in sklstm.plotting.__all__
    for method in ("from_estimator", "from_predictions", "plot")
    if hasattr(getattr(sklstm.plotting, name), method)
]


def test_exported_names():
    assert sklstm.__all__ == [
        "ConformalForecaster",
        "LSTMAnomalyDetector",
        "LSTMClassifier",
        "LSTMForecaster",
        "LSTMTextGenerator",
        "LSTMTranscriber",
        "LSTMTranslator",
        "LogMelSpectrogram",
        "PanelTimeSeriesSplit",
        "SeasonalNaive",
        "SlidingWindow",
        "TokenSequences",
        "backtest",
        "forecast",
        "pad_sequences",
        "sample_paths",
        "to_supervised",
        "trusted_types",
    ]
    assert sklstm.datasets.__all__ == ["load_airline", "make_sine"]
    assert sklstm.metrics.__all__ == [
        "character_error_rate",
        "continuous_ranked_probability_score",
        "interval_coverage",
        "interval_score",
        "interval_width",
        "make_interval_scorer",
        "make_quantile_scorer",
        "make_step_scorer",
        "mean_absolute_scaled_error",
    ]
    assert sklstm.plotting.__all__ == [
        "AttentionDisplay",
        "BacktestDisplay",
        "ForecastDisplay",
        "GatesDisplay",
        "LossCurveDisplay",
        "RelevanceDisplay",
    ]


def parameters_in(docstring):
    """Return the defaults that a numpydoc docstring states, by parameter."""
    section = re.search(r"Parameters\n-+\n(.*?)(\n[A-Z][\w ]+\n-+\n|\Z)", inspect.cleandoc(docstring), re.S)
    stated = re.findall(r"^\**(\w+) : (.*)$", section[1], re.M) if section else []
    return {name: re.search(r"default=(.*)", text) and re.search(r"default=(.*)", text)[1] for name, text in stated}


@pytest.mark.parametrize("public", [*PUBLIC, *DRAWING], ids=lambda public: public.__qualname__)
def test_stated_defaults_are_the_real_ones(public):
    real = {
        name: None if parameter.default is inspect.Parameter.empty else parameter.default
        for name, parameter in inspect.signature(public).parameters.items()
        if name != "self"
    }
    stated = parameters_in(public.__doc__)
    assert list(stated) == list(real)
    for name, default in real.items():
        expected = inspect.signature(public).parameters[name].default
        if expected is inspect.Parameter.empty:
            assert stated[name] is None
        else:
            assert eval(stated[name]) == default


# Parameters that networks share, whose entries differ for a reason.
DIFFERENT_ENTRIES = {
    "analyzer": "a translator has one for each side",
    "bidirectional": "what reads from the end, and what it cannot do then",
    "beam_size": "beams of translations, and of paths",
    "batch_size": "only a classifier chooses it",
    "callbacks": "a generator has one network",
    "embedding_dim": "in the classifier it decides what X is",
    "early_stopping": "other rows are in the validation set",
    "epochs": "their number is chosen by different rules",
    "validation_fraction": "other rows are in the validation set",
    "n_networks": "what of them is averaged",
    "network": "a generator has outputs at each step, and a classifier reads frames",
    "network_params": "those of the ready networks, which a generator has not",
    "normalize": "only a forecaster has a numeric target",
    "random_state": "a classifier draws its validation set",
    "warm_start": "what else is kept from the first fit",
}


def test_shared_parameters_have_one_text():
    entries = {}
    for estimator in (LSTMForecaster, LSTMClassifier, LSTMTextGenerator, LSTMTranslator, LSTMTranscriber):
        for name, text in entries_of(estimator).items():
            entries.setdefault(name, set()).add(text)
    assert {name for name, texts in entries.items() if len(texts) > 1} == set(DIFFERENT_ENTRIES)


def entries_of(estimator):
    """Return type and description of each parameter in a docstring, without defaults and references."""
    section = re.search(r"Parameters\n-+\n(.*?)\n[A-Z][\w ]+\n-+\n", inspect.cleandoc(estimator.__doc__), re.S)[1]
    found = re.findall(r"^(\w+) : (.*)\n((?:    .*\n?|\n)*)", section, re.M)
    return {
        name: (re.sub(r", default=.*", "", kind), " ".join(re.sub(r" \[\d\]_", "", text).split()))
        for name, kind, text in found
    }


@pytest.mark.parametrize("public", PUBLIC, ids=lambda public: public.__name__)
def test_every_public_object_is_documented(public):
    assert ">>>" in public.__doc__
    if inspect.isclass(public):
        for name, method in inspect.getmembers(public, inspect.isfunction):
            if not name.startswith("_"):
                assert method.__doc__, name


@pytest.mark.parametrize(
    "estimator",
    [
        LSTMForecaster(units=4, epochs=2),
        LSTMClassifier(units=4, epochs=2),
        SeasonalNaive(target=0),
        LSTMAnomalyDetector(SeasonalNaive()),
    ],
    ids=lambda model: type(model).__name__,
)
def test_documented_attributes_are_those_of_a_fit(estimator, windows):
    X, y = windows
    estimator.fit(X, np.sign(y))  # a number and a class
    assert documented_attributes(estimator) == fitted_attributes(estimator) | {"feature_names_in_"}


@pytest.mark.parametrize(
    "estimator",
    [TokenSequences(), LSTMTextGenerator(units=2, epochs=1)],
    ids=lambda model: type(model).__name__,
)
def test_documented_attributes_are_those_of_a_fit_to_documents(estimator):
    assert documented_attributes(estimator) == fitted_attributes(estimator.fit(["one document", "another one"]))


@pytest.mark.parametrize(
    ("estimator", "data"),
    [
        (LSTMTranslator(units=2, epochs=1), (["one", "two"], ["1", "2"])),
        (LSTMTranscriber(units=2, epochs=1), ([[[0.0], [1.0]]] * 2, ["1", "2"])),
    ],
    ids=lambda value: type(value).__name__,
)
def test_documented_attributes_are_those_of_a_fit_to_texts(estimator, data):
    assert documented_attributes(estimator) == fitted_attributes(estimator.fit(*data))
    assert b"sklstm._" not in pickle.dumps(estimator)


def documented_attributes(estimator):
    section = re.search(r"Attributes\n-+\n(.*?)\n[A-Z][\w ]+\n-+\n", inspect.cleandoc(estimator.__doc__), re.S)
    return {
        name.strip() for names in re.findall(r"^(\w+_(?:, \w+_)*) : ", section[1], re.M) for name in names.split(",")
    }


def fitted_attributes(estimator):
    return {name for name in vars(estimator) if name.endswith("_")}


def test_code_in_the_readme_runs(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    code, shown = (re.search(rf"^```{language}\n(.*?)^```", readme, re.S | re.M)[1] for language in ("python", "text"))
    exec(code, {})
    assert len(capsys.readouterr().out.splitlines()) == 14
    assert shown.splitlines()[0].split() == ["passengers", "passengers_lower_80", "passengers_upper_80"]


def test_only_the_engine_imports_keras():
    engine = ROOT / "sklstm" / "_engine"
    for path in (ROOT / "sklstm").rglob("*.py"):
        if engine not in path.parents:
            source = path.read_text(encoding="utf-8")
            assert not re.search(r"^\s*(import|from) (keras|scikeras|jax|tensorflow|torch)\b", source, re.M), path


def test_private_names_of_scikit_learn_are_imported_in_one_place():
    for path in (ROOT / "sklstm").rglob("*.py"):
        if path.name != "_compat.py":
            source = path.read_text(encoding="utf-8")
            assert not re.search(r"^\s*from sklearn\S*( import .*\b_|\._)", source, re.M), path


# From the top: a room imports only from those below it.
ROOMS = [
    "plotting",
    "_anomalies",
    "_text",
    "metrics",
    "_sequences",
    "_forecasting",
    "_conformal",
    "_base",
    "_inspection",
    "_stepwise",
    "_engine",
    "_windows",
]


@pytest.mark.parametrize("room", ROOMS)
def test_arrows_between_rooms_run_one_way(room):
    above = ROOMS[: ROOMS.index(room)]
    for path in (ROOT / "sklstm" / room).rglob("*.py"):
        imported = re.findall(r"^\s*from (?:sklstm|\.\.+)\.?(\w+)", path.read_text(encoding="utf-8"), re.M)
        assert not set(imported) & set(above), path


@pytest.mark.parametrize("public", PUBLIC, ids=lambda public: public.__name__)
def test_public_objects_have_a_public_module(public):
    assert public.__module__ in {module.__name__ for module in MODULES}


@pytest.mark.parametrize("estimator", [LSTMForecaster, LSTMClassifier, LSTMTextGenerator])
def test_files_of_fitted_estimators_carry_no_private_path(estimator, windows):
    X, y = windows
    data = (["one document", "another one"],) if estimator is LSTMTextGenerator else (X, np.sign(y))
    assert b"sklstm._" not in pickle.dumps(estimator(units=2, epochs=1).fit(*data))
