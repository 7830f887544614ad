"""Forecasts and backtests of many series."""

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.compose import TransformedTargetRegressor, make_column_transformer
from sklearn.linear_model import Ridge
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from sklstm import LSTMForecaster, PanelTimeSeriesSplit, SeasonalNaive, SlidingWindow, backtest, forecast, to_supervised

N_TO_COME = 12
IDS = {"a": 1.0, "b": 2.0}


@pytest.fixture
def series(rng):
    """Return the rows of two series with other starts and ends, and of the times after them."""

    def table(start, n_rows):
        values = rng.standard_normal((n_rows + N_TO_COME, 2))
        values[:, 0] = values[:, 0].cumsum()
        days = pd.date_range(start, periods=len(values), name="day")
        return pd.DataFrame(values, days, ["sales", "price"])

    return {"a": table("2024-01-01", 60), "b": table("2024-02-01", 40)}


FORMS = ["column", "sorted by time", "level", "array"]


def joined(tables, form):
    """Return several series as one table, and what tells their ids."""
    table = pd.concat([rows.assign(store=id_) for id_, rows in tables.items()])[["sales", "store", "price"]]
    if form == "sorted by time":
        return table.sort_index(kind="stable"), "store"
    if form == "level":
        return table.set_index("store", append=True).swaplevel(), "store"
    if form == "array":
        return table.assign(store=table["store"].map(IDS)).to_numpy(float), 1
    return table, "store"


def histories(series):
    return {id_: rows[:-N_TO_COME] for id_, rows in series.items()}


def ridge(groups=None, window_size=5):
    return make_pipeline(SlidingWindow(window_size, groups=groups, flatten=True, pad="edge"), Ridge())


def of_series(result, id_, form):
    """Return the forecasts of one series."""
    if form == "array":
        return result[result[:, 0] == IDS[id_], 1]
    return result.xs(id_)["sales"] if form == "level" else result.loc[result["store"] == id_, "sales"]


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("known", [None, "price", {"price": 0, "sales": 13}])
@pytest.mark.parametrize(("horizon", "steps"), [(1, 12), (4, 12), (12, 5)])
def test_forecasts_are_those_of_each_series(series, horizon, steps, known, form):
    table, groups = joined(histories(series), form)
    chosen = names = {"target": "sales", "known": known}
    if form == "array":
        positions = {"price": 2, "sales": 0}
        in_array = {positions[name]: lag for name, lag in known.items()} if isinstance(known, dict) else known and 2
        chosen = {"target": 0, "known": in_array}
    model = ridge(groups).fit(*to_supervised(table, horizon, **chosen, groups=groups))
    future = None
    if known is not None or horizon < steps:
        future, _ = joined({id_: rows[-N_TO_COME:] for id_, rows in reversed(series.items())}, form)
        future = np.delete(future, 0, axis=1) if form == "array" else future.drop(columns="sales")
        if form == "array":
            future = np.insert(future[:, [1]], 1, future[:, 0], axis=1)  # the ids where they are in the table
    result = forecast(model, table, steps, **chosen, future=future)
    assert len(result) == 2 * steps
    for id_, rows in histories(series).items():
        alone = make_pipeline(SlidingWindow(5, flatten=True, pad="edge"), model[-1])
        alone[:-1].fit(to_supervised(rows, horizon, **names)[0])
        prices = series[id_][["price"]][-N_TO_COME:] if future is not None else None
        expected = forecast(alone, rows, steps, **names, future=prices)
        assert_allclose(of_series(result, id_, form), expected["sales"])
        if form != "array":
            assert_array_equal(of_series(result, id_, form).index, expected.index)


