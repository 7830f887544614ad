"""What calibration rows tell of the margins that intervals need."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np

from .._windows.panel import factorize
from .adaptive import step_sizes, tracked
from .bounds import scores
from .scores import least_scores, thresholds

Levels = Sequence[float] | np.ndarray


class Rows(NamedTuple):
    """Rows whose truths are known, in the order of time."""

    residuals: np.ndarray  # (n_rows, n_outputs, n_levels), of the truths from what was predicted for each level
    times: np.ndarray  # (n_rows,) as integers
    ids: np.ndarray  # (n_rows,) of their series

    def of(self, is_chosen) -> "Rows":
        """Return some rows."""
        return Rows(*(array[is_chosen] for array in self))

    def followed_by(self, others: "Rows") -> "Rows":
        """Return these rows, and others after them."""
        times = others.times + (self.times[-1] + 1 if len(self.times) else 0)
        ids = np.concatenate([self.ids, others.ids])
        return Rows(np.concatenate([self.residuals, others.residuals]), np.concatenate([self.times, times]), ids)


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
        rows, later = (rows._replace(residuals=rows.residuals[:, :n_outputs]) for rows in (self.rows, self.later))
        return replace(self, rows=rows, later=later)

    def margins(self, coverages: Sequence[float], ids: np.ndarray) -> np.ndarray:
        """Return the margins for rows of some series, of shape ``(n_rows, n_outputs, n_coverages)``."""
        if self.pooled:
            margins = self._margins(coverages)
            return np.broadcast_to(margins, (len(ids), *margins.shape))
        codes, different = factorize(ids)
        return np.stack([self._of_series(id_)._margins(coverages) for id_ in different.tolist()])[codes]

    def margins_over_time(self, coverages: Sequence[float], observed: Rows, delays: Sequence[int]) -> np.ndarray:
        """Return the margins for rows whose truths become known `delays` later, output by output."""
        if not self.adaptive:
            return self.margins(coverages, observed.ids)
        if self.pooled:
            return self._margins_over_time(coverages, observed, delays)
        _, n_outputs, _ = observed.residuals.shape
        margins = np.empty((len(observed.ids), n_outputs, len(coverages)))
        codes, different = factorize(observed.ids)
        for code, id_ in enumerate(different.tolist()):
            is_here = codes == code
            of_series = self._of_series(id_)
            margins[is_here] = of_series._margins_over_time(coverages, observed.of(is_here), delays)
        return margins

    def _of_series(self, id_) -> "Calibration":
        if not (self.rows.ids == id_).any():
            raise ValueError(
                f"Series {id_!r} has no calibration rows. Pass some to update or fit, or pool all series with "
                "pooled=True."
            )
        rows, later = (rows.of(rows.ids == id_) for rows in (self.rows, self.later))
        return replace(self, rows=rows, later=later, pooled=True)

    def _margins(self, coverages: Sequence[float]) -> np.ndarray:
        """Return the margins after all later rows, of shape ``(n_outputs, n_coverages)``."""
        if not self.adaptive:
            return self._thresholds(self.rows.followed_by(self.later), coverages)
        delays = np.arange(self.rows.residuals.shape[1]) + 1
        return self._tracked(self._thresholds(self.rows, coverages), coverages, self.later, delays)[-1]

    def _margins_over_time(self, coverages: Sequence[float], observed: Rows, delays: Sequence[int]) -> np.ndarray:
        margins = self._tracked(self._margins(coverages), coverages, observed, delays)
        return margins[np.unique(observed.times, return_inverse=True)[1]]

    def _tracked(self, start: np.ndarray, coverages: Sequence[float], observed: Rows, delays) -> np.ndarray:
        sizes = step_sizes(scores(self.rows.residuals, self.levels, coverages))
        of_observed = scores(observed.residuals, self.levels, coverages)
        return tracked(start, sizes, of_observed, observed.times, coverages, delays)

    def _thresholds(self, rows: Rows, coverages: Sequence[float]) -> np.ndarray:
        of_rows = scores(rows.residuals, self.levels, coverages)
        n_rows = int((~np.isnan(of_rows[..., 0])).sum(axis=0).min())
        largest = max(coverages)
        if n_rows < least_scores(largest):
            raise ValueError(
                f"coverage={largest:g} needs at least {least_scores(largest)} calibration rows with a target, but "
                f"there are {n_rows}. Ask for a coverage of {n_rows / (n_rows + 1):.3g} at most, enlarge "
                "calibration_fraction, or fit on more rows."
            )
        by_coverage = [thresholds(of_rows[..., i], coverage) for i, coverage in enumerate(coverages)]
        return np.stack(by_coverage, axis=-1)
