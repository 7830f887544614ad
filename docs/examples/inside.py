"""Look inside trained networks: what their gates and states do, and what a prediction rests on.

Beside each trained network stands the same one before training, which is fitted with a learning rate of 1e-20. Units
are chosen on training rows. The figures are of rows and texts that were not trained on.

- Sine: gates and states of one unit, step by step; how much of each unit's cell state is a wave of the same period; and
  the score of a linear regression on the hidden states.
- Airline passengers, on logarithms: the correlation of each unit's cell state with the season of the next month. The
  season is the mean of each calendar month in training, without the trend.
- Made-up formulas: how well a unit's cell state tells digits and operators inside brackets from those outside, as the
  area under the ROC curve (AUC). The baseline is the best of as many random directions of the same states.
- Made-up sensors, one of which sticks: what the gates do meanwhile, and how well the distance of the states from normal
  ones tells the anomaly, beside the error of the forecast.
- The relevance of each month for one forecast of the passengers.
"""

import argparse
import itertools
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from sklearn.base import clone
from sklearn.covariance import LedoitWolf
from sklearn.linear_model import LinearRegression
from sklearn.metrics import roc_auc_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sklstm import LSTMAnomalyDetector, LSTMForecaster, LSTMTextGenerator, SlidingWindow, to_supervised
from sklstm.datasets import load_airline, make_sine
from sklstm.plotting import GatesDisplay, RelevanceDisplay

parser = argparse.ArgumentParser(description="Look inside trained networks.")
parser.add_argument("--output", default=".", type=Path, help="folder to save the pictures to")
args = parser.parse_args()

UNTRAINED = {"learning_rate": 1e-20, "epochs": 1}
PLAIN = {"n_networks": 1, "early_stopping": False, "linear_skip": False}  # one network, which learns all there is
GATES = ("forget_gate", "input_gate", "output_gate")


def save(figure, name):
    figure.savefig(args.output / name, dpi=100)
    plt.close(figure)
    print(f"Saved {name}\n", flush=True)


def spread(values, digits=2):
    return f"{np.median(values):.{digits}f} ({min(values):.{digits}f} to {max(values):.{digits}f})"


def last_states(pipeline, series):
    """Return the gates and states of each row, after the last step of its window."""
    gates = pipeline[-1].gates(pipeline[:-1].transform(series), steps=-1)
    return {name: values[:, 0] for name, values in gates.items()}


# The sine.


def share_of_wave(states, wave):
    """Return which share of each unit's variance a wave of the same period has, whatever its phase."""
    waves = np.column_stack([wave, np.gradient(wave)])
    return np.array([LinearRegression().fit(waves, unit).score(waves, unit) for unit in states.T])


def look_at_sine():
    series, n_train = make_sine(600), 400
    X, y = to_supervised(series)
    model = make_pipeline(SlidingWindow(40), LSTMForecaster(8, normalize=True, random_state=0, **PLAIN))
    untrained = clone(model).set_params(**{f"lstmforecaster__{name}": value for name, value in UNTRAINED.items()})
    print("Sine: share of a wave in the cell states of 8 units; R² of the forecast, and of a linear regression instead")
    for name, pipeline in {"trained": model, "untrained": untrained}.items():
        pipeline.fit(X[:n_train], y[:n_train])
        states = last_states(pipeline, X)
        shares = share_of_wave(states["cell_state"][n_train:], X[n_train:, 0])
        hidden = states["hidden_state"]
        readout = LinearRegression().fit(hidden[40:n_train], y[40:n_train]).score(hidden[n_train:], y[n_train:])
        print(f"{name:<12}{spread(shares):<24}{pipeline.score(X[n_train:], y[n_train:]):8.3f}{readout:8.3f}")

    windows = model[:-1].transform(X)[-1:]
    states = {name: values[0] for name, values in model[-1].gates(windows).items()}
    output_weights = model[-1].weights_[3][:, 0]
    unit = int(np.argmax(np.abs(output_weights) * states["hidden_state"].std(axis=0)))
    states = {"value": windows[0, :, 0]} | {name: values[:, unit] for name, values in states.items()}
    columns = ["value", *GATES, "candidate", "cell_state", "hidden_state"]
    print(f"\nUnit {unit}, which moves the forecast most\n{'step':<6}" + "".join(f"{name:>14}" for name in columns))
    for step in (19, 20, 21, 22):
        print(f"{step:<6}" + "".join(f"{states[name][step]:14.2f}" for name in columns))

    figure, axes = plt.subplots(nrows=3, figsize=(8, 5), sharex=True, layout="constrained")
    panels = [["value"], GATES, ["candidate", "cell_state", "hidden_state"]]
    styles = [("black", "-"), ("#0072B2", "--"), ("#D55E00", "-.")]
    for ax, names in zip(axes, panels, strict=True):
        for name, (color, linestyle) in zip(names, styles, strict=False):
            ax.plot(states[name], color=color, linestyle=linestyle, linewidth=1.8, label=name.replace("_", " "))
        ax.legend(frameon=False, loc="center left", bbox_to_anchor=(1, 0.5))
        ax.axhline(0, color="0.7", linewidth=0.8, zorder=0)
    axes[1].set_ylim(0, 1)
    axes[0].set_title(f"Sine, unit {unit} of 8", fontsize="medium")
    axes[-1].set_xlabel("step of the window")
    save(figure, "inside_sine.png")


