"""Means and standard deviations of windows and of targets, and warnings if few steps are complete."""

import warnings

import numpy as np
from sklearn.preprocessing import StandardScaler

from .._specs import Scale
from .._validation import name_features, name_pixels
from .._windows.arrays import StepCounts, chunks, count_steps, has_any_step, has_missing, present_steps, window_means
from .._windows.ragged import Ragged


def unit_scale(n_columns: int) -> Scale:
    """Return the scale that leaves values as they are."""
    return Scale(np.zeros(n_columns), np.ones(n_columns))


def feature_scale(windows: np.ndarray, sample_weight: np.ndarray, rows: np.ndarray) -> Scale:
    """Return the weighted mean and standard deviation of each feature over the steps that are not missing.

    The features of frames are their channels, over all pixels.

    Raises
    ------
    ValueError
        If all steps are missing; it names the features that are missing most.
    """
    scaler = StandardScaler()
    for chunk in chunks(len(rows), windows[0].size):
        some = windows[rows[chunk]]
        present = present_steps(some)
        if present.any():
            weight = np.broadcast_to(sample_weight[rows[chunk], np.newaxis], present.shape)[present]
            # In float64, since scikit-learn rounds sums of float32 values otherwise than of the same values in float64.
            values = some[present].astype(np.float64, order="C").reshape(-1, some.shape[-1])
            scaler.partial_fit(values, sample_weight=np.repeat(weight, len(values) // len(weight)))
    if not hasattr(scaler, "mean_"):
        raise ValueError(
            "Input X has a missing value in every step of every row, so all steps are masked."
            + _most_missing(count_steps(windows, rows))
        )
    return Scale(scaler.mean_, scaler.scale_)


def deviation_scale(windows: np.ndarray, sample_weight: np.ndarray, rows: np.ndarray, scale: Scale) -> np.ndarray:
    """Return the weighted standard deviation of each feature around the mean of its window.

    Of a feature that is constant in all windows, up to rounding, it is that of the scale.
    """
    scaler = StandardScaler(with_mean=False)
    for chunk in chunks(len(rows), windows[0].size):
        some = windows[rows[chunk]].astype(np.float64, order="C")
        deviations = some - window_means(some)[:, np.newaxis]
        present = ~np.isnan(deviations).any(axis=2)
        if present.any():
            weight = np.broadcast_to(sample_weight[rows[chunk], np.newaxis], present.shape)
            scaler.partial_fit(deviations[present], sample_weight=weight[present])
    rounding = 10 * np.finfo(np.float32).eps * np.hypot(scale.mean, scale.std)
    deviation = np.sqrt(scaler.var_)
    return np.where(deviation > rounding, deviation, scale.std)


def warn_of_masked_steps(windows: np.ndarray, rows: np.ndarray) -> None:
    """Warn if most steps of the rows that have any value are masked, since some feature is missing in them."""
    if isinstance(windows, Ragged) or windows[0, 0].size == 1 or not has_missing(windows):
        return
    counts = count_steps(windows, rows)
    if counts.n_partial > 0.5 * counts.n_known:
        warnings.warn(
            f"The network skips {counts.n_partial / counts.n_known:.0%} of the steps of X that have any value, since "
            f"another value is missing in them.{_most_missing(counts)}",
            stacklevel=2,
        )


def warn_of_windows_without_steps(windows: np.ndarray) -> None:
    """Warn if all steps of a window are masked, so that its prediction does not depend on its values."""
    rows = np.flatnonzero(~present_steps(windows[:, -1:])[:, 0])
    if not len(rows):
        return
    n_windows = sum(int((~has_any_step(windows[rows[chunk]])).sum()) for chunk in chunks(len(rows), windows[0].size))
    if n_windows:
        warnings.warn(
            f"In {n_windows} of {len(windows)} row(s) of X all steps are masked, since each has a missing value: the "
            "predictions of these rows do not depend on X. Fill missing values first, as with DataFrame.ffill.",
            UserWarning,
            stacklevel=2,
        )


def _most_missing(counts: StepCounts) -> str:
    """Return sentences on the features, or values of frames, that are missing most, and the cure."""
    if not counts.n_partial:
        return ""
    shares = counts.n_missing.ravel() / counts.n_known
    most = [feature for feature in np.argsort(-shares, kind="stable")[:5] if shares[feature] >= 0.5 * shares.max()]
    percent = ", ".join(f"{shares[feature]:.0%}" for feature in most)
    if counts.n_missing.ndim == 1:
        names = name_features(most)
        cure = (
            "Fill before the windows are made, as with DataFrame.ffill or sklearn.impute.SimpleImputer, or drop the "
            "column."
        )
    else:
        names = name_pixels(most, counts.n_missing.shape)
        cure = "Fill them, as with numpy.nan_to_num, or cut them off."
    return f" Most often missing: {names}, in {percent} of the steps that have any value. {cure}"


def target_scale(y: np.ndarray, sample_weight: np.ndarray, rows: np.ndarray) -> Scale:
    """Return the weighted mean and standard deviation of each output."""
    scaler = StandardScaler().fit(y[rows].astype(np.float64, order="C"), sample_weight=sample_weight[rows])
    return Scale(scaler.mean_, scaler.scale_)
