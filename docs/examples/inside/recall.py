"""
Recall a value after many steps
===============================

Can a network learn to keep one value over many steps, and to ignore those after it? Each step of a series has a random
value, one step in the first quarter is marked by a second feature, and the target is the value there. A plain recurrent
network (RNN) and LSTMs with two forget biases are trained by Keras with the same settings. In a second task nothing is
marked, and the target is the first value. :doc:`/guide/inside` discusses the results, and :doc:`cell` shows the same
networks before training.
"""

# sphinx_gallery_thumbnail_number = 2
import os

os.environ.setdefault("KERAS_BACKEND", "jax")

import jax
import keras
import matplotlib.pyplot as plt
import numpy as np

units = 32

# %%
# Two tasks
# ---------


def marked(rng, n_series, n_steps, place=None):
    """Return series of a random value and a mark at one step of the first quarter, and the value there."""
    X = np.zeros((n_series, n_steps, 2), np.float32)
    X[:, :, 0] = rng.standard_normal((n_series, n_steps))
    rows = np.arange(n_series)
    places = rng.integers(0, n_steps // 4, n_series) if place is None else place
    X[rows, places, 1] = 1
    return X, X[rows, places, 0]


def first(rng, n_series, n_steps):
    """Return series of a random value, and the first value."""
    X = rng.standard_normal((n_series, n_steps, 1)).astype(np.float32)
    return X, X[:, 0, 0]


# %%
# Train
# -----
# The score is R² on new series. The mean, as the baseline, has 0.


def train(layer, task, n_steps, seed, epochs=20, n_series=4000):
    """Return the score of a network on new series, and the network."""
    keras.utils.set_random_seed(seed)
    X, y = task(np.random.default_rng(seed), n_series, n_steps)
    model = keras.Sequential([keras.layers.Input(X.shape[1:]), layer(), keras.layers.Dense(1)])
    schedule = keras.optimizers.schedules.CosineDecay(0.005, epochs * n_series // 32)
    model.compile(keras.optimizers.Adam(schedule, global_clipnorm=1.0), "mean_squared_error")
    model.fit(X, y, batch_size=32, epochs=epochs, verbose=0)
    X, y = task(np.random.default_rng([seed, 1]), 1000, n_steps)
    return 1 - np.square(model.predict(X, verbose=0)[:, 0] - y).mean() / y.var(), model


def lstm(forget_bias):
    def constant(shape, dtype=None):
        return keras.ops.convert_to_tensor(np.repeat([0.0, forget_bias, 0.0, 0.0], units), dtype=dtype)

    return keras.layers.LSTM(units, bias_initializer=constant, unit_forget_bias=False)


layers = {
    "RNN": lambda: keras.layers.SimpleRNN(units),
    "LSTM, forget bias 1": lambda: lstm(1),
    "LSTM, forget bias 3": lambda: lstm(3),
}
tasks = {
    "marked, 20 steps": (marked, 20),
    "marked, 40 steps": (marked, 40),
    "marked, 80 steps": (marked, 80),
    "first, 40 steps": (first, 40),
}
print("R² of recalling a value, of each of three random states")
scores, trained = {}, {}
for title, (task, n_steps) in tasks.items():
    for name, layer in layers.items():
        scores[name, title], models = zip(*[train(layer, task, n_steps, seed) for seed in range(3)], strict=True)
        print(f"{title:<18}{name:<22}" + "".join(f"{score:8.2f}" for score in scores[name, title]), flush=True)
        if title == "marked, 40 steps":
            trained[name] = models[0]

# %%
# Each dot is a random state. Over 40 steps, both LSTMs recall the marked value and the RNN does not. If nothing is
# marked, the RNN recalls the first value.

styles = {
    "RNN": {"color": "black", "linestyle": "--", "marker": "x"},
    "LSTM, forget bias 1": {"color": "#0072B2", "linestyle": "-", "marker": "o"},
    "LSTM, forget bias 3": {"color": "#D55E00", "linestyle": "-.", "marker": "s"},
}
figure, ax = plt.subplots(figsize=(7, 3.6), layout="constrained")
for number, name in enumerate(layers):
    places = np.arange(len(tasks))[:, np.newaxis] + 0.2 * (number - 1) + [-0.04, 0, 0.04]
    of_tasks = np.array([scores[name, title] for title in tasks])
    style = styles[name] | {"linestyle": "none"}
    ax.plot(places.ravel(), of_tasks.ravel(), label=name, alpha=0.8, **style)
ax.set_xticks(range(len(tasks)), tasks)
ax.axhline(0, color="0.7", linewidth=0.8, zorder=0)
ax.set(ylabel="R² on new series", ylim=(-0.1, 1.45))
ax.legend(frameon=False, ncols=3, loc="upper center", fontsize="small")
plt.show()

# %%
# What the trained networks look at
# ---------------------------------
# The gradient of a prediction with respect to the value of each step tells what it depends on. These are the networks
# of 40 steps, with the mark at step 5. A gradient of 1 means that the prediction follows the value exactly.


def gradient(model, X):
    """Return the gradient of each prediction with respect to its inputs."""
    states = [
        [variable.value for variable in group] for group in (model.trainable_variables, model.non_trainable_variables)
    ]
    return np.asarray(jax.grad(lambda X: model.stateless_call(*states, X)[0].sum())(X))


place = 5
series, _ = marked(np.random.default_rng(0), 100, 40, place)
figure, ax = plt.subplots(figsize=(5, 4), layout="constrained")
print(f"Gradient of the prediction by the value of a step, mark at step {place} of 40")
for name, model in trained.items():
    curve = np.abs(gradient(model, series)[:, :, 0]).mean(axis=0)
    print(f"{name:<22} at the mark {curve[place]:.2g}, elsewhere {np.delete(curve, place).mean():.2g} in the mean")
    ax.plot(curve, label=name, linewidth=1.8, color=styles[name]["color"], linestyle=styles[name]["linestyle"])
ax.axvline(place, color="0.7", linewidth=6, zorder=0)
ax.set(yscale="log", xlabel="Step", ylabel="Gradient of the prediction")
ax.set_title("Trained to recall the marked value (grey)", fontsize="medium")
ax.legend(frameon=False, fontsize="small")
plt.show()
