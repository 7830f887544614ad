"""Searches of scikit-learn that draw candidates, or give more epochs to those that are ahead."""

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy.stats import loguniform, randint
from sklearn.base import clone
from sklearn.experimental import enable_halving_search_cv  # noqa: F401
from sklearn.model_selection import (
    HalvingGridSearchCV,
    HalvingRandomSearchCV,
    RandomizedSearchCV,
    TimeSeriesSplit,
    cross_val_score,
)
from sklearn.pipeline import make_pipeline

from sklstm import SlidingWindow, to_supervised
from sklstm.datasets import make_sine

CV = TimeSeriesSplit(2)
RATES = [0.001, 0.003, 0.01, 0.03]


@pytest.fixture
def series():
    return to_supervised(make_sine(80))


@pytest.fixture
def model(tiny):
    return make_pipeline(SlidingWindow(4, carry_over=True), tiny())


def mean_score(model, series, **params):
    return cross_val_score(clone(model).set_params(**params), *series, cv=CV).mean()


def test_random_search(model, series):
    drawn = {
        "slidingwindow__window_size": randint(3, 5),
        "lstmforecaster__learning_rate": loguniform(1e-3, 1e-1),
    }
    search = RandomizedSearchCV(model, drawn, n_iter=3, cv=CV, random_state=0, error_score="raise").fit(*series)
    assert len({params["lstmforecaster__learning_rate"] for params in search.cv_results_["params"]}) == 3
    assert_allclose(search.best_score_, mean_score(model, series, **search.best_params_), rtol=1e-6)
    assert search.predict(series[0]).shape == (79,)


@pytest.mark.parametrize("kind", [HalvingGridSearchCV, HalvingRandomSearchCV])
def test_halving_by_epochs(model, series, kind):
    """Candidates ahead after few epochs go on to more, in the order of time and on all rows."""
    search = kind(
        model,
        {"lstmforecaster__learning_rate": RATES},
        resource="lstmforecaster__epochs",
        min_resources=1,
        max_resources=4,
        factor=2,
        cv=CV,
        error_score="raise",
        random_state=0,
    ).fit(*series)
    epochs = np.array([params["lstmforecaster__epochs"] for params in search.cv_results_["params"]])
    assert_allclose(epochs, search.cv_results_["n_resources"])
    assert [np.sum(epochs == n) for n in (1, 2, 4)] == [4, 2, 1]
    assert search.best_params_["lstmforecaster__epochs"] == 4
    assert_allclose(search.best_score_, mean_score(model, series, **search.best_params_), rtol=1e-6)
    assert search.best_estimator_[-1].n_iter_ == 4


def test_halving_tells_epochs_from_auto(model, series):
    """The number of epochs is the resource, whatever the parameter was."""
    model.set_params(lstmforecaster__epochs="auto")
    search = HalvingGridSearchCV(
        model, {"lstmforecaster__learning_rate": RATES[:2]}, resource="lstmforecaster__epochs", max_resources=2, cv=CV
    ).fit(*series)
    assert search.best_estimator_[-1].n_iter_ <= 2
