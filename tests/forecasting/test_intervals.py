"""Intervals of forecasts, backtests and sampled paths."""

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.linear_model import LinearRegression, Ridge
from sklearn.model_selection import GridSearchCV, TimeSeriesSplit, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sklstm import ConformalForecaster, LSTMForecaster, SlidingWindow, backtest, forecast, sample_paths, to_supervised
from sklstm.metrics import interval_score, make_interval_scorer


def windowed(size=4, **window):
    return make_pipeline(SlidingWindow(size, flatten=True, pad="edge", **window), Ridge())


def random_table(rng, n_rows=200, columns=("demand",)):
    values = rng.standard_normal((n_rows, len(columns))).cumsum(axis=0) * 0.1 + rng.standard_normal((n_rows, 1))
    return pd.DataFrame(values, columns=list(columns), index=pd.date_range("2020-01-01", periods=n_rows, freq="D"))


def random_panel(rng, n_rows=60, n_series=3):
    tables = [random_table(rng, n_rows, ("sales", "promotion")).assign(shop=f"shop {i}") for i in range(n_series)]
    return pd.concat(tables).sort_index(kind="stable")


def test_columns_of_a_forecast(rng):
    table = random_table(rng)
    model = ConformalForecaster(windowed()).fit(*to_supervised(table, horizon=3))
    found = forecast(model, table, 3, coverage=(0.8, 0.955))
    names = ["demand", "demand_lower_80", "demand_upper_80", "demand_lower_95.5", "demand_upper_95.5"]
    assert list(found.columns) == names
    pd.testing.assert_frame_equal(found[["demand"]], forecast(model, table, 3))
    expected = model.predict_interval(table, (0.8, 0.955))[-1]
    np.testing.assert_array_equal(found[names[1:3]], expected[..., 0])
    np.testing.assert_array_equal(found[names[3:]], expected[..., 1])
    of_array = forecast(
        model.fit(*to_supervised(table.to_numpy(), horizon=3)), table.to_numpy(), 3, coverage=(0.8, 0.955)
    )
    np.testing.assert_array_equal(of_array, found)


def test_several_targets(rng):
    table = random_table(rng, columns=("a", "b"))
    model = ConformalForecaster(windowed()).fit(*to_supervised(table, horizon=2))
    found = forecast(model, table, 2, coverage=0.8)
    assert list(found.columns) == ["a", "a_lower_80", "a_upper_80", "b", "b_lower_80", "b_upper_80"]
    expected = model.predict_interval(table, 0.8)[-1].reshape(2, 2, 2)
    np.testing.assert_array_equal(found[["b_lower_80", "b_upper_80"]], expected[:, 1])
    result = backtest(model, table, 2, coverage=0.8).set_index(["origin", "target"])
    at_end = model.predict_interval(table.iloc[:-2], 0.8)[-1].reshape(2, 2, 2)
    np.testing.assert_array_equal(result.loc[(table.index[-3], "b"), ["lower_80", "upper_80"]], at_end[:, 1])


def test_the_model_remembers_its_target(rng):
    table = random_table(rng, columns=("demand", "temperature"))
    model = ConformalForecaster(windowed()).fit(*to_supervised(table, horizon=3, target="demand"))
    assert list(forecast(model, table, 3, coverage=0.8).columns) == ["demand", "demand_lower_80", "demand_upper_80"]


def test_columns_known_ahead(rng):
    table = random_table(rng, columns=("demand", "temperature"))
    known = {"temperature": 0, "demand": 7}
    X, y = to_supervised(table[:-2], horizon=2, target="demand", known=known)
    model = ConformalForecaster(windowed(), horizon=6).fit(X, y)
    found = forecast(model, table[:-6], 2, future=table[["temperature"]], coverage=0.8)
    result = backtest(model, table, 2, first_origin=len(table) - 7, coverage=0.8)
    np.testing.assert_allclose(result.loc[result.origin == table.index[-7], "lower_80"], found["demand_lower_80"])
    longer = forecast(model, table[:-6], 6, future=table[["temperature"]], coverage=0.8)
    np.testing.assert_allclose(longer[:2], found)
    assert np.isfinite(longer).all(axis=None)


@pytest.mark.parametrize("as_frame", [True, False])
def test_a_backtest_gives_the_intervals_of_forecasts(rng, as_frame):
    table = random_table(rng)
    series = table if as_frame else table.to_numpy()
    model = ConformalForecaster(windowed(), horizon=5).fit(*to_supervised(series[:150], horizon=2))
    result = backtest(model, series, 5, first_origin=150, stride=7, coverage=(0.5, 0.8))
    for origin in (150, 171):
        expected = np.asarray(forecast(model, series[: origin + 1], 5, coverage=(0.5, 0.8)))
        is_here = result["origin"] == (table.index[origin] if as_frame else origin)
        for i, name in enumerate(["prediction", "lower_50", "upper_50", "lower_80", "upper_80"]):
            np.testing.assert_allclose(result[name][is_here], expected[:, i])