def test_verbose_reports_the_blocks_of_all_series(series, capfd):
    table = joined(histories(series), "column")[0][["sales", "store"]]
    model = ridge("store").fit(*to_supervised(table, 4, target="sales", groups="store"))
    silent = forecast(model, table, 10)
    assert "".join(capfd.readouterr()) == ""
    pd.testing.assert_frame_equal(forecast(model, table, 10, verbose=1), silent)
    assert "3 out of   3" in "".join(capfd.readouterr())


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize(("trained", "horizon"), [(1, 3), (3, 3), (4, 3)])
def test_backtests_are_those_of_each_series(series, trained, horizon, form):
    tables = histories(series)
    table, groups = joined(tables, form)
    chosen = {"target": 0, "known": 2} if form == "array" else {"target": "sales", "known": "price"}
    model = ridge(groups).fit(*to_supervised(table, trained, **chosen, groups=groups))
    result = pd.DataFrame(dict(backtest(model, table, horizon, **chosen, first_origin=45, stride=4)))
    n_rows = -(-horizon // trained) * trained
    for id_, rows in tables.items():
        alone = make_pipeline(SlidingWindow(5, flatten=True, pad="edge"), model[-1])
        alone[:-1].fit(to_supervised(rows, trained, target="sales", known="price")[0])
        found = result[result[result.columns[0]] == (IDS[id_] if form == "array" else id_)]
        assert len(found) >= 2 * horizon
        for origin, steps in found.groupby("origin"):
            # Without times, rows are counted from the end of each series.
            place = len(rows) - (60 - origin) if form == "array" else rows.index.get_loc(origin)
            future = rows[["price"]][place + 1 : place + 1 + n_rows]
            expected = forecast(alone, rows[: place + 1], horizon, target="sales", known="price", future=future)
            assert_allclose(steps["prediction"], expected["sales"])
            assert_array_equal(steps["truth"], rows["sales"][place + 1 : place + 1 + horizon])


def test_refits_see_no_later_time(series):
    table, groups = joined(histories(series), "column")
    changed = table.copy()
    changed.loc[changed.index > "2024-02-20", "sales"] = 1e6
    results = [
        backtest(ridge(groups), rows, 2, target="sales", first_origin=45, refit_every=1, stride=5)
        for rows in (table, changed)
    ]
    early = results[0]["origin"] <= pd.Timestamp("2024-02-20")
    assert 0 < early.sum() < len(early)
    assert_array_equal(results[0]["prediction"][early], results[1]["prediction"][early])
    assert set(results[0]["store"]) == {"a", "b"}


def test_forecasts_by_origin_are_used(series):
    table, groups = joined(histories(series), "column")
    model = ridge(groups).fit(*to_supervised(table, 2, target="sales", known="price", groups=groups))
    shifted = table[["store", "price"]].assign(price=lambda rows: rows["price"] + 1)

    def weather(origin):
        return shifted[shifted.index > origin].groupby("store").head(2)

    found = backtest(model, table, 2, target="sales", first_origin=45, stride=5, future=weather)
    true = backtest(model, table, 2, target="sales", first_origin=45, stride=5)
    assert_array_equal(found["truth"], true["truth"])
    assert np.abs(found["prediction"] - true["prediction"]).min() > 1e-6


def test_models_that_look_at_all_rows_see_none_after_the_origin(series):
    class Mean(Ridge):
        def predict(self, X):
            return np.full(len(X), np.mean(X))

    table, groups = joined(histories(series), "column")
    columns = make_column_transformer(("passthrough", ["sales", "store", "price"]), verbose_feature_names_out=False)
    model = make_pipeline(columns.set_output(transform="pandas"), *ridge(groups)[:-1], Mean())
    model.fit(*to_supervised(table, target="sales", groups=groups))
    whole = backtest(model, table, target="sales", first_origin=45)
    cut = backtest(model, table[table.index < "2024-02-25"], target="sales", first_origin=45)
    both = whole.merge(cut, on=["store", "origin", "step"])
    assert len(both) > 4
    assert_allclose(both["prediction_x"], both["prediction_y"])


def test_scikit_learn_takes_panels(series):
    table, groups = joined(histories(series), "column")
    X, y = to_supervised(table, target="sales", groups=groups)
    cv = PanelTimeSeriesSplit(3, groups=groups)
    assert np.isfinite(cross_val_score(ridge(groups), X, y, cv=cv)).all()
    search = GridSearchCV(ridge(groups), {"slidingwindow__window_size": [2, 3]}, cv=cv).fit(X, y)
    assert len(forecast(search, table, 1, target="sales")) == 2
    transformed = TransformedTargetRegressor(ridge(groups), func=np.cbrt, inverse_func=lambda y: y**3).fit(X, y)
    assert len(forecast(transformed, table, 1, target="sales")) == 2


@pytest.mark.parametrize(
    "regressor", [LSTMForecaster(3, n_networks=1, epochs=1, random_state=0), SeasonalNaive(2, target=0)], ids=str
)
def test_estimators_of_windows_take_panels(series, regressor):
    table, groups = joined(histories(series), "level")
    model = make_pipeline(SlidingWindow(5, groups=groups), regressor)
    model.fit(*to_supervised(table, 2, target="sales", groups=groups))
    result = forecast(model, table, 2, target="sales")
    assert result.index.names == ["store", "day"]
    if isinstance(regressor, SeasonalNaive):
        assert_array_equal(result.xs("b")["sales"], series["b"]["sales"][-N_TO_COME - 2 : -N_TO_COME])


def test_a_new_and_a_short_series_are_forecast(series):
    table, groups = joined(histories(series), "column")
    model = ridge(groups).fit(*to_supervised(table, target="sales", groups=groups))
    new = joined({"c": series["a"][:1], "d": series["b"][:30]}, "column")[0]
    result = forecast(model, new, 1, target="sales")
    assert list(result["store"]) == ["c", "d"]
    assert list(result.index) == [pd.Timestamp("2024-01-02"), pd.Timestamp("2024-03-02")]


def test_rows_without_times(series):
    table, groups = joined(histories(series), "column")
    numbered = table.reset_index(drop=True)
    model = ridge(groups).fit(*to_supervised(numbered, 3, target="sales", groups=groups))
    result = forecast(model, numbered, 3, target="sales")
    assert_allclose(result["sales"], forecast(model, table, 3, target="sales")["sales"])


@pytest.mark.filterwarnings("ignore:.* is irregular")
def test_times_of_the_future_are_taken_where_those_of_the_history_have_no_step(series):
    table, groups = joined(histories(series), "column")
    days = table.index.unique().sort_values()
    odd = dict(zip(days, days[0] + pd.to_timedelta(np.arange(len(days)) ** 1.5, "h"), strict=True))
    table.index = table.index.map(odd)
    model = ridge(groups).fit(*to_supervised(table, 2, target="sales", known="price", groups=groups))
    later = pd.DatetimeIndex(["2024-03-01", "2024-03-05"] * 2)
    future = pd.DataFrame({"store": list("aabb"), "price": 1.0}, later)
    assert list(forecast(model, table, 2, target="sales", future=future).index) == list(later)
    model.fit(*to_supervised(table, 2, target="sales", groups=groups))
    assert list(forecast(model, table, 2, target="sales").index) == [60, 61, 40, 41]  # numbered in each series


def test_columns_of_any_kind(series):
    table, groups = joined(histories(series), "column")
    table["kind"] = np.where(table["store"] == "a", "large", "small")  # static
    table["sky"] = np.where(table["price"] > 0, "clear", "cloudy")
    table["open"] = table["price"] > -1
    future = table.groupby("store").tail(4)[["store", "sky", "open"]]
    future.index = future.index + pd.Timedelta(days=4)
    X, y = to_supervised(table.drop(columns="price"), 2, target="sales", known=["sky", "open"], groups=groups)
    encode = make_column_transformer(
        (OneHotEncoder(sparse_output=False), ["kind", "sky", "sky_step2"]),
        remainder="passthrough",
        verbose_feature_names_out=False,
    ).set_output(transform="pandas")
    model = make_pipeline(encode, ridge(groups)).fit(X, y)
    history = table.drop(columns="price")
    assert np.isfinite(forecast(model, history, 2, target="sales", future=future)["sales"]).all()
    blocks = forecast(model, history, 4, target="sales", future=future.assign(kind="large"))
    assert np.isfinite(blocks["sales"]).all()
    assert np.isfinite(backtest(model, history, 4, target="sales", first_origin=50)["prediction"]).all()


def test_backtests_see_complete_rows_only(series):
    """A row without a lag, or without the values known ahead, is none for any model."""
    table, groups = joined(histories(series), "column")
    known = {"price": 0, "sales": 13}
    window = SlidingWindow(5, groups=groups, flatten=True, pad="edge").set_output(transform="pandas")
    X, y = to_supervised(table, 2, target="sales", known=known, groups=groups)
    for model in (
        make_pipeline(window, StandardScaler(), Ridge()),
        TransformedTargetRegressor(make_pipeline(window, Ridge())),
        make_pipeline(window, Ridge()),
    ):
        result = backtest(model.fit(X, y), table, 2, target="sales", first_origin=44)
        early = result[(result["store"] == "b") & (result["origin"] == "2024-02-15")]
        past = table[(table["store"] == "b") & (table.index <= "2024-02-15")]
        future = table[(table["store"] == "b") & (table.index > "2024-02-15")][:2][["store", "price"]]
        assert_allclose(early["prediction"], forecast(model, past, 2, target="sales", future=future)["sales"])


def test_refits_keep_the_series_where_targets_are_missing(series):
    table, groups = joined(histories(series), "column")
    table.loc[table.index == "2024-02-10", "sales"] = np.nan
    seen = []

    class Spy(LSTMForecaster):
        def fit(self, X, y):
            seen.append(type(X).__name__)
            return super().fit(X, y)

    regressor = TransformedTargetRegressor(Spy(3, n_networks=1, epochs=1, random_state=0))
    model = make_pipeline(SlidingWindow(3, groups=groups), regressor)
    backtest(model, table, target="sales", first_origin=55, refit_every=10)
    assert set(seen) == {"Windows"}


# Bad input


@pytest.fixture
def known(series):
    """Return a table, a model that knows the price ahead, and the prices to come."""
    table, groups = joined(histories(series), "column")
    model = ridge(groups).fit(*to_supervised(table, 3, target="sales", known="price", groups=groups))
    future = joined({id_: rows[-N_TO_COME:] for id_, rows in series.items()}, "column")[0]
    return table, model, future[["store", "price"]]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda rows: None, r"next values of the column\(s\) \['price'\] are needed: pass 3 row\(s\)"),
        (lambda rows: rows[rows["store"] == "a"], "no rows of 1 series of history, such as 'b'"),
        (lambda rows: rows[rows.index != "2024-03-02"], "series 'a' lacks 2024-03-02"),
        (lambda rows: rows[["store"]], r"must have the columns \['price'\]"),
        (lambda rows: rows[["price"]], "groups must name the column or the level"),
        (lambda rows: rows[::-1], "in the order of time"),
        (lambda rows: pd.concat([rows, rows]), "in the order of time, each time once"),
        (lambda rows: rows.assign(price=np.nan), r"missing values in the column\(s\) \['price'\]"),
        (lambda rows: rows.assign(price="high"), "could not convert string to float"),
        (lambda rows: rows.assign(price=np.inf), "contains infinity"),
        (lambda rows: rows.tz_localize("UTC"), "time zone"),
        (lambda rows: rows.set_axis(list(range(12)) * 2), "holds times of the kind"),
        (lambda rows: rows.reset_index(drop=True), "index of history holds times, that of future does not"),
        (lambda rows: rows.to_numpy(), "future must be a DataFrame, with the ids"),
        (lambda rows: rows.assign(store=None), "without an id"),
    ],
)
def test_bad_futures(known, change, message):
    table, model, future = known
    with pytest.raises(ValueError, match=message):
        forecast(model, table, 2, target="sales", future=change(future))


