import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import BaseEstimator, RegressorMixin, clone
from sklearn.compose import TransformedTargetRegressor
from sklearn.ensemble import HistGradientBoostingRegressor
from sklearn.exceptions import NotFittedError
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LinearRegression, Ridge
from sklearn.model_selection import GridSearchCV, TimeSeriesSplit
from sklearn.neighbors import KNeighborsRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, MinMaxScaler, StandardScaler

from sklstm import SeasonalNaive, SlidingWindow, backtest, forecast, to_supervised
from sklstm.datasets import load_airline

N_ROWS, N_TRAINED = 60, 40


@pytest.fixture
def table(rng):
    return rng.standard_normal((N_ROWS, 2)).cumsum(axis=0)


def as_frame(table):
    index = pd.date_range("2020-01-01", periods=len(table), freq="D")
    return pd.DataFrame(table, columns=["sales", "weather"][: table.shape[1]], index=index)


def on_windows(regressor, *scalers, **window_params):
    params = {"window_size": 4, "flatten": True, "pad": "edge"} | window_params
    return make_pipeline(*scalers, SlidingWindow(**params), regressor)


def forecasts_one_by_one(model, series, horizon, origins, target=None):
    """Return the forecasts from each origin, of shape (n_origins, horizon, n_targets)."""
    rows = series.iloc if hasattr(series, "iloc") else series
    names = list(getattr(series, "columns", range(np.shape(series)[1])))
    others = [position for position, name in enumerate(names) if name not in np.ravel(target)]
    return np.stack(
        [
            forecast(
                model,
                rows[: origin + 1],
                horizon,
                target=target,
                future=rows[origin + 1 : origin + 1 + horizon, others] if others else None,
            )
            for origin in origins
        ]
    )


@pytest.mark.parametrize("in_pandas", [False, True], ids=["array", "frame"])
@pytest.mark.parametrize("target", [[0, 1], 0], ids=["all columns", "one of two columns"])
@pytest.mark.parametrize(("trained_horizon", "horizon"), [(3, 3), (3, 2), (1, 3), (2, 3)])
@pytest.mark.parametrize("kind", ["ridge", "lstm", "carry over", "rows"])
def test_backtest_equals_the_loop_over_forecast(kind, trained_horizon, horizon, target, in_pandas, table, tiny):
    model = {
        "ridge": on_windows(Ridge(), StandardScaler()),
        "lstm": make_pipeline(MinMaxScaler(), SlidingWindow(4), tiny()),
        "carry over": on_windows(Ridge(), carry_over=True),
        "rows": Ridge(),
    }[kind]
    series = as_frame(table) if in_pandas else table
    if in_pandas:
        target = series.columns[target]
    model.fit(*to_supervised(series[:N_TRAINED], trained_horizon, target=target))
    result = backtest(model, series, horizon, target=target, first_origin=30, stride=5)
    expected = forecasts_one_by_one(model, series, horizon, range(30, N_ROWS - horizon, 5), target)
    assert_allclose(result["prediction"], expected.ravel(), rtol=1e-5, atol=1e-5)


def test_result_of_arrays(table):
    model = LinearRegression().fit(*to_supervised(table, 2))
    result = backtest(model, table, 2, target=[0, 1], first_origin=55)
    assert list(result) == ["origin", "step", "target", "truth", "prediction"]
    assert_array_equal(result.origin, np.repeat([55, 56, 57], 4))
    assert_array_equal(result.step, [1, 1, 2, 2] * 3)
    assert_array_equal(result.target, [0, 1] * 6)
    assert_array_equal(result.truth, [table[o + s, t] for o in (55, 56, 57) for s in (1, 2) for t in (0, 1)])
    assert result.prediction.shape == (12,)


def test_result_of_a_frame(table):
    frame = as_frame(table)
    both = {"target": ["sales", "weather"], "first_origin": 55}
    result = backtest(LinearRegression().fit(*to_supervised(frame, 2)), frame, 2, **both)
    arrays = backtest(LinearRegression().fit(*to_supervised(table, 2)), table, 2, target=[0, 1], first_origin=55)
    assert list(result.columns) == list(arrays)
    assert list(result["origin"]) == list(np.repeat(frame.index[55:58], 4))
    assert list(result["target"]) == ["sales", "weather"] * 6
    for column in ("step", "truth", "prediction"):
        assert_allclose(result[column], arrays[column])


