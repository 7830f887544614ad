"""Searches and backtests on a Dask cluster, through joblib, also if a worker is lost on the way."""

import os
import signal
from itertools import chain

import numpy as np
import pytest
from joblib import parallel_config
from numpy.testing import assert_allclose
from sklearn.metrics import mean_absolute_error
from sklearn.model_selection import GridSearchCV, TimeSeriesSplit
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer

from sklstm import SlidingWindow, backtest, to_supervised
from sklstm.datasets import make_sine

distributed = pytest.importorskip("distributed")

SERIES = make_sine(400)  # so long that joblib has Dask scatter it, and the rows of a split
X, y = to_supervised(SERIES)
SPLITS = list(TimeSeriesSplit(2).split(X))
GRID = {"lstmforecaster__learning_rate": [0.001, 0.01, 0.1]}


@pytest.fixture(scope="module")
def client():
    """Return the client of a cluster of two processes."""
    with (
        distributed.LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None) as cluster,
        distributed.Client(cluster) as client,
    ):
        client.amm.stop()  # it would leave a single copy of data that no waiting task needs
        yield client


@pytest.fixture
def model(tiny):
    return make_pipeline(SlidingWindow(4, carry_over=True), tiny(units=2))


class LosesWorker:
    """Ends the process of a worker in the middle of its first call there, as a machine that fails would."""

    def __init__(self, mark):
        self.mark = mark

    def __call__(self, *_):
        if isinstance(distributed_worker(), distributed.Worker):
            try:
                self.mark.touch(exist_ok=False)
            except FileExistsError:
                return
            os.kill(os.getpid(), signal.SIGKILL)


def distributed_worker():
    try:
        return distributed.get_worker()
    except ValueError:  # not in a worker
        return None


class Score(LosesWorker):
    """A scorer that loses a worker."""

    def __call__(self, estimator, X, y):
        super().__call__()
        return -mean_absolute_error(y, estimator.predict(X))


class Rows(LosesWorker):
    """A function of rows that leaves them as they are, and loses a worker."""

    def __call__(self, X):
        super().__call__()
        return X


def scores(model, scoring):
    search = GridSearchCV(model, GRID, cv=SPLITS, scoring=scoring, refit=False, error_score="raise")
    return search.fit(X, y).cv_results_["mean_test_score"]


def test_search(model, client):
    expected = scores(model, "neg_mean_absolute_error")
    with parallel_config("dask"):
        assert_allclose(scores(model, "neg_mean_absolute_error"), expected, rtol=1e-6)


def test_search_that_loses_a_worker(model, client, tmp_path):
    """Every worker has the data, so that none takes some away with it."""
    expected = scores(model, "neg_mean_absolute_error")
    client.wait_for_workers(2, timeout=60)
    with parallel_config("dask", scatter=[X, y, *chain.from_iterable(SPLITS)]):
        assert_allclose(scores(model, Score(tmp_path / "lost")), expected, rtol=1e-6)
    assert (tmp_path / "lost").exists()


def test_backtest_with_refits_that_loses_a_worker(tiny, client, tmp_path):
    model = make_pipeline(FunctionTransformer(Rows(tmp_path / "lost")), SlidingWindow(4), tiny(units=2))
    settings = {"horizon": 2, "first_origin": 100, "refit_every": 100}
    expected = backtest(model, SERIES, **settings).prediction
    client.wait_for_workers(2, timeout=60)
    with parallel_config("dask"):
        assert_allclose(backtest(model, SERIES, **settings).prediction, expected, rtol=1e-6)
    assert (tmp_path / "lost").exists()


def test_recursive_backtest_that_loses_a_worker(tiny, client, tmp_path):
    model = make_pipeline(FunctionTransformer(Rows(tmp_path / "lost")), SlidingWindow(4), tiny(units=2)).fit(X, y)
    settings = {"horizon": 2, "first_origin": 390}
    expected = backtest(model, SERIES, **settings).prediction
    client.wait_for_workers(2, timeout=60)
    with parallel_config("dask"):
        assert_allclose(backtest(model, SERIES, **settings).prediction, expected, rtol=1e-6)
    assert (tmp_path / "lost").exists()


def test_workers_have_the_backend_and_one_thread(client):
    def settings():
        import keras

        from sklstm._engine.runtime import threads

        return keras.backend.backend(), threads._effective_n_threads()

    import keras

    assert set(client.run(settings).values()) == {(keras.backend.backend(), int(os.environ.get("OMP_NUM_THREADS", 1)))}


def row_values(rows, file):
    """Return rows of a file, by their numbers."""
    return np.load(file, mmap_mode="r")[rows[:, 0]]


def test_workers_read_a_file(model, client, tmp_path):
    """Row numbers are sent to the workers in the place of rows."""
    file = tmp_path / "series.npy"
    np.save(file, SERIES)
    reader = FunctionTransformer(row_values, kw_args={"file": str(file)})
    reading = make_pipeline(reader, *model)
    numbers = np.arange(len(X)).reshape(-1, 1)
    search = GridSearchCV(reading, GRID, cv=SPLITS, scoring="neg_mean_absolute_error", error_score="raise")
    with parallel_config("dask"):
        search.fit(numbers, y)
    assert_allclose(search.cv_results_["mean_test_score"], scores(model, "neg_mean_absolute_error"), rtol=1e-6)
    assert_allclose(search.predict(numbers), model.set_params(**search.best_params_).fit(X, y).predict(X))
