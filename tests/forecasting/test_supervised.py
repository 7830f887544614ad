import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import BaseEstimator, OneToOneFeatureMixin, RegressorMixin, TransformerMixin
from sklearn.compose import ColumnTransformer, TransformedTargetRegressor
from sklearn.linear_model import LinearRegression, Ridge
from sklearn.model_selection import GridSearchCV, TimeSeriesSplit
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import (
    FunctionTransformer,
    MaxAbsScaler,
    MinMaxScaler,
    OneHotEncoder,
    RobustScaler,
    StandardScaler,
)

from sklstm import LSTMForecaster, SlidingWindow, backtest, forecast, to_supervised
from sklstm.datasets import load_airline, make_sine

TABLE = np.column_stack([np.arange(6.0), 10 * np.arange(6.0)])
FRAME = pd.DataFrame(TABLE, columns=["a", "b"], index=pd.date_range("2020-01-01", periods=6, freq="D"))


@given(st.integers(2, 12), st.integers(1, 3), st.integers(1, 11))
def test_row_t_of_y_follows_row_t_of_x(n, n_columns, horizon):
    series = np.arange(n * n_columns).reshape(n, n_columns)
    if horizon >= n:
        with pytest.raises(ValueError, match="more than horizon"):
            to_supervised(series, horizon)
        return
    X, y = to_supervised(series, horizon)
    assert len(X) == len(y) == n - horizon
    for t in range(len(X)):
        assert_array_equal(X[t], series[t])
        assert_array_equal(np.atleast_1d(y[t]), series[t + 1 : t + 1 + horizon].ravel())
    assert y.ndim == (1 if horizon == n_columns == 1 else 2)


def test_one_dimensional_series_is_a_column():
    X, y = to_supervised([1, 2, 3])
    assert_array_equal(X, [[1], [2]])
    assert_array_equal(y, [2, 3])
    X, y = to_supervised(pd.Series([1, 2, 3], name="a", index=[5, 6, 7]))
    pd.testing.assert_frame_equal(X, pd.DataFrame({"a": [1, 2]}, index=[5, 6]))
    pd.testing.assert_series_equal(y, pd.Series([2, 3], name="a", index=[5, 6]))


def test_target_columns():
    assert_array_equal(to_supervised(TABLE, target=1)[1], TABLE[1:, 1])
    assert_array_equal(to_supervised(TABLE, target=[1, 0])[1], TABLE[1:, ::-1])
    assert_array_equal(to_supervised(TABLE, 2, target=[1])[1], [[10, 20], [20, 30], [30, 40], [40, 50]])
    with pytest.raises(ValueError, match="target must name"):
        to_supervised(TABLE, target=2)
    with pytest.raises(ValueError, match="target must name"):
        to_supervised(FRAME, target="c")


def test_pandas_in_pandas_out_with_the_index_kept():
    X, y = to_supervised(FRAME, horizon=2)
    assert list(y.columns) == ["a_step1", "b_step1", "a_step2", "b_step2"]
    assert_array_equal(X.index, FRAME.index[:4])
    assert_array_equal(y.index, X.index)
    assert_array_equal(y, to_supervised(TABLE, horizon=2)[1])
    assert list(to_supervised(FRAME)[1].columns) == ["a", "b"]
    assert to_supervised(FRAME, target="b")[1].name == "b"


def test_bad_series():
    with pytest.raises(ValueError, match="dim 3"):
        to_supervised(np.ones((3, 3, 3)))
    with pytest.raises(ValueError, match="horizon == 0"):
        to_supervised(TABLE, horizon=0)
    with pytest.raises(TypeError, match="horizon must be an instance of"):
        to_supervised(TABLE, horizon=1.5)


def linear_trend(horizon, **to_supervised_params):
    """Return a model that is exact on straight lines."""
    model = make_pipeline(SlidingWindow(2, flatten=True, pad="edge"), LinearRegression())
    t = np.arange(30.0)
    lines = np.column_stack([t, 10 * t])
    X, y = to_supervised(lines, horizon, **to_supervised_params)
    return model.fit(X[2:], y[2:])


@pytest.mark.parametrize("horizon", [1, 2, 3, 7])
@pytest.mark.parametrize("steps", [1, 3, 6])
def test_forecast_of_all_columns(horizon, steps):
    expected = np.column_stack([np.arange(6.0, 6 + steps), 10 * np.arange(6.0, 6 + steps)])
    assert_allclose(forecast(linear_trend(horizon), TABLE, steps, target=[0, 1]), expected)