def test_result_of_a_series_has_no_target():
    airline = load_airline(as_frame=True).data["passengers"]
    model = on_windows(Ridge(), window_size=12).fit(*to_supervised(airline[:100]))
    result = backtest(model, airline, first_origin=99)
    assert list(result.columns) == ["origin", "step", "truth", "prediction"]
    assert_array_equal(result["truth"], airline[100:])
    assert result["origin"].dtype == airline.index.dtype


@pytest.mark.parametrize("index", [np.arange(N_ROWS) / 8, [f"row {i}" for i in range(N_ROWS)], np.zeros(N_ROWS)])
@pytest.mark.parametrize("horizon", [1, 3])
def test_any_index(index, horizon, table):
    model = on_windows(Ridge()).fit(*to_supervised(table, target=0))
    expected = backtest(model, table, horizon, target=0)
    result = backtest(model, pd.DataFrame(table, index=index), horizon, target=0)
    assert_allclose(result["prediction"], expected.prediction)
    assert_array_equal(result["origin"], np.take(index, expected.origin))


def test_missing_values(table, tiny):
    table[[10, 45]] = np.nan
    model = make_pipeline(SlidingWindow(4), tiny()).fit(*to_supervised(table[11:40]))
    result = backtest(model, table, target=[0, 1], first_origin=40)
    assert np.isfinite(result.prediction).all()
    assert_array_equal(np.isnan(result.truth), result.origin == 44)


@pytest.mark.parametrize("in_pandas", [False, True], ids=["array", "frame"])
@pytest.mark.parametrize("kind", ["ridge", "lstm", "naive", "steps", "target", "search", "cached"])
def test_refits_leave_out_rows_whose_target_is_missing(kind, in_pandas, table, tiny, tmp_path):
    """As if windows were built from the whole series, and those rows dropped after it."""
    table[20, 0] = np.nan
    window = SlidingWindow(4, flatten=True, pad="edge")
    model = {
        "ridge": make_pipeline(StandardScaler(), window, SimpleImputer(), Ridge()),
        "cached": make_pipeline(StandardScaler(), window, SimpleImputer(), Ridge(), memory=str(tmp_path)),
        "lstm": make_pipeline(SlidingWindow(4), tiny()),
        "naive": make_pipeline(SlidingWindow(4), SeasonalNaive(2, target=0)),
        "steps": make_pipeline(SimpleImputer(), Ridge()),
        "target": make_pipeline(SlidingWindow(4), TransformedTargetRegressor(tiny(), transformer=StandardScaler())),
        "search": GridSearchCV(
            make_pipeline(SlidingWindow(4), tiny()), {"lstmforecaster__units": [2]}, cv=TimeSeriesSplit(2)
        ),
    }[kind]
    series = as_frame(table) if in_pandas else table
    result = backtest(model, series, 2, target="sales" if in_pandas else 0, first_origin=40, refit_every=100)
    assert_array_equal(result["truth"], table[result["step"] + np.repeat(np.arange(40, 58), 2), 0])
    X, y = to_supervised(table[:41], 2, target=0)
    known = ~np.isnan(y).any(axis=1)
    assert np.sum(~known) == 2
    if kind in ("ridge", "cached", "steps"):
        transformers, regressor = clone(model).set_params(memory=None)[:-1], Ridge()
        regressor.fit(transformers.fit_transform(X)[known], y[known])
        expected = regressor.predict(transformers.transform(table[:41]))[-1]
    elif kind == "target":
        windows = SlidingWindow(4).fit_transform(X)
        regressor = clone(model[-1]).fit(windows[known], y[known])
        expected = regressor.predict(SlidingWindow(4).fit_transform(table[:41]))[-1]
    else:
        expected = clone(model).fit(X, y).predict(table[:41])[-1]
    assert_allclose(np.asarray(result["prediction"])[:2], expected, rtol=1e-5)


def test_rows_without_a_target_do_not_train_a_regressor_on_rows(table):
    table[20, 0] = np.nan
    spy = Spy([], [])
    backtest(spy, table, target=0, first_origin=40, refit_every=100)
    ((X, y),) = spy.fits
    assert_array_equal(X, np.delete(table[:40], 19, axis=0))
    assert not np.isnan(y).any()


@pytest.mark.parametrize("refit_every", [1, None])
def test_a_gap_is_told_once(table, refit_every):
    frame = as_frame(table).drop("2020-01-20")
    model = on_windows(Ridge()).fit(*to_supervised(table))
    with pytest.warns(UserWarning, match="The index of series is irregular") as record:
        backtest(model, frame, target=["sales", "weather"], refit_every=refit_every)
    assert sum("is irregular" in str(warning.message) for warning in record) == 1


