"""What a display shows of an estimator's input: windows of a series, or documents."""

from typing import Any, NamedTuple

import numpy as np
from sklearn.pipeline import Pipeline
from sklearn.utils.validation import check_is_fitted

from .._text.generator import LSTMTextGenerator, check_documents
from .._text.token_sequences import TokenSequences
from .._text.transcriber import LSTMTranscriber
from .._text.translator import LSTMTranslator
from .._validation import check_feature_sequences, check_texts, column_names
from .._windows.sliding_window import SlidingWindow
from .._windows.tables import as_pandas, is_pandas, without_column
from .._windows.time_index import as_times
from .._windows.windows import Windows
from ._panels import UNKNOWN_TOKEN, time_name

END_TOKEN = "[end]"


class Shown(NamedTuple):
    """The steps that a display shows."""

    windows: Any  # what the estimator reads of them
    steps: Any  # their numbers or times, or the tokens
    step_name: str | None
    first: int = 0  # of a window's steps
    values: np.ndarray | None = None  # of each feature, unless the steps are tokens
    feature_names: list[str] | None = None


def last_step(estimator, method: str) -> Any:
    """Return a fitted estimator, or the last step of a fitted pipeline, if it has the method or attribute.

    Raises
    ------
    NotFittedError
        If the estimator is not fitted.
    AttributeError
        If it has no such method.
    """
    last = estimator[-1] if isinstance(estimator, Pipeline) else estimator
    if isinstance(last, type) or not hasattr(last, "fit"):
        raise TypeError(f"estimator should be a fitted estimator or Pipeline. Got {last!r} instead.")
    check_is_fitted(estimator)
    if not hasattr(last, method):
        raise AttributeError(
            f"{type(last).__name__} has none of the following attributes: {method}. Pass a fitted LSTM estimator or a "
            "Pipeline that ends with one, such as best_estimator_ of a search, estimator_ of a ConformalForecaster, "
            "regressor_ of a TransformedTargetRegressor or forecaster_ of an LSTMAnomalyDetector."
        )
    return last


def has_series(estimator) -> bool:
    """Tell whether rows of `X` are those of a series, that a pipeline makes windows of."""
    return _step(estimator, SlidingWindow) is not None


def read_rows(estimator, X) -> Shown:
    """Return the rows of a series in front of a SlidingWindow."""
    sliding: Any = _step(estimator, SlidingWindow)
    windows = _transform(estimator, X)
    if len(windows) and len(_rows_of_series(sliding, windows, 0)) < len(windows):
        raise ValueError(
            "X has several series, while the rows of one are drawn. Choose the window of a row with row=, or pass the "
            "rows of one series."
        )
    steps, step_name = _times(X, sliding)
    values, names = _numbers(X, sliding)
    return Shown(windows, steps, step_name, values=values, feature_names=names)


def read_window(estimator, X, row: int) -> Shown:
    """Return the steps of the window or document in a row of `X`."""
    last = estimator[-1] if isinstance(estimator, Pipeline) else estimator
    rows = _transform(estimator, X)
    if isinstance(last, LSTMTextGenerator):
        document = [check_documents(rows)[_check_row(row, rows)]]
        return _document(document, last._check_windows_to_inspect(document), last.tokens_)
    if isinstance(last, LSTMTranslator):
        text = [check_texts(rows, "X", last)[_check_row(row, rows)]]
        return _document(text, last._check_windows_to_inspect(text), last.source_tokens_)
    row = _check_row(row, rows)
    if isinstance(last, LSTMTranscriber):
        return _present_steps(last, list(rows)[row])
    window = _one_row(rows, row)
    if window.ndim not in (2, 3):
        raise ValueError(f"Expected 2D or 3D array, got {window.ndim}D array instead.")
    values = as_floats(window)[0]
    if getattr(last, "embedding_dim", None):
        return _document(window, values, _step(estimator, TokenSequences))
    values = values.reshape(len(values), -1)
    sliding = _step(estimator, SlidingWindow)
    if sliding is None:
        return Shown(window, np.arange(len(values)), "step", values=values)
    if sliding.flatten:
        raise ValueError("The steps of flat windows cannot be told. Set flatten=False of SlidingWindow.")
    is_empty = np.isnan(values).all(axis=1)
    first = 0 if is_empty.all() else int(np.argmin(is_empty))
    own = _rows_of_series(sliding, rows, row)
    steps, name = _times_until(X, sliding, own[: own.tolist().index(row) + 1], len(values) - first)
    return Shown(window, steps, name, first, values[first:], _window_names(estimator, sliding))


def _rows_of_series(sliding: SlidingWindow, windows, row: int) -> np.ndarray:
    """Return the rows of the series that a row belongs to, in the order of time."""
    if sliding.groups is None:
        return np.arange(len(windows))
    if not isinstance(windows, Windows):
        raise ValueError(
            "The series of each row cannot be told of flat windows, nor behind a step that changes windows. Set "
            "flatten=False of SlidingWindow, and let the LSTM estimator follow it in the pipeline."
        )
    codes = windows.codes(np.arange(len(windows)))
    own = np.flatnonzero(codes == codes[row])
    return own[np.argsort(windows.ends[own])]


