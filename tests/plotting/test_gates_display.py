import matplotlib.dates as mdates
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.compose import make_column_transformer
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler, OneHotEncoder

from sklstm import (
    LSTMAnomalyDetector,
    LSTMClassifier,
    LSTMForecaster,
    LSTMTextGenerator,
    LSTMTranscriber,
    SlidingWindow,
    TokenSequences,
    to_supervised,
)
from sklstm.plotting import GatesDisplay

ALL_GATES = ["input_gate", "forget_gate", "output_gate", "candidate", "cell_state", "hidden_state"]


def drawn(display):
    """Return what the heat map shows of each unit, in the order of units, NaN where it shows nothing."""
    cells = np.ma.filled(display.mesh_.get_array().astype(float), np.nan)
    return cells[np.argsort(display.units_)]


def tick_labels(ax):
    return [label.get_text() for label in ax.get_xticklabels()]


@pytest.fixture
def table(rng):
    values = rng.standard_normal((20, 2)).round(2)
    values[7, 1] = np.nan
    return pd.DataFrame(values, pd.date_range("2024-01-01", periods=20, name="day"), ["demand", "wind"])


@pytest.fixture
def model(tiny, table):
    pipeline = make_pipeline(MinMaxScaler(), SlidingWindow(4), tiny(units=(4, 3), bidirectional=True, n_networks=2))
    return pipeline.fit(*to_supervised(table, target="demand"))


@pytest.mark.parametrize("gate", ALL_GATES)
def test_rows_of_a_series_have_the_last_steps_of_their_windows(model, table, gate):
    display = GatesDisplay.from_estimator(model, table, gate=gate)
    expected = model[-1].gates(model[:-1].transform(table), steps=-1)[gate][:, 0]
    assert_allclose(drawn(display).T, expected, rtol=1e-6)
    assert np.isnan(expected[7]).all()
    assert gate.replace("_", " ") in display.ax_.figure.axes[-1].get_ylabel()


def test_layer_direction_network_and_units(model, table):
    selection = {"layer": 0, "direction": "backward", "network": 1}
    display = GatesDisplay.from_estimator(model, table, units=[3, 1], **selection)
    expected = model[-1].gates(model[:-1].transform(table), steps=-1, units=[1, 3], **selection).cell_state[:, 0]
    assert_allclose(drawn(display).T, expected, rtol=1e-6)
    assert sorted(display.units_) == [1, 3]
    assert display.axes_[0].get_title() == "Cell state (network 1, layer 0, backward)"


def test_series_stands_above_in_its_own_units(model, table):
    display = GatesDisplay.from_estimator(model, table)
    assert [panel.get_ylabel() for panel in display.axes_] == ["demand", "wind", "unit"]
    for line, column in zip(display.lines_, table, strict=True):
        assert_array_equal(line.get_ydata(), table[column])
        assert_allclose(line.get_xdata(), mdates.date2num(table.index))
    assert display.axes_[0].get_xlim() == display.ax_.get_xlim()


@pytest.mark.parametrize(
    "change",
    [lambda table: table, lambda table: table.tz_localize("Europe/Berlin"), lambda table: table.to_period("D")],
)
def test_dates_on_the_axis(model, table, change):
    display = GatesDisplay.from_estimator(model, change(table))
    display.figure_.canvas.draw()
    assert display.ax_.get_xlabel() == "day"
    assert isinstance(display.ax_.xaxis.get_major_formatter(), mdates.ConciseDateFormatter)
    shown = [text for text in tick_labels(display.ax_) if text]
    assert "05" in shown or "09" in shown


@pytest.mark.parametrize("index", [range(100, 120), pd.timedelta_range("1h", periods=20, freq="h")], ids=type)
def test_numbers_and_durations_on_the_axis(model, table, index):
    display = GatesDisplay.from_estimator(model, table.set_axis(pd.Index(index)))
    expected, name = ([100, 119], "step") if isinstance(index, range) else ([3600, 72000], "time (s)")
    assert_allclose(display.lines_[0].get_xdata()[[0, -1]], expected)
    assert display.ax_.get_xlabel() == name
    named = GatesDisplay.from_estimator(model, table.set_axis(pd.Index(index, name="since")), row=9)
    assert named.ax_.get_xlabel() == ("since" if isinstance(index, range) else "since (s)")