def test_truth_that_is_missing_stays_missing(table):
    table[50, 0] = np.nan
    result = backtest(on_windows(Ridge(), SimpleImputer()), table, 2, target=0, refit_every=9)
    assert_array_equal(np.isnan(result.truth), result.origin + result.step == 50)
    assert np.isfinite(result.prediction).all()


def without_mean(X):
    return X - X.mean(axis=0)


def test_models_that_look_at_all_rows_see_none_after_the_origin(table):
    model = make_pipeline(FunctionTransformer(without_mean), Ridge()).fit(*to_supervised(table[:N_TRAINED]))
    result = backtest(model, table, target=[0, 1], first_origin=N_TRAINED)
    expected = forecasts_one_by_one(model, table, 1, range(N_TRAINED, N_ROWS - 1), [0, 1])
    assert_allclose(result.prediction, expected.ravel())
    assert not np.allclose(result.prediction, model.predict(table)[N_TRAINED:-1].ravel())


class Spy(RegressorMixin, BaseEstimator):
    """A regressor that tells what it was asked, in lists that its clones share."""

    def __init__(self, fits=None, predictions=None):
        self.fits = fits
        self.predictions = predictions

    def __sklearn_clone__(self):
        return Spy(self.fits, self.predictions)

    def fit(self, X, y):
        self.fits.append((X, y))
        self.y_ = y[-1]
        return self

    def predict(self, X):
        self.predictions.append(X)
        return np.broadcast_to(self.y_, (len(X), *np.shape(self.y_)))


@pytest.mark.parametrize(("in_windows", "n_calls"), [(True, 1), (False, 2)])
def test_number_of_predict_calls_without_refits(in_windows, n_calls, table):
    spy = Spy([], [])
    model = on_windows(spy) if in_windows else spy
    model.fit(*to_supervised(table, 2))
    backtest(model, table, 2, target=[0, 1], first_origin=9)
    assert len(spy.predictions) == n_calls


@pytest.mark.parametrize("max_train_size", [None, 8])
@pytest.mark.parametrize("horizon", [1, 3])
def test_no_row_after_the_origin_reaches_fit(horizon, max_train_size):
    time = np.arange(30.0)  # a row holds its own position
    spy = Spy([], [])
    backtest(spy, time, horizon, first_origin=12, refit_every=4, max_train_size=max_train_size)
    origins = range(12, 30 - horizon, 4)
    assert len(spy.fits) == len(origins)
    for (X, y), origin in zip(spy.fits, origins, strict=True):
        assert X.max() == origin - horizon
        assert y.max() == origin
        assert len(X) == len(y) == (max_train_size or origin + 1 - horizon)


@pytest.mark.parametrize("in_pandas", [False, True], ids=["array", "frame"])
@pytest.mark.parametrize("max_train_size", [None, 15])
@pytest.mark.parametrize(("horizon", "stride", "refit_every"), [(1, 1, 1), (3, 1, 5), (3, 2, 4)])
@pytest.mark.parametrize("carry_over", [False, True])
def test_refits_equal_the_loop_over_clones(carry_over, horizon, stride, refit_every, max_train_size, in_pandas, table):
    series = as_frame(table) if in_pandas else table
    target = "sales" if in_pandas else 0
    model = on_windows(Ridge(), carry_over=carry_over)
    options = {"target": target, "stride": stride, "refit_every": refit_every, "max_train_size": max_train_size}
    result = backtest(model, series, horizon, first_origin=30, **options)
    expected = []
    for i, origin in enumerate(range(30, N_ROWS - horizon, stride)):
        if i % refit_every == 0:
            X, y = to_supervised(series[: origin + 1], horizon, target=target)
            fitted = clone(model).fit(X[-(max_train_size or 0) :], y[-(max_train_size or 0) :])
        expected.append(fitted.predict(series[: origin + 1])[-1])
    assert_allclose(result["prediction"], np.ravel(expected))


def test_refits_leave_the_model_as_it_is(table):
    model = on_windows(Ridge())
    backtest(model, table, refit_every=10)
    with pytest.raises(NotFittedError):
        model.predict(table)


@pytest.mark.parametrize("refit_every", [None, 10], ids=["recursive", "refits"])
def test_jobs_change_nothing(refit_every, table):
    model = on_windows(Ridge()).fit(*to_supervised(table))
    one, two = (backtest(model, table, 3, target=[0, 1], refit_every=refit_every, n_jobs=n_jobs) for n_jobs in (1, 2))
    assert_array_equal(one.prediction, two.prediction)


def test_verbose_reports_progress(table, capfd):
    backtest(on_windows(Ridge()), table, refit_every=5, verbose=1)
    assert "Parallel" in "".join(capfd.readouterr())


