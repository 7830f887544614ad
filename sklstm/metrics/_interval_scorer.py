"""Scorers of prediction intervals and of quantiles."""

from collections.abc import Callable
from inspect import signature
from numbers import Real

import numpy as np
from sklearn.utils.validation import check_consistent_length

from .._compat import Interval, check_sample_weight, validate_params
from ._averages import check_outputs
from ._pipelines import last_step


@validate_params(
    {
        "score_func": [callable],
        "coverage": [Interval(Real, 0, 1, closed="neither")],
        "greater_is_better": ["boolean"],
    },
    prefer_skip_nested_validation=True,
)
def make_interval_scorer(score_func, *, coverage=0.9, greater_is_better=False, **kwargs):
    """Make a scorer from a metric of prediction intervals.

    The scorer calls ``predict_interval(X, coverage)`` of the estimator, or of the last step of a pipeline or the best
    estimator of a search. Rows without any true value (all NaN) are ignored.

    Parameters
    ----------
    score_func : callable
        A metric ``score_func(y_true, y_interval, **kwargs)``, such as :func:`interval_score` or
        :func:`interval_coverage`, or one whose first parameter is `y_interval`, such as :func:`interval_width`. If it
        has a parameter `coverage`, the scorer passes the coverage to it.

    coverage : float, default=0.9
        The nominal coverage of the intervals, between 0 and 1.

    greater_is_better : bool, default=False
        Whether `score_func` is a score; if it is a loss, the scorer changes its sign.

    **kwargs : additional arguments
        Passed to `score_func`.

    Returns
    -------
    scorer : callable
        A function ``scorer(estimator, X, y, sample_weight=None)``, for searches and cross-validation.

    See Also
    --------
    make_quantile_scorer : Makes a scorer from a metric of quantiles.
    sklearn.metrics.make_scorer : Makes a scorer from a metric of point predictions.

    Notes
    -----
    Use :func:`interval_score` for model selection. Infinite intervals maximise the coverage, and empty intervals
    minimise the width. Use both to evaluate a selected model.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.dummy import DummyRegressor
    >>> from sklstm.metrics import interval_score, make_interval_scorer
    >>> class Constant(DummyRegressor):
    ...     def predict_interval(self, X, coverage):
    ...         mean = self.predict(X).reshape(-1, 1, 1)
    ...         return mean + coverage * np.array([-1.0, 1.0])
    >>> X, y = np.zeros((4, 1)), np.array([1.0, 2.0, 3.0, 2.0])
    >>> scorer = make_interval_scorer(interval_score, coverage=0.5)
    >>> scorer(Constant().fit(X, y), X, y)
    -2.0
    """
    return _IntervalScorer(score_func, 1 if greater_is_better else -1, kwargs, coverage)


@validate_params(
    {"score_func": [callable], "greater_is_better": ["boolean"]},
    prefer_skip_nested_validation=True,
)
def make_quantile_scorer(score_func, *, greater_is_better=False, **kwargs):
    """Make a scorer from a metric of predicted quantiles.

    The scorer calls ``predict_quantiles(X)`` of the estimator, or of the last step of a pipeline or the best estimator
    of a search, and reads the levels from its attribute `quantiles`. Rows without any true value (all NaN) are ignored.

    Parameters
    ----------
    score_func : callable
        A metric ``score_func(y_true, y_quantiles, quantiles=levels, **kwargs)``, such as
        :func:`continuous_ranked_probability_score`.

    greater_is_better : bool, default=False
        Whether `score_func` is a score; if it is a loss, the scorer changes its sign.

    **kwargs : additional arguments
        Passed to `score_func`.

    Returns
    -------
    scorer : callable
        A function ``scorer(estimator, X, y, sample_weight=None)``, for searches and cross-validation.

    See Also
    --------
    make_interval_scorer : Makes a scorer from a metric of prediction intervals.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.dummy import DummyRegressor
    >>> from sklstm.metrics import continuous_ranked_probability_score, make_quantile_scorer
    >>> class Constant(DummyRegressor):
    ...     quantiles = (0.25, 0.5, 0.75)
    ...     def predict_quantiles(self, X):
    ...         return self.predict(X).reshape(-1, 1, 1) + np.array([-1.0, 0.0, 1.0])
    >>> X, y = np.zeros((4, 1)), np.array([1.0, 2.0, 3.0, 2.0])
    >>> scorer = make_quantile_scorer(continuous_ranked_probability_score)
    >>> round(scorer(Constant().fit(X, y), X, y), 3)
    -0.417
    """
    return _QuantileScorer(score_func, 1 if greater_is_better else -1, kwargs)


class _Scorer:
    """A scorer of what a method of an estimator predicts, which can be pickled."""

    method: str
    made_by: str

    def __init__(self, score_func: Callable, sign: int, kwargs: dict):
        self._score_func, self._sign, self._kwargs = score_func, sign, kwargs

    def __call__(self, estimator, X, y, sample_weight=None):
        model, X = last_step(estimator, X)
        if not hasattr(model, self.method):
            raise AttributeError(
                f"{type(model).__name__} has no {self.method}, which the scorer of {self.made_by} needs."
            )
        predicted, params = self._predict(model, X)
        y = check_outputs(y, "y", missing=True)
        check_consistent_length(y, predicted)
        known = ~np.isnan(y).all(axis=1)
        if not known.any():
            raise ValueError("All values of y are missing (NaN). Pass at least one true value.")
        if sample_weight is not None:
            params = params | {"sample_weight": check_sample_weight(sample_weight, y)[known]}
        arguments = [predicted[known]] if self._reads_predictions_only() else [y[known], predicted[known]]
        return self._sign * self._score_func(*arguments, **params | self._kwargs)

    def _predict(self, model, X) -> tuple[np.ndarray, dict]:
        """Return what is predicted, and what else the metric needs to know."""
        raise NotImplementedError

    def _reads_predictions_only(self) -> bool:
        return next(iter(signature(self._score_func).parameters), None) == "y_interval"

    def __repr__(self):
        name = getattr(self._score_func, "__name__", repr(self._score_func))
        params = self._params() | ({"greater_is_better": True} if self._sign > 0 else {}) | self._kwargs
        return f"{self.made_by}({', '.join([name, *(f'{key}={value!r}' for key, value in params.items())])})"

    def _params(self) -> dict:
        return {}


class _IntervalScorer(_Scorer):
    method = "predict_interval"
    made_by = "make_interval_scorer"

    def __init__(self, score_func: Callable, sign: int, kwargs: dict, coverage: float):
        super().__init__(score_func, sign, kwargs)
        self._coverage = coverage

    def _predict(self, model, X) -> tuple[np.ndarray, dict]:
        params = self._params() if "coverage" in signature(self._score_func).parameters else {}
        return np.asarray(model.predict_interval(X, self._coverage)), params

    def _params(self) -> dict:
        return {"coverage": self._coverage}


class _QuantileScorer(_Scorer):
    method = "predict_quantiles"
    made_by = "make_quantile_scorer"

    def _predict(self, model, X) -> tuple[np.ndarray, dict]:
        quantiles = getattr(model, "quantiles_", None)
        quantiles = model.quantiles if quantiles is None else quantiles
        return np.asarray(model.predict_quantiles(X)), {"quantiles": quantiles}
