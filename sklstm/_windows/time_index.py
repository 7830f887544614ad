"""Pandas indexes as time axes."""

import re
import warnings
from collections import Counter
from contextlib import suppress
from typing import Any

import numpy as np

KINDS = {  # what pandas infers of an index of times, and the class to hold them
    "date": "DatetimeIndex",
    "datetime": "DatetimeIndex",
    "datetime64": "DatetimeIndex",
    "period": "PeriodIndex",
    "timedelta": "TimedeltaIndex",
    "timedelta64": "TimedeltaIndex",
}
MOST_MONTHS = 12 * 500  # in a series: pandas' dates in nanoseconds reach no further
STRETCH = 6  # rows to infer a frequency from: a week of business days and the next one's first


def time_index(X: Any) -> Any | None:
    """Return the index of a pandas object if it says when rows were, as `as_times` does."""
    return as_times(getattr(X, "index", None))


def as_times(index: Any) -> Any | None:
    """Return an index if it says when rows were: by integers, dates, periods or durations.

    Dates, periods and durations that pandas holds as objects, or in arrays of another library, are converted.

    Raises
    ------
    ValueError
        If they cannot be, such as times with a time zone among others without.
    """
    kind = getattr(index, "inferred_type", None)
    if kind == "integer":
        return index
    if kind not in KINDS:
        return None
    import pandas as pd  # whoever has an index has imported pandas already

    index_class = getattr(pd, KINDS[kind])
    try:
        return index if isinstance(index, index_class) else index_class(index, name=index.name)
    except (TypeError, ValueError) as error:
        raise ValueError(f"The index holds times that cannot be compared with each other: {error}") from error


def to_plain(index: Any | None) -> dict[str, Any] | None:
    """Return an index of times as an array and settings, since files of skops hold no objects of pandas."""
    if index is None:
        return None
    is_integer = index.inferred_type == "integer"
    return {
        "kind": index.inferred_type,
        "values": index.to_numpy() if is_integer else index.asi8,
        "dtype": str(index.dtype),
        "freq": None if is_integer else index.freqstr,
        "name": index.name,
    }


def from_plain(plain: dict[str, Any] | None) -> Any | None:
    """Return the index that `to_plain` has described.

    A frequency without a name of its own, such as three months, is inferred again where it is needed.
    """
    if plain is None:
        return None
    import pandas as pd

    values, dtype, name = plain["values"], plain["dtype"], plain["name"]
    if plain["kind"] == "integer":
        return pd.Index(values, dtype=dtype, name=name)
    if plain["kind"] == "period":
        return pd.PeriodIndex.from_ordinals(values, freq=plain["freq"], name=name)
    index = pd.Index(values, name=name).astype(dtype)
    with suppress(ValueError):
        index.freq = plain["freq"]
    return index


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
            "reach from one series into the next. Name the level that tells the series, as with "
            f"groups={index.names[0]!r}, or pass one series at a time, such as {name}.xs({index[0][0]!r})."
        )
    index = time_index(X)
    if index is None or (index.is_monotonic_increasing and index.is_unique):
        return
    if index.hasnans:
        raise ValueError(
            f"{name} has a row without a time: NaT in its index. Drop it with {name}[{name}.index.notna()]."
        )
    later, earlier = index[1:], index[:-1]
    after = int(np.argmin(np.asarray(later > earlier)))
    raise ValueError(
        f"{name} must have its rows in the order of time, each time once, but {later[after]} follows "
        f"{earlier[after]}. If the rows are of several series, name the column that tells them apart with groups. "
        f"Otherwise sort the rows with {name}.sort_index(), and merge those of the same time. If the index tells no "
        f"time, drop it with {name}.reset_index(drop=True)."
    )


