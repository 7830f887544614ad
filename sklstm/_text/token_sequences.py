"""Documents as sequences of integers, one for each token."""

from collections.abc import Iterator, Mapping
from numbers import Integral

import numpy as np
from sklearn.base import ClassNamePrefixFeaturesOutMixin, TransformerMixin
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.utils import check_array
from sklearn.utils.validation import check_is_fitted

from .._compat import HasMethods, Interval, RealNotInt, StrOptions, fit_context
from .._state import VersionedEstimator, all_at_once, as_one_task, of_one_fit
from .._validation import told

UNKNOWN = 0  # the id of every token that is not in the vocabulary

# The parameters of CountVectorizer, but those of its counts and of documents in files, constrained as there.
SHARED_CONSTRAINTS: dict = {
    "analyzer": [StrOptions({"word", "char", "char_wb"}), callable],
    "ngram_range": [tuple],
    "lowercase": ["boolean"],
    "strip_accents": [StrOptions({"ascii", "unicode"}), None, callable],
    "preprocessor": [callable, None],
    "tokenizer": [callable, None],
    "token_pattern": [str, None],
    "stop_words": [StrOptions({"english"}), list, None],
    "min_df": [Interval(RealNotInt, 0, 1, closed="both"), Interval(Integral, 1, None, closed="left")],
    "max_df": [Interval(RealNotInt, 0, 1, closed="both"), Interval(Integral, 1, None, closed="left")],
    "max_features": [Interval(Integral, 1, None, closed="left"), None],
    "vocabulary": [Mapping, HasMethods("__iter__"), None],
}


