"""Columns known ahead."""

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import BaseEstimator, RegressorMixin, clone
from sklearn.compose import TransformedTargetRegressor, make_column_transformer
from sklearn.ensemble import HistGradientBoostingRegressor
from sklearn.linear_model import LinearRegression, Ridge
from sklearn.model_selection import GridSearchCV, TimeSeriesSplit
from sklearn.multioutput import MultiOutputRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from sklstm import LSTMForecaster, SeasonalNaive, SlidingWindow, backtest, forecast, to_supervised

N_ROWS, N_TO_COME = 120, 12
KNOWN = {"heat": 0, "demand": 8}


@pytest.fixture
def whole(rng):
    """Return a table of which the demand depends on the heat of its own time and on its own value 8 rows before."""
    heat = rng.standard_normal(N_ROWS + N_TO_COME)
    demand = 3 * heat
    for row in range(8, len(demand)):
        demand[row] += 0.5 * demand[row - 8]
    days = pd.date_range("2024-01-01", periods=len(demand), name="day")
    return pd.DataFrame({"demand": demand, "wind": rng.standard_normal(len(demand)), "heat": heat}, days)


@pytest.fixture
def table(whole):
    return whole[:N_ROWS]


def linear(horizon):
    return make_pipeline(SlidingWindow(horizon, flatten=True, pad="edge"), LinearRegression())


def fitted(horizon, X, y):
    """Return a linear model of windows, fitted on those that are complete."""
    is_complete = np.arange(len(X)) >= horizon - 1
    return linear(horizon).fit(X, y, linearregression__sample_weight=is_complete)


def supervised(table, horizon, **params):
    return to_supervised(table, horizon, target="demand", **params)


def test_rows_have_the_values_of_the_steps_to_come(table):
    X, y = to_supervised(table, 3, target="demand", known={"heat": 0, "demand": [4, 8]})
    assert list(X.columns) == ["demand", "wind", "heat", "heat_step3", "demand_lag1", "demand_lag5"]
    assert_array_equal(X["heat_step3"], table["heat"][8:])
    assert_array_equal(X["demand_lag5"], table["demand"][:-8])
    plain = to_supervised(table, 3, target="demand")
    pd.testing.assert_frame_equal(X[["demand", "wind", "heat"]], plain[0][5:])
    pd.testing.assert_frame_equal(y, plain[1][5:])
    as_array = to_supervised(table.to_numpy(), 3, target=0, known={2: 0, 0: [4, 8]})
    assert_array_equal(as_array[0], X)
    assert_array_equal(as_array[1], y)


NAMES = ["heat", ["heat"], ("heat",), {"heat": 0}, {"heat": [0]}, pd.Index(["heat"]), np.array(["heat"])]


@pytest.mark.parametrize("known", NAMES)
def test_known_columns_are_named_in_several_ways(table, known):
    X, _ = to_supervised(table, 2, target="demand", known=known)
    assert_array_equal(X["heat_step2"], table["heat"][2:])


def test_columns_of_any_kind_are_known(table):
    table = table.assign(holiday=table["heat"] > 0, day=table.index.day_name(), n=range(N_ROWS))
    table["day"] = table["day"].astype("category")
    X, _ = to_supervised(table, 2, target="demand", known=["holiday", "day", "n"])
    assert X["holiday_step2"].dtype == X["n_step2"].dtype == float
    assert list(X["day_step2"]) == list(table["day"][2:])
    assert X["day_step2"].dtype == "category"
    words = np.array([["a", "x"], ["b", "y"], ["c", "z"]])
    assert to_supervised(words, target=0, known=1)[0].tolist() == [["a", "x", "y"], ["b", "y", "z"]]


