import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose
from sklearn.linear_model import LinearRegression

from sklstm import forecast, to_supervised
from sklstm._windows.time_index import following_labels

TABLE = np.column_stack([np.arange(6.0), 10 * np.arange(6.0)])
FRAME = pd.DataFrame(TABLE, columns=["a", "b"], index=pd.date_range("2020-01-01", periods=6, freq="D"))


@pytest.fixture
def repeats_promo():
    """Return a model whose prediction is the value of "b" in the last row, which shows the rows that it saw."""
    model = LinearRegression().fit(*to_supervised(TABLE, target=0))
    model.coef_, model.intercept_ = np.array([0.0, 1.0]), 0.0
    return model


def predicted(model, history, **params):
    return np.asarray(forecast(model, history, 3, target="a", **params)).ravel().tolist()


@pytest.mark.parametrize("index", [pd.RangeIndex(6), FRAME.index, FRAME.index.to_period("D"), list("uvwxyz")])
@pytest.mark.filterwarnings("ignore:X does not have valid feature names")
def test_rows_of_a_future_array_are_in_order(repeats_promo, index):
    history = FRAME.set_axis(index)
    assert predicted(repeats_promo, history, future=np.arange(20.0)) == [50, 0, 1]
    assert predicted(repeats_promo, history, future=np.arange(20.0)[:, np.newaxis].tolist()) == [50, 0, 1]


@pytest.mark.parametrize("index", [pd.RangeIndex(6), FRAME.index, FRAME.index.to_period("D")])
@pytest.mark.parametrize("start", [0, 6])
@pytest.mark.filterwarnings("ignore:X has feature names")
def test_rows_of_a_future_frame_are_found_by_label(repeats_promo, index, start):
    history = FRAME.set_axis(index)
    labels = following_labels(index, 14)
    labels = index.append(labels) if start == 0 else labels
    future = pd.DataFrame({"b": np.arange(float(start), 20.0)}, index=labels)
    assert predicted(repeats_promo, history, future=future) == [50, 6, 7]
    for rows in (future[labels > labels[6 - start]], future[: 8 - start], future.drop(labels[7 - start])):
        with pytest.raises(ValueError, match="future must have the rows"):
            predicted(repeats_promo, history, future=rows)
    with pytest.raises(ValueError, match="future must have its rows in the order of time, each time once"):
        predicted(repeats_promo, history, future=pd.concat([future, future]))
    with pytest.raises(ValueError, match=r"future must have the rows|holds times of the kind"):
        predicted(repeats_promo, history, future=future.reset_index(drop=True)[:3])


@pytest.mark.filterwarnings("ignore:X has feature names", "ignore:The index of")
def test_dates_of_the_future_are_matched_where_the_history_has_no_frequency(repeats_promo):
    history = FRAME.set_axis(pd.to_datetime([f"2020-01-{day:02}" for day in (1, 2, 4, 8, 9, 20)]))
    dates = pd.to_datetime([f"2020-01-{day:02}" for day in (9, 20, 23, 24, 25, 30)])
    future = pd.DataFrame({"b": np.arange(6.0)}, index=dates)
    result = forecast(repeats_promo, history, 3, target="a", future=future)
    assert list(result.index) == list(dates[2:5])
    assert result["a"].tolist() == [50, 2, 3]
    with pytest.raises(ValueError, match=r"future must have 3 row\(s\) after 2020-01-20.* Got 2"):
        forecast(repeats_promo, history, 3, target="a", future=future[:4])
    with pytest.raises(ValueError, match="kind 'datetime64', that of future holds 'integer'"):
        forecast(repeats_promo, history, 3, target="a", future=future.reset_index(drop=True))
    with pytest.raises(ValueError, match="time zone"):
        forecast(repeats_promo, history, 3, target="a", future=future.tz_localize("UTC"))


@pytest.mark.parametrize("steps", [1, 2])
def test_future_is_validated_where_it_has_no_effect(steps):
    model = LinearRegression().fit(*to_supervised(FRAME, 2, target="a"))
    text = pd.DataFrame({"b": ["x", "y"]}, index=following_labels(FRAME.index, 2))
    with pytest.raises(ValueError, match=r"could not convert string to float|not compatible with"):
        forecast(model, FRAME, steps, target="a", future=text)
    with pytest.raises(ValueError, match=r"future must have the columns \['b'\]"):
        forecast(model, FRAME, steps, target="a", future=pd.DataFrame({"nonsense": ["a"]}))
    future = pd.DataFrame({"b": [60.0, 70.0]}, index=following_labels(FRAME.index, 2))
    with pytest.warns(UserWarning, match=r"future has no effect: the model predicts 2 step\(s\) at once"):
        result = forecast(model, FRAME, steps, target="a", future=future)
    pd.testing.assert_frame_equal(result, forecast(model, FRAME, steps, target="a"))


def test_future_without_a_column_for_it():
    model = LinearRegression().fit(*to_supervised(TABLE))
    with pytest.raises(ValueError, match="predicts all columns of history"):
        forecast(model, TABLE, 3, target=[0, 1], future=np.ones((3, 1)))


def test_a_future_value_acts_on_its_own_time_if_its_column_is_shifted_back():
    """The example of the notes: sales follow the promotion of the same day."""
    promotion = (np.arange(60) % 5 == 0).astype(float)
    table = pd.DataFrame({"sales": 10 * promotion, "promotion": promotion}, index=pd.date_range("2020", periods=60))
    known = table.assign(promotion=table["promotion"].shift(-1))[:53]
    model = LinearRegression().fit(*to_supervised(known, target="sales"))
    for value in (0.0, 1.0):
        plan = np.full(7, value)  # of days 53 to 59; that of day 53 stands in the last row of the history
        history = known.assign(promotion=np.append(known["promotion"][:-1], plan[0]))
        result = forecast(model, history, 7, target="sales", future=np.append(plan[1:], np.nan))
        assert_allclose(result["sales"], 10 * plan, atol=1e-9)
