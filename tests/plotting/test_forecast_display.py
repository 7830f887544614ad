import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from matplotlib.dates import date2num
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LinearRegression
from sklearn.pipeline import make_pipeline
from sklearn.utils import Bunch

from sklstm import ConformalForecaster, SeasonalNaive, SlidingWindow, backtest, forecast, to_supervised
from sklstm.plotting import ForecastDisplay

N = 30
INDEXES = {
    "dates": pd.date_range("2024-01-01", periods=N + 6, freq="h", name="time"),
    "zone": pd.date_range("2024-03-30 20:00", periods=N + 6, freq="h", tz="Europe/Berlin"),
    "periods": pd.period_range("2020-01", periods=N + 6, freq="M"),
    "durations": pd.timedelta_range("0h", periods=N + 6, freq="h"),
    "numbers": pd.RangeIndex(100, 100 + N + 6),
}


def on_axis(index):
    if isinstance(index, pd.TimedeltaIndex):
        return index.total_seconds()
    if isinstance(index, pd.PeriodIndex):
        index = index.to_timestamp()
    return index.to_numpy() if index.dtype.kind == "i" else date2num(index.to_pydatetime())


def with_bands(prediction, levels=(80, 95)):
    """Return a forecast with columns of intervals right behind each target."""
    columns = {}
    for name in prediction.columns:
        columns[name] = prediction[name]
        for level in levels:
            columns[f"{name}_lower_{level}"] = prediction[name] - level
            columns[f"{name}_upper_{level}"] = prediction[name] + level
    return pd.DataFrame(columns)


def ends(band):
    """Return the lower and the upper ends of a band, step by step."""
    vertices = band.get_paths()[0].vertices
    at = np.unique(vertices[:, 0])
    return (
        at,
        [vertices[vertices[:, 0] == x, 1].min() for x in at],
        [vertices[vertices[:, 0] == x, 1].max() for x in at],
    )


def legend(display):
    return [text.get_text() for text in display.legend_.get_texts()]


def backtest_of(values, index, origins, horizon=3, levels=(80,), spread=1.0):
    """Return the result of a backtest that predicts the value of the origin."""
    origin, step = (axis.ravel() for axis in np.meshgrid(origins, np.arange(1, horizon + 1), indexing="ij"))
    columns = {"origin": origin if index is None else index[origin], "step": step}
    columns |= {"truth": values[origin + step], "prediction": values[origin]}
    for level in levels:
        columns[f"lower_{level}"] = values[origin] - spread * level
        columns[f"upper_{level}"] = values[origin] + spread * level
    return Bunch(**columns) if index is None else pd.DataFrame(columns)


@pytest.mark.parametrize("kind", INDEXES)
def test_a_forecast_with_its_history_truth_and_intervals(kind, rng):
    index = INDEXES[kind]
    table = pd.DataFrame({"demand": rng.standard_normal(N + 6), "other": 0.0}, index)
    prediction = with_bands(table[["demand"]].iloc[N:] + 1)
    truth = table.iloc[N - 3 : N + 4]  # also what is known before the forecast
    display = ForecastDisplay.from_predictions(prediction, history=table.iloc[:N], truth=truth, n_history=10)
    (line,), (observed,) = display.lines_, display.observed_lines_
    assert_allclose(line.get_xdata(), on_axis(index[N:]))
    assert_allclose(line.get_ydata(), table["demand"][N:] + 1)
    assert_allclose(observed.get_xdata(), on_axis(index[N - 10 : N + 4]))
    assert_allclose(observed.get_ydata(), table["demand"][N - 10 : N + 4])
    for band, level in zip(display.bands_, [95, 80], strict=True):
        at, lower, upper = ends(band)
        assert_allclose(at, on_axis(index[N:]))
        assert_allclose(lower, table["demand"][N:] + 1 - level)
        assert_allclose(upper, table["demand"][N:] + 1 + level)
    assert legend(display) == ["observed", "forecast", "80 % interval", "95 % interval"]
    assert display.ax_.get_ylabel() == "demand"
    assert display.ax_.get_xlabel() == {"numbers": "step", "durations": "time (s)"}.get(kind, "time")
    assert line.get_linestyle() != observed.get_linestyle()


