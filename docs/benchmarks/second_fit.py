"""A second fit in the same process.

How long does each fit of a search or an ensemble take after the first one? A new network is trained on the 950 windows
of the sine, given as arrays, for 20 epochs in batches of 32. Imports and the compilation for the first fit are not
included.
"""

from functools import partial

from harness import compare, stopwatch
from peers import SAME_NETWORK, UNITS, full_windows, scikeras_regressor, sine, skorch_regressor


def fit_again(model, X, y):
    model.fit(X, y)
    return stopwatch(model.fit, X, y)


def sklstm(epochs):
    from sklstm import LSTMForecaster

    X, y = full_windows(sine())
    return fit_again(LSTMForecaster(units=UNITS, epochs=epochs, random_state=0, **SAME_NETWORK), X, y[:, 0])


def skorch(epochs):
    return fit_again(skorch_regressor(epochs), *full_windows(sine()))


def scikeras(epochs):
    return fit_again(scikeras_regressor(epochs), *full_windows(sine()))


def measure(quick):
    contenders = {"sklstm": sklstm, "skorch": skorch, "scikeras on TensorFlow": scikeras}
    epochs = 3 if quick else 20
    preparations = {name: partial(prepare, epochs) for name, prepare in contenders.items()}
    values = compare(preparations, runs=3 if quick else 7)
    return [{"case": "950 windows", "unit": "s", "values": values, "goals": {"skorch": "<= 0.85"}}]
