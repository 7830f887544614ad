"""Training: its order of events."""

import traceback
import warnings
from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from functools import partial
from itertools import takewhile
from threading import Event, Lock

import keras
import numpy as np

from ..._specs import NetworkSpec, OutputSpec, Run, Scale, StepSpec, TrainedNetwork, TrainingSpec, Watcher
from ..._state import needs_whole_fits
from ..batches import Batches
from ..buckets import make_batches
from ..networks.builders import initial_weights
from ..networks.export import export
from ..runtime.threads import mapping
from .callbacks import TrainingCallbacks, acts_between_batches, copies_of, may_change_models
from .model_cache import borrowed_model
from .progress import ProgressBar, Watched
from .seeds import DROPOUT, WEIGHTS, rng_for

MICRO_BATCH_WORK = 4096  # rows times units: enough to hide the cost of handing them to a thread
MICRO_BATCH_SIZE = 2**17  # rows times units times steps, for each of which the gradient takes memory
MICRO_BATCH_ROWS = 64  # with fewer, matrix products are slower than they need to be
SEQUENCES_IN_MICRO_BATCH = 32  # of different lengths, at least
ROWS_TO_VALIDATE = 512  # at once: with more, a batch takes more memory and no less time
SEARCHES = {"joblib", "optuna"}  # packages that call fits on behalf of the user


def train(
    spec: NetworkSpec,
    step: StepSpec,
    training: TrainingSpec,
    runs: Sequence[Run],
    scales: dict[str, Scale],
    output: OutputSpec,
    *,
    start: Sequence[TrainedNetwork] | None = None,
    callbacks: Sequence = (),
    watchers: Sequence[Watcher] = (),
) -> list[TrainedNetwork]:
    """Train a network for each run, from initial weights or from where those of ``start`` ended.

    Everything random derives from the seed, the number of the network and the number of epochs already trained:
    initial weights, the order of the rows in each epoch, and dropout.

    A network with rows to validate on stops once its loss on them has not fallen by ``tol`` for ``n_iter_no_change``
    epochs, and gets back the weights with which it was lowest.

    Networks are trained side by side, on as many threads as there are cores, but one after the other if they call
    callbacks of the user's or print a line an epoch. Watchers see the epochs of all networks. A callback that saves the
    model saves one as of `to_keras`, which decodes by `output`: before a network is averaged with other models.

    If the user interrupts training, it ends there with a warning, and the first networks whose training had begun are
    returned; where a search asked for them, the interrupt goes on.

    Raises
    ------
    ValueError
        If the loss or a weight is no longer finite.
        If ``callbacks`` hold one that cannot work here.
    TypeError
        If ``callbacks`` hold or make something else.
    """
    stop = Event()
    trained: dict[int, TrainedNetwork] = {}
    errors: list[BaseException] = []
    lock = Lock()
    if training.verbose == 1:
        watchers = [*watchers, ProgressBar(len(runs), training.epochs)]

    def train_network(number: int) -> None:
        try:
            trained[number] = _train_network(
                spec,
                step,
                replace(training, number=number),
                runs[number],
                scales,
                output,
                start=start[number] if start else None,
                callbacks=copies_of(callbacks, len(runs)),
                watched=[Watched(watchers, replace(training, number=number), lock)] if watchers else [],
                stop=stop,
            )
        except BaseException as error:
            stop.set()  # for other threads to end soon
            errors.append(error)
            raise

    one_by_one = callbacks or training.verbose > 1
    with mapping(1 if one_by_one else len(runs)) as map_networks:
        try:
            list(map_networks(train_network, range(len(runs))))
        except BaseException as error:
            stop.set()
            errors.append(error)
    for failure in errors:
        if not isinstance(failure, KeyboardInterrupt):
            raise failure
    kept = [trained[number] for number in takewhile(trained.__contains__, range(len(runs)))]
    if stop.is_set():
        _go_on_after_interrupt(kept, training, len(runs))
    return kept


def _go_on_after_interrupt(kept: list[TrainedNetwork], training: TrainingSpec, n_networks: int) -> None:
    """Warn of what is kept, or raise the interrupt again if that is nothing or not for the user to see."""
    if not kept or needs_whole_fits() or is_called_by_search():
        raise KeyboardInterrupt
    last = kept[-1].history
    weights = "the weights with the lowest validation loss so far" if last.get("val_loss") else "the weights so far"
    networks = f" of {len(kept)} of {n_networks} networks" if len(kept) < n_networks else ""
    warnings.warn(
        f"Training interrupted by user after {len(last['loss'])} of {training.epochs} epochs. The estimator is "
        f"fitted with {weights}{networks}.",
        stacklevel=2,
    )


