"""The gates and states of LSTM layers at each step, by the equations of the textbook.

The cell is that of Hochreiter & Schmidhuber (1997) with the forget gate of Gers et al. (2000). The engine computes the
same, but keeps none of it.
"""

from typing import NamedTuple

import numpy as np
from scipy.special import expit
from sklearn.utils import Bunch

from .._specs import NetworkSpec, Scale
from .._windows.arrays import chunks, standardise

GATES = ("input_gate", "forget_gate", "output_gate", "candidate", "cell_state", "hidden_state")


class Selection(NamedTuple):
    """Which layer of a network to look at, and which of its steps and units."""

    layer: int
    backward: bool
    steps: np.ndarray  # by their positions
    units: np.ndarray


def select(spec: NetworkSpec, n_steps: int, *, layer, direction, steps, units) -> Selection:
    """Return what is selected of a network that reads so many steps.

    Raises
    ------
    ValueError
        If there is no such layer, direction, step or unit.
    """
    n_layers = len(spec.units)
    if not isinstance(layer, int | np.integer) or not -n_layers <= layer < n_layers:
        raise ValueError(f"layer must be an int from {-n_layers} to {n_layers - 1}. Got {layer!r} instead.")
    directions = ["forward", "backward"] if spec.bidirectional else ["forward"]
    if direction not in directions:
        cure = "" if spec.bidirectional else " Only with bidirectional=True a network also reads backward."
        raise ValueError(f"direction must be one of {directions}. Got {direction!r} instead.{cure}")
    return Selection(
        int(layer) % n_layers,
        direction == "backward",
        select_positions("steps", steps, n_steps),
        select_positions("units", units, spec.units[layer]),
    )


def select_positions(name: str, indices, size: int) -> np.ndarray:
    """Return the selected ones of so many indices."""
    try:
        return np.arange(size) if indices is None else np.atleast_1d(np.arange(size)[indices])
    except (IndexError, TypeError) as error:
        raise ValueError(f"{name} must select some of {size} by their positions. Got {indices!r} instead.") from error


def gates(
    spec: NetworkSpec, weights: list[np.ndarray], windows: np.ndarray, scale: Scale, selection: Selection
) -> Bunch:
    """Return all gates and states of a layer for raw windows, each (n_samples, n_steps, n_units), NaN at missing steps.

    Memory beyond the result does not grow with the number of windows.
    """
    shape = (len(windows), len(selection.steps), len(selection.units))
    result = Bunch(**{name: np.empty(shape, np.float32) for name in GATES})
    for chunk in chunks(len(windows), len(GATES) * windows.shape[1] * max(spec.units)):
        states = _states_of_layer(spec, weights, windows[chunk], scale, selection)
        for name, values in states.items():
            result[name][chunk] = values[:, selection.steps][:, :, selection.units]
    return result


def _states_of_layer(
    spec: NetworkSpec, weights: list[np.ndarray], windows: np.ndarray, scale: Scale, selection: Selection
) -> dict[str, np.ndarray]:
    """Return the same for some windows, and for all steps and units."""
    present = ~np.isnan(windows).any(axis=2)
    if spec.windows.n_tokens:
        embeddings, *weights = weights
        inputs = embeddings[np.nan_to_num(windows[:, :, 0]).astype(int)]
    else:
        inputs = standardise(windows, scale)
    n_directions = 2 if spec.bidirectional else 1
    for _ in range(selection.layer + 1):
        inputs = np.where(present[:, :, np.newaxis], inputs, 0)
        directions = []
        for direction in range(n_directions):
            kernel, recurrent_kernel, bias = weights[3 * direction : 3 * direction + 3]
            is_backward = direction == 1
            directions.append(_run(kernel, recurrent_kernel, bias, inputs, present, is_backward=is_backward))
        weights = weights[3 * n_directions :]
        inputs = np.concatenate([states["hidden_state"] for states in directions], axis=2)
    return directions[selection.backward]


def _run(
    kernel: np.ndarray,
    recurrent_kernel: np.ndarray,
    bias: np.ndarray,
    inputs: np.ndarray,
    present: np.ndarray,
    *,
    is_backward: bool,
) -> dict[str, np.ndarray]:
    """Run a cell over all steps, backward from the last one or forward; missing steps change nothing."""
    n_rows, n_steps, _ = inputs.shape
    sums = inputs @ kernel.astype(np.float64) + bias
    states = {name: np.full((n_rows, n_steps, len(recurrent_kernel)), np.nan) for name in GATES}
    h = c = np.zeros((n_rows, len(recurrent_kernel)))
    for t in reversed(range(n_steps)) if is_backward else range(n_steps):
        i, f, g, o = np.split(sums[:, t] + h @ recurrent_kernel, 4, axis=1)
        i, f, g, o = expit(i), expit(f), np.tanh(g), expit(o)
        is_present = present[:, t, np.newaxis]
        c = np.where(is_present, f * c + i * g, c)
        h = np.where(is_present, o * np.tanh(c), h)
        for values, of_step in zip(states.values(), (i, f, o, g, c, h), strict=True):
            np.copyto(values[:, t], of_step, where=is_present)
    return states
