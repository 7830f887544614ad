import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.testing import assert_array_equal
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LinearRegression
from sklearn.model_selection import TimeSeriesSplit, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler

from sklstm import LSTMForecaster, SlidingWindow, to_supervised
from sklstm._compat import InvalidParameterError
from sklstm.datasets import make_sine

tables = arrays(
    np.float64,
    st.tuples(st.integers(1, 20), st.integers(1, 3)),
    elements=st.floats(-1e6, 1e6),
)


@given(tables, st.integers(1, 25), st.sampled_from(["missing", "edge"]))
def test_windows_hold_the_rows_before(X, window_size, pad):
    windows = SlidingWindow(window_size, pad=pad).fit_transform(X)
    assert windows.shape == (len(X), window_size, X.shape[1])
    for t, window in enumerate(windows):
        for lag in range(window_size):
            row = X[t - lag] if lag <= t else X[0] if pad == "edge" else np.full(X.shape[1], np.nan)
            assert_array_equal(window[window_size - 1 - lag], row)


@given(tables, st.integers(1, 25))
def test_flat_windows_are_the_windows_laid_flat(X, window_size):
    windows = SlidingWindow(window_size).fit_transform(X)
    flat = SlidingWindow(window_size, flatten=True).fit_transform(X)
    assert_array_equal(flat, windows.reshape(len(X), -1))


def test_windows_are_a_read_only_view_whose_memory_does_not_grow():
    X = np.arange(2000.0).reshape(1000, 2)
    windows = SlidingWindow(100).fit_transform(X)
    assert windows.strides == (16, 16, 8)
    assert np.shares_memory(windows[500], windows[501])
    first, end = np.lib.array_utils.byte_bounds(windows)
    assert end - first == (1000 + 99) * 16
    assert not windows.flags.writeable
    assert not np.shares_memory(windows, X)


@pytest.mark.parametrize(
    ("given_dtype", "dtype"),
    [(np.float32, np.float32), (np.float64, np.float64), (np.int32, np.float64), (bool, np.float64), (object, float)],
)
@pytest.mark.parametrize("pad", ["missing", "edge"])
def test_dtype(given_dtype, dtype, pad):
    X = np.ones((5, 1), dtype=given_dtype)
    assert SlidingWindow(3, pad=pad).fit_transform(X).dtype == dtype


def test_feature_names_and_pandas_output():
    X = pd.DataFrame({"sales": [1.0, 2.0, 3.0], "price": [4.0, 5.0, 6.0]}, index=[10, 11, 12])
    window = SlidingWindow(2, flatten=True).set_output(transform="pandas")
    flat = window.fit_transform(X)
    assert list(flat.columns) == ["sales_lag1", "price_lag1", "sales_lag0", "price_lag0"]
    assert_array_equal(flat.index, X.index)
    assert_array_equal(flat["price_lag1"], [np.nan, 4, 5])
    assert list(clone(window).fit_transform(X).columns) == list(flat.columns)
    assert list(SlidingWindow(1, flatten=True).fit(X.to_numpy()).get_feature_names_out()) == ["x0_lag0", "x1_lag0"]


def test_names_are_for_flat_windows_only():
    window = SlidingWindow(2).fit([[1.0]])
    assert not hasattr(window, "get_feature_names_out")
    with pytest.raises(NotFittedError):
        SlidingWindow(flatten=True).get_feature_names_out()


def test_pipeline_with_pandas_output_hands_frames_up_to_the_window():
    X = pd.DataFrame({"a": np.arange(6.0)})
    pipeline = make_pipeline(MinMaxScaler(), SlidingWindow(2)).set_output(transform="pandas")
    windows = pipeline.fit_transform(X)
    assert isinstance(windows, np.ndarray)
    assert windows.shape == (6, 2, 1)
    assert pipeline[-1].feature_names_in_ == ["a"]


def test_one_dimensional_input_is_told_to_reshape():
    with pytest.raises(ValueError, match="Reshape your data"):
        SlidingWindow().fit([1.0, 2.0])


@pytest.mark.parametrize(
    ("X", "error", "message"),
    [
        (np.ones((2, 2, 2)), ValueError, "dim 3"),
        ([[np.inf]], ValueError, "infinity"),
        ([["a"]], ValueError, "not compatible with arrays of bytes/strings"),
        (np.array([["2020-01-01"]], dtype="datetime64[D]"), TypeError, "datetime64"),
        (np.ones((0, 1)), ValueError, "0 sample"),
    ],
)
def test_bad_input(X, error, message):
    fitted = SlidingWindow(2).fit([[1.0, 2.0]])
    with pytest.raises(error, match=message):
        fitted.fit(X)
    assert fitted.n_features_in_ == 2


