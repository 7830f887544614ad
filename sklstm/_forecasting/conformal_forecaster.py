"""Intervals around the forecasts of any model."""

import warnings
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from math import ceil
from numbers import Integral, Real
from typing import Any, NamedTuple

import numpy as np
from sklearn.base import MetaEstimatorMixin, clone
from sklearn.utils import get_tags, indexable
from sklearn.utils.metadata_routing import MetadataRouter, MethodMapping
from sklearn.utils.validation import check_is_fitted

from .._compat import (
    HasMethods,
    Interval,
    StrOptions,
    check_method_params,
    fit_context,
    num_samples,
)
from .._conformal.bounds import MEDIAN, at_level, central, check_coverages, widened
from .._conformal.calibration import Calibration, Rows
from .._state import VersionedEstimator, all_at_once, of_one_fit, subtask, whole_fits
from .._validation import check_numeric, check_target, check_weights, has_target, nested_fit_params, target_names
from .._windows.long_table import read_long_table
from .._windows.panel import factorize, single
from .._windows.time_index import check_order
from .._windows.windows import Windows
from .forecaster import LSTMForecaster
from .levels import predict_points, predict_quantiles, quantile_levels
from .prediction import groups_of, rows_of
from .refits import fit_where_known
from .scoring import ForecasterMixin
from .targets import step_of_name
from .trajectories import columns_of_targets, trajectory_errors

LEAST_SCALE = 0.01  # of a series, as a share of the mean over all rows


class Series(NamedTuple):
    """When rows are, as integers, and of which series."""

    times: np.ndarray  # (n_rows,)
    ids: np.ndarray  # (n_rows,)
    later: Callable[[int], np.ndarray]  # from a number to the rows so many rows later in their series; -1 for none

    def times_later(self, n_rows: int) -> np.ndarray:
        """Return the time so many rows later in the series of each row; beyond its end, so many steps later."""
        later = self.later(n_rows)
        return np.where(later >= 0, self.times[later], self.times + n_rows)


class Basis(NamedTuple):
    """What intervals of some rows are made of."""

    values: np.ndarray  # (n_rows, n_outputs, n_levels), predicted
    scale: np.ndarray  # (n_rows, n_outputs)
    ids: np.ndarray  # (n_rows,) of their series