def test_a_backtest_with_refits(rng):
    table = random_table(rng)
    result = backtest(ConformalForecaster(windowed()), table, 2, first_origin=100, refit_every=40, coverage=0.8)
    model = ConformalForecaster(windowed()).fit(*to_supervised(table[:141], horizon=2))
    expected = forecast(model, table[:151], 2, coverage=0.8)
    found = result[result.origin == table.index[150]]
    np.testing.assert_allclose(found[["prediction", "lower_80", "upper_80"]], expected)


def test_adaptive_intervals_know_the_truths_up_to_their_origin(rng):
    table = random_table(rng, 300)
    model = ConformalForecaster(windowed(), adaptive=True).fit(*to_supervised(table[:200], horizon=2))
    found = backtest(model, table, 2, first_origin=200, coverage=0.8)
    changed = table.copy()
    changed.iloc[250:] += 100
    other = backtest(model, changed, 2, first_origin=200, coverage=0.8)
    is_before = found.origin < table.index[250]
    columns = ["prediction", "lower_80", "upper_80"]
    pd.testing.assert_frame_equal(found[is_before][columns], other[is_before][columns])
    widths = [(result.upper_80 - result.lower_80)[~is_before].mean() for result in (found, other)]
    assert widths[1] > widths[0]


def test_truths_of_rare_series_are_known_late(rng):
    days = pd.date_range("2024-01-01", periods=240)
    daily = pd.DataFrame({"id": "daily", "v": rng.standard_normal(240)}, index=days)
    weekly = pd.DataFrame({"id": "weekly", "v": rng.standard_normal(35)}, index=days[::7][:35])
    table = pd.concat([daily, weekly]).sort_index(kind="stable")
    X, y = to_supervised(table[table.index < days[150]], target="v", groups="id")
    model = ConformalForecaster(windowed(2, groups="id"), adaptive=True).fit(X, y)
    changed = table.copy()
    changed.loc[(changed.id == "weekly") & (changed.index == days[182]), "v"] = 1000
    found, other = (backtest(model, series, 1, first_origin=150, coverage=0.8) for series in (table, changed))
    is_before = (found.origin < days[182]).to_numpy()
    np.testing.assert_array_equal(found.lower_80[is_before], other.lower_80[is_before])
    assert (found.lower_80[~is_before] != other.lower_80[~is_before]).any()


def test_a_scale_that_looks_ahead_is_asked_at_each_origin(rng):
    table = random_table(rng)
    model = ConformalForecaster(windowed(), scale=lambda X: np.full(len(X), np.std(np.asarray(X)))).fit(
        *to_supervised(table[:150], horizon=2)
    )
    result = backtest(model, table, 2, first_origin=160, stride=20, coverage=0.8)
    expected = forecast(model, table[:181], 2, coverage=0.8)
    found = result[result.origin == table.index[180]]
    np.testing.assert_allclose(found[["lower_80", "upper_80"]], expected[["demand_lower_80", "demand_upper_80"]])


def test_refits_at_which_no_series_has_rows(rng):
    days = pd.date_range("2024-01-01", periods=60)
    parts = {"a": days[:50], "b": days[50:]}
    table = pd.concat([pd.DataFrame({"id": k, "v": rng.random(len(i))}, index=i) for k, i in parts.items()])
    model = ConformalForecaster(windowed(groups="id"))
    params = {"horizon": 3, "target": "v", "first_origin": 40, "refit_every": 1}
    assert len(backtest(model, table, coverage=0.8, **params)) == len(backtest(model, table, **params))


def test_columns_of_two_levels(rng):
    table = random_table(rng, columns=("a", "b"))
    table.columns = pd.MultiIndex.from_tuples([("x", "a"), ("x", "b")], names=["place", "what"])
    model = ConformalForecaster(windowed()).fit(*to_supervised(table))
    found = forecast(model, table, 1, coverage=0.8)
    assert found.columns.tolist()[:2] == [("x", "a"), ("x", "a_lower_80")]
    assert list(found.columns.names) == ["place", "what"]


def test_targets_that_are_called_like_ends(rng):
    table = random_table(rng, columns=("v", "v_lower_80"))
    model = ConformalForecaster(windowed()).fit(*to_supervised(table))
    with pytest.raises(ValueError, match=r"The target\(s\) \['v_lower_80'\] are called as ends"):
        forecast(model, table, 1, coverage=0.8)


