"""The sine, and the same network and training in every other library, set up as its documentation has it.

Libraries are imported where they are needed, since every process measures one of them only.
"""

import os

import numpy as np

WINDOW = 50
UNITS = 50
BATCH_SIZE = 32
LEARNING_RATE = 0.005
# Without what the networks of the others do not have
SAME_NETWORK = {
    "n_networks": 1,
    "loss": "squared_error",
    "linear_skip": False,
    "normalize": True,
    "learning_rate_schedule": "constant",
    "global_clipnorm": None,
    "early_stopping": False,
}


def sine():
    """Return the series of `sklstm.datasets.make_sine`, float32."""
    return np.sin(np.linspace(0, 100, 1000)).reshape(-1, 1).astype(np.float32)


def full_windows(series):
    """Return the windows that have a next value, and the next values."""
    windows = np.lib.stride_tricks.sliding_window_view(series[:-1], WINDOW, axis=0).swapaxes(1, 2)
    return windows.copy(), series[WINDOW:]


def keras_model(backend, n_steps, n_features, units=UNITS):
    os.environ["KERAS_BACKEND"] = backend
    import keras

    model = keras.Sequential([keras.Input((n_steps, n_features)), keras.layers.LSTM(units), keras.layers.Dense(1)])
    model.compile(optimizer=keras.optimizers.Adam(LEARNING_RATE), loss="mse")
    return model


def scikeras_regressor(epochs):
    os.environ["KERAS_BACKEND"] = "tensorflow"
    from scikeras.wrappers import KerasRegressor

    return KerasRegressor(
        uncompiled_keras_model,
        units=UNITS,
        loss="mse",
        optimizer="adam",
        optimizer__learning_rate=LEARNING_RATE,
        epochs=epochs,
        batch_size=BATCH_SIZE,
        verbose=0,
    )


def uncompiled_keras_model(units, meta):
    import keras

    _, *window = meta["X_shape_"]
    return keras.Sequential([keras.Input(window), keras.layers.LSTM(units), keras.layers.Dense(1)])


def skorch_regressor(epochs):
    """Return skorch's regressor, with what its page on performance advises for small networks."""
    import torch
    from skorch import NeuralNetRegressor
    from torch_network import LSTMNetwork

    return NeuralNetRegressor(
        LSTMNetwork,
        module__n_features=1,
        module__units=UNITS,
        criterion=torch.nn.MSELoss,
        optimizer=torch.optim.Adam,
        lr=LEARNING_RATE,
        max_epochs=epochs,
        batch_size=BATCH_SIZE,
        iterator_train__shuffle=True,
        train_split=None,
        callbacks="disable",
        verbose=0,
    )


def darts_model(epochs):
    from darts.models import BlockRNNModel

    return BlockRNNModel(
        model="LSTM",
        input_chunk_length=WINDOW,
        output_chunk_length=1,
        hidden_dim=UNITS,
        n_epochs=epochs,
        batch_size=BATCH_SIZE,
        optimizer_kwargs={"lr": LEARNING_RATE},
        pl_trainer_kwargs={"accelerator": "cpu", "enable_progress_bar": False, "enable_model_summary": False},
    )


def darts_one_step_forecasts(model, scaled_series):
    """Return all forecasts of one step, in batches that take them all at once."""
    return model.historical_forecasts(
        scaled_series, forecast_horizon=1, retrain=False, verbose=False, predict_kwargs={"batch_size": 1024}
    )