def test_bad_histories(known, series):
    table, model, future = known
    with pytest.raises(ValueError, match="groups must name the column"):
        forecast(model, table.drop(columns="store"), 2, target="sales", future=future)
    with pytest.raises(ValueError, match="in series 'b'"):
        backtest(model, table[::-1], 2, target="sales")
    with pytest.raises(ValueError, match="out of range"):
        backtest(model, table, 2, target="sales", first_origin=70)
    with pytest.raises(ValueError, match="No series has enough rows"):
        backtest(model, pd.concat([table[:2], table[-2:]]), 2, target="sales", first_origin=0)
    renamed = table.rename(columns={"store": "origin"})
    with pytest.raises(ValueError, match="groups is called 'origin'"):
        backtest(ridge("origin"), renamed, 2, target="sales", refit_every=9)
    lags = ridge("store").fit(*to_supervised(table, 2, target="sales", known={"sales": 9}, groups="store"))
    with pytest.raises(ValueError, match=r"at least 8 rows of each series.* Series 'n' has 5"):
        forecast(lags, pd.concat([table, table[:5].assign(store="n")]), 2, target="sales")
    with pytest.raises(ValueError, match="next values of the column"):
        backtest(model, table, 2, target="sales", future=lambda origin: None)
    rows = ridge("store").fit(*to_supervised(table, 1, target="sales", groups="store"))
    with pytest.raises(ValueError, match="pass 3 row"):
        forecast(rows, table, 3, target="sales")
    with pytest.warns(UserWarning, match="future has no effect"):
        forecast(rows, table, 1, target="sales", future=future)


def test_a_future_of_integer_times_that_differ_between_series():
    values = np.arange(40.0)
    history = pd.concat([pd.DataFrame({"s": s, "x": values[:n], "k": values[:n]}) for s, n in (("a", 40), ("b", 38))])
    X, y = to_supervised(history, target="x", known="k", groups="s")
    model = make_pipeline(SlidingWindow(3, groups="s", flatten=True, pad="edge"), Ridge(0.01)).fit(X, y)
    future = pd.DataFrame({"s": ["b", "a"], "k": [38.0, 40.0]}, index=[38, 40])
    found = forecast(model, history, 1, target="x", future=future)
    assert_allclose(found["x"], [40, 38], atol=0.1)
    assert list(found.index) == [40, 38]
