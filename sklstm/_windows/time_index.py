"""Pandas indexes as time axes."""

import warnings
from collections import Counter
from typing import Any

import numpy as np

TIMES = ("integer", "datetime64", "period", "timedelta64")  # what pandas infers of an index that says when rows were
DATES_AS_OBJECTS = ("date", "datetime")  # which have an order, but no frequency
STRETCH = 6  # rows to infer a frequency from: a week of business days and the next one's first


def time_index(X: Any) -> Any | None:
    """Return the index of a pandas object if it says when rows were: by integers, dates, periods or durations."""
    index: Any = getattr(X, "index", None)
    return index if getattr(index, "inferred_type", None) in TIMES else None


def check_order(X: Any, name: str) -> None:
    """Check that the rows of a pandas object are those of one series, in the order of time.

    Raises
    ------
    ValueError
        If the index has several levels, or if its times do not increase from each row to the next.
    """
    index: Any = getattr(X, "index", None)
    if getattr(index, "nlevels", 1) > 1:
        raise ValueError(
            f"{name} has an index of {index.nlevels} levels, while the rows of one series are expected: windows would "
            f"reach from one series into the next. Pass one series at a time, such as {name}.xs({index[0][0]!r})."
        )
    if getattr(index, "inferred_type", None) not in (*TIMES, *DATES_AS_OBJECTS):
        return
    if index.is_monotonic_increasing and index.is_unique:
        return
    later, earlier = index[1:], index[:-1]
    after = int(np.argmin(np.asarray(later > earlier)))
    raise ValueError(
        f"{name} must have its rows in the order of time, each time once, but {later[after]} follows "
        f"{earlier[after]}. Sort the rows with {name}.sort_index(), and merge those of the same time with "
        f"{name}.groupby(level=0).mean(). If the index tells no time, drop it with {name}.reset_index(drop=True)."
    )


def warn_of_gaps(X: Any, name: str) -> None:
    """Warn if the times of a pandas object have no regular step; its rows are treated as adjacent."""
    index = time_index(X)
    if index is None or (irregular := _first_irregular(index)) is None:
        return
    row, step = irregular
    match index.inferred_type:
        case "integer":
            cure = f"{name}.reindex(range({index[0]}, {index[-1] + step}, {step}))"
        case "period":
            cure = f"{name}.reindex(pd.period_range({name}.index[0], {name}.index[-1]))"
        case "timedelta64":
            cure = f"{name}.resample({step!r}).asfreq()"
        case _:
            cure = f"{name}.asfreq({step!r})"
    warnings.warn(
        f"The index of {name} is irregular: {index[row]} does not follow {index[max(row - 1, 0)]} by a step of {step}. "
        f"Rows are treated as adjacent. Add the missing rows as NaN with {cure}, or resample.",
        UserWarning,
        stacklevel=3,
    )


def check_comparable(index: Any, other: Any, name: str, other_name: str) -> None:
    """Check that the times of two indexes of the same kind can be compared.

    Raises
    ------
    ValueError
        If one of them has a time zone and the other has none, or if periods differ in length.
    """
    if index.inferred_type == "datetime64" and (index.tz is None) != (other.tz is None):
        raise ValueError(
            f"The index of {name} has the time zone {index.tz}, while that of {other_name} has {other.tz}. Make them "
            f"alike with {name}.tz_localize(...)."
        )
    if index.inferred_type == "period" and index.freq != other.freq:
        raise ValueError(
            f"The index of {name} has periods of {index.freqstr!r}, while that of {other_name} has periods of "
            f"{other.freqstr!r}. Make them alike with {name}.asfreq(...)."
        )


def following_labels(index: Any, n_labels: int) -> Any | None:
    """Return the labels that continue a time index, or None where its step is not known.

    Parameters
    ----------
    index : pandas.Index
        An increasing time index. The step of dates and durations is the index's frequency, or the one that pandas
        infers from at least three of them; that of integers and periods is their smallest
        difference, or 1.
    n_labels : int
        How many labels to return.

    Returns
    -------
    labels : pandas.Index of length n_labels, or None
    """
    import pandas as pd  # whoever has an index has imported pandas already

    if index.inferred_type == "period":
        step = _smallest_step(index.astype("int64"))
        return pd.period_range(index[-1], periods=n_labels * step + 1, name=index.name)[step::step]
    if index.inferred_type == "integer":
        step, last = _smallest_step(index), int(index[-1])
        labels = range(last + step, last + (n_labels + 1) * step, step)
        # A list, since pandas keeps ranges in int64, which some unsigned integers exceed.
        return pd.Index(list(labels) if index.dtype.kind == "u" else labels, name=index.name)
    freq = _frequency(index)
    if freq is None:
        return None
    continued = pd.date_range if index.inferred_type == "datetime64" else pd.timedelta_range
    return continued(index[-1], periods=n_labels + 1, freq=freq, name=index.name)[1:]


def _smallest_step(index: Any) -> int:
    differences = np.diff(index)
    return int(min(differences[differences > 0], default=1))


def _frequency(index: Any) -> Any | None:
    """Return the frequency of dates or durations, inferred if it is not set; None if there is none."""
    return index.freq or type(index)(index, freq="infer").freq


def _first_irregular(index: Any) -> tuple[int, Any] | None:
    """Return the first row of an increasing index that is not where the usual step would put it, and that step."""
    import pandas as pd

    if index.inferred_type in ("integer", "period"):
        numbers = index if index.inferred_type == "integer" else index.astype("int64")
        step = _smallest_step(numbers)
        irregular = np.diff(numbers) != step
        return (1 + int(np.argmax(irregular)), step) if irregular.any() else None
    if len(index) < 3 or _frequency(index) is not None:
        return None
    freq = _usual_frequency(index)
    continued = pd.date_range if index.inferred_type == "datetime64" else pd.timedelta_range
    regular = continued(index[0], periods=len(index), freq=freq)
    return int(np.argmax(regular != index)), freq.freqstr


def _usual_frequency(index: Any) -> Any:
    """Return the frequency that most stretches of an irregular index have, or else its most common difference."""
    import pandas as pd

    size = min(STRETCH, max(3, len(index) // 2))
    starts = np.unique(np.linspace(0, len(index) - size, 50).astype(int))
    found = Counter(_frequency(index[start : start + size]) for start in starts)
    del found[None]
    return found.most_common(1)[0][0] if found else pd.tseries.frequencies.to_offset(pd.Series(index).diff().mode()[0])
