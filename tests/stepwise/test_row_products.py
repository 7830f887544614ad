import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from threadpoolctl import threadpool_limits

from sklstm._stepwise.row_products import Matrix

SHAPES = [(1, 1), (3, 200), (128, 512), (287, 70), (300, 5)]


@pytest.mark.parametrize("shape", SHAPES)
def test_products_are_those_of_numpy(rng, shape):
    rows, array = rng.standard_normal((2, 3, shape[0])), rng.standard_normal(shape)
    assert_allclose(rows @ Matrix(array), rows @ array, atol=1e-12)
    assert (rows.astype(np.float32) @ Matrix(array.astype(np.float32))).dtype == np.float64


@pytest.mark.parametrize("shape", SHAPES)
def test_a_row_has_the_same_product_in_all_circumstances(rng, shape):
    rows, matrix = rng.standard_normal((50, shape[0])), Matrix(rng.standard_normal(shape))
    products = rows @ matrix
    for n_rows in (1, 2, 7):
        assert_array_equal(rows[-n_rows:] @ matrix, products[-n_rows:])
    assert_array_equal(np.asfortranarray(rows) @ matrix, products)
    with threadpool_limits(1):
        assert_array_equal(rows @ matrix, products)
