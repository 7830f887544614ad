import matplotlib.pyplot as plt
import numpy as np
import pytest
from numpy.testing import assert_allclose
from sklearn.exceptions import NotFittedError
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer

from sklstm import LSTMTranslator, SeasonalNaive
from sklstm.plotting import AttentionDisplay, GatesDisplay


@pytest.fixture(scope="module")
def translator():
    model = LSTMTranslator(units=4, analyzer=("word", "char"), epochs=2, max_length=3, random_state=0)
    return model.fit(["good day", "good night"] * 5, ["ab", "ac"] * 5)


@pytest.mark.filterwarnings("ignore:.*were cut at max_length")
def test_a_display_of_an_estimator(translator):
    display = AttentionDisplay.from_estimator(translator, "good day", mesh_kw={"vmax": 0.5})
    (attention,) = translator.attention_weights(["good day"])
    assert_allclose(display.mesh_.get_array(), attention.weights)
    assert [label.get_text() for label in display.ax_.get_xticklabels()] == ["good", "␣day", "■"]
    assert len(display.ax_.get_yticklabels()) == len(attention.written)
    assert display.ax_.yaxis_inverted()
    assert display.mesh_.get_clim() == (0, 0.5)
    assert display.colorbar_ is not None
    assert display.figure_ is display.ax_.figure


@pytest.mark.filterwarnings("ignore:.*were cut at max_length")
def test_steps_of_a_pipeline_come_before(translator):
    pipeline = make_pipeline(FunctionTransformer(lambda texts: [text.lower() for text in texts]), translator)
    assert AttentionDisplay.from_estimator(pipeline, "GOOD Day").read == ["good", " day", ""]


def test_plain_weights():
    figure, ax = plt.subplots()
    display = AttentionDisplay([[0.2, 0.8], [1, 0]], written=["x", ""], read=["y", ""])
    assert display.plot(ax, colorbar=False) is display
    assert display.figure_ is figure
    assert display.colorbar_ is None


def test_what_cannot_be_shown(translator):
    with pytest.raises(ValueError, match=r"\(n_written, n_read\) = \(1, 2\), got \(2, 2\)"):
        AttentionDisplay(np.ones((2, 2)), written=[""], read=["y", ""]).plot()
    with pytest.raises(ValueError, match="text should be a string, got 3"):
        AttentionDisplay.from_estimator(translator, 3)
    with pytest.raises(NotFittedError):
        AttentionDisplay.from_estimator(LSTMTranslator(), "good")
    with pytest.raises(AttributeError, match="attention_weights"):
        AttentionDisplay.from_estimator(SeasonalNaive().fit([[1.0], [2.0]], [2.0, 3.0]), "good")


def test_gates_of_the_encoder(translator):
    display = GatesDisplay.from_estimator(translator, ["good day"], row=0)
    assert list(display.steps) == ["good", " day", "[end]"]
