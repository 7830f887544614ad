"""
Translate numbers in words
==========================

How good is a translator if there are plenty of examples, and one knows all answers? num2words writes any number in many
languages, "forty-two" and "quarante-deux", so there are as many pairs as one likes, and each translation is right or
wrong. :class:`~sklstm.LSTMTranslator` learns from 20,000 numbers below a million, by characters and with its defaults,
and is tested on 500 others. The example needs num2words: ``pip install num2words``. See :doc:`/guide/translation`.
"""

# sphinx_gallery_thumbnail_number = 2
from time import perf_counter

import matplotlib.pyplot as plt
import numpy as np
from num2words import num2words
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.metrics.pairwise import linear_kernel

from sklstm import LSTMTranslator
from sklstm.plotting import AttentionDisplay

# %%
# The numbers, in three languages
# -------------------------------

n_train, n_test = 20_000, 500
numbers = np.random.default_rng(0).choice(1_000_000, size=n_train + n_test, replace=False).tolist()
texts = {language: [num2words(number, lang=language) for number in numbers] for language in ("en", "fr", "de")}
for language, examples in texts.items():
    print(f"{language}: {examples[0]}")

# %%
# Translate
# ---------
# The baseline is the translation of the training numeral that is most alike, by TF-IDF of groups of characters. It is
# never right, since each number occurs once.

names = {"en": "English", "fr": "French", "de": "German"}
print(f"{'':<20}{'exact':>8}{'most alike':>12}{'fit, s':>8}{'predict, s':>12}")
exact, translators = {}, {}
for source, target in [("en", "fr"), ("de", "en")]:
    train, test = (
        [texts[language][part] for language in (source, target)] for part in (slice(n_train), slice(n_train, None))
    )
    model = LSTMTranslator(random_state=0)
    start = perf_counter()
    model.fit(*train)
    fitted = perf_counter()
    predicted = model.predict(test[0])
    done = perf_counter()
    tfidf = TfidfVectorizer(analyzer="char", ngram_range=(1, 4)).fit(train[0])
    nearest = linear_kernel(tfidf.transform(test[0]), tfidf.transform(train[0])).argmax(axis=1)
    alike = np.mean([train[1][row] == expected for row, expected in zip(nearest, test[1], strict=True)])
    name = f"{names[source]} to {names[target]}"
    exact[name] = np.mean([a == b for a, b in zip(predicted, test[1], strict=True)]), alike
    print(f"{name:<20}{exact[name][0]:>8.3f}{alike:>12.3f}{fitted - start:>8.0f}{done - fitted:>12.1f}", flush=True)
    translators[target] = model
    wrong = [case for case in zip(*test, predicted, strict=True) if case[1] != case[2]]
    for text, expected, got in wrong[:2]:
        print(f"  {text}: expected {expected}, got {got}")

# %%
# Translations are right to the last character.

figure, ax = plt.subplots(figsize=(7, 3.2), layout="constrained")
places = np.arange(len(exact))
for shift, label, color, values in zip(
    (-0.2, 0.2), ("LSTM", "most alike"), ("tab:blue", "0.6"), zip(*exact.values(), strict=True), strict=True
):
    ax.bar_label(ax.bar(places + shift, np.multiply(100, values), width=0.4, color=color, label=label), fmt="%.1f")
ax.set_xticks(places, exact)
ax.set(
    ylabel="translated exactly, %",
    ylim=(0, 125),
    yticks=range(0, 101, 20),
    title=f"{n_test} numbers that were not learnt",
)
ax.legend(frameon=False, ncols=2, loc="upper right")
plt.show()

# %%
# French counts in twenties
# -------------------------
# "Ninety-seven" is "quatre-vingt-dix-sept", four times twenty and seventeen. Each row of the picture is a character
# that the model writes, and each column one that it reads.

AttentionDisplay.from_estimator(translators["fr"], num2words(97_081))
plt.show()
