"""Forecast a sine wave.

The data and the network are those of the classic Keras tutorial: 1000 points, a window of 50 steps, one LSTM
layer of 50 units, Adam, the mean squared error, 20 epochs in batches of 32, and the last 20 % of the rows held
out. The script prints forecasts one step ahead, and then 200 steps from a single origin.
"""

import numpy as np
from sklearn.metrics import root_mean_squared_error
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler

from sklstm import LSTMForecaster, SlidingWindow, forecast, to_supervised
from sklstm.datasets import make_sine

series = make_sine(1000)
X, y = to_supervised(series, horizon=1)  # y[t] is the value that follows X[t]
n_train = int(0.8 * len(X))

model = make_pipeline(
    MinMaxScaler(),
    SlidingWindow(window_size=50),
    LSTMForecaster(units=50, epochs=20, batch_size=32, learning_rate=0.001, random_state=0),
)
model.fit(X[:n_train], y[:n_train])

# One step ahead. Predict all rows and keep the held-out ones, so that their windows reach into the training rows.
predicted = model.predict(X)[n_train:]
true = y[n_train:]

print("step  predicted     true")
for step in range(10):
    print(f"{step + 1:4d} {predicted[step]:10.4f} {true[step]:8.4f}")
print(f"\nRMSE of {len(true)} one-step forecasts: {root_mean_squared_error(true, predicted):.4f}")

# Beyond the end of the series: each prediction is fed back as input for the next.
steps = 200
spacing = 100 / (len(series) - 1)
continuation = np.sin(100 + spacing * np.arange(1, steps + 1))
ahead = forecast(model, series, steps)
print(f"RMSE of {steps} steps from one origin: {root_mean_squared_error(continuation, ahead[:, 0]):.4f}")