@pytest.mark.parametrize("horizon", [1, 2, 7])
def test_forecast_takes_other_columns_from_the_future(horizon):
    model = linear_trend(horizon, target=0)
    future = 10 * np.arange(6.0, 12.0).reshape(-1, 1)
    assert_allclose(forecast(model, TABLE, 5, target=0, future=future), np.arange(6.0, 11.0).reshape(-1, 1))


@pytest.mark.parametrize("horizon", [1, 2])
def test_forecast_of_a_frame(horizon):
    model = LinearRegression().fit(*to_supervised(FRAME, horizon, target="a"))
    future = pd.DataFrame({"b": [60, 70, 80]}, index=pd.date_range("2020-01-07", periods=3, freq="D"))
    frame = forecast(model, FRAME, 3, target="a", future=future)
    expected = pd.DataFrame({"a": [6.0, 7.0, 8.0]}, index=pd.date_range("2020-01-07", periods=3, freq="D"))
    pd.testing.assert_frame_equal(frame, expected, check_freq=False)
    assert_allclose(forecast(model, FRAME, 3, target="a", future=[[60], [70], [80]]), expected)


def test_forecast_uses_the_future_it_is_given():
    """A model that repeats the other column shows which row of the future each step saw."""
    series = np.column_stack([np.zeros(20), np.random.default_rng(0).standard_normal(20)])
    X, _ = to_supervised(series)
    model = LinearRegression().fit(X, X[:, 1])
    future = [[1.0], [2.0], [3.0]]
    assert_allclose(forecast(model, series, 3, target=0, future=future)[:, 0], [series[-1, 1], 1, 2], atol=1e-12)


def test_forecast_finds_the_future_by_name_and_label():
    frame = FRAME.assign(c=np.arange(6.0) ** 2)
    model = LinearRegression().fit(frame[["a", "b", "c"]], frame["a"] + 1)
    model.coef_, model.intercept_ = np.array([0.0, 1.0, 100.0]), 0.0
    days = pd.date_range("2020-01-01", periods=10, freq="D")
    future = pd.DataFrame({"c": np.arange(10.0), "unused": 0.0, "b": np.arange(10.0) / 10}, index=days)
    expected = [50 + 2500, 0.6 + 600, 0.7 + 700]
    assert_allclose(forecast(model, frame, 3, target="a", future=future)["a"], expected)
    positional = future[["b", "c"]].iloc[6:].to_numpy()
    assert_allclose(forecast(model, frame, 3, target="a", future=positional)["a"], expected)
    with pytest.raises(ValueError, match="must have the rows 2020-01-07"):
        forecast(model, frame, 3, target="a", future=future[:7])
    with pytest.raises(ValueError, match="must have the columns"):
        forecast(model, frame, 3, target="a", future=future[["c"]])


def test_forecast_takes_one_future_column_by_position():
    model = LinearRegression().fit(*to_supervised(FRAME, target="a"))
    for future in ([60, 70, 80], pd.Series([60, 70, 80], index=pd.date_range("2020-01-07", periods=3))):
        assert_allclose(forecast(model, FRAME, 3, target="a", future=future)["a"], [6, 7, 8])


def test_text_columns():
    frame = pd.DataFrame({"a": np.arange(6.0), "day": list("xyxyxy")})
    day = ColumnTransformer([("day", OneHotEncoder(sparse_output=False), [1])], remainder="passthrough")
    for table in (frame, frame.to_numpy(dtype=object)):
        target = "a" if table is frame else 0
        X, y = to_supervised(table, target=target)
        model = make_pipeline(day, LinearRegression()).fit(X, y.astype(float))
        assert_allclose(
            forecast(model, table, 3, target=target, future=np.array([["x"], ["y"], ["x"]])), [[6], [7], [8]]
        )


@pytest.mark.parametrize("target", [[], [0, 0], "c", 2, ["a", "c"]])
@pytest.mark.parametrize("table", [TABLE, FRAME], ids=["array", "frame"])
def test_bad_targets(table, target):
    with pytest.raises(ValueError, match="target must name some of the columns"):
        to_supervised(table, target=target)