def test_a_backtest_and_updates_adapt_alike(rng):
    table = random_table(rng, 260)
    X, y = to_supervised(table)
    model = ConformalForecaster(windowed(), adaptive=True).fit(X[:200], y[:200])
    result = backtest(model, table, first_origin=201, coverage=0.8)
    known = y.where((np.arange(len(y)) >= 201) & (np.arange(len(y)) < 258))
    expected = model.update(X, known).predict_interval(X, 0.8)[258, 0]
    np.testing.assert_allclose(result[["lower_80", "upper_80"]].iloc[-1], expected)


def test_intervals_of_panels(rng):
    table = random_panel(rng)
    X, y = to_supervised(table, horizon=2, target="sales", groups="shop")
    model = ConformalForecaster(windowed(groups="shop"), horizon=4, scale="series").fit(X, y)
    future = random_panel(rng, 4).set_axis(np.repeat(pd.date_range(table.index[-1], periods=5)[1:], 3))
    found = forecast(model, table, 4, future=future[["shop", "promotion"]], coverage=0.8)
    assert list(found.columns) == ["shop", "sales", "sales_lower_80", "sales_upper_80"]
    first = found[found.shop == "shop 1"][["sales_lower_80", "sales_upper_80"]][:2]
    at_end = model.predict_interval(table, 0.8)[(table.shop == "shop 1").to_numpy()][-1]
    np.testing.assert_allclose(first, at_end)
    result = backtest(model, table, 4, first_origin=50, coverage=0.8)
    assert list(result.columns) == ["shop", "origin", "step", "truth", "prediction", "lower_80", "upper_80"]
    early = table[table.index <= table.index.unique()[55]]
    late = table[table.index > early.index[-1]][["shop", "promotion"]]
    late = late[late.index <= early.index[-1] + pd.Timedelta(days=4)]
    expected = forecast(model, early, 4, future=late, coverage=0.8)
    of_origin = result[result.origin == early.index[-1]]
    np.testing.assert_allclose(of_origin[["lower_80", "upper_80"]], expected[["sales_lower_80", "sales_upper_80"]])
    of_array = sample_paths(model, table, 4, 7, future=future[["shop", "promotion"]], random_state=0)
    assert of_array.shape == (7, 3, 4, 1)


def test_intervals_of_recursive_forecasts_are_calibrated_at_each_depth(rng):
    noise, series = rng.standard_normal(4000), np.zeros(4000)
    for t in range(1, 4000):
        series[t] = 0.9 * series[t - 1] + noise[t]
    model = ConformalForecaster(windowed(1), horizon=6).fit(*to_supervised(series[:2000]))
    result = backtest(model, series, 6, first_origin=2000, stride=3, coverage=0.8)
    inside = (result.lower_80 <= result.truth) & (result.truth <= result.upper_80)
    for step in range(1, 7):
        assert abs(inside[result.step == step].mean() - 0.8) < 0.04
    widths = [np.mean((result.upper_80 - result.lower_80)[result.step == step]) for step in range(1, 7)]
    expected = 2 * 1.2816 * np.sqrt(np.cumsum(0.9 ** (2 * np.arange(6))))
    np.testing.assert_allclose(widths, expected, rtol=0.12)


def test_paths_have_the_spread_of_sums(rng, capfd):
    noise, series = rng.standard_normal(5000), np.zeros(5000)
    for t in range(1, 5000):
        series[t] = 0.9 * series[t - 1] + noise[t]
    model = ConformalForecaster(windowed(1), horizon=5).fit(*to_supervised(series))
    paths = sample_paths(model, series, 5, 4000, random_state=0)
    assert paths.shape == (4000, 5, 1)
    np.testing.assert_allclose(paths.mean(axis=0), forecast(model, series, 5), atol=0.6)
    weights = [sum(0.9**k for k in range(5 - t)) for t in range(5)]  # of each step's noise in the sum
    assert paths.sum(axis=1).std() == pytest.approx(np.sqrt(np.square(weights).sum()), rel=0.15)
    again = sample_paths(model, series, 5, 4000, random_state=0, verbose=1)
    np.testing.assert_array_equal(again, paths)
    assert "5 out of   5" in "".join(capfd.readouterr())


def test_a_search_has_intervals(rng):
    table = random_table(rng)
    X, y = to_supervised(table, horizon=2)
    search = GridSearchCV(ConformalForecaster(windowed()), {"method": ["residual"]}, cv=TimeSeriesSplit(2)).fit(X, y)
    expected = forecast(search.best_estimator_, table, 2, coverage=0.8)
    pd.testing.assert_frame_equal(forecast(search, table, 2, coverage=0.8), expected)
    assert "lower_80" in backtest(search, table, 2, coverage=0.8)
    assert "lower_80" in backtest(search, table, 2, first_origin=150, refit_every=50, coverage=0.8)


