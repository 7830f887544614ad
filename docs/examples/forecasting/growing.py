"""
Learning curves and validation curves of a forecaster
=====================================================

Does a network overfit a short series, and how many rows does it need? The series is the logarithms of the airline
passengers, forecast one step ahead. Each of the last four years is scored by a model that was fitted on the months
before it. Curves are means over two random states, with their spread. The baselines are a ridge regression on the same
windows and the seasonal naive forecast. :doc:`/guide/growing` discusses the results.
"""

# sphinx_gallery_thumbnail_path = "images/learning_curves.png"
import matplotlib.pyplot as plt
import numpy as np
from sklearn.linear_model import RidgeCV
from sklearn.model_selection import (
    LearningCurveDisplay,
    TimeSeriesSplit,
    ValidationCurveDisplay,
    cross_validate,
    validation_curve,
)
from sklearn.pipeline import make_pipeline

from sklstm import LSTMForecaster, SeasonalNaive, SlidingWindow, to_supervised
from sklstm.datasets import load_airline

# %%
# The baselines
# -------------

season_length, seeds = 12, range(2)
scoring = "neg_mean_absolute_error"
X, y = to_supervised(np.log(load_airline().data))
years = {"n_splits": 4, "test_size": season_length}


def on_windows(regressor, **params):
    return make_pipeline(SlidingWindow(season_length, carry_over=True, **params), regressor)


def lstm(seed=0, **params):
    return on_windows(LSTMForecaster(random_state=seed, **params))


def error_in_test(model, max_train_size=None):
    cv = TimeSeriesSplit(**years, max_train_size=max_train_size)
    return -cross_validate(model, X, y, cv=cv, scoring=scoring)["test_score"].mean()


naive_error = error_in_test(on_windows(SeasonalNaive(season_length)))
ridge = on_windows(RidgeCV(np.logspace(-3, 3, 13)), flatten=True, pad="edge")
ridge_error = error_in_test(ridge)
print("Mean absolute error of logarithms, one step ahead")
print(f"Seasonal naive {naive_error:.3f}, ridge {ridge_error:.3f}")


def tell(title, values, train_scores, test_scores, ridge_errors):
    print(f"\n{title}\n{'':>10}{'train':>8}{'test':>8}{'ridge':>8}")
    for value, train, test, ridge in zip(values, -train_scores, -test_scores, ridge_errors, strict=True):
        print(f"{value:>10}{train.mean():>8.3f}{test.mean():>8.3f}{ridge:>8.3f}")


def draw(ax, display, title, values, ridge_errors, xlabel):
    display.plot(ax=ax, negate_score=True, score_name="Mean absolute error")
    ax.plot(values, ridge_errors, color="0.3", linestyle="--", label="Ridge, test")
    ax.axhline(naive_error, color="0.3", linestyle=":", label="Seasonal naive, test")
    ax.set(title=title, xlabel=xlabel, ylim=(0, 2 * naive_error))
    ax.set_xticks(values, values)
    ax.minorticks_off()
    ax.label_outer()
    if ax.get_subplotspec().is_first_col():
        ax.legend(loc="upper right")
    elif ax.get_legend() is not None:
        ax.get_legend().remove()


# %%
# Learning curves
# ---------------
# :func:`sklearn.model_selection.learning_curve` would train on the oldest rows. A forecaster has the latest ones, those
# right before the test rows: ``max_train_size`` of :class:`~sklearn.model_selection.TimeSeriesSplit`.


def learning_curve_of_latest_rows(train_sizes, **params):
    """Return scores of shape (n_sizes, n_seeds * n_splits), in training and in test."""
    runs = [
        [
            cross_validate(
                lstm(seed, **params),
                X,
                y,
                cv=TimeSeriesSplit(**years, max_train_size=size),
                scoring=scoring,
                return_train_score=True,
            )
            for seed in seeds
        ]
        for size in train_sizes
    ]
    return [
        np.array([np.concatenate([run[part] for run in of_size]) for of_size in runs])
        for part in ("train_score", "test_score")
    ]


# %%
# Beside the defaults are their networks without the linear model and early stopping, and a plain LSTM: a single such
# network on standardised values.

no_early_stopping = {"early_stopping": False}
networks_only = no_early_stopping | {"linear_skip": False}
settings = {
    "Defaults": {},
    "Networks only": networks_only,
    "Plain LSTM": networks_only | {"n_networks": 1, "normalize": True, "loss": "squared_error"},
}
train_sizes = np.array([24, 36, 48, 72, 95])
ridge_errors = [error_in_test(ridge, size) for size in train_sizes]
figure, axes = plt.subplots(ncols=3, figsize=(10, 3.5), sharey=True, layout="constrained")
for ax, (title, params) in zip(axes, settings.items(), strict=True):
    train_scores, test_scores = learning_curve_of_latest_rows(train_sizes, **params)
    tell(f"{title}, by training rows", train_sizes, train_scores, test_scores, ridge_errors)
    display = LearningCurveDisplay(train_sizes=train_sizes, train_scores=train_scores, test_scores=test_scores)
    draw(ax, display, title, train_sizes, ridge_errors, xlabel="Months to train on")
plt.show()

# %%
# Validation curves
# -----------------
# More epochs lower the error in training. Whether the error in test rises meanwhile is a question of regularisation.


def validation_curve_of_seeds(name, values, **params):
    runs = [
        validation_curve(
            lstm(seed, **params),
            X,
            y,
            param_name=f"lstmforecaster__{name}",
            param_range=values,
            cv=TimeSeriesSplit(**years),
            scoring=scoring,
        )
        for seed in seeds
    ]
    return [np.hstack(scores) for scores in zip(*runs, strict=True)]


curves = {
    "epochs": ([3, 10, 30, 100, 300], no_early_stopping, "No early stopping"),
    "dropout": ([0.0, 0.1, 0.2, 0.4], no_early_stopping | {"epochs": 300}, "300 epochs, no early stopping"),
    "units": ([1, 4, 16, 64], {}, "Defaults"),
}
figure, axes = plt.subplots(ncols=3, figsize=(10, 3.5), sharey=True, layout="constrained")
for ax, (name, (values, params, title)) in zip(axes, curves.items(), strict=True):
    train_scores, test_scores = validation_curve_of_seeds(name, values, **params)
    baseline = [ridge_error] * len(values)
    tell(f"{title}, by {name}", values, train_scores, test_scores, baseline)
    display = ValidationCurveDisplay(
        param_name=name, param_range=np.array(values), train_scores=train_scores, test_scores=test_scores
    )
    draw(ax, display, title, values, baseline, xlabel=name)
plt.show()
