"""
The relevance of each month for a forecast
==========================================

Which months does one forecast of the airline passengers rest on? :meth:`~sklstm.LSTMForecaster.input_relevance` shares
out a prediction among the values of its window. The forecast of July 1960 is explained for the defaults, and for their
networks alone, without the linear model and early stopping. See :doc:`/guide/looking_inside`.
"""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from sklearn.pipeline import make_pipeline

from sklstm import LSTMForecaster, SlidingWindow, to_supervised
from sklstm.datasets import load_airline
from sklstm.plotting import RelevanceDisplay

# %%
# Two models of logarithms
# ------------------------

frame = np.log(load_airline(as_frame=True).data)
X, y = to_supervised(frame)
row, n_train = X.index.get_loc("1960-06"), 108
forecasters = {
    "networks only": LSTMForecaster(linear_skip=False, early_stopping=False, random_state=0),
    "defaults": LSTMForecaster(random_state=0),
}
models = {
    name: make_pipeline(SlidingWindow(24), forecaster).fit(X[:n_train], y[:n_train])
    for name, forecaster in forecasters.items()
}

# %%
# The relevance of 24 months
# --------------------------

relevances = {}
for name, model in models.items():
    relevances[name] = model[-1].input_relevance(model[:-1].transform(X)[[row]])[0, :, 0]
    forecast = np.ravel(model.predict(X)[row])[0]
    print(f"{name:<16}forecast {forecast:.3f}, truth {np.ravel(y.iloc[row])[0]:.3f}", end=", ")
    print(f"relevance {relevances[name].sum():+.3f} in all")
print(f"Weight of the networks in the defaults: {models['defaults'][-1].network_weight_:.2f}")

table = pd.DataFrame(relevances, index=X.index[row - 23 : row + 1])
print(table.iloc[np.argsort(-table.abs().max(axis=1))[:6]].sort_index().round(2))
print(f"Correlation of both: {table.corr().iloc[0, 1]:.2f}")

# %%
# The networks look at the last month, and at July and August of the year before.

RelevanceDisplay.from_estimator(models["networks only"], X, row=row)
plt.show()

# %%
# In the defaults the networks have a weight of 0 here, so orange bars are those of the linear model: the last month,
# and the change from June to July of the year before.

figure, ax = plt.subplots(figsize=(8, 3), layout="constrained")
months = table.index.strftime("%b %Y")
for shift, (name, color) in zip(
    (-0.2, 0.2), {"networks only": "tab:blue", "defaults": "tab:orange"}.items(), strict=True
):
    ax.bar(np.arange(len(table)) + shift, table[name], width=0.4, color=color, label=name)
ax.set_xticks(range(0, len(table), 3), months[::3])
ax.axhline(0, color="0.3", linewidth=0.8)
ax.set(ylabel="relevance, on logarithms")
ax.legend(frameon=False)
plt.show()
