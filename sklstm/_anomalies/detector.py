"""The anomaly detector: rows that differ from their forecasts."""

import warnings
from collections.abc import Iterable
from fractions import Fraction
from math import ceil
from numbers import Integral, Real

import numpy as np
from sklearn.base import MetaEstimatorMixin, OutlierMixin, clone
from sklearn.utils import get_tags
from sklearn.utils.metadata_routing import MetadataRouter, MethodMapping
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import check_is_fitted, has_fit_parameter

from .._compat import HasMethods, Interval, StrOptions, check_method_params, fit_context
from .._conformal.scores import p_values
from .._forecasting.forecaster import LSTMForecaster
from .._state import VersionedEstimator, all_at_once, of_one_fit, subtask
from .._validation import check_sequences, check_weights, name_features, nested_fit_params, warn_of_table
from .._windows.arrays import chunks, fill_missing_features, have_partial_steps, window_view
from .._windows.windows import Windows, part, steps_of

FALSE_POSITIVE_RATE = 0.01  # on the training rows, with contamination="auto"


def _has_gates(detector: "LSTMAnomalyDetector") -> bool:
    return hasattr(detector._forecaster(), "gates")


def _is_calibrated(detector: "LSTMAnomalyDetector") -> bool:
    """Tell whether there are calibration scores, or will be after fit."""
    if getattr(detector, "calibration_scores_", detector.false_positive_rate) is None:
        raise AttributeError("p_values needs calibration rows: pass false_positive_rate, such as 0.01, and fit again.")
    return True