@pytest.mark.parametrize("as_frame", [True, False])
@pytest.mark.parametrize(("horizon", "steps"), [(1, 12), (3, 12), (4, 6), (12, 12), (12, 5)])
def test_a_value_known_ahead_acts_on_its_own_step(whole, table, horizon, steps, as_frame):
    """Direct, recursive and block by block."""
    known = ["heat"] if horizon > 7 else {"heat": 0, "demand": 8}
    lag = 0 if horizon > 7 else 0.5
    table = table.assign(demand=3 * table["heat"]) if not lag else table
    whole = whole.assign(demand=3 * whole["heat"]) if not lag else whole
    future = whole[["wind", "heat"]][N_ROWS:]
    if not as_frame:
        known = [2] if horizon > 7 else {2: 0, 0: 8}
        table, future = table.to_numpy(), future.to_numpy()
    target = "demand" if as_frame else 0
    X, y = to_supervised(table, horizon, target=target, known=known)
    model = fitted(horizon, X, y)
    names = {"target": target} if as_frame else {"known": known, "target": target}
    only_known = steps <= horizon
    if only_known:
        future = future[["heat"]] if as_frame else future[:, [1]]
    result = forecast(model, table, steps, future=future, **names)
    assert_allclose(np.ravel(result), whole["demand"][N_ROWS : N_ROWS + steps], atol=1e-8)
    late = future.shift(1).bfill() if as_frame else np.concatenate([future[:1], future[:-1]])
    assert np.abs(np.ravel(forecast(model, table, steps, future=late, **names)) - np.ravel(result)).max() > 1


@pytest.mark.parametrize("horizon", [*(pytest.param(n, marks=pytest.mark.thorough) for n in (1, 8)), 4])
def test_an_lstm_forecasts_what_is_known(horizon):
    """A function of a column known ahead, to 2 %."""
    price = np.random.default_rng(0).uniform(1, 2, 608)
    table = pd.DataFrame({"sales": 1 / price, "price": price})
    X, y = to_supervised(table[:-8], horizon, target="sales", known="price")
    forecaster = LSTMForecaster(
        16, n_networks=1, normalize=True, early_stopping=False, learning_rate=0.01, epochs=100, random_state=0
    )
    model = make_pipeline(SlidingWindow(horizon), forecaster).fit(X, y)
    future, truth = table[["price"]][-8:], table[["sales"]][-8:]
    assert_allclose(forecast(model, table[:-8], 8, future=future), truth, rtol=0.02)
    late = future.shift(1).bfill()
    assert not np.allclose(forecast(model, table[:-8], 8, future=late), truth, rtol=0.1)


class Opaque(RegressorMixin, BaseEstimator):
    """A model that shows nothing of what it is."""

    def __init__(self, model):
        self.model = model

    @property
    def feature_names_in_(self):
        return self.model.feature_names_in_

    def predict(self, X):
        return self.model.predict(X)


@pytest.mark.parametrize("known", [["heat"], {"demand": 8}, {"heat": [0, 9], "wind": 7}, KNOWN])
@pytest.mark.parametrize("horizon", [1, 3])
def test_forecast_rolls_windows_on_as_it_would_the_series(table, whole, known, horizon, tiny):
    model = make_pipeline(StandardScaler(), SlidingWindow(4), tiny(epochs=5))
    model.fit(*supervised(table, horizon, known=known))
    quick, slow = (
        forecast(model, table, 12, target="demand", known=known, future=whole[["wind", "heat"]][N_ROWS:])
        for model in (model, Opaque(model))
    )
    assert_allclose(quick, slow, atol=1e-5)
    assert len(np.unique(quick)) > 3


MODELS = {
    "ridge": linear(3),
    "columns": make_pipeline(make_column_transformer((StandardScaler(), ["demand", "heat_step3"])), linear(3)),
    "target": make_pipeline(
        SlidingWindow(3, flatten=True, pad="edge"),
        TransformedTargetRegressor(LinearRegression(), transformer=StandardScaler()),
    ),
    "search": GridSearchCV(linear(3), {"slidingwindow__window_size": [3, 4]}, cv=TimeSeriesSplit(3)),
    "boosting": make_pipeline(
        SlidingWindow(3, flatten=True), MultiOutputRegressor(HistGradientBoostingRegressor(max_iter=5))
    ),
    "naive": make_pipeline(SlidingWindow(3), SeasonalNaive(2, target=0)),
}