# The airline passengers.


def season_of(series, n_train):
    """Return the mean of each calendar month in training, without the trend of twelve months."""
    trend = np.convolve(series, np.r_[0.5, np.ones(11), 0.5] / 12, "valid")  # of months 6 to the sixth from the end
    detrended = pd.Series(series[6:-6] - trend, index=np.arange(6, len(series) - 6) % 12)[: n_train - 12]
    return detrended.groupby(level=0).mean().to_numpy()


def correlations(states, target):
    """Return the absolute correlation of each unit with a target."""
    return np.abs(np.corrcoef(states.T, target)[-1, :-1])


def look_at_airline():
    frame = np.log(load_airline(as_frame=True).data)
    n_train = 108
    X, y = to_supervised(frame)
    season = season_of(frame.to_numpy().ravel(), n_train)
    of_next_month = season[(np.arange(len(X)) + 1) % 12]
    past, future = slice(12, n_train), slice(n_train, None)
    print("Airline: correlation of cell states of 16 units with the season of the next month, last three years")
    print("Median and range of 5 random states")
    figures = {"trained": [], "untrained": []}
    for seed in range(5):
        for name in figures:
            params = PLAIN | (UNTRAINED if name == "untrained" else {})
            forecaster = LSTMForecaster(16, random_state=seed, **params)
            pipeline = make_pipeline(SlidingWindow(12, carry_over=True), forecaster).fit(X[:n_train], y[:n_train])
            states = last_states(pipeline, X)["cell_state"]
            of_units = correlations(states[future], of_next_month[future])
            best = correlations(states[past], of_next_month[past]).argmax()
            figures[name].append([of_units[best], np.median(of_units), (of_units > 0.8).sum()])
            if (name, seed) == ("trained", 0):
                model, unit = pipeline, best
    for name, rows in figures.items():
        best, median, number = np.transpose(rows)
        print(f"{name:<12}best {spread(best):<22}median unit {spread(median):<22}above 0.8: {spread(number, 0)}")
    value = correlations(X[future].to_numpy(), of_next_month[future])[0]
    print(f"The last value of the window itself: {value:.2f}. In the picture the best unit is {unit}.")
    figure = GatesDisplay.from_estimator(model, X).figure_
    save(figure, "inside_airline.png")


# Formulas.


def formulas(rng, length):
    """Return lines of numbers and operators, some of them in brackets, such as ``12+(3*45-6)-7;``."""

    def terms(number):
        signs = rng.choice(list("+-*"), number - 1)
        numbers = rng.integers(1, 100, number)
        return str(numbers[0]) + "".join(f"{sign}{n}" for sign, n in zip(signs, numbers[1:], strict=True))

    text = ""
    while len(text) < length:
        parts = [
            f"({terms(rng.integers(2, 7))})" if rng.random() < 0.5 else terms(rng.integers(1, 5)) for _ in range(3)
        ]
        text += "+".join(parts) + ";\n"
    return text


def places(text):
    """Return where digits and operators stand, and which of them are inside brackets."""
    characters = np.array(list(text))
    is_inside = np.cumsum(characters == "(") - np.cumsum(characters == ")") > 0
    return ~np.isin(characters, list("();\n")), is_inside


def separations(states, text):
    """Return the AUC of each unit, by which it is higher inside brackets."""
    is_plain, is_inside = places(text)
    return np.array([roc_auc_score(is_inside[is_plain], unit[is_plain]) for unit in states.T])


def best_separation(states, states_of_test, text, test):
    """Return the AUC on one text, in the same direction, of the unit that is best on the other."""
    aucs = separations(states, text)
    best = np.abs(aucs - 0.5).argmax()
    auc = separations(states_of_test[:, [best]], test)[0]
    return auc if aucs[best] > 0.5 else 1 - auc


