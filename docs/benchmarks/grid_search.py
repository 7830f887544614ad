"""A grid search.

How long does a grid search take? `GridSearchCV` tries 3 numbers of units (16, 32, 50) and 3 learning rates (0.001,
0.005, 0.01) with the 5 folds of `TimeSeriesSplit` on the windows of the sine: 45 fits of 10 epochs in batches of 32,
without a refit.

Each search runs in a new process. The time includes compilation. It includes imports only in the processes that
`n_jobs=2` starts.
"""

import sys
from functools import partial

from harness import run_script, seconds, take_turns
from peers import SAME_NETWORK, full_windows, scikeras_regressor, sine, skorch_regressor

UNITS = [16, 32, 50]
LEARNING_RATES = [0.001, 0.005, 0.01]


def sklstm(epochs):
    import sklstm._engine  # noqa: F401  # which the first fit would import
    from sklstm import LSTMForecaster

    return LSTMForecaster(epochs=epochs, random_state=0, **SAME_NETWORK), "units", "learning_rate"


def skorch(epochs):
    return skorch_regressor(epochs), "module__units", "lr"


def scikeras(epochs):
    model = scikeras_regressor(epochs)
    import keras  # noqa: F401  # which the first fit would import

    return model, "units", "optimizer__learning_rate"


CONTENDERS = {"sklstm": sklstm, "skorch": skorch, "scikeras on TensorFlow": scikeras}


def search_seconds(name, n_jobs, n_values, epochs):
    """Return the seconds of a search over the first `n_values` of each parameter."""
    from sklearn.model_selection import GridSearchCV, TimeSeriesSplit

    model, units, learning_rate = CONTENDERS[name](epochs)
    search = GridSearchCV(
        model,
        {units: UNITS[:n_values], learning_rate: LEARNING_RATES[:n_values]},
        scoring="neg_mean_squared_error",
        cv=TimeSeriesSplit(5),
        refit=False,
        n_jobs=n_jobs,
    )
    return seconds(search.fit, *full_windows(sine()))


def measure(quick):
    n_values, epochs = (1, 1) if quick else (3, 10)
    cases = []
    for n_jobs in (1, 2):
        scripts = {name: partial(run_script, __file__, name, n_jobs, n_values, epochs) for name in CONTENDERS}
        measured = take_turns(scripts, runs=1 if quick else 3)
        cases.append(
            {
                "case": f"n_jobs={n_jobs}",
                "unit": "s",
                "values": {name: [search for _, search in runs] for name, runs in measured.items()},
                "goals": {"skorch": "<= 0.85", "scikeras on TensorFlow": "<= 0.15"},
            }
        )
    return cases


if __name__ == "__main__":
    print(search_seconds(sys.argv[1], *map(int, sys.argv[2:])))