def test_bands_are_lighter_the_larger_their_coverage():
    prediction = with_bands(pd.DataFrame({"a": np.arange(5.0)}), levels=(50, 80, 95))
    display = ForecastDisplay.from_predictions(prediction)
    brightness = [band.get_facecolor()[0, :3].mean() for band in display.bands_]
    assert brightness == sorted(brightness, reverse=True)
    assert display.bands_[0].get_zorder() < display.bands_[2].get_zorder() < display.lines_[0].get_zorder()
    chosen = ForecastDisplay.from_predictions(prediction, coverage=[0.95, 0.5])
    assert legend(chosen) == ["forecast", "50 % interval", "95 % interval"]
    with pytest.raises(ValueError, match=r"no intervals of coverage=0.9, but of \[0.5, 0.8, 0.95\]"):
        ForecastDisplay.from_predictions(prediction, coverage=0.9)


def test_arrays_are_numbered():
    history, prediction = np.arange(8.0), np.array([[8.0, 7, 9, 6, 10], [9, 8, 10, 7, 11]])
    display = ForecastDisplay.from_predictions(prediction, history=history, truth=[8.5], coverage=(0.8, 0.95))
    assert_array_equal(display.lines_[0].get_xydata(), [[8, 8], [9, 9]])
    assert_array_equal(
        display.observed_lines_[0].get_xydata(), [[2, 2], [3, 3], [4, 4], [5, 5], [6, 6], [7, 7], [8, 8.5]]
    )
    assert_array_equal(ends(display.bands_[0])[1], [6, 7])
    assert display.ax_.get_ylabel() == "value"
    alone = ForecastDisplay.from_predictions(np.array([1.0, 2.0]))
    assert_array_equal(alone.lines_[0].get_xdata(), [1, 2])
    assert not alone.observed_lines_
    several = ForecastDisplay.from_predictions(prediction, history=np.zeros((4, 3)), coverage=[0.8, 0.95], target=2)
    assert len(several.axes_) == 1
    for params, message in [
        ({"history": np.zeros((4, 3))}, r"history has the columns \[0, 1, 2\], while the forecast has one target"),
        ({"coverage": 0.8}, r"prediction has 5 column\(s\), while each target has 3 with coverage=0.8"),
        ({"target": [0, 1]}, r"Got target=\[0, 1\]"),
    ]:
        with pytest.raises(ValueError, match=message):
            ForecastDisplay.from_predictions(prediction, **{"coverage": [0.8, 0.95]} | params)


def test_missing_true_values_break_the_line():
    display = ForecastDisplay.from_predictions(np.ones(4), history=np.ones(2), truth=[1, np.nan, 3, np.nan])
    assert_array_equal(display.observed_lines_[0].get_ydata(), [1, 1, 1, np.nan, 3, np.nan])
    assert display.observed_lines_[0].get_markevery() == [4]  # alone between missing ones


def test_targets_and_series_have_panels(rng):
    index = INDEXES["dates"]
    tables = [
        pd.DataFrame({"store": name, "a": rng.standard_normal(N + 6), "b": rng.standard_normal(N + 6)}, index)
        for name in ("north", "south")
    ]
    history = pd.concat([table[:N] for table in tables])
    truth = pd.concat([table[N:] for table in tables])
    prediction = with_bands(truth[["a", "b"]])
    prediction.insert(0, "store", truth["store"])
    params = {"history": history, "truth": truth, "groups": "store"}
    display = ForecastDisplay.from_predictions(prediction, **params)
    assert [axes.get_ylabel() for axes in display.axes_] == ["north\na", "north\nb", "south\na", "south\nb"]
    assert display.ax_ is display.axes_[0]
    assert_allclose(display.observed_lines_[3].get_ydata(), tables[1]["b"][N - 18 :])
    one = ForecastDisplay.from_predictions(prediction, series="south", target="b", **params)
    assert_allclose(one.lines_[0].get_ydata(), tables[1]["b"][N:])
    levels = prediction.set_index("store", append=True)
    params |= {"history": history.set_index("store", append=True), "truth": None}
    by_level = ForecastDisplay.from_predictions(levels, series=["south"], target=["b"], **params)
    assert_allclose(by_level.lines_[0].get_ydata(), tables[1]["b"][N:])
    for chosen, message in [
        ({"series": "west"}, "series must name some of"),
        ({"target": "c"}, "target must name some"),
    ]:
        with pytest.raises(ValueError, match=message):
            ForecastDisplay.from_predictions(prediction, **params | chosen)
    with pytest.raises(ValueError, match=r"13 panels, .* Choose some with series= and target="):
        ForecastDisplay.from_predictions(pd.DataFrame(np.zeros((2, 13))))


