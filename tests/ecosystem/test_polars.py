import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.linear_model import Ridge
from sklearn.model_selection import GridSearchCV, TimeSeriesSplit
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sklstm import (
    ConformalForecaster,
    LSTMAnomalyDetector,
    PanelTimeSeriesSplit,
    SlidingWindow,
    backtest,
    forecast,
    sample_paths,
    to_supervised,
)
from sklstm.plotting import BacktestDisplay, ForecastDisplay

pl = pytest.importorskip("polars")
pd = pytest.importorskip("pandas")


def as_pandas(table):
    """Return the same columns in pandas, with rows that are called by letters, which tell no time."""
    columns = {name: table[name].to_numpy() for name in table.columns}
    return pd.DataFrame(columns, index=[f"row {row}" for row in range(len(table))])


def assert_same(frame, expected):
    """Check that a frame of polars has the columns and the values of one of pandas."""
    assert isinstance(frame, pl.DataFrame | pl.Series)
    if isinstance(frame, pl.Series):
        frame, expected = frame.to_frame(), expected.to_frame()
    assert frame.columns == list(expected.columns)
    for name in frame.columns:
        values = frame[name].to_numpy()
        compare = assert_allclose if values.dtype.kind == "f" else assert_array_equal
        compare(values, expected[name].to_numpy(), err_msg=name)


def pipeline(**params):
    return make_pipeline(SlidingWindow(4, **params, flatten=True, pad="edge"), Ridge())


@pytest.fixture
def table(rng):
    temperature = rng.standard_normal(60)
    demand = np.sin(np.arange(60) / 3) + np.roll(temperature, 2)
    return pl.DataFrame({"demand": demand, "temperature": temperature})


@pytest.fixture
def stores(table):
    return pl.concat(
        [
            table.with_columns(demand=pl.col("demand") * size).select(pl.lit(name).alias("store"), pl.all())
            for name, size in {"north": 1.0, "south": 2.0}.items()
        ]
    )


PROBLEMS = {
    "all": {},
    "target": {"target": "demand"},
    "steps": {"horizon": 3},
    "known": {"horizon": 2, "target": "demand", "known": {"temperature": 0, "demand": 5}},
}


@pytest.mark.parametrize("params", PROBLEMS.values(), ids=PROBLEMS)
def test_supervised_is_that_of_pandas(table, params):
    for frame, expected in zip(to_supervised(table, **params), to_supervised(as_pandas(table), **params), strict=True):
        assert_same(frame, expected)


@pytest.mark.parametrize("params", PROBLEMS.values(), ids=PROBLEMS)
def test_supervised_of_groups_is_that_of_pandas(stores, params):
    if not params.keys() & {"target"}:
        params = {**params, "target": ["demand", "temperature"]}
    found = to_supervised(stores, groups="store", **params)
    for frame, expected in zip(found, to_supervised(as_pandas(stores), groups="store", **params), strict=True):
        assert_same(frame, expected)


def test_supervised_of_a_series():
    X, y = to_supervised(pl.Series("demand", [1, 2, 3]))
    assert_same(X, pd.DataFrame({"demand": [1, 2]}))
    assert_same(y, pd.Series([2, 3], name="demand"))


def test_dtypes_are_kept(table):
    stores = pl.Series("store", ["a", "b"] * 30, dtype=pl.Enum(["a", "b"]))
    series = table.cast(pl.Float32).with_columns(stores, units=pl.Series(range(60), dtype=pl.Int16))
    X, _ = to_supervised(series, target="demand", groups="store")
    assert X.schema == series.schema


def test_nulls_are_missing():
    X, y = to_supervised(pl.DataFrame({"demand": [1, None, 3, 4]}))
    assert_array_equal(X["demand"].to_numpy(), [1, np.nan, 3])
    assert_array_equal(y.to_numpy(), [np.nan, 3, 4])
    assert_array_equal(SlidingWindow(1).fit_transform(X)[:, 0, 0], [1, np.nan, 3])


def test_names_of_columns_are_checked(table):
    window = SlidingWindow(3).fit(table)
    assert_array_equal(window.feature_names_in_, ["demand", "temperature"])
    with pytest.raises(ValueError, match="feature names should match"):
        window.transform(table.rename({"temperature": "wind"}))
    with pytest.raises(ValueError, match="must be in the same order"):
        window.transform(table.select("temperature", "demand"))
    with pytest.raises(ValueError, match="target must name some of the columns"):
        to_supervised(table, target="sales")


def test_dates_are_no_values(table):
    dated = table.with_columns(day=pl.date_range(pl.date(2024, 1, 1), pl.date(2024, 2, 29), eager=True))
    with pytest.raises(TypeError, match=r"columns \['day'\] hold dates.*drop them: rows are in the order of time"):
        to_supervised(dated)
    with pytest.raises(TypeError, match="drop them: rows are in the order of time"):
        SlidingWindow(3, groups="demand").fit(dated)


