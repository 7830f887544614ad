"""Products of rows with a matrix, each of which is the same number in all circumstances."""

from math import ceil

import numpy as np

from .._windows.arrays import MAX_BLOCK, MIN_BLOCK_WIDTH


class Matrix:
    """A matrix of float64, of which ``rows @ matrix`` does not depend on the number of rows, nor on that of threads.

    The products are those of `_windows.arrays.products_by_row`: each row by itself, and with blocks of the matrix,
    which here are cut out once for many steps.
    """

    __array_ufunc__ = None  # so that numpy leaves ``rows @ matrix`` to this class

    def __init__(self, array: np.ndarray):
        self.shape: tuple[int, int] = array.shape
        self._width = min(self.shape[1], MIN_BLOCK_WIDTH)
        n_down = ceil(self.shape[0] / (MAX_BLOCK // self._width))
        self._height = ceil(self.shape[0] / n_down)
        padded = np.pad(array, [(0, -self.shape[0] % self._height), (0, -self.shape[1] % self._width)])
        blocks = padded.reshape(-1, self._height, padded.shape[1] // self._width, self._width).swapaxes(1, 2)
        self._blocks = np.ascontiguousarray(blocks, dtype=np.float64)  # (n_down, n_across, height, width)

    def __rmatmul__(self, rows: np.ndarray) -> np.ndarray:
        """Return the products of rows (…, n_inner)."""
        n_inner, n_outer = self.shape
        padding = [(0, 0)] * (rows.ndim - 1) + [(0, -n_inner % self._height)]
        padded = np.pad(rows, padding) if n_inner % self._height else rows
        parts = np.ascontiguousarray(padded, dtype=np.float64).reshape(*rows.shape[:-1], -1, 1, 1, self._height)
        products = (parts @ self._blocks).sum(axis=-4)
        return products.reshape(*rows.shape[:-1], -1)[..., :n_outer]
