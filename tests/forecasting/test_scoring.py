import numpy as np
import pytest
from sklearn.metrics import r2_score
from sklearn.model_selection import GridSearchCV, TimeSeriesSplit
from sklearn.pipeline import make_pipeline

from sklstm import SeasonalNaive, SlidingWindow, to_supervised


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("horizon", [1, 2])
def test_rows_without_a_target_do_not_count(rng, weighted, horizon):
    X, y = rng.standard_normal((30, 4, 1)), rng.standard_normal((30, horizon)).squeeze()
    weight = rng.uniform(size=30) if weighted else None
    model = SeasonalNaive(2).fit(X, y)
    assert model.score(X, y, weight) == pytest.approx(r2_score(y, model.predict(X), sample_weight=weight))
    known = np.arange(30) % 5 > 0
    incomplete = np.where(known.reshape(-1, *[1] * (y.ndim - 1)), y, np.nan)
    expected = r2_score(y[known], model.predict(X)[known], sample_weight=weight[known] if weighted else None)
    assert model.score(X, incomplete, weight) == pytest.approx(expected)


def test_a_search_on_a_series_with_a_missing_value(tiny, rng):
    series = rng.standard_normal(60).cumsum()
    series[50] = np.nan
    search = GridSearchCV(
        make_pipeline(SlidingWindow(4), tiny(epochs=1)), {"lstmforecaster__units": [2]}, cv=TimeSeriesSplit(2)
    )
    search.fit(*to_supervised(series))
    assert np.isfinite(search.best_score_)


def test_all_targets_missing():
    X, y = np.ones((5, 4, 1)), np.arange(5.0)
    with pytest.raises(ValueError, match="known target"):
        SeasonalNaive().fit(X, y).score(X, np.full(5, np.nan))
    with pytest.raises(ValueError, match="NaN in every row with a weight"):
        SeasonalNaive().fit(X, np.where(y > 2, y, np.nan), sample_weight=y < 3)


def test_lengths_must_agree(rng):
    model = SeasonalNaive().fit(np.ones((5, 4, 1)), np.arange(5.0))
    with pytest.raises(ValueError, match="inconsistent numbers of samples"):
        model.score(np.ones((5, 4, 1)), np.arange(4.0))
