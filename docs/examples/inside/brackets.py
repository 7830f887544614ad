"""
A unit that keeps a bracket open
================================

Where does a network remember that a bracket is open? :class:`~sklstm.LSTMTextGenerator` learns to write formulas such
as ``12+(3*45-6)-7;``. Digits and operators inside brackets are the same as outside, so only a network that remembers
the bracket can tell which of ``)`` and ``;`` may follow. The score of a unit is the area under the ROC curve (AUC) by
which its cell state is higher inside brackets. The baselines are the same networks before training, and the best of as
many random directions of the same states. See :doc:`/guide/inside`.
"""

import itertools

import matplotlib.pyplot as plt
import numpy as np
from sklearn.metrics import roc_auc_score

from sklstm import LSTMTextGenerator
from sklstm.plotting import GatesDisplay

# %%
# Formulas
# --------


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


rng = np.random.default_rng(0)
text, test = formulas(rng, 40_000), formulas(rng, 8_000)
start = text[:8_000]
print(test[:200])

# %%
# How well does a unit separate the two?
# --------------------------------------
# The best unit is chosen on the training text, and measured on the test text.


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


# %%
# Figures are medians and ranges of three random states. Bits per character are the average of -log2(p), where p is the
# probability the model assigned to the actual next character: lower is better.


def spread(values, digits=2):
    return f"{np.median(values):.{digits}f} ({min(values):.{digits}f} to {max(values):.{digits}f})"


aucs, figures = {}, {}
for name, params in {"trained": {}, "untrained": {"learning_rate": 1e-20, "epochs": 1}}.items():
    for seed in range(3):
        generator = LSTMTextGenerator(32, random_state=seed, **params).fit([text])
        states, states_of_test = (generator.gates([part]).cell_state[0] for part in (start, test))
        auc = best_separation(states, states_of_test, start, test)
        directions = np.random.default_rng(seed).standard_normal((32, 32)) / states.std(axis=0)[:, np.newaxis]
        of_direction = best_separation(states @ directions, states_of_test @ directions, start, test)
        of_units = np.abs(separations(states_of_test, test) - 0.5) + 0.5
        row = [auc, of_direction, (of_units > 0.9).sum(), generator.bits_per_token([test])]
        figures.setdefault(name, []).append(row)
        if seed == 0:
            aucs[name] = np.sort(of_units)[::-1]
        if (name, seed) == ("trained", 0):
            model, shown = generator, np.argsort(of_units)[::-1][:8]
print(f"{'':<12}{'best unit':<24}{'best of 32 random directions':<32}{'units above 0.9':<18}bits per character")
for name, rows in figures.items():
    auc, of_direction, number, bits = np.transpose(rows)
    auc, of_direction, number = spread(auc, 3), spread(of_direction, 3), spread(number, 0)
    print(f"{name:<12}{auc:<24}{of_direction:<32}{number:<18}{np.median(bits):.2f}")

# %%
# What the gates do
# -----------------
# The heat maps have the forget gate and the cell state of eight units, over two lines of the test text. The unit in the
# first row separates best.

lines = test.splitlines(keepends=True)
pairs = [first + second for first, second in itertools.pairwise(lines)]
shown_text = next(pair for pair in pairs if len(pair) < 75 and pair.count("(") == 3)
figure, axes = plt.subplots(nrows=2, figsize=(10, 5.6), layout="constrained")
for ax, gate, colors in zip(axes, ["forget_gate", "cell_state"], [{}, {"vmin": -2, "vmax": 2}], strict=True):
    GatesDisplay.from_estimator(model, [shown_text], gate=gate, units=shown, sort_units=False, ax=ax, mesh_kw=colors)
plt.show()

# %%
# Means over the whole test text show how the unit works: at ``(`` the forget gate closes, inside it stays open, and at
# ``)`` the input gate opens for a positive candidate.

unit = shown[0]
gates = model.gates([test], units=unit)
characters, (is_plain, is_inside) = np.array(list(test)), places(test)
at = {"(": characters == "(", "inside": is_plain & is_inside, ")": characters == ")"}
at["outside"] = is_plain & ~is_inside
print(f"Unit {unit} in the mean over" + "".join(f"{place:>10}" for place in at))
for name in ("forget_gate", "input_gate", "output_gate", "candidate", "cell_state"):
    print(f"{name:<24}" + "".join(f"{gates[name][0, rows].mean():10.2f}" for rows in at.values()))

# %%
# All units
# ---------
# Some units of the trained network (random state 0) separate nearly all characters. No untrained unit does.

figure, ax = plt.subplots(figsize=(7, 3), layout="constrained")
ax.plot(np.arange(1, 33), aucs["trained"], "o-", color="tab:blue", markersize=4, label="trained")
ax.plot(np.arange(1, 33), aucs["untrained"], "s--", color="0.5", markersize=4, label="untrained")
ax.set(xlabel="units, from the best to the worst", ylabel="AUC of inside and outside", ylim=(0.48, 1.02))
ax.legend(frameon=False)
plt.show()
