"""The rows of a fitted series, which windows of the rows after them reach back to."""

import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np

from .time_index import check_comparable, following_labels, from_plain, to_plain


@dataclass(frozen=True)
class Carried:
    """The rows of a series, and their times if they have any."""

    rows: np.ndarray  # (n_rows, n_features)
    times: Any  # an index of pandas, or None

    def gap(self, table: np.ndarray, times: Any, window_size: int) -> int | None:
        """Return how many rows lie between these and those of a table; None if it does not follow them."""
        if times is not None and self.times is not None and times.inferred_type == self.times.inferred_type:
            check_comparable(times, self.times, "X", "the rows in fit")
            return None if times[0] <= self.times[-1] else self._rows_until(times[0], window_size)
        n_shared = min(len(table), len(self.rows))
        same = np.array_equal(table[:n_shared], self.rows[:n_shared], equal_nan=True)
        return None if same and len(table) >= min(window_size, len(self.rows)) else 0

    def to_plain(self) -> dict[str, Any]:
        """Return arrays and settings, for a file."""
        return {"rows": self.rows, "times": to_plain(self.times)}

    @classmethod
    def from_plain(cls, plain: dict[str, Any]) -> "Carried":
        """Return what `to_plain` has described."""
        return cls(plain["rows"], from_plain(plain["times"]))

    def _rows_until(self, time: Any, window_size: int) -> int:
        """Return how many rows lie between these and one of a later time, but no more than a window has."""
        labels = following_labels(self.times, window_size)
        gap = 0 if labels is None else int(labels.searchsorted(time))
        if labels is None or (gap < len(labels) and labels[gap] != time):
            warnings.warn(
                f"The rows in fit end with {self.times[-1]}, those of X start with {time}, and no whole number of "
                f"steps lies between. They are treated as {gap} row(s) apart. Give the series a frequency first, as "
                "with asfreq('D').",
                UserWarning,
                stacklevel=2,
            )
        return gap
