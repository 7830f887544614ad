import warnings
from datetime import date

import numpy as np
import pandas as pd
import pytest

from sklstm import to_supervised
from sklstm._windows.time_index import check_comparable, check_order, following_labels, time_index, warn_of_gaps


def series(index):
    return pd.Series(np.arange(float(len(index))), index=index)


@pytest.mark.parametrize(
    ("index", "expected"),
    [
        (pd.RangeIndex(4), [4, 5]),
        (pd.Index([1, 3, 5]), [7, 9]),
        (pd.Index([7]), [8, 9]),
        (pd.Index([1, 1, 4, 6]), [8, 10]),
        (pd.Index([2**63 + 5, 2**63 + 7], dtype="uint64"), [2**63 + 9, 2**63 + 11]),
        (pd.date_range("2020-01-01", periods=2, freq="D"), pd.to_datetime(["2020-01-03", "2020-01-04"])),
        (pd.to_datetime(["2020-01-31", "2020-02-29", "2020-03-31"]), pd.to_datetime(["2020-04-30", "2020-05-31"])),
        (pd.period_range("2020-11", periods=2, freq="M"), pd.PeriodIndex(["2021-01", "2021-02"], freq="M")),
        (pd.period_range("2020-11", periods=1, freq="M"), pd.PeriodIndex(["2020-12", "2021-01"], freq="M")),
        (pd.period_range("2020-01", periods=6, freq="M")[::3], pd.PeriodIndex(["2020-07", "2020-10"], freq="M")),
        (
            pd.period_range("2020-01-01", periods=4, freq="15min"),
            pd.period_range("2020-01-01 01:00", periods=2, freq="15min"),
        ),
        (pd.period_range("2020-01", periods=4, freq="2M"), pd.PeriodIndex(["2020-09", "2020-11"], freq="2M")),
        (pd.to_timedelta([1, 2, 3], "h"), pd.to_timedelta([4, 5], "h")),
        (pd.to_datetime([f"2020-{month}-15" for month in range(1, 7)]), pd.to_datetime(["2020-07-15", "2020-08-15"])),
        (pd.bdate_range("2020-01-01", periods=60).delete(10), pd.to_datetime(["2020-03-25", "2020-03-26"])),
    ],
)
def test_following_labels(index, expected):
    labels = following_labels(index.rename("time"), 2)
    assert list(labels) == list(expected)
    assert labels.name == "time"


@pytest.mark.parametrize("dates", [["2020-01-01"], ["2020-01-01", "2020-01-02", "2020-01-09"]])
def test_no_labels_follow_dates_without_a_frequency(dates):
    assert following_labels(pd.to_datetime(dates), 3) is None


@pytest.mark.parametrize("X", [np.ones((2, 1)), [[1.0], [2.0]], pd.DataFrame({"a": [1, 2]}, index=["x", "y"])])
def test_only_integers_dates_periods_and_durations_tell_time(X):
    assert time_index(X) is None
    check_order(X, "X")


INDEXES = {
    "integers": pd.RangeIndex(9),
    "unsigned": pd.Index(np.arange(9, dtype="uint8")),
    "dates": pd.date_range("2020-01-01", periods=9, freq="D"),
    "business days": pd.bdate_range("2020-01-01", periods=9),
    "hours with a time zone": pd.date_range("2020-03-28 20:00", periods=9, freq="h", tz="Europe/Berlin"),
    "month ends": pd.to_datetime([f"2020-{month}-{day}" for month, day in ((1, 31), (2, 29), (3, 31), (4, 30))]),
    "periods": pd.period_range("2020-01", periods=9, freq="M"),
    "durations": pd.timedelta_range("1h", periods=9, freq="h"),
    "every second month": pd.period_range("2020-01", periods=9, freq="2M"),
    "days of the month": pd.to_datetime([f"2020-{month}-15" for month in range(1, 10)]),
    "dates as objects": pd.Index([date(2020, 1, day) for day in range(1, 9)]),
    "periods as objects": pd.period_range("2020-01", periods=9, freq="M").astype(object),
}


@pytest.mark.parametrize("index", INDEXES.values(), ids=INDEXES.keys())
def test_rows_must_be_in_the_order_of_time(index):
    check_order(series(index), "X")
    index = time_index(series(index))
    with pytest.raises(
        ValueError, match=rf"X must have .* {index[-2]} follows {index[-1]}.*X\.sort_index\(\)".replace("+", r"\+")
    ):
        check_order(series(index[::-1]), "X")
    with pytest.raises(ValueError, match=r"each time once, but .* follows"):
        check_order(series(index.insert(3, index[3])), "X")


