import numpy as np
import pandas as pd
import pytest

from sklstm.datasets import load_airline, make_sine


def test_sine():
    series = make_sine(500)
    assert series.shape == (500, 1)
    np.testing.assert_array_equal(series[:, 0], np.sin(np.linspace(0, 100, 500)))
    with pytest.raises(ValueError, match="n_samples"):
        make_sine(0)


def test_airline():
    airline = load_airline()
    assert airline.data.shape == (144, 1)
    assert airline.data.dtype == np.float64
    # Box & Jenkins' Series G: first, last, smallest, largest and the sum of the 144 totals.
    assert airline.data[[0, -1], 0].tolist() == [112, 432]
    assert (airline.data.min(), airline.data.max(), airline.data.sum()) == (104, 622, 40363)
    assert "passengers" in airline.feature_names


def test_airline_as_frame():
    airline = load_airline(as_frame=True).data
    assert isinstance(airline, pd.DataFrame)
    assert str(airline.index[0]) == "1949-01"
    assert str(airline.index[-1]) == "1960-12"
    np.testing.assert_array_equal(airline, load_airline().data)
