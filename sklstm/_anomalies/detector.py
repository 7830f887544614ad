"""The anomaly detector: rows that differ from their forecasts."""

from numbers import Integral, Real

import numpy as np
from sklearn.base import BaseEstimator, MetaEstimatorMixin, OutlierMixin, clone
from sklearn.utils import get_tags
from sklearn.utils.validation import check_is_fitted, has_fit_parameter

from .._compat import HasMethods, Interval, StrOptions, fit_context
from .._forecasting.forecaster import LSTMForecaster
from .._validation import check_sequences, check_weights, keeping_earlier_fit
from .._windows.arrays import chunks, window_view

FALSE_POSITIVE_RATE = 0.01  # on the training rows, with contamination="auto"


class LSTMAnomalyDetector(OutlierMixin, MetaEstimatorMixin, BaseEstimator):
    """Find rows of a series that differ from what an LSTM network forecasts.

    A forecaster learns to predict the last step of a window from the steps before it, on a series that is normal or
    nearly so. A row is the more abnormal the larger the error of its forecast, feature by feature and in units of
    the errors in training [1]_.

    Parameters
    ----------
    forecaster : regressor, default=None
        What predicts the last step from those before it: any regressor on windows, such as :class:`LSTMForecaster`,
        or as a baseline :class:`SeasonalNaive` or a ridge regression behind a step that flattens windows. If None, it
        is ``LSTMForecaster(random_state=0)``.

    contamination : "auto" or float, default="auto"
        The fraction of the training rows that are anomalies, in the range (0, 0.5]; it sets the threshold. With "auto"
        all of them are taken to be normal, and the threshold is such that its false positive rate is 1 %.

    smoothing : int, default=1
        Number of rows to average the squared errors over: each row and those right before it. Rows of `X` are then
        those of one series, in order.

    Attributes
    ----------
    n_features_in_ : int
        Number of features at each step; for 2-D input the number of columns, which is that of steps.

    feature_names_in_ : ndarray of shape (n_features_in_,)
        Names of the columns of 2-D input, if `X` has names that are all strings.

    n_steps_in_ : int
        Number of steps in a window, including the one to predict.

    forecaster_ : regressor
        The fitted forecaster, for windows without their last step.

    error_scale_ : ndarray of shape (n_features,)
        Root mean squared error of each feature over the training rows, weighted by `sample_weight`, but no less than
        what float32 rounds off a value as large as the largest one of these rows. So the smallest move of a feature
        that never moved in training counts for much.

    offset_ : float
        The threshold: rows of which `score_samples` is lower are anomalies.

    See Also
    --------
    SlidingWindow : Makes windows inside a pipeline.
    LSTMForecaster : The forecaster.
    sklearn.ensemble.IsolationForest : Finds rows that lie apart, in any order.

    Notes
    -----
    A row is judged if at least half of the steps before it in its window are complete, since a forecast from less is
    no measure of anything, and by those of its features that are present. Other rows, such as the first ones of a
    series, have the best score there is, zero, or with `smoothing` that of the rows before them. Training leaves out
    such rows, and those in which any feature is missing.

    The scale is a root mean square, and not one of the median absolute error, although anomalies in the training
    rows enlarge it: a sensor with rare bursts, which are normal for it, has hardly any median error, and then drowns
    the others.

    An error that is no larger than what float32 rounds off the feature's largest training value counts as none: the
    forecast may be rounded.

    Errors in training are smaller than errors on new rows if the forecaster overfits. If there are normal rows to
    spare, the threshold is better taken from them: ``detector.offset_ = np.quantile(detector.score_samples(X), 0.01)``.

    References
    ----------
    .. [1] P. Malhotra, L. Vig, G. Shroff and P. Agarwal, "Long short term memory networks for anomaly detection in
       time series", ESANN, 2015.

    Examples
    --------
    >>> from sklearn.pipeline import make_pipeline
    >>> from sklearn.preprocessing import StandardScaler
    >>> from sklstm import LSTMAnomalyDetector, LSTMForecaster, SlidingWindow
    >>> from sklstm.datasets import make_sine
    >>> normal, series = make_sine(300), make_sine(300)
    >>> series[200] += 0.2
    >>> forecaster = LSTMForecaster(units=8, epochs=10, random_state=0)
    >>> model = make_pipeline(StandardScaler(), SlidingWindow(10), LSTMAnomalyDetector(forecaster))
    >>> model.fit(normal).predict(series)[198:201]
    array([ 1,  1, -1])
    """

    _parameter_constraints: dict = {
        "forecaster": [HasMethods(["fit", "predict"]), None],
        "contamination": [StrOptions({"auto"}), Interval(Real, 0, 0.5, closed="right")],
        "smoothing": [Interval(Integral, 1, None, closed="left")],
    }

    def __init__(self, forecaster=None, *, contamination="auto", smoothing=1):
        self.forecaster = forecaster
        self.contamination = contamination
        self.smoothing = smoothing

    @fit_context(prefer_skip_nested_validation=False)
    def fit(self, X, y=None, sample_weight=None):
        """Train the forecaster, and learn how large its errors are.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_steps, n_features) or (n_samples, n_steps)
            Windows, oldest step first; 2-D input has one feature a step. Missing values are NaN.

        y : None
            Ignored.

        sample_weight : array-like of shape (n_samples,), default=None
            Weights of the rows, not negative, for the forecaster and `error_scale_`. A row of weight zero, such as a
            known anomaly, counts as no row.

        Returns
        -------
        self : LSTMAnomalyDetector
            The fitted detector.

        Raises
        ------
        ValueError
            If the data are not as described, windows have a single step, no row is complete enough to learn from, or
            `sample_weight` is given and the forecaster takes none. What was fitted before stays.
        """
        with keeping_earlier_fit(self):
            windows = self._check_windows(X, reset=True)
            sample_weight = self._training_weight(windows, sample_weight)
            self.forecaster_ = self._fit_forecaster(windows, sample_weight)
            rows = np.flatnonzero(sample_weight)
            errors = self._errors(windows)
            self._rounding = _rounding(windows[rows, -1])
            self.error_scale_ = np.maximum(_root_mean_square(errors[rows], sample_weight[rows]), self._rounding)
            scores = _scores(self._feature_errors(errors))
            contamination = FALSE_POSITIVE_RATE if self.contamination == "auto" else self.contamination
            self.offset_ = float(np.percentile(scores[rows], 100.0 * contamination))
        return self

    def feature_errors(self, X):
        """Return how far each feature is from its forecast: which sensor it was.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_steps, n_features) or (n_samples, n_steps)
            Windows, as in `fit`.

        Returns
        -------
        errors : ndarray of shape (n_samples, n_features)
            Squared errors in units of squared `error_scale_`, averaged over rows by `smoothing`. Over the training rows
            the mean is one. NaN where there is nothing to judge.

        Raises
        ------
        NotFittedError
            If the detector is not fitted.
        ValueError
            If `X` has other dimensions, steps, features or columns than in `fit`, or is invalid as in `fit`.
        """
        check_is_fitted(self)
        return self._feature_errors(self._errors(self._check_windows(X, reset=False)))

    def score_samples(self, X):
        """Return the opposite of the anomaly score: the lower, the more abnormal.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_steps, n_features) or (n_samples, n_steps)
            Windows, as in `fit`.

        Returns
        -------
        scores : ndarray of shape (n_samples,)
            The opposite of the mean of `feature_errors` over features, and zero where there is nothing to judge.

        Raises
        ------
        NotFittedError, ValueError
            As in `feature_errors`.
        """
        return _scores(self.feature_errors(X))

    def decision_function(self, X):
        """Return by how much the score of each row is above the threshold; it is negative for anomalies.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_steps, n_features) or (n_samples, n_steps)
            Windows, as in `fit`.

        Returns
        -------
        scores : ndarray of shape (n_samples,)
            ``score_samples(X) - offset_``.

        Raises
        ------
        NotFittedError, ValueError
            As in `feature_errors`.
        """
        return self.score_samples(X) - self.offset_

    def predict(self, X):
        """Tell whether each row is normal or an anomaly.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_steps, n_features) or (n_samples, n_steps)
            Windows, as in `fit`.

        Returns
        -------
        labels : ndarray of shape (n_samples,), int
            1 for normal rows, -1 for anomalies.

        Raises
        ------
        NotFittedError, ValueError
            As in `feature_errors`.
        """
        return np.where(self.decision_function(X) < 0, -1, 1)

    def _check_windows(self, X, *, reset: bool) -> np.ndarray:
        windows = check_sequences(self, X, reset=reset)
        if self.n_steps_in_ < 2:
            n_dims = len(self._input_shape) + 1
            raise ValueError(
                f"Found array with 1 {'feature' if n_dims == 2 else 'step'}(s) (shape={windows.shape[:n_dims]}) while "
                f"a minimum of 2 is required by {type(self).__name__}: one to predict, from those before it."
            )
        return windows

    def _training_weight(self, windows: np.ndarray, sample_weight) -> np.ndarray:
        """Return the weights of the rows, zero for those that are too incomplete to learn from."""
        if sample_weight is not None and not has_fit_parameter(self._forecaster(), "sample_weight"):
            raise ValueError("Underlying estimator does not support sample weights.")
        weight = check_weights(windows, sample_weight) * _has_past(windows) * ~np.isnan(windows[:, -1]).any(axis=1)
        if not weight.any():
            raise ValueError(
                "Input X has no row of which the last step and half of those before it are complete: there is nothing "
                "to learn from."
            )
        return weight

    def _fit_forecaster(self, windows: np.ndarray, sample_weight: np.ndarray):
        forecaster, past = clone(self._forecaster()), self._past(windows)
        known = sample_weight > 0
        y = np.where(known[:, np.newaxis], windows[:, -1], 0.0)
        y = y[:, 0] if y.shape[1] == 1 else y
        if has_fit_parameter(forecaster, "sample_weight"):  # which leaves the windows a view of the series
            return forecaster.fit(past, y, sample_weight=sample_weight)
        return forecaster.fit(past, y) if known.all() else forecaster.fit(past[known], y[known])

    def _forecaster(self):
        return LSTMForecaster(random_state=0) if self.forecaster is None else self.forecaster

    def _past(self, windows: np.ndarray) -> np.ndarray:
        """Return all steps but the last, with the dimensions of the input."""
        return windows[:, :-1] if len(self._input_shape) == 2 else windows[:, :-1, 0]

    def _errors(self, windows: np.ndarray) -> np.ndarray:
        """Return the errors of the forecasts of the last steps, NaN where there is none."""
        last = windows[:, -1]
        forecast = np.asarray(self.forecaster_.predict(self._past(windows)), dtype=np.float64).reshape(last.shape)
        return np.where(_has_past(windows)[:, np.newaxis], last - forecast, np.nan)

    def _feature_errors(self, errors: np.ndarray) -> np.ndarray:
        errors = np.where(np.abs(errors) <= self._rounding, 0.0, errors)
        return _trailing_mean(np.square(errors / self.error_scale_), self.smoothing)

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.three_d_array = True
        tags.input_tags.allow_nan = get_tags(self._forecaster()).input_tags.allow_nan
        return tags


