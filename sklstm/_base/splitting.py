"""Splits of a sample's rows: what each network trains on, and what early stopping validates on."""

from math import ceil
from typing import NamedTuple

import numpy as np

from .._windows.arrays import rows_with_weight


class Split(NamedTuple):
    """The rows of one network, in order."""

    training: np.ndarray
    validation: np.ndarray | None = None


def last_rows(rows: np.ndarray, times: np.ndarray, fraction: float, gap: int = 0) -> Split:
    """Return the rows to train on, and the last ones in time, to validate on, which start `gap` steps later."""
    split = _without_block(rows, times, len(rows) - ceil(fraction * len(rows)), len(rows), gap)
    if not len(split.training):
        raise ValueError(
            f"With n_samples={len(rows)}, validation_fraction={fraction} and a gap of {gap} row(s), early stopping "
            "leaves no row to train on. Pass more rows, a smaller validation_fraction, or early_stopping=False."
        )
    return split


def blocks(rows: np.ndarray, times: np.ndarray, fraction: float, gap: int, n_blocks: int) -> list[Split]:
    """Return a split for each of some blocks of rows, evenly spread from the first to the last one in time.

    `times` are the steps of the rows. Rows of one time are in one block, whatever series they belong to. Up to `gap`
    steps before and behind a block are left out. If any block would leave fewer rows to train on than it
    has, or if there is one block only, all blocks are the last rows.
    """
    size = ceil(fraction * len(rows))
    firsts = np.linspace(0, len(rows) - size, n_blocks).round().astype(int)
    splits = [_without_block(rows, times, first, first + size, gap) for first in firsts]
    if n_blocks == 1 or min(len(split.training) for split in splits) < size:
        return [last_rows(rows, times, fraction, gap)] * n_blocks
    return splits


def drawn_rows(rows: np.ndarray, classes: np.ndarray | None, fraction: float, seed: int) -> Split:
    """Return rows to train and to validate on, drawn at random; in proportion from each class if rows have one."""
    from sklearn.model_selection import train_test_split  # imported here, since it takes long

    stratify = None if classes is None else classes[rows]
    return Split(*train_test_split(rows, test_size=fraction, stratify=stratify, random_state=seed))


def training_rows(splits: list[Split]) -> np.ndarray:
    """Return the rows that any of the networks trains on."""
    is_used = np.zeros(1 + max(split.training.max() for split in splits), bool)
    for split in splits:
        is_used[split.training] = True
    return rows_with_weight(is_used)


def _without_block(rows: np.ndarray, times: np.ndarray, first: int, stop: int, gap: int) -> Split:
    """Return a block of the rows to validate on, and to train on those more than `gap` steps away from it."""
    in_order = np.sort(times)
    start, end = in_order[first], in_order[stop - 1]
    is_block = (times >= start) & (times <= end)
    is_far = (times < start - gap) | (times > end + gap)
    return Split(rows[is_far], rows[is_block])


def drawn_groups(rows: np.ndarray, groups: np.ndarray, fraction: float, seed: int) -> Split:
    """Return rows to train and to validate on, with all rows of a group on the same side, drawn at random."""
    from sklearn.model_selection import GroupShuffleSplit  # imported here, since it takes long

    splits = GroupShuffleSplit(1, test_size=fraction, random_state=seed).split(rows, groups=groups)
    training, validation = next(splits)
    return Split(rows[training], rows[validation])