def tell_gates(generator, unit, text):
    """Print what the gates of a unit do at brackets, and elsewhere inside and outside of them."""
    gates = generator.gates([text], units=unit)
    characters, (is_plain, is_inside) = np.array(list(text)), places(text)
    at = {"(": characters == "(", "inside": is_plain & is_inside, ")": characters == ")"}
    at["outside"] = is_plain & ~is_inside
    print(f"Unit {unit} in the mean over" + "".join(f"{place:>10}" for place in at))
    for name in (*GATES, "candidate", "cell_state"):
        print(f"{name:<24}" + "".join(f"{gates[name][0, rows].mean():10.2f}" for rows in at.values()))


def look_at_formulas():
    rng = np.random.default_rng(0)
    text, test = formulas(rng, 40_000), formulas(rng, 8_000)
    start = text[:8_000]
    print("Formulas: AUC of inside and outside brackets, by cell state; 32 units, 3 random states")
    figures = {"trained": [], "untrained": []}
    for seed in range(3):
        for name in figures:
            params = UNTRAINED if name == "untrained" else {}
            generator = LSTMTextGenerator(32, random_state=seed, **params).fit([text])
            states, states_of_test = (generator.gates([part]).cell_state[0] for part in (start, test))
            auc = best_separation(states, states_of_test, start, test)
            directions = np.random.default_rng(seed).standard_normal((32, 32)) / states.std(axis=0)[:, np.newaxis]
            of_direction = best_separation(states @ directions, states_of_test @ directions, start, test)
            of_units = np.abs(separations(states_of_test, test) - 0.5) + 0.5
            figures[name].append([auc, of_direction, (of_units > 0.9).sum(), generator.bits_per_token([test])])
            if (name, seed) == ("trained", 0):
                model, shown = generator, np.argsort(of_units)[::-1][:8]
                tell_gates(generator, shown[0], test)
    print(f"{'':<12}{'best unit':<24}{'best of 32 random directions':<32}{'units above 0.9':<18}bits per character")
    for name, rows in figures.items():
        auc, of_direction, number, bits = np.transpose(rows)
        auc, of_direction, number = spread(auc, 3), spread(of_direction, 3), spread(number, 0)
        print(f"{name:<12}{auc:<24}{of_direction:<32}{number:<18}{np.median(bits):.2f}")
    lines = test.splitlines(keepends=True)
    pairs = [first + second for first, second in itertools.pairwise(lines)]
    shown_text = next(pair for pair in pairs if len(pair) < 75 and pair.count("(") == 3)
    figure, axes = plt.subplots(nrows=2, figsize=(10, 5.6), layout="constrained")
    for ax, gate, colors in zip(axes, ["forget_gate", "cell_state"], [{}, {"vmin": -2, "vmax": 2}], strict=True):
        GatesDisplay.from_estimator(
            model, [shown_text], gate=gate, units=shown, sort_units=False, ax=ax, mesh_kw=colors
        )
    save(figure, "inside_brackets.png")


# Sensors.


def sensors(n_rows, stuck):
    """Return the series of anomalies.py: four sensors follow one hidden swing, and the third one sticks for a while."""
    rng = np.random.default_rng(0)
    time = np.arange(n_rows)
    swings = [np.sin((time - delay) / 4) + np.sin((time - delay) / 11) for delay in (0, 3, 6, 9)]
    series = (np.column_stack(swings) + rng.normal(size=(n_rows, 4)) * [0.02, 0.02, 0.02, 0.1]) * [1, 10, 100, 1000]
    series[stuck, 2] = series[stuck.start, 2]
    return pd.DataFrame(series, columns=[f"sensor {number}" for number in range(1, 5)])


