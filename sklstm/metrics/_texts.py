"""Errors of predicted texts."""

import numpy as np
from sklearn.utils import check_consistent_length, column_or_1d

from .._compat import validate_params
from .._validation import check_texts


@validate_params(
    {"y_true": ["array-like"], "y_pred": ["array-like"], "sample_weight": ["array-like", None]},
    prefer_skip_nested_validation=True,
)
def character_error_rate(y_true, y_pred, *, sample_weight=None):
    """Compute the character error rate (CER): the edit distance per character of the true texts.

    Parameters
    ----------
    y_true : array-like of str, of shape (n_samples,)
        True texts.

    y_pred : array-like of str, of shape (n_samples,)
        Predicted texts.

    sample_weight : array-like of shape (n_samples,), default=None
        Weights of the texts. The edits and the characters of a text are both multiplied by its weight.

    Returns
    -------
    rate : float
        The sum of the edit distances (Levenshtein 1966: characters to insert, delete or replace), divided by the sum
        of the lengths of the true texts. It is 0 if all texts are correct, and may be larger than 1.

    Raises
    ------
    ValueError
        If the numbers of texts differ, an element is not a string, or the true texts have no character.

    See Also
    --------
    sklstm.LSTMTranscriber : Its `score` is one minus this rate.

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
        raise ValueError(
            "All true texts are empty or have weight zero, so the error rate is undefined. Pass texts in y_true with "
            "a positive weight."
        )
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
