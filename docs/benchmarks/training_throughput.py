"""Training throughput.

How many windows does each library train on in a second? Networks of four sizes are trained on noise, after a first fit
that is not timed. A window of 50 x 1 has 50 steps of 1 feature.

**sklstm**: a whole `LSTMForecaster.fit`, with its validation and standardisation.

**PyTorch**: the plain loop of its tutorials, with batches taken from tensors in memory by a permutation. A `DataLoader`
would be slower.

**Keras**: `model.fit`.
"""

from functools import partial
from statistics import median

import numpy as np
from harness import compare, stopwatch
from peers import LEARNING_RATE, SAME_NETWORK, keras_model

NETWORKS = [  # steps, features, units, batch size; windows and epochs that take PyTorch some seconds
    ((50, 1, 50, 32), 4096, 3),
    ((50, 1, 50, 256), 8192, 2),
    ((96, 8, 128, 128), 1536, 2),
    ((168, 8, 256, 128), 512, 2),
]
GOALS = {"PyTorch": [">= 1.0", ">= 1.0", ">= 1.1", ">= 1.2"], "Keras on TensorFlow": [">= 4"] + 3 * [">= 1.2"]}


def noise(n_windows, n_steps, n_features):
    rng = np.random.default_rng(0)
    windows = rng.standard_normal((n_windows, n_steps, n_features), dtype=np.float32)
    return windows, rng.standard_normal((n_windows, 1), dtype=np.float32)


def throughput(fit, n_windows):
    """Return a function that measures windows trained on in a second, by a `fit` that has run before."""
    fit()
    seconds = stopwatch(fit)
    return lambda: n_windows / seconds()


def sklstm(n_steps, n_features, units, batch_size, n_windows, epochs):
    from sklstm import LSTMForecaster

    X, y = noise(n_windows, n_steps, n_features)
    model = LSTMForecaster(
        units=units, batch_size=batch_size, epochs=epochs, learning_rate=LEARNING_RATE, random_state=0, **SAME_NETWORK
    )
    return throughput(lambda: model.fit(X, y[:, 0]), n_windows * epochs)


def pytorch(n_steps, n_features, units, batch_size, n_windows, epochs):
    import torch
    from torch_network import LSTMNetwork

    X, y = map(torch.from_numpy, noise(n_windows, n_steps, n_features))
    network = LSTMNetwork(n_features, units)
    optimizer = torch.optim.Adam(network.parameters(), lr=LEARNING_RATE)
    criterion = torch.nn.MSELoss()

    def fit():
        for _ in range(epochs):
            for batch in torch.randperm(n_windows).split(batch_size):
                optimizer.zero_grad()
                criterion(network(X[batch]), y[batch]).backward()
                optimizer.step()

    return throughput(fit, n_windows * epochs)


def keras(backend, n_steps, n_features, units, batch_size, n_windows, epochs):
    X, y = noise(n_windows, n_steps, n_features)
    model = keras_model(backend, n_steps, n_features, units)
    return throughput(lambda: model.fit(X, y, batch_size=batch_size, epochs=epochs, verbose=0), n_windows * epochs)


CONTENDERS = {
    "sklstm": sklstm,
    "PyTorch": pytorch,
    "Keras on TensorFlow": partial(keras, "tensorflow"),
    "Keras on JAX": partial(keras, "jax"),
}


def measure(quick):
    cases = []
    for i, (network, n_windows, epochs) in enumerate(NETWORKS):
        settings = (*network, n_windows // 4, 1) if quick else (*network, n_windows, epochs)
        cases.append(
            {
                "case": "windows of {} x {}, {} units, batches of {}".format(*network),
                "unit": "windows/s",
                "values": compare(
                    {name: partial(prepare, *settings) for name, prepare in CONTENDERS.items()}, runs=2 if quick else 11
                ),
                "goals": {name: goals[i] for name, goals in GOALS.items()},
            }
        )
    return cases


def answer(cases):
    from figures import ratios_of

    found = [
        f"{min(ratios):.1f} to {max(ratios):.1f} times those of {name}"
        for name in cases[0]["values"]
        if name != "sklstm"
        for ratios in [[median(ratios_of(case, name)) for case in cases]]
    ]
    return f"Windows per second of sklstm: {', '.join(found)}."