@pytest.mark.parametrize("frame", [False, True])
def test_an_index_of_several_series_is_refused(frame):
    X = series(pd.MultiIndex.from_product([["shop 1", "shop 2"], [0, 1, 2]]))
    with pytest.raises(ValueError, match=r"2 levels.*X\.xs\('shop 1'\)"):
        check_order(X.to_frame() if frame else X, "X")


@pytest.mark.parametrize("index", INDEXES.values(), ids=INDEXES.keys())
def test_regular_times_do_not_warn(index):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        warn_of_gaps(series(index), "X")
        warn_of_gaps(series(index[:1]), "X")


@pytest.mark.parametrize(
    ("index", "irregular", "cure"),
    [
        (pd.bdate_range("2020-01-01", periods=60).delete(10), "2020-01-16.* stands where 2020-01-15", "asfreq('B')"),
        (pd.date_range("2020-01-01", periods=99).delete(slice(40, 60)), "2020-03-01.* 2020-02-10", "asfreq('D')"),
        (pd.date_range("2020-01-01", periods=24, freq="MS").delete(3), "2020-05-01.* 2020-04-01", "asfreq('MS')"),
        (INDEXES["dates as objects"].delete(5), "2020-01-07.* 2020-01-06", "asfreq('D')"),
        (pd.timedelta_range("1h", periods=9, freq="h").delete(4), "06:00:00.* 05:00:00", "resample('h').asfreq()"),
        (pd.period_range("2020-01", periods=9, freq="M").delete(4), "2020-06 .* 2020-05", "reindex(pd.period_range("),
        (pd.RangeIndex(9).delete(4), "5 stands where 4", "reindex(range(0, 9, 1))"),
        (pd.Index([0, 4, 6]), "4 stands where 2", "reindex(range(0, 8, 2))"),
    ],
)
def test_gaps_warn_with_the_first_irregular_label_and_a_cure(index, irregular, cure):
    X = series(index)
    with pytest.warns(UserWarning, match=f"of X is irregular: .*{irregular}") as record:
        warn_of_gaps(X, "X")
    (text,) = (str(warning.message) for warning in record)
    assert f"X.{cure}" in text
    X.index = time_index(X)
    cured = eval(text.split(" with ")[1].removesuffix("."), {"X": X, "pd": pd})
    assert len(cured) > len(X)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        warn_of_gaps(cured, "X")


@pytest.mark.parametrize(
    ("index", "other", "message"),
    [
        (INDEXES["dates"], INDEXES["dates"].tz_localize("UTC"), r"X\.tz_localize"),
        (INDEXES["dates"].tz_localize("UTC"), INDEXES["dates"], r"X\.tz_localize"),
        (INDEXES["periods"], INDEXES["periods"].asfreq("D"), r"'M', while that of history .* 'D'\. .*X\.asfreq"),
    ],
)
def test_times_that_cannot_be_compared(index, other, message):
    with pytest.raises(ValueError, match=message):
        check_comparable(index, other, "X", "history")


@pytest.mark.parametrize("zone", ["UTC", "Europe/Berlin"])
def test_times_of_different_zones_can_be_compared(zone):
    check_comparable(INDEXES["dates"].tz_localize(zone), INDEXES["dates"].tz_localize("UTC"), "X", "history")


@pytest.mark.parametrize(
    "dates",
    [
        pd.to_datetime(["2020-01-01", "2020-01-02", "2020-01-09"]),
        pd.to_datetime(["2020-01-01", "2020-01-02", "2020-01-04", "2020-01-08", "2020-01-09", "2020-01-20"]),
        pd.to_datetime(["2020-01-04"]).append(pd.bdate_range("2020-01-06", periods=20)),  # a Saturday first
    ],
)
def test_irregular_dates_have_no_frequency_to_add_rows_by(dates):
    X = series(dates)
    with pytest.warns(UserWarning, match=r"Bring them to regular times, as with X.resample"):
        warn_of_gaps(X, "X")
    assert following_labels(X.index, 2) is None


def test_times_that_cannot_be_ordered():
    with pytest.raises(ValueError, match=r"NaT in its index.*X\.index\.notna"):
        check_order(series(pd.DatetimeIndex(["2020-01-01", "NaT", "2021-01-01"])), "X")
    with pytest.raises(ValueError, match="times that cannot be compared with each other"):
        check_order(series(pd.Index([pd.Timestamp("2020"), pd.Timestamp("2021", tz="UTC")])), "X")


def test_dates_as_text_warn():
    table = pd.DataFrame({"a": range(3)}, index=["2024-01-03", "2024-01-02", "2024-01-01"])
    with pytest.warns(UserWarning, match="The index of series holds dates as text, such as '2024-01-03'"):
        to_supervised(table)
    with pytest.warns(UserWarning, match="The index of series holds dates as text"):
        to_supervised(table.assign(id="x"), groups="id")
