import numpy as np
import pytest
from numpy.testing import assert_allclose
from sklearn.compose import TransformedTargetRegressor
from sklearn.pipeline import make_pipeline

from sklstm import LSTMForecaster, SlidingWindow, to_supervised
from sklstm.datasets import make_sine

pytest.importorskip("mapie")
from mapie.metrics.regression import regression_coverage_score
from mapie.regression import CrossConformalRegressor, SplitConformalRegressor, TimeSeriesRegressor
from mapie.subsample import BlockBootstrap

COVERAGE = 0.8
WINDOW = 8
TRAIN, CALIBRATION, TEST = slice(0, 200), slice(200, 300), slice(300, None)


@pytest.fixture
def series(rng):
    return make_sine(400) + rng.normal(scale=0.1, size=(400, 1))


@pytest.fixture
def flat(series):
    """Return flat windows and their targets: rows that each stand for themselves."""
    X, y = to_supervised(series)
    return SlidingWindow(WINDOW, flatten=True).fit_transform(X)[WINDOW:], y[WINDOW:]


def half_width(model, X, y):
    """Return the quantile of absolute errors that split conformal prediction takes."""
    errors = np.sort(np.abs(y - model.predict(X)))
    return errors[int(np.ceil((len(errors) + 1) * COVERAGE)) - 1]


def test_split_conformal_intervals_of_flat_windows(tiny, flat):
    X, y = flat
    model = tiny(epochs=20, learning_rate=0.01).fit(X[TRAIN], y[TRAIN])
    conformal = SplitConformalRegressor(model, confidence_level=COVERAGE, prefit=True)
    points, intervals = conformal.conformalize(X[CALIBRATION], y[CALIBRATION]).predict_interval(X[TEST])
    expected = half_width(model, X[CALIBRATION], y[CALIBRATION])
    assert_allclose(points, model.predict(X[TEST]))
    assert_allclose(intervals[:, :, 0], np.stack([points - expected, points + expected], axis=1))
    assert regression_coverage_score(y[TEST], intervals)[0] == pytest.approx(COVERAGE, abs=0.12)


def test_split_conformal_intervals_of_a_pipeline(tiny, series):
    pd = pytest.importorskip("pandas")
    X, y = to_supervised(pd.DataFrame(series, columns=["sine"]))
    pipeline = make_pipeline(SlidingWindow(WINDOW, carry_over=True), tiny()).fit(X[TRAIN], y[TRAIN])
    model = TransformedTargetRegressor(pipeline).fit(X[TRAIN], y[TRAIN])
    conformal = SplitConformalRegressor(model, confidence_level=COVERAGE, prefit=True)
    points, intervals = conformal.conformalize(X[CALIBRATION], y[CALIBRATION]).predict_interval(X[TEST])
    assert_allclose(points, pipeline.predict(X[TEST]), rtol=1e-6)
    expected = half_width(pipeline, X[CALIBRATION], y[CALIBRATION])
    assert_allclose(intervals[:, 1, 0] - points, expected, rtol=1e-5)


def test_a_pipeline_alone_fails_the_probe_of_mapie(tiny, series):
    X, y = to_supervised(series)
    pipeline = make_pipeline(SlidingWindow(WINDOW), tiny()).fit(X, y)
    conformal = SplitConformalRegressor(pipeline, prefit=True)
    with pytest.raises(UserWarning, match="failed a minimal prediction test"):
        conformal.conformalize(X, y)


def test_cross_conformal_intervals(tiny, flat):
    X, y = flat
    conformal = CrossConformalRegressor(tiny(), confidence_level=COVERAGE, cv=3)
    conformal.fit_conformalize(X[:300], y[:300])
    points, intervals = conformal.predict_interval(X[TEST])
    assert ((intervals[:, 0, 0] < points) & (points < intervals[:, 1, 0])).all()


@pytest.mark.parametrize("method", ["enbpi", "aci"])
def test_time_series_intervals_of_windows(tiny, flat, method):
    X, y = flat
    windows = X.reshape(len(X), WINDOW, 1)
    resampling = BlockBootstrap(n_resamplings=12, length=40, random_state=0)
    conformal = TimeSeriesRegressor(tiny(epochs=20, learning_rate=0.01), method=method, cv=resampling)
    conformal.fit(windows[:300], y[:300])
    points, intervals = conformal.predict(windows[TEST], confidence_level=COVERAGE)
    model = tiny(epochs=20, learning_rate=0.01).fit(windows[:300], y[:300])
    assert_allclose(points, model.predict(windows[TEST]), rtol=1e-6)
    assert regression_coverage_score(y[TEST], intervals)[0] == pytest.approx(COVERAGE, abs=0.2)


def test_several_outputs_are_refused(tiny, series):
    X, y = to_supervised(series, horizon=2)
    X = SlidingWindow(WINDOW, flatten=True).fit_transform(X)
    conformal = SplitConformalRegressor(tiny().fit(X, y), prefit=True)
    with pytest.raises(ValueError, match="should be a 1d array"):
        conformal.conformalize(X, y)


def test_the_defaults(flat):
    X, y = flat
    model = LSTMForecaster(units=4, epochs=2, random_state=0).fit(X[TRAIN], y[TRAIN])
    conformal = SplitConformalRegressor(model, confidence_level=COVERAGE, prefit=True)
    points, intervals = conformal.conformalize(X[CALIBRATION], y[CALIBRATION]).predict_interval(X[TEST])
    expected = half_width(model, X[CALIBRATION], y[CALIBRATION])
    assert_allclose(intervals[:, 1, 0] - points, expected)
