"""
Forecast a sine wave
====================

Can a network continue a curve that it has seen for some periods only? The data and the network are those of the classic
Keras tutorial: 1000 points, a window of 50 steps, one LSTM layer of 50 units, Adam, the mean squared error, and 20
epochs in batches of 32. :class:`~sklstm.LSTMForecaster` learns from the first 80 % of the rows. It then forecasts the
others one step ahead, and 200 more steps from the end of the series. :doc:`/guide/first_forecast` explains each line.
"""

import matplotlib.pyplot as plt
import numpy as np
from sklearn.metrics import root_mean_squared_error
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler

from sklstm import LSTMForecaster, SlidingWindow, forecast, to_supervised
from sklstm.datasets import make_sine

# %%
# Fit a pipeline
# --------------
# :func:`~sklstm.to_supervised` puts beside each row the value that follows it. :class:`~sklstm.SlidingWindow` turns
# each row into the window of the last 50 rows.

series = make_sine(1000)
X, y = to_supervised(series, horizon=1)  # y[t] is the value that follows X[t]
n_train = int(0.8 * len(X))

model = make_pipeline(
    MinMaxScaler(),
    SlidingWindow(window_size=50),
    LSTMForecaster(units=50, epochs=20, batch_size=32, learning_rate=0.001, random_state=0),
)
model.fit(X[:n_train], y[:n_train])

# %%
# One step ahead
# --------------
# Predict all rows and keep the held-out ones, so that their windows reach into the training rows.

predicted = model.predict(X)[n_train:]
true = y[n_train:]

print("step  predicted     true")
for step in range(10):
    print(f"{step + 1:4d} {predicted[step]:10.4f} {true[step]:8.4f}")
print(f"\nRMSE of {len(true)} one-step forecasts: {root_mean_squared_error(true, predicted):.4f}")

# %%
# 200 steps from one origin
# -------------------------
# :func:`~sklstm.forecast` feeds each prediction back as input for the next. The errors add up slowly.

steps = 200
spacing = 100 / (len(series) - 1)
continuation = np.sin(100 + spacing * np.arange(1, steps + 1))
ahead = forecast(model, series, steps)[:, 0]
print(f"RMSE of {steps} steps from one origin: {root_mean_squared_error(continuation, ahead):.4f}")

# %%
# The picture has the end of the series, its true continuation, and the forecast. Below is the error of each step.

rows = np.arange(len(series), len(series) + steps)
figure, (top, bottom) = plt.subplots(nrows=2, figsize=(7, 4.6), sharex=True, height_ratios=[2, 1], layout="constrained")
top.plot(np.arange(800, len(series)), series[800:], color="0.3", label="series")
top.plot(rows, continuation, color="0.7", linewidth=5, label="true continuation")
top.plot(rows, ahead, color="tab:blue", linestyle="--", label="forecast from one origin")
top.set(title="A sine wave, continued for 200 steps", ylabel="value", ylim=(-1.2, 1.9))
top.legend(frameon=False, loc="upper center", ncols=3)
bottom.plot(rows, ahead - continuation, color="tab:blue")
bottom.axhline(0, color="0.7", linewidth=0.8, zorder=0)
bottom.set(xlabel="row", ylabel="error")
for ax in (top, bottom):
    ax.axvline(len(series) - 0.5, color="0.8", linewidth=1, zorder=0)
plt.show()