class LSTMAnomalyDetector(OutlierMixin, MetaEstimatorMixin, VersionedEstimator):
    """Find rows of a series that differ from what an LSTM network forecasts.

    A forecaster learns to predict the last step of a window from the steps before it, on a series with few anomalies or
    none. The anomaly score of a row is its mean squared forecast error over features, in units of the training errors
    [1]_.

    Parameters
    ----------
    forecaster : regressor, default=None
        The regressor that predicts the last step from the steps before it: any regressor on windows, such as
        :class:`LSTMForecaster`, or as a baseline :class:`SeasonalNaive` or a ridge regression after a step that
        flattens windows. If None, it is ``LSTMForecaster(random_state=0)``.

    contamination : "auto" or float, default="auto"
        The fraction of anomalies among the training rows, in the range (0, 0.5], which sets the threshold. With "auto",
        all training rows count as normal, and the threshold has a false positive rate of 1 % on them, unless
        `false_positive_rate` sets the threshold.

    false_positive_rate : float, default=None
        The maximum probability that a new normal row is flagged, in the range (0, 1). It sets the threshold, and
        `contamination` must be "auto". The last rows, which all count as normal, are then calibration rows: the
        forecaster does not train on them, and the threshold is a quantile of their scores (conformal anomaly detection
        [2]_). At least ``1 / false_positive_rate - 1`` calibration rows are required. If None, there are none.

    calibration_fraction : float, default=0.2
        The fraction of calibration rows among the rows that can be judged and have a weight, in the range (0, 1). They
        are the last rows or, for windows of several series from ``SlidingWindow(groups=...)``, the last ones in time.
        Only used with `false_positive_rate`.

    smoothing : int, default=1
        Number of rows in the moving average of squared errors: each row and the rows directly before it. With more than
        one, the rows of `X` must be one series, in the order of time.

    Attributes
    ----------
    n_features_in_ : int
        Number of features at each step. For 2-D input, the number of columns, which equals the number of steps.

    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Names of the columns of 2-D input, if `X` has names that are all strings.

    n_steps_in_ : int
        Number of steps in a window, including the one to predict.

    forecaster_ : regressor
        The fitted forecaster, for windows without their last step.

    error_scale_ : ndarray of shape (n_features,)
        Root mean squared error of each feature over the training rows, weighted by `sample_weight`. Its minimum is the
        float32 rounding error of the feature's range in these rows or, for a constant feature, of its value. A small
        change of a constant feature thus has a large score. Calibration rows are not training rows.

    offset_ : float
        The threshold: rows with a lower `score_samples` are anomalies.

    calibration_scores_ : ndarray of shape (n_calibration_rows,) or None
        Result of `score_samples` for the calibration rows, in their order. None without `false_positive_rate`.

    See Also
    --------
    SlidingWindow : Makes windows inside a pipeline.
    LSTMForecaster : The forecaster.
    sklearn.ensemble.IsolationForest : Finds anomalies among rows without an order in time.

    Notes
    -----
    A feature of a row is judged if it is present in this row and in at least half of the steps before it in the window,
    since a forecast from fewer steps is unreliable. If a sensor fails, the others are still judged. A row without any
    judged feature, such as the first rows of a series, is neither normal nor an anomaly: its scores are NaN, and
    `predict` returns 0. `smoothing` averages over judged rows only, and a row that is not judged has no average.
    Training omits rows with a feature that is not judged, without a warning.

    In the windows that the forecaster reads, each step is either complete or missing. If only some features of a step
    are missing, each of them is filled with its previous value in the window or, if there is none, with its mean over
    the last steps of the training rows. Training copies the windows if any of them needs filling.

    The scale is a root mean square, although anomalies in the training rows increase it. A median absolute error would
    be close to zero for a sensor with rare normal bursts, and this sensor would dominate the scores.

    An error up to the float32 rounding error in `error_scale_` counts as zero.

    If the forecaster overfits, training errors are smaller than errors on new rows. A threshold from training rows then
    flags more of the new normal rows than it states. With `false_positive_rate`, the threshold is learned from the
    calibration rows, and everything else from the training rows. A row is flagged if its p-value is at most the rate.
    The p-value is the fraction of scores as low or lower among the calibration rows and the row itself. If the scores
    of the calibration rows and of a new normal row are exchangeable, the row is flagged with a probability of at most
    `false_positive_rate`, for any forecaster and any distribution of errors [3]_. This guarantee has limits:

    - It is an average over calibration rows and new rows. With n calibration rows, the rate of one fitted detector
      varies around `false_positive_rate` with a standard deviation of about ``sqrt(rate * (1 - rate) / n)`` if scores
      are independent. For 1 % and 1000 rows, this is 0.3 %.
    - Scores of neighbouring rows depend on each other, especially with `smoothing`. They count as fewer rows, so the
      rate varies more, and flags come in runs.
    - If normal behaviour changes over time, scores are not exchangeable and the rate does not hold. Fit again on recent
      rows.
    - An anomaly among the calibration rows lowers the threshold, and fewer rows are flagged. Give it weight zero.
    - Earlier steps of a pipeline are also fitted on the calibration rows. For a scaler, the effect is negligible.
    - It says nothing about the recall, the fraction of anomalies that are found.

    Rows of weight zero are not calibration rows, and the averages over `smoothing` rows omit their errors. All other
    calibration rows count equally, whatever their weights and even if some of their features are missing. The
    forecaster does not train on the ``smoothing - 1`` rows before the calibration rows either, so calibration scores
    are averages over new rows only.

    References
    ----------
    .. [1] P. Malhotra, L. Vig, G. Shroff and P. Agarwal, "Long short term memory networks for anomaly detection in
       time series", ESANN, 2015.
    .. [2] R. Laxhammar and G. Falkman, "Conformal anomaly detection for detecting abnormal trajectories", Annals of
       Mathematics and Artificial Intelligence 74, 2015; after V. Vovk, A. Gammerman and G. Shafer, "Algorithmic
       learning in a random world", Springer, 2005.
    .. [3] S. Bates, E. Candès, L. Lei, Y. Romano and M. Sesia, "Testing for outliers with conformal p-values", Annals
       of Statistics 51(1), 2023.

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

    With a threshold for new normal rows, from the scores of the last 60 rows:

    >>> detector = LSTMAnomalyDetector(forecaster, false_positive_rate=0.05)
    >>> model = make_pipeline(StandardScaler(), SlidingWindow(10), detector).fit(normal)
    >>> model.predict(series)[198:201]
    array([ 1,  1, -1])
    >>> bool(model[-1].p_values(model[:-1].transform(series))[200] < 0.02)
    True
    """

    _parameter_constraints: dict = {
        "forecaster": [HasMethods(["fit", "predict"]), None],
        "contamination": [StrOptions({"auto"}), Interval(Real, 0, 0.5, closed="right")],
        "false_positive_rate": [Interval(Real, 0, 1, closed="neither"), None],
        "calibration_fraction": [Interval(Real, 0, 1, closed="neither")],
        "smoothing": [Interval(Integral, 1, None, closed="left")],
    }

    def __init__(
        self,
        forecaster=None,
        *,
        contamination="auto",
        false_positive_rate=None,
        calibration_fraction=0.2,
        smoothing=1,
    ):
        self.forecaster = forecaster
        self.contamination = contamination
        self.false_positive_rate = false_positive_rate
        self.calibration_fraction = calibration_fraction
        self.smoothing = smoothing

    @fit_context(prefer_skip_nested_validation=False)
    @all_at_once
    def fit(self, X, y=None, sample_weight=None, **fit_params):
        """Train the forecaster, compute the scale of its errors, and set the threshold.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_steps, n_features) or (n_samples, n_steps)
            Windows, oldest step first; 2-D input has one feature a step. Missing values are NaN.

        y : None
            Ignored.

        sample_weight : array-like of shape (n_samples,), default=None
            Weights of the rows, not negative, for the forecaster and `error_scale_`. A row of weight zero, such as a
            known anomaly, is ignored. With `false_positive_rate`, all other calibration rows count the same.

        **fit_params : dict
            Other parameters that the forecaster's `fit` requests. Only with ``enable_metadata_routing=True``. The
            forecaster must then request `sample_weight`, too: ``forecaster.set_fit_request(sample_weight=True)``.

        Returns
        -------
        self : LSTMAnomalyDetector
            The fitted detector.

        Raises
        ------
        ValueError
            If the data are not as described, windows have a single step, no row is complete enough to learn from,
            there are too few calibration rows for `false_positive_rate` or no rows before them, `contamination` is
            given as well, `sample_weight` is given and the forecaster takes none, or `fit_params` are given without
            metadata routing. The previous fit is kept.
        UnsetMetadataPassedError
            If metadata routing is enabled, and the forecaster does not say whether it requests what is given.
        """
        task = self._init_callback_context(max_subtasks=1).call_on_fit_task_begin(estimator=self, X=X)
        self._check_one_threshold()
        forecaster_params = nested_fit_params(self, "forecaster", self._forecaster(), sample_weight, fit_params)
        windows = self._check_windows(X, reset=True)
        sample_weight, judged = check_weights(windows, sample_weight), _judged(windows)
        rows, calibration = self._split(windows, np.flatnonzero((sample_weight > 0) & judged.any(axis=1)))
        rows = self._complete_rows(rows, judged)
        last, weight = windows[rows, -1], sample_weight[rows]
        self._mean, self._rounding = np.average(last, axis=0, weights=weight), _rounding(last)
        self.forecaster_ = clone(self._forecaster())
        with subtask(task, self, self.forecaster_, "fit-forecaster"):
            self._fit_forecaster(windows, rows, forecaster_params)
        errors = self._errors(windows)
        self.error_scale_ = np.maximum(_root_mean_square(errors[rows], weight), self._rounding)
        self._set_threshold(errors, sample_weight, rows, calibration)
        task.call_on_fit_task_end(estimator=self, X=X, reconstruction_attributes={})
        return self

    @of_one_fit
    def feature_errors(self, X):
        """Return the squared forecast error of each feature, to locate an anomaly.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_steps, n_features) or (n_samples, n_steps)
            Windows, as in `fit`.

        Returns
        -------
        errors : ndarray of shape (n_samples, n_features)
            Squared errors in units of squared `error_scale_`, averaged over rows by `smoothing`. Over the training rows
            the mean is one. NaN where a feature cannot be judged.

        Raises
        ------
        NotFittedError
            If the detector is not fitted.
        ValueError
            If `X` has other dimensions, steps, features or columns than in `fit`, or is invalid as in `fit`.

        Warns
        -----
        UserWarning
            If there are rows of which no feature can be judged.
        """
        check_is_fitted(self)
        errors = self._feature_errors(self._errors(self._check_windows(X, reset=False)))
        _warn_of_rows_not_judged(errors)
        return errors

    def score_samples(self, X):
        """Return the opposite of the anomaly score: the lower, the more abnormal.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_steps, n_features) or (n_samples, n_steps)
            Windows, as in `fit`.

        Returns
        -------
        scores : ndarray of shape (n_samples,)
            The opposite of the mean of `feature_errors` over the judged features. NaN for a row without any: drop these
            rows with ``~np.isnan(scores)`` before you compute a metric.

        Raises
        ------
        NotFittedError, ValueError
            As in `feature_errors`.

        Warns
        -----
        UserWarning
            As in `feature_errors`.
        """
        return _scores(self.feature_errors(X))

    @of_one_fit
    def decision_function(self, X):
        """Return the score of each row minus the threshold; it is negative for anomalies.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_steps, n_features) or (n_samples, n_steps)
            Windows, as in `fit`.

        Returns
        -------
        scores : ndarray of shape (n_samples,)
            ``score_samples(X) - offset_``; NaN for a row of which no feature can be judged.

        Raises
        ------
        NotFittedError, ValueError
            As in `feature_errors`.

        Warns
        -----
        UserWarning
            As in `feature_errors`.
        """
        return self.score_samples(X) - self.offset_

    @of_one_fit
    def predict(self, X):
        """Predict whether each row is normal or an anomaly.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_steps, n_features) or (n_samples, n_steps)
            Windows, as in `fit`.

        Returns
        -------
        labels : ndarray of shape (n_samples,), int
            1 for normal rows, -1 for anomalies, and 0 for rows of which no feature can be judged.

        Raises
        ------
        NotFittedError, ValueError
            As in `feature_errors`.

        Warns
        -----
        UserWarning
            As in `feature_errors`.
        """
        decision = self.decision_function(X)
        return np.where(np.isnan(decision), 0, np.where(decision < 0, -1, 1))

    @available_if(_is_calibrated)
    @of_one_fit
    def p_values(self, X):
        """Return the p-value of each row: the probability that a normal row has a score as low or lower.

        Only available with `false_positive_rate`. `predict` flags the rows with a p-value of at most this rate.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_steps, n_features) or (n_samples, n_steps)
            Windows, as in `fit`.

        Returns
        -------
        p_values : ndarray of shape (n_samples,)
            ``(1 + k) / (1 + n)``, where k of the n `calibration_scores_` are as low as the score of the row, or lower.
            A normal row has a p-value of at most a with probability a at most. NaN for a row of which no feature can be
            judged.

        Raises
        ------
        AttributeError
            If the detector has no calibration rows, since `false_positive_rate` is None.
        NotFittedError, ValueError
            As in `feature_errors`.

        Warns
        -----
        UserWarning
            As in `feature_errors`.
        """
        return p_values(-self.score_samples(X), -self.calibration_scores_)

    @available_if(_has_gates)
    @of_one_fit
    def gates(self, X, **selection):
        """Return the gates and states of the forecaster at each step before the last one.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_steps, n_features) or (n_samples, n_steps)
            Windows, as in `fit`.

        **selection : dict
            `layer`, `direction`, `network`, `steps` and `units`, as in :meth:`LSTMForecaster.gates`.

        Returns
        -------
        gates : :class:`~sklearn.utils.Bunch`
            Arrays of shape (n_samples, n_steps - 1, n_units), as in :meth:`LSTMForecaster.gates`.

        Raises
        ------
        NotFittedError, ValueError
            As in `feature_errors`, and as in :meth:`LSTMForecaster.gates`.
        """
        check_is_fitted(self)
        past = self._check_windows(X, reset=False)[:, :-1]
        if have_partial_steps(past):
            past = self._filled(past, np.arange(len(past)))
        return self.forecaster_.gates(self._inputs(past), **selection)

    def get_metadata_routing(self):
        """Return the metadata requests of the detector and its forecaster.

        Returns
        -------
        routing : MetadataRouter
            The requests of the detector, for `sample_weight`, and of the forecaster's `fit`.
        """
        fit = MethodMapping().add(caller="fit", callee="fit")
        return MetadataRouter(owner=self).add_self_request(self).add(forecaster=self._forecaster(), method_mapping=fit)

    def _check_windows(self, X, *, reset: bool) -> np.ndarray:
        windows = check_sequences(self, X, reset=reset)
        if reset:
            warn_of_table(self, X)
        if self.smoothing > 1 and isinstance(windows, Windows) and (n_series := windows.n_series) > 1:
            raise ValueError(
                f"smoothing={self.smoothing} averages over the rows of one series, but X has windows of {n_series}. "
                "Set smoothing=1, or fit a detector for each series."
            )
        if self.n_steps_in_ < 2:
            n_dims = len(self._input_shape) + 1
            raise ValueError(
                f"Found array with 1 {'feature' if n_dims == 2 else 'step'}(s) (shape={windows.shape[:n_dims]}) while "
                f"a minimum of 2 is required by {type(self).__name__}: one to predict, from those before it."
            )
        return windows

    def _check_one_threshold(self) -> None:
        if self.false_positive_rate is not None and self.contamination != "auto":
            raise ValueError(
                f"contamination={self.contamination} and false_positive_rate={self.false_positive_rate} both set the "
                "threshold. Leave one of them out: contamination is the fraction of anomalies in the training rows, "
                "and with false_positive_rate all of these are taken to be normal."
            )

    def _split(self, windows: np.ndarray, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return which of the rows that count to train on, and the calibration rows."""
        rate, fraction = self.false_positive_rate, self.calibration_fraction
        if rate is None or not len(rows):
            return rows, rows[:0]
        times = steps_of(windows, rows)
        start = np.sort(times)[len(rows) - ceil(fraction * len(rows))]
        training, calibration = rows[times < start - (self.smoothing - 1)], rows[times >= start]
        n_least = _least_calibration_rows(rate)
        found = f"With n_samples={len(rows)} and calibration_fraction={fraction}"
        if len(calibration) < n_least:
            raise ValueError(
                f"{found}, the number of calibration rows is {len(calibration)}, but false_positive_rate={rate} needs "
                f"at least {n_least}. Pass at least {ceil(n_least / fraction)} rows that can be judged, a larger "
                "calibration_fraction, or a larger false_positive_rate."
            )
        if not len(training):
            raise ValueError(
                f"{found}, there is no row to train on: the forecaster trains on the rows before the calibration rows, "
                f"without the last smoothing - 1 = {self.smoothing - 1}. Pass more rows, or a smaller "
                "calibration_fraction."
            )
        return training, calibration

    def _complete_rows(self, rows: np.ndarray, judged: np.ndarray) -> np.ndarray:
        """Return the rows that are complete enough to learn from."""
        complete = rows[judged[rows].all(axis=1)]
        if not len(complete):
            never = np.flatnonzero(~judged[rows].any(axis=0) & (len(rows) > 0))
            some = name_features(never) if 0 < len(never) < judged.shape[1] else "the features that are missing most"
            cure = f" Drop or fill {some}."
            where = "" if self.false_positive_rate is None else " before the calibration rows"
            raise ValueError(
                "Input X has no row in which every feature is present in the last step and in half of those before "
                f"it{where}.{cure}"
            )
        return complete

    def _set_threshold(self, errors, sample_weight, rows, calibration) -> None:
        if self.false_positive_rate is None:
            self.calibration_scores_ = None
            scores = _scores(self._feature_errors(errors))
            contamination = FALSE_POSITIVE_RATE if self.contamination == "auto" else self.contamination
            self.offset_ = float(np.percentile(scores[rows], 100.0 * contamination))
            return
        errors = np.where(sample_weight[:, np.newaxis] > 0, errors, np.nan)  # a known anomaly is in no average
        scores = _scores(self._feature_errors(errors))[calibration]
        self.calibration_scores_ = scores
        self.offset_ = float(scores[p_values(-scores, -scores) > self.false_positive_rate].min())

    def _fit_forecaster(self, windows: np.ndarray, rows: np.ndarray, params: dict) -> None:
        """Train the forecaster on some of the rows."""
        if self.false_positive_rate is not None:  # whose calibration rows it must not see, not even with weight zero
            passed = rows if isinstance(windows, Windows) else np.arange(rows[0], rows[-1] + 1)
            params = check_method_params(windows, params, indices=passed)
            windows, rows = part(windows, rows)
        forecaster, past, last = self.forecaster_, windows[:, :-1], windows[:, -1]
        takes_weight = "sample_weight" in params or has_fit_parameter(forecaster, "sample_weight")
        if takes_weight:
            weight = check_weights(windows, params.get("sample_weight"))
            params = params | {"sample_weight": weight * np.isin(np.arange(len(windows)), rows)}
        partial = have_partial_steps(past, rows)
        if partial or (len(rows) < len(past) and not takes_weight):  # or else the windows stay a view of the series
            params = check_method_params(windows, params, indices=rows)
            past, last = self._filled(past, rows) if partial else past[rows], last[rows]
        y = np.nan_to_num(last)
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", "X is a table")  # which the detector has said of its own input
            forecaster.fit(self._inputs(past), y[:, 0] if y.shape[1] == 1 else y, **params)

    def _forecaster(self):
        return LSTMForecaster(random_state=0) if self.forecaster is None else self.forecaster

    def _inputs(self, past: np.ndarray) -> np.ndarray:
        """Return windows with the dimensions of the input."""
        return past if len(self._input_shape) == 2 else past[:, :, 0]

    def _filled(self, past: np.ndarray, rows: np.ndarray) -> np.ndarray:
        filled = np.empty((len(rows), *past.shape[1:]), dtype=past.dtype)
        for chunk in chunks(len(rows), past[0].size):
            filled[chunk] = fill_missing_features(past[rows[chunk]], self._mean)
        return filled

    def _errors(self, windows: np.ndarray) -> np.ndarray:
        """Return the errors of the forecasts of the last steps, NaN where a feature is not judged."""
        return np.where(_judged(windows), windows[:, -1] - self._forecast(windows[:, :-1]), np.nan)

    def _forecast(self, past: np.ndarray) -> np.ndarray:
        parts: Iterable[np.ndarray] = [past]
        if have_partial_steps(past):  # a chunk at a time, since filled windows are no view of the series
            parts = (fill_missing_features(past[part], self._mean) for part in chunks(len(past), past[0].size))
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", ".* all steps are masked")  # the detector does not judge these rows
            forecasts = [np.asarray(self.forecaster_.predict(self._inputs(part)), dtype=np.float64) for part in parts]
        return np.concatenate(forecasts).reshape(len(past), -1)

    def _feature_errors(self, errors: np.ndarray) -> np.ndarray:
        errors = np.where(np.abs(errors) <= self._rounding, 0.0, errors)
        return _trailing_mean(np.square(errors / self.error_scale_), self.smoothing)

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.three_d_array = True
        tags.input_tags.allow_nan = get_tags(self._forecaster()).input_tags.allow_nan
        return tags


def _least_calibration_rows(rate: float) -> int:
    """Return the least number n of calibration rows for which 1 / (n + 1), the lowest p-value, is within the rate."""
    n_rows = ceil(1 / Fraction(float(rate))) - 1
    return n_rows - (1 / n_rows <= rate)  # as p-values are rounded


def _judged(windows: np.ndarray) -> np.ndarray:
    """Tell which features of each row are present in the last step and in at least half of those before it."""
    judged = np.empty((len(windows), windows.shape[2]), dtype=bool)
    for chunk in chunks(len(windows), windows[0].size):
        missing = np.isnan(windows[chunk])
        judged[chunk] = ~missing[:, -1] & (missing[:, :-1].mean(axis=1) <= 0.5)
    return judged


def _warn_of_rows_not_judged(errors: np.ndarray) -> None:
    not_judged = np.isnan(errors).all(axis=1)
    if not_judged.any():
        warnings.warn(
            f"{not_judged.sum()} of {len(errors)} rows cannot be judged, since their last step or more than half of "
            "the steps before it are missing: their scores are NaN, and predict gives 0. If these are the first rows "
            "after those of fit, set carry_over=True of SlidingWindow. Otherwise leave them out: ~np.isnan(scores).",
            stacklevel=2,
        )


def _rounding(values: np.ndarray) -> np.ndarray:
    """Return what float32 rounds off a forecast of each feature: off its range, or off its value if it never moves."""
    float32, values = np.finfo(np.float32), values.astype(np.float64)
    extent, magnitude = np.ptp(values, axis=0), np.abs(values).max(axis=0)
    never_moves = extent <= 8 * np.finfo(np.float64).eps * magnitude
    return np.maximum(float32.eps * np.where(never_moves, magnitude, extent), float32.tiny)


def _root_mean_square(errors: np.ndarray, sample_weight: np.ndarray) -> np.ndarray:
    return np.sqrt(np.average(np.square(errors), axis=0, weights=sample_weight))


def _trailing_mean(values: np.ndarray, n_rows: int) -> np.ndarray:
    """Return the mean of the values that are not NaN over each row and the ``n_rows - 1`` before it; NaN stays NaN."""
    padding = np.full((n_rows - 1, values.shape[1]), np.nan)
    windows = window_view(np.concatenate([padding, values]), n_rows)
    mean = np.empty(values.shape)  # in the order of C, since sums over features round by it
    for chunk in chunks(len(windows), windows[0].size):
        mean[chunk] = _mean(windows[chunk], axis=1)
    return np.where(np.isnan(values), np.nan, mean)


def _scores(feature_errors: np.ndarray) -> np.ndarray:
    return -_mean(feature_errors, axis=1)


def _mean(values: np.ndarray, axis: int) -> np.ndarray:
    """Return the mean of the values that are not NaN, and NaN where there is none, like `np.nanmean` in silence."""
    present = ~np.isnan(values)
    with np.errstate(invalid="ignore"):
        return np.sum(values, axis=axis, where=present) / np.sum(present, axis=axis)
