"""The seasonal naive forecaster, the baseline of every forecast."""

import re
from collections.abc import Iterable
from numbers import Integral

import numpy as np
from sklearn.utils.validation import check_is_fitted

from .._compat import Interval, fit_context
from .._state import VersionedEstimator, all_at_once, as_one_task, of_one_fit
from .._validation import (
    check_sequences,
    check_target,
    check_weights,
    has_target,
    target_names,
    warn_of_table,
    weights_of_known,
)
from .._windows.tables import target_columns
from .scoring import ForecasterMixin


class SeasonalNaive(ForecasterMixin, VersionedEstimator):
    """Forecast each step with the value one season before it.

    The forecast repeats the last season of a window. It is the standard baseline [1]_. In a pipeline, it takes the
    place of :class:`LSTMForecaster` after :class:`SlidingWindow`.

    Parameters
    ----------
    season_length : int, default=1
        Number of steps in a season, at most the number of steps in a window. With 1, the forecast is the last value
        (persistence).

    target : int or list of int, default=None
        Positions of the features to forecast, in the order of the targets in `y`. If None, all features.

    Attributes
    ----------
    n_features_in_ : int
        Number of features at each step. For 2-D input, the number of columns, which equals the number of steps.

    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Names of the columns of 2-D input, if `X` has names that are all strings.

    n_steps_in_ : int
        Number of steps in a window.

    n_outputs_ : int
        Number of outputs.

    target_mean_ : ndarray of shape (`n_outputs_`,)
        Mean of each output over the training rows, weighted by `sample_weight`. It is the forecast for a window
        without any value of the target.

    See Also
    --------
    LSTMForecaster : Forecasts with a network, from the same windows.
    SlidingWindow : Makes windows inside a pipeline.
    sklstm.metrics.mean_absolute_scaled_error : Error relative to the error of this forecast.

    Notes
    -----
    Predictions are values of `X`, so `X` and `y` must have the same units. Do not scale `X` before this estimator. In a
    search over several models, set the scaler to ``"passthrough"`` for this one.

    If the value one season before is missing (NaN), the value two seasons before is used, and so on back to the start
    of the window. If all of them are missing, the forecast is the latest value of the target in the window.

    References
    ----------
    .. [1] R. J. Hyndman and G. Athanasopoulos, "Forecasting: Principles and Practice", 3rd edition,
       section 5.2, OTexts, 2021.

    Examples
    --------
    >>> from sklearn.pipeline import make_pipeline
    >>> from sklstm import SeasonalNaive, SlidingWindow, forecast, to_supervised
    >>> series = [1.0, 2.0, 3.0, 1.0, 2.0, 3.0, 1.0]
    >>> model = make_pipeline(SlidingWindow(3), SeasonalNaive(season_length=3))
    >>> forecast(model.fit(*to_supervised(series)), series, steps=3)
    array([[2.],
           [3.],
           [1.]])
    """

    _parameter_constraints: dict = {
        "season_length": [Interval(Integral, 1, None, closed="left")],
        "target": [Integral, "array-like", None],
    }

    def __init__(self, season_length=1, *, target=None):
        self.season_length = season_length
        self.target = target

    @fit_context(prefer_skip_nested_validation=True)
    @all_at_once
    @as_one_task
    def fit(self, X, y, sample_weight=None):
        """Learn the number of steps to forecast, and the mean of each output.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_steps, n_features) or (n_samples, n_steps)
            Windows, oldest step first; 2-D input has one feature a step. Missing values are NaN.

        y : array-like of shape (n_samples,) or (n_samples, n_outputs)
            Targets, laid out as by :func:`to_supervised`: step 1 of every target, step 2 of every target, and
            so on. A row in which any of them is NaN is ignored.

        sample_weight : array-like of shape (n_samples,), default=None
            Weights of the rows, not negative.

        Returns
        -------
        self : SeasonalNaive
            The fitted estimator.

        Raises
        ------
        ValueError
            If the data are not as described, windows are shorter than a season, there is no such target, or
            the outputs cannot be steps of the targets. The previous fit is kept.
        """
        windows = check_sequences(self, X, y, reset=True)
        warn_of_table(self, X)
        self._target_names, y = target_names(y), check_target(self, windows, y)
        known = has_target(y)
        sample_weight = weights_of_known(check_weights(windows, sample_weight), known)
        if self.n_steps_in_ < self.season_length:
            raise ValueError(
                f"X has windows of {self.n_steps_in_} step(s), while at least season_length="
                f"{self.season_length} are required."
            )
        self._targets = target_columns(list(range(windows.shape[2])), self.target)
        self._y_ndim = y.ndim
        columns = y.reshape(len(y), -1)
        self.n_outputs_ = columns.shape[1]
        names = [str(name) for name in self._target_names or []]
        are_by_step = all(re.fullmatch(r".+_step\d+", name) for name in names)  # as `to_supervised` calls them
        n_targets = sum(name.endswith("_step1") for name in names) or None if are_by_step else None
        if self.n_outputs_ % len(self._targets) or n_targets not in (None, len(self._targets)):
            raise ValueError(
                f"y has {self.n_outputs_} output(s), which cannot be steps of {len(self._targets)} target(s)"
                f"{'' if n_targets is None else f': its names are those of {n_targets}'}. Pass the positions of the "
                "targets among the features of X, as in target=0."
            )
        self.target_mean_ = np.average(columns[known], axis=0, weights=sample_weight[known])
        return self

    @of_one_fit
    def predict(self, X):
        """Predict the targets.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_steps, n_features) or (n_samples, n_steps)
            Windows, with as many dimensions, steps and features as in `fit`.

        Returns
        -------
        y : ndarray of shape (n_samples,) or (n_samples, n_outputs), float64
            Predictions in the units of `X`, with the number of dimensions of the ``y`` in `fit`.

        Raises
        ------
        NotFittedError
            If the estimator is not fitted.
        ValueError
            If `X` has other dimensions, steps, features or columns than in `fit`, or is invalid as in `fit`.
        """
        check_is_fitted(self)
        X = check_sequences(self, X, reset=False)
        season_start = X.shape[1] - self.season_length
        seasonal = [
            _first_present(X, range(season_start + ahead % self.season_length, -1, -self.season_length), self._targets)
            for ahead in range(self.n_outputs_ // len(self._targets))
        ]
        latest = _first_present(X, range(X.shape[1] - 1, -1, -1), self._targets)
        y = np.concatenate([np.where(np.isnan(step), latest, step) for step in seasonal], axis=1)
        y = np.where(np.isnan(y), self.target_mean_, y)
        return y[:, 0] if self._y_ndim == 1 else y

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.three_d_array = True
        tags.input_tags.allow_nan = True
        tags.regressor_tags.poor_score = True
        return tags


def _first_present(X: np.ndarray, steps: Iterable[int], features: list[int]) -> np.ndarray:
    """Return each row's value of each feature at the first of `steps` where it is not NaN; NaN if there is none."""
    values = np.full((len(X), len(features)), np.nan)
    for step in steps:
        missing = np.isnan(values)
        if not missing.any():
            break
        values = np.where(missing, X[:, step, features], values)
    return values