@pytest.mark.parametrize("name", MODELS)
def test_any_model_takes_the_same_rows(name, whole, table):
    model = MODELS[name].fit(*supervised(table, 3, known=["heat"]))
    future = whole[["heat"]][N_ROWS:]
    result = forecast(model, table, 3, target="demand", future=future)
    rows = to_supervised(whole[: N_ROWS + 3], 3, target="demand", known=["heat"])[0]
    assert_allclose(result["demand"], model.predict(rows)[-1])


def test_text_columns_are_known(table, whole):
    whole = whole.assign(kind=np.where(whole["heat"] > 0, "warm", "cold"))
    whole["demand"] = 2.0 * (whole["kind"] == "warm")
    X, y = to_supervised(whole[["demand", "kind"]][:N_ROWS], 3, target="demand", known="kind")
    encoder = make_column_transformer(
        (OneHotEncoder(sparse_output=False), ["kind", "kind_step3"]), remainder="passthrough"
    )
    model = make_pipeline(encoder, SlidingWindow(3, flatten=True, pad="edge"), Ridge(1e-6))
    model.fit(X, y, ridge__sample_weight=np.arange(len(X)) > 1)
    history, future = whole[["demand", "kind"]][:N_ROWS], whole[["kind"]][N_ROWS:]
    assert_allclose(
        forecast(model, history, 9, target="demand", future=future)["demand"], whole["demand"][N_ROWS:][:9], atol=1e-3
    )


# Backtests


