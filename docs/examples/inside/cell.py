"""
The LSTM cell, and how far back it remembers untrained
======================================================

What does an LSTM cell compute, and how far back does its gradient reach before training? The first picture is an
overview of the cell with its equations, those of :meth:`~sklstm.LSTMForecaster.gates`. The second one has the norm of
the Jacobian of the last hidden state with respect to the input at each lag, of a plain recurrent network (RNN) and of
LSTMs with different forget biases. See :doc:`/guide/inside`, and :doc:`recall` for trained networks.
"""

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.patches import Circle, FancyBboxPatch, Rectangle
from scipy.special import expit

# %%
# The cell
# --------
# The cell state runs along the top. It is multiplied by the forget gate, then the product of input gate and candidate
# is added. Its hyperbolic tangent, multiplied by the output gate, is the new hidden state. All four boxes read the
# input and the hidden state of the step before.


def draw_cell(ax):
    """Draw the way of the cell state, above, and of the hidden state, below, through one step."""
    line = {"color": "black", "linewidth": 1.6, "solid_capstyle": "round"}

    def path(*points, arrow=True):
        *start, last = points
        ax.plot(*zip(*start, last, strict=True), zorder=1, **line)
        if arrow:
            style = {"arrowstyle": "-|>", "color": "black", "shrinkA": 0, "shrinkB": 0, "mutation_scale": 13}
            ax.annotate("", last, start[-1], arrowprops=style, zorder=1)

    def operation(x, y, sign):
        ax.add_patch(Circle((x, y), 0.26, facecolor="white", edgecolor="black", linewidth=1.4, zorder=2))
        ax.text(x, y, sign, ha="center", va="center", fontsize=13, zorder=3)

    def box(x, name, equation, color):
        ax.add_patch(Rectangle((x - 0.8, 1.5), 1.6, 0.9, facecolor=color, edgecolor="black", linewidth=1.4, zorder=2))
        ax.text(x, 2.14, name, ha="center", va="center", fontsize=10, zorder=3)
        ax.text(x, 1.75, equation, ha="center", va="center", fontsize=10, zorder=3)

    outline = {"facecolor": "0.96", "edgecolor": "0.6", "boxstyle": "round,pad=0,rounding_size=0.25"}
    ax.add_patch(FancyBboxPatch((0.9, 0.35), 9.9, 5.0, zorder=0, **outline))
    top, bottom, middle = 4.7, 0.85, 3.3
    x_forget, x_input, x_candidate, x_output, x_last = 2.2, 4.1, 6.0, 8.1, 9.6

    path((0.0, top), (x_forget - 0.26, top))  # the cell state
    path((x_forget + 0.26, top), (x_candidate - 0.26, top))
    path((x_candidate + 0.26, top), (11.6, top))
    path((0.0, bottom), (x_output, bottom), (x_output, 1.5))  # the hidden state and the input, to all four boxes
    path((1.3, -0.3), (1.3, bottom), arrow=False)
    joints = [(1.3, bottom), *[(x, bottom) for x in (x_forget, x_input, x_candidate)], (x_last, top)]
    ax.plot(*zip(*joints, strict=True), "o", color="black", markersize=5, zorder=3)
    for x in (x_forget, x_input, x_candidate):
        path((x, bottom), (x, 1.5))
    path((x_forget, 2.4), (x_forget, top - 0.26))
    path((x_input, 2.4), (x_input, middle), (x_candidate - 0.26, middle))
    path((x_candidate, 2.4), (x_candidate, middle - 0.26))
    path((x_candidate, middle + 0.26), (x_candidate, top - 0.26))
    path((x_output, 2.4), (x_output, middle), (x_last - 0.26, middle))
    path((x_last, top), (x_last, 4.32), arrow=False)
    path((x_last, 3.86), (x_last, middle + 0.26))
    path((x_last, middle - 0.26), (x_last, bottom), (11.6, bottom))

    for x, y, sign in [
        (x_forget, top, r"$\times$"),
        (x_candidate, top, "+"),
        (x_candidate, middle, r"$\times$"),
        (x_last, middle, r"$\times$"),
    ]:
        operation(x, y, sign)
    tanh = {"facecolor": "white", "edgecolor": "black", "linewidth": 1.4, "boxstyle": "round,pad=0,rounding_size=0.2"}
    ax.add_patch(FancyBboxPatch((x_last - 0.42, 3.86), 0.84, 0.46, zorder=2, **tanh))
    ax.text(x_last, 4.09, "tanh", ha="center", va="center", fontsize=9, zorder=3)
    box(x_forget, "forget", r"$f_t=\sigma(\cdot)$", "#bcd9ee")
    box(x_input, "input", r"$i_t=\sigma(\cdot)$", "#c3e6cf")
    box(x_candidate, "candidate", r"$g_t=\tanh(\cdot)$", "#f2d3e4")
    box(x_output, "output", r"$o_t=\sigma(\cdot)$", "#fbd9b5")

    label = {"fontsize": 12, "va": "center"}
    ax.text(-0.1, top, "$c_{t-1}$", ha="right", **label)
    ax.text(11.7, top, "$c_t$", ha="left", **label)
    ax.text(-0.1, bottom, "$h_{t-1}$", ha="right", **label)
    ax.text(11.7, bottom, "$h_t$", ha="left", **label)
    ax.text(1.3, -0.55, "$x_t$", ha="center", va="top", fontsize=12)
    ax.text(
        (x_forget + x_candidate) / 2, top + 0.28, "cell state", ha="center", va="center", fontsize=10, style="italic"
    )
    ax.text(10.6, 0.58, "hidden state", ha="right", va="center", fontsize=10, style="italic")
    ax.set(xlim=(-0.9, 12.4), ylim=(-1.1, 5.5), aspect="equal")
    ax.set_axis_off()