def test_rows_of_an_array_have_numbers(model, table):
    display = GatesDisplay.from_estimator(model, table.to_numpy())
    assert_array_equal(display.lines_[0].get_xdata(), np.arange(20))
    assert display.ax_.get_xlabel() == "row"
    assert [line.axes.get_ylabel() for line in display.lines_] == ["feature 0", "feature 1"]


def test_window_of_a_row(model, table):
    display = GatesDisplay.from_estimator(model, table, row=8)
    windows = model[:-1].transform(table)
    assert_allclose(drawn(display).T, model[-1].gates(windows[[8]]).cell_state[0], rtol=1e-6)
    assert_allclose(display.lines_[0].get_xdata(), mdates.date2num(table.index[5:9]))
    assert_allclose(display.lines_[1].get_ydata(), windows[8, :, 1])


def test_window_that_reaches_back_before_the_series(model, table):
    display = GatesDisplay.from_estimator(model, table, row=1)
    assert drawn(display).shape == (3, 2)
    assert_allclose(display.lines_[0].get_xdata(), mdates.date2num(table.index[:2]))


def test_windows_without_a_pipeline(tiny, windows):
    X, y = windows
    model = tiny().fit(X, y)
    for row, shown in ((None, -1), (7, 7)):
        display = GatesDisplay.from_estimator(model, X, row=row)
        assert_allclose(drawn(display).T, model.gates(X).cell_state[shown], rtol=1e-6)
        assert_array_equal(display.lines_[1].get_ydata(), X[shown, :, 1])
        assert display.ax_.get_xlabel() == "step"


def test_columns_that_are_no_numbers_are_left_out(tiny, table):
    table["season"] = ["winter", "summer"] * 10
    encoder = make_column_transformer((OneHotEncoder(sparse_output=False), ["season"]), remainder="passthrough")
    model = make_pipeline(encoder, SlidingWindow(3), tiny()).fit(table, table["demand"])
    display = GatesDisplay.from_estimator(model, table)
    assert [panel.get_ylabel() for panel in display.axes_] == ["demand", "wind", "unit"]
    window = GatesDisplay.from_estimator(model, table, row=5)
    assert [line.axes.get_ylabel() for line in window.lines_] == list(encoder.get_feature_names_out())


def test_detector_has_not_read_the_last_step(tiny, table):
    model = make_pipeline(SlidingWindow(4), LSTMAnomalyDetector(tiny())).fit(table)
    states = model[-1].gates(model[:-1].transform(table)).cell_state
    shown = drawn(GatesDisplay.from_estimator(model, table)).T
    assert_allclose(shown[:-1], states[1:, -1], rtol=1e-6)
    assert np.isnan(shown[-1]).all()
    window = drawn(GatesDisplay.from_estimator(model, table, row=15)).T
    assert_allclose(window, [*states[15], np.full(4, np.nan)], rtol=1e-6)