@pytest.mark.parametrize("as_frame", [True, False])
@pytest.mark.parametrize(("trained", "horizon"), [(3, 3), (3, 2), (1, 3), (2, 4)])
@pytest.mark.parametrize("known", [{"heat": 0}, KNOWN])
@pytest.mark.parametrize("as_forecasts", [False, True], ids=["true", "forecasts"])
def test_backtest_equals_the_loop_over_forecast(table, trained, horizon, known, as_forecasts, as_frame, rng):
    target, names = "demand", {"target": "demand"}
    model = linear(trained).fit(*supervised(table, trained, known=known))
    n_rows, days = -(-horizon // trained) * trained, table.index
    weather = {day: rng.standard_normal((n_rows, 2)) for day in table.index}  # wind and heat
    columns = slice(1, None) if trained >= horizon else slice(None)
    future = (lambda day: weather[day][:, columns]) if as_forecasts else None
    if not as_frame:
        target, known = 0, {["demand", "wind", "heat"].index(name): lag for name, lag in known.items()}
        names = {"target": target, "known": known}
        future = (lambda row: weather[days[row]][:, columns]) if as_forecasts else None
        model.fit(*to_supervised(table.to_numpy(), trained, **names))
    data = table if as_frame else table.to_numpy()
    result = backtest(model, data, horizon, first_origin=100, stride=4, future=future, **names)
    predictions = np.reshape(result["prediction"], (-1, horizon))
    values = table.to_numpy()
    for origin, prediction in zip(range(100, N_ROWS, 4), predictions, strict=False):
        rows = weather[days[origin]] if as_forecasts else values[origin + 1 : origin + 1 + n_rows, 1:]
        rows = rows[:, 1:] if trained >= horizon else rows
        assert_allclose(prediction, np.ravel(forecast(model, data[: origin + 1], horizon, future=rows, **names)))


def test_forecasts_by_origin(table, rng):
    """As a function, a DataFrame and an array."""
    model = linear(2).fit(*supervised(table, 2, known="heat"))
    origins = range(110, 118)
    errors = rng.standard_normal((8, 2))
    frames = {table.index[o]: table[["heat"]][o + 1 : o + 3] + e[:, None] for o, e in zip(origins, errors, strict=True)}
    futures = [frames.__getitem__, pd.concat(frames, names=["origin", "day"]), np.array(list(frames.values()))]
    results = [backtest(model, table, 2, target="demand", first_origin=110, future=future) for future in futures]
    for result in results[1:]:
        pd.testing.assert_frame_equal(result, results[0])
    hindsight = backtest(model, table, 2, target="demand", first_origin=110)
    assert_array_equal(results[0]["truth"], hindsight["truth"])
    assert np.abs(results[0]["prediction"] - hindsight["prediction"]).min() > 1e-6


def test_refits_know_the_columns(table):
    rows = LinearRegression()  # which has the known values of one step alone
    result = backtest(rows, table, target="demand", known=KNOWN, first_origin=100, refit_every=4)
    assert_allclose(result["prediction"], result["truth"], atol=1e-8)


def test_a_lag_never_reads_what_is_forecast(table):
    """Values of the target after an origin change nothing, whatever lag is read from the rows to come."""
    model = linear(1).fit(*supervised(table, 1, known={"demand": 2}))
    changed = table.copy()
    changed.iloc[111:, 0] = 1e6
    for data in (table, changed):
        result = backtest(model, data[:116], 5, target="demand", first_origin=110)
        assert_allclose(
            result["prediction"], backtest(model, table[:116], 5, target="demand", first_origin=110)["prediction"]
        )


def test_windows_shorter_than_the_horizon_are_told(table, whole):
    model = make_pipeline(SlidingWindow(2, flatten=True, pad="edge"), LinearRegression())
    model.fit(*supervised(table, 5, known="heat"))
    with pytest.warns(UserWarning, match=r"Windows of 2 row.* first 3 of 5 steps. Choose SlidingWindow\(5\)"):
        forecast(model, table, 5, target="demand", future=whole[["heat"]][N_ROWS:])


def test_a_future_that_is_not_read_is_told(table):
    model = linear(2).fit(*supervised(table, 2))
    with pytest.warns(UserWarning, match=r"future has no effect.* fit it with known"):
        backtest(model, table, 2, target="demand", future=lambda origin: table[["heat"]])


def test_a_backtest_in_blocks_reads_no_true_value_of_what_is_not_known(table, rng):
    model = linear(1).fit(*supervised(table, 1, known="heat"))
    changed = table.copy()
    changed.loc[table.index[111:], "wind"] = 1e6
    rows = pd.DataFrame(rng.standard_normal((3, 2)), columns=["wind", "heat"]).to_numpy()
    results = [
        backtest(model, data[:114], 3, target="demand", first_origin=110, future=lambda origin: rows)
        for data in (table, changed)
    ]
    assert_array_equal(results[0]["prediction"], results[1]["prediction"])
    with pytest.raises(ValueError, match=r"shape \(3, 1\), while \(3, 2\) is required"):
        backtest(model, table[:114], 3, target="demand", first_origin=110, future=lambda origin: rows[:, 1:])


class Counts(Ridge):
    def fit(self, X, y):
        self.n_rows_ = len(X)
        COUNTED.append(len(X))
        return super().fit(X, y)


COUNTED: list[int] = []


@pytest.mark.parametrize("known", [None, {"demand": 9}])
def test_lags_take_no_training_rows(table, known):
    COUNTED.clear()
    params = {"target": "demand", "known": known, "refit_every": 5, "first_origin": 100, "max_train_size": 20}
    backtest(Counts(), table, 2, **params)
    assert set(COUNTED) == {20}


# Bad input


@pytest.mark.parametrize(
    ("known", "message"),
    [
        ("cold", "known must name some of the columns .*Got 'cold' instead"),
        (["heat", "cold"], "Got 'cold' instead"),
        (["heat", "heat"], "each column once"),
        ({"cold": 8}, "Got 'cold' instead"),
        (3, "Got 3 instead"),
        ("demand", r"only with a lag longer than the horizon, as in known=\{'demand': 21\}.*range \[4, inf\). Got 0"),
        ({"demand": 3}, r"Got 3 for 'demand'"),
        ({"heat": 3}, "windows hold the values between. Got 3 for 'heat'"),
        ({"heat": -1}, "Got -1 for 'heat'"),
        ({"heat": 7.5}, "Got 7.5 for 'heat'"),
        ({"heat": True}, "Got True for 'heat'"),
        ({"heat": "week"}, "Got 'week' for 'heat'"),
        ({"heat": [0, 2]}, "Got 2 for 'heat'"),
        ({"heat": None}, "Got None for 'heat'"),
        ({"heat": []}, r"different lags of a column. Got \[\] for 'heat'"),
        ({"demand": [8, 8]}, r"different lags of a column. Got \[8, 8\] for 'demand'"),
    ],
)
def test_bad_known_columns(table, known, message):
    with pytest.raises(ValueError, match=message):
        to_supervised(table, 3, target="demand", known=known)
    with pytest.raises(ValueError, match=message):
        backtest(linear(3), table, 3, target="demand", known=known, refit_every=1)


def test_bad_tables(table):
    with pytest.raises(ValueError, match=r"already has columns \['heat_step3'\]"):
        to_supervised(table.assign(heat_step3=1.0), 3, target="demand", known="heat")
    with pytest.raises(ValueError, match=r"whose names are str. Got 2 instead. Rename .*rename\(columns=str\)"):
        to_supervised(table.set_axis(range(3), axis=1), 3, target=0, known=2)


def test_a_future_by_origin_of_rows_that_have_no_times(table):
    rows = table.set_axis([f"row {row}" for row in range(len(table))])
    model = linear(3).fit(*supervised(rows, 3, known="heat"))

    def future(origin):
        first = rows.index.get_loc(origin) + 1
        return rows[["heat"]].iloc[first : first + 3]

    found = backtest(model, rows, 3, target="demand", first_origin=100, future=future)
    pd.testing.assert_frame_equal(found, backtest(model, rows, 3, target="demand", first_origin=100))


@pytest.fixture
def model(table):
    return linear(3).fit(*supervised(table, 3, known=KNOWN))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda rows: None, r"The next values of the column\(s\) \['heat'\] are needed: pass 3 row\(s\) as future"),
        (lambda rows: rows[["wind"]], r"must have the columns \['heat'\]"),
        (lambda rows: rows[:2], "must have the rows 2024-04-30 .* to 2024-05-02"),
        (lambda rows: rows.to_numpy()[:3], r"shape \(3, 2\), while \(3, 1\) is required"),
        (lambda rows: rows[["heat"]].to_numpy()[:2], r"shape \(2, 1\), while \(3, 1\) is required"),
        (lambda rows: rows.shift(1), r"missing values in the column\(s\) \['heat'\].*ffill"),
        (lambda rows: rows.astype(str) + "?", "could not convert string to float"),
        (lambda rows: rows.replace(rows.iloc[1, 1], np.inf), "contains infinity"),
        (lambda rows: rows[::-1], "in the order of time"),
        (lambda rows: pd.concat([rows, rows]), "each time once"),
        (lambda rows: rows.tz_localize("UTC"), "time zone"),
        (lambda rows: rows.reset_index(drop=True), "holds times of the kind"),
        (lambda rows: rows.set_axis(["a", "a"], axis=1), "different names"),
    ],
)
def test_bad_futures(model, table, whole, change, message):
    future = change(whole[["wind", "heat"]][N_ROWS:])
    with pytest.raises(ValueError, match=message):
        forecast(model, table, 2, target="demand", future=future)
    with pytest.raises(ValueError, match=message):
        backtest(model, whole[: N_ROWS + 3], 2, target="demand", first_origin=N_ROWS - 1, future=lambda origin: future)


