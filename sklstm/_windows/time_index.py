"""Pandas indexes as time axes."""

from typing import Any

import numpy as np


def time_index(X: Any) -> Any | None:
    """Return the index of a pandas object if it says when rows were: by integers, dates or periods."""
    index = getattr(X, "index", None)
    return index if getattr(index, "inferred_type", None) in ("integer", "datetime64", "period") else None


def following_labels(index: Any, n_labels: int) -> Any | None:
    """Return the labels that continue a time index, or None where its step is not known.

    Parameters
    ----------
    index : pandas.Index
        An increasing time index. The step of dates is the index's frequency, or the one that pandas infers
        from at least three of them; that of integers is their smallest difference, or 1.
    n_labels : int
        How many labels to return.

    Returns
    -------
    labels : pandas.Index of length n_labels, or None
    """
    import pandas as pd  # whoever has an index has imported pandas already

    if index.inferred_type == "period":
        return pd.period_range(index[-1] + 1, periods=n_labels, name=index.name)
    if index.inferred_type == "datetime64":
        freq = index.freq or pd.DatetimeIndex(index, freq="infer").freq
        if freq is None:
            return None
        return pd.date_range(index[-1], periods=n_labels + 1, freq=freq, name=index.name)[1:]
    differences = np.diff(index)
    step = int(min(differences[differences > 0], default=1))
    last = int(index[-1])
    return pd.Index(range(last + step, last + (n_labels + 1) * step, step), name=index.name)
