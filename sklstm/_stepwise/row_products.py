"""Products of rows with a matrix, each of which is the same number in all circumstances."""

from functools import reduce
from math import ceil

import numpy as np

from .._windows.arrays import MAX_BLOCK, MIN_BLOCK_WIDTH


class Matrix:
    """A matrix of float64, of which ``rows @ matrix`` depends neither on the number of rows nor on that of threads.

    As in `products_by_row`, each row has a product of its own, which is a sum of products with blocks of the matrix.
    Here the blocks are cut out once, for many steps.
    """

    __array_ufunc__ = None  # so that numpy leaves ``rows @ matrix`` to this class

    def __init__(self, array: np.ndarray):
        self.shape: tuple[int, int] = array.shape
        n_inner, n_outer = array.shape
        width = min(n_outer, MIN_BLOCK_WIDTH)
        height = ceil(n_inner / ceil(n_inner / (MAX_BLOCK // width)))
        padded = np.pad(array.astype(np.float64), [(0, 0), (0, -n_outer % width)])
        blocks = padded.reshape(n_inner, -1, width).swapaxes(0, 1)  # (n_blocks, n_inner, width)
        inner = [slice(top, top + height) for top in range(0, n_inner, height)]
        self._blocks = [(part, np.ascontiguousarray(blocks[:, part])) for part in inner]

    def __rmatmul__(self, rows: np.ndarray) -> np.ndarray:
        """Return the products of rows (…, n_inner)."""
        rows = np.ascontiguousarray(rows, dtype=np.float64)[..., np.newaxis, np.newaxis, :]
        products = reduce(np.add, (rows[..., part] @ blocks for part, blocks in self._blocks))
        return products.reshape(*rows.shape[:-3], -1)[..., : self.shape[1]]