def _train_network(
    spec: NetworkSpec,
    step: StepSpec,
    training: TrainingSpec,
    run: Run,
    scales: dict[str, Scale],
    output: OutputSpec,
    *,
    start: TrainedNetwork | None,
    callbacks: list[keras.callbacks.Callback],
    watched: list[keras.callbacks.Callback],
    stop: Event,
) -> TrainedNetwork:
    """Train one of the networks with its own callbacks. If `stop` is set, or an interrupt sets it, it ends there."""
    if stop.is_set():
        raise KeyboardInterrupt
    batches = make_batches(run.training, scales, training.batch_size, _min_micro_batch(spec, step))
    validation_batches = None
    if run.validation is not None:
        validation_batches = make_batches(run.validation, scales, min(training.batch_size, ROWS_TO_VALIDATE))
    calls = TrainingCallbacks(training, batches, validates=run.validation is not None, own=callbacks, watched=watched)
    with borrowed_model(spec, step) as compiled, _global_state_kept():
        compiled.reusable = not any(map(may_change_models, callbacks))
        compiled.set_state(
            start.weights if start else _new_weights(spec, training),
            start.optimizer_state if start else None,
            rng=rng_for(DROPOUT, training, training.first_epoch),
            learning_rate=training.learning_rate,
        )
        exported = partial(export, spec, [compiled.weights()], scales, step, output)
        compiled.model.save_as(partial(exported, learning_rate=training.learning_rate))
        compiled.model.stop = stop
        try:
            _fit(
                compiled.model,
                batches,
                validation_batches,
                callbacks=calls.all,
                epochs=training.first_epoch + training.epochs,
                initial_epoch=training.first_epoch,
                verbose=2 if training.verbose > 1 else 0,
            )
        except KeyboardInterrupt:
            if not calls.training_began:
                raise
            stop.set()
            compiled.reusable = False
            calls.end_interrupted_training()
        compiled.model.forget_model_for_users()
        losses = {"loss": [], **({} if run.validation is None else {"val_loss": []}), **calls.history}
        trained = TrainedNetwork(compiled.weights(), compiled.optimizer_state(), losses)
    _assert_finite(trained, training)
    return trained


def is_called_by_search() -> bool:
    """Tell whether joblib or Optuna waits for the result, and would take it for a complete one.

    So do searches, ensembles, caches and studies. What they call sequentially, nothing but the stack tells.
    """
    modules = (frame.f_globals.get("__name__", "") for frame, _ in traceback.walk_stack(None))
    return not SEARCHES.isdisjoint(module.partition(".")[0] for module in modules)


def _new_weights(spec: NetworkSpec, training: TrainingSpec) -> list[np.ndarray]:
    return initial_weights(spec, rng_for(WEIGHTS, training, 0), zero_output=training.zero_output)


def _fit(model: keras.Model, batches: Batches, validation_batches: Batches | None, **fit_args) -> None:
    """Train a model in the fastest way that there is for the backend and the callbacks.

    An interrupt leaves it with a state that it had after some batch.
    """
    if keras.backend.backend() == "jax" and not any(map(acts_between_batches, fit_args["callbacks"])):
        model.fit_epochs(batches, validation_batches, **fit_args)
        return
    # Only now, since scikeras imports TensorFlow wherever that is installed.
    from .keras_loop import fit_with_scikeras

    fit_with_scikeras(model, batches, validation_batches, **fit_args)


def _min_micro_batch(spec: NetworkSpec, step: StepSpec) -> int | None:
    """Return how many rows of a batch are worth a thread of their own; None if the batch has to stay whole.

    It depends on the shapes alone, so that micro-batches are the same on any number of cores.
    """
    if step.dropout or step.recurrent_dropout or spec.custom:  # dropout and other layers may see a whole batch
        return None
    if spec.is_ragged:
        return SEQUENCES_IN_MICRO_BATCH
    units, n_steps = max(spec.units), spec.windows.shape[0]
    enough_work = MICRO_BATCH_WORK // units
    little_memory = MICRO_BATCH_SIZE // (units * n_steps)
    return max(MICRO_BATCH_ROWS, min(enough_work, max(little_memory, 2 * MICRO_BATCH_ROWS)))


def _global_state_kept() -> AbstractContextManager:
    """Return a context that leaves the backend's global random state as it was."""
    if keras.backend.backend() != "torch":
        return nullcontext()
    import torch

    return torch.random.fork_rng(devices=[])  # Keras' loader of batches draws from it


def _assert_finite(trained: TrainedNetwork, training: TrainingSpec) -> None:
    losses = trained.history["loss"] + trained.history.get("val_loss", [])
    if not np.isfinite(losses).all() or not all(np.isfinite(w).all() for w in trained.weights):
        epoch = training.first_epoch + len(trained.history["loss"])
        raise ValueError(
            f"The loss is no longer finite after epoch {epoch}. Try a smaller `learning_rate`, `normalize=True`, or "
            "data without extreme values."
        )
