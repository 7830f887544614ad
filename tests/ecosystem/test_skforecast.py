import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer

from sklstm import SlidingWindow, forecast, to_supervised
from sklstm.datasets import load_airline

pytest.importorskip("skforecast")
from skforecast.direct import ForecasterDirect
from skforecast.model_selection import TimeSeriesFold, backtesting_forecaster
from skforecast.recursive import ForecasterRecursive

LAGS = 12


@pytest.fixture
def series():
    passengers = load_airline(as_frame=True).data["passengers"].iloc[:-12]
    return passengers.set_axis(passengers.index.to_timestamp()).asfreq("MS")


def oldest_first(estimator):
    """Return a pipeline for the lags of skforecast, of which the newest comes first."""
    return make_pipeline(FunctionTransformer(np.fliplr), estimator)


def full_windows(series, horizon=1):
    X, y = to_supervised(series.to_numpy(), horizon=horizon)
    return SlidingWindow(LAGS).fit_transform(X)[LAGS - 1 :], y[LAGS - 1 :]


def test_recursive_forecaster_is_a_recursive_forecast(tiny, series):
    forecaster = ForecasterRecursive(estimator=oldest_first(tiny()), lags=LAGS)
    forecaster.fit(y=series)
    model = make_pipeline(SlidingWindow(LAGS).fit(series.to_numpy()[:, np.newaxis]), tiny().fit(*full_windows(series)))
    expected = forecast(model, series.to_numpy(), steps=4)
    assert_allclose(forecaster.predict(steps=4).to_numpy(), expected.ravel(), rtol=1e-6)


def test_direct_forecaster_has_a_model_for_each_step(tiny, series):
    forecaster = ForecasterDirect(estimator=oldest_first(tiny()), lags=LAGS, steps=3)
    forecaster.fit(y=series)
    windows, y = full_windows(series, horizon=3)
    last = series.to_numpy()[np.newaxis, -LAGS:, np.newaxis]
    expected = [tiny().fit(windows, y[:, step]).predict(last)[0] for step in range(3)]
    assert_allclose(forecaster.predict(steps=3).to_numpy(), expected, rtol=1e-6)


def test_lags_come_newest_first(tiny, series):
    X, _ = ForecasterRecursive(estimator=tiny(), lags=LAGS).create_train_X_y(y=series)
    windows, _ = full_windows(series)
    assert_array_equal(np.fliplr(X), windows[..., 0])


def test_backtest_is_ours(tiny, series):
    forecaster = ForecasterRecursive(estimator=oldest_first(tiny()), lags=LAGS)
    cv = TimeSeriesFold(steps=4, initial_train_size=100, refit=False)
    _, found = backtesting_forecaster(forecaster, series, cv=cv, metric="mean_absolute_error", show_progress=False)
    windows, y = full_windows(series[:100])
    model = make_pipeline(SlidingWindow(LAGS).fit(series.to_numpy()[:, np.newaxis]), tiny().fit(windows, y))
    expected = [forecast(model, series.to_numpy()[: 100 + start], steps=4) for start in range(0, 32, 4)]
    assert_allclose(found["pred"].to_numpy(), np.concatenate(expected).ravel(), rtol=1e-6)


def test_exogenous_columns_are_steps(tiny, series):
    forecaster = ForecasterRecursive(estimator=tiny(), lags=LAGS)
    forecaster.fit(y=series, exog=series.index.month.to_series(series.index, name="month"))
    assert (forecaster.estimator.n_steps_in_, forecaster.estimator.n_features_in_) == (LAGS + 1, LAGS + 1)