def look_at_sensors():
    n_rows, n_train, stuck = 3000, 2000, slice(2500, 2540)
    series = sensors(n_rows, stuck)
    is_anomaly = np.zeros(n_rows, dtype=bool)
    is_anomaly[stuck] = True
    new = slice(n_train, n_rows - 1)  # no window follows the last row

    def fit(seed, **params):
        forecaster = LSTMForecaster(units=32, random_state=seed, **params)
        pipeline = make_pipeline(StandardScaler(), SlidingWindow(16), LSTMAnomalyDetector(forecaster))
        return pipeline.fit(series[:n_train])

    def states_of(pipeline):
        """Return gates and states after each row, where the detector has read it to forecast the next one."""
        return {name: np.roll(values, -1, axis=0) for name, values in last_states(pipeline, series).items()}

    def auc(scores):
        return roc_auc_score(is_anomaly[new], scores)

    def distances(values):
        values = np.asarray(values)
        return LedoitWolf().fit(values[16:n_train]).mahalanobis(values[new])

    print("Sensors: AUC of an anomaly, by the distance from normal rows (Mahalanobis); 3 random states")
    aucs = {}
    models = [fit(seed) for seed in range(3)]
    for name, pipelines in {"trained": models, "untrained": [fit(seed, **UNTRAINED) for seed in range(3)]}.items():
        for states in map(states_of, pipelines):
            gates = np.hstack([states[gate] for gate in GATES])
            aucs.setdefault(f"{name}, cell state", []).append(auc(distances(states["cell_state"])))
            aucs.setdefault(f"{name}, gates", []).append(auc(distances(gates)))
    windows = SlidingWindow(16, flatten=True, pad="edge").fit_transform(StandardScaler().fit_transform(series))
    aucs["values of the row"] = [auc(distances(series))]
    aucs["values of the window"] = [auc(distances(windows))]
    aucs["error of the forecast"] = [
        auc(-model[-1].score_samples(model[:-1].transform(series)[new])) for model in models
    ]
    for name, of_seeds in aucs.items():
        print(f"{name:<24}{spread(of_seeds, 3)}")
    model = models[0]
    shown = states_of(model)
    gates = np.hstack([shown[gate] for gate in GATES])
    normal = gates[16:n_train]
    blocks = [slice(start, start + 40) for start in range(n_train, stuck.start - 40, 40)]
    print("\nGates of rows in which the sensor sticks, and of other 40 rows in turn; median and range")

    def tell(name, measure):
        print(f"{name:<60}{measure(gates[stuck]):6.3f}   {spread([measure(gates[block]) for block in blocks], 3)}")

    for gate, values in zip(GATES, np.split(np.arange(gates.shape[1]), 3), strict=True):
        tell(f"mean of the {gate.replace('_', ' ')} over rows and units", lambda rows, of=values: rows[:, of].mean())
    tell("standard deviation over rows, mean over units and gates", lambda rows: rows.std(axis=0).mean())
    tell("largest shift of a unit's mean", lambda rows: np.abs(rows.mean(axis=0) - normal.mean(axis=0)).max())
    largest = np.abs(gates[stuck].mean(axis=0) - normal.mean(axis=0)).argmax()
    unit, gate = largest % 32, GATES[largest // 32]
    print(f"The largest shift is that of unit {unit}, {gate}, from {normal[:, largest].mean():.2f}")
    display = GatesDisplay.from_estimator(model, series[2440:2600], gate=gate)
    for ax in display.axes_[:-1]:
        ax.axvspan(stuck.start, stuck.stop - 1, color="0.85", zorder=0)
    save(display.figure_, "inside_sensors.png")


# Relevance.


def look_at_relevance():
    frame = np.log(load_airline(as_frame=True).data)
    X, y = to_supervised(frame)
    row, n_train = X.index.get_loc("1960-06"), 108
    models = {
        "networks only": LSTMForecaster(linear_skip=False, early_stopping=False, random_state=0),
        "defaults": LSTMForecaster(random_state=0),
    }
    relevances = {}
    for name, forecaster in models.items():
        model = make_pipeline(SlidingWindow(24), forecaster).fit(X[:n_train], y[:n_train])
        relevances[name] = forecaster.input_relevance(model[:-1].transform(X)[[row]])[0, :, 0]
        forecast = np.ravel(model.predict(X)[row])[0]
        print(f"{name:<16}forecast {forecast:.3f}, truth {np.ravel(y.iloc[row])[0]:.3f}", end=", ")
        print(f"relevance {relevances[name].sum():+.3f} in all")
        if name == "networks only":
            save(RelevanceDisplay.from_estimator(model, X, row=row).figure_, "inside_relevance.png")
    print(f"Weight of the networks in the defaults: {model[-1].network_weight_:.2f}")
    table = pd.DataFrame(relevances, index=X.index[row - 23 : row + 1])
    print(table.iloc[np.argsort(-table.abs().max(axis=1))[:6]].sort_index().round(2))
    print(f"Correlation of both: {table.corr().iloc[0, 1]:.2f}")


plt.switch_backend("Agg")  # draws to files and needs no display
look_at_sine()
look_at_airline()
look_at_formulas()
look_at_sensors()
look_at_relevance()
