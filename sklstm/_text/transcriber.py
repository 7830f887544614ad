"""The transcriber: from sequences of features, such as those of speech, to text."""

from collections.abc import Iterator
from numbers import Integral

import numpy as np
from scipy.special import log_softmax
from sklearn.utils import check_consistent_length
from sklearn.utils.validation import check_is_fitted

from .._base.base import BaseLSTM
from .._base.heads import TranscriptionHead
from .._base.splitting import drawn_rows
from .._compat import Interval, StrOptions, fit_context
from .._specs import IGNORED_CLASS, WINDOWS, InputSpec
from .._state import all_at_once, of_one_fit
from .._stepwise.ctc import BLANK, best_path, min_steps, prefix_beam_search
from .._stepwise.recurrent_network import RecurrentNetwork
from .._validation import check_feature_sequences, check_texts
from .._windows.arrays import chunks, standardise
from .._windows.ragged import Ragged, padded_length
from ..metrics import character_error_rate


class LSTMTranscriber(BaseLSTM):
    """Transcribe sequences, such as speech, with a long short-term memory (LSTM) network.

    The network reads a sequence of features, and says at each step which character it hears, or none. Nothing tells in
    training where in a sequence a character is: connectionist temporal classification (CTC) adds up the probabilities
    of all places that make up the text [1]_.

    Parameters
    ----------
    units : int or sequence of int, default=(64, 64)
        Number of units of the LSTM layer; a sequence stacks layers.

    network : {"lstm", "gru"}, default="lstm"
        Whether the layers are of LSTM units, or of gated recurrent units (Cho et al., 2014).

    bidirectional : bool, default=True
        Whether the network also reads from the end to the start, by as many units again. A network that only reads
        forward is less accurate, and can transcribe a recording while it goes on: see `stream`.

    normalize : bool, default=True
        Whether to standardise each feature by its mean and standard deviation over all steps of the training rows.

    beam_size : int, default=1
        Number of prefixes that `predict` keeps at each step: prefix beam search [2]_. With 1, it takes the most
        probable output at each step, which is faster. It may be changed after `fit`.

    dropout : float, default=0.4
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

    epochs : int, default=20
        Number of passes over the training data; the maximum number with `early_stopping=True`.

    batch_size : int, default=32
        Number of rows, each a sequence and of about the same length, in a step of the optimizer.

    early_stopping : bool, default=False
        Whether to draw a validation set at random, stop when the validation loss no longer falls, and restore the
        weights with the lowest one.

    validation_fraction : float, default=0.1
        Fraction of the rows in the validation set; only with `early_stopping=True`.

    n_iter_no_change : int, default=5
        Number of epochs without improvement by `tol` to stop after; only with `early_stopping=True`.

    tol : float, default=1e-4
        Fall of the loss that counts as an improvement; only with `early_stopping=True`.

    warm_start : bool, default=False
        Whether `fit` goes on from the fitted network, its characters and its optimizer's state, for another `epochs`
        epochs.

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
    characters_ : list of str
        The characters of the training texts, in alphabetical order.

    n_features_in_ : int
        Number of features at each step.

    n_outputs_ : int
        Number of outputs of the network at each step: one for the blank, and then one for each character.

    n_iter_ : int
        Number of epochs that the network has been trained for.

    history_ : dict of str to list of float
        The mean negative log-likelihood of a text in nats, the CTC loss, on the training set (``"loss"``) after each
        epoch and, with `early_stopping=True`, on the validation set (``"val_loss"``), NaN after epochs without a
        validation set.

    weights_ : list of ndarray, float32
        The network's weights in the order and the shapes of Keras, as in :class:`LSTMForecaster`.

    feature_mean_, feature_scale_ : ndarray of shape (`n_features_in_`,)
        Mean and standard deviation of each feature; zeros and ones without `normalize`.

    See Also
    --------
    LogMelSpectrogram : Makes log mel features of recordings.
    LSTMTranslator : Translates texts to texts.
    sklstm.metrics.character_error_rate : Computes the error rate; `score` is one minus this rate.

    Notes
    -----
    Steps with a missing value (NaN) are dropped, wherever they stand. A batch has sequences of about the same length,
    so there is little padding. A text of n characters needs at least n steps, and one more between two equal ones.

    There is no `partial_fit`: the characters must be known when the network is made. To go on with other rows, call
    `fit` with ``warm_start=True``.

    References
    ----------
    .. [1] A. Graves, S. Fernández, F. Gomez and J. Schmidhuber, "Connectionist temporal classification: labelling
       unsegmented sequence data with recurrent neural networks", ICML, 2006.
    .. [2] A. Hannun, A. Maas, D. Jurafsky and A. Ng, "First-pass large vocabulary continuous speech recognition using
       bi-directional recurrent DNNs", arXiv:1408.2873, 2014.

    Examples
    --------
    Tones of three heights, of different length, with pauses between them:

    >>> import numpy as np
    >>> from sklstm import LSTMTranscriber
    >>> rng = np.random.default_rng(0)
    >>> y = ["".join(rng.choice(list("abc"), size=rng.integers(1, 5))) for _ in range(100)]
    >>> def play(text):
    ...     tones = [np.repeat([0, ord(tone) - 96], rng.integers(1, 4, size=2)) for tone in text]
    ...     return np.concatenate([*tones, [0]]).reshape(-1, 1) + 0.1 * rng.standard_normal()
    >>> X = [play(text) for text in y]
    >>> model = LSTMTranscriber(units=8, dropout=0.0, epochs=40, batch_size=8, learning_rate=0.02, random_state=0)
    >>> model = model.fit(X, y)
    >>> model.predict([play("abba"), play("c")])
    ['abba', 'c']
    """

    _parameter_constraints: dict = {
        **BaseLSTM._parameter_constraints,
        "network": [StrOptions({"lstm", "gru"})],
        "bidirectional": ["boolean"],
        "normalize": ["boolean"],
        "beam_size": [Interval(Integral, 1, None, closed="left")],
    }
    _parameter_constraints.pop("network_params")

    def __init__(
        self,
        units=(64, 64),
        *,
        network="lstm",
        bidirectional=True,
        normalize=True,
        beam_size=1,
        dropout=0.4,
        recurrent_dropout=0.0,
        optimizer="adam",
        learning_rate=0.003,
        learning_rate_schedule="cosine",
        global_clipnorm=1.0,
        epochs=20,
        batch_size=32,
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
        self.bidirectional = bidirectional
        self.normalize = normalize
        self.beam_size = beam_size
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
        """Learn from sequences and their texts.

        Parameters
        ----------
        X : list of n_samples array-like of shape (n_steps, n_features), or ndarray of shape (n_samples, n_steps, \
                n_features)
            Sequences of any lengths. Missing steps, such as those behind a shorter sequence in an array, are NaN.

        y : array-like of str, of shape (n_samples,)
            The text of each sequence.

        sample_weight : array-like of shape (n_samples,), default=None
            Weights of the rows, not negative. A row of weight zero is ignored.

        Returns
        -------
        self : LSTMTranscriber
            The fitted estimator.

        Raises
        ------
        ValueError
            If the data are not as described, a text needs more steps than its sequence has, or all texts are empty;
            and, while training, if the loss is no longer finite. The previous fit is kept in all cases.

        Warns
        -----
        UserWarning
            If you interrupt the training (Ctrl-C). The estimator is then fitted with the weights so far, with
            `early_stopping=True` with the best ones. In a search, a cross-validation or an Optuna study, the
            interrupt goes on.
        """
        resume = self.warm_start and hasattr(self, "weights_")
        sequences, texts = check_feature_sequences(self, X, reset=not resume), check_texts(y, "y", self)
        check_consistent_length(sequences, texts)
        if not resume:
            if not any(texts):
                raise ValueError("All texts of y are empty. Pass at least one text with a character.")
            self.characters_ = sorted(set().union(*texts))
        targets = self._encode(texts, sequences.lengths)
        return self._fit_network(
            {WINDOWS: sequences},
            targets,
            sample_weight,
            epochs=self.epochs,
            resume=resume,
            early_stopping=self.early_stopping,
            given={"X": X, "y": texts},
        )

    @of_one_fit
    def to_keras(self):
        """Return the fitted network as a compiled Keras model of its own.

        Returns
        -------
        model : keras.Model
            A model from sequences, of shape (n_samples, n_steps, `n_features_in_`), padded with NaN, to the
            probabilities of the outputs at each step, of shape (n_samples, n_steps, `n_outputs_`): the blank, then the
            `characters_`.

        Raises
        ------
        NotFittedError
            If the estimator is not fitted.
        """
        check_is_fitted(self)
        return self._to_keras()

    @of_one_fit
    def predict(self, X):
        """Transcribe sequences.

        Parameters
        ----------
        X : list of n_samples array-like of shape (n_steps, n_features), or ndarray of shape (n_samples, n_steps, \
                n_features)
            Sequences, as in `fit`.

        Returns
        -------
        texts : list of n_samples str
            Their texts.

        Raises
        ------
        NotFittedError
            If the estimator is not fitted.
        ValueError
            If `X` is not as described, or has another number of features than in `fit`.
        """
        check_is_fitted(self)
        sequences = check_feature_sequences(self, X, reset=False)
        texts = [""] * len(sequences)
        for row, logits in self._logits(sequences):
            if self.beam_size == 1:
                labels = best_path(logits)
            else:
                labels, _ = prefix_beam_search(log_softmax(logits, axis=1), self.beam_size)
            texts[row] = self._decode(labels)
        return texts

    def score(self, X, y, sample_weight=None):
        """Return one minus the character error rate.

        Parameters
        ----------
        X : list of n_samples array-like of shape (n_steps, n_features), or ndarray of shape (n_samples, n_steps, \
                n_features)
            Sequences, as in `fit`.

        y : array-like of str, of shape (n_samples,)
            Their true texts.

        sample_weight : array-like of shape (n_samples,), default=None
            Weights of the rows.

        Returns
        -------
        score : float
            At most 1; 0 for a transcriber that writes nothing.

        Raises
        ------
        NotFittedError, ValueError
            As in `predict`, and as in :func:`~sklstm.metrics.character_error_rate`.
        """
        check_is_fitted(self)
        texts = check_texts(y, "y", self)
        return 1 - character_error_rate(texts, self.predict(X), sample_weight=sample_weight)

    @of_one_fit
    def stream(self):
        """Return a stream that transcribes a sequence part by part, in constant memory.

        Returns
        -------
        stream : TranscriptionStream
            Its method ``push(steps)`` takes the next steps of one sequence, an array-like of shape (n_steps,
            n_features), and returns the text that they add. All texts together are what `predict` with
            ``beam_size=1`` returns for the whole sequence.

        Raises
        ------
        NotFittedError
            If the estimator is not fitted.
        ValueError
            If the fitted network is bidirectional: it reads a sequence from its end, too, which is yet to come.

        Examples
        --------
        >>> import numpy as np
        >>> from sklstm import LSTMTranscriber
        >>> rng = np.random.default_rng(0)
        >>> X = [np.repeat(rng.integers(0, 2, size=6), 3).reshape(-1, 1) for _ in range(60)]
        >>> y = ["x" * int((np.diff(x[:, 0], prepend=0) > 0).sum()) for x in X]
        >>> model = LSTMTranscriber(
        ...     units=8, bidirectional=False, dropout=0.0, epochs=60, batch_size=8, learning_rate=0.02, random_state=0
        ... )
        >>> stream = model.fit(X, y).stream()
        >>> [stream.push([[0], [0]]), stream.push([[1], [1], [1], [0], [0], [0]])]
        ['', 'x']
        """
        check_is_fitted(self)
        if self._network["bidirectional"]:
            raise ValueError(
                "A bidirectional network reads a sequence from its end, too. Fit with bidirectional=False to "
                "transcribe one that goes on."
            )
        return TranscriptionStream(self)

    def _logits(self, sequences: Ragged) -> Iterator[tuple[int, np.ndarray]]:
        """Yield each row with the network's outputs at its steps."""
        n_steps = padded_length(sequences.lengths)
        for length in np.unique(n_steps):
            rows = np.flatnonzero(n_steps == length)
            padded = sequences.with_steps(int(length))
            for chunk in chunks(len(rows), int(length) * max(self.n_features_in_, self.n_outputs_)):
                outputs = self._network_output({WINDOWS: padded[rows[chunk]]})
                for row, logits in zip(rows[chunk], outputs, strict=True):
                    yield row, logits[: sequences.lengths[row]]

    def _encode(self, texts: list[str], n_steps: np.ndarray) -> Ragged:
        """Return for each row the number of its steps, and the labels of its text."""
        labels = {character: label for label, character in enumerate(self.characters_, BLANK + 1)}
        encoded = []
        for row, (text, available) in enumerate(zip(texts, n_steps, strict=True)):
            unknown = sorted(set(text) - labels.keys())
            if unknown:
                raise ValueError(f"y[{row}] has the characters {unknown}, which no text of the first fit has.")
            of_text = np.array([labels[character] for character in text], dtype=np.int32)
            if min_steps(of_text) > available:
                raise ValueError(
                    f"y[{row}] has {len(text)} characters, for which X[{row}] needs at least {min_steps(of_text)} "
                    f"steps: one for each, and one between equal ones next to each other. It has {available}."
                )
            encoded.append([available, *of_text])
        return Ragged.of(encoded, np.int32, IGNORED_CLASS)

    def _decode(self, labels: list[int]) -> str:
        return "".join(self.characters_[label - BLANK - 1] for label in labels)

    def _network_settings(self):
        return {"bidirectional": self.bidirectional, "pooling": "none"}

    def _network_kind(self):
        return {} if self.network == "lstm" else {"cell": self.network}

    def _input_specs(self):
        return (InputSpec(WINDOWS, (None, self.n_features_in_)),)

    def _head(self):
        return TranscriptionHead(n_outputs=self.n_outputs_)

    def _check_inputs(self, X, y="no_validation", *, reset):
        return X

    def _check_windows_to_inspect(self, X):
        """Return sequences without missing steps, padded behind."""
        return check_feature_sequences(self, X, reset=False)[:]

    def _check_target(self, X, y, *, reset):
        if reset:
            self.n_outputs_ = len(self.characters_) + 1
        return y

    def _split_rows(self, sample):
        return drawn_rows(sample.rows, None, self.validation_fraction, self._seed)

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.two_d_array = False
        tags.target_tags.required = True
        return tags


class TranscriptionStream:
    """A sequence that is transcribed while it goes on.

    Parameters
    ----------
    transcriber : LSTMTranscriber
        A fitted transcriber that reads forward only. A later fit of it does not change the stream.
    """

    def __init__(self, transcriber: LSTMTranscriber):
        spec = transcriber._network_spec()
        self._transcriber = transcriber
        self._network = RecurrentNetwork.from_weights(
            spec.cell, len(spec.units), transcriber.weights_, reads_tokens=False
        )
        self._states = self._network.initial_states(1)
        self._last_output = BLANK

    def push(self, steps) -> str:
        """Read the next steps of the sequence.

        Parameters
        ----------
        steps : array-like of shape (n_steps, n_features)
            The steps. Those with a missing value (NaN) are dropped.

        Returns
        -------
        text : str
            The text that they add.

        Raises
        ------
        ValueError
            If `steps` has another number of features than in `fit`, or no step.
        """
        sequence = check_feature_sequences(self._transcriber, [steps], reset=False)[:]
        outputs = []
        for step in standardise(sequence, self._transcriber._scales()[WINDOWS])[0]:
            self._states = self._network.step(step[np.newaxis], self._states)
            outputs.append(self._network.outputs(self._states)[0])
        labels = best_path(np.array(outputs), before=self._last_output)
        self._last_output = int(np.argmax(outputs[-1]))
        return self._transcriber._decode(labels)
