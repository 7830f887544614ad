"""A compiled loop over batches, for JAX."""

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from threading import Event

import jax
import keras
import numpy as np
from jax import lax

from ..batches import Batches
from ..runtime.compilation import count_trace, training_options
from ..runtime.threads import mapping
from .checkpoints import SavableModel


class EpochModel(SavableModel):
    """A model that trains on many batches in one call, or else on micro-batches in threads.

    Keras' own ``fit`` calls the step for one batch at a time, and what it does between two of them takes as long
    as the step of a small network. So there is a loop over batches that is compiled with Keras' step in it.
    The step of a large batch takes a while, but on one core for the most part. Its gradient is the mean of those
    of its micro-batches, which threads compute side by side, each of them one after the other.

    XLA's convolutions for CPUs are some 25 times slower within a loop, so networks that may have some take their
    batches `one_by_one`, with a call for each.

    Interrupts reach the main thread alone. Elsewhere, training is interrupted if `stop` is set.
    """

    stop = Event()
    one_by_one = False

    def compile(self, *args, **kwargs):
        """Compile as Keras does, which forgets the functions compiled before."""
        super().compile(*args, **kwargs)
        self._train_batches = jax.jit(partial(self._take_steps, self.train_step), **training_options())
        self._validate_batches = jax.jit(partial(self._take_steps, self.test_step))
        # Partials, since jit would take a bound method for the one that was compiled before.
        self._micro_batch_gradient = jax.jit(partial(self._take_gradient), **training_options())
        self._apply_gradients = jax.jit(partial(self._take_step_by_gradients))

    def make_train_function(self, force=False):
        """Make the function of Keras' own loop, which returns when all is computed.

        Keras would wait for it in a place where it ignores all exceptions, and thereby the user's interrupt.
        """
        before = self.train_function
        super().make_train_function(force)
        if self.train_function is not before:
            take_step = self.train_function
            self.train_function = lambda state, iterator: jax.block_until_ready(take_step(state, iterator))

    def fit_epochs(
        self,
        batches: Batches,
        validation_batches: Batches | None,
        *,
        callbacks: Sequence[keras.callbacks.Callback],
        epochs: int,
        initial_epoch: int,
        verbose: int,
    ) -> None:
        """Do what ``fit`` does, except that callbacks are not called, and training not stopped, between batches.

        After an interrupt, the model has the weights that the batches so far gave it.
        """
        calls = keras.callbacks.CallbackList(
            list(callbacks),
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
            logs = {"loss": self._train_epoch(batches)}
            if validation_batches is not None:
                calls.on_test_begin()
                logs["val_loss"] = self._validation_loss(validation_batches)
                calls.on_test_end({"loss": logs["val_loss"]})
            calls.on_epoch_end(epoch, logs)
            if self.stop_training:
                break
        calls.on_train_end(logs)

    def _train_epoch(self, batches: Batches) -> float:
        in_micro_batches = _most_micro_batches(batches) > 1 and jax.default_backend() == "cpu"
        train = self._train_in_micro_batches if in_micro_batches else self._train_in_blocks
        state = self._state(optimizer=True)
        steps = train(state, batches)
        try:
            for loss, state in steps:  # noqa: B007  # the last ones count
                if self.stop.is_set():
                    raise KeyboardInterrupt
            self._assign(state, optimizer=True)
        except KeyboardInterrupt:
            self._assign(state, optimizer=True)  # all of it, since an interrupt may come between two variables
            raise
        return float(loss)

    def _train_in_blocks(self, state, batches: Batches) -> Iterator[tuple]:
        """Yield the mean loss of the batches so far and the state that they lead to."""
        for block, n_batches in batches.blocks(one_by_one=self.one_by_one):
            # The block was gathered while the one before was computed, and more of them would take more memory.
            jax.block_until_ready(state)
            loss, state = self._train_batches(state, block, n_batches)
            yield loss, state

    def _train_in_micro_batches(self, state, batches: Batches) -> Iterator[tuple]:
        """Yield the same as `_train_in_blocks` after each batch."""
        with mapping(_most_micro_batches(batches)) as map_micro_batches:
            for i in range(len(batches)):
                numbers = range(batches.n_micro_batches(i))
                gradients = map_micro_batches(partial(self._gradient_of_micro_batch, state, batches, i), numbers)
                loss, state = self._apply_gradients(state, list(gradients))
                yield loss, state

    def _gradient_of_micro_batch(self, state, batches: Batches, i: int, number: int):
        # Only when it is there may the thread go on, since what is computed ahead would need memory of its own.
        return jax.block_until_ready(self._micro_batch_gradient(state, batches.micro_batch(i, number)))

    def _validation_loss(self, batches: Batches) -> float:
        state = self._state(optimizer=False)
        for block, n_batches in batches.blocks(one_by_one=self.one_by_one):
            jax.block_until_ready(state)
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
            batch = jax.tree.map(lambda array: lax.dynamic_index_in_dim(array, i, keepdims=False), block)
            _, state = step(state, batch)
            return state

        state = take_step(0, state) if self.one_by_one else lax.fori_loop(0, n_batches, take_step, state)
        (loss,) = self.metrics
        return loss.stateless_result(state[-1]), state

    def _take_gradient(self, state, micro_batch):
        """Return the loss of a micro-batch, and its gradient by the weights."""
        count_trace("train")
        trainable, non_trainable, optimizer_variables, metrics = state
        gradient_of_loss = jax.value_and_grad(self.compute_loss_and_updates, has_aux=True)
        (_, (loss, *_)), gradient = gradient_of_loss(  # first comes the loss as the optimizer scales it
            trainable, non_trainable, metrics, *micro_batch, training=True, optimizer_variables=optimizer_variables
        )
        return loss, gradient

    def _take_step_by_gradients(self, state, gradients):
        """Take the step by the losses and gradients of all micro-batches; return the mean loss so far and the state."""
        trainable, non_trainable, optimizer_variables, metrics = state
        loss, gradient = jax.tree.map(lambda *values: sum(values) / len(values), *gradients)
        trainable, optimizer_variables = self.optimizer.stateless_apply(optimizer_variables, gradient, trainable)
        (mean_loss,) = self.metrics
        metrics = mean_loss.stateless_update_state(metrics, loss)
        return mean_loss.stateless_result(metrics), (trainable, non_trainable, optimizer_variables, metrics)


def _most_micro_batches(batches: Batches) -> int:
    """Return how many micro-batches any batch has."""
    return max(map(batches.n_micro_batches, range(len(batches))))
