"""Metrics for forecasts, for labels of steps, and for texts."""

from collections.abc import Callable, Iterator
from numbers import Integral

import numpy as np
from sklearn.metrics import mean_absolute_error
from sklearn.pipeline import Pipeline
from sklearn.utils import check_array, check_consistent_length, column_or_1d

from ._compat import Interval, StrOptions, validate_params
from ._sequences.classifier import LSTMClassifier
from ._sequences.step_labels import check_step_labels, weight_of_steps
from ._validation import check_texts
from ._windows.arrays import present_steps
from ._windows.panel import Panel, factorize

__all__ = ["character_error_rate", "make_step_scorer", "mean_absolute_scaled_error"]


@validate_params(
    {
        "score_func": [callable],
        "response_method": [StrOptions({"predict", "predict_proba", "decision_function"})],
        "greater_is_better": ["boolean"],
    },
    prefer_skip_nested_validation=True,
)
def make_step_scorer(score_func, *, response_method="predict", greater_is_better=True, **kwargs):
    """Make a scorer of labels of steps from a metric of scikit-learn.

    scikit-learn's own scorers read a `y` of two dimensions as several labels of each row, which most metrics refuse.
    This one hands the labels of all steps to the metric as one array, as the flat metrics of sklearn-crfsuite do.
    Steps do not count if they are missing in what the last step of a pipeline reads, or if their label is missing (NaN
    or None).

    Parameters
    ----------
    score_func : callable
        A metric ``score_func(y_true, y_pred, **kwargs)``, such as :func:`sklearn.metrics.f1_score`.

    response_method : {"predict", "predict_proba", "decision_function"}, default="predict"
        What of the estimator `score_func` compares with the true labels. Of two classes, it gets the column of the
        second.

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
    sklearn.metrics.make_scorer : For one label a row.

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
        estimator, X = _last_step(estimator, X)
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


def _last_step(estimator, X) -> tuple:
    """Return the estimator that predicts at the end of fitted searches and pipelines, and what it sees of `X`."""
    while True:
        if hasattr(estimator, "best_estimator_"):
            estimator = estimator.best_estimator_
        elif isinstance(estimator, Pipeline):
            X = estimator[:-1].transform(X) if len(estimator) > 1 else X
            estimator = estimator[-1]
        else:
            return estimator, X


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


@validate_params(
    {
        "y_true": ["array-like"],
        "y_pred": ["array-like"],
        "y_train": ["array-like"],
        "season_length": [Interval(Integral, 1, None, closed="left")],
        "groups": ["array-like", None],
        "groups_train": ["array-like", None],
        "sample_weight": ["array-like", None],
        "multioutput": [StrOptions({"raw_values", "uniform_average"}), "array-like"],
    },
    prefer_skip_nested_validation=True,
)
def mean_absolute_scaled_error(
    y_true,
    y_pred,
    *,
    y_train,
    season_length=1,
    groups=None,
    groups_train=None,
    sample_weight=None,
    multioutput="uniform_average",
):
    """Mean absolute scaled error (MASE) regression loss.

    The mean absolute error, divided by that of the seasonal naive forecast, one season ahead, on the training
    series [1]_. It has no units, so that it can be averaged over series; below 1 a forecast is better than the
    naive one was on the training series.

    Parameters
    ----------
    y_true : array-like of shape (n_samples,) or (n_samples, n_outputs)
        Ground truth (correct) target values. Outputs are laid out as by :func:`~sklstm.to_supervised`: step 1
        of every target, step 2 of every target, and so on.

    y_pred : array-like of shape (n_samples,) or (n_samples, n_outputs)
        Estimated target values.

    y_train : array-like of shape (n_train,) or (n_train, n_targets)
        The training series of each target, oldest row first. Missing values are NaN.

    season_length : int, default=1
        Number of steps in a season.

    groups : array-like of shape (n_samples,), default=None
        The series of each row of `y_true`, if there are several. The loss is then the mean of the losses of all series
        that are in it, each scaled by its own training series.

    groups_train : array-like of shape (n_train,), default=None
        The series of each row of `y_train`. Those of a series are in the order of time.

    sample_weight : array-like of shape (n_samples,), default=None
        Sample weights. Those of several series weigh the rows in each; a series without any weight does not count.

    multioutput : {"raw_values", "uniform_average"} or array-like of shape (n_outputs,), default="uniform_average"
        Defines aggregating of multiple output values.
        Array-like value defines weights used to average errors.

        "raw_values" :
            Returns a full set of errors in case of multioutput input.

        "uniform_average" :
            Errors of all outputs are averaged with uniform weight.

    Returns
    -------
    loss : float or ndarray of shape (n_outputs,)
        MASE output is non-negative floating point. The best value is 0.0. One error for each output if
        ``multioutput="raw_values"``, their weighted average otherwise.

    Raises
    ------
    ValueError
        If `y_train` is not longer than `season_length`, if the naive forecast makes no error on it, such as on
        a constant series, or if the outputs cannot be steps of its targets. Of several series, also if only one of
        `groups` and `groups_train` is given, or a series is not in `y_train`.

    See Also
    --------
    sklstm.SeasonalNaive : The seasonal naive forecast as an estimator.
    sklearn.metrics.mean_absolute_error : The error that is scaled.

    References
    ----------
    .. [1] R. J. Hyndman and A. B. Koehler, "Another look at measures of forecast accuracy", International
       Journal of Forecasting 22(4), 2006.

    Examples
    --------
    >>> from sklstm.metrics import mean_absolute_scaled_error
    >>> mean_absolute_scaled_error([5.0, 6.0], [4.0, 6.0], y_train=[1.0, 3.0, 2.0, 4.0], season_length=2)
    0.5

    Of two series, with one error of 1 each, those of the naive forecast being 2 and 1:

    >>> mean_absolute_scaled_error(
    ...     [5.0, 6.0], [4.0, 5.0], y_train=[1.0, 3.0, 1.0, 2.0], groups=["a", "b"], groups_train=["a", "a", "b", "b"]
    ... )
    0.75

    A scorer for a search:

    >>> from sklearn.metrics import make_scorer
    >>> from sklstm.datasets import load_airline
    >>> y_train = load_airline().data[:120]
    >>> scorer = make_scorer(
    ...     mean_absolute_scaled_error, y_train=y_train, season_length=12, greater_is_better=False
    ... )
    """
    if groups is None and groups_train is None:
        scaled = _scaled_errors(y_true, y_pred, y_train, season_length, sample_weight)
    else:
        parts = _by_series(y_true, y_pred, y_train, groups, groups_train, sample_weight)
        scaled = np.mean([_errors_of_series(*part, season_length) for part in parts], axis=0)
    # The scaled errors as a sample of their own, for scikit-learn's checks and meaning of `multioutput`.
    row = scaled.reshape(1, -1)
    return mean_absolute_error(np.zeros_like(row), row, multioutput=multioutput)


def _by_series(y_true, y_pred, y_train, groups, groups_train, sample_weight) -> Iterator[tuple]:
    """Yield the id, true values, predictions, training rows and weights of each series that has any weight."""
    if groups is None or groups_train is None:
        raise ValueError("groups and groups_train must be given together, or neither.")
    check_consistent_length(y_true, y_pred, groups, sample_weight)
    check_consistent_length(y_train, groups_train)
    y_true, y_pred, y_train = (np.asarray(values) for values in (y_true, y_pred, y_train))
    weight = np.ones(len(y_true)) if sample_weight is None else np.asarray(sample_weight)
    training = _rows_of_series(groups_train, "groups_train")
    rows_of_series = {id_: rows for id_, rows in _rows_of_series(groups, "groups").items() if weight[rows].any()}
    if not rows_of_series:
        raise ValueError("sample_weight must be positive for some row.")
    for id_, rows in rows_of_series.items():
        if id_ not in training:
            raise ValueError(f"Series {id_!r} of groups is not in groups_train.")
        yield id_, y_true[rows], y_pred[rows], y_train[training[id_]], weight[rows]


def _errors_of_series(id_, y_true, y_pred, y_train, sample_weight, season_length: int) -> np.ndarray:
    """Return the errors of a series as `_scaled_errors` does, with its id in the message of an error."""
    try:
        return _scaled_errors(y_true, y_pred, y_train, season_length, sample_weight)
    except ValueError as error:
        raise ValueError(f"Series {id_!r}: {error}") from error


def _rows_of_series(groups, name: str) -> dict:
    """Return the rows of each series, by its id."""
    codes, ids = factorize(column_or_1d(groups))
    if (codes < 0).any():
        raise ValueError(f"{name} has {int((codes < 0).sum())} row(s) without an id.")
    panel = Panel(codes, ids)
    return dict(zip(ids.tolist(), np.split(panel.order, panel.starts[1:]), strict=True))


def _scaled_errors(y_true, y_pred, y_train, season_length: int, sample_weight) -> np.ndarray:
    """Return the error of each output, in units of that of the naive forecast of its target."""
    errors = mean_absolute_error(y_true, y_pred, sample_weight=sample_weight, multioutput="raw_values")
    scale = _naive_error(y_train, season_length)
    if len(errors) % len(scale):
        raise ValueError(
            f"y_true has {len(errors)} output(s), which cannot be steps of the {len(scale)} target(s) of y_train."
        )
    return (errors.reshape(-1, len(scale)) / scale).ravel()


def _naive_error(y_train, season_length: int) -> np.ndarray:
    """Return the mean absolute error of the seasonal naive forecast for each target of the training series."""
    series = check_array(
        y_train, dtype=np.float64, ensure_2d=False, ensure_all_finite="allow-nan", input_name="y_train"
    )
    series = series.reshape(len(series), -1)
    if len(series) <= season_length:
        raise ValueError(
            f"y_train has {len(series)} row(s), while more than season_length={season_length} are required."
        )
    errors = np.abs(series[season_length:] - series[:-season_length])
    if not np.nansum(errors, axis=0).all():
        raise ValueError(
            "mean_absolute_scaled_error is undefined, since the naive forecast makes no error on y_train: every target "
            f"must have values that are season_length={season_length} rows apart and differ."
        )
    return np.nanmean(errors, axis=0)


@validate_params(
    {"y_true": ["array-like"], "y_pred": ["array-like"], "sample_weight": ["array-like", None]},
    prefer_skip_nested_validation=True,
)
def character_error_rate(y_true, y_pred, *, sample_weight=None):
    """Return the edits that turn predicted texts into the true ones, per character of the true ones.

    Parameters
    ----------
    y_true : array-like of str, of shape (n_samples,)
        True texts.

    y_pred : array-like of str, of shape (n_samples,)
        Predicted texts.

    sample_weight : array-like of shape (n_samples,), default=None
        Weights of the texts. Both the edits and the characters of a text count by its weight.

    Returns
    -------
    rate : float
        The sum of the edit distances (Levenshtein 1966: characters to insert, delete or replace), divided by the sum
        of the lengths of the true texts. It is 0 if all texts are right, and may be larger than 1.

    Raises
    ------
    ValueError
        If there are different numbers of texts, an element is no string, or the true texts have no character.

    Examples
    --------
    >>> from sklstm.metrics import character_error_rate
    >>> character_error_rate(["nine", "one"], ["nine", "on"])
    0.14...
    """
    y_true, y_pred = check_texts(y_true, "y_true"), check_texts(y_pred, "y_pred")
    check_consistent_length(y_true, y_pred)
    weight = np.ones(len(y_true)) if sample_weight is None else column_or_1d(sample_weight)
    check_consistent_length(y_true, weight)
    n_characters = weight @ np.array([len(text) for text in y_true], float)
    if n_characters == 0:
        raise ValueError("y_true has no character with a weight, so there is no rate of errors.")
    n_edits = weight @ np.array([_edit_distance(*pair) for pair in zip(y_true, y_pred, strict=True)], float)
    return float(n_edits / n_characters)


def _edit_distance(a: str, b: str) -> int:
    """Return the least number of characters to insert, delete or replace (Wagner & Fischer 1974)."""
    above = list(range(len(b) + 1))
    for i, in_a in enumerate(a, 1):
        row = [i]
        for j, in_b in enumerate(b, 1):
            row.append(min(above[j] + 1, row[j - 1] + 1, above[j - 1] + (in_a != in_b)))
        above = row
    return above[-1]
