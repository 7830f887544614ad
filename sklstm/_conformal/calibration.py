"""What calibration rows tell of the margins that intervals need."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from math import floor
from typing import Any, NamedTuple

import numpy as np

from .._windows.panel import factorize
from .adaptive import tracked
from .bounds import scores
from .scores import least_scores, thresholds

Levels = Sequence[float] | np.ndarray


class Rows(NamedTuple):
    """Rows whose true values are known, in the order of time."""

    residuals: np.ndarray  # (n_rows, n_outputs, n_levels), of the true values from what was predicted for each level
    ids: np.ndarray  # (n_rows,) of their series
    times: np.ndarray  # (n_rows,) as integers
    known_at: np.ndarray  # (n_rows, n_outputs), the times from which on true values are known

    def of(self, rows) -> "Rows":
        """Return some rows."""
        return Rows(*(array[rows] for array in self))

    def of_outputs(self, n_outputs: int) -> "Rows":
        """Return the first outputs."""
        return self._replace(residuals=self.residuals[:, :n_outputs], known_at=self.known_at[:, :n_outputs])

    def followed_by(self, others: "Rows") -> "Rows":
        """Return these rows, and others right after them."""
        shift = (self.times[-1] + 1 if len(self.times) else 0) - (others.times[0] if len(others.times) else 0)
        others = others._replace(times=others.times + shift, known_at=others.known_at + shift)
        return Rows(*map(np.concatenate, zip(self, others, strict=True)))


@dataclass(frozen=True)
class Calibration:
    """Calibration rows, and rows that were observed later."""

    rows: Rows
    later: Rows
    levels: Levels
    pooled: bool  # or else each series has margins of its own
    adaptive: bool  # whether later rows move the margins, or else join the calibration rows

    def of_outputs(self, n_outputs: int) -> "Calibration":
        """Return the calibration of the first outputs."""
        return replace(self, rows=self.rows.of_outputs(n_outputs), later=self.later.of_outputs(n_outputs))

    def margins(self, coverages: Sequence[float], ids: np.ndarray) -> np.ndarray:
        """Return the margins for rows of some series, of shape ``(n_rows, n_outputs, n_coverages)``."""
        if self.pooled:
            margins = self._margins(coverages)
            return np.broadcast_to(margins, (len(ids), *margins.shape))
        codes, different = factorize(ids)
        by_series = [self._of_series(id_)._margins(coverages) for id_ in different.tolist()]
        return np.array(by_series).reshape(len(by_series), *self._shape(coverages))[codes]

    def margins_over_time(self, coverages: Sequence[float], observed: Rows) -> np.ndarray:
        """Return the margins for rows by what is known at their times."""
        if not self.adaptive:
            return self.margins(coverages, observed.ids)
        if self.pooled:
            return self._track(self._margins(coverages), coverages, observed)[0]
        margins = np.empty((len(observed.ids), *self._shape(coverages)))
        for id_, rows in _rows_by_id(observed.ids).items():
            of_series = self._of_series(id_)
            margins[rows] = of_series._track(of_series._margins(coverages), coverages, observed.of(rows))[0]
        return margins

    def _shape(self, coverages: Sequence[float]) -> tuple[int, int]:
        return self.rows.residuals.shape[1], len(coverages)

    @cached_property
    def _places(self) -> tuple[dict[Any, np.ndarray], dict[Any, np.ndarray]]:
        return _rows_by_id(self.rows.ids), _rows_by_id(self.later.ids)

    def _of_series(self, id_) -> "Calibration":
        places, later = (by_id.get(id_, np.arange(0)) for by_id in self._places)
        if not len(places) and not len(later):
            raise ValueError(
                f"Series {id_!r} has no calibration rows. Pass some to update or fit, or pool all series with "
                "pooled=True."
            )
        if not len(places):  # a new series is calibrated by its first rows
            return replace(self, rows=self.later.of(later), later=self.later.of(later[:0]), pooled=True)
        return replace(self, rows=self.rows.of(places), later=self.later.of(later), pooled=True)

    def _margins(self, coverages: Sequence[float]) -> np.ndarray:
        """Return the margins after all later rows, of shape ``(n_outputs, n_coverages)``."""
        if not self.adaptive:
            return self._thresholds(self.rows.followed_by(self.later), coverages)
        return self._track(self._thresholds(self.rows, coverages), coverages, self.later)[1]

    def _track(self, start: np.ndarray, coverages: Sequence[float], observed: Rows) -> tuple[np.ndarray, np.ndarray]:
        """Return the margins of observed rows, and those after them."""
        size = np.nanmean(np.abs(scores(self.rows.residuals, self.levels, coverages)), axis=0)
        of_observed = scores(observed.residuals, self.levels, coverages)
        return tracked(start, size, of_observed, observed.times, observed.known_at, coverages)

    def _thresholds(self, rows: Rows, coverages: Sequence[float]) -> np.ndarray:
        of_rows = scores(rows.residuals, self.levels, coverages)
        n_rows = int((~np.isnan(of_rows[..., 0])).sum(axis=0).min())
        largest = max(coverages)
        if n_rows < least_scores(largest):
            possible = floor(1000 * n_rows / (n_rows + 1)) / 1000
            raise ValueError(
                f"coverage={largest:g} needs at least {least_scores(largest)} calibration rows with a target, but "
                f"there are {n_rows}. Ask for a coverage of {possible:g} at most, enlarge calibration_fraction, or fit "
                "on more rows."
            )
        by_coverage = [thresholds(of_rows[..., i], coverage) for i, coverage in enumerate(coverages)]
        return np.stack(by_coverage, axis=-1)


def _rows_by_id(ids: np.ndarray) -> dict[Any, np.ndarray]:
    """Return the rows of each series, in order."""
    codes, different = factorize(ids)
    order = np.argsort(codes, kind="stable")
    parts = np.split(order, np.cumsum(np.bincount(codes, minlength=len(different)))[:-1]) if len(order) else []
    return dict(zip(different.tolist(), parts, strict=True))
