"""
Translate the messages of programs
==================================

What does a translator learn from a few thousand texts that share few words? Django, wagtail, django-oscar, Weblate and
Sphinx come with their messages in many languages. :class:`~sklstm.LSTMTranslator` learns from some 8,000 pairs of
English and French, beside two simple ways: the message itself, since many words are alike, and the translation of the
training message that is most alike. Only the catalogues are read, so what the packages depend on is not needed:
``pip install --no-deps django wagtail django-oscar weblate sphinx``, and ``pip install sacrebleu`` for the score. See
:doc:`/guide/translation`.
"""

from gettext import GNUTranslations
from importlib.util import find_spec
from pathlib import Path
from time import perf_counter

import matplotlib.pyplot as plt
import numpy as np
from sacrebleu import corpus_chrf
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.metrics.pairwise import linear_kernel
from sklearn.model_selection import train_test_split

from sklstm import LSTMTranslator

# %%
# The catalogues
# --------------

packages = ["django", "wagtail", "oscar", "weblate", "sphinx"]
language, longest, n_test = "fr", 120, 500
if not any(map(find_spec, packages)):
    raise ModuleNotFoundError(
        "This example needs catalogues: pip install --no-deps django wagtail django-oscar weblate sphinx"
    )


def read_catalogues():
    """Return the messages of all packages that are installed, each once, and their translations."""
    pairs = {}
    for package in filter(find_spec, packages):
        folder = Path(find_spec(package).origin).parent
        for path in sorted(folder.glob(f"**/{language}/LC_MESSAGES/*.mo")):
            with path.open("rb") as file:
                catalogue = GNUTranslations(file)._catalog
            messages = {text: translation for text, translation in catalogue.items() if isinstance(text, str) and text}
            pairs = messages | pairs
    kept = {text: translation for text, translation in pairs.items() if translation and len(text) <= longest}
    return list(kept), list(kept.values())


X, y = read_catalogues()
X_train, X_test, y_train, y_test = train_test_split(X, y, test_size=n_test, random_state=0)
print(f"{len(X_train)} messages to learn from, {n_test} to translate")

# %%
# Compare
# -------
# chrF (M. Popović, "chrF: character n-gram F-score for automatic MT evaluation", WMT 2015) counts the groups of
# characters that a translation shares with the true one, from 0 to 100. The most similar message is found by TF-IDF of
# groups of characters.

results = {}


def tell(name, predicted, seconds):
    exact = sum(map(str.__eq__, predicted, y_test)) / n_test
    results[name] = corpus_chrf(predicted, [y_test]).score, 100 * exact
    print(f"{name:<34}{results[name][0]:>8.1f}{exact:>8.3f}{seconds:>8.0f}", flush=True)


print(f"{'':<34}{'chrF':>8}{'exact':>8}{'fit, s':>8}")
tell("the message itself", X_test, 0)
start = perf_counter()
tfidf = TfidfVectorizer(analyzer="char", ngram_range=(1, 4)).fit(X_train)
nearest = linear_kernel(tfidf.transform(X_test), tfidf.transform(X_train)).argmax(axis=1)
tell("most alike of the others", [y_train[row] for row in nearest], perf_counter() - start)
model = LSTMTranslator(dropout=0.2, epochs=20, random_state=0)
start = perf_counter()
model.fit(X_train, y_train)
seconds = perf_counter() - start
tell("LSTM, one beam", model.predict(X_test), seconds)
translated = model.set_params(beam_size=5).predict(X_test)
tell("LSTM, five beams", translated, seconds)

# %%
# So few examples are not enough. The translation of the most similar message shares more with the true one.

figure, ax = plt.subplots(figsize=(7, 3), layout="constrained")
places = np.arange(len(results))
for shift, label, color, values in zip(
    (-0.2, 0.2),
    ("chrF", "translated exactly, %"),
    ("tab:blue", "0.6"),
    zip(*results.values(), strict=True),
    strict=True,
):
    ax.bar_label(ax.barh(places + shift, values, height=0.4, color=color, label=label), fmt="%.1f", padding=2)
ax.set_yticks(places, results)
ax.set(
    xlabel="chrF from 0 to 100, and share of the test messages in %",
    title="500 messages, English to French",
    xlim=(0, 60),
)
ax.invert_yaxis()
ax.legend(frameon=False)
plt.show()

# %%
# Some translations
# -----------------

for case in list(zip(X_test, y_test, translated, strict=True))[:6]:
    print("\n".join(f"{name:<12}{text!r}" for name, text in zip(("message", "true", "translated"), case, strict=True)))