class ConformalForecaster(ForecasterMixin, MetaEstimatorMixin, VersionedEstimator):
    """Forecast with prediction intervals of a stated coverage.

    The model is fitted on the first rows. Its errors on the last rows, the calibration rows, determine the width of the
    intervals [1]_. The model is then fitted again on all rows. It may be any regressor with a prediction for each row:
    an LSTM, a ridge regression, gradient boosting, :class:`SeasonalNaive`, a pipeline or a search. Each output, a
    target at a step ahead, has its own interval width.

    Parameters
    ----------
    estimator : regressor, pipeline or search, default=None
        The model, of which `fit` trains clones. So its `warm_start` changes nothing, and it stays as it is. If None, it
        is ``LSTMForecaster(loss="quantile", random_state=0)``.

    method : {"auto", "residual", "quantile"}, default="auto"
        Method for the intervals.

        - "residual": the prediction plus and minus a quantile of the absolute errors on the calibration rows. All rows
          have intervals of the same width, unless `scale` is set.
        - "quantile": quantiles from the model's method `predict_quantiles`, shifted by a quantile of the signed
          distances of true values from the interval: conformalized quantile regression [2]_. The width depends on the
          row.
        - "auto": "quantile" if the model predicts quantiles, as :class:`LSTMForecaster` with ``loss="quantile"``, and
          "residual" otherwise.

    calibration_fraction : float, default=0.2
        Fraction of the rows with a target that are calibration rows, the last ones in time.

    calibration_folds : int, default=1
        Number of folds of the calibration rows, in the order of time. Each fold is predicted by a model fitted on all
        rows before it. With several folds, these models are trained on nearly as many rows as the final model, so
        intervals are narrower if there are few rows.

    calibration_gap : int or "auto", default="auto"
        Number of rows before the calibration rows of each series to exclude from training. If "auto", it is the number
        of steps ahead in `y` less one, so that training targets do not overlap calibration targets. Outputs without
        names count as steps of one target.

    refit : bool, default=True
        Whether the model is fitted again on all rows after calibration. The model then learns from the newest rows, but
        the calibration errors come from another fit. The newest rows often matter more. If False, the calibrated model
        predicts, and `fit` takes half the time.

    horizon : int, default=None
        Number of steps ahead with intervals in :func:`forecast` and :func:`backtest`, if larger than in `y`. The model
        then forecasts recursively from some calibration rows, and its errors at each step calibrate the intervals of
        this step.

    scale : "series", callable or None, default=None
        Scale of the errors. Calibration errors are divided by it, and the margins of intervals are multiplied by it.

        - "series": the mean absolute change of the target from row to row, over all rows of a series in `fit`. For
          panels with series of different levels.
        - A callable ``scale(X)`` that returns a positive number for each row, of shape (n_samples,), such as the
          volatility of the last rows. `X` ends with the row to predict from. :func:`backtest` may pass later rows,
          too, if they do not change the result. To be pickled, the function must be defined at the top level of a
          module.
        - None: no scaling.

    pooled : bool, default=True
        Whether to pool the calibration rows of all series. If False, each series is calibrated with its own rows, which
        requires a model of several series, with `groups` of :class:`SlidingWindow`.

    adaptive : bool, default=False
        Whether intervals adapt to drift. `update` and :func:`backtest` widen the next intervals after a true value
        outside of its interval, and narrow them after a true value inside. The long-run coverage then equals the stated
        coverage [3]_ [4]_. The step size is a tenth of the mean absolute score of recent rows. If False, `update` adds
        its rows to the calibration rows. The parameter may be changed after `fit`.

    Attributes
    ----------
    estimator_ : regressor
        The fitted model that predicts.

    n_features_in_ : int
        Number of features seen by the model during `fit`, if it has this attribute.

    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Names of the features seen by the model during `fit`, if it has this attribute.

    n_outputs_ : int
        Number of outputs.

    levels_ : ndarray of shape (n_levels,)
        Levels of the predicted quantiles that the intervals use. With the method "residual", the prediction counts as
        the quantile of level 0.5.

    residuals_ : ndarray of shape (n_calibration, n_outputs, n_levels)
        Calibration targets minus the predictions of each level, in units of `scale`. NaN where a target is missing.

    trajectory_errors_ : ndarray of shape (n_trajectories, n_steps) or None
        Errors of recursive forecasts from calibration rows, in units of `scale`, with a column for each step and
        target. None unless `horizon` is larger than the number of steps in `y`.

    See Also
    --------
    forecast : Forecasts beyond a series, with intervals.
    backtest : Forecasts a known series, with intervals.
    sample_paths : Draws sample paths, for intervals of sums over steps.
    sklstm.metrics.make_interval_scorer : Scores intervals in a search.

    Notes
    -----
    If calibration rows and new rows are exchangeable, an interval of `coverage` 0.9 contains the true value of a new
    row with a probability of at least 0.9, on average over both. The rows of a time series are not exchangeable: they
    depend on each other, and they drift. Measure the actual coverage with :func:`backtest`. Errors of neighbouring rows
    are similar, so a hundred rows of an hourly series carry less information than a hundred independent rows.

    The coverage holds for each step separately, not for all steps jointly.

    Wrap the whole pipeline: ``ConformalForecaster(make_pipeline(SlidingWindow(24), LSTMForecaster()))``. As the last
    step of a pipeline, it would not see which series a row belongs to, and :func:`forecast` would find no intervals.

    Except for `adaptive`, parameters that are set after `fit` take effect at the next fit.

    References
    ----------
    .. [1] V. Vovk, A. Gammerman and G. Shafer, "Algorithmic Learning in a Random World", Springer, 2005.
    .. [2] Y. Romano, E. Patterson and E. J. Candès, "Conformalized quantile regression", NeurIPS, 2019.
    .. [3] I. Gibbs and E. J. Candès, "Adaptive conformal inference under distribution shift", NeurIPS, 2021.
    .. [4] A. N. Angelopoulos, E. J. Candès and R. J. Tibshirani, "Conformal PID control for time series prediction",
       NeurIPS, 2023.

    Examples
    --------
    >>> from sklearn.linear_model import Ridge
    >>> from sklearn.pipeline import make_pipeline
    >>> from sklstm import ConformalForecaster, SlidingWindow, to_supervised
    >>> from sklstm.datasets import load_airline
    >>> X, y = to_supervised(load_airline().data, horizon=3)
    >>> model = ConformalForecaster(make_pipeline(SlidingWindow(12, flatten=True, pad="edge"), Ridge()))
    >>> model.fit(X[:100], y[:100]).predict_interval(X, coverage=0.9).shape
    (141, 3, 2)
    """

    _parameter_constraints: dict = {
        "estimator": [HasMethods(["fit", "predict"]), None],
        "method": [StrOptions({"auto", "residual", "quantile"})],
        "calibration_fraction": [Interval(Real, 0, 1, closed="neither")],
        "calibration_folds": [Interval(Integral, 1, None, closed="left")],
        "calibration_gap": [Interval(Integral, 0, None, closed="left"), StrOptions({"auto"})],
        "refit": ["boolean"],
        "horizon": [Interval(Integral, 1, None, closed="left"), None],
        "scale": [StrOptions({"series"}), callable, None],
        "pooled": ["boolean"],
        "adaptive": ["boolean"],
    }

    def __init__(
        self,
        estimator=None,
        *,
        method="auto",
        calibration_fraction=0.2,
        calibration_folds=1,
        calibration_gap="auto",
        refit=True,
        horizon=None,
        scale=None,
        pooled=True,
        adaptive=False,
    ):
        self.estimator = estimator
        self.method = method
        self.calibration_fraction = calibration_fraction
        self.calibration_folds = calibration_folds
        self.calibration_gap = calibration_gap
        self.refit = refit
        self.horizon = horizon
        self.scale = scale
        self.pooled = pooled
        self.adaptive = adaptive

    @fit_context(prefer_skip_nested_validation=False)
    @all_at_once
    def fit(self, X, y, sample_weight=None, **fit_params):
        """Fit the model, and calibrate its intervals.

        Parameters
        ----------
        X : array-like of shape (n_samples, ...)
            Input of the model, in the order of time within each series.

        y : array-like of shape (n_samples,) or (n_samples, n_outputs)
            Targets, as returned by :func:`to_supervised`. Missing values are NaN. Calibration ignores rows with an
            incomplete target.

        sample_weight : array-like of shape (n_samples,), default=None
            Weights of the rows for the model, if its `fit` accepts them. A pipeline accepts them only with
            ``enable_metadata_routing=True``. Calibration ignores rows of weight zero, and gives equal weights to all
            other rows.

        **fit_params : dict
            Other parameters that the model's `fit` requests. Only with ``enable_metadata_routing=True``.

        Returns
        -------
        self : ConformalForecaster
            The fitted estimator.

        Raises
        ------
        ValueError
            If there are too few rows to fit and calibrate, the parameters do not fit the model or the data, or the
            model refuses them. The previous fit is kept.
        """
        n_fits = self.calibration_folds + self.refit
        task = self._init_callback_context(max_subtasks=n_fits).call_on_fit_task_begin(estimator=self, X=X, y=y)
        if y is None:
            raise ValueError(f"{type(self).__name__} requires y to be passed, but the target y is None.")
        params = nested_fit_params(self, "estimator", self._model(), sample_weight, fit_params)
        X, y = indexable(X, y)
        targets = check_target(self, X, y)
        targets = targets.reshape(len(targets), -1)
        self._remember(target_names(y), targets.shape[1])
        series = self._series_of(X)
        counts = has_target(targets) & (check_weights(targets, sample_weight) > 0)
        self._fit_scale(targets, series)
        fit_model = partial(self._fit_model, X, y, params, task)
        self._calibrate_by(self._fold_models(fit_model, counts, series), X, targets, series)
        if self.refit:
            self.estimator_ = fit_model(np.arange(len(targets)), "refit")
        self._adopt_features()
        task.call_on_fit_task_end(estimator=self, X=X, y=y, reconstruction_attributes={})
        return self

    @fit_context(prefer_skip_nested_validation=False)
    @all_at_once
    def conformalize(self, X, y):
        """Calibrate the intervals of a fitted model on rows outside its training set.

        This replaces the calibration of `fit`. If this estimator is not fitted, `estimator` must be fitted.

        Parameters
        ----------
        X : array-like of shape (n_samples, ...)
            Input of the model, in the order of time. Set `y` to NaN for rows that only complete the windows of others.

        y : array-like of shape (n_samples,) or (n_samples, n_outputs)
            Targets. Rows whose targets are all NaN are ignored.

        Returns
        -------
        self : ConformalForecaster
            The calibrated estimator.

        Raises
        ------
        NotFittedError
            If neither this estimator nor `estimator` is fitted.
        ValueError
            If `X` or `y` are not like those in `fit`, or if ``scale="series"`` is used without `fit`.
        """
        X, y = indexable(X, y)
        if not hasattr(self, "estimator_"):
            self._adopt(y)
        targets = self._check_targets(y)
        models = [(self.estimator_, _known_rows(targets))]
        self._calibrate_by(models, X, targets, self._series_of(X))
        self._adopt_features()
        return self

    @all_at_once
    def update(self, X, y):
        """Update the intervals with newly observed targets.

        With ``adaptive=True``, they adjust the widths of the intervals. Otherwise, they are added to the calibration
        rows. The model does not change, and neither do the intervals of steps beyond `y`. Pass each true value once, in
        the order of time, and from one thread at a time.

        Parameters
        ----------
        X : array-like of shape (n_samples, ...)
            Input of the model, in the order of time. Set `y` to NaN for rows that only complete the windows of others.

        y : array-like of shape (n_samples,) or (n_samples, n_outputs)
            Targets, NaN where the true value is not known yet. Rows whose targets are all NaN are ignored.

        Returns
        -------
        self : ConformalForecaster
            The estimator.

        Raises
        ------
        NotFittedError
            If the estimator is not fitted.
        ValueError
            If `X` or `y` are not like those in `fit`.
        """
        check_is_fitted(self)
        X, y = indexable(X, y)
        targets = self._check_targets(y)
        series = self._series_of(X)
        rows = _in_time(_known_rows(targets), series)
        found = self._residuals(self._basis_at(self.estimator_, X, rows, series), targets, rows, series)
        self._later = tuple(Rows(*self._later).followed_by(found))
        return self

    @of_one_fit
    def predict(self, X):
        """Predict the targets with the model.

        Parameters
        ----------
        X : array-like of shape (n_samples, ...)
            Input of the model.

        Returns
        -------
        y : ndarray of shape (n_samples,) or (n_samples, n_outputs)
            The model's predictions.

        Raises
        ------
        NotFittedError
            If the estimator is not fitted.
        """
        check_is_fitted(self)
        return self.estimator_.predict(X)

    @of_one_fit
    def predict_interval(self, X, coverage=0.9):
        """Predict an interval for each row and output.

        Parameters
        ----------
        X : array-like of shape (n_samples, ...)
            Input of the model.

        coverage : float or sequence of float, default=0.9
            Probability that an interval contains the true value, or several probabilities, in the open interval (0, 1).

        Returns
        -------
        intervals : ndarray of shape (n_samples, n_outputs, 2) or (n_samples, n_outputs, 2, n_coverages), float64
            Lower and upper ends in the units of ``y``. With several coverages, they are on the last axis, and intervals
            of a larger coverage contain intervals of a smaller one.

        Raises
        ------
        NotFittedError
            If the estimator is not fitted.
        ValueError
            If a coverage is invalid, or if there are too few calibration rows for it.
        """
        check_is_fitted(self)
        coverages = check_coverages(coverage)
        (X,) = indexable(X)
        basis = self._basis(X, np.arange(num_samples(X)))
        intervals = self._intervals(basis, self._calibration().margins(coverages, basis.ids), coverages)
        return intervals if np.ndim(coverage) else intervals[..., 0]

    def get_metadata_routing(self):
        """Return the metadata requests of this estimator and its model.

        Returns
        -------
        routing : MetadataRouter
            The requests of this estimator, for `sample_weight`, and of the model's `fit`.
        """
        fit = MethodMapping().add(caller="fit", callee="fit")
        return MetadataRouter(owner=self).add_self_request(self).add(estimator=self._model(), method_mapping=fit)

    def _model(self):
        return LSTMForecaster(loss="quantile", random_state=0) if self.estimator is None else self.estimator

    def _remember(self, names: list | None, n_outputs: int) -> None:
        """Set what is known of the targets, and the parameters that the units of errors depend on."""
        self._target_names, self.n_outputs_ = names, n_outputs
        self._scale, self._pooled, self._groups = self.scale, self.pooled, groups_of(self)
        self._series_scale: dict[Any, np.ndarray] = {}
        if self._groups is None and (self.scale == "series" or not self.pooled):
            raise ValueError(
                'scale="series" and pooled=False are for panels: pass a pipeline with SlidingWindow(groups=...).'
            )

    def _check_targets(self, y) -> np.ndarray:
        """Return validated targets like those in fit as columns."""
        names, targets = target_names(y), check_numeric(y, name="y", estimator=self, ensure_2d=False)
        targets = targets.reshape(len(targets), -1)
        if targets.shape[1] != self.n_outputs_:
            raise ValueError(f"y has {targets.shape[1]} output(s), but {self.n_outputs_} are expected as in fit.")
        if names is not None and self._target_names is not None and names != self._target_names:
            raise ValueError(f"y has the columns {names}, but {self._target_names} are expected as in fit.")
        if np.isnan(targets).all():
            raise ValueError("Input y contains NaN in every row. Pass at least one row with a known target.")
        return targets

    def _adopt(self, y) -> None:
        """Take over a model that is fitted."""
        check_is_fitted(self._model())
        if self.scale == "series":
            raise ValueError('scale="series" is for fit, which sees whole series.')
        self._remember(target_names(y), 1 if np.ndim(y) == 1 else np.shape(y)[1])
        self.estimator_ = self._model()

    def _adopt_features(self) -> None:
        """Set what the model tells of its features."""
        for name in ("n_features_in_", "feature_names_in_"):
            self.__dict__.pop(name, None)  # of an earlier fit
            if hasattr(self.estimator_, name):
                setattr(self, name, getattr(self.estimator_, name))

    def _series_of(self, X) -> Series:
        """Return when rows are, and of which series."""
        if isinstance(X, Windows):
            every = np.arange(len(X))
            return Series(X.steps, np.zeros(len(X), dtype=int), partial(X.later, every))
        if self._groups is None:
            check_order(X, "X")
            panel = single(num_samples(X))
        else:
            with warnings.catch_warnings():
                warnings.filterwarnings("ignore", ".* is irregular")  # which the windows say
                panel = read_long_table(X, self._groups, "X").panel
        return Series(panel.steps, np.asarray(panel.ids)[panel.codes], panel.later)

    def _output_steps(self) -> np.ndarray:
        """Return how many steps ahead each output is. Outputs without names are those of one target."""
        if self._target_names is None:
            return np.arange(self.n_outputs_) + 1
        return np.array([step_of_name(name) for name in self._target_names])

    def _fold_models(self, fit_model: Callable, counts: np.ndarray, series: Series) -> Iterator[tuple]:
        """Yield models, each with the calibration rows that it has not seen, in the order of time."""
        rows, times = np.flatnonzero(counts), series.times
        gap = int(self._output_steps().max()) - 1 if self.calibration_gap == "auto" else self.calibration_gap
        n_calibration = ceil(self.calibration_fraction * len(rows))
        start, ends = np.sort(times[rows])[len(rows) - n_calibration], series.times_later(gap + 1)
        if not (ends[rows] <= start).any():
            raise ValueError(
                f"With n_samples={len(rows)}, calibration_fraction={self.calibration_fraction} and a gap of {gap} "
                "row(s), no row is left to fit the model on. Pass more rows, or a smaller calibration_fraction."
            )
        folds = np.array_split(np.unique(times[rows][times[rows] >= start]), self.calibration_folds)
        for fold in folds:
            if len(fold):
                model = fit_model(np.flatnonzero(ends <= fold[0]), "fit-to-calibrate")
                yield model, rows[np.isin(times[rows], fold)]

    @whole_fits()  # an interrupted one must not calibrate
    def _fit_model(self, X, y, params: dict, task, rows: np.ndarray, name: str):
        """Return a model that is fitted on some rows, in a part of a task."""
        model, params = clone(self._model()), check_method_params(X, params, indices=rows)
        with subtask(task, self, model, name):
            return fit_where_known(model, rows_of(X, rows), rows_of(y, rows), **params)

    def _levels_of(self, model) -> tuple[float, ...]:
        """Return the probabilities at which a fitted model predicts what intervals are made of."""
        quantiles = None if self.method == "residual" else quantile_levels(model)
        if quantiles is None and self.method == "quantile":
            raise ValueError(
                'method="quantile" needs a model with predict_quantiles, such as LSTMForecaster(loss="quantile"). Got '
                f"{self._model()!r}."
            )
        return quantiles or MEDIAN

    def _fit_scale(self, targets: np.ndarray, series: Series) -> None:
        """Learn the mean absolute change of each series from row to row, if errors are divided by it."""
        if self._scale != "series":
            return
        codes, ids = factorize(series.ids)
        order = np.argsort(codes, kind="stable")
        changes = np.abs(np.diff(targets[order], axis=0))[np.diff(codes[order]) == 0]
        parts = np.split(changes, np.cumsum(np.bincount(codes) - 1)[:-1])
        least = np.maximum(LEAST_SCALE * np.nanmean(changes, axis=0), np.finfo(np.float32).tiny)
        for id_, part in zip(ids.tolist(), parts, strict=True):
            if (~np.isnan(part)).any(axis=0).all():
                self._series_scale[id_] = np.maximum(np.nanmean(part, axis=0), least)

    def _calibrate_by(self, models: Iterable[tuple], X, targets: np.ndarray, series: Series) -> None:
        """Learn the errors of models on calibration rows, in the order of time."""
        found, trajectories = [], []
        columns = self._trajectory_columns(X)
        for model, rows in models:
            self.estimator_, self.levels_ = model, np.array(self._levels_of(model))
            rows = _in_time(rows, series)
            basis = self._basis_at(model, X, rows, series)
            found.append(self._residuals(basis, targets, rows, series))
            _check_finite(found[-1], targets[rows], basis)
            if columns:
                trajectories.append(self._trajectories(model, X, columns, series, rows))
        calibration = Rows(*map(np.concatenate, zip(*found, strict=True)))
        self.residuals_, self._calibration_ids = calibration.residuals, calibration.ids
        self._later = tuple(calibration.of(slice(0, 0)))
        self.trajectory_errors_: np.ndarray | None = None
        self._trajectory_ids = series.ids[:0]
        if trajectories:
            self.trajectory_errors_, self._trajectory_ids = map(np.concatenate, zip(*trajectories, strict=True))
            if not len(self.trajectory_errors_):
                raise ValueError(
                    f"horizon={self.horizon} is longer than the calibration rows, so no error of that step is known. "
                    "Fit on more rows, or enlarge calibration_fraction."
                )

    def _trajectory_columns(self, X) -> list:
        """Return the columns of `X` to feed predictions back to; none if no interval reaches beyond those of `y`."""
        if self.horizon is None:
            return []
        columns = columns_of_targets(X, self._target_names, self._groups)
        return columns if self.horizon * len(columns) > self.n_outputs_ else []

    def _trajectories(
        self, model, X, columns: list, series: Series, calibration: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return the errors of recursive forecasts from calibration rows, in units of the scale, and their series."""
        times = series.times[calibration]
        rows, errors = trajectory_errors(model, X, columns, self.horizon, times[0], times[-1], self._groups)
        is_calibration = np.isin(rows, calibration)
        rows, errors = rows[is_calibration], errors[is_calibration]
        return errors / _of_columns(self._scale_of(X, rows, series), errors.shape[1]), series.ids[rows]

    def _basis(self, X, rows: np.ndarray, predictions: np.ndarray | None = None) -> Basis:
        """Return what intervals of the steps that follow some rows are made of.

        `predictions`, of shape ``(n_rows, n_steps, n_targets)``, are those from the rows, if there are any.
        """
        points = None
        if predictions is not None:
            points = predictions.reshape(len(rows), np.prod(predictions.shape[1:]))[:, : self.n_outputs_]
        return self._basis_at(self.estimator_, X, rows, self._series_of(X), points)

    def _basis_at(self, model, X, rows: np.ndarray, series: Series, points: np.ndarray | None = None) -> Basis:
        """Return the same by a model; `points` are its predictions, perhaps of fewer outputs."""
        if len(self.levels_) > 1:
            values = predict_quantiles(model, X, rows)
        else:
            values = (predict_points(model, X, rows) if points is None else points)[..., np.newaxis]
        if values.shape[1] != self.n_outputs_ and points is None:
            raise ValueError(f"The model predicts {values.shape[1]} output(s), while y has {self.n_outputs_}.")
        return Basis(values, self._scale_of(X, rows, series), series.ids[rows])

    @staticmethod
    def _joined(parts: list[Basis]) -> Basis:
        return Basis(*map(np.concatenate, zip(*parts, strict=True)))

    @property
    def _needs_rows(self) -> bool:
        """Tell whether intervals depend on more of a row than its prediction and its series."""
        return len(self.levels_) > 1 or callable(self._scale)

    def _scale_of(self, X, rows: np.ndarray, series: Series) -> np.ndarray:
        """Return what errors of some rows are divided by, of shape ``(n_rows, n_outputs)``."""
        if self._scale is None:
            return np.ones((len(rows), self.n_outputs_))
        if self._scale == "series":
            ids = series.ids[rows].tolist()
            unknown = next((id_ for id_ in ids if id_ not in self._series_scale), None)
            if unknown is not None:
                raise ValueError(
                    f'Series {unknown!r} has no two targets in a row in fit, which scale="series" needs. Fit on it, '
                    "too, or set scale=None."
                )
            return np.array([self._series_scale[id_] for id_ in ids]).reshape(len(rows), -1)
        scale = np.asarray(self._scale(X), dtype=float)
        is_complete = scale.shape == series.times.shape
        if not is_complete or (scale[rows] <= 0).any() or np.isinf(scale[rows]).any():
            found = f"values from {np.nanmin(scale)} to {np.nanmax(scale)}" if is_complete else f"shape {scale.shape}"
            raise ValueError(
                f"scale must return a positive finite number for each of {len(series.times)} rows. Got {found} instead."
            )
        return np.repeat(scale[rows][:, np.newaxis], self.n_outputs_, axis=1)

    def _residuals(self, basis: Basis, targets: np.ndarray, rows: np.ndarray, series: Series) -> Rows:
        """Return by how much targets differ from what was predicted for each level, in units of the scale."""
        residuals = (targets[rows][..., np.newaxis] - basis.values) / basis.scale[..., np.newaxis]
        known_at = np.stack([series.times_later(step)[rows] for step in self._output_steps()], axis=1)
        return Rows(residuals, basis.ids, series.times[rows], known_at)

    def _calibration(self) -> Calibration:
        """Return the calibration of the outputs."""
        return self._calibration_by(self.residuals_, self._calibration_ids, self.levels_, Rows(*self._later))

    def _calibration_by(self, residuals: np.ndarray, ids: np.ndarray, levels, later: Rows | None = None) -> Calibration:
        """Return the calibration by residuals of rows in the order of time."""
        times, known_at = np.arange(len(residuals)), np.zeros(residuals.shape[:2], dtype=int)  # which no one asks for
        rows = Rows(residuals, ids, times, known_at)
        return Calibration(rows, rows.of(slice(0, 0)) if later is None else later, levels, self._pooled, self.adaptive)

    def _intervals(self, basis: Basis, margins: np.ndarray, coverages) -> np.ndarray:
        """Return intervals of all outputs by their margins, of shape ``(n_rows, n_outputs, 2, n_coverages)``."""
        ends, middle = central(basis.values, self.levels_, coverages), at_level(basis.values, self.levels_, 0.5)
        return widened(ends, middle, margins * basis.scale[..., np.newaxis], coverages)

    def _step_intervals(
        self,
        basis: Basis,
        predictions: np.ndarray,
        coverages,
        truth: np.ndarray | None = None,
        times=None,
        known_at=None,
    ) -> np.ndarray:
        """Return intervals of the steps that follow some rows: ``(n_rows, n_steps, n_targets, 2, n_coverages)``.

        With `truth`, adaptive intervals use the true values of earlier rows. `times` are the times of the rows, and
        `known_at` the times at which the true value of each step becomes known.
        """
        n_rows, n_steps, n_targets = predictions.shape
        n_columns = n_steps * n_targets
        predictions, n_direct = predictions.reshape(n_rows, n_columns), min(n_columns, self.n_outputs_)
        scale = _of_columns(basis.scale, n_columns)[..., np.newaxis]
        intervals = []
        for calibration, columns in self._calibrations(n_direct, n_columns, n_targets):
            values = basis.values[:, columns] if columns.start == 0 else predictions[:, columns, np.newaxis]
            if truth is None:
                margins = calibration.margins(coverages, basis.ids)
            else:
                residuals = (truth.reshape(n_rows, n_columns)[:, columns, np.newaxis] - values) / scale[:, columns]
                due = np.repeat(known_at, n_targets, axis=1)[:, columns]
                margins = calibration.margins_over_time(coverages, Rows(residuals, basis.ids, times, due))
            ends, middle = central(values, calibration.levels, coverages), at_level(values, calibration.levels, 0.5)
            intervals.append(widened(ends, middle, margins * scale[:, columns], coverages))
        return np.concatenate(intervals, axis=1).reshape(n_rows, n_steps, n_targets, 2, len(coverages))

    def _calibrations(self, n_direct: int, n_columns: int, n_targets: int) -> Iterator[tuple[Calibration, slice]]:
        """Yield the calibration of the columns that the model predicts, and of those that need its predictions."""
        yield self._calibration().of_outputs(n_direct), slice(0, n_direct)
        if n_columns > n_direct:
            errors, ids = self._errors_of(n_columns, n_targets)
            later = slice(n_direct, n_columns)
            yield self._calibration_by(errors[:, later, np.newaxis], ids, MEDIAN), later

    def _errors_of(self, n_columns: int, n_targets: int) -> tuple[np.ndarray, np.ndarray]:
        """Return errors of so many steps of targets together, ``(n_rows, n_columns)``, and the series of the rows."""
        calibration = self._calibration()
        rows = calibration.rows if self.adaptive else calibration.rows.followed_by(calibration.later)
        errors, ids = at_level(rows.residuals, self.levels_, 0.5), rows.ids
        if n_columns > self.n_outputs_ and self.trajectory_errors_ is not None:
            errors, ids = self.trajectory_errors_, self._trajectory_ids
        if n_columns > errors.shape[1]:
            raise ValueError(
                f"Intervals reach {errors.shape[1] // n_targets} steps ahead, but {n_columns // n_targets} are asked "
                f"for. Fit with horizon={n_columns // n_targets}."
            )
        return errors[:, :n_columns], ids

    def _paths(self, basis: Basis, predictions: np.ndarray, n_paths: int, rng: np.random.RandomState) -> np.ndarray:
        """Return paths of shape ``(n_paths, n_rows, n_steps, n_targets)``."""
        n_rows, n_steps, n_targets = predictions.shape
        errors, ids = self._errors_of(n_steps * n_targets, n_targets)
        is_complete = ~np.isnan(errors).any(axis=1)
        paths = np.empty((n_paths, n_rows, errors.shape[1]))
        for row, id_ in enumerate(basis.ids):
            drawn = np.flatnonzero(is_complete if self._pooled else is_complete & (ids == id_))
            if not len(drawn):
                raise ValueError(f"No calibration row has a target for all of {n_steps} steps. Fit on more rows.")
            paths[:, row] = errors[rng.choice(drawn, n_paths)]
        scale = _of_columns(basis.scale, errors.shape[1])
        return predictions + (paths * scale).reshape(n_paths, n_rows, n_steps, n_targets)

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        of_model = get_tags(self._model())
        tags.input_tags = of_model.input_tags
        tags.regressor_tags.poor_score = getattr(of_model.regressor_tags, "poor_score", False)
        return tags


def _known_rows(targets: np.ndarray) -> np.ndarray:
    """Return the rows of which some target is known."""
    return np.flatnonzero(~np.isnan(targets).all(axis=1))


def _in_time(rows: np.ndarray, series: Series) -> np.ndarray:
    """Return rows in the order of time."""
    return rows[np.argsort(series.times[rows], kind="stable")]


def _check_finite(found: Rows, targets: np.ndarray, basis: Basis) -> None:
    """Check that there is an error for each known target of calibration rows."""
    if np.isnan(basis.scale).any():
        raise ValueError("scale returned NaN for calibration rows. Fill it first, as with bfill().")
    if np.isnan(found.residuals[~np.isnan(targets)]).any():
        raise ValueError(
            "The model predicts NaN for calibration rows. Fill missing values of X, or use a model that accepts them."
        )


def _of_columns(scale: np.ndarray, n_columns: int) -> np.ndarray:
    """Return the scale of so many steps of targets from that of the first ones."""
    return scale[:, np.arange(n_columns) % scale.shape[1]]