def warn_of_gaps(X: Any, name: str) -> None:
    """Warn if the times of a pandas object have no regular step, or are text; its rows are treated as adjacent."""
    warn_of_dates_as_text(getattr(X, "index", None), name)
    index = time_index(X)
    if index is None or (irregular := _first_irregular(index)) is None:
        return
    row, expected, cure = irregular
    warnings.warn(
        f"The index of {name} is irregular: {index[row]} stands where {expected} would follow. Rows are treated as "
        f"adjacent. {cure.format(name=name)}",
        UserWarning,
        stacklevel=3,
    )


def warn_of_dates_as_text(index: Any, name: str) -> None:
    """Warn if the labels of an index are text that begins as dates of ISO 8601 do."""
    is_text = getattr(index, "inferred_type", None) == "string" and len(index) > 0
    if is_text and re.match(r"\d{4}[-/]\d", str(index[0])):
        warnings.warn(
            f"The index of {name} holds dates as text, such as {index[0]!r}, which are not read: rows are taken in "
            f"order. Convert them, as with {name}.set_axis(pandas.to_datetime({name}.index)).",
            UserWarning,
            stacklevel=4,
        )


def check_panel_order(times: Any, codes: np.ndarray, ids: Any, name: str) -> None:
    """Check that times increase within each series; rows come series by series, numbered by `codes`.

    Raises
    ------
    ValueError
        If they do not; it names the series.
    """
    if times.hasnans:
        raise ValueError(f"{name} has a row without a time: NaT in its index. Drop it.")
    wrong = (codes[1:] == codes[:-1]) & ~np.asarray(times[1:] > times[:-1])
    if wrong.any():
        after = 1 + int(np.argmax(wrong))
        raise ValueError(
            f"{name} must have the rows of each series in the order of time, each time once, but in series "
            f"{ids.tolist()[codes[after]]!r} {times[after]} follows {times[after - 1]}. Sort the rows with "
            f"{name}.sort_index(kind='stable'), and merge those of one series and time."
        )


def is_regular(index: Any) -> bool:
    """Tell whether increasing times have a regular step."""
    return _first_irregular(index) is None


