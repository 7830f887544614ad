"""Progress: what scikit-learn's callbacks see of the training of networks."""

from collections.abc import Callable
from typing import Any

from .._compat import has_callbacks
from .._specs import Watcher


class FitTasks(Watcher):
    """The fit of an estimator as a task of scikit-learn, and each epoch of each network as a task within it.

    After an epoch, callbacks that ask for a fitted estimator get one of that network alone. `data` are the arguments of
    `fit` that callbacks see.
    """

    def __init__(self, estimator, data: dict[str, Any], n_networks: int, epochs: int):
        self._estimator, self._data = estimator, data
        self._n_networks, self._epochs = n_networks, epochs
        self._task = estimator._init_callback_context(max_subtasks=n_networks * epochs, sequential_subtasks=False)
        self._task.call_on_fit_task_begin(estimator=estimator, **data)
        self._open: dict[int, Any] = {}  # the task of the epoch that a network is in
        self._histories: list[dict[str, list[float]]] = [{} for _ in range(n_networks)]

    def watchers(self) -> list[Watcher]:
        """Return this, if there are callbacks to call."""
        return [self] if has_callbacks(self._estimator) else []

    def begin_epoch(self, network, epoch):
        """Begin the task of an epoch."""
        name = f"network {network} epoch" if self._n_networks > 1 else "epoch"
        self._open[network] = self._task.subcontext(task_name=name, task_id=network * self._epochs + epoch)
        self._open[network].call_on_fit_task_begin(estimator=self._estimator, **self._data)

    def end_epoch(self, network, epoch, losses, weights):
        """End the task of an epoch."""
        history = self._histories[network]
        for name, loss in losses.items():
            history.setdefault(name, []).append(float(loss))
        return self._open.pop(network).call_on_fit_task_end(
            estimator=self._estimator,
            reconstruction_attributes=lambda: _after_epoch(weights, history),
            **self._data,
        )

    def end_network(self, network, n_epochs):
        """Do nothing: a network has no task besides those of its epochs."""

    def end(self) -> None:
        """End the task of the fit."""
        self._task.call_on_fit_task_end(estimator=self._estimator, reconstruction_attributes={}, **self._data)


def _after_epoch(weights: Callable[[], list], history: dict[str, list[float]]) -> dict[str, Any]:
    """Return the attributes of an estimator with one network, as after one of its epochs."""
    history = {name: list(losses) for name, losses in history.items()}
    return {"weights_": weights(), "_n_networks": 1, "history_": history, "n_iter_": len(history["loss"])}
