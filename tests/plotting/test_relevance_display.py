import re
from html.parser import HTMLParser

import matplotlib.dates as mdates
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin
from sklearn.exceptions import NotFittedError
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler

from sklstm import LSTMClassifier, SlidingWindow, TokenSequences, to_supervised
from sklstm.plotting import GatesDisplay, RelevanceDisplay


class Linear(RegressorMixin, BaseEstimator):
    """A regressor whose relevance is plain to see: output k is k + 1 times the sum of what is there."""

    def fit(self, X, y=None):
        self.fitted_ = True
        return self

    def predict(self, X):
        return self.input_relevance(X).sum(axis=(1, 2))

    def input_relevance(self, X, output=0):
        if output not in (0, 1):
            raise ValueError(f"output must be 0 or 1. Got {output!r} instead.")
        missing = np.isnan(X).any(axis=2, keepdims=True)
        return (output + 1) * np.where(missing, 0.0, X)


class Verdict(ClassifierMixin, BaseEstimator):
    """A classifier of tokens, of which that with the number 1 is bad, and all others are good."""

    embedding_dim = 2

    def fit(self, X, y):
        self.classes_ = np.unique(y)
        return self

    def predict(self, X):
        return self.classes_[(self.input_relevance(X, self.classes_[1]).sum(axis=(1, 2)) > 0).astype(int)]

    def input_relevance(self, X, output):
        sign = {self.classes_[0]: -1, self.classes_[1]: 1}[output]
        relevance = np.select([np.isnan(X), X == 1], [0.0, -0.2], 0.1)
        return sign * relevance.reshape(*np.shape(X)[:2], 1)


@pytest.fixture
def table(rng):
    values = rng.uniform(-1, 1, (12, 3))
    values[8, 1] = np.nan
    return pd.DataFrame(values, pd.date_range("2024-01-01", periods=12, name="day"), ["demand", "wind", "holiday"])


@pytest.fixture
def model(table):
    return make_pipeline(SlidingWindow(5), Linear()).fit(table)


def heights(bars):
    return np.array([bar.get_height() for bar in bars])


def test_bars_stand_under_the_window_feature_by_feature(model, table):
    display = RelevanceDisplay.from_estimator(model, table)
    window = model[:-1].transform(table)[-1]
    lines, bars = display.axes_[::2], display.axes_[1::2]
    assert [panel.get_ylabel() for panel in lines] == ["demand", "wind", "holiday"]
    for feature in range(3):
        assert_array_equal(display.lines_[feature].get_ydata(), window[:, feature])
        assert display.lines_[feature].axes is lines[feature]
        assert_allclose(heights(display.bars_[feature]), model[-1].input_relevance(window[np.newaxis])[0, :, feature])
        assert display.bars_[feature][0].axes is bars[feature]
        low, high = bars[feature].get_ylim()
        assert low == -high
    assert len({panel.get_ylim() for panel in bars}) == 1
    assert_allclose(display.lines_[0].get_xdata(), mdates.date2num(table.index[-5:]))
    assert display.axes_[-1].get_xlabel() == "day"


def test_title_names_the_output_and_the_sum(model, table):
    display = RelevanceDisplay.from_estimator(model, table, output=1)
    total = 2 * model.predict(table)[-1]
    assert display.axes_[0].get_title() == f"Relevance for output 1, {total:+.3g} in all"


def test_title_names_the_column_of_the_target(tiny, table):
    model = make_pipeline(SlidingWindow(5), tiny()).fit(*to_supervised(table, target="demand"))
    display = RelevanceDisplay.from_estimator(model, table, row=4)
    assert display.axes_[0].get_title().startswith("Relevance for demand")
    assert_allclose(display.relevance, model[-1].input_relevance(model[:-1].transform(table)[[4]])[0])
    by_name = RelevanceDisplay.from_estimator(model, table, row=4, output="demand")
    assert by_name.axes_[0].get_title() == display.axes_[0].get_title()


def test_heat_map_of_features(model, table):
    display = RelevanceDisplay.from_estimator(model, table, kind="heatmap", row=9)
    cells = display.mesh_.get_array()
    window = model[:-1].transform(table)[9]
    present = ~np.isnan(window).any(axis=1)
    assert_array_equal(np.ma.getmaskarray(cells), np.tile(~present, (3, 1)))
    assert_allclose(cells[:, present], window[present].T)
    assert [label.get_text() for label in display.axes_[-1].get_yticklabels()] == list(display.feature_names)
    low, high = display.mesh_.get_clim()
    assert low == -high == -np.abs(window[present]).max()
    assert not display.bars_


