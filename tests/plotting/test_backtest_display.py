from itertools import pairwise

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from matplotlib.dates import date2num
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.linear_model import LinearRegression
from sklearn.utils import Bunch

from sklstm import ConformalForecaster, backtest, to_supervised
from sklstm.metrics import interval_coverage
from sklstm.plotting import BacktestDisplay

LEVELS = (80, 95)


@pytest.fixture
def result(rng):
    """Return a backtest of 100 origins and 4 steps, with errors that grow by the step."""
    origin, step = (axis.ravel() for axis in np.meshgrid(np.arange(100), np.arange(1, 5), indexing="ij"))
    truth = rng.standard_normal(400)
    columns = {"origin": origin, "step": step, "truth": truth, "prediction": truth + step}
    for level, reach in zip(LEVELS, (1, 3), strict=True):
        columns[f"lower_{level}"], columns[f"upper_{level}"] = truth + step - reach - 0.5, truth + step + reach
    return columns


def as_frame(result, index):
    return pd.DataFrame(result | {"origin": index[result["origin"]]})


@pytest.mark.parametrize(
    "index",
    [
        None,
        pd.RangeIndex(0, 100),
        pd.date_range("2024", periods=100, freq="h"),
        pd.date_range("2024", periods=100, freq="h", tz="UTC"),
        pd.period_range("2024-01", periods=100, freq="M"),
        pd.timedelta_range("0h", periods=100, freq="s"),
    ],
    ids=["array", "numbers", "dates", "zone", "periods", "durations"],
)
def test_errors_and_coverage(result, index):
    display = BacktestDisplay.from_predictions(Bunch(**result) if index is None else as_frame(result, index))
    assert display.axes_.shape == (2, 2)
    by_step, by_origin = display.error_lines_
    assert_allclose(by_step.get_xydata(), [[1, 1], [2, 2], [3, 3], [4, 4]])
    assert_allclose(by_origin.get_ydata(), np.full(40, 2.5))
    origins = "origin (s)" if isinstance(index, pd.TimedeltaIndex) else "origin"
    at = np.arange(100)
    if isinstance(index, pd.DatetimeIndex | pd.PeriodIndex):
        index = index.to_timestamp() if isinstance(index, pd.PeriodIndex) else index
        at = date2num(index.to_pydatetime())
    assert at[0] <= by_origin.get_xdata()[0] < at[3]
    assert (np.diff(by_origin.get_xdata()) > 0).all()
    narrow, wide, *over_time = display.coverage_lines_
    assert_array_equal(narrow.get_ydata(), [1, 0, 0, 0])
    assert_array_equal(wide.get_ydata(), [1, 1, 1, 0])
    assert_allclose([line.get_ydata() for line in over_time], np.repeat([[0.25], [0.75]], 40, axis=1))
    assert [line.get_ydata()[0] for line in display.nominal_lines_] == [0.8, 0.95] * 2
    assert {line.get_linestyle() for line in display.nominal_lines_} == {"--"}
    assert narrow.get_marker() != wide.get_marker()
    names = [text.get_text() for text in display.legend_.get_texts()]
    assert names == ["95 % interval", "80 % interval", "nominal"]
    assert [axes.get_xlabel() for axes in display.axes_[1]] == ["step ahead", origins]


def test_coverage_is_that_of_the_metric(result, rng):
    result["truth"] = rng.standard_normal(400)
    result["truth"][::7] = np.nan
    frame = pd.DataFrame(result)
    display = BacktestDisplay.from_predictions(frame, coverage=0.95)
    assert list(display.by_step["coverage"]) == [0.95]
    for step, coverage in zip(display.by_step["steps"], display.by_step["coverage"][0.95], strict=True):
        rows = frame[frame["step"] == step]
        assert coverage == pytest.approx(interval_coverage(rows["truth"], rows[["lower_95", "upper_95"]]))


def test_missing_values_do_not_count(result):
    truth = result["truth"]
    truth[(result["step"] == 2) | (result["origin"] < 10)] = np.nan
    result["prediction"][result["origin"] == 50] = np.nan
    result["lower_80"][result["step"] == 3] = np.nan
    display = BacktestDisplay.from_predictions(Bunch(**result))
    assert_allclose(display.by_step["error"], [1, np.nan, 3, 4])
    assert_allclose(display.by_step["coverage"][0.8], [1, np.nan, np.nan, 0])
    assert_array_equal(np.isnan(display.by_origin["error"]), np.arange(40) < 4)
    truth[:] = np.nan
    with pytest.raises(ValueError, match="no row with both a truth and a prediction"):
        BacktestDisplay.from_predictions(Bunch(**result))


