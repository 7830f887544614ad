"""Searches and backtests on Ray, through its joblib backend. Ray is not in the extra `ecosystem`."""

import pytest
from joblib import parallel_config
from numpy.testing import assert_allclose
from sklearn.model_selection import GridSearchCV, TimeSeriesSplit
from sklearn.pipeline import make_pipeline

from sklstm import SlidingWindow, backtest, to_supervised
from sklstm.datasets import make_sine

ray = pytest.importorskip("ray")
ray_joblib = pytest.importorskip("ray.util.joblib")
pytestmark = pytest.mark.thorough


@pytest.fixture
def cluster():
    ray.init(num_cpus=2, include_dashboard=False, log_to_driver=False)
    ray_joblib.register_ray()
    yield
    ray.shutdown()


@pytest.mark.filterwarnings("ignore:os.fork:RuntimeWarning")
def test_search_and_backtest(tiny, cluster):
    series = make_sine(300)
    X, y = to_supervised(series)
    model = make_pipeline(SlidingWindow(4, carry_over=True), tiny(units=2))
    grid = {"lstmforecaster__learning_rate": [0.001, 0.01]}
    search = GridSearchCV(model, grid, cv=TimeSeriesSplit(2), refit=False, error_score="raise")

    def results(**params):
        forecasts = backtest(model, series, horizon=2, first_origin=100, refit_every=100, **params)
        return *search.set_params(**params).fit(X, y).cv_results_["mean_test_score"], *forecasts.prediction

    expected = results()
    with parallel_config("ray", n_jobs=-1):
        assert_allclose(results(), expected, rtol=1e-6)