def test_missing_steps_are_hatched(model, table):
    display = RelevanceDisplay.from_estimator(model, table, row=9)
    missing = mdates.date2num(table.index[8])
    for panel in display.axes_:
        spans = [patch for patch in panel.patches if patch.get_hatch()]
        assert any(patch.get_x() < missing < patch.get_x() + patch.get_width() for patch in spans)


def test_early_rows_have_a_short_window(model, table):
    display = RelevanceDisplay.from_estimator(model, table, row=3)
    assert len(display.relevance) == 4


def test_names_of_features_go_through_scalers(table):
    model = make_pipeline(MinMaxScaler(), SlidingWindow(2), Linear()).fit(table)
    assert RelevanceDisplay.from_estimator(model, table).feature_names == list(table)
    model.fit(table.to_numpy())
    assert RelevanceDisplay.from_estimator(model, table.to_numpy()).feature_names == ["x0", "x1", "x2"]


def test_window_of_one_of_several_series(tiny, table):
    panel = pd.concat([table.assign(store="a"), (table + 1).assign(store="b")])[["store", "demand", "wind"]]
    model = make_pipeline(SlidingWindow(5, groups="store"), tiny())
    model.fit(*to_supervised(panel, target="demand", groups="store"))
    display = RelevanceDisplay.from_estimator(model, panel, row=13)
    assert_array_equal(display.steps, table.index[:2])
    assert display.feature_names == ["demand", "wind"]
    assert_allclose(display.values, table[["demand", "wind"]][:2] + 1)


def test_windows_without_a_pipeline(rng):
    X = rng.standard_normal((4, 5, 2))
    display = RelevanceDisplay.from_estimator(Linear().fit(X), X, row=1)
    assert_allclose([heights(bars) for bars in display.bars_], X[1].T)


@pytest.mark.filterwarnings("error:X does not have valid feature names")
def test_a_table_of_windows_reaches_the_estimator_as_it_is(rng):
    X = pd.DataFrame(rng.standard_normal((12, 8)), columns=[f"t{step}" for step in range(8)])
    model = LSTMClassifier(units=3, epochs=1, network="lstm", random_state=0).fit(X, np.arange(12) % 2)
    display = RelevanceDisplay.from_estimator(model, X.set_axis(range(50, 62)), row=2)
    assert_allclose(display.values.ravel(), X.iloc[2])
    X = X.astype("Float64")
    X.iloc[2, 3] = pd.NA
    display = RelevanceDisplay.from_estimator(model, X, row=2)
    assert_array_equal(np.flatnonzero(np.isnan(display.values)), [3])
    assert display.relevance[3] == 0
    tokens = pd.DataFrame({"first": [1, 2], "second": [2, 1]}, dtype="Int64")
    model = LSTMClassifier(units=3, embedding_dim=2, epochs=1).fit(tokens, [0, 1])
    missing = tokens.assign(first=pd.array([pd.NA, pd.NA], "Int64"))
    assert GatesDisplay.from_estimator(model, missing).steps == ["1"]


def test_relevance_alone():
    display = RelevanceDisplay([[0.1, -0.2], [0.0, 0.4]]).plot()
    assert len(display.axes_) == 2
    assert not display.lines_
    display.plot(kind="heatmap")
    assert len(display.axes_) == 1


def test_zeros():
    RelevanceDisplay(np.zeros((3, 2))).plot().figure_.canvas.draw()
    RelevanceDisplay(np.zeros((3, 2))).plot(kind="heatmap").figure_.canvas.draw()


@pytest.fixture
def verdict():
    documents = ["awful film", "nice film", "nice <b>plot</b>"]
    return make_pipeline(TokenSequences(max_length=4, token_pattern=r"\S+"), Verdict()).fit(
        documents, ["bad", "good", "good"]
    )


