"""A model for JAX that trains on many batches in one call."""

from collections.abc import Callable, Sequence
from functools import partial

import jax
import keras
import numpy as np
from jax import lax

from ._batches import Batches
from ._compilation import CountedModel, training_options


class EpochModel(CountedModel):
    """A model that compiles Keras' step into a loop over batches.

    Keras' own ``fit`` calls the step for one batch at a time, and what it does between two of them takes as long
    as the step of a small network.
    """

    def compile(self, *args, **kwargs):
        """Compile as Keras does, which forgets the functions compiled before."""
        super().compile(*args, **kwargs)
        self._train_batches = jax.jit(partial(self._take_steps, self.train_step), **training_options())
        self._validate_batches = jax.jit(partial(self._take_steps, self.test_step))

    def fit_epochs(
        self,
        batches: Batches,
        validation_batches: Batches | None,
        *,
        callbacks: Sequence[keras.callbacks.Callback],
        epochs: int,
        initial_epoch: int,
        verbose: int,
    ) -> dict[str, list[float]]:
        """Do what ``fit`` does, except that callbacks are not called, and training not stopped, between batches.

        Returns the history.
        """
        calls = keras.callbacks.CallbackList(
            list(callbacks),
            add_history=True,
            add_progbar=verbose != 0,
            model=self,
            epochs=epochs,
            steps=len(batches),
            verbose=verbose,
        )
        self.stop_training = False
        logs: dict[str, float] = {}
        calls.on_train_begin()
        for epoch in range(initial_epoch, epochs):
            calls.on_epoch_begin(epoch)
            logs = {"loss": self._train_epoch(batches, calls.on_train_batch_end if verbose == 1 else None)}
            if validation_batches is not None:
                calls.on_test_begin()
                logs["val_loss"] = self._validation_loss(validation_batches)
                calls.on_test_end({"loss": logs["val_loss"]})
            calls.on_epoch_end(epoch, logs)
            if self.stop_training:
                break
        calls.on_train_end(logs)
        return self.history.history

    def _train_epoch(self, batches: Batches, show_progress: Callable | None) -> float:
        state = self._state(optimizer=True)
        n_done = 0
        for block, n_batches in batches.blocks():
            # The block was gathered while the one before was computed, and two at once would take twice the memory.
            jax.block_until_ready(state)
            loss, state = self._train_batches(state, block, n_batches)
            n_done += n_batches
            if show_progress:
                show_progress(n_done - 1, {"loss": float(loss)})
        self._assign(state, optimizer=True)
        return float(loss)

    def _validation_loss(self, batches: Batches) -> float:
        state = self._state(optimizer=False)
        for block, n_batches in batches.blocks():
            loss, state = self._validate_batches(state, block, n_batches)
        self._assign(state, optimizer=False)
        return float(loss)

    def _groups(self, *, optimizer: bool) -> list[list[keras.Variable]]:
        """Return the variables in the groups that Keras' steps take and return."""
        groups = [self.trainable_variables, self.non_trainable_variables, self.metrics_variables]
        if optimizer:
            groups.insert(2, self.optimizer.variables)
        return groups

    def _state(self, *, optimizer: bool) -> tuple[list, ...]:
        """Return the values of all variables, but those of the metrics as they are before the first batch: zero."""
        *groups, metrics = self._groups(optimizer=optimizer)
        zeros = [np.zeros(variable.shape, variable.dtype) for variable in metrics]
        return (*([variable.value for variable in group] for group in groups), zeros)

    def _assign(self, state: tuple[list, ...], *, optimizer: bool) -> None:
        for group, values in zip(self._groups(optimizer=optimizer), state, strict=True):
            for variable, value in zip(group, values, strict=True):
                variable.assign(value)

    def _take_steps(self, step: Callable, state, block, n_batches):
        """Take Keras' step for each of the first batches of a block; return the mean loss and the state."""

        def take_step(i, state):
            _, state = step(state, tuple(lax.dynamic_index_in_dim(array, i, keepdims=False) for array in block))
            return state

        state = lax.fori_loop(0, n_batches, take_step, state)
        (loss,) = self.metrics
        return loss.stateless_result(state[-1]), state
