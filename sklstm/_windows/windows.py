"""Windows over the series of a panel, which are made when they are asked for."""

import numpy as np

from .arrays import as_slice, row_dtype
from .panel import Panel


class Windows:
    """The window that ends with each row of a panel, read like an array of shape ``(n_rows, window_size, n_features)``.

    Indexing gives an array of the windows that are asked for. Memory is that of the rows, whatever the size of windows.

    Parameters
    ----------
    table : ndarray of shape (n_stored, n_features)
        Rows, series by series, each in the order of time.
    ends : ndarray of shape (n_rows,)
        Where in the table the last row of each window stands.
    starts : ndarray of shape (n_rows,)
        Where the first row of its series stands. What would lie before is missing.
    window_size : int
        The number of rows in a window.
    steps : ndarray of shape (n_rows,)
        The time of each row, as a number that all series have in common.
    pad_edge : bool
        Whether the first row of a series stands for what lies before, instead of missing values.
    """

    ndim = 3

    def __init__(self, table, ends, starts, window_size: int, steps, *, pad_edge: bool = False):
        self._table, self.ends, self._starts = table, ends, starts
        self._window_size, self._pad_edge = window_size, pad_edge
        self.steps = steps

    @property
    def shape(self) -> tuple[int, int, int]:
        """Return the number of rows, of steps and of features."""
        return len(self.ends), self._window_size, self._table.shape[1]

    @property
    def n_series(self) -> int:
        """Return how many series have a window."""
        return len(np.unique(self._starts))

    @property
    def dtype(self) -> np.dtype:
        """Return the type of the values."""
        return self._table.dtype

    def __len__(self):
        return len(self.ends)

    def __getitem__(self, key) -> np.ndarray:
        rows, steps, *features = (*key, slice(None))[:3] if isinstance(key, tuple) else (key, slice(None))
        if not (isinstance(rows, int | np.integer | slice) or np.ndim(rows) == 1) or steps is Ellipsis:
            return np.asarray(self)[key]
        offsets = np.arange(1 - self._window_size, 1)[steps]
        ends, starts = (array[rows].reshape(-1, *[1] * offsets.ndim) for array in (self.ends, self._starts))
        windows = self._table[np.maximum(ends + offsets, starts)]
        if not self._pad_edge:
            windows[ends + offsets < starts] = np.nan
        windows = windows if np.ndim(self.ends[rows]) else windows[0]
        return windows[(..., *features)]

    def __array__(self, dtype=None, copy=None) -> np.ndarray:
        return np.asarray(self[:], dtype=dtype)

    def min(self) -> float:
        """Return the least value, or NaN if any is missing."""
        is_padded = not self._pad_edge and (self.ends - self._starts < self._window_size - 1).any()
        return np.nan if is_padded else self._table.min()

    def part(self, rows) -> "Windows":
        """Return the windows of some rows."""
        of_rows = self.ends[rows], self._starts[rows], self._window_size, self.steps[rows]
        return Windows(self._table, *of_rows, pad_edge=self._pad_edge)

    def codes(self, rows: np.ndarray) -> np.ndarray:
        """Return the number of the series of each of some rows, from 0 on."""
        return np.unique(self._starts[rows], return_inverse=True)[1]

    def later(self, rows: np.ndarray, n_rows: int) -> np.ndarray:
        """Return for each of some rows the one so many rows later in its series; -1 if there is none."""
        row_at = np.full(len(self._table) + n_rows, -1)
        row_at[self.ends] = np.arange(len(self))
        later = row_at[self.ends[rows] + n_rows]
        return np.where((later >= 0) & (self._starts[later] == self._starts[rows]), later, -1)


def later_rows(windows, rows: np.ndarray, n_rows: int) -> np.ndarray:
    """Return for each of some rows the one so many rows later in its series; -1 if there is none.

    Windows in an array are taken for those of one series.
    """
    if isinstance(windows, Windows):
        return windows.later(rows, n_rows)
    return np.where(rows + n_rows < len(windows), rows + n_rows, -1)


def steps_of(windows, rows: np.ndarray) -> np.ndarray:
    """Return the times of some rows as numbers that all series have in common; those of an array are one series."""
    return windows.steps[rows] if isinstance(windows, Windows) else rows


def last_adjacent_rows(windows, rows: np.ndarray, n_rows: int, n_lags: int) -> np.ndarray:
    """Return the last of some rows, in order, about `n_rows` in all.

    Of many series they are the last ones of some, spread over all series, and several times `n_lags` of each.
    """
    if not isinstance(windows, Windows):
        return rows[-n_rows:]
    by_series = rows[np.argsort(windows.ends[rows])]
    codes = windows.codes(by_series)
    ends = np.cumsum(np.bincount(codes))  # where in this order the next series begins
    n_series = min(max(n_rows // (4 * n_lags), 1), len(ends))
    chosen = np.linspace(0, len(ends) - 1, n_series).round() if n_series > 1 else [len(ends) - 1]
    is_late = ends[codes] - np.arange(len(rows)) <= n_rows // n_series
    return np.sort(by_series[is_late & np.isin(codes, chosen)])


def part(windows, rows: np.ndarray):
    """Return the windows of some rows, in order, without a copy of all; of an array, those between them as well."""
    if isinstance(windows, Windows):
        return windows.part(rows), np.arange(len(rows))
    return windows[rows[0] : rows[-1] + 1], rows - rows[0]


def windows_of_panel(
    table: np.ndarray, panel: Panel, pasts: list[np.ndarray] | None, window_size: int, *, pad_edge: bool
) -> Windows:
    """Return the window that ends with each row of a table; `pasts` are rows before those of each series, if any."""
    rows, starts, n_past = table[as_slice(panel.order)], panel.starts, np.zeros(len(panel.starts), dtype=int)
    if pasts is not None:
        n_past = np.array([len(past) for past in pasts])
        rows = np.concatenate([part for pair in zip(pasts, np.split(rows, starts[1:]), strict=True) for part in pair])
        starts = starts + np.cumsum(n_past) - n_past
    ends = (starts + n_past)[panel.codes] + panel.places
    dtype = row_dtype(len(rows))
    ends, starts, steps = (numbers.astype(dtype) for numbers in (ends, starts[panel.codes], panel.steps))
    return Windows(rows, ends, starts, window_size, steps, pad_edge=pad_edge)