def warn_of_panel_gaps(times: Any, codes: np.ndarray, ids: Any, by: str, name: str) -> None:
    """Warn if the times of any series, or of all together, have no regular step."""
    steps, different = times.factorize(sort=True)
    gaps = (codes[1:] == codes[:-1]) & (np.diff(steps) > 1)
    if (irregular := _first_irregular(different)) is not None:
        row, expected, _ = irregular
        where, found = "The index", different[row]
    elif gaps.any():
        after = 1 + int(np.argmax(gaps))
        where, found, expected = f"Series {ids.tolist()[codes[after]]!r}", times[after], different[steps[after - 1] + 1]
    else:
        return
    warnings.warn(
        f"{where} of {name} is irregular: {found} stands where {expected} would follow. Rows are treated as adjacent. "
        f"Add the missing rows of each series as NaN, as with {name}.groupby({by})[columns].resample(...).asfreq().",
        UserWarning,
        stacklevel=5,
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


def following_labels(index: Any, n_labels: int, other: Any | None = None) -> Any | None:
    """Return the labels that continue a time index, or None where its step is not known.

    Parameters
    ----------
    index : pandas.Index
        An increasing time index. The step of dates and durations is the index's frequency, or the one that pandas
        infers from at least three of them, or else from most stretches between gaps; that of integers and periods is
        their smallest difference, or 1.
    n_labels : int
        How many labels to return.
    other : pandas.Index
        More times of that kind, which tell the step where those of the index do not.

    Returns
    -------
    labels : pandas.Index of length n_labels, or None
    """
    import pandas as pd

    if index.inferred_type == "period":
        step = _smallest(_steps(index if len(index) > 1 or other is None else other))
        return pd.period_range(index[-1], periods=n_labels * step + 1, name=index.name)[step::step]
    if index.inferred_type == "integer":
        step = _smallest(_steps(index if len(index) > 1 or other is None else other))
        last = int(index[-1])
        labels = range(last + step, last + (n_labels + 1) * step, step)
        # A list, since pandas keeps ranges in int64, which some unsigned integers exceed.
        return pd.Index(list(labels) if index.dtype.kind == "u" else labels, name=index.name)
    freq = _frequency(index) or _frequency_between_gaps(index)
    if freq is None and other is not None:
        freq = _frequency(other) or _frequency_between_gaps(other)
    return None if freq is None else _regular(index[-1:], freq, periods=n_labels + 1)[1:]


def _steps(index: Any) -> np.ndarray:
    """Return the differences of integers, or of periods in units of their length."""
    if index.inferred_type == "integer":
        return np.diff(index)
    return np.diff(index.astype("int64")) // index.freq.n


def _smallest(steps: np.ndarray) -> int:
    return int(min(steps[steps > 0], default=1))


def _regular(index: Any, freq: Any, **until) -> Any:
    """Return regular dates or durations from the first of an index on, until an `end` or so many `periods`."""
    import pandas as pd

    times = pd.date_range if index.inferred_type == "datetime64" else pd.timedelta_range
    return times(index[0], freq=freq, name=index.name, **until)


def _frequency(index: Any) -> Any | None:
    """Return the frequency of dates or durations, inferred if it is not set; None if there is none."""
    return _inferred(index) or _months(index)


def _inferred(index: Any) -> Any | None:
    return index.freq or type(index)(index, freq="infer").freq


def _months(index: Any) -> Any | None:
    """Return the number of months from each date to the next as a frequency, which pandas infers of some days only."""
    import pandas as pd

    if index.inferred_type != "datetime64" or len(index) < 3:
        return None
    first, second = index[:2]
    n_months = 12 * (second.year - first.year) + second.month - first.month
    if not 0 < n_months * len(index) < MOST_MONTHS:
        return None
    freq = pd.DateOffset(months=n_months)
    return freq if _regular(index, freq, periods=len(index)).equals(index) else None


def _frequency_between_gaps(index: Any) -> Any | None:
    """Return the frequency that most stretches of dates or durations have, if all labels agree with it."""
    size = min(STRETCH, max(3, len(index) // 2))
    starts = np.unique(np.linspace(0, max(len(index) - size, 0), 50).astype(int))
    found = [freq for start in starts if (freq := _inferred(index[start : start + size])) is not None]
    freq, n_found = Counter(found).most_common(1)[0] if found else (None, 0)
    if freq is None or n_found < len(found) / 2:
        return None
    return freq if index.isin(_regular(index, freq, end=index[-1])).all() else None


def _first_irregular(index: Any) -> tuple[int, Any, str] | None:
    """Return the first row of an increasing index that is not one step after the one before, what is, and a cure."""
    if index.inferred_type in ("integer", "period"):
        steps = _steps(index)
        step = _smallest(steps)
        if (steps == step).all():
            return None
        row = 1 + int(np.argmax(steps != step))
        whole = "pd.period_range({name}.index[0], {name}.index[-1])"
        if index.inferred_type == "integer":
            whole = f"range({index[0]}, {index[-1] + step}, {step})"
        return row, index[row - 1] + step, f"Add the missing rows as NaN with {{name}}.reindex({whole})."
    if len(index) < 3 or _frequency(index) is not None:
        return None
    freq = _frequency_between_gaps(index)
    if freq is None:
        steps = np.diff(index)
        row = 1 + int(np.argmax(steps != steps[0]))
        return row, index[row - 1] + steps[0], "Bring them to regular times, as with {name}.resample(...).mean()."
    regular = _regular(index, freq, periods=len(index))
    row = int(np.argmax(regular != index))
    cure = "asfreq({!r})" if index.inferred_type == "datetime64" else "resample({!r}).asfreq()"
    return row, regular[row], f"Add the missing rows as NaN with {{name}}.{cure.format(freq.freqstr)}."
