"""The text generator: a language model of characters or words."""

from collections.abc import Iterable, Mapping
from math import fsum, log
from numbers import Integral, Real

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from scipy.special import log_softmax
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted

from .._base.base import BaseLSTM
from .._base.heads import ClassificationHead
from .._compat import Interval, InvalidParameterError, StrOptions, fit_context, validate_params
from .._specs import IGNORED_CLASS, WINDOWS
from .._state import all_at_once, of_one_fit
from .._stepwise.recurrent_network import RecurrentNetwork
from .._stepwise.sampling import Sampling, numbers_by_row
from .._validation import told
from .._windows.arrays import chunks
from .decoding import Decoder, StateDecoder, WindowDecoder, write
from .token_sequences import SHARED_CONSTRAINTS, UNKNOWN, TokenSequences

# By analyzer: the pattern of a token, and what joins tokens to a text.
TOKENS = {"char": (r"(?s).", ""), "word": (r"\w+|[^\w\s]", " ")}

EXPECTED_PROMPT = "The 'prompt' parameter of LSTMTextGenerator.generate must be a str or an iterable of str"


class LSTMTextGenerator(BaseLSTM):
    """Generate text, one character or word at a time, with a long short-term memory (LSTM) network.

    The network is a language model [1]_ [2]_: it predicts the probability of each next token of a document from the
    tokens before it. `generate` samples one token after the other from these probabilities.

    Parameters
    ----------
    units : int or sequence of int, default=128
        Number of units of the LSTM layer; a sequence stacks layers.

    network : {"lstm", "gru"} or callable, default="lstm"
        The layers between the tokens and the output layer.

        - "lstm": LSTM layers.
        - "gru": gated recurrent units instead (Cho et al., 2014).
        - A callable: a function that is called with two symbolic tensors of Keras. The first one, of shape (n_samples,
          n_steps, embedding_dim), has embedded tokens, and zeros at missing steps. The second one, of shape (n_samples,
          n_steps), is a mask that is True at steps that are present. The function returns a tensor of shape (n_samples,
          n_steps, n_numbers), made by Keras layers that do not read later steps. `units`, `dropout` and
          `recurrent_dropout` are passed to parameters of these names. To be pickled, it must be defined at the top
          level of a module.

    network_params : dict, default=None
        Other parameters of the callable: numbers, strings, booleans and lists of them.

    analyzer : {"char", "word"}, default="char"
        Whether tokens are characters, or words and punctuation marks. Capital letters are tokens of their own.

    min_df : float in [0.0, 1.0] or int, default=1
        Smallest share (float) or number (int) of training documents with a token of the vocabulary.

    max_features : int, default=None
        Maximum vocabulary size: the most frequent tokens are kept. All others become the unknown token, which is never
        generated.

    window_size : int, default=50
        Number of tokens in a training window. The hidden and cell states are zero at the start of each window. When
        generating, the states carry over all tokens; a callable `network` reads the last `window_size` tokens.

    embedding_dim : int, default=32
        Size of the token embeddings, which are learned.

    dropout : float, default=0.0
        Fraction of each layer's inputs that are dropped in training, in the range [0, 1).

    recurrent_dropout : float, default=0.0
        Fraction of the recurrent state that is dropped in training, in the range [0, 1).

    optimizer : str, default="adam"
        Name of a Keras optimizer: "adadelta", "adagrad", "adam", "adamax", "adamw", "ftrl", "lion", "nadam",
        "rmsprop" or "sgd".

    learning_rate : float, default=0.01
        Learning rate of the optimizer, in the first epoch.

    learning_rate_schedule : {"constant", "cosine"}, default="cosine"
        Whether the learning rate is constant, or decays along a cosine to nearly zero over the `epochs` of a fit.

    global_clipnorm : float or None, default=1.0
        Maximum norm of the gradient of all weights together: gradient clipping. If None, gradients are not
        clipped.

    epochs : int, default=10
        Number of passes over the training data; the maximum number with `early_stopping=True`.

    batch_size : int, default=8
        Number of rows, each a sequence, in a step of the optimizer.

    early_stopping : bool, default=False
        Whether to use the end of the documents as the validation set, stop training when the validation loss no
        longer falls, and restore the weights with the lowest validation loss.

    validation_fraction : float, default=0.1
        Fraction of the windows in the validation set, the last ones; only with `early_stopping=True`.

    n_iter_no_change : int, default=5
        Number of epochs without improvement by `tol` to stop after; only with `early_stopping=True`.

    tol : float, default=1e-4
        Fall of the loss that counts as an improvement; only with `early_stopping=True`.

    warm_start : bool, default=False
        Whether `fit` goes on from the fitted network, its vocabulary and its optimizer's state, for another
        `epochs` epochs.

    callbacks : Keras callback, callable, or list of them, default=None
        Callbacks to call in training, each a Keras callback, of which every fit uses a copy, or a callable
        without arguments that makes one, such as a class. A class of your own, or Keras' ``LambdaCallback``, may change
        the model; the next fit of the same network then compiles anew. What a callback saves of its model loads in
        Keras alone, and takes and returns raw values. ``BackupAndRestore`` is refused.

    random_state : int, RandomState instance or None, default=None
        Determines initial weights, the order of windows in each epoch, and dropout. Pass an int for the same fit in
        every call and process.

    verbose : int, default=0
        0 is silent, 1 shows one progress bar for all epochs of all networks, with the loss and the time left, and 2
        prints a line an epoch.

    Attributes
    ----------
    tokens_ : TokenSequences
        The fitted tokenizer, which maps documents to sequences of integers; ``tokens_.vocabulary_`` is the vocabulary.

    n_features_in_, n_steps_in_ : int
        Number of tokens in a window.

    n_outputs_ : int
        Number of outputs of the network: one for each token of the vocabulary, and one for the unknown token.

    n_iter_ : int
        Number of epochs that the network has been trained for.

    history_ : dict of str to list of float
        The cross-entropy in nats per token on the training set (``"loss"``) after each epoch and, with
        `early_stopping=True`, on the validation set (``"val_loss"``), NaN after epochs without a validation set.

    weights_ : list of ndarray, float32
        The network's weights in the order of Keras: the embeddings, of shape (n_tokens, embedding_dim), followed
        by the same weights as in :class:`LSTMForecaster`.

    feature_mean_, feature_scale_ : ndarray of shape (1,)
        Zero and one.

    See Also
    --------
    TokenSequences : Turns documents into sequences of integers.
    LSTMTranslator : Translates texts to texts.
    LSTMClassifier : Classifies sequences of tokens.

    References
    ----------
    .. [1] T. Mikolov et al., "Recurrent neural network based language model", Interspeech, 2010.
    .. [2] A. Graves, "Generating sequences with recurrent neural networks", arXiv:1308.0850, 2013.

    Examples
    --------
    >>> from sklstm import LSTMTextGenerator
    >>> model = LSTMTextGenerator(units=16, window_size=10, epochs=30, random_state=0).fit(["so what? " * 100])
    >>> model.generate("so wh", length=9, temperature=0)
    'at? so wh'
    """

    _is_causal = True
    _parameter_constraints: dict = {
        **BaseLSTM._parameter_constraints,
        "network": [StrOptions({"lstm", "gru"}), callable],  # the others have no outputs at each step
        "analyzer": [StrOptions(set(TOKENS))],
        "min_df": SHARED_CONSTRAINTS["min_df"],
        "max_features": SHARED_CONSTRAINTS["max_features"],
        "window_size": [Interval(Integral, 1, None, closed="left")],
        "embedding_dim": [Interval(Integral, 1, None, closed="left")],
    }

    def __init__(
        self,
        units=128,
        *,
        network="lstm",
        network_params=None,
        analyzer="char",
        min_df=1,
        max_features=None,
        window_size=50,
        embedding_dim=32,
        dropout=0.0,
        recurrent_dropout=0.0,
        optimizer="adam",
        learning_rate=0.01,
        learning_rate_schedule="cosine",
        global_clipnorm=1.0,
        epochs=10,
        batch_size=8,
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
        self.network_params = network_params
        self.analyzer = analyzer
        self.min_df = min_df
        self.max_features = max_features
        self.window_size = window_size
        self.embedding_dim = embedding_dim
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
    def fit(self, X, y=None):
        """Learn from documents.

        Parameters
        ----------
        X : iterable of str
            Documents. The network learns to predict each token after the first one of a document.

        y : None
            Ignored.

        Returns
        -------
        self : LSTMTextGenerator
            The fitted estimator.

        Raises
        ------
        ValueError
            If `X` is a single string, holds what is no document, or no document with two tokens; and, while
            training, if the loss is no longer finite. The previous fit is kept in all cases.

        Warns
        -----
        UserWarning
            If you interrupt the training (Ctrl-C). The estimator is then fitted with the weights so far, with
            `early_stopping=True` with the best ones. In a search, a cross-validation or an Optuna study, the
            interrupt goes on.
        """
        resume = self.warm_start and hasattr(self, "weights_")
        documents = check_documents(X)
        if not resume:
            token_pattern, self._separator = TOKENS[self.analyzer]
            self.tokens_ = TokenSequences(
                token_pattern=token_pattern, lowercase=False, min_df=self.min_df, max_features=self.max_features
            ).fit(documents)
        inputs, targets = self._windows(documents)
        return self._fit_network(
            inputs,
            targets,
            None,
            epochs=self.epochs,
            resume=resume,
            early_stopping=self.early_stopping,
            given={"X": documents, "y": y},
        )

    @validate_params(
        {
            "length": [Interval(Integral, 0, None, closed="left")],
            "temperature": [Interval(Real, 0, None, closed="left")],
            "top_k": [Interval(Integral, 1, None, closed="left"), None],
            "top_p": [Interval(Real, 0, 1, closed="right"), None],
            "random_state": ["random_state"],
        },
        prefer_skip_nested_validation=True,
    )
    @of_one_fit
    def generate(self, prompt="", length=100, *, temperature=1.0, top_k=None, top_p=None, random_state=None):
        """Generate the continuation of a prompt, or of several prompts at once.

        Parameters
        ----------
        prompt : str or iterable of str, default=""
            The text to write on from, or several texts, which together take less time than one by one. All tokens
            of it count; with a network of your own, the last `window_size` ones. Without a prompt, the network draws
            the first token, which it was not trained to predict.

        length : int, default=100
            Number of tokens to write.

        temperature : float, default=1.0
            What the network's outputs are divided by before tokens are drawn with the probabilities that follow from
            them. Below 1, probable tokens become more so; 0 always takes the most probable one.

        top_k : int, default=None
            Number of most probable tokens to draw from. If None, tokens are drawn from all.

        top_p : float in (0.0, 1.0], default=None
            Tokens are drawn from the smallest set of most probable tokens whose probability reaches `top_p`: nucleus
            sampling [1]_. The set has at least one token. If None, tokens are drawn from all. Probabilities are
            those at `temperature`, and among the `top_k` tokens if both are given.

        random_state : int, RandomState instance or None, default=None
            Determines what is drawn. Pass an int for the same text in every call and process. Each of several prompts
            has random numbers of its own, which follow from `random_state` and from its place. So its text does not
            depend on the other prompts, and the first prompt has the same text as alone.

        Returns
        -------
        text : str or list of str
            What follows the prompt: `length` tokens, joined by a space if they are words. If `prompt` is not a
            string, a list with the text for each prompt.

        Raises
        ------
        NotFittedError
            If the estimator is not fitted.
        ValueError
            If a parameter is out of range or of another type, or `prompt` holds what is no string.

        References
        ----------
        .. [1] A. Holtzman et al., "The curious case of neural text degeneration", ICLR, 2020.
        """
        prompts = check_prompts(prompt)
        check_is_fitted(self)
        sampling = Sampling(temperature, top_k, top_p, excluded=UNKNOWN)  # which has no name
        numbers = numbers_by_row(check_random_state(random_state), len(prompts), length)
        written = write(
            self._decoder(len(prompts)),
            self._encode(prompts),
            length,
            lambda logits, place: sampling.draw(logits, numbers[:, place]),
        )
        names = [None, *self.tokens_.vocabulary_]
        texts = [self._separator.join(names[token] for token in tokens) for tokens in written]
        return texts[0] if isinstance(prompt, str) else texts

    def score(self, X, y=None):
        """Return the negative of `bits_per_token`, so that higher is better.

        Parameters
        ----------
        X : iterable of str
            Documents.

        y : None
            Ignored.

        Returns
        -------
        score : float
            The mean logarithm to base 2 of the probability that the network gave to a token.
        """
        return -self.bits_per_token(X)

    @of_one_fit
    def bits_per_token(self, X):
        """Return the cross-entropy of documents in bits per token: bits per character, or per word.

        Parameters
        ----------
        X : iterable of str
            Documents. Each token but the first of a document is predicted from at least half of `window_size` tokens
            before it, or from all that there are.

        Returns
        -------
        bits : float
            The cross-entropy, to base 2. Two to the power of it is the perplexity. All tokens that are not in the
            vocabulary count as one and the same.

        Raises
        ------
        NotFittedError
            If the estimator is not fitted.
        ValueError
            If `X` is a single string, holds what is no document, or no document with two tokens.
        """
        check_is_fitted(self)
        stride = -(-self.n_steps_in_ // 2)
        inputs, targets = self._windows(check_documents(X), stride)
        nats = []
        for chunk in chunks(len(inputs), self.n_steps_in_ * self.n_outputs_):
            logits = self._network_output({WINDOWS: inputs[chunk, :, np.newaxis]})[:, -stride:]
            following = targets[chunk, -stride:]
            present = following != IGNORED_CLASS
            logits, following = logits[present], following[present]
            nats.extend(-log_softmax(logits, axis=1)[np.arange(len(following)), following])
        return fsum(nats) / len(nats) / log(2)  # whatever the order of documents

    def _check_windows_to_inspect(self, X):
        """Return whole documents, with missing steps before those that are shorter than others."""
        documents = self._encode(check_documents(X))
        n_steps = max(map(len, documents), default=0)
        if n_steps == 0:
            raise ValueError("Found no document with a token. Pass at least one that is not empty.")
        windows = np.full((len(documents), n_steps, 1), np.nan)
        for window, tokens in zip(windows, documents, strict=True):
            window[len(window) - len(tokens) :, 0] = tokens
        return windows

    def _encode(self, documents: list[str]) -> list[list[int]]:
        return list(self.tokens_._encode(documents))

    def _windows(self, documents: list[str], stride: int | None = None) -> tuple[np.ndarray, np.ndarray]:
        """Return windows of tokens, and the token that follows each of them; every `stride`-th, one after the other.

        The last window of a document ends with it, and what is missing before the first token has no token to follow.
        """
        size = self.window_size if stride is None else self.n_steps_in_
        stride = stride or size
        inputs, targets = [], []
        for tokens in self._encode(documents):
            if len(tokens) < 2:
                continue
            n_missing = (1 - len(tokens)) % stride + size - stride
            known, following = np.full((2, n_missing + len(tokens) - 1), [[np.nan], [IGNORED_CLASS]])
            known[n_missing:], following[n_missing:] = tokens[:-1], tokens[1:]
            inputs.append(sliding_window_view(known, size)[::stride])
            targets.append(sliding_window_view(following, size)[::stride])
        if not inputs:
            raise ValueError("Found no document with two tokens, a token and the next one. Pass longer documents.")
        return np.concatenate(inputs), np.concatenate(targets).astype(np.int32)

    def _decoder(self, n_rows: int) -> Decoder:
        """Return what reads so many rows token by token."""
        spec = self._network_spec()
        if spec.custom is None:
            (weights,) = self._network_weights()
            network = RecurrentNetwork.from_weights(spec.cell, len(spec.units), weights, reads_tokens=True)
            return StateDecoder(network, n_rows)
        return WindowDecoder(
            lambda windows: self._network_output({WINDOWS: windows}, last_step=True), n_rows, self.n_steps_in_
        )

    def _network_settings(self):
        return {"pooling": "none", "embedding_dim": self.embedding_dim}

    def _head(self):
        return ClassificationHead(n_outputs=self.n_outputs_)

    def _check_target(self, X, y, *, reset):
        if reset:
            self.n_outputs_ = self._n_tokens = self.tokens_.n_tokens_  # a token may stand at the end only
        return y[:, :, np.newaxis]

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.string = True
        tags.input_tags.two_d_array = False
        tags.input_tags.three_d_array = False
        tags.input_tags.allow_nan = False
        return tags


def check_documents(X) -> list[str]:
    """Return documents as a list."""
    if isinstance(X, str):
        raise ValueError("Iterable over raw text documents expected, string object received.")
    if isinstance(X, Mapping) or getattr(X, "ndim", 1) != 1:  # of which iteration gives the names
        raise ValueError(f"X should be a list of documents, got {told(X)} instead.")
    documents = list(X)
    for document in documents:
        if not isinstance(document, str):
            raise ValueError(f"{document!r} is an invalid document, expected a string.")
    return documents


def check_prompts(prompt) -> list[str]:
    """Return one prompt or several ones as a list."""
    if isinstance(prompt, str):
        return [prompt]
    is_list = isinstance(prompt, Iterable) and not isinstance(prompt, bytes | Mapping)
    if not is_list or getattr(prompt, "ndim", 1) != 1:
        raise InvalidParameterError(f"{EXPECTED_PROMPT}. Got {prompt!r} instead.")
    prompts = list(prompt)
    for i, text in enumerate(prompts):
        if not isinstance(text, str):
            raise InvalidParameterError(f"{EXPECTED_PROMPT}. Got {text!r} at place {i} instead.")
    return prompts