def test_an_lstm_has_intervals(rng, tiny):
    table = random_table(rng, 150)
    scaled = make_pipeline(StandardScaler(), SlidingWindow(6), tiny(epochs=1))
    model = ConformalForecaster(scaled, horizon=5).fit(*to_supervised(table, horizon=3))
    assert type(model.estimator_[-1]) is LSTMForecaster
    found = forecast(model, table, 5, coverage=(0.5, 0.8))
    assert (found["demand_lower_80"] < found["demand_lower_50"]).all()
    np.testing.assert_allclose(found[["demand"]], forecast(model.estimator_, table, 5))


@pytest.mark.parametrize(
    ("coverage", "match"),
    [(90, "open interval"), ((0.8, 0.8), "several different ones"), ("all", "open interval"), (0.99, "at least 99")],
)
def test_bad_coverages(rng, coverage, match):
    table = random_table(rng)
    model = ConformalForecaster(windowed()).fit(*to_supervised(table))
    for call in (forecast, backtest):
        with pytest.raises(ValueError, match=match):
            call(model, table, 1, coverage=coverage)


def test_a_model_without_intervals(rng):
    table = random_table(rng)
    model = LinearRegression().fit(*to_supervised(table))
    for call in (forecast, backtest):
        with pytest.raises(ValueError, match=r"needs a model with predict_interval. .* ConformalForecaster\(model\)"):
            call(model, table, 1, coverage=0.8)
    with pytest.raises(ValueError, match="model must be a ConformalForecaster"):
        sample_paths(model, table, 1)


def test_steps_beyond_the_horizon_of_intervals(rng):
    table = random_table(rng)
    model = ConformalForecaster(windowed()).fit(*to_supervised(table, horizon=2))
    assert forecast(model, table, 5).shape == (5, 1)
    for call in (forecast, backtest):
        with pytest.raises(ValueError, match=r"Intervals reach 2 steps ahead, but 5 are asked for. Fit with horizon=5"):
            call(model, table, 5, coverage=0.8)
    with pytest.raises(ValueError, match="Intervals reach 2 steps ahead"):
        sample_paths(model, table, 5)


def test_a_horizon_without_calibration_rows(rng):
    with pytest.raises(ValueError, match="horizon=50 is longer than the calibration rows, so no error"):
        ConformalForecaster(windowed(), horizon=50).fit(*to_supervised(random_table(rng, 101)))


def test_several_targets_beyond_the_model(rng):
    table = random_table(rng, columns=("a", "b"))
    model = ConformalForecaster(windowed(), horizon=3).fit(*to_supervised(table, horizon=2))
    found = forecast(model, table, 3, coverage=0.8)
    assert model.trajectory_errors_.shape[1] == 6
    assert (found["b_lower_80"] < found["b_upper_80"]).all()


def test_a_horizon_needs_to_know_the_targets(rng):
    X, y = to_supervised(rng.random((100, 2)), target=0)
    with pytest.raises(ValueError, match=r"X has the columns \[0, 1\] and y no names. Pass the DataFrames"):
        ConformalForecaster(windowed(), horizon=4).fit(X, y)


def test_a_search_tunes_window_and_units_by_intervals(rng, tiny):
    X, y = to_supervised(random_table(rng, 140))
    network = tiny(epochs=1, loss="quantile", quantiles=(0.1, 0.5, 0.9))
    model = ConformalForecaster(make_pipeline(SlidingWindow(4), network))
    scorer = make_interval_scorer(interval_score, coverage=0.8)
    grid = {"estimator__slidingwindow__window_size": [2, 6], "estimator__lstmforecaster__units": [2, 4]}
    search = GridSearchCV(model, grid, scoring=scorer, cv=TimeSeriesSplit(2)).fit(X, y)
    scores = search.cv_results_["mean_test_score"]
    assert np.isfinite(scores).all()
    assert len(np.unique(scores)) == 4
    best = clone(model).set_params(**search.best_params_)
    found = cross_val_score(best, X, y, scoring=scorer, cv=TimeSeriesSplit(2))
    assert np.mean(found) == pytest.approx(search.best_score_)
    train, test = list(TimeSeriesSplit(2).split(X))[-1]
    intervals = clone(best).fit(X.iloc[train], y.iloc[train]).predict_interval(X.iloc[test], 0.8)
    assert found[-1] == pytest.approx(-interval_score(y.iloc[test], intervals, coverage=0.8))
