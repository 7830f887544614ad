"""The base of all LSTM estimators: the order of events in fit and predict."""

import importlib
import inspect
import warnings
from abc import ABCMeta, abstractmethod
from collections.abc import Sequence
from itertools import zip_longest
from numbers import Integral, Real
from typing import Any

import numpy as np
from sklearn.utils import check_random_state, check_scalar
from sklearn.utils.validation import check_is_fitted

from .._compat import HasMethods, Interval, InvalidParameterError, StrOptions
from .._inspection.gates import Read, Selection, cell_of_layer, gates, layers_of, recurrent_layer, select
from .._specs import (
    WINDOWS,
    CustomNetwork,
    InputSpec,
    LSTMLayer,
    MissingSteps,
    NetworkSpec,
    Run,
    Sample,
    Scale,
    StepSpec,
    TrainedNetwork,
    TrainingSpec,
    Watcher,
)
from .._state import VersionedEstimator, of_one_fit
from .._stepwise.cells import LSTMCell
from .._validation import check_network_params, check_sequences, check_tokens, check_weights, warn_of_table
from .._windows.arrays import chunks, missing_steps, rows_with_weight
from .._windows.windows import steps_of
from .heads import Head
from .progress import FitTasks
from .scaling import feature_scale, unit_scale, warn_of_masked_steps, warn_of_windows_without_steps
from .splitting import Split, last_rows, training_rows

ENGINE = "sklstm._engine"
OPTIMIZERS = {"adadelta", "adagrad", "adam", "adamax", "adamw", "ftrl", "lion", "nadam", "rmsprop", "sgd"}