def test_points_only(result):
    display = BacktestDisplay.from_predictions(Bunch(**{name: result[name] for name in list(result)[:4]}))
    assert display.axes_.shape == (1, 2)
    assert display.legend_ is None
    assert not display.coverage_lines_
    assert display.axes_[0, 0].get_ylabel() == "mean absolute error"
    assert display.axes_[0, 0].get_ylim()[0] == 0


def test_one_target_and_some_series(result):
    frame = pd.DataFrame(result)
    frame.insert(2, "target", np.where(frame.index % 2, "a", "b"))
    display = BacktestDisplay.from_predictions(frame, target="a")
    assert_array_equal(display.by_step["steps"], [2, 4])
    assert display.axes_[0, 0].get_ylabel() == "mean absolute error\nof a"
    for target, message in [(None, "Choose one with target="), (["a", "b"], "must be one"), ("c", "must name some of")]:
        with pytest.raises(ValueError, match=message):
            BacktestDisplay.from_predictions(frame, target=target)
    frame = pd.DataFrame(result)
    frame.insert(0, "store", np.where(frame["origin"] < 30, "x", "y"))
    assert len(BacktestDisplay.from_predictions(frame, series="x").by_origin["steps"]) == 30
    assert len(BacktestDisplay.from_predictions(frame).by_origin["steps"]) == 40
    with pytest.raises(ValueError, match="series must name some of"):
        BacktestDisplay.from_predictions(frame, series="z")


def test_from_estimator(rng):
    series = pd.Series(rng.standard_normal(60).cumsum(), pd.date_range("2024", periods=60))
    params = {"refit_every": 5, "first_origin": 30}
    display = BacktestDisplay.from_estimator(LinearRegression(), series, 3, backtest_params=params)
    result = backtest(LinearRegression(), series, 3, **params)
    errors = (result["truth"] - result["prediction"]).abs().groupby(result["step"]).mean()
    assert_allclose(display.by_step["error"], errors)


def test_intervals_of_an_estimator(rng):
    series = rng.standard_normal(120)
    model = ConformalForecaster(LinearRegression()).fit(*to_supervised(series[:80], horizon=2))
    params = {"first_origin": 80, "stride": 2}
    display = BacktestDisplay.from_estimator(model, series, 2, coverage=0.8, backtest_params=params)
    assert display.axes_.shape == (2, 2)
    result = pd.DataFrame(dict(backtest(model, series, 2, coverage=0.8, **params)))
    inside = result.truth.between(result.lower_80, result.upper_80).groupby(result.step).mean()
    assert_allclose(display.coverage_lines_[0].get_ydata(), inside)


def test_given_axes(result):
    figure, grid = plt.subplots(2, 2)
    display = BacktestDisplay.from_predictions(
        Bunch(**result), ax=grid, line_kw={"linewidth": 5}, nominal_kw={"color": "r"}
    )
    assert display.figure_ is figure
    assert_array_equal(display.axes_, grid)
    assert {line.get_linewidth() for line in display.error_lines_ + display.coverage_lines_} == {5}
    assert display.nominal_lines_[0].get_color() == "r"
    figure, (left, _) = plt.subplots(1, 2)
    assert display.plot(left).figure_ is figure
    assert len(figure.axes) == 6
    with pytest.raises(ValueError, match="Expected ax to have 4 axes, got 2"):
        display.plot(plt.subplots(2)[1])


def test_origins_without_times_are_numbered(result):
    names = pd.Index([f"row {i}" for i in range(100)])
    display = BacktestDisplay.from_predictions(as_frame(result, names))
    assert (np.diff(display.by_origin["steps"]) > 0).all()


@pytest.mark.parametrize("freq", ["min", "h", "7h", "D", "W", "MS", "YS"])
def test_dates_do_not_overlap(result, freq):
    display = BacktestDisplay.from_predictions(as_frame(result, pd.date_range("2024", periods=100, freq=freq)))
    display.figure_.canvas.draw()
    boxes = [
        label.get_window_extent()
        for label in display.axes_[1, 1].get_xticklabels()
        if label.get_text() and label.get_visible()
    ]
    visible = sorted(boxes, key=lambda box: box.x0)
    assert len(visible) > 1
    assert all(left.x1 < right.x0 for left, right in pairwise(visible))


def test_what_is_no_backtest():
    for result in (np.zeros((3, 2)), pd.DataFrame({"a": [1]}), {}):
        with pytest.raises(ValueError, match="result must be what backtest returns"):
            BacktestDisplay.from_predictions(result)
    assert not plt.get_fignums()