def write_equations(ax):
    equations = [
        ("forget gate", r"$f_t = \sigma(x_t W_f + h_{t-1} U_f + b_f)$", "#bcd9ee"),
        ("input gate", r"$i_t = \sigma(x_t W_i + h_{t-1} U_i + b_i)$", "#c3e6cf"),
        ("candidate", r"$g_t = \tanh(x_t W_g + h_{t-1} U_g + b_g)$", "#f2d3e4"),
        ("output gate", r"$o_t = \sigma(x_t W_o + h_{t-1} U_o + b_o)$", "#fbd9b5"),
        ("cell state", r"$c_t = f_t \times c_{t-1} + i_t \times g_t$", "0.96"),
        ("hidden state", r"$h_t = o_t \times \tanh(c_t)$", "0.96"),
    ]
    for row, (name, equation, color) in enumerate(equations):
        y = 1 - (row + 0.5) / len(equations)
        ax.add_patch(Rectangle((0, y - 0.065), 0.03, 0.13, facecolor=color, edgecolor="black", linewidth=0.8))
        ax.text(0.06, y + 0.033, name, fontsize=9.5, va="center", color="0.25")
        ax.text(0.06, y - 0.035, equation, fontsize=12, va="center")
    ax.set(xlim=(0, 1), ylim=(0, 1))
    ax.set_axis_off()


figure, (left, right) = plt.subplots(ncols=2, figsize=(11, 4.2), width_ratios=[2.1, 1], layout="constrained")
draw_cell(left)
write_equations(right)
plt.show()

# %%
# Gradients of untrained networks
# -------------------------------
# All networks have 32 units and read the same random series. The backpropagation is written out in numpy.

units, n_lags, seeds = 32, 101, range(10)


def glorot(rng, n_in, n_out):
    limit = np.sqrt(6 / (n_in + n_out))
    return rng.uniform(-limit, limit, (n_in, n_out))


def orthogonal(rng, n_rows, n_columns):
    return np.linalg.qr(rng.standard_normal((n_columns, n_rows)))[0].T


def rnn_weights(rng, n_inputs):
    return [glorot(rng, n_inputs, units), orthogonal(rng, units, units), np.zeros(units)]


def lstm_weights(rng, n_inputs, forget_bias):
    bias = np.repeat([0.0, forget_bias, 0.0, 0.0], units)  # input gate, forget gate, candidate, output gate
    return [glorot(rng, n_inputs, 4 * units), orthogonal(rng, units, 4 * units), bias]


