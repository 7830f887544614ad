import matplotlib.pyplot as plt
import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.exceptions import NotFittedError
from sklearn.pipeline import make_pipeline

from sklstm import LSTMClassifier, LSTMTranscriber, SeasonalNaive, SlidingWindow
from sklstm.plotting import LossCurveDisplay


def legend(display):
    return [text.get_text() for text in display.ax_.get_legend().get_texts()]


def test_curves_of_an_estimator_with_early_stopping(tiny, windows):
    model = tiny(epochs=4, early_stopping=True).fit(*windows)
    display = LossCurveDisplay.from_estimator(model)
    for line, name in zip(display.lines_, ["loss", "val_loss"], strict=True):
        assert_array_equal(line.get_xdata(), [1, 2, 3, 4])
        assert_array_equal(line.get_ydata(), model.history_[name])
    best = int(np.argmin(model.history_["val_loss"]))
    assert_allclose(display.minimum_.get_xydata(), [[best + 1, model.history_["val_loss"][best]]])
    assert legend(display)[:2] == ["training", "validation"]
    assert f"after epoch {best + 1}" in legend(display)[2]
    assert display.ax_.get_xlabel() == "epoch"
    assert display.ax_.get_ylabel() == "squared error of the standardised target"


def test_the_loss_of_quantiles_is_the_pinball_loss(tiny, windows):
    display = LossCurveDisplay.from_estimator(tiny(loss="quantile").fit(*windows))
    assert display.ax_.get_ylabel() == "pinball loss of the standardised target"


def test_training_loss_alone(tiny, windows):
    display = LossCurveDisplay.from_estimator(tiny(normalize=False).fit(*windows))
    assert len(display.lines_) == 1
    assert display.minimum_ is None
    assert legend(display) == ["training"]
    assert display.ax_.get_ylabel() == "squared error"


def test_last_step_of_a_pipeline(tiny, rng):
    X = rng.standard_normal((20, 1))
    model = make_pipeline(SlidingWindow(3), tiny()).fit(X, X[:, 0])
    assert_array_equal(LossCurveDisplay.from_estimator(model).lines_[0].get_ydata(), model[-1].history_["loss"])


def test_classifiers_have_a_cross_entropy(windows):
    X, y = windows
    model = LSTMClassifier(units=2, epochs=1).fit(X, np.sign(y))
    assert LossCurveDisplay.from_estimator(model).ax_.get_ylabel() == "cross-entropy (nats)"


def test_transcribers_have_the_likelihood_of_a_text(rng):
    model = LSTMTranscriber(units=2, epochs=1).fit(rng.standard_normal((4, 6, 1)), ["ab"] * 4)
    assert LossCurveDisplay.from_estimator(model).ax_.get_ylabel() == "negative log-likelihood of a text (nats)"


def test_plain_losses():
    figure, ax = plt.subplots()
    display = LossCurveDisplay([3, 2, 1], validation_loss_curve=[2, np.nan, 3])
    assert display.plot(ax, log_scale=True, line_kw={"linewidth": 5}) is display
    assert display.figure_ is figure
    assert ax.get_yscale() == "log"
    assert_array_equal(display.minimum_.get_xydata(), [[1, 2]])
    assert display.lines_[0].get_linewidth() == 5
    assert ax.get_ylabel() == "loss"


def test_epochs_without_validation_are_left_out(tiny, windows):
    X, y = windows
    model = tiny(epochs=2, warm_start=True, early_stopping=True).fit(X, y).partial_fit(X, y)
    display = LossCurveDisplay.from_estimator(model)
    losses = model.history_["val_loss"]
    assert display.minimum_.get_ydata() == [min(losses[:2])]


def test_bad_input_is_refused_before_anything_is_drawn(tiny):
    with pytest.raises(NotFittedError):
        LossCurveDisplay.from_estimator(tiny())
    naive = make_pipeline(SlidingWindow(2), SeasonalNaive()).fit(np.zeros((4, 1)), np.zeros(4))
    with pytest.raises(AttributeError, match="SeasonalNaive has none of the following attributes: history_"):
        LossCurveDisplay.from_estimator(naive)
    with pytest.raises(ValueError, match="inconsistent numbers of samples"):
        LossCurveDisplay([1, 2], validation_loss_curve=[1]).plot()
    with pytest.raises(ValueError, match="0 sample"):
        LossCurveDisplay([]).plot()
    assert not plt.get_fignums()
