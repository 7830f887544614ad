import numpy as np
import pytest
from numpy.testing import assert_array_equal
from sklearn import config_context
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sklstm import SlidingWindow, TokenSequences, backtest, forecast, to_supervised

FRAMES = {"pandas": pytest.importorskip("pandas").DataFrame, "polars": pytest.importorskip("polars").DataFrame}
NAMES = ["sales_lag1", "price_lag1", "sales_lag0", "price_lag0"]

of_each_library = pytest.mark.parametrize("library", FRAMES)


@pytest.fixture
def values(rng):
    return rng.standard_normal((50, 2))


@pytest.fixture
def table(library, values):
    return FRAMES[library]({"sales": values[:, 0], "price": values[:, 1]})


@of_each_library
def test_flat_windows_are_frames(library, table):
    window = SlidingWindow(2, flatten=True).set_output(transform=library)
    frame = window.fit_transform(table)
    assert isinstance(frame, FRAMES[library])
    assert list(frame.columns) == NAMES
    assert_array_equal(frame.to_numpy(), SlidingWindow(2, flatten=True).fit_transform(table))


@of_each_library
def test_windows_are_arrays(library, table):
    model = make_pipeline(StandardScaler(), SlidingWindow(2)).set_output(transform=library)
    assert isinstance(model[0].fit_transform(table), FRAMES[library])
    assert_array_equal(
        model.fit_transform(table), make_pipeline(StandardScaler(), SlidingWindow(2)).fit_transform(table.to_numpy())
    )


@of_each_library
def test_names_reach_through_a_pipeline(library, table):
    model = make_pipeline(StandardScaler(), SlidingWindow(2, flatten=True)).set_output(transform=library)
    assert list(model.fit_transform(table).columns) == NAMES
    assert list(model.get_feature_names_out()) == NAMES


@of_each_library
def test_configuration_for_all(library, table, values, tiny):
    series = to_supervised(values, target=0)
    model = make_pipeline(StandardScaler(), SlidingWindow(3), tiny()).fit(*series)
    future = np.zeros((4, 2))[:, 1:]
    expected = forecast(model, values, 4, target=0, future=future), backtest(model, values, target=0).prediction
    with config_context(transform_output=library):
        model.fit(*series)
        found = forecast(model, values, 4, target=0, future=future), backtest(model, values, target=0).prediction
        assert isinstance(SlidingWindow(2, flatten=True).fit_transform(table), FRAMES[library])
    for one, other in zip(found, expected, strict=True):
        assert_array_equal(one, other)


@of_each_library
def test_tokens_are_a_frame(library):
    tokens = make_pipeline(TokenSequences()).set_output(transform=library).fit_transform(["one two", "three"])
    assert isinstance(tokens, FRAMES[library])
