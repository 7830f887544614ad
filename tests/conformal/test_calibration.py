"""Margins by calibration rows, and by those observed later."""

import numpy as np
import pytest

from sklstm._conformal.bounds import MEDIAN
from sklstm._conformal.calibration import Calibration, Rows


def rows(residuals, ids=None):
    residuals = np.asarray(residuals, float)
    ids, times = np.zeros(len(residuals), int) if ids is None else np.asarray(ids), np.arange(len(residuals))
    return Rows(residuals[:, np.newaxis, np.newaxis], ids, times, times[:, np.newaxis] + 1)


def calibration(calibrated, later=None, *, pooled=True, adaptive=False):
    later = calibrated.of(slice(0, 0)) if later is None else later
    return Calibration(calibrated, later, MEDIAN, pooled, adaptive)


def margin(of, coverage=0.9, ids=(0,)):
    return of.margins([coverage], np.array(ids))[:, 0, 0]


def test_margin_is_the_finite_sample_quantile():
    assert margin(calibration(rows(range(1, 20))), 0.9) == 18


def test_later_rows_join_the_calibration_rows():
    some = calibration(rows(range(1, 11)), rows(range(11, 20)))
    assert margin(some) == margin(calibration(rows(range(1, 20))))


def test_later_rows_move_adaptive_margins():
    some = calibration(rows(range(1, 20)), rows([100.0]), adaptive=True)
    assert margin(some) == pytest.approx(18 + 0.9 * 0.1 * 10)  # the mean absolute score is 10


def test_each_series_has_margins_of_its_own():
    calibrated = rows([*range(1, 20), *range(10, 200, 10)], [0] * 19 + [1] * 19)
    np.testing.assert_array_equal(margin(calibration(calibrated, pooled=False), ids=[1, 0, 1]), [180, 18, 180])
    assert 18 < margin(calibration(calibrated)) < 180


def test_a_series_without_calibration_rows():
    with pytest.raises(ValueError, match="Series 7 has no calibration rows"):
        margin(calibration(rows(range(20)), pooled=False), ids=[7])


@pytest.mark.parametrize("adaptive", [False, True])
def test_a_new_series_is_calibrated_by_later_rows(adaptive):
    some = calibration(rows(range(20)), rows(range(1, 20), [7] * 19), pooled=False, adaptive=adaptive)
    assert margin(some, ids=[7]) == 18


def test_too_few_rows_tell_how_many_are_needed():
    with pytest.raises(
        ValueError, match=r"coverage=0.95 needs at least 19 calibration rows .* there are 10. .* 0.909 at most"
    ):
        margin(calibration(rows(range(10))), 0.95)


def test_rows_without_a_truth_do_not_count():
    residuals = [*range(1, 20), np.nan, np.nan]
    assert margin(calibration(rows(residuals))) == 18
    with pytest.raises(ValueError, match="there are 8"):
        margin(calibration(rows([*range(8), np.nan])))


def test_margins_over_time_know_no_later_truth(rng):
    some, observed = calibration(rows(rng.normal(size=50)), adaptive=True), rows(rng.normal(size=30))
    observed = observed._replace(known_at=observed.times[:, np.newaxis] + 3)
    before = some.margins_over_time([0.8], observed)
    changed = observed._replace(residuals=np.where(np.arange(30)[:, None, None] >= 20, 99, observed.residuals))
    after = some.margins_over_time([0.8], changed)
    np.testing.assert_array_equal(after[:23], before[:23])
    assert (after[23:] != before[23:]).all()
