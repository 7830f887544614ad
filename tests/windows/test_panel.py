"""Many series in one table: windows and validation."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_array_equal
from sklearn import config_context
from sklearn.dummy import DummyRegressor
from sklearn.model_selection import cross_val_score

from sklstm import LSTMForecaster, PanelTimeSeriesSplit, SeasonalNaive, SlidingWindow, to_supervised
from sklstm._windows.panel import Panel, following_times, read_panel


@st.composite
def panels(draw):
    """Return a table whose values tell series and place, in any order of series, and the series of each row."""
    sizes = draw(st.lists(st.integers(1, 8), min_size=1, max_size=5))
    codes = np.array(draw(st.permutations(np.repeat(np.arange(len(sizes)), sizes).tolist())))
    places = Panel(codes, np.arange(len(sizes))).places
    starts = np.array(draw(st.lists(st.integers(0, 5), min_size=len(sizes), max_size=len(sizes))))
    days = pd.date_range("2024-01-01", periods=20)[starts[codes] + places]
    values = 100.0 * codes + places
    return pd.DataFrame({"value": values, "store": [f"store {code}" for code in codes]}, index=days), codes


def in_form(table, form):
    """Return a table with its ids in a column, in a level of the index, or in an array; and what they are called."""
    if form == "level":
        return table.set_index("store", append=True), "store"
    if form == "array":
        return np.column_stack([table["value"], table["store"].str[-1].astype(float)]), 1
    return table, "store"


FORMS = st.sampled_from(["column", "level", "array"])


@given(panels(), st.integers(1, 10), FORMS, st.sampled_from(["missing", "edge"]))
@pytest.mark.filterwarnings("ignore:.* is irregular")
def test_windows_are_those_of_each_series(panel, window_size, form, pad):
    table, codes = panel
    X, groups = in_form(table, form)
    windows = SlidingWindow(window_size, groups=groups, pad=pad).fit_transform(X)
    assert windows.shape == (len(table), window_size, 1)
    for code in np.unique(codes):
        alone = SlidingWindow(window_size, pad=pad).fit_transform(table.loc[codes == code, ["value"]])
        assert_array_equal(windows[codes == code], alone)


@given(panels(), st.integers(1, 4), FORMS)
@pytest.mark.filterwarnings("ignore:.* is irregular")
def test_targets_and_known_values_are_those_of_each_series(panel, horizon, form):
    table, codes = panel
    X, groups = in_form(table, form)
    lag = horizon + 1
    target = 0 if form == "array" else "value"
    if np.bincount(codes).max() <= horizon + 1:
        with pytest.raises(ValueError, match="while more than horizon"):
            to_supervised(X, horizon, target=target, known={target: lag}, groups=groups)
        return
    X, y = (np.asarray(part) for part in to_supervised(X, horizon, target=target, known={target: lag}, groups=groups))
    now = X[:, 0].astype(float)
    assert_array_equal(y.reshape(len(y), -1), now[:, np.newaxis] + np.arange(1, horizon + 1))
    assert_array_equal(X[:, -1].astype(float), now - 1)
    n_rows = np.maximum(np.bincount(codes) - horizon - 1, 0)
    assert_array_equal(np.bincount(now.astype(int) // 100, minlength=len(n_rows)), n_rows)


@given(panels(), st.integers(1, 6), st.integers(0, 12))
@pytest.mark.filterwarnings("ignore:.* is irregular", "ignore:The rows in fit end")
def test_carry_over_stays_in_each_series(panel, window_size, cut):
    table, _ = panel
    day = pd.Timestamp("2024-01-01") + pd.Timedelta(days=cut)
    train, test = table[table.index < day], table[table.index >= day]
    if not len(train) or not len(test):
        return
    window = SlidingWindow(window_size, groups="store", carry_over=True).fit(train)
    whole = SlidingWindow(window_size, groups="store").fit_transform(table)
    assert_array_equal(window.transform(test), whole[table.index >= day])


@given(panels(), st.integers(2, 4), st.integers(0, 2))
@pytest.mark.filterwarnings("ignore:.* is irregular")
def test_folds_cut_all_series_at_the_same_time(panel, n_splits, gap):
    table, _ = panel
    times = table.index.unique().sort_values()
    if len(times) <= n_splits + gap + 1:
        return
    tested = []
    for train, test in PanelTimeSeriesSplit(n_splits, groups="store", test_size=1, gap=gap).split(table):
        assert table.index[test].nunique() == 1
        assert_array_equal(test, np.flatnonzero(table.index == table.index[test[0]]))
        last = times.get_loc(table.index[test[0]]) - gap
        assert_array_equal(train, np.flatnonzero(table.index < times[last]))
        tested.append(table.index[test[0]])
    assert tested == list(times[-n_splits:])


def test_windows_are_read_like_an_array():
    table = np.column_stack([np.repeat([1.0, 2.0], 5), np.arange(20.0).reshape(10, 2)])
    windows = SlidingWindow(3, groups=0).fit_transform(table)
    array = np.asarray(windows)
    assert len(windows) == 10
    assert windows.ndim == array.ndim
    assert windows.dtype == array.dtype
    assert np.isnan(windows.min())
    for key in [
        3,
        -1,
        slice(2, 7),
        [5, 1],
        array[:, -1, 0] > 6,
        (slice(None), -1),
        ([1, 2], slice(1, None), 0),
        (3, 2),
        ...,
    ]:
        assert_array_equal(windows[key], array[key])
    assert SlidingWindow(3, groups=0, pad="edge").fit_transform(table).min() == 0


def test_memory_does_not_grow_with_the_window():
    table = np.column_stack([np.repeat(np.arange(100.0), 50), np.zeros((5000, 2))])
    windows = SlidingWindow(1000, groups=0).fit_transform(table)
    arrays = [value for value in vars(windows).values() if isinstance(value, np.ndarray)]
    assert sum(array.nbytes for array in arrays) < 3 * table.nbytes


def test_flat_windows_have_no_names_of_ids():
    table = pd.DataFrame({"price": [1.0, 2.0], "store": ["a", "a"], "sales": [3.0, 4.0]})
    window = SlidingWindow(2, groups="store", flatten=True).set_output(transform="pandas")
    assert list(window.fit_transform(table)) == ["price_lag1", "sales_lag1", "price_lag0", "sales_lag0"]
    assert list(window.feature_names_in_) == ["price", "store", "sales"]


@pytest.mark.parametrize("model", [LSTMForecaster(4, epochs=3, random_state=0), SeasonalNaive(2, target=0)], ids=str)
def test_one_series_is_that_series(model, rng):
    series = rng.standard_normal((60, 2)).cumsum(axis=0)
    windows, y = SlidingWindow(6).fit_transform(series[:-1]), series[1:, 0]
    expected = model.fit(windows, y).predict(windows)
    panel = SlidingWindow(6, groups=0).fit_transform(np.column_stack([np.zeros(59), series[:-1]]))
    assert_array_equal(model.fit(panel, y).predict(panel), expected)


@pytest.mark.parametrize("routing", [False, True])
def test_folds_by_groups_of_scikit_learn(rng, routing):
    """Of a table whose ids are no feature."""
    days = pd.date_range("2024-01-01", periods=20)
    ids, table = np.repeat(["a", "b"], [20, 15]), pd.DataFrame({"v": rng.standard_normal(35)}, [*days, *days[5:]])
    cv, expected = PanelTimeSeriesSplit(3), PanelTimeSeriesSplit(3, groups="id").split(table.assign(id=ids))
    for (train, test), (train_expected, test_expected) in zip(cv.split(table, groups=ids), expected, strict=True):
        assert_array_equal(train, train_expected)
        assert_array_equal(test, test_expected)
    with config_context(enable_metadata_routing=routing):
        given = {"params": {"groups": ids}} if routing else {"groups": ids}
        scores = cross_val_score(DummyRegressor(), table, table["v"], cv=cv, error_score="raise", **given)
    assert len(scores) == 3
    with pytest.raises(ValueError, match="given twice"):
        list(PanelTimeSeriesSplit(3, groups="v").split(table, groups=ids))
    with pytest.raises(ValueError, match="inconsistent numbers of samples"):
        list(cv.split(table, groups=ids[:-1]))
    with pytest.raises(ValueError, match="groups='id'"):
        list(cv.split(table.set_index(pd.Index(ids, name="id"), append=True).swaplevel(), groups=ids))
    with pytest.warns(UserWarning, match=r"X.groupby\(groups\)\[columns\].resample"):
        list(cv.split(table.drop(days[9]), groups=ids[table.index != days[9]]))


def held_out(table):
    """Return the rows that each network holds out, by series and day, and check that none near them trains."""
    X, y = to_supervised(table, 2, target="value", groups="store")
    model = LSTMForecaster(3, n_networks=3, epochs=1, random_state=0)
    model.fit(SlidingWindow(4, groups="store").fit_transform(X), y)
    sample = model._check_sample(SlidingWindow(4, groups="store").fit_transform(X), y, None, reset=True)
    found = []
    for training, validation in model._splits(sample, validates=True):
        days, day = X.index[validation], pd.Timedelta(days=1)
        assert not X.index[training].isin(pd.date_range(days.min() - day, days.max() + day)).any()
        found.append(set(zip(X["store"].iloc[validation], days, strict=True)))
    return found


def test_networks_hold_out_the_same_times_in_all_series(rng):
    table = pd.DataFrame({"value": rng.standard_normal(90), "store": np.repeat(["a", "b", "c"], 30)})
    table.index = pd.date_range("2024-01-01", periods=30).append([pd.date_range("2024-01-11", periods=30)] * 2)
    assert held_out(table) == held_out(table.sort_index(kind="stable"))


def test_times_to_come():
    days = pd.date_range("2024-01-31", periods=6, freq="ME")
    table = pd.DataFrame({"store": list("abab"), "v": 1.0}, index=days[[0, 2, 1, 3]])
    assert list(following_times(read_panel(table, "store", "X"), 2)) == list(days[[2, 3, 4, 5]])
    numbers = pd.DataFrame({"store": list("aabb"), "v": 1.0}, index=[0, 2, 2, 4])
    assert list(following_times(read_panel(numbers, "store", "X"), 2)) == [4, 6, 6, 8]
    rows = pd.DataFrame({"store": list("abab"), "v": 1.0})  # numbered as a whole, which tells no time
    assert following_times(read_panel(rows, "store", "X"), 2) is None


def test_times_to_come_of_series_with_different_steps():
    """The times of all together are every hour of two weeks, but for one that all lack."""
    hours, days = (pd.date_range("2024-01-01", periods=n, freq=freq) for n, freq in [(14 * 24, "h"), (14, "D")])
    stores = {"a": hours.delete(100), "b": hours[:50], "c": days, "d": days[:12:3], "e": hours[7:8]}
    table = pd.concat([pd.DataFrame({"store": name, "v": 1.0}, index=times) for name, times in stores.items()])
    with pytest.warns(UserWarning, match="irregular"):
        panel = read_panel(table, "store", "X")
    expected = [hours[-1] + hours.freq, hours[50], days[-1] + days.freq, days[12], hours[8]]
    assert list(following_times(panel, 1)) == expected
    whole = pd.concat([table, pd.DataFrame({"store": "f", "v": 1.0}, index=hours)])
    with pytest.warns(UserWarning, match="Series 'a'"):
        assert list(following_times(read_panel(whole, "store", "X"), 1)) == [*expected, expected[0]]


def test_windows_are_indexed_as_an_array(rng):
    table = pd.DataFrame({"store": list("ababa"), "v": rng.standard_normal(5), "w": rng.standard_normal(5)})
    windows = SlidingWindow(3, groups="store").fit_transform(table)
    array = np.asarray(windows)
    keys = [2, np.int64(-1), slice(1, 4), [0, 3], np.array([[0, 1], [3, 4]]), None, ..., array[:, 0, 0] > 0]
    for key in [*keys, (slice(None), -1), (2, 1, 0), ([1, 2], slice(1), 1), (..., 0), (None, 2)]:
        assert_array_equal(windows[key], array[key])


FRAME = pd.DataFrame(
    {"v": np.arange(12.0), "w": 1.0, "store": ["a"] * 6 + ["b"] * 6},
    index=[*pd.date_range("2024-01-01", periods=6)] * 2,
)


def entries():
    yield "fit", lambda table, groups: SlidingWindow(2, groups=groups).fit(table)
    yield "to_supervised", lambda table, groups: to_supervised(table, target=None, groups=groups)
    yield "split", lambda table, groups: list(PanelTimeSeriesSplit(2, groups=groups).split(table))


@pytest.fixture(params=[entry for _, entry in entries()], ids=[name for name, _ in entries()])
def entry(request):
    return request.param


@pytest.mark.parametrize(
    ("table", "groups", "message"),
    [
        (FRAME, "shop", r"groups must name the column or the level .* \['v', 'w', 'store'\] .*Got 'shop' instead"),
        (FRAME, 2, "Got 2 instead"),
        (FRAME.to_numpy(), "store", "groups must be the position of a column, from 0 to 2, where .* Got 'store'"),
        (FRAME.to_numpy(), 3, "from 0 to 2.* Got 3"),
        (FRAME.to_numpy(), -1, "Got -1 instead"),
        (FRAME.assign(store=["a"] * 6 + [None] * 6), "store", "6 row.s. without an id in 'store'"),
        (np.column_stack([[1.0, np.nan], [1.0, 2.0]]), 0, "1 row.s. without an id in 0"),
        (
            np.array([["a", 1.0], [None, 2.0], [np.nan, 2.0], [pd.NA, 3.0]], dtype=object),
            0,
            "3 row.s. without an id in 0",
        ),
        (FRAME[::-1], "store", "the rows of each series in the order of time.* in series 'b' 2024-01-05.* follows"),
        (pd.concat([FRAME, FRAME[:1]]), "store", "in series 'a' 2024-01-01.* follows 2024-01-06"),
        (FRAME.assign(store="a"), "store", "in series 'a' 2024-01-01"),
        (FRAME.set_axis([pd.NaT, *FRAME.index[1:]]), "store", "NaT in its index"),
        (FRAME.set_index("store", append=True), None, "an index of 2 levels.*groups=None|an index of 2 levels"),
        (FRAME.set_index(["store", "w"], append=True), "store", r"Got 'store' instead"),
        (FRAME.set_index("w", append=True), "store", "in the column 'store' and an index of 2 levels"),
        (FRAME.set_index("store", append=True).iloc[::-1], "store", "in series 'b'"),
    ],
)
def test_bad_panels(entry, table, groups, message):
    with pytest.raises(ValueError, match=message):
        entry(table, groups)


def test_gaps_are_told_with_the_series():
    table = FRAME.drop(index=FRAME.index[3])
    whole = FRAME.iloc[[0, 1, 2, 4, 5, *range(6, 12)]]
    with pytest.warns(UserWarning, match="The index of X is irregular: 2024-01-05.* where 2024-01-04"):
        SlidingWindow(2, groups="store").fit(table)
    with pytest.warns(UserWarning, match=r"Series 'a' of X is irregular: 2024-01-05.*2024-01-04.*groupby\('store'\)"):
        SlidingWindow(2, groups="store").fit(whole)


def test_a_fitted_series_shorter_than_the_window_does_not_follow_itself():
    table = np.array([[0, v] for v in range(1, 9)] + [[1, 100], [1, 200], [1, 300]], dtype=float)
    window = SlidingWindow(4, groups=0, carry_over=True)
    assert_array_equal(window.fit_transform(table), SlidingWindow(4, groups=0).fit_transform(table))


def test_an_unseen_or_vanished_series_is_no_fault():
    window = SlidingWindow(2, groups="store", carry_over=True).fit(FRAME)
    assert window.transform(FRAME[:3].assign(store="new")).shape == (3, 2, 2)


def test_text_among_the_features():
    with pytest.raises(ValueError, match="could not convert string to float"):
        SlidingWindow(2, groups="store").fit(FRAME.assign(w="x"))


def test_nothing_fitted_is_lost():
    window = SlidingWindow(2, groups="store").fit(FRAME)
    with pytest.raises(ValueError, match="order of time"):
        window.fit(FRAME[::-1])
    assert window.transform(FRAME).shape == (12, 2, 2)
    with pytest.raises(ValueError, match="feature names should match"):
        window.transform(FRAME.rename(columns={"w": "x"}))


def test_integers_stay_times_where_no_two_rows_share_one():
    """The fitted rows show that they are, so that a gap in front of new rows is seen."""
    fitted = pd.DataFrame({"s": ["a"] * 5 + ["b"] * 5, "x": np.arange(10.0)}, index=[*range(5), *range(5)])
    window = SlidingWindow(4, groups="s", carry_over=True).fit(fitted)
    later = pd.DataFrame({"s": ["a", "b"], "x": [50.0, 99.0]}, index=[5, 7])
    expected = [[2, 3, 4, 50], [9, np.nan, np.nan, 99]]
    assert_array_equal(np.asarray(window.transform(later))[:, :, 0], expected)
