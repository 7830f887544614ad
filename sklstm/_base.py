"""The base of all estimators: parameters, and the way from sequences to a trained network and back."""

from abc import ABCMeta, abstractmethod
from dataclasses import replace
from math import ceil
from numbers import Integral, Real
from typing import NamedTuple

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.preprocessing import StandardScaler
from sklearn.utils import check_random_state
from sklearn.utils._param_validation import HasMethods, Interval, InvalidParameterError, StrOptions

from ._validation import check_sequences, check_tokens, check_weights, chunks, keeping_earlier_fit, missing_steps

OPTIMIZERS = {"adadelta", "adagrad", "adam", "adamax", "adamw", "ftrl", "lion", "nadam", "rmsprop", "sgd"}


class Sample(NamedTuple):
    """Validated data, and the rows of them that are meant."""

    X: np.ndarray  # (n_samples, n_steps, n_features), missing steps as NaN
    y: np.ndarray  # (n_samples, n_outputs), or (n_samples, n_steps, 1)
    sample_weight: np.ndarray  # (n_samples,)
    rows: np.ndarray


class BaseLSTM(BaseEstimator, metaclass=ABCMeta):
    """An LSTM network as a scikit-learn estimator.

    A subclass says what its target looks like: `_check_target` validates it, `_fit_target` learns what there is to
    know of it before training, and `_encode_target` turns it into what the network learns. And it says how the
    network ends, by the attributes below, of which it may make parameters.

    Everything that training leaves on the estimator is a number, an array, or a list or dict of those. The
    engine, which knows Keras, is imported when it is first used.
    """

    loss: str
    linear_skip = False
    bidirectional = False
    pooling = "last"
    embedding_dim = None
    normalize = False

    _network: dict  # the fitted network's layers, whatever the parameters are by now

    _parameter_constraints: dict = {
        "units": [Interval(Integral, 1, None, closed="left"), list, tuple],
        "dropout": [Interval(Real, 0, 1, closed="left")],
        "recurrent_dropout": [Interval(Real, 0, 1, closed="left")],
        "optimizer": [StrOptions(OPTIMIZERS)],
        "learning_rate": [Interval(Real, 0, None, closed="neither")],
        "learning_rate_schedule": [StrOptions({"constant", "cosine"})],
        "global_clipnorm": [Interval(Real, 0, None, closed="neither"), None],
        "epochs": [Interval(Integral, 1, None, closed="left")],
        "batch_size": [Interval(Integral, 1, None, closed="left")],
        "early_stopping": ["boolean"],
        "validation_fraction": [Interval(Real, 0, 1, closed="neither")],
        "n_iter_no_change": [Interval(Integral, 1, None, closed="left")],
        "tol": [Interval(Real, 0, None, closed="left")],
        "warm_start": ["boolean"],
        "callbacks": [list, tuple, callable, HasMethods("on_epoch_end"), None],
        "random_state": ["random_state"],
        "verbose": ["verbose"],
    }

    def __init__(
        self,
        units,
        *,
        dropout,
        recurrent_dropout,
        optimizer,
        learning_rate,
        learning_rate_schedule,
        global_clipnorm,
        epochs,
        batch_size,
        early_stopping,
        validation_fraction,
        n_iter_no_change,
        tol,
        warm_start,
        callbacks,
        random_state,
        verbose,
    ):
        self.units = units
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

    @abstractmethod
    def _check_target(self, X, y, *, reset):
        """Return the validated target as ``(n_samples, n_outputs)``.

        If `reset`, sets ``n_outputs_``; checks against it otherwise.
        """

    def _fit_target(self, training):
        """Learn what `_encode_target` needs."""

    def _encode_target(self, X, y):
        """Return a validated target as what the network learns."""
        return y

    def _fit_network(self, X, y, sample_weight, *, epochs, resume, early_stopping=False, held_out=None):
        """Train a new network, or resume training the fitted one; on failure leave all as it was.

        Early stopping looks at the rows of `held_out`, a tuple like ``(X, y, sample_weight)``, or else at some of `X`.
        """
        with keeping_earlier_fit(self):
            self._check_network(resume)
            if not resume:
                self._seed = int(check_random_state(self.random_state).randint(np.iinfo(np.int32).max))
            training, validation = self._check_sample(X, y, sample_weight, reset=not resume), None
            if held_out is not None:
                validation = self._check_sample(*held_out, reset=False)
            elif early_stopping:
                training, validation = self._split(training)
            if not resume:
                self._fit_feature_scale(training)
                self._fit_target(training)
            self._train(training, validation, epochs=epochs, resume=resume)
        return self

    def _check_sample(self, X, y, sample_weight, *, reset: bool) -> Sample:
        X = self._check_sequences(X, y, reset=reset)
        y = self._check_target(X, y, reset=reset)
        sample_weight = check_weights(X, sample_weight)
        return Sample(X, y, sample_weight, np.flatnonzero(sample_weight))

    def _check_sequences(self, X, y="no_validation", *, reset: bool) -> np.ndarray:
        X = check_sequences(self, X, y, reset=reset)
        if not self._network["embedding_dim"]:
            return X
        check_tokens(self, X)
        if reset:
            self._n_tokens = 1 + int(np.fmax.reduce(X, axis=None, initial=0))
        return np.where(X >= self._n_tokens, 0, X)

    def _held_out(self, X_val, y_val, sample_weight_val) -> tuple | None:
        if X_val is None and y_val is None and sample_weight_val is None:
            return None
        if y_val is None:
            raise ValueError("X_val or sample_weight_val is provided, but y_val was not provided.")
        if X_val is None:
            raise ValueError("y_val is provided, but X_val was not provided.")
        if not self.early_stopping:
            raise ValueError("X_val and y_val are for early stopping: pass them with early_stopping=True only.")
        return X_val, y_val, sample_weight_val

    def _check_network(self, resume: bool) -> None:
        units = list(self.units) if isinstance(self.units, list | tuple) else [self.units]
        if not units or not all(isinstance(u, int | np.integer) and u >= 1 for u in units):
            raise InvalidParameterError(
                f"The 'units' parameter of {type(self).__name__} must be an int in the range [1, inf) or a "
                f"sequence of such ints. Got {self.units!r} instead."
            )
        network = {
            "units": [int(u) for u in units],
            "bidirectional": bool(self.bidirectional),
            "pooling": self.pooling,
            "embedding_dim": self.embedding_dim,
        }
        if resume and network != self._network:
            raise ValueError(
                f"Training resumes with the fitted network {self._network}, which cannot become {network}. "
                "Fit anew with warm_start=False."
            )
        self._network = network

    def _split(self, sample: Sample) -> tuple[Sample, Sample]:
        """Return what to train and what to validate on."""
        training, validation = self._split_rows(sample)
        return sample._replace(rows=training), sample._replace(rows=validation)

    def _split_rows(self, sample: Sample, gap: int = 0) -> tuple[np.ndarray, np.ndarray]:
        """Return the rows to train on, and the last ones, to validate on, which start `gap` rows later."""
        n_validation = ceil(self.validation_fraction * len(sample.rows))
        training, validation = np.split(sample.rows, [len(sample.rows) - n_validation])
        training = training[: np.searchsorted(training, validation[0] - gap)]
        if not len(training):
            raise ValueError(
                f"With n_samples={len(sample.rows)}, validation_fraction={self.validation_fraction} and a gap of {gap} "
                "row(s), early stopping leaves no row to train on."
            )
        return training, validation

    def _fit_feature_scale(self, training: Sample) -> None:
        """Learn the mean and standard deviation of each feature over the steps that are not missing."""
        X, _, sample_weight, rows = training
        self.feature_mean_, self.feature_scale_ = np.zeros(X.shape[2]), np.ones(X.shape[2])
        if not self.normalize or self.embedding_dim:
            return
        scaler = StandardScaler()
        for chunk in chunks(len(rows), X[0].size):
            windows = X[rows[chunk]]
            present = ~np.isnan(windows).any(axis=2)
            if present.any():
                weight = np.broadcast_to(sample_weight[rows[chunk], np.newaxis], present.shape)
                scaler.partial_fit(windows[present], sample_weight=weight[present])
        if not hasattr(scaler, "mean_"):
            raise ValueError("Input X has a missing value in every step of every row: there is nothing to learn from.")
        self.feature_mean_, self.feature_scale_ = scaler.mean_, scaler.scale_

    def _train(self, training: Sample, validation: Sample | None, *, epochs: int, resume: bool) -> None:
        from . import _engine

        rows, held_out, arrays = self._encoded(training), None, [training.X]
        if validation is not None:
            if validation.sample_weight is training.sample_weight:  # both are rows of the same data
                held_out = replace(rows, index=validation.rows)
            else:
                held_out = self._encoded(validation)
                arrays.append(validation.X)
        trained = _engine.train(
            self._architecture(),
            _engine.Recipe(
                loss=self.loss,
                optimizer=self.optimizer,
                global_clipnorm=self.global_clipnorm,
                dropout=self.dropout,
                recurrent_dropout=self.recurrent_dropout,
                missing=missing_steps(*arrays),
            ),
            rows,
            held_out,
            start=self._trained_network() if resume else None,
            silent=self.linear_skip,
            epochs=epochs,
            batch_size=self.batch_size,
            learning_rate=self.learning_rate,
            schedule=self.learning_rate_schedule,
            patience=self.n_iter_no_change,
            tol=self.tol,
            seed=self._seed,
            callbacks=self._callbacks(),
            verbose=min(int(self.verbose), 2),
        )
        self.weights_ = trained.weights
        self.history_ = trained.history
        self.n_iter_ = len(trained.history["loss"])
        self._optimizer_state = {"optimizer": self.optimizer, "variables": trained.optimizer_state}

    def _encoded(self, sample: Sample):
        from . import _engine

        X, y, sample_weight, rows = sample
        return _engine.Rows(X, self._encode_target(X, y), sample_weight, rows, self.feature_mean_, self.feature_scale_)

    def _callbacks(self) -> list:
        if self.callbacks is None:
            return []
        return list(self.callbacks) if isinstance(self.callbacks, list | tuple) else [self.callbacks]

    def _architecture(self):
        from . import _engine

        return _engine.Architecture(
            n_steps=self.n_steps_in_,
            n_features=len(self.feature_mean_),
            n_outputs=self.n_outputs_,
            units=tuple(self._network["units"]),
            bidirectional=self._network["bidirectional"],
            pooling=self._network["pooling"],
            n_tokens=self._n_tokens if self._network["embedding_dim"] else 0,
            embedding_dim=self._network["embedding_dim"] or 0,
        )

    def _trained_network(self):
        from . import _engine

        state = self._optimizer_state
        return _engine.TrainedNetwork(
            weights=self.weights_,
            optimizer_state=state["variables"] if state["optimizer"] == self.optimizer else None,
            history=self.history_,
        )

    def _network_output(self, X: np.ndarray, **changes) -> np.ndarray:
        """Return the network's output for validated sequences; `changes` are those of its architecture.

        It has the shape ``(n_samples, n_outputs)``, or ``(n_samples, n_steps, n_outputs)`` without pooling.
        """
        from . import _engine

        return _engine.predict(
            replace(self._architecture(), **changes),
            self.weights_,
            X,
            feature_mean=self.feature_mean_,
            feature_scale=self.feature_scale_,
        )

    def _to_keras(self, **output):
        """Return the fitted network as a compiled Keras model, and `output` says what becomes of its outputs."""
        from . import _engine

        return _engine.to_keras(
            self._architecture(),
            self.weights_,
            feature_mean=self.feature_mean_,
            feature_scale=self.feature_scale_,
            loss=self.loss,
            optimizer=self.optimizer,
            learning_rate=self.learning_rate,
            global_clipnorm=self.global_clipnorm,
            **output,
        )

    def __getstate__(self):
        state = super().__getstate__()
        # Unpickling a Keras callback imports Keras, which is for the engine to do: it chooses the backend.
        return {"_engine": _EngineFirst(), **state} if self._callbacks() else state

    def __setstate__(self, state):
        super().__setstate__({name: value for name, value in state.items() if name != "_engine"})

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.three_d_array = True
        tags.input_tags.allow_nan = True
        return tags


class _EngineFirst:
    """Imports the engine when it is unpickled, ahead of what stands after it in a pickle."""

    def __reduce__(self):
        return _import_engine, ()


def _import_engine() -> None:
    from . import _engine  # noqa: F401
