"""Optuna: its search as in scikit-learn, and studies that prune a trial by what an epoch reports."""

import os
import signal

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone
from sklearn.model_selection import TimeSeriesSplit, cross_val_score
from sklearn.pipeline import make_pipeline

from sklstm import SlidingWindow, to_supervised
from sklstm.datasets import make_sine

optuna = pytest.importorskip("optuna")
optuna_integration = pytest.importorskip("optuna_integration")

CV = TimeSeriesSplit(2)
COMPLETE, PRUNED = optuna.trial.TrialState.COMPLETE, optuna.trial.TrialState.PRUNED
AFTER_TWO_EPOCHS = optuna.pruners.ThresholdPruner(upper=0, n_warmup_steps=1)  # no loss is below 0
pytestmark = [
    pytest.mark.filterwarnings("ignore::optuna.exceptions.ExperimentalWarning"),
    pytest.mark.filterwarnings("ignore:.*optuna.terminator:FutureWarning"),
]


@pytest.fixture
def series():
    return to_supervised(make_sine(80))


def study(**params):
    return optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=0), **params)


def states(study):
    return [(trial.state, list(trial.intermediate_values)) for trial in study.trials]


def test_search(tiny, series):
    model = make_pipeline(SlidingWindow(4, carry_over=True), tiny())
    drawn = {
        "slidingwindow__window_size": optuna.distributions.IntDistribution(3, 4),
        "lstmforecaster__learning_rate": optuna.distributions.FloatDistribution(1e-3, 1e-1, log=True),
    }
    search = optuna_integration.OptunaSearchCV(model, drawn, cv=CV, n_trials=3, random_state=0, error_score="raise")
    search.fit(*series)
    best = clone(model).set_params(**search.best_params_)
    assert_allclose(search.best_score_, cross_val_score(best, *series, cv=CV).mean(), rtol=1e-6)
    assert_array_equal(search.predict(series[0]), best.fit(*series).predict(series[0]))


def test_search_that_prunes_between_calls_of_partial_fit(tiny, series):
    windows, target = SlidingWindow(4).fit_transform(series[0]), series[1]
    drawn = {"learning_rate": optuna.distributions.FloatDistribution(1e-3, 1e-1, log=True)}
    search = optuna_integration.OptunaSearchCV(
        tiny(),
        drawn,
        cv=CV,
        n_trials=3,
        max_iter=3,
        enable_pruning=True,
        study=study(direction="maximize", pruner=optuna.pruners.PercentilePruner(1e-9, n_startup_trials=1)),
        error_score="raise",
    ).fit(windows, target)
    assert {trial.state for trial in search.study_.trials} <= {COMPLETE, PRUNED}
    assert states(search.study_)[0] == (COMPLETE, [0, 1, 2])


def pruning_callback(trial, monitor="val_loss"):
    """Return a factory of callbacks, which hold this trial and no copy of it."""
    return lambda: optuna_integration.KerasPruningCallback(trial, monitor)


def test_a_callback_prunes_a_trial(tiny, series):
    """The error ends the fit, leaves the estimator as it was, and later fits alone."""
    windows, target = SlidingWindow(4).fit_transform(series[0]), series[1]
    models = []

    def objective(trial):
        rate = trial.suggest_float("learning_rate", 1e-3, 1e-1, log=True)
        model = tiny(epochs=5, early_stopping=True, learning_rate=rate, callbacks=pruning_callback(trial))
        models.append(model)
        return model.fit(windows, target).history_["val_loss"][-1]

    pruned = study(pruner=optuna.pruners.NopPruner())
    pruned.optimize(objective, n_trials=1)
    pruned.pruner = AFTER_TWO_EPOCHS
    pruned.optimize(objective, n_trials=2)
    assert states(pruned) == [(COMPLETE, [0, 1, 2, 3, 4]), (PRUNED, [0, 1]), (PRUNED, [0, 1])]
    assert [hasattr(model, "weights_") for model in models] == [True, False, False]
    again = models[0].set_params(callbacks=None).fit(windows, target)
    assert_array_equal(again.predict(windows), clone(again).fit(windows, target).predict(windows))


def test_an_instance_of_the_callback_reports_to_a_copy_of_the_study(tiny, series):
    """This is why the guide asks for a factory."""
    windows, target = SlidingWindow(4).fit_transform(series[0]), series[1]

    def objective(trial):
        callback = optuna_integration.KerasPruningCallback(trial, "loss")
        return tiny(callbacks=[callback]).fit(windows, target).history_["loss"][-1]

    unpruned = study()
    unpruned.optimize(objective, n_trials=1)
    assert states(unpruned) == [(COMPLETE, [])]


def test_a_callback_prunes_within_a_cross_validation(tiny, series):
    model = make_pipeline(SlidingWindow(4), tiny(epochs=4))

    def objective(trial):
        model.set_params(lstmforecaster__callbacks=pruning_callback(trial, "loss"))
        return cross_val_score(model, *series, cv=CV, error_score="raise").mean()

    pruned = study(pruner=AFTER_TWO_EPOCHS)
    pruned.optimize(objective, n_trials=1)
    assert states(pruned) == [(PRUNED, [0, 1])]


def test_scores_between_calls_of_partial_fit_prune_a_trial(tiny, series):
    windows, target = SlidingWindow(4).fit_transform(series[0]), series[1]

    def objective(trial):
        model = tiny(learning_rate=trial.suggest_float("learning_rate", 1e-3, 1e-1, log=True))
        for epoch in range(3):
            error = np.abs(model.partial_fit(windows[:60], target[:60]).predict(windows[60:]) - target[60:]).mean()
            trial.report(error, epoch)
            if trial.should_prune():
                raise optuna.TrialPruned
        return error

    pruned = study(pruner=AFTER_TWO_EPOCHS)
    pruned.optimize(objective, n_trials=1)
    assert states(pruned) == [(PRUNED, [0, 1])]


@pytest.mark.skipif(os.name == "nt", reason="Windows sends no such signal")
def test_an_interrupt_ends_the_study(tiny, series):
    """No half-trained network gives a trial its value."""
    import keras

    class Interrupt(keras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            signal.raise_signal(signal.SIGINT)

    windows, target = SlidingWindow(4).fit_transform(series[0]), series[1]

    def objective(trial):
        return tiny(callbacks=[Interrupt]).fit(windows, target).history_["loss"][-1]

    interrupted = study()
    with pytest.raises(KeyboardInterrupt):
        interrupted.optimize(objective, n_trials=2)
    assert len(interrupted.trials) == 1
    assert interrupted.trials[0].state != COMPLETE