def test_targets_of_every_kind():
    assert_array_equal(to_supervised(TABLE, target=np.array([1, 0]))[1], TABLE[1:, ::-1])
    assert list(to_supervised(FRAME, target=FRAME.columns[::-1])[1]) == ["b", "a"]
    nested = FRAME.set_axis(pd.MultiIndex.from_tuples([("x", "a"), ("x", "b")]), axis=1)
    assert_array_equal(to_supervised(nested, target=("x", "b"))[1], TABLE[1:, 1])
    y = to_supervised(nested.rename_axis(columns=["group", "name"]), 2, target=("x", "b"))[1]
    assert list(y["x"]) == ["b_step1", "b_step2"]
    assert list(y.columns.names) == ["group", "name"]


@pytest.mark.parametrize("empty", [TABLE[:0], FRAME[:0]], ids=["array", "frame"])
def test_no_rows(empty):
    with pytest.raises(ValueError, match="0 sample"):
        to_supervised(empty)


@pytest.mark.parametrize(
    ("future", "message"),
    [(None, "next values of the column"), (np.ones((4, 1)), r"\(5, 1\) is required"), (np.ones((5, 2)), "is required")],
)
def test_forecast_needs_the_future_of_columns_that_it_does_not_predict(future, message):
    with pytest.raises(ValueError, match=message):
        forecast(linear_trend(2, target=0), TABLE, 5, target=0, future=future)
    assert len(forecast(linear_trend(2, target=0), TABLE, 2, target=0, future=None)) == 2


def test_forecast_rejects_models_that_do_not_fit():
    with pytest.raises(ValueError, match="cannot be steps of 2 target"):
        forecast(linear_trend(1, target=0), TABLE, 2, target=[0, 1])

    class Halving(LinearRegression):
        def predict(self, X):
            return super().predict(X)[::2]

    with pytest.raises(ValueError, match="a row for each row"):
        forecast(Halving().fit(*to_supervised(TABLE)), TABLE, 2, target=[0, 1])


@pytest.mark.parametrize(
    ("index", "expected"),
    [
        (pd.RangeIndex(6), [6, 7]),
        (pd.period_range("2020-01", periods=6, freq="Q"), list(pd.PeriodIndex(["2021Q3", "2021Q4"], freq="Q"))),
        (pd.to_datetime([f"2020-01-{day}" for day in (1, 2, 4, 8, 9, 20)]), [6, 7]),
        (list("abcdef"), [6, 7]),
    ],
)
def test_forecast_continues_the_index_where_its_step_is_known(index, expected):
    frame = FRAME.set_axis(index)
    model = LinearRegression().fit(*to_supervised(frame))
    result = forecast(model, frame, 2, target=["a", "b"])
    assert list(result.index) == expected
    assert_allclose(result, [[6, 60], [7, 70]])


def test_forecast_of_a_series():
    airline = load_airline(as_frame=True).data["passengers"]
    model = make_pipeline(SlidingWindow(12, flatten=True, pad="edge"), Ridge()).fit(*to_supervised(airline))
    result = forecast(model, airline, 3)
    assert result.shape == (3, 1)
    assert str(result.index[0]) == "1961-01"


airline_months = load_airline(as_frame=True).data.index


class RunningMaximum(OneToOneFeatureMixin, TransformerMixin, BaseEstimator):
    def fit(self, X, y=None):
        return self

    def transform(self, X):
        return np.maximum.accumulate(np.asarray(X))


def models():
    def pipeline(*steps):
        return make_pipeline(*steps, SlidingWindow(4, flatten=True, pad="edge"), Ridge())

    yield "window", pipeline()
    yield "scaler", pipeline(StandardScaler())
    yield "differences", pipeline(FunctionTransformer(lambda X: X - X.mean(axis=0)))  # looks at all rows
    yield "a transformer of one's own", pipeline(RunningMaximum())
    yield "target", TransformedTargetRegressor(pipeline(), transformer=StandardScaler())
    yield "search", GridSearchCV(pipeline(StandardScaler()), {"ridge__alpha": [0.1, 1.0]}, cv=TimeSeriesSplit(3))
    yield "two windows", pipeline(SlidingWindow(3, flatten=True, pad="edge"))
    yield (
        "sums behind the window",
        make_pipeline(
            SlidingWindow(4, flatten=True, pad="edge"), FunctionTransformer(np.cumsum, kw_args={"axis": 0}), Ridge()
        ),
    )
    yield "carry over", make_pipeline(SlidingWindow(4, carry_over=True, flatten=True, pad="edge"), Ridge())