@pytest.mark.parametrize("kind", INDEXES)
def test_origins_of_a_backtest(kind, rng):
    index = INDEXES[kind]
    table = pd.DataFrame({"demand": rng.standard_normal(N + 6)}, index)
    values = table["demand"].to_numpy()
    result = backtest_of(values, index, np.arange(10, 30))
    display = ForecastDisplay.from_predictions(result, history=table, n_history=4)
    shown = [8, 11, 14, 17, 20, 23, 26, 29][-7:]  # six would be fewer steps than 48, of which there are not as many
    assert_allclose([line.get_xdata()[0] for line in display.lines_], on_axis(index[np.array(shown) + 1]))
    for line, origin in zip(display.lines_, shown, strict=True):
        assert_allclose(line.get_ydata(), np.repeat(values[origin], 3))
    assert_allclose(display.observed_lines_[0].get_xdata(), on_axis(index[8:33]))
    assert display.ax_.get_ylabel() == "demand"
    chosen = ForecastDisplay.from_predictions(result, history=table, origins=[index[13], index[12]])
    assert_allclose([line.get_xdata()[0] for line in chosen.lines_], on_axis(index[13:15]))
    with pytest.raises(ValueError, match="origins must be some of the backtest"):
        ForecastDisplay.from_predictions(result, history=table, origins=index[3])


def test_a_backtest_without_its_series():
    values = np.arange(20.0)
    for index, expected in [(INDEXES["periods"], on_axis(INDEXES["periods"])), (None, np.arange(20))]:
        result = backtest_of(values, index, [4, 10])
        display = ForecastDisplay.from_predictions(result)
        assert_allclose(display.lines_[1].get_xdata(), expected[11:14])
        assert_allclose(display.observed_lines_[0].get_xdata(), expected[5:14])
        assert_allclose(display.observed_lines_[0].get_ydata(), [5, 6, 7, *[np.nan] * 3, 11, 12, 13])
    with pytest.raises(ValueError, match="Pass the series as history="):
        ForecastDisplay.from_predictions(backtest_of(values, INDEXES["dates"], [4]))


@pytest.mark.parametrize(
    ("origins", "horizon"), [([4, 5, 9], 1), ([4, 6], 3), ([4, 7, 11], 2)], ids=["adjacent", "overlap", "prime"]
)
def test_integer_origins_without_the_series(origins, horizon):
    index = pd.RangeIndex(100, 120)
    values = np.arange(20.0) ** 2
    display = ForecastDisplay.from_predictions(backtest_of(values, index, origins, horizon))
    times = index[origins[-1] + np.arange(1, horizon + 1)]
    assert_array_equal(display.panels[0].forecasts[-1].times, times)
    observed = dict(zip(*display.panels[0].observed, strict=True))
    assert [observed[time] for time in times] == [values[time - 100] for time in times]


@pytest.mark.parametrize(
    ("step", "origins", "horizon"),
    [(1, [4], 3), (1, [4, 7, 10], 3), (2, [4, 5, 6], 1), (2, [4, 5, 6], 3), (3, [4, 5, 6], 3)],
)
def test_integer_origins_that_do_not_tell_the_step(step, origins, horizon):
    index = pd.RangeIndex(2000, 2000 + 20 * step, step)
    values = np.arange(20.0) ** 2
    result = backtest_of(values, index, origins, horizon)
    with pytest.raises(ValueError, match="Pass the series as history="):
        ForecastDisplay.from_predictions(result)
    display = ForecastDisplay.from_predictions(result, history=pd.Series(values, index))
    assert_array_equal(display.panels[0].forecasts[-1].times, index[origins[-1] + np.arange(1, horizon + 1)])


def test_short_forecasts_show_more_origins():
    values = np.arange(200.0)
    display = ForecastDisplay.from_predictions(
        backtest_of(values, None, np.arange(100, 190), horizon=1), history=values
    )
    assert len(display.lines_) == 48
    at, _, upper = ends(display.bands_[0])
    assert_allclose(at, 143 + np.array([-0.4, 0.4]))  # as wide as a step
    assert_allclose(upper, [222, 222])
    display = ForecastDisplay.from_predictions(
        backtest_of(values, None, np.arange(10, 150), horizon=20), history=values
    )
    assert len(display.lines_) == 6