@pytest.mark.parametrize("flatten", [False, True])
def test_windows_are_those_of_an_array(table, flatten):
    window = SlidingWindow(3, flatten=flatten)
    assert_array_equal(window.fit_transform(table), window.fit_transform(table.to_numpy()))


def test_windows_of_groups_are_those_of_pandas(stores):
    window = SlidingWindow(3, groups="store")
    assert_array_equal(np.asarray(window.fit_transform(stores)), np.asarray(window.fit_transform(as_pandas(stores))))


def test_windows_carry_over(table):
    window = SlidingWindow(3, carry_over=True).fit(table[:40])
    assert_array_equal(window.transform(table[40:]), SlidingWindow(3).fit_transform(table)[40:])


def test_an_lstm_learns_and_predicts_as_from_arrays(tiny, table):
    X, y = to_supervised(table, horizon=2, target="demand")
    model = make_pipeline(StandardScaler(), SlidingWindow(4), tiny()).fit(X, y)
    from_arrays = make_pipeline(StandardScaler(), SlidingWindow(4), tiny()).fit(X.to_numpy(), y.to_numpy())
    assert_array_equal(model.predict(table), from_arrays.predict(table.to_numpy()))
    assert model.score(X, y) == from_arrays.score(X.to_numpy(), y.to_numpy())


def test_a_search_over_polars_is_that_over_arrays(table):
    X, y = to_supervised(table, target="demand")
    search = GridSearchCV(pipeline(), {"ridge__alpha": [0.1, 10.0]}, cv=TimeSeriesSplit(3))
    from_polars = search.fit(X, y).cv_results_["mean_test_score"]
    assert_allclose(from_polars, search.fit(X.to_numpy(), y.to_numpy()).cv_results_["mean_test_score"])


TASKS = {
    "recursive": ({"target": "demand"}, {"steps": 1}),
    "direct": ({"horizon": 3, "target": "demand"}, {"steps": 3}),
    "all columns": ({}, {"steps": 5}),
    "known": ({"horizon": 2, "target": "demand", "known": {"temperature": 0, "demand": 7}}, {"steps": 3}),
}


@pytest.mark.parametrize(("params", "task"), TASKS.values(), ids=TASKS)
def test_forecast_is_that_of_pandas(table, params, task):
    history, future = table[:50], table[50:].select("temperature") if "known" in params else None
    model = pipeline().fit(*to_supervised(history, **params))
    of_pandas = pipeline().fit(*to_supervised(as_pandas(history), **params))
    chosen = {"target": params.get("target", table.columns)}
    expected = forecast(
        of_pandas, as_pandas(history), future=future if future is None else as_pandas(future), **chosen, **task
    )
    assert_same(forecast(model, history, future=future, **chosen, **task), expected)


def test_forecast_remembers_targets_and_known_columns(tiny, table):
    params = {"horizon": 2, "target": "demand", "known": "temperature"}
    model = make_pipeline(SlidingWindow(4), tiny()).fit(*to_supervised(table[:50], **params))
    found = forecast(model, table[:50], steps=2, future=table[50:].select("temperature"))
    arrays = {"horizon": 2, "target": 0, "known": 1}
    of_arrays = make_pipeline(SlidingWindow(4), tiny()).fit(*to_supervised(table[:50].to_numpy(), **arrays))
    expected = forecast(
        of_arrays, table[:50].to_numpy(), 2, target=0, known=1, future=table[50:].select("temperature").to_numpy()
    )
    assert found.columns == ["demand"]
    assert_allclose(found.to_numpy(), expected, rtol=1e-6)


def test_columns_of_future_are_found_by_name(table):
    model = pipeline().fit(*to_supervised(table[:50], target="demand"))
    future = table[50:].with_columns(wind=0.0)
    found = forecast(model, table[:50], 3, target="demand", future=future.select("wind", "temperature"))
    assert_same(found, as_pandas(forecast(model, table[:50], 3, target="demand", future=future.select("temperature"))))
    with pytest.raises(ValueError, match=r"future must have the columns \['temperature'\]"):
        forecast(model, table[:50], 3, target="demand", future=future.select("wind"))


def test_forecast_of_groups_is_that_of_pandas(stores):
    params = {"horizon": 2, "target": "demand", "known": "temperature", "groups": "store"}
    is_history = pl.int_range(pl.len()).over("store") < 50
    history, future = stores.filter(is_history), stores.filter(~is_history).select("store", "temperature")
    model = pipeline(groups="store").fit(*to_supervised(history, **params))
    of_pandas = pipeline(groups="store").fit(*to_supervised(as_pandas(history), **params))
    chosen = {"steps": 3, "target": "demand"}
    expected = forecast(of_pandas, as_pandas(history), future=as_pandas(future), **chosen)
    found = forecast(model, history, future=future, **chosen)
    assert found.columns == ["store", "demand"]
    assert_same(found, expected)