@pytest.mark.parametrize("as_frame", [False, True])
@pytest.mark.parametrize("model", [pytest.param(model, id=name) for name, model in models()])
def test_forecast_equals_the_loop_over_predict(model, as_frame):
    airline = load_airline().data
    model.fit(*to_supervised(load_airline(as_frame=as_frame).data[:100]))
    history = load_airline(as_frame=as_frame).data[:100]
    result = np.asarray(forecast(model, history, 9))
    series = airline[:100]
    for _ in range(9):
        frame = history.reindex(airline_months[: len(series)]).assign(passengers=series) if as_frame else series
        series = np.vstack([series, [[model.predict(frame)[-1]]]])
    assert_allclose(result, series[100:])


@pytest.mark.parametrize("lag", [0, 5], ids=["one loop", "lags"])
def test_verbose_reports_the_blocks_of_a_forecast(lag, capfd):
    table = make_sine(60)
    model = make_pipeline(SlidingWindow(4, flatten=True, pad="edge"), Ridge())
    known = {"known": {0: lag}} if lag else {}
    model.fit(*to_supervised(table, 2, **known))
    silent = forecast(model, table, 19, **known)
    assert "".join(capfd.readouterr()) == ""
    assert_array_equal(forecast(model, table, 19, **known, verbose=1), silent)
    assert "10 out of  10" in "".join(capfd.readouterr())
    forecast(model, table, 2, **known, verbose=1)
    assert "".join(capfd.readouterr()) == ""  # a single block
    with pytest.raises(ValueError, match="verbose == -1"):
        forecast(model, table, 2, **known, verbose=-1)


class Opaque(RegressorMixin, BaseEstimator):
    """A model that shows nothing of what it is."""

    def __init__(self, model):
        self.model = model

    def predict(self, X):
        return self.model.predict(X)


@pytest.mark.parametrize("as_frame", [False, True])
@pytest.mark.parametrize(
    ("steps", "horizon", "target"),
    [
        ((SlidingWindow(4),), 1, [0, 1]),
        ((StandardScaler(), SlidingWindow(4)), 2, [0, 1]),
        ((MinMaxScaler((-1, 1)), RobustScaler(), SlidingWindow(4)), 2, 0),
        ((MinMaxScaler(clip=True), SlidingWindow(4)), 1, 1),
        ((MaxAbsScaler(), SlidingWindow(40, pad="edge")), 3, [1]),
        ((StandardScaler(), SlidingWindow(4, flatten=True)), 1, None),
    ],
    ids=["window", "scaler", "scalers", "clip", "edge", "flat"],
)
def test_forecast_rolls_windows_on_as_it_would_the_series(steps, horizon, target, as_frame, tiny, rng):
    series = rng.standard_normal((40, 2)).cumsum(axis=0) * np.array([1e12, 1]) + np.array([1e14, 0])
    if not steps[-1].flatten:  # one feature a step takes one column
        series[20, 0] = np.nan
    else:
        series = series[:, 1:]
    known = series[:30]
    others = [] if target is None else [column for column in (0, 1) if column not in np.ravel(target)]
    future = series[30:, others] if others else None
    X, y = to_supervised(series, horizon, target=target)
    present = ~np.isnan(y.reshape(len(y), -1)).any(axis=1)
    if as_frame:
        names = ["a", "b"][: series.shape[1]]
        known, X = (pd.DataFrame(rows, columns=names) for rows in (known, X))
        target = None if target is None else [names[i] for i in np.ravel(target)]
    model = make_pipeline(*steps, tiny(epochs=5)).fit(X[present], y[present])
    quick = forecast(model, known, 9, target=target, future=future)
    slow = forecast(Opaque(model), known, 9, target=target, future=future)
    scale = np.ptp(slow, axis=0)
    assert_allclose(quick / scale, slow / scale, rtol=0, atol=1e-6)  # the network computes in float32
    assert len(np.unique(quick)) > 3


def test_forecast_calls_the_predict_of_a_subclass():
    class Positive(LSTMForecaster):
        def predict(self, X):
            return np.maximum(super().predict(X), 0.2)

    series = make_sine(60)
    model = make_pipeline(SlidingWindow(6), Positive(units=2, epochs=1)).fit(*to_supervised(series))
    assert forecast(model, series, 40).min() >= 0.2