def test_words_of_a_document(verdict):
    documents = ["film film nice", "awful film"]
    assert verdict[0].vocabulary_["<b>plot</b>"] == 1
    display = RelevanceDisplay.from_estimator(verdict, documents)
    assert [label.get_text() for label in display.axes_[0].get_xticklabels()] == ["awful", "film"]
    assert_allclose(heights(display.bars_[0]), [0.1, 0.1])
    assert display.axes_[0].get_title() == "Relevance for class good, +0.2 in all"
    assert "probability" in display.axes_[0].get_ylabel()
    bad = RelevanceDisplay.from_estimator(verdict, documents, output="bad")
    assert_allclose(heights(bad.bars_[0]), [-0.1, -0.1])


class Spans(HTMLParser):
    """Reads the tokens of a coloured text, each with its attributes."""

    def __init__(self, html):
        super().__init__()
        self.tokens, self.tags, self.text = [], [], ""
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.attrs = dict(attrs)

    def handle_data(self, data):
        self.text += data
        if self.tags[-1] == "span" and self.attrs:
            self.tokens.append((data, self.attrs))
            self.attrs = None


def test_coloured_text(verdict):
    html = RelevanceDisplay.from_estimator(verdict, ["film <b>plot</b> nice"], output="good").to_html()
    spans = Spans(html)
    assert set(spans.tags) == {"div", "span", "small"}  # and no tag of the document's
    assert spans.text.startswith("film <b>plot</b> nice")
    (film, raising), (plot, lowering) = spans.tokens[:2]
    assert (film, plot) == ("film", "<b>plot</b>")
    assert (raising["title"], lowering["title"]) == ("+0.1 probability", "-0.2 probability")
    assert "solid" in raising["style"]
    assert "dotted" in lowering["style"]
    strengths = [float(re.search(r",([\d.]+)\)", token["style"])[1]) for token in (raising, lowering)]
    assert_allclose(strengths, [0.25, 0.5])
    assert not re.search(r"[^-]color:", html)  # the text has that of the page


def test_everything_in_the_html_is_escaped():
    display = RelevanceDisplay([[1.0]], steps=['"<i>'], output_name="class <u>", unit="<s>")
    for html in (display.to_html(), display._repr_html_(), display.to_html(separator="<hr>")):
        assert set(Spans(html).tags) == {"div", "span", "small"}


@pytest.mark.parametrize(
    ("tokens", "separator", "text"),
    [
        ("a b", None, "a b"),
        (["a", "[?]", "b"], None, "a[?]b"),
        (["a", "dog"], None, "a dog"),
        (["a", "dog"], "_", "a_dog"),
        (["[?]", "[?]"], None, "[?] [?]"),
    ],
)
def test_what_stands_between_tokens(tokens, separator, text):
    html = RelevanceDisplay(np.ones((len(tokens), 1)), steps=list(tokens)).to_html(separator=separator)
    assert Spans(html).text.splitlines()[0] == text


def test_windows_have_no_html():
    display = RelevanceDisplay([[0.1]])
    assert display._repr_html_() is None
    with pytest.raises(ValueError, match="to_html needs the tokens of a text"):
        display.to_html()


def test_bad_input_is_refused_before_anything_is_drawn(model, table):
    with pytest.raises(ValueError, match="kind must be 'bar' or 'heatmap'"):
        RelevanceDisplay.from_estimator(model, table, kind="pie")
    with pytest.raises(ValueError, match="output must be 0 or 1"):
        RelevanceDisplay.from_estimator(model, table, output=2)
    with pytest.raises(ValueError, match="row must be an int from -12 to 11"):
        RelevanceDisplay.from_estimator(model, table, row=-13)
    with pytest.raises(NotFittedError):
        RelevanceDisplay.from_estimator(Linear(), np.zeros((1, 2, 1)))
    with pytest.raises(AttributeError, match="SlidingWindow has none of the following attributes: input_relevance"):
        RelevanceDisplay.from_estimator(model[:1], table)
    with pytest.raises(ValueError, match=r"values has the shape \(2, 1\), but relevance has \(1, 1\)"):
        RelevanceDisplay([[0.1]], values=[[1], [2]]).plot()
    with pytest.raises(ValueError, match="inconsistent numbers of samples"):
        RelevanceDisplay([[0.1]], feature_names=["a", "b"]).plot()
    with pytest.raises(ValueError, match="Expected 2D array, got 1D array"):
        RelevanceDisplay([0.1]).plot()
    assert not plt.get_fignums()