class BaseLSTM(VersionedEstimator, metaclass=ABCMeta):
    """An LSTM network as a scikit-learn estimator.

    A subclass assigns its parameters, validates its target, and says by `_network_settings` and `_head` what its
    network looks like and how it ends.

    Everything that training leaves on the estimator is a number, an array, or a list or dict of those. The
    engine, which imports Keras, is imported when it is first used.
    """

    _is_causal = False  # whether outputs at a step must not depend on later steps
    _network: dict  # the fitted network's settings, whatever the parameters are by now
    _n_networks: int  # that are fitted
    history_: dict[str, list[float]]
    n_iter_: int

    _parameter_constraints: dict = {
        "units": [Interval(Integral, 1, None, closed="left"), list, tuple],
        "network": [StrOptions({"lstm", "gru", "conv_lstm", "lstm_fcn"}), callable],
        "network_params": [dict, None],
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

    @abstractmethod
    def _network_settings(self) -> dict[str, Any]:
        """Return fields of `NetworkSpec` by the parameters, besides those that the data and `units` decide.

        If there may be several networks, their number is among them, as `n_networks`; if outputs mean quantiles, their
        levels, as `quantiles`.
        """

    @abstractmethod
    def _check_target(self, X, y, *, reset: bool) -> np.ndarray:
        """Return the validated target as numbers, of the shape of `Sample.y`.

        If `reset`, sets ``n_outputs_``; checks against it otherwise.
        """

    def _fit_head(self, sample: Sample, rows: np.ndarray, *, validates: bool) -> None:
        """Learn what `_head` needs of the target from the rows that any network trains on."""

    @abstractmethod
    def _head(self) -> Head:
        """Return the head of the fitted network."""

    def _fit_network(self, X, y, sample_weight, *, epochs, resume, early_stopping=False, held_out=None, given=None):
        """Train a new network, or resume training the fitted one.

        Early stopping validates on `held_out`, a tuple like ``(X, y, sample_weight)``, or else on some rows of `X`.
        scikit-learn's callbacks see what the user has `given`: these `X` and `y`, or others that they were made of.
        """
        given = {"X": X, "y": y} if given is None else given
        if sample_weight is not None:
            given = given | {"metadata": {"sample_weight": sample_weight}}
        self._check_network(resume)
        if not resume:
            self._seed = int(check_random_state(self.random_state).randint(np.iinfo(np.int32).max))
        sample = self._check_sample(X, y, sample_weight, reset=not resume)
        if held_out is not None:
            held_out = self._check_sample(*held_out, reset=False)
        sample, held_out = self._weigh_rows(sample, held_out)
        splits = self._splits(sample, validates=early_stopping and held_out is None)
        if not resume:
            rows = training_rows(splits)
            self._fit_scale(sample, rows)
            self._fit_head(sample, rows, validates=early_stopping)
            warn_of_masked_steps(sample.windows, rows)
        missing = missing_steps(*(data.windows for data in (sample, held_out) if data is not None))
        encode = self._head().encode
        encoded = sample._replace(y=encode(sample))
        if held_out is not None:
            held_out = held_out._replace(y=encode(held_out))
        runs = [
            Run(
                encoded._replace(rows=split.training),
                held_out if split.validation is None else encoded._replace(rows=split.validation),
            )
            for split in splits
        ]
        if resume:
            runs = runs[: self._n_networks]  # fewer after an interrupt
        epochs = self._n_epochs(runs, epochs)
        tasks = FitTasks(self, given, len(runs), epochs)
        self._train(runs, missing, epochs=epochs, resume=resume, watchers=tasks.watchers())
        tasks.end()
        return self

    def _check_network(self, resume: bool) -> None:
        """Set the settings of the network, or check that the parameters still have those of the fitted one."""
        units = list(self.units) if isinstance(self.units, list | tuple) else [self.units]
        if not units or not all(isinstance(u, int | np.integer) and u >= 1 for u in units):
            raise InvalidParameterError(
                f"The 'units' parameter of {type(self).__name__} must be an int in the range [1, inf) or a "
                f"sequence of such ints. Got {self.units!r} instead."
            )
        network = {"units": [int(u) for u in units], **self._network_settings(), **self._network_kind()}
        if resume and network != self._network:
            raise ValueError(
                f"Training resumes with the fitted network {self._network}, which cannot become {network}. "
                "Fit anew with warm_start=False."
            )
        self._network = network

    def _network_kind(self) -> dict[str, Any]:
        """Return fields of `NetworkSpec` by the parameters `network` and `network_params`."""
        network = self._network_or_default()
        if network not in ("lstm", "gru"):
            if self._network_settings().get("pooling") in ("mean", "max"):
                raise ValueError(
                    f"pooling={self.pooling!r} is for network='lstm' and 'gru'. Other networks pool by themselves."
                )
            if self._network_settings().get("pooling") == "none" and network in ("conv_lstm", "lstm_fcn"):
                raise ValueError(
                    f"network={network!r} has no outputs at each step, as pooling='none' needs them. Use 'lstm', "
                    "'gru' or a network of your own."
                )
            self._check_unread(network)
            params = check_network_params(self.network_params)
            return {"builder": "custom", "custom": {"build": network, "params": params, "is_causal": self._is_causal}}
        if self.network_params:
            raise ValueError(
                f"network_params are for networks of your own and those with convolutions. network={network!r} takes "
                "none."
            )
        return {} if network == "lstm" else {"cell": network}

    def _check_unread(self, network) -> None:
        """Check that parameters which a user's function does not read have their defaults."""
        if not callable(network):
            return
        defaults = inspect.signature(type(self)).parameters
        settings = [name for name in ("bidirectional", "dropout", "recurrent_dropout") if name in defaults]
        changed = [name for name in settings if getattr(self, name) != defaults[name].default]
        read = inspect.signature(network).parameters
        unread = [name for name in changed if name not in read]
        if unread:
            name = getattr(network, "__name__", repr(network))
            raise ValueError(f"network={name} has no parameters {unread}, so they must keep their defaults.")

    def _network_or_default(self):
        """Return the network, by the other parameters if it is "auto"."""
        return self.network

    def _check_sample(self, X, y, sample_weight, *, reset: bool) -> Sample:
        """Return validated data, with the rows whose weight is not zero."""
        inputs = self._check_inputs(X, y, reset=reset)
        y = self._check_target(inputs[WINDOWS], y, reset=reset)
        sample_weight = check_weights(inputs[WINDOWS], sample_weight)
        return Sample(inputs, y, sample_weight, rows_with_weight(sample_weight))

    def _weigh_rows(self, sample: Sample, held_out: Sample | None) -> tuple[Sample, Sample | None]:
        """Return both with the weights that their rows have besides those of the user, learned from the first alone."""
        return sample, held_out

    def _check_inputs(self, X, y="no_validation", *, reset: bool) -> dict[str, np.ndarray]:
        """Return validated inputs by name."""
        windows = check_sequences(self, X, y, reset=reset, reads_frames=self._reads_frames())
        if self._reads_tokens():
            windows = np.asarray(windows)
            check_tokens(self, windows)
            if reset:
                self._n_tokens = 1 + int(np.fmax.reduce(windows, axis=None, initial=0))
            windows = np.where(windows >= self._n_tokens, 0, windows)
        elif reset:
            warn_of_table(self, X)
        return {WINDOWS: windows}

    def _reads_frames(self) -> bool:
        return False

    def _reads_tokens(self) -> bool:
        return bool(self._network.get("embedding_dim"))

    def _check_held_out(self, X_val, y_val, sample_weight_val) -> tuple | None:
        """Return the data given for early stopping, if any."""
        if X_val is None and y_val is None and sample_weight_val is None:
            return None
        if y_val is None:
            raise ValueError("X_val or sample_weight_val is provided, but y_val was not provided.")
        if X_val is None:
            raise ValueError("y_val is provided, but X_val was not provided.")
        if not self.early_stopping:
            raise ValueError("X_val and y_val are for early stopping: pass them with early_stopping=True only.")
        return X_val, y_val, sample_weight_val

    def _splits(self, sample: Sample, *, validates: bool) -> list[Split]:
        """Return for each network of a fit the rows to train on and, if it validates on others, those."""
        return [self._split_rows(sample) if validates else Split(sample.rows)]

    def _split_rows(self, sample: Sample) -> Split:
        """Return the rows to train and to validate on."""
        return last_rows(sample.rows, steps_of(sample.windows, sample.rows), self.validation_fraction)

    def _fit_scale(self, sample: Sample, training_rows: np.ndarray) -> None:
        """Learn the mean and standard deviation of each feature."""
        scale = unit_scale(sample.windows.shape[-1])
        if not self._reads_tokens() and self.normalize:
            scale = feature_scale(sample.windows, sample.sample_weight, training_rows)
        self.feature_mean_, self.feature_scale_ = scale.mean, scale.std

    def _batch_size(self, runs: list[Run]) -> int:
        """Return the number of rows in a step of the optimizer."""
        return self.batch_size

    def _n_epochs(self, runs: list[Run], epochs) -> int:
        """Return the number of epochs to train for."""
        return epochs

    def _train(
        self, runs: list[Run], missing: MissingSteps, *, epochs: int, resume: bool, watchers: Sequence[Watcher]
    ) -> None:
        """Train a network for each run, on encoded targets, and keep the outcome."""
        from .. import _engine

        trained = _engine.train(
            self._network_spec(),
            self._step_spec(missing),
            TrainingSpec(
                epochs=epochs,
                first_epoch=self.n_iter_ if resume else 0,
                batch_size=self._batch_size(runs),
                learning_rate=self.learning_rate,
                learning_rate_schedule=self.learning_rate_schedule,
                n_iter_no_change=self.n_iter_no_change,
                tol=self.tol,
                seed=self._seed,
                zero_output=self._head().zero_output,
                verbose=min(int(self.verbose), 2),
            ),
            runs,
            self._scales(),
            self._head().output_spec(),
            start=self._trained_networks() if resume else None,
            callbacks=self._callbacks(),
            watchers=watchers,
        )
        self._n_networks = len(trained)
        self.weights_ = [array for network in trained for array in network.weights]
        history = _mean_history([network.history for network in trained])
        self.history_ = _joined(self.history_, history) if resume else history
        self.n_iter_ = len(self.history_["loss"])
        self._optimizer_state = {
            "optimizer": self.optimizer,
            "variables": [network.optimizer_state for network in trained],
        }

    def _network_spec(self) -> NetworkSpec:
        settings = {name: value for name, value in self._network.items() if name not in ("n_networks", "quantiles")}
        settings["units"] = tuple(settings["units"])
        if "custom" in settings:
            settings["custom"] = CustomNetwork(**settings["custom"])
        return NetworkSpec(self._input_specs(), self._head().n_outputs, **settings)

    def _input_specs(self) -> tuple[InputSpec, ...]:
        """Return the shape of each input of the network."""
        n_tokens = self._n_tokens if self._reads_tokens() else 0
        frame = self._input_shape[1:3] if len(self._input_shape) > 2 else ()
        shape = (self.n_steps_in_, *frame, self._scales()[WINDOWS].n_standardised)
        return (InputSpec(WINDOWS, shape, n_tokens),)

    def _step_spec(self, missing: MissingSteps = "anywhere") -> StepSpec:
        head = self._head()
        return StepSpec(
            loss=head.loss,
            optimizer=self.optimizer,
            global_clipnorm=self.global_clipnorm,
            dropout=self.dropout,
            recurrent_dropout=self.recurrent_dropout,
            missing=missing,
            quantiles=head.meaning.quantiles,
        )

    def _scales(self) -> dict[str, Scale]:
        return {WINDOWS: Scale(self.feature_mean_, self.feature_scale_)}

    def _network_weights(self) -> list[list[np.ndarray]]:
        """Return the weights of each network."""
        n_arrays = len(self.weights_) // self._n_networks
        return [self.weights_[first : first + n_arrays] for first in range(0, len(self.weights_), n_arrays)]

    def _trained_networks(self) -> list[TrainedNetwork]:
        state = self._optimizer_state
        is_same = state["optimizer"] == self.optimizer
        states = state["variables"] if is_same else [None] * self._n_networks
        return [TrainedNetwork(*network) for network in zip(self._network_weights(), states, strict=True)]

    def _callbacks(self) -> list:
        if self.callbacks is None:
            return []
        return list(self.callbacks) if isinstance(self.callbacks, list | tuple) else [self.callbacks]

    def _predict_network(self, inputs: dict[str, np.ndarray]) -> np.ndarray:
        """Return decoded predictions for validated inputs."""
        warn_of_windows_without_steps(inputs[WINDOWS])
        return self._head().decode(inputs, self._network_output(inputs))

    def _network_output(self, inputs: dict[str, np.ndarray], *, last_step: bool = False) -> np.ndarray:
        """Return the outputs for validated inputs, on average over the networks; of classes the mean of probabilities.

        If outputs mean quantiles, it returns those.

        They have the shape ``(n_samples, n_outputs)``, or ``(n_samples, n_steps, n_outputs)`` without pooling unless
        only those after the `last_step` are asked for.
        """
        from .. import _engine

        return _engine.predict(
            self._network_spec(),
            self._network_weights(),
            inputs,
            self._scales(),
            meaning=self._head().meaning,
            last_step=last_step,
        )

    @of_one_fit
    def gates(self, X, *, layer=-1, direction="forward", network=0, steps=None, units=None):
        """Return the gates and states of a layer at each step, as a network reads its input.

        Parameters
        ----------
        X : array-like
            Input as in `predict`.

        layer : int, default=-1
            The LSTM layer, from 0 for the first one; -1 is the last one. The layers of a custom network are in the
            order of its Keras model. If an earlier layer shortens the sequence, as in "conv_lstm", the steps are the
            steps that the layer reads. "conv_lstm" also moves missing steps from the end of a sequence to its start.

        direction : {"forward", "backward"}, default="forward"
            The direction in which the layer reads; backward only with ``bidirectional=True``. Steps are in the order of
            `X` in both.

        network : int, default=0
            The network, if the estimator has several.

        steps, units : int, slice or array-like of int of shape (n_selected,), default=None
            Positions of the steps and units to return. If None, all of them. Select some for many windows: all states
            of a million windows would not fit in memory.

        Returns
        -------
        gates : :class:`~sklearn.utils.Bunch`
            Arrays of shape (n_samples, n_steps, n_units), float32. A step that is missing has NaN.

            - input_gate, forget_gate, output_gate: from 0, closed, to 1, open.
            - candidate: from -1 to 1, what the input gate lets into the cell.
            - cell_state: the candidate times the input gate, and the cell state before times the forget gate.
            - hidden_state: what the layer puts out, the hyperbolic tangent of the cell state times the output gate.

        Raises
        ------
        NotFittedError
            If the estimator is not fitted.
        ValueError
            If there is no such layer, direction, network, step or unit, if the network has no LSTM layer, or if `X` is
            not what `predict` takes.

        References
        ----------
        Hochreiter & Schmidhuber (1997), Long short-term memory, Neural Computation 9(8); with the forget gate of Gers,
        Schmidhuber & Cummins (2000), Learning to forget, Neural Computation 12(10).

        Examples
        --------
        >>> from sklstm import LSTMForecaster, SlidingWindow
        >>> from sklstm.datasets import make_sine
        >>> windows = SlidingWindow(10).fit_transform(make_sine(100)[:-1])
        >>> model = LSTMForecaster(units=4, epochs=5, random_state=0).fit(windows, make_sine(100)[1:])
        >>> gates = model.gates(windows)
        >>> gates.forget_gate.shape
        (99, 10, 4)
        >>> model.gates(windows, steps=-1, units=[0, 2]).cell_state.shape
        (99, 1, 2)
        """
        check_is_fitted(self)
        windows = self._check_windows_to_inspect(X)
        found = self._lstm_layers(windows.shape[1])
        selection = select(found, layer=layer, direction=direction, steps=steps, units=units)
        if not isinstance(network, int | np.integer) or not 0 <= network < self._n_networks:
            raise ValueError(f"network must be an int from 0 to {self._n_networks - 1}. Got {network!r} instead.")
        cell, read = self._read_layer(self._network_weights()[network], selection)
        return gates(cell, read, windows, selection)

    def _lstm_layers(self, n_steps: int) -> list[LSTMLayer]:
        """Return the layers of which `gates` can tell, of a network that reads so many steps."""
        spec = self._network_spec()
        if spec.custom:
            from .. import _engine

            found = _engine.lstm_layers(spec)
        else:
            found = layers_of(spec, n_steps) if spec.cell == "lstm" else []
        if not found:
            raise ValueError(
                "gates are those of LSTM layers with biases, Keras' default activations and no initial state. The "
                "fitted network has none."
            )
        return found

    def _read_layer(self, weights: list[np.ndarray], selection: Selection) -> tuple[LSTMCell, Read]:
        """Return the selected cell, and what reads its inputs."""
        spec, scale = self._network_spec(), self._scales()[WINDOWS]
        if not spec.custom:
            return recurrent_layer(spec, weights, scale, selection)
        from .. import _engine

        arrays, read = _engine.read_lstm_layer(spec, weights, selection.layer, scale)
        return cell_of_layer(arrays, selection), read

    def _input_relevance(self, windows: np.ndarray, output: int, tol: float) -> np.ndarray:
        """Return the relevance of each value of validated windows for a prediction.

        Memory beyond the result does not grow with the number of windows.
        """
        check_scalar(tol, "tol", Real, min_val=0, include_boundaries="neither")
        head = self._head()
        relevance, n_incomplete = np.empty(windows.shape), 0
        for chunk in chunks(len(windows), windows[0].size if len(windows) else 1):
            of_network, is_incomplete = self._network_relevance(windows[chunk], output, tol)
            relevance[chunk] = head.relevance(windows[chunk], of_network, output)
            n_incomplete += is_incomplete.sum()
        if n_incomplete:
            warnings.warn(
                f"The relevances of {n_incomplete} of {len(windows)} rows are not within tol={tol} of their values. "
                "Choose a larger tol to accept this.",
                UserWarning,
                stacklevel=4,
            )
        return relevance

    def _network_relevance(self, windows: np.ndarray, output: int, tol: float) -> tuple[np.ndarray, np.ndarray]:
        """Return the relevance for the networks' output, and for which rows it is not within the tolerance."""
        from .. import _engine

        head = self._head()
        return _engine.relevance(
            self._network_spec(),
            self._network_weights(),
            windows,
            self._scales()[WINDOWS],
            head.output_of_network(output),
            softmax=head.meaning.kind == "logits",
            tol=tol,
        )

    def _check_windows_to_inspect(self, X) -> np.ndarray:
        """Return the validated windows of what `predict` takes."""
        return self._check_inputs(X, reset=False)[WINDOWS]

    @of_one_fit
    def _to_keras(self):
        """Return the fitted networks as a compiled Keras model."""
        from .. import _engine

        return _engine.export(
            self._network_spec(),
            self._network_weights(),
            self._scales(),
            self._step_spec(),
            self._head().output_spec(),
            learning_rate=self.learning_rate,
        ).model

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


def _joined(before: dict[str, list[float]], after: dict[str, list[float]]) -> dict[str, list[float]]:
    """Return the losses of two trainings, one after the other; NaN where there was no validation."""
    lengths = [len(history["loss"]) for history in (before, after)]
    return {
        name: [
            loss
            for history, length in zip((before, after), lengths, strict=True)
            for loss in history.get(name, [np.nan] * length)
        ]
        for name in {**before, **after}
    }


def _mean_history(histories: list[dict[str, list[float]]]) -> dict[str, list[float]]:
    """Return the losses after each epoch on average over the networks that were trained for so many epochs."""
    if len(histories) == 1:
        return histories[0]
    names = dict.fromkeys(name for history in histories for name in history)
    by_epoch = {name: zip_longest(*(history.get(name, []) for history in histories)) for name in names}
    return {
        name: [float(np.mean([loss for loss in losses if loss is not None])) for losses in epochs]
        for name, epochs in by_epoch.items()
    }


class _EngineFirst:
    """Imports the engine when it is unpickled, ahead of what stands after it in a pickle."""

    def __reduce__(self):
        return importlib.import_module, (ENGINE,)