def test_a_real_forecast_and_backtest_of_several_targets(rng):
    table = pd.DataFrame(
        rng.standard_normal((40, 2)).cumsum(axis=0),
        INDEXES["periods"][:0].append(pd.period_range("2020-01", periods=40, freq="M")),
        columns=["a", "b"],
    )
    model = LinearRegression().fit(*to_supervised(table, horizon=2))
    display = ForecastDisplay.from_estimator(model, table, 5, target=["a", "b"])
    expected = forecast(model, table, 5, target=["a", "b"])
    assert_allclose([line.get_ydata() for line in display.lines_], expected.T)
    result = backtest(model, table, 2, target=["a", "b"], first_origin=30, stride=2)
    display = ForecastDisplay.from_predictions(result, history=table, target="b")
    assert display.ax_.get_ylabel() == "b"
    assert_allclose(display.observed_lines_[0].get_ydata(), table["b"][25:39])
    arrays = ForecastDisplay.from_predictions(
        backtest(model, table.to_numpy(), 2, target=[0, 1], first_origin=30, stride=2),
        history=table.to_numpy(),
        target=1,
    )
    assert_allclose(arrays.observed_lines_[0].get_ydata(), table["b"][25:39])


def test_a_model_of_several_series(rng):
    table = pd.DataFrame({"id": np.repeat(["x", "y"], 30), "v": rng.standard_normal(60).cumsum()})
    table.index = pd.Index(np.tile(pd.date_range("2024", periods=30), 2))
    model = make_pipeline(SlidingWindow(3, groups="id"), SeasonalNaive(2)).fit(
        *to_supervised(table, target="v", groups="id")
    )
    display = ForecastDisplay.from_estimator(model, table, 4, target="v", series="y")
    assert_allclose(display.observed_lines_[0].get_ydata(), table["v"][-12:])
    result = backtest(model, table, 2, target="v", first_origin=20)
    shown = ForecastDisplay.from_predictions(result, history=table, target="v")
    assert [axes.get_ylabel() for axes in shown.axes_] == ["x\nv", "y\nv"]
    values = np.column_stack([np.repeat([0.0, 1.0], 30), table["v"]])
    X, y = to_supervised(values, target=1, groups=0)
    model = make_pipeline(SlidingWindow(3, groups=0), SeasonalNaive(2)).fit(X, y)
    arrays = ForecastDisplay.from_estimator(model, values, 4, target=1)
    assert_allclose(arrays.lines_[1].get_ydata(), display.lines_[0].get_ydata())
    result = backtest(model, values, 2, target=1, first_origin=20)
    numbered = ForecastDisplay.from_predictions(result, history=values, groups=0, target=1)
    assert_allclose(numbered.observed_lines_[1].get_ydata(), shown.observed_lines_[1].get_ydata())


def test_a_model_that_remembers_its_target(rng):
    values = rng.standard_normal((20, 2))
    X, y = to_supervised(values, horizon=4, target=1)
    model = make_pipeline(SlidingWindow(3), SeasonalNaive(2, target=1)).fit(X, y)
    display = ForecastDisplay.from_estimator(model, values, 4)
    assert_allclose(display.observed_lines_[0].get_ydata(), values[-12:, 1])


@pytest.mark.parametrize("as_frame", [True, False])
def test_intervals_of_an_estimator(rng, as_frame):
    values = rng.standard_normal((80, 2))
    series = pd.DataFrame(values, pd.date_range("2024", periods=80), ["a", "b"]) if as_frame else values
    model = ConformalForecaster(LinearRegression()).fit(*to_supervised(series, horizon=3))
    target = None if as_frame else [0, 1]
    display = ForecastDisplay.from_estimator(model, series, 3, coverage=(0.5, 0.8), target=target)
    assert legend(display) == ["observed", "forecast", "50 % interval", "80 % interval"]
    expected = model.predict_interval(series, 0.8)[-1].reshape(3, 2, 2)
    found = [band for band in display.bands_ if band.get_paths()[0].vertices[:, 1].min() == expected[:, 1, 0].min()]
    _, low, high = ends(found[0])
    assert_allclose([low, high], expected[:, 1].T)


def test_an_estimator_that_is_not_fitted():
    with pytest.raises(NotFittedError):
        ForecastDisplay.from_estimator(LinearRegression(), np.arange(9.0), 2)


def test_intervals_without_an_end_reach_the_border():
    prediction = pd.DataFrame({"a": [1.0, 2.0], "a_lower_90": [0.0, -np.inf], "a_upper_90": [2.0, np.inf]})
    display = ForecastDisplay.from_predictions(prediction)
    low, high = display.ax_.get_ylim()
    assert -1 < low < 0
    assert 2 < high < 3
    _, lower, upper = ends(display.bands_[0])
    assert lower[1] < low
    assert upper[1] > high


def test_an_unknown_interval_is_left_out():
    prediction = pd.DataFrame({"a": [1.0, 2, 3, 4], "a_lower_90": [0, np.nan, 2, 3], "a_upper_90": [2.0, 3, 4, 5]})
    band = ForecastDisplay.from_predictions(prediction).bands_[0]
    assert [np.unique(path.vertices[:, 0]).tolist() for path in band.get_paths()] == [[-0.4, 0.4], [2, 3]]


