"""The translator: from texts to other texts, by characters or words."""

import warnings
from numbers import Integral

import numpy as np
from sklearn.utils import Bunch, check_consistent_length, check_scalar, gen_batches
from sklearn.utils.validation import check_is_fitted

from .._base.base import BaseLSTM
from .._base.heads import ClassificationHead
from .._base.splitting import drawn_groups
from .._compat import Interval, InvalidParameterError, StrOptions, fit_context
from .._specs import IGNORED_CLASS, PREVIOUS, WINDOWS, InputSpec
from .._state import all_at_once, of_one_fit
from .._stepwise.beam_search import Hypotheses, beam_search
from .._stepwise.encoder_decoder import EncoderDecoder
from .._validation import check_texts, check_weights
from .._windows.ragged import Ragged
from .token_sequences import SHARED_CONSTRAINTS, UNKNOWN, TokenSequences

# By analyzer: the pattern of a token. Tokens next to each other make the text again, so a word has the space before it.
TOKENS = {"char": r"(?s).", "word": r" ?\w+| ?[^\w\s]|\s"}

ROWS_TO_DECODE = 128  # at once: what the encoder has read of them stays in the cache of a processor


class LSTMTranslator(BaseLSTM):
    """Translate texts with two long short-term memory (LSTM) networks: an encoder and a decoder.

    The encoder reads a text, and the decoder writes another one, one character or word at a time [1]_. At each step,
    the decoder looks at all states of the encoder, and weighs them by how much they matter to the next token:
    attention [2]_ [3]_. In training, the decoder reads the true tokens before the one to predict: teacher forcing.

    Parameters
    ----------
    units : int or sequence of int, default=128
        Number of units of the LSTM layer; a sequence stacks layers.

    network : {"lstm", "gru"}, default="lstm"
        Whether encoder and decoder are made of LSTM layers, or of gated recurrent units (Cho et al., 2014).

    attention : bool, default=True
        Whether the decoder attends to all hidden states of the encoder. Without attention it only receives the last
        states, and long texts are harder to learn.

    bidirectional : bool, default=True
        Whether the encoder also reads from the end to the start, by as many units again.

    analyzer : {"char", "word"} or tuple of two of them, default="char"
        Whether tokens are characters, or words and punctuation marks; a tuple has that of `X` and that of `y`. The
        space before a word belongs to it, so that tokens make up the text again.

    min_df : float in [0.0, 1.0] or int, default=1
        Smallest share (float) or number (int) of training documents with a token of the vocabulary.

    max_features : int, default=None
        Maximum vocabulary size: the most frequent tokens are kept. All others become the unknown token, which is never
        generated.

    embedding_dim : int, default=32
        Size of the token embeddings, which are learned; one set of embeddings for each side.

    beam_size : int, default=1
        Number of hypotheses that `predict` keeps at each step: beam search. With 1, it takes the most probable token at
        each step. It may be changed after `fit`.

    max_length : int, default=None
        Maximum number of tokens in a translation. If None, twice that of the longest training target. It may be
        changed after `fit`.

    dropout : float, default=0.0
        Fraction of each layer's inputs that are dropped in training, in the range [0, 1).

    recurrent_dropout : float, default=0.0
        Fraction of the recurrent state that is dropped in training, in the range [0, 1).

    optimizer : str, default="adam"
        Name of a Keras optimizer: "adadelta", "adagrad", "adam", "adamax", "adamw", "ftrl", "lion", "nadam",
        "rmsprop" or "sgd".

    learning_rate : float, default=0.003
        Learning rate of the optimizer, in the first epoch.

    learning_rate_schedule : {"constant", "cosine"}, default="cosine"
        Whether the learning rate is constant, or decays along a cosine to nearly zero over the `epochs` of a fit.

    global_clipnorm : float or None, default=1.0
        Maximum norm of the gradient of all weights together: gradient clipping. If None, gradients are not
        clipped.

    epochs : int, default=10
        Number of passes over the training data; the maximum number with `early_stopping=True`.

    batch_size : int, default=64
        Number of rows, each a pair of texts of about the same length, in a step of the optimizer.

    early_stopping : bool, default=False
        Whether to draw a validation set of pairs at random, stop when the validation loss no longer falls, and restore
        the weights with the lowest one. Pairs with the same text in `X` are all in it, or all in the training set.

    validation_fraction : float, default=0.1
        Fraction of the different texts in `X` in the validation set; only with `early_stopping=True`.

    n_iter_no_change : int, default=5
        Number of epochs without improvement by `tol` to stop after; only with `early_stopping=True`.

    tol : float, default=1e-4
        Fall of the loss that counts as an improvement; only with `early_stopping=True`.

    warm_start : bool, default=False
        Whether `fit` goes on from the fitted network, its vocabularies and its optimizer's state, for another
        `epochs` epochs.

    callbacks : Keras callback, callable, or list of them, default=None
        Callbacks to call in training, each a Keras callback, of which every fit uses a copy, or a callable
        without arguments that makes one, such as a class. A class of your own, or Keras' ``LambdaCallback``, may change
        the model; the next fit of the same network then compiles anew. What a callback saves of its model loads in
        Keras alone, and takes and returns raw values. ``BackupAndRestore`` is refused.

    random_state : int, RandomState instance or None, default=None
        Determines initial weights, the order of rows in each epoch, the validation set, and dropout. Pass an int for
        the same fit in every call and process.

    verbose : int, default=0
        0 is silent, 1 shows one progress bar for all epochs of all networks, with the loss and the time left, and 2
        prints a line an epoch.

    Attributes
    ----------
    source_tokens_, target_tokens_ : TokenSequences
        The fitted tokenizers of `X` and of `y`; ``target_tokens_.vocabulary_`` is the vocabulary of translations.

    n_outputs_ : int
        Number of outputs of the network: one for each token of `y`, one for the unknown token, and one for the
        end of the text.

    n_iter_ : int
        Number of epochs that the network has been trained for.

    history_ : dict of str to list of float
        The cross-entropy in nats per token on the training set (``"loss"``) after each epoch and, with
        `early_stopping=True`, on the validation set (``"val_loss"``), NaN after epochs without a validation set.

    weights_ : list of ndarray, float32
        The network's weights in the order and the shapes of Keras: the encoder's embedding and layers, the layers that
        map the states of the encoder to the decoder, the decoder's embedding and layers, attention, and the output
        layer.

    feature_mean_, feature_scale_ : ndarray of shape (1,)
        Zero and one.

    See Also
    --------
    LSTMTranscriber : Transcribes sequences, such as speech, to texts.
    LSTMTextGenerator : Generates text from a prompt.

    Notes
    -----
    The score of attention is the general one of [3]_, and the decoder starts from the last states of the encoder.
    A batch has texts of about the same length, so there is little padding. A text may be empty, on either side.

    There is no `partial_fit`: the vocabulary must be known when the network is made. To go on with other texts, call
    `fit` with ``warm_start=True``. Tokens that the first fit has not seen are then unknown.

    References
    ----------
    .. [1] I. Sutskever, O. Vinyals and Q. V. Le, "Sequence to sequence learning with neural networks", NIPS, 2014.
    .. [2] D. Bahdanau, K. Cho and Y. Bengio, "Neural machine translation by jointly learning to align and translate",
       ICLR, 2015.
    .. [3] M.-T. Luong, H. Pham and C. D. Manning, "Effective approaches to attention-based neural machine translation",
       EMNLP, 2015.

    Examples
    --------
    >>> from sklstm import LSTMTranslator
    >>> digits = ["one", "two", "three", "four", "five", "six", "seven", "eight", "nine"]
    >>> X = [f"{a} {b}" for a in digits for b in digits]
    >>> y = [f"{a}{b}" for a in range(1, 10) for b in range(1, 10)]
    >>> model = LSTMTranslator(units=32, epochs=60, batch_size=16, learning_rate=0.01, random_state=0).fit(X, y)
    >>> model.predict(["five six", "two two"])
    ['56', '22']
    """

    _parameter_constraints: dict = {
        **BaseLSTM._parameter_constraints,
        "network": [StrOptions({"lstm", "gru"})],
        "attention": ["boolean"],
        "bidirectional": ["boolean"],
        "analyzer": [StrOptions(set(TOKENS)), tuple],
        "min_df": SHARED_CONSTRAINTS["min_df"],
        "max_features": SHARED_CONSTRAINTS["max_features"],
        "embedding_dim": [Interval(Integral, 1, None, closed="left")],
        "beam_size": [Interval(Integral, 1, None, closed="left")],
        "max_length": [Interval(Integral, 1, None, closed="left"), None],
    }
    _parameter_constraints.pop("network_params")

    def __init__(
        self,
        units=128,
        *,
        network="lstm",
        attention=True,
        bidirectional=True,
        analyzer="char",
        min_df=1,
        max_features=None,
        embedding_dim=32,
        beam_size=1,
        max_length=None,
        dropout=0.0,
        recurrent_dropout=0.0,
        optimizer="adam",
        learning_rate=0.003,
        learning_rate_schedule="cosine",
        global_clipnorm=1.0,
        epochs=10,
        batch_size=64,
        early_stopping=False,
        validation_fraction=0.1,
        n_iter_no_change=5,
        tol=1e-4,
        warm_start=False,
        callbacks=None,
        random_state=None,
        verbose=0,
    ):
        self.units = units
        self.network = network
        self.attention = attention
        self.bidirectional = bidirectional
        self.analyzer = analyzer
        self.min_df = min_df
        self.max_features = max_features
        self.embedding_dim = embedding_dim
        self.beam_size = beam_size
        self.max_length = max_length
        self.dropout = dropout
        self.recurrent_dropout = recurrent_dropout
        self.optimizer = optimizer
        self.learning_rate = learning_rate
        self.learning_rate_schedule = learning_rate_schedule
        self.global_clipnorm = global_clipnorm
        self.epochs = epochs
        self.batch_size = batch_size
        self.early_stopping = early_stopping
        self.validation_fraction = validation_fraction
        self.n_iter_no_change = n_iter_no_change
        self.tol = tol
        self.warm_start = warm_start
        self.callbacks = callbacks
        self.random_state = random_state
        self.verbose = verbose

    @fit_context(prefer_skip_nested_validation=True)
    @all_at_once
    def fit(self, X, y, sample_weight=None):
        """Learn from pairs of texts.

        Parameters
        ----------
        X : array-like of str, of shape (n_samples,)
            Texts to translate.

        y : array-like of str, of shape (n_samples,)
            Their translations.

        sample_weight : array-like of shape (n_samples,), default=None
            Weights of the pairs, not negative. A pair of weight zero counts as no pair.

        Returns
        -------
        self : LSTMTranslator
            The fitted estimator.

        Raises
        ------
        ValueError
            If `X` or `y` is no list of strings, they differ in length, or all texts of one of them are empty; and,
            while training, if the loss is no longer finite. The previous fit is kept in all cases.

        Warns
        -----
        UserWarning
            If you interrupt the training (Ctrl-C). The estimator is then fitted with the weights so far, with
            `early_stopping=True` with the best ones. In a search, a cross-validation or an Optuna study, the
            interrupt goes on.
        """
        analyzers = self._analyzers()
        resume = self.warm_start and hasattr(self, "weights_")
        sources, targets = check_texts(X, "X", self), check_texts(y, "y", self)
        check_consistent_length(sources, targets)
        if not resume:
            self.source_tokens_ = self._fit_tokens(sources, analyzers[0], "X")
            self.target_tokens_ = self._fit_tokens(targets, analyzers[1], "y")
        inputs, following = self._encode_pairs(sources, targets)
        if not resume:
            self._longest_target = int(following.lengths.max()) - 1
        return self._fit_network(
            inputs,
            following,
            sample_weight,
            epochs=self.epochs,
            resume=resume,
            early_stopping=self.early_stopping,
            given={"X": sources, "y": targets},
        )

    @of_one_fit
    def predict(self, X):
        """Translate texts.

        Parameters
        ----------
        X : array-like of str, of shape (n_samples,)
            Texts. They may be longer than any in training.

        Returns
        -------
        texts : list of n_samples str
            The best hypotheses of a beam search with `beam_size`.

        Raises
        ------
        NotFittedError
            If the estimator is not fitted.
        ValueError
            If `X` is no list of strings.

        Warns
        -----
        UserWarning
            If translations do not end within `max_length` tokens.
        """
        return [hypotheses[0][0] for hypotheses in self._translate(X, self.beam_size)]

    @of_one_fit
    def predict_n_best(self, X, n_best=5):
        """Return the best translations of each text, with their scores.

        Parameters
        ----------
        X : array-like of str, of shape (n_samples,)
            Texts, as in `predict`.

        n_best : int, default=5
            Largest number of translations of a text: those of a beam search with as many hypotheses, or with
            `beam_size` of them if that is more.

        Returns
        -------
        translations : list of n_samples lists of (str, float)
            Translations from the best to the worst. The float is the mean logarithm of the probability of their tokens,
            the end included: at most zero.

        Raises
        ------
        NotFittedError, ValueError
            As in `predict`, and if `n_best` is no positive integer.

        Warns
        -----
        UserWarning
            As in `predict`.
        """
        check_scalar(n_best, "n_best", Integral, min_val=1)
        return [hypotheses[:n_best] for hypotheses in self._translate(X, max(n_best, self.beam_size))]

    def score(self, X, y, sample_weight=None):
        """Return the fraction of texts that are translated exactly.

        Parameters
        ----------
        X : array-like of str, of shape (n_samples,)
            Texts.

        y : array-like of str, of shape (n_samples,)
            Their true translations.

        sample_weight : array-like of shape (n_samples,), default=None
            Weights of the texts, not negative.

        Returns
        -------
        score : float
            The share of equal strings, from 0 to 1. For longer texts, chrF or BLEU say more.

        Raises
        ------
        NotFittedError, ValueError
            As in `predict`, if `X` and `y` differ in length, or if `sample_weight` has another length, a negative
            weight, or only zeros.
        """
        check_is_fitted(self)
        targets = check_texts(y, "y", self)
        check_consistent_length(check_texts(X, "X", self), targets)
        sample_weight = check_weights(targets, sample_weight)
        are_equal = np.equal(np.array(self.predict(X), object), np.array(targets, object))
        return float(np.average(are_equal.astype(float), weights=sample_weight))

    @of_one_fit
    def attention_weights(self, X):
        """Return the attention weights of each token of a translation on each token of the text.

        Parameters
        ----------
        X : array-like of str, of shape (n_samples,)
            Texts, as in `predict`.

        Returns
        -------
        attention : list of n_samples :class:`~sklearn.utils.Bunch`
            For each text:

            - weights: ndarray of shape (n_written, n_read), float64. Each row sums up to one.
            - written, read: lists of str, the tokens of the translation and of the text. Each ends with "", which
              stands for the end.

        Raises
        ------
        NotFittedError, ValueError
            As in `predict`, and if ``attention=False`` was fitted.

        See Also
        --------
        sklstm.plotting.AttentionDisplay : A picture of it.
        """
        check_is_fitted(self)
        if not self._network["attention"]:
            raise ValueError("The fitted network has no attention. Fit anew with attention=True.")
        texts = check_texts(X, "X", self)
        network, names = EncoderDecoder(self._network_spec(), self.weights_), self._names()
        analyze = self.source_tokens_._vectorizer.build_analyzer()
        found = []
        for text, read, best in zip(texts, self._read(texts), self._search(texts, self.beam_size), strict=True):
            written = best.tokens[0]
            weights = network.attention(np.array(read), np.array([self._end, *written]))
            found.append(
                Bunch(weights=weights, written=[*(names[token] for token in written), ""], read=[*analyze(text), ""])
            )
        return found

    @of_one_fit
    def to_keras(self):
        """Return the fitted network as a compiled Keras model of its own.

        Returns
        -------
        model : keras.Model
            A model from a dict of token numbers to the probabilities of the next token, (n_samples, n_written,
            `n_outputs_`). "windows", of shape (n_samples, n_read, 1), has the numbers of the tokens of the text by
            `source_tokens_`, and ``source_tokens_.n_tokens_`` at the end; "previous", of shape (n_samples, n_written,
            1), has ``target_tokens_.n_tokens_`` and then the tokens written so far. Both are padded behind with NaN.

        Raises
        ------
        NotFittedError
            If the estimator is not fitted.
        """
        check_is_fitted(self)
        return self._to_keras()

    def _translate(self, X, n_beams: int) -> list[list[tuple[str, float]]]:
        """Return the hypotheses of a beam search for each text, from the best to the worst."""
        check_is_fitted(self)
        names = self._names()
        return [
            [
                ("".join(names[token] for token in tokens), score)
                for tokens, score in zip(hypotheses.tokens, hypotheses.scores, strict=True)
            ]
            for hypotheses in self._search(check_texts(X, "X", self), n_beams)
        ]

    def _search(self, texts: list[str], n_beams: int) -> list[Hypotheses]:
        """Search for translations of texts, those of like length at once."""
        read = self._read(texts)
        network = EncoderDecoder(self._network_spec(), self.weights_)
        by_length = np.argsort([len(ids) for ids in read], kind="stable")
        found: dict[int, Hypotheses] = {}
        for some in gen_batches(len(read), ROWS_TO_DECODE):
            rows = by_length[some]
            found |= zip(rows, self._search_at_once(network, [read[row] for row in rows], n_beams), strict=True)
        n_cut = sum(not hypotheses.ended[0] for hypotheses in found.values())
        if n_cut:
            warnings.warn(
                f"{n_cut} of {len(read)} translations were cut at max_length={self._max_tokens()} tokens. Set a larger "
                "max_length, or train for longer.",
                UserWarning,
                stacklevel=5,
            )
        return [found[row] for row in range(len(read))]

    def _search_at_once(self, network: EncoderDecoder, read: list[list[int]], n_beams: int) -> list[Hypotheses]:
        windows = _ragged(read, np.int32, UNKNOWN)
        present = np.arange(windows.n_steps) < windows.lengths[:, np.newaxis]
        encoded, states = network.encode(windows[:][:, :, 0], present)

        def step(tokens, states, encoded):
            logits, states, _ = network.step(tokens, states, encoded)
            logits[:, :, UNKNOWN] = -np.inf  # which has no text
            return logits, states

        return beam_search(
            step, states, encoded, start=self._end, end=self._end, n_beams=n_beams, max_tokens=self._max_tokens()
        )

    def _max_tokens(self) -> int:
        return self.max_length or 2 * self._longest_target

    def _analyzers(self) -> tuple[str, str]:
        """Return the kinds of tokens of `X` and of `y`."""
        analyzers = (self.analyzer, self.analyzer) if isinstance(self.analyzer, str) else self.analyzer
        if len(analyzers) != 2 or not set(analyzers) <= set(TOKENS):
            raise InvalidParameterError(
                f"The 'analyzer' parameter of LSTMTranslator must be one of {sorted(TOKENS)}, or a tuple of one for X "
                f"and one for y. Got {self.analyzer!r} instead."
            )
        return analyzers

    def _fit_tokens(self, texts: list[str], analyzer: str, name: str) -> TokenSequences:
        """Learn the vocabulary of a side."""
        if not any(texts):
            raise ValueError(f"All texts of {name} are empty. Pass at least one text with a token.")
        tokens = TokenSequences(
            token_pattern=TOKENS[analyzer], lowercase=False, min_df=self.min_df, max_features=self.max_features
        )
        return tokens.fit(texts)

    def _encode_pairs(self, sources: list[str], targets: list[str]) -> tuple[dict[str, Ragged], Ragged]:
        """Return what encoder and decoder read, and the tokens that follow what the decoder has read."""
        written, end = list(self.target_tokens_._encode(targets)), self._end
        inputs = {
            WINDOWS: _ragged(self._read(sources), np.float32, np.nan),
            PREVIOUS: _ragged([[end, *ids] for ids in written], np.float32, np.nan),
        }
        return inputs, _ragged([[*ids, end] for ids in written], np.int32, IGNORED_CLASS)

    def _read(self, sources: list[str]) -> list[list[int]]:
        """Return the numbers of the tokens of texts, with that of the end."""
        end = self.source_tokens_.n_tokens_
        return [[*ids, end] for ids in self.source_tokens_._encode(sources)]

    @property
    def _end(self) -> int:
        """Return the number that stands before the first and after the last token of a translation."""
        return self.target_tokens_.n_tokens_

    def _names(self) -> list[str]:
        """Return what is written for each token; nothing for unknown ones."""
        return ["", *self.target_tokens_.vocabulary_]

    def _check_windows_to_inspect(self, X):
        """Return what the encoder reads, padded behind."""
        return _ragged(self._read(check_texts(X, "X", self)), np.float32, np.nan)[:]

    def _network_settings(self):
        return {
            "builder": "encoder_decoder",
            "bidirectional": self.bidirectional,
            "pooling": "none",
            "embedding_dim": self.embedding_dim,
            "attention": self.attention,
        }

    def _network_kind(self):
        return {} if self.network == "lstm" else {"cell": self.network}

    def _input_specs(self):
        shape = (None, 1)
        return (
            InputSpec(WINDOWS, shape, self.source_tokens_.n_tokens_ + 1),
            InputSpec(PREVIOUS, shape, self.n_outputs_),
        )

    def _scales(self):
        scale = super()._scales()[WINDOWS]
        return {WINDOWS: scale, PREVIOUS: scale}

    def _head(self):
        return ClassificationHead(n_outputs=self.n_outputs_)

    def _check_inputs(self, X, y="no_validation", *, reset):
        return X

    def _check_target(self, X, y, *, reset):
        if reset:
            self.n_outputs_ = self.target_tokens_.n_tokens_ + 1
        return y

    def _split_rows(self, sample):
        groups = sample.windows.codes(sample.rows)
        return drawn_groups(sample.rows, groups, self.validation_fraction, self._seed)

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.string = True
        tags.input_tags.two_d_array = False
        tags.input_tags.three_d_array = False
        tags.input_tags.allow_nan = False
        tags.target_tags.required = True
        return tags


def _ragged(sequences: list[list[int]], dtype: type, fill: float) -> Ragged:
    """Return token numbers as sequences of one feature."""
    return Ragged.of([np.reshape(ids, (-1, 1)) for ids in sequences], dtype, fill)