def test_forecast_rejects_a_future_that_is_not_finite(tiny):
    X, y = to_supervised(FRAME, target="a")
    model = make_pipeline(SlidingWindow(2), tiny(epochs=1)).fit(X, y)
    future = FRAME[["b"]].replace(20.0, np.inf).set_axis(pd.date_range("2020-01-07", periods=6))
    with pytest.raises(ValueError, match="contains infinity"):
        forecast(model, FRAME, 3, target="a", future=future)


ENTRIES = {
    "to_supervised": to_supervised,
    "backtest": lambda series: backtest(LinearRegression(), series, refit_every=9),
    "forecast": lambda series: forecast(LinearRegression().fit(*to_supervised(np.arange(9.0))), series, 3),
    "window": lambda series: SlidingWindow(2).fit(series.to_frame()),
    "window later": lambda series: SlidingWindow(2).fit(np.ones((2, 1))).transform(series.to_frame()),
}


@pytest.fixture(params=ENTRIES.values(), ids=ENTRIES.keys())
def entry(request):
    return request.param


def test_every_entry_refuses_rows_that_are_not_in_order(entry):
    series = pd.Series(np.arange(60.0), index=pd.date_range("2020-01-01", periods=60))
    for wrong in (
        series[::-1],
        pd.concat([series[:9], series[8:]]),
        pd.concat([series, series]).reset_index(drop=True)[::-1],
    ):
        with pytest.raises(ValueError, match="rows in the order of time"):
            entry(wrong)


def test_every_entry_refuses_several_series_in_one_table(entry):
    index = pd.MultiIndex.from_product([["a", "b"], range(5)])
    with pytest.raises(ValueError, match="an index of 2 levels"):
        entry(pd.Series(np.arange(10.0), index=index))


def test_every_entry_warns_of_gaps(entry):
    series = pd.Series(np.arange(60.0), index=pd.bdate_range("2020-01-01", periods=60)).drop("2020-01-15")
    with pytest.warns(UserWarning, match=r"2020-01-16 .* stands where 2020-01-15 .*asfreq\('B'\)"):
        entry(series)


def test_every_entry_refuses_columns_of_the_same_name(tiny):
    doubled = FRAME.set_axis(["a", "a"], axis=1)
    model = LinearRegression().fit(*to_supervised(TABLE))
    for call in (
        lambda: to_supervised(doubled),
        lambda: forecast(model, doubled, 3, target=[0, 1]),
        lambda: SlidingWindow().fit(doubled),
        lambda: tiny().fit(doubled, np.arange(6.0)),
    ):
        with pytest.raises(ValueError, match=r"columns of different names, but has several called \['a'\]"):
            call()


def test_dates_among_the_features(tiny):
    for frame in (FRAME.reset_index(names="when"), FRAME.assign(when=FRAME.index.date)):
        assert_dates_are_refused(tiny, frame)
    with pytest.raises(TypeError, match=r"columns \['b'\] hold dates"):
        to_supervised(OtherFrame(dtypes=["Float64", "Date"]))


def assert_dates_are_refused(tiny, frame):
    for call in (lambda: SlidingWindow().fit(frame), lambda: tiny().fit(frame, FRAME["a"])):
        with pytest.raises(TypeError, match=r"columns \['when'\] hold dates.*X\.set_index\('when'\)"):
            call()


def test_an_unsigned_index_beyond_signed_integers():
    series = pd.Series(np.arange(6.0), index=np.arange(2**63 + 5, 2**63 + 11, dtype="uint64"))
    result = forecast(LinearRegression().fit(*to_supervised(series)), series, 2)
    assert list(result.index) == [2**63 + 11, 2**63 + 12]


class OtherFrame:
    """A data frame of another library than pandas and polars."""

    columns = ("a", "b")

    def __init__(self, dtypes=("Float64", "Float64")):
        self.dtypes = dtypes

    def __array__(self, dtype=None, copy=None):
        return np.array(TABLE, dtype=dtype)


def test_names_of_other_frames_are_not_read():
    X, y = to_supervised(OtherFrame(), target=1)
    assert_array_equal(X, TABLE[:-1])
    assert_array_equal(y, TABLE[1:, 1])
    with pytest.raises(ValueError, match="Names are read from DataFrames of pandas and polars only"):
        to_supervised(OtherFrame(), target="b")
