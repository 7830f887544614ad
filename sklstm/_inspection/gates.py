"""The gates and states of LSTM layers at each step, which the engine computes, too, but does not keep."""

from collections.abc import Callable, Iterator
from typing import NamedTuple

import numpy as np
from sklearn.utils import Bunch

from .._specs import LSTMLayer, NetworkSpec, Scale
from .._stepwise.cells import LSTMCell, read_sequences
from .._windows.arrays import chunks, standardise

GATES = ("input_gate", "forget_gate", "output_gate", "candidate", "cell_state", "hidden_state")

Read = Callable[[np.ndarray], tuple[np.ndarray, np.ndarray]]  # from raw windows to inputs of a layer, and present steps


class Selection(NamedTuple):
    """Which layer of a network to look at, and which of its steps and units."""

    layer: int
    backward: bool
    steps: np.ndarray  # by their positions
    units: np.ndarray


def layers_of(spec: NetworkSpec, n_steps: int) -> list[LSTMLayer]:
    """Return the LSTM layers that the units of a spec describe, for windows of so many steps."""
    return [LSTMLayer(n_steps, units, spec.bidirectional) for units in spec.units]


def select(found: list[LSTMLayer], *, layer, direction, steps, units) -> Selection:
    """Return what is selected of the layers of a network.

    Raises
    ------
    ValueError
        If there is no such layer, direction, step or unit.
    """
    n_layers = len(found)
    if not isinstance(layer, int | np.integer) or not -n_layers <= layer < n_layers:
        raise ValueError(f"layer must be an int from {-n_layers} to {n_layers - 1}. Got {layer!r} instead.")
    chosen = found[layer]
    directions = ["forward", "backward"] if chosen.bidirectional else ["forward"]
    if direction not in directions:
        cure = "" if chosen.bidirectional else " Only with bidirectional=True a network also reads backward."
        raise ValueError(f"direction must be one of {directions}. Got {direction!r} instead.{cure}")
    return Selection(
        int(layer) % n_layers,
        direction == "backward",
        select_positions("steps", steps, chosen.n_steps),
        select_positions("units", units, chosen.units),
    )


def select_positions(name: str, indices, size: int) -> np.ndarray:
    """Return the selected ones of so many indices."""
    try:
        selected = np.arange(size) if indices is None else np.atleast_1d(np.arange(size)[indices])
        if selected.ndim == 1 and not isinstance(indices, bool):
            return selected
        raise IndexError("not one-dimensional")
    except (IndexError, TypeError) as error:
        raise ValueError(f"{name} must select some of {size} by their positions. Got {indices!r} instead.") from error


def gates(cell: LSTMCell, read: Read, windows: np.ndarray, selection: Selection) -> Bunch:
    """Return all gates and states of a layer for raw windows, each (n_samples, n_steps, n_units), NaN at missing steps.

    `read` returns what the layer reads of windows, and which steps are present. Memory beyond the result does not grow
    with the number of windows.
    """
    shape = (len(windows), len(selection.steps), len(selection.units))
    result = Bunch(**{name: np.empty(shape, np.float32) for name in GATES})
    for chunk in chunks(len(windows), max(windows[:1].size, windows.shape[1] * cell.kernel.shape[1])):
        inputs, present = read(windows[chunk])
        for t, states in _run(cell, inputs, present, backward=selection.backward):
            for place in np.flatnonzero(selection.steps == t):
                for name, state in zip(GATES, states, strict=True):
                    selected = state[:, selection.units]
                    result[name][chunk, place] = np.where(present[:, [t]], selected, np.nan)
    return result


def recurrent_layer(
    spec: NetworkSpec, weights: list[np.ndarray], scale: Scale, selection: Selection
) -> tuple[LSTMCell, Read]:
    """Return a cell of the layers that the units of a spec describe, and what reads its inputs."""
    cells = _cells(spec, weights)

    def read(windows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        present = ~np.isnan(windows).any(axis=2)
        inputs = _inputs(spec, weights, windows, scale)
        for layer in cells[: selection.layer]:
            both = [read_sequences(cell, inputs, present, backward=bool(i))[0] for i, cell in enumerate(layer)]
            inputs = np.concatenate(both, axis=2)
        return inputs, present

    return cells[selection.layer][selection.backward], read


def cell_of_layer(arrays: list[np.ndarray], selection: Selection) -> LSTMCell:
    """Return the selected direction of a layer by the weights of all."""
    return LSTMCell.take(iter(arrays[3 * selection.backward :]))


def _cells(spec: NetworkSpec, weights: list[np.ndarray]) -> list[list[LSTMCell]]:
    """Return the cells of each layer: forward, and backward if the network is bidirectional."""
    arrays = iter(weights[1:] if spec.windows.n_tokens else weights)
    return [[LSTMCell.take(arrays) for _ in range(1 + spec.bidirectional)] for _ in spec.units]


def _inputs(spec: NetworkSpec, weights: list[np.ndarray], windows: np.ndarray, scale: Scale) -> np.ndarray:
    """Return what the first layer reads of raw windows, zeros at missing steps."""
    if spec.windows.n_tokens:
        return weights[0][np.nan_to_num(windows[:, :, 0]).astype(int)]
    inputs = standardise(windows, scale)
    return np.where(np.isnan(inputs).any(axis=2, keepdims=True), 0, inputs)


def _run(
    cell: LSTMCell, inputs: np.ndarray, present: np.ndarray, *, backward: bool
) -> Iterator[tuple[int, tuple[np.ndarray, ...]]]:
    """Yield each step with the gates and states of all rows, in the order of `GATES`; missing steps change no state."""
    n_rows, n_steps, _ = inputs.shape
    projected = cell.project(inputs)
    h, c = cell.initial_state(n_rows)
    for t in reversed(range(n_steps)) if backward else range(n_steps):
        *of_step, new_c, new_h = cell.gates(projected[:, t], (h, c))
        c, h = np.where(present[:, [t]], new_c, c), np.where(present[:, [t]], new_h, h)
        yield t, (*of_step, c, h)
