"""Writing token by token: what a network says of the next token, by its state or by windows."""

from collections.abc import Callable
from typing import Protocol

import numpy as np

from .._stepwise.cells import State
from .._stepwise.recurrent_network import RecurrentNetwork


class Decoder(Protocol):
    """A network that has read some tokens of each row."""

    def read(self, tokens: np.ndarray) -> None:
        """Read on: tokens (n_rows, n_steps), with NaN at steps to skip before the first token of a row."""

    def logits(self) -> np.ndarray:
        """Return the logits of the token that follows, (n_rows, n_tokens)."""


class StateDecoder:
    """A network that carries its state from token to token."""

    def __init__(self, network: RecurrentNetwork, n_rows: int):
        self._network = network
        self._states = network.initial_states(n_rows)

    def read(self, tokens: np.ndarray) -> None:
        """Read one step after the other."""
        for step in tokens.T:
            present = ~np.isnan(step)
            after = self._network.step(np.where(present, step, 0).astype(int), self._states)
            self._states = after if present.all() else _selected(present, after, self._states)

    def logits(self) -> np.ndarray:
        """Return what the state says."""
        return self._network.outputs(self._states)


class WindowDecoder:
    """A network that reads windows of the latest tokens, each anew."""

    def __init__(self, predict: Callable[[np.ndarray], np.ndarray], n_rows: int, window_size: int):
        self._predict = predict  # from windows (n_rows, window_size, 1) to the logits after their last steps
        self._windows = np.full((n_rows, window_size), np.nan)

    def read(self, tokens: np.ndarray) -> None:
        """Move the windows on."""
        n_steps = self._windows.shape[1]
        self._windows = np.concatenate([self._windows, tokens], axis=1)[:, -n_steps:]

    def logits(self) -> np.ndarray:
        """Return what the windows say."""
        return self._predict(self._windows[:, :, np.newaxis])


def write(
    decoder: Decoder, prompts: list[list[int]], length: int, draw: Callable[[np.ndarray, int], np.ndarray]
) -> np.ndarray:
    """Return the tokens that follow prompts, (n_rows, length), where ``draw(logits, place)`` draws one a row."""
    written = np.empty((len(prompts), length), dtype=int)
    if not prompts:
        return written
    decoder.read(right_aligned(prompts))
    for place in range(length):
        written[:, place] = draw(decoder.logits(), place)
        decoder.read(written[:, [place]])
    return written


def right_aligned(prompts: list[list[int]]) -> np.ndarray:
    """Return the tokens of prompts so that all end together, with NaN before those that are shorter than others."""
    tokens = np.full((len(prompts), max(map(len, prompts))), np.nan)
    for row, prompt in zip(tokens, prompts, strict=True):
        row[len(row) - len(prompt) :] = prompt
    return tokens


def _selected(rows: np.ndarray, states: list[State], otherwise: list[State]) -> list[State]:
    """Return the states of all layers for these rows, and other states for the other rows."""
    return [
        tuple(np.where(rows[:, np.newaxis], *both) for both in zip(*layer, strict=True))
        for layer in zip(states, otherwise, strict=True)
    ]
