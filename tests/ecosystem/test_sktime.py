import numpy as np
import pytest
from numpy.testing import assert_allclose
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer

from sklstm import SlidingWindow, forecast, to_supervised
from sklstm.datasets import load_airline

pytest.importorskip("sktime")
from sktime.forecasting.compose import make_reduction
from sktime.forecasting.model_evaluation import evaluate
from sktime.split import ExpandingWindowSplitter

WINDOW = 12
STEPS = np.arange(1, 5)
pytestmark = pytest.mark.filterwarnings("ignore::FutureWarning:sktime")


def features_last(X):
    """Return windows of shape (n_samples, n_steps, n_features), of which sktime has the last two axes the other way."""
    return X.swapaxes(1, 2)


@pytest.fixture
def series():
    return load_airline(as_frame=True).data["passengers"].iloc[:-12]


def fitted(model, series, horizon=1):
    """Return a pipeline of windows and the model, which was fitted on full windows only, as sktime does."""
    X, y = to_supervised(series.to_numpy(), horizon=horizon)
    window = SlidingWindow(WINDOW).fit(X)
    return make_pipeline(window, model.fit(window.transform(X)[WINDOW - 1 :], y[WINDOW - 1 :]))


def test_recursive_reduction_is_a_recursive_forecast(tiny, series):
    reduced = make_reduction(tiny(), window_length=WINDOW, strategy="recursive").fit(series, fh=STEPS)
    expected = forecast(fitted(tiny(), series), series.to_numpy(), steps=4)
    assert_allclose(reduced.predict().to_numpy(), expected.ravel(), rtol=1e-6)


def test_multioutput_reduction_is_a_direct_forecast(tiny, series):
    reduced = make_reduction(tiny(), window_length=WINDOW, strategy="multioutput").fit(series, fh=STEPS)
    expected = forecast(fitted(tiny(), series, horizon=4), series.to_numpy(), steps=4)
    assert_allclose(reduced.predict().to_numpy(), expected.ravel(), rtol=1e-6)


def test_direct_reduction_has_a_model_for_each_step(tiny, series):
    reduced = make_reduction(tiny(), window_length=WINDOW, strategy="direct").fit(series, fh=STEPS)
    X, y = to_supervised(series.to_numpy(), horizon=4)
    windows = SlidingWindow(WINDOW).fit_transform(X)[WINDOW - 1 :]
    last = series.to_numpy()[np.newaxis, -WINDOW:, np.newaxis]
    expected = [tiny().fit(windows, y[WINDOW - 1 :, step]).predict(last)[0] for step in range(4)]
    assert_allclose(reduced.predict().to_numpy(), expected, rtol=1e-6)


def test_time_series_regressors_get_steps_and_features_swapped(tiny, series):
    model = make_pipeline(FunctionTransformer(features_last), tiny())
    params = {"window_length": WINDOW, "strategy": "recursive", "scitype": "time-series-regressor"}
    reduced = make_reduction(model, **params).fit(series, fh=STEPS)
    expected = forecast(fitted(tiny(), series), series.to_numpy(), steps=4)
    assert_allclose(reduced.predict().to_numpy(), expected.ravel(), rtol=1e-6)
    unswapped = make_reduction(tiny(), **params).fit(series, fh=STEPS)
    assert unswapped.estimator_.n_features_in_ == WINDOW  # of one step


def test_exogenous_columns_are_features_of_the_steps(tiny, series):
    columns = series.to_frame("passengers").assign(month=series.index.month.astype(float))
    model = make_pipeline(FunctionTransformer(features_last), tiny())
    reduced = make_reduction(model, window_length=WINDOW, strategy="recursive", scitype="time-series-regressor")
    reduced.fit(series, X=columns[["month"]], fh=[1])
    estimator = reduced.estimator_[-1]
    assert (estimator.n_steps_in_, estimator.n_features_in_) == (WINDOW, 2)


def test_evaluation(tiny, series):
    reduced = make_reduction(tiny(), window_length=WINDOW, strategy="multioutput")
    splitter = ExpandingWindowSplitter(fh=STEPS, initial_window=100, step_length=16)
    result = evaluate(reduced, splitter, series)
    assert len(result) == 2
    assert np.isfinite(result["test_MeanAbsolutePercentageError"]).all()