@pytest.fixture
def panel():
    """Return rows of two series by turns, of which one is a day ahead of the other."""
    days = pd.date_range("2024-01-01", periods=13, name="day")
    index = days[np.arange(24) // 2 + np.arange(24) % 2]
    return pd.DataFrame({"demand": np.arange(24.0), "store": [7, 5] * 12, "wind": np.arange(24.0) % 5}, index)


PANELS = {
    "first column": (lambda panel: panel[["store", "demand", "wind"]], "store", ["demand", "wind"]),
    "middle column": (lambda panel: panel, "store", ["demand", "wind"]),
    "last column": (lambda panel: panel[["demand", "wind", "store"]], "store", ["demand", "wind"]),
    "level": (lambda panel: panel.set_index("store", append=True), "store", ["demand", "wind"]),
    "array": (lambda panel: panel.to_numpy(), 1, ["feature 0", "feature 1"]),
}


@pytest.mark.parametrize("kind", PANELS)
def test_rows_and_windows_are_those_of_one_series(tiny, panel, kind):
    change, groups, names = PANELS[kind]
    table = change(panel)
    times = np.arange(24) if kind == "array" else panel.index
    values = panel[["demand", "wind"]].to_numpy()
    model = make_pipeline(SlidingWindow(4, groups=groups), tiny())
    model.fit(*to_supervised(table, target=0 if kind == "array" else "demand", groups=groups))
    for row, shown in [(-2, [16, 18, 20, 22]), (3, [1, 3])]:
        display = GatesDisplay.from_estimator(model, table, row=row)
        assert_array_equal(display.steps, times[shown])
        assert_array_equal(display.series, values[shown])
        assert [line.axes.get_ylabel() for line in display.lines_] == names
        assert display.ax_.get_xlabel() == ("row" if kind == "array" else "day")
    with pytest.raises(ValueError, match=r"several series.* Choose the window of a row with row="):
        GatesDisplay.from_estimator(model, table)
    display = GatesDisplay.from_estimator(model, table[1::2])
    assert [line.axes.get_ylabel() for line in display.lines_] == names
    assert_array_equal(display.series, values[1::2])
    assert_array_equal(display.steps, times[:12] if kind == "array" else times[1::2])


@pytest.mark.filterwarnings("ignore:X is a table")
def test_flat_windows_of_several_series_are_refused(tiny, panel):
    model = make_pipeline(SlidingWindow(4, groups="store", flatten=True), tiny())
    model.fit(panel[["store", "demand"]], panel["demand"])
    for row in (None, 3):
        with pytest.raises(ValueError, match="Set flatten=False of SlidingWindow"):
            GatesDisplay.from_estimator(model, panel[["store", "demand"]], row=row)


def test_characters_of_a_text():
    model = LSTMTextGenerator(units=3, epochs=1, random_state=0).fit(["so $what$?\n" * 10])
    display = GatesDisplay.from_estimator(model, ["no text", "so $w$#\n"])
    assert tick_labels(display.ax_) == ["s", "o", "␣", "$", "w", "$", "[?]", "↵"]
    assert_allclose(drawn(display).T, model.gates(["so $w$#\n"]).cell_state[0], rtol=1e-6)
    assert list(display.axes_) == [display.ax_]
    assert display.ax_.get_xlabel() == "character"
    display.figure_.canvas.draw()  # dollars are no formula


def test_steps_missing_at_the_end_stay_there(rng):
    X = rng.standard_normal((12, 8, 1))
    X[::2, 5:] = X[0, [0, 3]] = np.nan
    model = LSTMClassifier(units=3, epochs=1, network="conv_lstm", random_state=0).fit(X, np.arange(12) % 2)
    display = GatesDisplay.from_estimator(model, X, row=0)
    assert_array_equal(np.isnan(drawn(display)).all(axis=0), np.isnan(X[0, :, 0]))
    moved = np.roll(X[[0]], 3, axis=1)
    assert_allclose(drawn(display)[:, :5], drawn(GatesDisplay.from_estimator(model, moved))[:, 3:], rtol=1e-6)
    whole = GatesDisplay.from_estimator(model, X, row=1)
    assert_allclose(drawn(whole).T, model.gates(X[[1]]).cell_state[0], rtol=1e-6)


@pytest.mark.thorough
def test_rows_missing_in_a_series_have_no_states_behind_convolutions(tiny, table):
    table.iloc[[7, 18, 19]] = np.nan
    model = make_pipeline(SlidingWindow(4), tiny(network="conv_lstm")).fit(table, table["demand"].fillna(0))
    display = GatesDisplay.from_estimator(model, table)
    assert_array_equal(np.flatnonzero(np.isnan(drawn(display)).all(axis=0)), [7, 18, 19])
    window = GatesDisplay.from_estimator(model, table, row=19)
    assert_array_equal(np.isnan(drawn(window)).all(axis=0), [False, False, True, True])
    detector = make_pipeline(SlidingWindow(5), LSTMAnomalyDetector(tiny(network="conv_lstm"))).fit(table)
    display = GatesDisplay.from_estimator(detector, table)
    assert_array_equal(np.flatnonzero(np.isnan(drawn(display)).all(axis=0)), [7, 18, 19])
    window = GatesDisplay.from_estimator(detector, table, row=19)
    assert_array_equal(np.isnan(drawn(window)).all(axis=0), [False, False, False, True, True])


@pytest.fixture(scope="module")
def transcriber():
    sequences = list(np.random.default_rng(0).standard_normal((6, 10, 2)))
    return LSTMTranscriber(units=3, epochs=1, random_state=0).fit(sequences, ["ab"] * 6), sequences


@pytest.mark.parametrize("index", [[5, 4, 3, 2, 1, 0], range(100, 106)])
def test_rows_of_sequences_are_positions(transcriber, index):
    model, sequences = transcriber
    display = GatesDisplay.from_estimator(model, pd.Series(sequences, index), row=1)
    assert_allclose(display.series, sequences[1], rtol=1e-6)


def test_sequences_have_their_present_steps(transcriber):
    model, sequences = transcriber
    padded = np.array(sequences)
    padded[0, [2, 8, 9]] = np.nan
    padded[0, 5, 1] = np.nan
    present = [0, 1, 3, 4, 6, 7]
    frames = [pd.DataFrame(sequence).astype("Float64") for sequence in padded]
    for X in (padded, list(padded), frames):
        display = GatesDisplay.from_estimator(model, X, row=0)
        assert_array_equal(display.steps, present)
        assert_allclose(display.series, padded[0, present], rtol=1e-6)
        assert_allclose(drawn(display).T, model.gates([padded[0]]).cell_state[0], rtol=1e-6)
    padded[0] = np.nan
    with pytest.raises(ValueError, match="no step without a missing value"):
        GatesDisplay.from_estimator(model, padded, row=0)


@pytest.fixture
def classifier():
    model = make_pipeline(TokenSequences(), LSTMClassifier(units=3, embedding_dim=2, epochs=1, random_state=0))
    return model.fit(["the cat sat on the mat", "the dog sat"], [0, 1])


def test_words_of_a_document(classifier):
    documents = ["the dog sat on the cat", "the bird sat"]
    display = GatesDisplay.from_estimator(classifier, documents)
    assert tick_labels(display.ax_) == ["the", "[?]", "sat"]
    expected = classifier[-1].gates(classifier[:-1].transform(documents)).cell_state[1, -3:]
    assert_allclose(drawn(display).T, expected, rtol=1e-6)
    assert display.ax_.get_xlabel() == "token"


def test_numbers_of_tokens(classifier):
    X = np.array([[np.nan, 2, 1, np.nan, 3, 0]])
    display = GatesDisplay.from_estimator(classifier[-1], X)
    assert tick_labels(display.ax_) == ["2", "1", "", "3", "0"]
    assert np.isnan(drawn(display)[:, 2]).all()


def test_long_texts_have_positions():
    display = GatesDisplay(np.zeros((400, 2)), steps=list("ab" * 200)).plot()
    assert len(tick_labels(display.ax_)) < 20


def test_units_are_in_the_order_in_which_they_act():
    values = np.zeros((9, 3))
    values[8, 0], values[1, 1], values[4, 2] = 1, 1, -1
    display = GatesDisplay(values, unit_numbers=[5, 6, 7]).plot()
    assert_array_equal(display.units_, [6, 7, 5])
    assert_array_equal(display.mesh_.get_array()[0], values[:, 1])
    assert [label.get_text() for label in display.ax_.get_yticklabels()] == ["6", "7", "5"]
    top, bottom = display.ax_.get_ylim()[::-1]
    assert top < bottom
    assert_array_equal(GatesDisplay(values).plot(sort_units=False).units_, [0, 1, 2])


def test_signed_values_are_around_zero():
    values = np.array([[0.5, -3.0], [1.0, np.nan]])
    low, high = GatesDisplay(values).plot().mesh_.get_clim()
    assert low == -high
    assert GatesDisplay(np.abs(values) / 3, gate="forget_gate").plot().mesh_.get_clim() == (0, 1)
    assert GatesDisplay(values).plot(mesh_kw={"vmin": -9, "vmax": 9}).mesh_.get_clim() == (-9, 9)


@pytest.mark.parametrize("values", [np.full((3, 2), np.nan), np.zeros((3, 2)), np.zeros((1, 1))])
def test_degenerate_values(values):
    GatesDisplay(values, series=values).plot().figure_.canvas.draw()


def test_draws_in_given_axes(model, table):
    figure, axes = plt.subplots(1, 2)
    display = GatesDisplay.from_estimator(model, table, ax=axes[0])
    assert display.figure_ is figure
    assert display.plot(ax=axes[1]) is display
    axes = plt.figure().subplots(3, 1, sharex=True)
    assert_array_equal(display.plot(ax=axes).axes_, axes)
    with pytest.raises(ValueError, match="Expected ax to have 3 axes, got 2"):
        display.plot(ax=axes[:2])
    with pytest.raises(ValueError, match="Pass 3 axes"):
        display.plot(ax=plt.figure().add_axes([0, 0, 1, 1]))


def test_keeps_labels_in_any_place_of_a_grid():
    axes = plt.figure().subplots(2, 2)
    values = np.arange(6.0).reshape(3, 2)
    for ax in axes.flat:
        display = GatesDisplay(values, steps=list("abc")).plot(ax=ax)
        assert tick_labels(display.ax_) == ["a", "b", "c"]
        for axis in (display.ax_.xaxis, display.ax_.yaxis):
            assert all(tick.label1.get_visible() for tick in axis.get_major_ticks())
        assert display.ax_.get_ylabel() == "unit"


def test_keywords_reach_matplotlib(model, table):
    display = GatesDisplay.from_estimator(model, table, line_kw={"color": "red"}, mesh_kw={"cmap": "gray"})
    assert display.lines_[0].get_color() == "red"
    assert display.mesh_.get_cmap().name == "gray"


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"gate": "reset_gate"}, r"gate must be one of \['input_gate', .* Got 'reset_gate' instead"),
        ({"layer": 2}, "layer must be an int from -2 to 1"),
        ({"direction": "sideways"}, "direction must be one of"),
        ({"network": 2}, "network must be an int from 0 to 1"),
        ({"units": [3]}, "units must select some of 3"),
        ({"row": 20}, "row must be an int from -20 to 19. Got 20 instead"),
        ({"row": "last"}, "row must be an int"),
    ],
    ids=str,
)
def test_bad_selections_are_refused_before_anything_is_drawn(model, table, params, message):
    with pytest.raises(ValueError, match=message):
        GatesDisplay.from_estimator(model, table, **params)
    assert not plt.get_fignums()