def test_whole_blocks_are_known(model, table, whole):
    rows = whole[["wind", "heat"]][N_ROWS:]
    with pytest.raises(ValueError, match=r"column\(s\) \['wind', 'heat'\] are needed: pass 6 row\(s\)"):
        forecast(model, table, 4, target="demand")
    with pytest.raises(ValueError, match=r"must have the rows .* to 2024-05-05"):
        forecast(model, table, 4, target="demand", future=rows[:4])
    assert len(forecast(model, table, 4, target="demand", future=rows[:6])) == 4


def test_bad_models(model, table, whole, tiny):
    rows = whole[["heat"]][N_ROWS:]
    for known in ("wind", "heat", {"heat": 0, "demand": 9}, {"heat": 0, "demand": [8, 9]}, {"heat": 0, "cold": 8}):
        with pytest.raises(ValueError, match=r"with the columns \['heat_step3', 'demand_lag5'\], which known=.*"):
            forecast(model, table, 2, target="demand", known=known, future=rows)
    assert len(forecast(model, table, 2, target="demand", known={"demand": 8, "heat": [0]}, future=rows)) == 2
    with pytest.raises(ValueError, match=r"history must have at least 6 rows, since .* 5 rows before. Got 5"):
        forecast(model, table[:5], 2, target="demand", future=rows)
    with pytest.raises(ValueError, match="The series up to first_origin must have at least 6 rows"):
        backtest(model, table, 2, target="demand", first_origin=4)
    of_arrays = linear(3).fit(*to_supervised(table.to_numpy(), 3, target=0, known=2))
    with pytest.raises(ValueError, match=r"history has 3 columns, while the model was fitted on 4.* pass its known"):
        forecast(of_arrays, table.to_numpy(), 2, target=0, future=rows.to_numpy())
    with pytest.raises(ValueError, match=r"Found 1 row.s., while more than 1 are required"):
        forecast(of_arrays, table.to_numpy()[:1], 2, target=0, known=2, future=rows.to_numpy())
    X, y = supervised(table, 3, known=["heat"])
    with pytest.raises(ValueError, match=r"predicts 1 step.s. at once, but its columns are known 3 steps ahead"):
        forecast(linear(1).fit(X, y.iloc[:, 0]), table, 1, target="demand", future=rows)


