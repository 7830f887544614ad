"""Scorers of labels of steps."""

from collections.abc import Callable

import numpy as np

from .._compat import StrOptions, validate_params
from .._sequences.classifier import LSTMClassifier
from .._sequences.step_labels import check_step_labels, weight_of_steps
from .._windows.arrays import present_steps
from ._pipelines import last_step


@validate_params(
    {
        "score_func": [callable],
        "response_method": [StrOptions({"predict", "predict_proba", "decision_function"})],
        "greater_is_better": ["boolean"],
    },
    prefer_skip_nested_validation=True,
)
def make_step_scorer(score_func, *, response_method="predict", greater_is_better=True, **kwargs):
    """Make a scorer of step labels from a metric of scikit-learn.

    The scorers of scikit-learn treat a 2-D `y` as a multioutput target, which most metrics do not support. This scorer
    passes the labels of all steps to the metric as one array, like the flat metrics of sklearn-crfsuite. Steps are
    ignored if they are missing in the input of the last step of a pipeline, or if their label is missing (NaN or None).

    Parameters
    ----------
    score_func : callable
        A metric ``score_func(y_true, y_pred, **kwargs)``, such as :func:`sklearn.metrics.f1_score`.

    response_method : {"predict", "predict_proba", "decision_function"}, default="predict"
        The method of the estimator whose output `score_func` compares with the true labels. For two classes,
        `score_func` receives the probabilities of the second class.

    greater_is_better : bool, default=True
        Whether `score_func` is a score; if it is a loss, the scorer changes its sign.

    **kwargs : additional arguments
        Passed to `score_func`.

    Returns
    -------
    scorer : callable
        A function ``scorer(estimator, X, y, sample_weight=None)``, for searches and cross-validation.

    See Also
    --------
    sklstm.LSTMClassifier : With ``pooling="none"``, predicts a class for each step.
    sklearn.metrics.make_scorer : Makes a scorer of one label per row.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.metrics import f1_score
    >>> from sklstm import LSTMClassifier
    >>> from sklstm.metrics import make_step_scorer
    >>> X = np.random.default_rng(0).standard_normal((40, 8))
    >>> model = LSTMClassifier(pooling="none", learning_rate=0.02, random_state=0).fit(X, X > 1)
    >>> scorer = make_step_scorer(f1_score)
    >>> scorer(model, X, X > 1) > 0.9
    True
    """
    return _StepScorer(score_func, 1 if greater_is_better else -1, response_method, kwargs)


class _StepScorer:
    """A scorer of labels of steps, which can be pickled."""

    def __init__(self, score_func: Callable, sign: int, response_method: str, kwargs: dict):
        self._score_func, self._sign, self._response_method, self._kwargs = score_func, sign, response_method, kwargs

    def __call__(self, estimator, X, y, sample_weight=None):
        estimator, X = last_step(estimator, X)
        y_pred = np.asarray(getattr(estimator, self._response_method)(X))
        y, known = check_step_labels(y, _present_steps(estimator, X, y_pred), purpose="score")
        if self._response_method == "predict_proba" and y_pred.shape[-1] == 2:
            y_pred = y_pred[..., 1]
        weight = {} if sample_weight is None else {"sample_weight": weight_of_steps(sample_weight, known)}
        return self._sign * self._score_func(y[known], y_pred[known], **weight, **self._kwargs)

    def __repr__(self):
        sign = "" if self._sign > 0 else ", greater_is_better=False"
        kwargs = "".join(f", {name}={value!r}" for name, value in self._kwargs.items())
        name = getattr(self._score_func, "__name__", repr(self._score_func))
        return f"make_step_scorer({name}, response_method={self._response_method!r}{sign}{kwargs})"


def _present_steps(estimator, X, y_pred: np.ndarray) -> np.ndarray:
    """Tell at which steps an estimator has predictions for something: those that are not missing in `X`."""
    if y_pred.ndim < 2:
        raise ValueError(
            f"A scorer of labels of steps needs predictions for each step. Got those of {type(estimator).__name__}, of "
            f"shape {y_pred.shape}."
        )
    if isinstance(estimator, LSTMClassifier):
        return estimator._present_steps(X)
    shape = y_pred.shape[:2]
    X = np.asarray(X) if getattr(X, "shape", ())[:2] == shape else np.zeros(shape)
    return present_steps(X) if X.dtype.kind == "f" else np.ones(shape, dtype=bool)
