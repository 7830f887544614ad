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
from .._validation import check_feature_sequences, check_texts
from .._windows.arrays import chunks
from .._windows.ragged import Ragged, padded_length
from ..metrics import character_error_rate


class LSTMTranscriber(BaseLSTM):
    """Doc."""

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
        units=128,
        *,
        network="lstm",
        bidirectional=True,
        normalize=True,
        beam_size=1,
        dropout=0.0,
        recurrent_dropout=0.0,
        optimizer="adam",
        learning_rate=0.003,
        learning_rate_schedule="cosine",
        global_clipnorm=1.0,
        epochs=30,
        batch_size=16,
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
        """Doc."""
        resume = self.warm_start and hasattr(self, "weights_")
        sequences, texts = check_feature_sequences(self, X, reset=not resume), check_texts(y, "y", self)
        check_consistent_length(sequences, texts)
        if not resume:
            self.characters_ = sorted(set().union(*texts))
        targets = self._encode(texts, sequences.lengths)
        return self._fit_network(
            {WINDOWS: sequences},
            targets,
            sample_weight,
            epochs=self.epochs,
            resume=resume,
            early_stopping=self.early_stopping,
        )

    @of_one_fit
    def predict(self, X):
        """Doc."""
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
        """Doc."""
        return 1 - character_error_rate(y, self.predict(X), sample_weight=sample_weight)

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

    def _check_target(self, X, y, *, reset):
        if reset:
            self.n_outputs_ = len(self.characters_) + 1
        return y

    def _split_rows(self, sample):
        return drawn_rows(sample.rows, None, self.validation_fraction, self._seed)
