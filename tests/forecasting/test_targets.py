import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_array_equal
from sklearn.compose import ColumnTransformer, TransformedTargetRegressor
from sklearn.linear_model import LinearRegression
from sklearn.model_selection import GridSearchCV, TimeSeriesSplit
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sklstm import SeasonalNaive, SlidingWindow, backtest, forecast, to_supervised

TABLE = np.column_stack([100 + np.arange(40.0), np.arange(40.0) % 7, np.tile([20.0, 21.0], 20)])
FRAME = pd.DataFrame(TABLE, columns=["temp", "day", "count"])
NESTED = FRAME.set_axis(pd.MultiIndex.from_product([["x"], FRAME.columns]), axis=1)


def on_windows(regressor):
    return make_pipeline(StandardScaler(), SlidingWindow(4), regressor)


@pytest.mark.parametrize("horizon", [1, 6])
@pytest.mark.parametrize(("table", "target"), [(FRAME, "count"), (FRAME, ["count", "temp"]), (NESTED, ("x", "count"))])
@pytest.mark.parametrize("in_search", [False, pytest.param(True, marks=pytest.mark.thorough)])
def test_a_forgotten_target_is_remembered_from_the_names_in_y(tiny, table, target, horizon, in_search):
    model = on_windows(tiny(epochs=1, linear_skip=True))
    if in_search:
        model = GridSearchCV(model, {"lstmforecaster__units": [2]}, cv=TimeSeriesSplit(2))
    model.fit(*to_supervised(table, horizon, target=target))
    named = forecast(model, table, horizon, target=target)
    assert list(named.columns) == (target if isinstance(target, list) else [target])
    pd.testing.assert_frame_equal(forecast(model, table, horizon), named)
    pd.testing.assert_frame_equal(
        backtest(model, table, horizon, first_origin=30),
        backtest(model, table, horizon, target=target, first_origin=30),
    )


def test_all_columns_are_remembered_too(tiny):
    model = on_windows(tiny(epochs=1)).fit(*to_supervised(FRAME, 2))
    assert list(forecast(model, FRAME, 5).columns) == list(FRAME.columns)


@pytest.mark.parametrize("function", [forecast, backtest])
def test_another_target_than_that_of_the_fit_is_refused(tiny, function):
    model = on_windows(tiny(epochs=1)).fit(*to_supervised(FRAME, 6, target="count"))
    with pytest.raises(ValueError, match=r"fitted on the target\(s\) \['count'\], but target='temp'"):
        function(model, FRAME, 6, target="temp")


@pytest.mark.parametrize("function", [forecast, backtest])
@pytest.mark.parametrize(("horizon", "target"), [(6, 2), (3, 0), (1, None), (1, 0)])
@pytest.mark.parametrize(
    ("table", "names"), [(TABLE, r"\[0, 1, 2\]"), (FRAME, r"\['temp', 'day', 'count'\]")], ids=["array", "frame"]
)
def test_a_forgotten_target_that_nothing_tells_is_an_error(function, table, names, horizon, target):
    if table is FRAME and target is not None:
        target = FRAME.columns[target]
    model = LinearRegression().fit(*to_supervised(table, horizon, target=target))
    with pytest.raises(ValueError, match=rf"3 columns, and the model does not tell .* pass target={names}"):
        function(model, table, 6)


@pytest.mark.parametrize("wrap", [lambda model: model, lambda model: TransformedTargetRegressor(model)])
def test_arrays_and_transformed_targets_tell_nothing(tiny, wrap):
    model = wrap(on_windows(tiny(epochs=1))).fit(*to_supervised(TABLE, 6, target=2))
    with pytest.raises(ValueError, match="does not tell which"):
        forecast(model, TABLE, 6)
    assert forecast(model, TABLE, 6, target=2).shape == (6, 1)


def test_other_names_tell_nothing(tiny):
    X, y = to_supervised(FRAME, 6, target="count")
    model = on_windows(tiny(epochs=1)).fit(X, y.set_axis([f"rides_step{step}" for step in range(1, 7)], axis=1))
    with pytest.raises(ValueError, match="does not tell which"):
        forecast(model, FRAME, 6)


def test_features_behind_other_transformers_are_not_the_columns(tiny):
    swapped = ColumnTransformer([("second", "passthrough", [1])], remainder="passthrough")
    model = make_pipeline(swapped, SlidingWindow(4), SeasonalNaive(target=1)).fit(*to_supervised(TABLE, target=0))
    with pytest.raises(ValueError, match="does not tell which"):
        forecast(model, TABLE, 2)
    assert forecast(model, TABLE, 1, target=0) == TABLE[-1, 0]


@pytest.mark.parametrize("table", [TABLE, FRAME], ids=["array", "frame"])
def test_one_column_is_the_target(table):
    column = table[:, 2] if table is TABLE else table["count"]
    model = LinearRegression().fit(*to_supervised(column, 2))
    assert_array_equal(np.shape(forecast(model, column, 5)), (5, 1))


@pytest.mark.parametrize("target", [None, 2, [2, 0]])
def test_the_seasonal_naive_forecast_knows_its_features(target):
    model = make_pipeline(SlidingWindow(2), SeasonalNaive(2, target=target)).fit(
        *to_supervised(TABLE, 2, target=target)
    )
    columns = [0, 1, 2] if target is None else np.ravel(target)
    assert_array_equal(forecast(model, TABLE, 2), TABLE[-2:, columns])


@pytest.mark.parametrize("steps", [["x_step24"], ["x_step1", "x_step3"], ["x_step2", "x_step1"]])
def test_some_steps_only_cannot_be_forecast(steps):
    series = pd.DataFrame({"x": np.arange(60.0)})
    X, y = to_supervised(series, horizon=24)
    model = make_pipeline(SlidingWindow(3), SeasonalNaive()).fit(X, y[steps])
    with pytest.raises(ValueError, match=r"The model predicts \['x_step.*not the steps .* Fit it on all columns of y"):
        forecast(model, series, 2)
