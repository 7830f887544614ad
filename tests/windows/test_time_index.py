import numpy as np
import pandas as pd
import pytest

from sklstm._windows.time_index import following_labels, time_index


@pytest.mark.parametrize(
    ("index", "expected"),
    [
        (pd.RangeIndex(4), [4, 5]),
        (pd.Index([1, 3, 5]), [7, 9]),
        (pd.Index([7]), [8, 9]),
        (pd.Index([1, 1, 4, 6]), [8, 10]),
        (pd.date_range("2020-01-01", periods=2, freq="D"), pd.to_datetime(["2020-01-03", "2020-01-04"])),
        (pd.to_datetime(["2020-01-31", "2020-02-29", "2020-03-31"]), pd.to_datetime(["2020-04-30", "2020-05-31"])),
        (pd.period_range("2020-11", periods=2, freq="M"), pd.PeriodIndex(["2021-01", "2021-02"], freq="M")),
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
def test_only_integers_dates_and_periods_tell_time(X):
    assert time_index(X) is None
