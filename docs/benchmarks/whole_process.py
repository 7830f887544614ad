"""A whole process: import, fit and predict.

How long does a program take that trains one LSTM? A new interpreter imports the library, scales the sine (1000 points)
to [0, 1], trains an LSTM of 50 units and a dense unit on windows of 50 steps (20 epochs, batches of 32), predicts the
next value of all 950 windows, and scales the predictions back. The time runs from the start of the process to its end.

**Rows**: the pipeline of sklstm trains on all 999 rows, of which the first 49 have short windows. The other libraries
train on the 950 full windows.

**Epochs**: neuralforecast counts steps instead of epochs. It takes 600 steps, as many as the 20 epochs have.

**Predictions**: skforecast predicts the future only, so its network predicts the training windows that it made.
"""

import os
import sys
from functools import partial

import numpy as np
from harness import run_script, take_turns
from peers import (
    BATCH_SIZE,
    LEARNING_RATE,
    SAME_NETWORK,
    UNITS,
    WINDOW,
    darts_model,
    darts_one_step_forecasts,
    full_windows,
    sine,
)

EPOCHS = 20


def sklstm():
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import MinMaxScaler

    from sklstm import LSTMForecaster, SlidingWindow, to_supervised
    from sklstm.datasets import make_sine

    series = make_sine(1000)
    X, y = to_supervised(series)
    model = make_pipeline(
        MinMaxScaler(),
        SlidingWindow(WINDOW),
        LSTMForecaster(units=UNITS, epochs=EPOCHS, **SAME_NETWORK),
    )
    model.fit(X, y)
    return model.predict(series)[WINDOW - 1 : -1]


def keras_on_tensorflow():
    from peers import keras_model
    from sklearn.preprocessing import MinMaxScaler

    scaler = MinMaxScaler()
    X, y = full_windows(scaler.fit_transform(sine()))
    model = keras_model("tensorflow", WINDOW, 1)
    model.fit(X, y, epochs=EPOCHS, batch_size=BATCH_SIZE, verbose=0)
    return scaler.inverse_transform(model.predict(X, verbose=0))


def skorch():
    from peers import skorch_regressor
    from sklearn.preprocessing import MinMaxScaler

    scaler = MinMaxScaler()
    X, y = full_windows(scaler.fit_transform(sine()))
    model = skorch_regressor(EPOCHS).fit(X, y)
    return scaler.inverse_transform(model.predict(X))


def darts():
    from darts import TimeSeries
    from darts.dataprocessing.transformers import Scaler

    scaler = Scaler()
    series = scaler.fit_transform(TimeSeries.from_values(sine()))
    model = darts_model(EPOCHS)
    model.fit(series, verbose=False)
    return scaler.inverse_transform(darts_one_step_forecasts(model, series)).values()


def skforecast():
    os.environ["KERAS_BACKEND"] = "tensorflow"
    import keras
    import pandas as pd
    from skforecast.deep_learning import ForecasterRnn, create_and_compile_model
    from sklearn.preprocessing import MinMaxScaler

    series = pd.DataFrame({"sine": sine()[:, 0]})
    network = create_and_compile_model(
        series=series,
        lags=WINDOW,
        steps=1,
        recurrent_layer="LSTM",
        recurrent_units=UNITS,
        dense_units=None,
        compile_kwargs={"optimizer": keras.optimizers.Adam(LEARNING_RATE), "loss": "mse"},
    )
    forecaster = ForecasterRnn(
        estimator=network,
        levels="sine",
        lags=WINDOW,
        transformer_series=MinMaxScaler(),
        fit_kwargs={"epochs": EPOCHS, "batch_size": BATCH_SIZE, "verbose": 0},
    )
    forecaster.fit(series)
    X, *_ = forecaster.create_train_X_y(series)
    predicted = forecaster.estimator.predict(X, verbose=0)
    return forecaster.transformer_series_["sine"].inverse_transform(predicted.reshape(-1, 1))


def neuralforecast():
    import pandas as pd
    from neuralforecast import NeuralForecast
    from neuralforecast.losses.pytorch import MSE
    from neuralforecast.models import LSTM

    table = pd.DataFrame({"unique_id": "sine", "ds": np.arange(1000), "y": sine()[:, 0]})
    model = LSTM(
        h=1,
        input_size=WINDOW,
        encoder_n_layers=1,
        encoder_hidden_size=UNITS,
        decoder_layers=1,
        loss=MSE(),
        learning_rate=LEARNING_RATE,
        max_steps=30 * EPOCHS,
        windows_batch_size=BATCH_SIZE,
        scaler_type="identity",
        accelerator="cpu",
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
    )
    forecaster = NeuralForecast(models=[model], freq=1, local_scaler_type="minmax")
    forecaster.fit(table)
    return forecaster.predict_insample(step_size=1)["LSTM"].to_numpy()[-950:, np.newaxis]


SCRIPTS = {
    "sklstm": sklstm,
    "Keras on TensorFlow": keras_on_tensorflow,
    "skorch": skorch,
    "darts": darts,
    "skforecast": skforecast,
    "neuralforecast": neuralforecast,
}


def measure(quick):
    scripts = {name: partial(run_script, __file__, name) for name in SCRIPTS}
    measured = take_turns(scripts, runs=1 if quick else 11)
    seconds, errors = ({name: [run[i] for run in runs] for name, runs in measured.items()} for i in range(2))
    goals = {"Keras on TensorFlow": "<= 0.30", "skorch": "<= 0.90"}
    return [
        {"case": "time", "unit": "s", "values": seconds, "goals": goals},
        {"case": "root mean squared error of the predictions", "unit": "", "values": errors},
    ]


if __name__ == "__main__":
    predicted = SCRIPTS[sys.argv[1]]()
    print(np.sqrt(np.mean((predicted.ravel() - sine()[WINDOW:, 0]) ** 2)))
