"""All forecasts of one step.

How long does it take to forecast every value of a series from its past? A fitted model forecasts each value of the sine
that has 50 values before it: 950 forecasts. darts uses `historical_forecasts` without retraining, in its optimised
form, with one batch for all windows.

The pipeline of sklstm also forecasts the 49 values with shorter histories. Both libraries scale the series first, and
darts scales its forecasts back.
"""

from harness import compare, stopwatch
from peers import SAME_NETWORK, UNITS, WINDOW, darts_model, darts_one_step_forecasts, sine


def sklstm():
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import MinMaxScaler

    from sklstm import LSTMForecaster, SlidingWindow, to_supervised

    model = make_pipeline(
        MinMaxScaler(), SlidingWindow(WINDOW), LSTMForecaster(units=UNITS, epochs=1, random_state=0, **SAME_NETWORK)
    )
    series = sine()
    model.fit(*to_supervised(series))
    model.predict(series)
    return stopwatch(model.predict, series)


def darts():
    from darts import TimeSeries
    from darts.dataprocessing.transformers import Scaler

    series, scaler, model = TimeSeries.from_values(sine()), Scaler(), darts_model(epochs=1)
    model.fit(scaler.fit_transform(series), verbose=False)

    def backtest():
        forecasts = scaler.inverse_transform(darts_one_step_forecasts(model, scaler.transform(series)))
        assert len(forecasts) == 950

    backtest()
    return stopwatch(backtest)


def measure(quick):
    values = compare({"sklstm": sklstm, "darts": darts}, runs=3 if quick else 11)
    return [{"case": "950 forecasts", "unit": "s", "values": values, "goals": {"darts": "<= 0.2"}}]
