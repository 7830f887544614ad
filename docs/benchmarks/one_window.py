"""The prediction of one window.

How long does a prediction of a single value take? A fitted model predicts the value that follows one window of 50
steps. `estimator` is given the window as an array. `pipeline` is given 50 raw rows of the sine, scales them, makes the
windows and predicts all 50 rows, of which the last one is used.

A run is 300 single calls, and its value is their median.

A single row takes the compiled program of all rows, in a batch of four, so that its prediction does not depend on the
rows that come with it. That costs time, which skorch does not spend.
"""

from functools import partial

from harness import compare, stopwatch
from peers import SAME_NETWORK, UNITS, WINDOW, full_windows, keras_model, sine, skorch_regressor


def sklstm_estimator(calls):
    from sklstm import LSTMForecaster

    X, y = full_windows(sine())
    model = LSTMForecaster(units=UNITS, epochs=1, random_state=0, **SAME_NETWORK).fit(X, y[:, 0])
    model.predict(X[:1])
    return stopwatch(model.predict, X[:1], calls=calls)


def sklstm_pipeline(calls):
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import MinMaxScaler

    from sklstm import LSTMForecaster, SlidingWindow, to_supervised

    model = make_pipeline(
        MinMaxScaler(), SlidingWindow(WINDOW), LSTMForecaster(units=UNITS, epochs=1, random_state=0, **SAME_NETWORK)
    )
    series = sine()
    model.fit(*to_supervised(series))
    model.predict(series[:WINDOW])
    return stopwatch(model.predict, series[:WINDOW], calls=calls)


def skorch(calls):
    X, y = full_windows(sine())
    model = skorch_regressor(epochs=1).fit(X, y)
    return stopwatch(model.predict, X[:1], calls=calls)


def keras(calls):
    X, _ = full_windows(sine())
    model = keras_model("tensorflow", WINDOW, 1)

    def predict():
        model.predict(X[:1], verbose=0)

    predict()
    return stopwatch(predict, calls=calls)


def measure(quick):
    contenders = {
        "estimator": sklstm_estimator,
        "pipeline": sklstm_pipeline,
        "skorch": skorch,
        "Keras on TensorFlow": keras,
    }
    calls = 30 if quick else 300
    preparations = {name: partial(prepare, calls) for name, prepare in contenders.items()}
    measured = compare(preparations, runs=3 if quick else 7)
    values = {name: [1000 * seconds for seconds in runs] for name, runs in measured.items()}
    peers = {name: values[name] for name in ("skorch", "Keras on TensorFlow")}
    return [
        {"case": case, "unit": "ms", "values": {"sklstm": values[case], **peers}, "goals": {"skorch": goal}}
        for case, goal in {"estimator": "<= 0.8", "pipeline": "<= 2"}.items()
    ]
