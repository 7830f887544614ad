import pickle
from functools import partial

import numpy as np
import pytest
from numpy.testing import assert_allclose
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.linear_model import LinearRegression
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sklstm._compat import InvalidParameterError
from sklstm.metrics import (
    continuous_ranked_probability_score,
    interval_coverage,
    interval_score,
    interval_width,
    make_interval_scorer,
    make_quantile_scorer,
)


class Normal(RegressorMixin, BaseEstimator):
    """A normal distribution around the first feature."""

    quantiles = (0.1, 0.5, 0.9)

    def __init__(self, scale=1.0):
        self.scale = scale

    def fit(self, X, y, sample_weight=None):
        self.is_fitted_ = True
        return self

    def predict_interval(self, X, coverage):
        assert 0 < coverage < 1
        return X[:, :1, np.newaxis] + self.scale * np.array([-coverage, coverage])

    def predict_quantiles(self, X):
        return X[:, :1, np.newaxis] + self.scale * np.array([-1.0, 0.0, 1.0])


@pytest.fixture
def data(rng):
    X = rng.standard_normal((60, 2))
    return X, X[:, 0] + rng.uniform(-1, 1, 60)


def test_a_scorer_hands_the_coverage_to_metrics_that_have_it(data):
    X, y = data
    ends = Normal().predict_interval(X, 0.8)
    score = interval_score(y, ends, coverage=0.8)
    assert make_interval_scorer(interval_score, coverage=0.8)(Normal(), X, y) == -score
    coverage = make_interval_scorer(interval_coverage, coverage=0.8, greater_is_better=True)(Normal(), X, y)
    assert coverage == interval_coverage(y, ends)
    assert make_interval_scorer(interval_width, coverage=0.8)(Normal(), X, y) == pytest.approx(-1.6)
    fixed = partial(interval_score, coverage=0.8)
    assert make_interval_scorer(fixed, coverage=0.8)(Normal(), X, y) == -score
    assert make_interval_scorer(interval_score, coverage=0.8, multioutput=[2])(Normal(), X, y) == pytest.approx(-score)


def test_searches_choose_by_the_score(data):
    X, y = data
    scorer = make_interval_scorer(interval_score, coverage=0.9)
    search = GridSearchCV(Normal(), {"scale": [0.1, 1.0, 10.0]}, scoring=scorer, cv=3).fit(X, y)
    assert search.best_params_ == {"scale": 1.0}
    assert scorer(search, X, y) == search.score(X, y) == scorer(search.best_estimator_, X, y)
    assert cross_val_score(Normal(), X, y, scoring=scorer, cv=3).shape == (3,)
    by_quantiles = make_quantile_scorer(continuous_ranked_probability_score)
    search = GridSearchCV(Normal(), {"scale": [0.1, 1.0, 10.0]}, scoring=by_quantiles, cv=3).fit(X, y)
    assert search.best_params_ == {"scale": 1.0}


def test_the_last_step_of_a_pipeline_reads_transformed_rows(data):
    X, y = data
    model = make_pipeline(StandardScaler(), Normal()).fit(X, y)
    for scorer in (make_interval_scorer(interval_score), make_quantile_scorer(continuous_ranked_probability_score)):
        assert scorer(model, X, y) == scorer(Normal(), StandardScaler().fit_transform(X), y)


def test_missing_values_and_weights(data):
    X, y = data
    weight = np.arange(60.0)
    missing = np.where(np.arange(60) % 3, y, np.nan)
    known = ~np.isnan(missing)
    for scorer in (
        make_interval_scorer(interval_score),
        make_interval_scorer(interval_width),
        make_quantile_scorer(continuous_ranked_probability_score),
    ):
        expected = scorer(Normal(), X[known], y[known], weight[known])
        assert_allclose(pickle.loads(pickle.dumps(scorer))(Normal(), X, missing, sample_weight=weight), expected)
        with pytest.raises(ValueError, match="All values of y are missing"):
            scorer(Normal(), X, np.full(60, np.nan))
        with pytest.raises(ValueError, match="inconsistent numbers"):
            scorer(Normal(), X, y[:9])


def test_an_estimator_without_intervals_or_quantiles(data):
    model = make_pipeline(LinearRegression()).fit(*data)
    with pytest.raises(AttributeError, match="LinearRegression has no predict_interval, which"):
        make_interval_scorer(interval_score)(model, *data)
    with pytest.raises(AttributeError, match="LinearRegression has no predict_quantiles"):
        make_quantile_scorer(continuous_ranked_probability_score)(model, *data)


def test_repr():
    scorer = make_interval_scorer(interval_coverage, coverage=0.8, greater_is_better=True, multioutput="raw_values")
    expected = "interval_coverage, coverage=0.8, greater_is_better=True, multioutput='raw_values'"
    assert repr(scorer) == f"make_interval_scorer({expected})"
    scorer = make_quantile_scorer(continuous_ranked_probability_score)
    assert repr(scorer) == "make_quantile_scorer(continuous_ranked_probability_score)"


def test_bad_parameters():
    for params in ({"coverage": 1.0}, {"coverage": (0.8, 0.9)}, {"greater_is_better": "yes"}):
        with pytest.raises(InvalidParameterError):
            make_interval_scorer(interval_score, **params)
    with pytest.raises(InvalidParameterError, match="score_func"):
        make_quantile_scorer("neg_crps")


def test_fitted_quantiles_may_be_an_array(data):
    X, y = data

    class Fitted(Normal):
        def fit(self, X, y, sample_weight=None):
            self.quantiles_ = np.array(self.quantiles)
            return super().fit(X, y)

    scorer = make_quantile_scorer(continuous_ranked_probability_score)
    assert scorer(Fitted().fit(X, y), X, y) == scorer(Normal().fit(X, y), X, y)