@pytest.mark.parametrize(
    "params",
    [
        {"window_size": 0},
        {"window_size": 1.5},
        {"pad": "zero"},
        {"flatten": 1.5},
    ],
)
def test_bad_parameters(params):
    with pytest.raises(InvalidParameterError, match=next(iter(params))):
        SlidingWindow(**params).fit([[1.0]])


SERIES = np.arange(1.0, 9.0).reshape(-1, 1)


def last_window(train, test, **params):
    """Return the window of the first test row."""
    return SlidingWindow(4, carry_over=True, **params).fit(train).transform(test)[0, :, 0]


def test_carry_over_reaches_back_into_the_fitted_rows():
    assert_array_equal(last_window(SERIES[:5], SERIES[5:]), [3, 4, 5, 6])
    assert_array_equal(last_window(SERIES[:2], SERIES[2:]), [np.nan, 1, 2, 3])
    assert_array_equal(last_window(SERIES[:2], SERIES[2:], pad="edge"), [1, 1, 2, 3])


def test_carry_over_does_not_reach_back_from_the_fitted_rows_themselves():
    window = SlidingWindow(4, carry_over=True)
    alone = SlidingWindow(4).fit_transform(SERIES)
    assert_array_equal(window.fit_transform(SERIES[:6]), alone[:6])
    assert_array_equal(window.transform(SERIES), alone)


def test_carry_over_of_counts_whose_folds_begin_alike():
    counts = np.array([0.0] * 6 + [1, 2, 3, 0, 0, 0, 0, 5, 6]).reshape(-1, 1)
    assert_array_equal(last_window(counts[:9], counts[9:]), [1, 2, 3, 0])


def test_carry_over_set_after_fit():
    with pytest.raises(ValueError, match="Fit again"):
        SlidingWindow(3).fit(SERIES).set_params(carry_over=True).transform(SERIES)


INDEXES = {
    "range": pd.RangeIndex(3, 11),
    "integers": pd.Index(range(0, 16, 2)),
    "dates": pd.date_range("2020-01-31", periods=8, freq="ME"),
    "zoned dates": pd.date_range("2020-01-01", periods=8, freq="h", tz="Europe/Paris"),
    "periods": pd.period_range("2020-01", periods=8, freq="M"),
}


@pytest.mark.parametrize("index", INDEXES.values(), ids=INDEXES)
def test_carry_over_respects_the_gap_in_an_index(index):
    frame = pd.DataFrame(SERIES, index=index, columns=["a"])
    rows = np.arange(8)  # taken by position, as a splitter does, which drops the frequency

    def after(n_train, first):
        return last_window(frame.iloc[rows[:n_train]], frame.iloc[rows[first:]])

    assert_array_equal(after(5, 5), [3, 4, 5, 6])
    assert_array_equal(after(5, 6), [4, 5, np.nan, 7])
    assert_array_equal(after(3, 7), [np.nan, np.nan, np.nan, 8])
    assert_array_equal(after(5, 3), [np.nan, np.nan, np.nan, 4])  # inside the fitted range
    assert_array_equal(after(8, 0), [np.nan, np.nan, np.nan, 1])


def test_carry_over_with_irregular_dates_counts_rows():
    dates = pd.to_datetime(["2020-01-01", "2020-01-02", "2020-01-05", "2020-02-01", "2020-02-03"])
    frame = pd.DataFrame(SERIES[:5], index=dates)
    assert_array_equal(last_window(frame[:3], frame[4:]), [1, 2, 3, 5])
    assert_array_equal(last_window(frame[:3], frame[1:]), [np.nan, np.nan, np.nan, 2])


def test_carry_over_takes_labels_that_tell_no_time_as_none():
    frame = pd.DataFrame(SERIES, index=list("hgfedcba"))
    assert_array_equal(last_window(frame[:5], frame[5:]), [3, 4, 5, 6])


def test_carry_over_needs_rows_in_order():
    frame = pd.DataFrame(SERIES, index=range(8, 0, -1))
    with pytest.raises(ValueError, match="7 follows 8"):
        SlidingWindow(carry_over=True).fit(frame)