def rnn_gradients(weights, series, last):
    """Return the gradients of `h @ last` after the last step by the input at each step, and nothing of gates."""
    kernel, recurrent_kernel, bias = weights
    h, states = np.zeros(units), []
    for x in series:
        h = np.tanh(x @ kernel + h @ recurrent_kernel + bias)
        states.append(h)
    of_h, gradients = last.T, []
    for h in reversed(states):
        of_sum = of_h * (1 - h**2)
        gradients.append(of_sum @ kernel.T)
        of_h = of_sum @ recurrent_kernel.T
    return np.array(gradients[::-1]), np.nan


def lstm_gradients(weights, series, last):
    """Return the gradients of `h @ last` after the last step by the input at each step, and the mean forget gate."""
    kernel, recurrent_kernel, bias = weights
    h = c = np.zeros(units)
    steps = []
    for x in series:
        i, f, g, o = np.split(x @ kernel + h @ recurrent_kernel + bias, 4)
        i, f, g, o = expit(i), expit(f), np.tanh(g), expit(o)
        c_before, c = c, f * c + i * g
        h = o * np.tanh(c)
        steps.append((i, f, g, o, c_before, np.tanh(c)))
    of_h, of_c, gradients = last.T, np.zeros_like(last.T), []
    for i, f, g, o, c_before, squashed in reversed(steps):
        of_c = of_c + of_h * o * (1 - squashed**2)
        of_sums = [of_c * g * i * (1 - i), of_c * c_before * f * (1 - f), of_c * i * (1 - g**2)]
        of_sums = np.hstack([*of_sums, of_h * squashed * o * (1 - o)])
        gradients.append(of_sums @ kernel.T)
        of_h, of_c = of_sums @ recurrent_kernel.T, of_c * f
    return np.array(gradients[::-1]), np.mean([f for _, f, *_ in steps])


# %%
# Curves are geometric means of ten series and initial weights.

networks = {"RNN": (rnn_gradients, rnn_weights, {})} | {
    f"LSTM, forget bias {bias}": (lstm_gradients, lstm_weights, {"forget_bias": bias}) for bias in (0, 1, 3)
}
lags = [1, 10, 20, 50, 100]
print("Norm of the Jacobian of the last hidden state by the input, relative to lag 0, untrained")
print(f"{'lag':<22}" + "".join(f"{lag:>10}" for lag in lags) + f"{'forget gate':>14}")
curves = {}
for name, (gradients, weights, params) in networks.items():
    norms, forget_gates = [], []
    for seed in seeds:
        series = np.random.default_rng(seed).standard_normal((n_lags, 1))
        rng = np.random.default_rng([seed, 1])
        of_inputs, forget_gate = gradients(weights(rng, 1, **params), series, np.eye(units))
        norms.append(np.linalg.norm(of_inputs, axis=(1, 2))[::-1])
        forget_gates.append(forget_gate)
    curve = np.exp(np.log(norms).mean(axis=0))
    curves[name] = curve / curve[0]
    forget_gate = np.mean(forget_gates)
    gate = "" if np.isnan(forget_gate) else f"{forget_gate:14.2f}"
    print(f"{name:<22}" + "".join(f"{curves[name][lag]:>10.0e}" for lag in lags) + gate)

# %%
# With a forget bias of 0 or 1, the gradient of an LSTM vanishes faster than that of an RNN. With 3 it does not vanish.

styles = {
    "RNN": {"color": "black", "linestyle": "--"},
    "LSTM, forget bias 0": {"color": "#56B4E9", "linestyle": ":"},
    "LSTM, forget bias 1": {"color": "#0072B2", "linestyle": "-"},
    "LSTM, forget bias 3": {"color": "#D55E00", "linestyle": "-."},
}
figure, ax = plt.subplots(figsize=(5, 4), layout="constrained")
for name, curve in curves.items():
    ax.plot(curve, label=name, linewidth=1.8, **styles[name])
ax.set(yscale="log", ylim=(1e-10, 10), xlabel="Lag in steps", ylabel="Gradient of the hidden state, lag 0 = 1")
ax.set_title("Untrained", fontsize="medium")
ax.legend(frameon=False, fontsize="small")
plt.show()
