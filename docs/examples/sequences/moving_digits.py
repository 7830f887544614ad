"""
Digits that move: read a video with convolutions and an LSTM
============================================================

Which way does a handwritten digit move, and which digit is it? A digit of scikit-learn's moves across a dark image for
eight frames. ``network="frames"`` of :class:`~sklstm.LSTMClassifier` looks at each frame with a convolutional network
and reads what it sees with an LSTM. Beside it stand an LSTM on the pixels of each frame, and a logistic regression on
principal components. See :doc:`/guide/classification` and :doc:`/guide/networks`.
"""

# sphinx_gallery_thumbnail_path = "images/moving_digits.png"
from time import perf_counter

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_digits
from sklearn.decomposition import PCA
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler

from sklstm import LSTMClassifier

# %%
# The clips
# ---------
# Each has eight frames of 16 x 16 pixels, and a digit that moves in one of eight ways: a small relative of the moving
# digits of N. Srivastava, E. Mansimov and R. Salakhutdinov, "Unsupervised learning of video representations using
# LSTMs", ICML 2015. The images of digits in the test clips are in none of the training clips.

size, n_steps = 16, 8
ways = {
    "up": (-1, 0), "up right": (-1, 1), "right": (0, 1), "down right": (1, 1),
    "down": (1, 0), "down left": (1, -1), "left": (0, -1), "up left": (-1, -1),
}  # fmt: skip


def make_clips(images, digits, n_clips, seed):
    """Return clips of shape (n_clips, n_steps, size, size), the way of each, and its digit."""
    rng = np.random.default_rng(seed)
    room = size - images.shape[1]
    clips = np.zeros((n_clips, n_steps, size, size), dtype=np.uint8)
    chosen, way_of_clips = rng.integers(len(images), size=n_clips), rng.choice(list(ways), size=n_clips)
    for clip, image, way in zip(clips, images[chosen], way_of_clips, strict=True):
        moves = np.multiply.outer(np.arange(n_steps), ways[way])
        starts = rng.integers(np.maximum(0, -moves[-1]), np.minimum(room, room - moves[-1]) + 1)
        for frame, (top, left) in zip(clip, starts + moves, strict=True):
            frame[top : top + len(image), left : left + len(image)] = image
    return clips, way_of_clips, digits[chosen]


digits = load_digits()
training, test, digits_of_training, digits_of_test = train_test_split(
    (15 * digits.images).astype(np.uint8), digits.target, test_size=0.25, stratify=digits.target, random_state=0
)
X, *y = make_clips(training, digits_of_training, 4000, seed=0)
X_test, *y_test = make_clips(test, digits_of_test, 1000, seed=1)

# %%
# The models
# ----------
# The first one is that of J. Donahue et al., "Long-term recurrent convolutional networks for visual recognition and
# description", CVPR 2015. The logistic regression reads 100 principal components of each frame. All settings were
# chosen on a fifth of the training images; the test clips were looked at twice.


def pixels(clips):
    """Return the pixels of each frame as features of its step."""
    return clips.reshape(len(clips), n_steps, -1)


pca = PCA(100, random_state=0).fit(X.reshape(-1, size * size))


def components(clips):
    """Return the principal components of all frames, one after the other."""
    return pca.transform(clips.reshape(-1, size * size)).reshape(len(clips), -1)


models = {
    "LSTM on convolved frames": LSTMClassifier(network="frames", network_params={"filters": [32, 64]}, random_state=0),
    "LSTM on pixels": make_pipeline(FunctionTransformer(pixels), LSTMClassifier(100, network="lstm", random_state=0)),
    "logistic regression": make_pipeline(
        FunctionTransformer(components), StandardScaler(), LogisticRegression(C=0.1, max_iter=500)
    ),
}

# %%
# Which way, and which digit?
# ---------------------------

questions = ["which way", "which digit"]
predicted, accuracies = {}, {}
for name, model in models.items():
    for question, of_training, of_test in zip(questions, y, y_test, strict=True):
        start = perf_counter()
        predicted[name, question] = model.fit(X, of_training).predict(X_test)
        accuracies[name, question] = np.mean(predicted[name, question] == of_test)
        print(f"{name}, {question}: {accuracies[name, question]:.3f} in {perf_counter() - start:.0f} s", flush=True)

# %%
# Five clips of the test part, and what the network says of them. Wrong answers are red.

figure, axes = plt.subplots(5, n_steps, figsize=(9, 6), layout="constrained")
way, digit = (predicted["LSTM on convolved frames", question] for question in questions)
for row, axes_of_clip in enumerate(axes):
    for frame, ax in zip(X_test[row], axes_of_clip, strict=True):
        ax.imshow(frame, cmap="gray", vmin=0, vmax=240)
        ax.set(xticks=[], yticks=[])
    is_right = way[row] == y_test[0][row] and digit[row] == y_test[1][row]
    label = f"{digit[row]}\n{way[row]}"
    axes_of_clip[0].set_ylabel(label, rotation=0, ha="right", va="center", color="black" if is_right else "red")
figure.suptitle("Clips of the test part, and what the network says of them")
plt.show()

# %%
# Which way a digit moves is told by where it is in the first frames and the last, and needs no network. Which digit it
# is does. Dashed lines are the accuracies of a guess.

figure, ax = plt.subplots(figsize=(7, 3.2), layout="constrained")
places = np.arange(len(models))
for shift, question, color in zip((-0.2, 0.2), questions, ("tab:blue", "tab:orange"), strict=True):
    values = [accuracies[name, question] for name in models]
    bars = ax.bar(places + shift, values, width=0.4, color=color, label=question)
    ax.bar_label(bars, fmt="%.3f", padding=2)
    ax.axhline(1 / len(set(y[questions.index(question)])), color=color, linestyle="--", linewidth=1)
ax.set_xticks(places, models)
ax.set(ylabel="accuracy on 1000 test clips", ylim=(0, 1.3), yticks=np.arange(6) / 5)
ax.legend(frameon=False, ncols=2, loc="upper right")
plt.show()
