"""
Waves in the states of trained and untrained networks
=====================================================

A unit's cell state rises and falls with a sine: has the network learnt the wave? The first picture shows the gates and
states of one trained unit, step by step. The second one shows all units beside those of the same network before
training, which is fitted with a learning rate of 1e-20. Any network that reads a wave has waves in its states, so
compare with an untrained one. See :doc:`/guide/inside`.
"""

import matplotlib.pyplot as plt
import numpy as np
from sklearn.base import clone
from sklearn.linear_model import LinearRegression
from sklearn.pipeline import make_pipeline

from sklstm import LSTMForecaster, SlidingWindow, to_supervised
from sklstm.datasets import make_sine

# %%
# A trained and an untrained network
# ----------------------------------
# Each is a single network of eight units without the linear model, so it learns all there is.

plain = {"n_networks": 1, "early_stopping": False, "linear_skip": False}
series, n_train = make_sine(600), 400
X, y = to_supervised(series)
trained = make_pipeline(SlidingWindow(40), LSTMForecaster(8, normalize=True, random_state=0, **plain))
untrained = clone(trained).set_params(lstmforecaster__learning_rate=1e-20, lstmforecaster__epochs=1)
for pipeline in (trained, untrained):
    pipeline.fit(X[:n_train], y[:n_train])

# %%
# One unit, step by step
# ----------------------
# The unit is the one that moves the forecast most.

windows = trained[:-1].transform(X)[-1:]
states = {name: values[0] for name, values in trained[-1].gates(windows).items()}
output_weights = trained[-1].weights_[3][:, 0]
unit = int(np.argmax(np.abs(output_weights) * states["hidden_state"].std(axis=0)))
states = {"value": windows[0, :, 0]} | {name: values[:, unit] for name, values in states.items()}
gates = ["forget_gate", "input_gate", "output_gate"]
columns = ["value", *gates, "candidate", "cell_state", "hidden_state"]
print(f"Unit {unit}\n{'step':<6}" + "".join(f"{name:>14}" for name in columns))
for step in (19, 20, 21, 22):
    print(f"{step:<6}" + "".join(f"{states[name][step]:14.2f}" for name in columns))

figure, axes = plt.subplots(nrows=3, figsize=(8, 5), sharex=True, layout="constrained")
panels = [["value"], gates, ["candidate", "cell_state", "hidden_state"]]
styles = [("black", "-"), ("#0072B2", "--"), ("#D55E00", "-.")]
for ax, names in zip(axes, panels, strict=True):
    for name, (color, linestyle) in zip(names, styles, strict=False):
        ax.plot(states[name], color=color, linestyle=linestyle, linewidth=1.8, label=name.replace("_", " "))
    ax.legend(frameon=False, loc="center left", bbox_to_anchor=(1, 0.5))
    ax.axhline(0, color="0.7", linewidth=0.8, zorder=0)
axes[1].set_ylim(0, 1)
axes[0].set_title(f"Sine, unit {unit} of 8", fontsize="medium")
axes[-1].set_xlabel("step of the window")
plt.show()

# %%
# How much of it is learnt?
# -------------------------
# The first column has the share of a unit's variance that a wave of the same period explains, whatever its phase: the
# median and the range of the eight units. Beside it are R² of the forecast, and of a linear regression on the hidden
# states in place of the output layer.


def last_states(pipeline):
    """Return the cell states and hidden states of each row, after the last step of its window."""
    gates = pipeline[-1].gates(pipeline[:-1].transform(X), steps=-1)
    return gates.cell_state[:, 0], gates.hidden_state[:, 0]


def share_of_wave(states, wave):
    waves = np.column_stack([wave, np.gradient(wave)])
    return np.array([LinearRegression().fit(waves, unit).score(waves, unit) for unit in states.T])


new = slice(n_train, None)
figure, axes = plt.subplots(ncols=2, figsize=(8, 3), sharey=True, layout="constrained")
print(f"{'':<12}{'share of a wave':<24}{'forecast':>10}{'regression':>12}")
for ax, (name, pipeline) in zip(axes, {"trained": trained, "untrained": untrained}.items(), strict=True):
    cell, hidden = last_states(pipeline)
    shares = share_of_wave(cell[new], X[new, 0])
    readout = LinearRegression().fit(hidden[40:n_train], y[40:n_train]).score(hidden[new], y[new])
    spread = f"{np.median(shares):.2f} ({min(shares):.2f} to {max(shares):.2f})"
    print(f"{name:<12}{spread:<24}{pipeline.score(X[new], y[new]):>10.3f}{readout:>12.3f}")
    standardised = (cell[new] - cell[new].mean(axis=0)) / cell[new].std(axis=0)
    ax.plot(np.arange(n_train, n_train + 100), standardised[:100], linewidth=1, color="tab:blue")
    ax.set(title=f"{name}: a line for each unit", xlabel="row")
axes[0].set_ylabel("cell state, standardised")
plt.show()