def test_intervals_and_paths_are_those_of_pandas(table):
    series = table.select("demand")
    models = [
        ConformalForecaster(pipeline(), horizon=3).fit(*to_supervised(history))
        for history in (series, as_pandas(series))
    ]
    found, expected = (
        forecast(model, history, 3, coverage=[0.8])
        for model, history in zip(models, (series, as_pandas(series)), strict=True)
    )
    assert found.columns == ["demand", "demand_lower_80", "demand_upper_80"]
    assert_same(found, expected)
    paths = [
        sample_paths(model, history, 3, 10, random_state=0)
        for model, history in zip(models, (series, as_pandas(series)), strict=True)
    ]
    assert_allclose(*paths)


def test_intervals_of_groups_are_those_of_pandas(stores):
    chosen = {"target": "demand", "groups": "store"}
    found, expected = (
        ConformalForecaster(pipeline(groups="store"), scale="series")
        .fit(*to_supervised(table, **chosen))
        .predict_interval(table, coverage=0.8)
        for table in (stores, as_pandas(stores))
    )
    assert_allclose(found, expected)


@pytest.mark.parametrize("refit_every", [None, 4])
def test_backtest_is_that_of_pandas(table, refit_every):
    params = {"target": "demand", "known": "temperature"}
    model = pipeline().fit(*to_supervised(table[:50], horizon=2, **params))
    chosen = {"horizon": 2, "first_origin": 50, "refit_every": refit_every, **params}
    found, expected = backtest(model, table, **chosen), backtest(model, as_pandas(table), **chosen)
    origins = expected["origin"].str.removeprefix("row ").astype(int)
    assert_same(found, expected.assign(origin=origins))


def test_backtest_of_groups_is_that_of_pandas(stores):
    params = {"horizon": 2, "target": "demand", "known": "temperature"}
    model = pipeline(groups="store")
    chosen = {"first_origin": 50, "refit_every": 4, "stride": 2, **params}
    found = backtest(model, stores, **chosen)
    assert found.columns == ["store", "origin", "step", "truth", "prediction"]
    assert_same(found, backtest(model, as_pandas(stores), **chosen))


def test_backtest_reads_what_was_known_at_an_origin(table):
    params = {"target": "demand", "known": "temperature"}
    model = pipeline().fit(*to_supervised(table[:50], horizon=2, **params))
    origins = []

    def future(origin):
        origins.append(origin)
        return table[origin + 1 : origin + 3].select("temperature")

    found = backtest(model, table, horizon=2, first_origin=55, future=future, **params)
    assert_same(found, as_pandas(backtest(model, table, horizon=2, first_origin=55, **params)))
    assert origins == [55, 56, 57]


def test_panel_split_is_that_of_pandas(stores):
    splits = [list(PanelTimeSeriesSplit(3, groups="store").split(X)) for X in (stores, as_pandas(stores))]
    for found, expected in zip(*splits, strict=True):
        assert_array_equal(np.concatenate(found), np.concatenate(expected))


def test_anomalies_are_those_of_arrays(tiny, table):
    X, y = to_supervised(table, target="demand")
    detector = make_pipeline(SlidingWindow(4), LSTMAnomalyDetector(tiny()))
    found = detector.fit(X, y).score_samples(X)
    assert_array_equal(found, detector.fit(X.to_numpy(), y.to_numpy()).score_samples(X.to_numpy()))


def test_displays_draw_polars(table):
    plt = pytest.importorskip("matplotlib.pyplot")
    X, y = to_supervised(table, horizon=2)
    model = pipeline().fit(X, y)
    chosen = {"target": table.columns}
    from_model = ForecastDisplay.from_estimator(model, table, 4, **chosen)
    from_result = ForecastDisplay.from_predictions(forecast(model, table, 4, **chosen), history=table)
    for display in (from_model, from_result):
        assert [panel.name for panel in display.panels] == table.columns
        assert_array_equal(display.panels[0].forecasts[0].times, [60, 61, 62, 63])
    result = backtest(model, table, horizon=2, first_origin=50, **chosen)
    of_origins = ForecastDisplay.from_predictions(result, history=table, target="demand", origins=[50])
    assert_array_equal(of_origins.panels[0].forecasts[0].times, [51, 52])
    BacktestDisplay.from_predictions(result, target="demand")
    plt.close("all")


def test_polars_needs_pandas_only_where_columns_are_named(table, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "pandas", None)
    assert SlidingWindow(3).fit_transform(table).shape == (60, 3, 2)
    with pytest.raises(ImportError, match=r"install pandas, or pass series.to_numpy\(\)"):
        to_supervised(table)


def test_booleans_of_which_some_are_missing_are_numbers():
    table = pl.DataFrame({"x": np.arange(8.0), "promo": [True, None, False, True] * 2})
    X, _ = to_supervised(table, target="x", known="promo")
    assert X.schema["promo"] == X.schema["promo_step1"] == pl.Float64
    assert_array_equal(X["promo"].to_numpy()[:3], [1, np.nan, 0])