def _times_until(X, sliding: SlidingWindow, rows: np.ndarray, n_steps: int) -> tuple[Any, str | None]:
    """Return the times of the last of some rows of a series, and what they are called."""
    if n_steps > len(rows):  # steps before the first row have no time
        return np.arange(1 - n_steps, 1), "step"
    times, name = _times(X, sliding)
    return times[rows[len(rows) - n_steps :]], name


def as_floats(table) -> np.ndarray:
    """Return the values of a table or of arrays, NaN where they are missing."""
    return table.to_numpy(dtype=float, na_value=np.nan) if is_pandas(table) else np.asarray(table, dtype=float)


def _step(estimator, kind: type) -> Any | None:
    """Return the first step of a pipeline that is of a kind."""
    steps = estimator[:-1] if isinstance(estimator, Pipeline) else []
    return next((step for step in steps if isinstance(step, kind)), None)


def _transform(estimator, X) -> Any:
    """Return what the last step reads."""
    if isinstance(estimator, Pipeline) and len(estimator) > 1:
        return estimator[:-1].transform(X)
    return X


def _check_row(row: int, rows) -> int:
    """Return a position in the rows, counted from the first one."""
    if len(rows) == 0:
        raise ValueError(f"Found array with 0 sample(s) (shape={np.shape(rows)}) while a minimum of 1 is required.")
    if not isinstance(row, int | np.integer) or not -len(rows) <= row < len(rows):
        raise ValueError(f"row must be an int from {-len(rows)} to {len(rows) - 1}. Got {row!r} instead.")
    return int(row) % len(rows)


def _one_row(rows, row: int) -> Any:
    """Return a row by its position, as the estimator reads it: of a DataFrame one with the names of columns."""
    rows = as_pandas(rows, "X")
    if is_pandas(rows):
        return rows.iloc[[row]]
    return (rows if isinstance(rows, Windows) else np.asarray(rows))[[row]]


def _present_steps(transcriber: LSTMTranscriber, sequence) -> Shown:
    """Return the steps of a sequence that the transcriber reads: those without a missing value."""
    values = check_feature_sequences(transcriber, [sequence], reset=False)[np.array([0])][0]
    steps = np.flatnonzero(~np.isnan(as_floats(sequence)).any(axis=1))
    return Shown([values], steps, "step", values=values)


def _document(document, sequence: np.ndarray, tokens: TokenSequences | None) -> Shown:
    """Return the tokens of a sequence without the missing steps before the first one."""
    ids = np.asarray(sequence, dtype=float).ravel()
    present = ~np.isnan(ids)
    if not present.any():
        raise ValueError("The document has no token: all its steps are missing.")
    vocabulary = [UNKNOWN_TOKEN, *tokens.vocabulary_, END_TOKEN] if tokens is not None else None
    names = ["" if np.isnan(id_) else str(int(id_)) if vocabulary is None else vocabulary[int(id_)] for id_ in ids]
    first = int(np.argmax(present))
    return Shown(document, names[first:], None, first)


def _times(X, sliding: SlidingWindow) -> tuple[Any, str | None]:
    """Return the times of rows, or else their numbers, and what they are called."""
    index: Any = getattr(X, "index", None)
    if getattr(index, "nlevels", 1) == 2 and sliding.groups in index.names:
        index = index.droplevel(sliding.groups)
    times = as_times(index)
    if times is None:
        return np.arange(len(X)), "row"
    return times, None if times.name is None else time_name(times, str(times.name))


def _numbers(X, sliding: SlidingWindow) -> tuple[np.ndarray, list[str] | None]:
    """Return the values and the names of the columns of features, of a pandas object those that are numbers."""
    X = as_pandas(X, "X")
    column = _id_column(X, sliding)
    if is_pandas(X):
        X = without_column(X, column).select_dtypes(["number", "bool"])
        return as_floats(X), list(map(str, X.columns))
    names = [name for place, name in enumerate(column_names(X)) if place != column]
    return as_floats(without_column(np.asarray(X), column)), names or None


def _id_column(X, sliding: SlidingWindow) -> int | None:
    """Return the position of the column that holds the ids of series, if there is one."""
    names = list(X.columns) if is_pandas(X) else []
    if sliding.groups in names:
        return names.index(sliding.groups)
    return sliding._id_column if np.shape(X)[1:] == (sliding.n_features_in_,) else None


def _window_names(estimator: Pipeline, window: SlidingWindow) -> list[str] | None:
    """Return the names of the features of a pipeline's windows; None if they have none."""
    names = getattr(window, "feature_names_in_", None)
    if names is None:
        before = estimator[: list(estimator.named_steps.values()).index(window)]
        try:
            names = before.get_feature_names_out()
        except (AttributeError, ValueError):  # of a step that gives no names
            return None
    if names is None:
        return None
    return [str(name) for place, name in enumerate(names) if place != window._id_column]