@pytest.mark.parametrize(
    ("future", "message"),
    [
        (lambda rows: rows, "must have an index of two levels.*but has 1"),
        (lambda rows: pd.concat({"then": rows}), "no rows for the origin 2024-04-25"),
        (lambda rows: rows.to_numpy(), r"an array of shape \(2, n_future, n_columns\) for 2 origins. Got \(12, 1\)"),
        (lambda rows: np.zeros((3, 3, 1)), r"Got \(3, 3, 1\)"),
        (lambda rows: "weather", "Got str instead"),
        (lambda rows: np.zeros((2, 2, 1)), r"shape \(2, 1\), while \(3, 1\) is required"),
    ],
)
def test_bad_futures_by_origin(model, table, whole, future, message):
    with pytest.raises(ValueError, match=message):
        backtest(model, table, 2, target="demand", first_origin=115, future=future(whole[["heat"]][N_ROWS:]))


def test_known_columns_of_a_model_without_names():
    days = pd.date_range("2024-01-01", periods=60)
    table = pd.DataFrame({"x": np.sin(np.arange(60.0)), "k": np.cos(np.arange(60.0))}, days)
    X, y = to_supervised(table, target="x", known="k")
    future = pd.DataFrame({"k": [1.0]}, [days[-1] + pd.Timedelta("1D")])
    named = make_pipeline(SlidingWindow(3, flatten=True, pad="edge"), Ridge()).fit(X, y)
    nameless = clone(named).fit(X.to_numpy(), y.to_numpy())
    found = forecast(nameless, table, 1, target="x", known="k", future=future)
    assert_allclose(found, forecast(named, table, 1, target="x", future=future))