@pytest.mark.parametrize("as_frame", [False, True])
def test_cross_validation_with_carry_over_equals_windows_built_before_splitting(as_frame):
    X, y = to_supervised(make_sine(120) + 0.1 * np.random.default_rng(0).standard_normal((120, 1)))
    X = pd.DataFrame(X, columns=["wave"]) if as_frame else X
    w = 5
    cv = TimeSeriesSplit(4)
    linear = make_pipeline(SlidingWindow(w, carry_over=True, pad="edge", flatten=True), LinearRegression())
    flat = SlidingWindow(w, pad="edge", flatten=True).fit_transform(X)
    np.testing.assert_allclose(
        cross_val_score(linear, X, y, cv=cv), cross_val_score(LinearRegression(), flat, y, cv=cv), rtol=1e-9
    )
    network = LSTMForecaster(units=4, epochs=2, random_state=0)
    np.testing.assert_allclose(
        cross_val_score(make_pipeline(SlidingWindow(w, carry_over=True), network), X, y, cv=cv),
        cross_val_score(network, SlidingWindow(w).fit_transform(X), y, cv=cv),
        rtol=1e-6,
    )


DATES = pd.date_range("2020-01-01", periods=8, freq="D")


@pytest.mark.parametrize(
    ("fitted", "transformed", "message"),
    [
        (DATES, DATES.tz_localize("UTC"), "time zone UTC, while that of the rows in fit has None"),
        (DATES.tz_localize("UTC"), DATES, "time zone None, while that of the rows in fit has UTC"),
        (DATES.to_period("D"), DATES.to_period("h"), "periods of 'h', while that of the rows in fit has .* 'D'"),
    ],
)
def test_carry_over_needs_times_that_can_be_compared(fitted, transformed, message):
    window = SlidingWindow(carry_over=True).fit(pd.DataFrame(SERIES, index=fitted))
    with pytest.raises(ValueError, match=message):
        window.transform(pd.DataFrame(SERIES, index=transformed))


def test_carry_over_warns_of_a_gap_that_dates_do_not_tell():
    irregular = pd.DatetimeIndex([*DATES[:3], "2020-01-09", "2020-01-20", "2020-01-22", "2020-02-01", "2020-02-03"])
    with pytest.warns(UserWarning, match="is irregular"):
        window = SlidingWindow(4, carry_over=True).fit(pd.DataFrame(SERIES, index=irregular))
    later = pd.DataFrame(SERIES, index=DATES + pd.Timedelta(90, "D"))
    with pytest.warns(UserWarning, match=r"end with 2020-02-03.* start with 2020-03-31.* as 0 row\(s\) apart"):
        windows = window.transform(later)
    assert_array_equal(windows[0, :-1], SERIES[-3:])


@pytest.mark.parametrize(
    ("index", "later", "gap"),
    [(DATES, DATES + pd.Timedelta(200, "h"), 1), (pd.RangeIndex(0, 16, 2), pd.RangeIndex(15, 31, 2), 0)],
)
def test_carry_over_warns_of_rows_between_the_steps(index, later, gap):
    window = SlidingWindow(4, carry_over=True).fit(pd.DataFrame(SERIES, index=index))
    with pytest.warns(UserWarning, match=rf"as {gap} row\(s\) apart"):
        windows = window.transform(pd.DataFrame(SERIES, index=later))
    assert_array_equal(windows[0, 2 - gap], SERIES[-1])


def test_a_search_that_shuffles_rows_is_refused():
    from sklearn.experimental import enable_halving_search_cv  # noqa: F401
    from sklearn.model_selection import HalvingGridSearchCV

    frame = pd.DataFrame({"a": np.arange(60.0)})
    model = make_pipeline(SlidingWindow(3, flatten=True, pad="edge"), LinearRegression())
    search = HalvingGridSearchCV(
        model, {"slidingwindow__window_size": [2, 3]}, cv=TimeSeriesSplit(2), min_resources=30, error_score="raise"
    )
    with pytest.raises(ValueError, match="X must have its rows in the order of time"):
        search.fit(frame, frame["a"])


def test_ids_of_series_as_features():
    for kind in (str, np.str_):
        table = pd.DataFrame({"shop": pd.Series(list(map(kind, "aabb")), dtype=object), "sales": range(4)})
        with pytest.raises(ValueError, match=r"could not convert .* columns \['shop'\] hold text.*groups='shop'"):
            SlidingWindow(2).fit(table)