def test_bad_estimators_are_refused(tiny, windows, table):
    X, y = windows
    with pytest.raises(NotFittedError):
        GatesDisplay.from_estimator(tiny(), X)
    with pytest.raises(NotFittedError):
        GatesDisplay.from_estimator(make_pipeline(SlidingWindow(), LSTMForecaster()), table)
    with pytest.raises(AttributeError, match="Ridge has none of the following attributes: gates"):
        GatesDisplay.from_estimator(Ridge().fit(X[8:, 0], y[8:]), X)
    with pytest.raises(TypeError, match="estimator should be a fitted estimator"):
        GatesDisplay.from_estimator("passthrough", X)
    assert not plt.get_fignums()


def test_bad_data_is_refused(tiny, windows, model, table):
    X, y = windows
    forecaster = tiny().fit(X, y)
    with pytest.raises(ValueError, match=r"Found array with 0 sample\(s\) \(shape=\(0, 6, 2\)\)"):
        GatesDisplay.from_estimator(forecaster, X[:0])
    with pytest.raises(ValueError, match=r"0 sample\(s\)"):
        GatesDisplay.from_estimator(model, table[:0])
    with pytest.raises(ValueError, match="Expected 2D or 3D array, got 1D array"):
        GatesDisplay.from_estimator(forecaster, np.zeros(3))
    with pytest.raises(ValueError, match="X has 1 features, but LSTMForecaster is expecting 2"):
        GatesDisplay.from_estimator(forecaster, X[:, :, :1])
    generator = LSTMTextGenerator(units=2, epochs=1).fit(["one document"])
    with pytest.raises(ValueError, match="string object received"):
        GatesDisplay.from_estimator(generator, "a document")
    with pytest.raises(ValueError, match="Found no document with a token"):
        GatesDisplay.from_estimator(generator, [""])
    with pytest.raises(ValueError, match="inconsistent numbers of samples"):
        GatesDisplay(np.zeros((3, 2)), steps=["a"]).plot()
    with pytest.raises(ValueError, match="inconsistent numbers of samples"):
        GatesDisplay(np.zeros((3, 2)), series=np.zeros(4)).plot()
    assert not plt.get_fignums()
