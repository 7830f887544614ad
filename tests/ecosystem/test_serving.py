"""The served example: answers, errors, and requests at the same time."""

import pytest

pytest.importorskip("skops", minversion="0.16")
pytest.importorskip("starlette")
pytest.importorskip("httpx")

import importlib.util
import re
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
from numpy.testing import assert_array_equal
from starlette.testclient import TestClient

from sklstm.datasets import load_airline

ROWS = load_airline().data.astype(float)


@pytest.fixture(scope="module")
def serving():
    path = Path(__file__).parents[2] / "docs" / "examples" / "deployment" / "serving.py"
    spec = importlib.util.spec_from_file_location("serving", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def model_path(serving, tmp_path_factory):
    path = tmp_path_factory.mktemp("model") / "model.skops"
    serving.fit_and_save(path, units=3, epochs=2, n_networks=2)
    return path


@pytest.fixture(scope="module")
def client(serving, model_path):
    with TestClient(serving.make_app(model_path)) as client:
        yield client


def test_the_answer_is_the_forecast(client):
    model = client.app.state.model
    answer = client.post("/forecast", json={"rows": ROWS[-24:].tolist()})
    assert answer.status_code == 200
    assert_array_equal(answer.json()["forecast"], model.predict(ROWS[-24:])[-1])
    lower, upper = model.predict_interval(ROWS[-24:])[-1].T
    assert_array_equal(answer.json()["lower"], lower)
    assert_array_equal(answer.json()["upper"], upper)


def test_a_missing_value_and_a_short_history(client):
    rows = [[112.0], [None], [132.0]]
    expected = client.app.state.model.predict(np.array([[112.0], [np.nan], [132.0]]))[-1]
    assert_array_equal(client.post("/forecast", json={"rows": rows}).json()["forecast"], expected)


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ({}, "must be an object"),
        ([1], "must be an object"),
        ({"rows": [[1.0, 2.0]] * 24}, "X has 2 features"),
        ({"rows": []}, "Expected 2D array"),
        ({"rows": [["a"]]}, "could not convert"),
        ({"rows": [[1.0], [2.0, 3.0]]}, "inhomogeneous"),
        ({"rows": [[1.0]] * 10_001}, "at most 10000"),
        ({"rows": 1.0}, "must be an object"),
    ],
)
def test_a_bad_request_has_the_text_of_the_error(client, body, message):
    answer = client.post("/forecast", json=body)
    assert answer.status_code == 422
    assert re.search(message, answer.json()["error"])


def test_a_body_that_is_no_json(client):
    assert client.post("/forecast", content=b"{").status_code == 422


def test_requests_at_the_same_time(client):
    windows = [ROWS[start : start + 24 + start % 5].tolist() for start in range(60)]

    def forecast(rows):
        return client.post("/forecast", json={"rows": rows}).json()["forecast"]

    one_by_one = [forecast(rows) for rows in windows]
    with ThreadPoolExecutor(8) as threads:
        assert list(threads.map(forecast, windows * 2)) == one_by_one * 2


def test_the_first_request_compiles_nothing(serving, model_path):
    from sklstm import _engine

    with TestClient(serving.make_app(model_path)) as client:
        before = _engine.compilations()
        client.post("/forecast", json={"rows": ROWS[-24:].tolist()}).raise_for_status()
        assert _engine.compilations() == before