class TokenSequences(ClassNamePrefixFeaturesOutMixin, TransformerMixin, VersionedEstimator):
    r"""Turn documents into sequences of integers, one for each token.

    The counterpart of :class:`~sklearn.feature_extraction.text.CountVectorizer` for estimators that read the
    tokens of a document in their order. It is built on that class: tokens and vocabulary are the same, from
    parameters of the same names.

    Parameters
    ----------
    max_length : int, default=None
        Number of steps of a sequence. A longer document is cut to its last tokens, as a window is to the last
        rows of a series. If None, the number of tokens in the longest training document.

    handle_unknown : {"use_encoded_value", "ignore"}, default="use_encoded_value"
        How unknown tokens are encoded. "use_encoded_value" encodes them as the integer 0, "ignore" removes them.

    analyzer : {"word", "char", "char_wb"} or callable, default="word"
        Whether tokens are words, characters, or characters inside words only; or a function that returns
        the tokens of a document. This and the following parameters are those of
        :class:`~sklearn.feature_extraction.text.CountVectorizer`.

    ngram_range : tuple (min_n, max_n), default=(1, 1)
        Lengths of the n-grams that are tokens. With more than one length, all n-grams of a document of the first
        length stand before those of the next.

    lowercase : bool, default=True
        Whether to convert documents to lower case.

    strip_accents : {"ascii", "unicode"} or callable, default=None
        How to remove accents, if at all.

    preprocessor : callable, default=None
        A function that takes the place of `strip_accents` and `lowercase`.

    tokenizer : callable, default=None
        A function that takes the place of `token_pattern`.

    token_pattern : str, default=r"(?u)\b\w\w+\b"
        Regular expression of a word. The default leaves out punctuation and words of a single character.

    stop_words : {"english"} or list, default=None
        Words to remove before sequences are made.

    min_df : float in [0.0, 1.0] or int, default=1
        Smallest share (float) or number (int) of training documents with a token of the vocabulary.

    max_df : float in [0.0, 1.0] or int, default=1.0
        Largest share or number of them.

    max_features : int, default=None
        Maximum vocabulary size: the most frequent tokens are kept.

    vocabulary : mapping or iterable, default=None
        The vocabulary, instead of one learned: tokens in their order, or a mapping from tokens to places 0, 1, …
        in it.

    Attributes
    ----------
    vocabulary_ : dict of str to int
        The integer of each token: 1, 2, … in alphabetical order, or in that of `vocabulary`.

    n_tokens_ : int
        Vocabulary size with the unknown token: ``len(vocabulary_) + 1``.

    n_steps_ : int
        Number of steps of a sequence.

    See Also
    --------
    sklearn.feature_extraction.text.CountVectorizer : The counts of the same tokens, without their order.

    Notes
    -----
    Sequences end with the last token. The steps before the first one are missing (NaN), and a network skips them.
    All steps of an empty document are missing.

    A network can learn what 0 stands for only if some tokens of the training documents are out of the vocabulary:
    the rarest ones with ``min_df=2`` or with `max_features`. With the defaults none is, so the network meets 0
    for the first time in prediction; ``handle_unknown="ignore"`` spares it that.

    The longest training document sets the width of all rows if `max_length` is None; set it where a few documents
    are much longer than the rest.

    Examples
    --------
    >>> from sklstm import TokenSequences
    >>> documents = ["The cat sat.", "The dog sat on the mat."]
    >>> tokens = TokenSequences().fit(documents)
    >>> tokens.vocabulary_
    {'cat': 1, 'dog': 2, 'mat': 3, 'on': 4, 'sat': 5, 'the': 6}
    >>> X = tokens.transform(["The cat sat on the bird.", "The mat?"])
    >>> X
    array([[ 6.,  1.,  5.,  4.,  6.,  0.],
           [nan, nan, nan, nan,  6.,  3.]], dtype=float32)
    >>> tokens.inverse_transform(X)
    [['the', 'cat', 'sat', 'on', 'the', None], ['the', 'mat']]
    """

    _parameter_constraints: dict = {
        "max_length": [Interval(Integral, 1, None, closed="left"), None],
        "handle_unknown": [StrOptions({"use_encoded_value", "ignore"})],
        **SHARED_CONSTRAINTS,
    }

    def __init__(
        self,
        max_length=None,
        *,
        handle_unknown="use_encoded_value",
        analyzer="word",
        ngram_range=(1, 1),
        lowercase=True,
        strip_accents=None,
        preprocessor=None,
        tokenizer=None,
        token_pattern=r"(?u)\b\w\w+\b",
        stop_words=None,
        min_df=1,
        max_df=1.0,
        max_features=None,
        vocabulary=None,
    ):
        self.max_length = max_length
        self.handle_unknown = handle_unknown
        self.analyzer = analyzer
        self.ngram_range = ngram_range
        self.lowercase = lowercase
        self.strip_accents = strip_accents
        self.preprocessor = preprocessor
        self.tokenizer = tokenizer
        self.token_pattern = token_pattern
        self.stop_words = stop_words
        self.min_df = min_df
        self.max_df = max_df
        self.max_features = max_features
        self.vocabulary = vocabulary

    @fit_context(prefer_skip_nested_validation=True)
    @all_at_once
    @as_one_task
    def fit(self, X, y=None):
        """Learn the vocabulary, and the number of steps.

        Parameters
        ----------
        X : iterable of str or bytes, of length n_samples
            Documents. With a callable `analyzer`, `preprocessor` or `tokenizer`, whatever that takes.

        y : None
            Ignored.

        Returns
        -------
        self : TokenSequences
            The fitted transformer.

        Raises
        ------
        ValueError
            If `X` is a single string, has more than one dimension or holds what is no document; if no token
            remains for the vocabulary, or `vocabulary` is empty or has gaps or repetitions. The previous
            fit is kept.
        """
        documents = self._check_documents(X)
        shared = {name: getattr(self, name) for name in SHARED_CONSTRAINTS}
        self._vectorizer = CountVectorizer(**shared).fit(documents)
        places = self._vectorizer.vocabulary_
        self.vocabulary_ = {token: id_ for id_, token in enumerate(sorted(places, key=places.get), UNKNOWN + 1)}
        self.n_tokens_ = len(self.vocabulary_) + 1
        self.n_steps_ = self.max_length
        if self.max_length is None:
            self.n_steps_ = max(1, max(map(len, self._encode(documents)), default=0))
        return self

    @of_one_fit
    def transform(self, X):
        """Return the integers of each document.

        Parameters
        ----------
        X : iterable of str or bytes, of length n_samples
            Documents, as in `fit`.

        Returns
        -------
        sequences : ndarray of shape (n_samples, `n_steps_`), float32
            The integers of the tokens in their order, with NaN at the steps before the first one. A DataFrame if
            `set_output` asks for one.

        Raises
        ------
        NotFittedError
            If the transformer is not fitted.
        ValueError
            If `X` is a single string, has more than one dimension or holds what is no document.
        """
        check_is_fitted(self)
        documents = self._check_documents(X)
        sequences = np.full((len(documents), self.n_steps_), np.nan, dtype=np.float32)
        for row, ids in zip(sequences, self._encode(documents), strict=True):
            latest = ids[-self.n_steps_ :]
            row[self.n_steps_ - len(latest) :] = latest
        return sequences

    @of_one_fit
    def inverse_transform(self, X):
        """Return the tokens of each sequence.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_steps)
            Integers of tokens, with NaN at missing steps.

        Returns
        -------
        tokens : list of n_samples lists of str
            The tokens of each row; None stands for a token out of the vocabulary.

        Raises
        ------
        NotFittedError
            If the transformer is not fitted.
        ValueError
            If `X` is not such an array, or holds a value that stands for no token.
        """
        check_is_fitted(self)
        X = check_array(X, ensure_all_finite="allow-nan", ensure_min_samples=0, estimator=self, input_name="X")
        if not np.isin(X[~np.isnan(X)], np.arange(self.n_tokens_)).all():
            raise ValueError(f"X must hold integers from 0 to {self.n_tokens_ - 1} or NaN.")
        tokens = [None, *self.vocabulary_]
        return [[tokens[id_] for id_ in row[~np.isnan(row)].astype(int)] for row in X]

    def _check_documents(self, X) -> list:
        if isinstance(X, str):
            raise ValueError("Iterable over raw text documents expected, string object received.")
        if isinstance(X, Mapping) or getattr(X, "ndim", 1) != 1:
            raise ValueError(f"X should be a 1d array of documents, got {told(X)} instead.")
        documents = list(X)
        if not (callable(self.analyzer) or self.preprocessor or self.tokenizer):
            for document in documents:
                if not isinstance(document, str | bytes):
                    raise ValueError(f"{document!r} is an invalid document, expected byte or unicode string.")
        return documents

    def _encode(self, documents: list) -> Iterator[list[int]]:
        """Yield the integers of each document, however many."""
        analyze = self._vectorizer.build_analyzer()
        for document in documents:
            ids = [self.vocabulary_.get(token, UNKNOWN) for token in analyze(document)]
            yield ids if self.handle_unknown == "use_encoded_value" else [id_ for id_ in ids if id_ != UNKNOWN]

    @property
    def _n_features_out(self) -> int:
        return self.n_steps_

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.string = True
        tags.input_tags.two_d_array = False
        tags.transformer_tags.preserves_dtype = []
        return tags