@pytest.mark.parametrize(("refit_every", "origin"), [(None, 28), (1, 29)])
def test_default_first_origin_is_the_middle_one(refit_every, origin, table):
    model = LinearRegression().fit(*to_supervised(table, 3))
    assert backtest(model, table, 3, target=[0, 1], refit_every=refit_every).origin[0] == origin


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"horizon": 60}, "60 row.* minimum of 61 is required"),
        ({"horizon": 30, "refit_every": 1}, "60 row.* minimum of 61 is required .* refits"),
        ({"horizon": 3, "first_origin": 57}, r"range \[0, 56\]"),
        ({"horizon": 3, "first_origin": 2, "refit_every": 1}, r"range \[3, 56\]"),
        ({"first_origin": -1}, "'first_origin' parameter"),
        ({"horizon": 0}, "'horizon' parameter"),
        ({"stride": 0}, "'stride' parameter"),
        ({"refit_every": 0}, "'refit_every' parameter"),
        ({"max_train_size": 0, "refit_every": 1}, "'max_train_size' parameter"),
        ({"target": 2, "refit_every": 1}, "target must name"),
    ],
)
def test_invalid_parameters_are_told_before_any_fit(params, message, table):
    spy = Spy([], [])
    spy.fitted_ = True
    with pytest.raises(ValueError, match=message):
        backtest(spy, table, **{"target": 0} | params)
    assert spy.fits == spy.predictions == []


def test_invalid_series_and_models(table):
    with pytest.raises(NotFittedError):
        backtest(Ridge(), table)
    with pytest.raises(ValueError, match="'model' parameter"):
        backtest("ridge", table)
    with pytest.raises(TypeError, match=r"series must be numeric, but its columns \['day'\] hold dates"):
        backtest(Spy([], []), as_frame(table).reset_index(names="day"), refit_every=1)
    with pytest.raises(ValueError, match="contains infinity"):
        backtest(Spy([], []), np.where(table > 1, np.inf, table), refit_every=1)
    with pytest.raises(ValueError, match="cannot be steps of 2 target"):
        backtest(LinearRegression().fit(*to_supervised(table, target=0)), table, target=[0, 1])


def gain_over_persistence(model, series):
    """Return by how many standard errors a model's squared errors are below those of the last value."""
    series = np.column_stack(series) if isinstance(series, tuple) else series.reshape(-1, 1)
    result = backtest(model, series, target=0, first_origin=100, refit_every=50)
    persistence = series[result.origin, 0]
    gain = (result.truth - persistence) ** 2 - (result.truth - result.prediction) ** 2
    return gain.mean() / (gain.std() / np.sqrt(len(gain)))


def random_walk(seed):
    return np.random.default_rng(seed).standard_normal(600).cumsum()


CANDIDATES = [Ridge(), KNeighborsRegressor(20)]


@pytest.mark.parametrize("regressor", CANDIDATES, ids=["ridge", "neighbors"])
@pytest.mark.parametrize("seed", range(5))
def test_nothing_beats_persistence_on_a_random_walk(regressor, seed):
    assert gain_over_persistence(on_windows(regressor), random_walk(seed)) < 3


@pytest.mark.parametrize(
    "leak",
    [lambda walk: np.convolve(walk, np.ones(3) / 3, mode="same"), lambda walk: np.append(walk[1:], walk[-1])],
    ids=["centred mean", "shift forgotten"],
)
@pytest.mark.parametrize("seed", range(5))
def test_what_knows_the_future_beats_persistence(leak, seed):
    walk = random_walk(seed)
    assert gain_over_persistence(on_windows(Ridge()), (walk, leak(walk))) > 3


def test_refits_on_nullable_integers():
    series = pd.DataFrame({"x": np.arange(60.0)}, pd.date_range("2024-01-01", periods=60))
    series.iloc[10] = np.nan
    model = on_windows(SeasonalNaive())
    assert_allclose(
        backtest(model, series.astype("Int64"), 2, refit_every=50, first_origin=50)["prediction"],
        backtest(model, series, 2, refit_every=50, first_origin=50)["prediction"],
    )


def test_refits_of_a_pipeline_with_a_single_step(table):
    table[10] = np.nan
    regressor = HistGradientBoostingRegressor(max_iter=2)
    schedule = {"refit_every": 10, "target": 0}
    assert_array_equal(
        backtest(make_pipeline(regressor), table, 1, **schedule).prediction,
        backtest(regressor, table, 1, **schedule).prediction,
    )