def _has_past(windows: np.ndarray) -> np.ndarray:
    """Tell in which windows at least half of the steps before the last are complete."""
    has_past = np.empty(len(windows), dtype=bool)
    for chunk in chunks(len(windows), windows[0].size):
        missing = np.isnan(windows[chunk, :-1]).any(axis=2)
        has_past[chunk] = missing.mean(axis=1) <= 0.5
    return has_past


def _rounding(values: np.ndarray) -> np.ndarray:
    """Return what float32 rounds off the largest value of each feature, and next to nothing of one that is zero."""
    float32 = np.finfo(np.float32)
    return np.maximum(float32.eps * np.abs(values).max(axis=0).astype(np.float64), float32.tiny)


def _root_mean_square(errors: np.ndarray, sample_weight: np.ndarray) -> np.ndarray:
    return np.sqrt(np.average(np.square(errors), axis=0, weights=sample_weight))


def _trailing_mean(values: np.ndarray, n_rows: int) -> np.ndarray:
    """Return the mean of the values that are not NaN over each row and the ``n_rows - 1`` before it."""
    padding = np.full((n_rows - 1, values.shape[1]), np.nan)
    windows = window_view(np.concatenate([padding, values]), n_rows)
    mean = np.empty_like(values)
    for chunk in chunks(len(windows), windows[0].size):
        mean[chunk] = _mean(windows[chunk], axis=1)
    return mean


def _scores(feature_errors: np.ndarray) -> np.ndarray:
    return -np.nan_to_num(_mean(feature_errors, axis=1))


def _mean(values: np.ndarray, axis: int) -> np.ndarray:
    """Return the mean of the values that are not NaN, and NaN where there is none, like `np.nanmean` in silence."""
    present = ~np.isnan(values)
    with np.errstate(invalid="ignore"):
        return np.sum(values, axis=axis, where=present) / np.sum(present, axis=axis)