def test_plain_panels_on_given_axes():
    figure, ax = plt.subplots()
    panel = {"name": "x", "forecasts": [{"times": [1, 2], "prediction": [3.0, 4.0]}]}
    display = ForecastDisplay([panel], step_name="week")
    assert display.plot(ax, line_kw={"color": "red"}) is display
    assert display.figure_ is figure
    assert display.ax_ is ax
    assert ax.get_xlabel() == "week"
    assert display.lines_[0].get_color() == "red"
    _, axes = plt.subplots(2)
    ForecastDisplay([panel, panel]).plot(axes)
    with pytest.raises(ValueError, match="Expected ax to have 2 axes, got 3"):
        ForecastDisplay([panel, panel]).plot(plt.subplots(3)[1])
    with pytest.raises(ValueError, match="no panel"):
        ForecastDisplay([]).plot()
    assert ForecastDisplay([panel]).plot(observed_kw={"color": "red"}, band_kw={"alpha": 0.5}).observed_lines_ == []


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"history": np.zeros(4)}, "history have times of the kind 'integer', those of prediction 'datetime64'"),
        ({"truth": pd.DataFrame({"a": [1.0]}, pd.period_range("2024", periods=1, freq="D"))}, "kind 'period'"),
        (
            {"history": pd.DataFrame({"a": [1.0]}, pd.date_range("2024", periods=1, tz="UTC"))},
            "The index of history has the time zone UTC",
        ),
        ({"history": pd.DataFrame(np.zeros((2, 2)), pd.date_range("2023", periods=2))}, "none is called 'a'"),
        ({"origins": ["2024-01-01"]}, "not the result of a backtest"),
        ({"n_history": -1}, "n_history == -1, must be >= 0"),
    ],
)
def test_what_cannot_be_compared(params, message):
    prediction = pd.DataFrame({"a": [1.0, 2.0]}, pd.date_range("2024-01-01", periods=2))
    with pytest.raises(ValueError, match=message):
        ForecastDisplay.from_predictions(prediction, **params)
    assert not plt.get_fignums()


def test_bad_backtests():
    result = backtest_of(np.arange(20.0), INDEXES["dates"], [4, 5])
    for params, message in [
        ({"truth": [1.0]}, "Leave truth out"),
        ({"history": pd.Series(0.0, INDEXES["dates"][:3])}, "history has no row for the origin 2024-01-01 04:00:00"),
        ({"history": pd.Series(0.0, INDEXES["dates"][:7])}, "history ends before the steps of the backtest do"),
        ({"history": np.zeros(20)}, "history have times of the kind 'integer', those of prediction 'datetime64'"),
        ({"history": pd.DataFrame(0.0, INDEXES["dates"], ["a", "b"])}, "while the forecast has one target"),
        ({"history": pd.Series(0.0, INDEXES["dates"]), "target": ["a", "b"]}, "The backtest has one target"),
    ]:
        with pytest.raises(ValueError, match=message):
            ForecastDisplay.from_predictions(result, **params)


def test_origins_of_dates_as_text():
    table = pd.Series(np.arange(36.0), INDEXES["dates"])
    result = backtest_of(table.to_numpy(), table.index, np.arange(10, 20))
    display = ForecastDisplay.from_predictions(result, history=table, origins="2024-01-01 12:00")
    assert_allclose(display.lines_[0].get_xdata(), on_axis(table.index[13:16]))


def test_a_series_without_times_is_numbered():
    table = pd.DataFrame({"v": np.arange(12.0)}, list("abcdefghijkl"))
    result = backtest_of(table["v"].to_numpy(), table.index, [4, 5])
    display = ForecastDisplay.from_predictions(result, history=table, origins=["f"])
    assert_array_equal(display.lines_[0].get_xdata(), [6, 7, 8])
    assert display.ax_.get_xlabel() == "step"


def test_gaps_are_drawn_without_a_warning(recwarn):
    index = INDEXES["dates"][[0, 1, 2, 3, 7, 8, 9, 10]]
    history = pd.DataFrame({"id": ["x"] * 8, "v": np.arange(8.0)}, index)
    prediction = pd.DataFrame({"id": ["x"] * 2, "v": [8.0, 9.0]}, INDEXES["dates"][11:13])
    display = ForecastDisplay.from_predictions(prediction, history=history, groups="id")
    assert_allclose(display.observed_lines_[0].get_xdata(), on_axis(index[2:]))
    assert not recwarn
