"""Translate numerals in words, "forty-two" to "quarante-deux", with all answers known.

num2words writes any number in many languages, so there are as many pairs as one likes, and each translation is right or
wrong. The network learns from 20,000 numbers below a million, by characters and with the defaults of
`LSTMTranslator`, and is tested on 500 others. Beside it stands the translation of the training numeral that is most
alike, by TF-IDF of groups of characters.

    pip install num2words
"""

import sys
from importlib.util import find_spec
from time import perf_counter

import numpy as np
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.metrics.pairwise import linear_kernel

from sklstm import LSTMTranslator

if find_spec("num2words") is None:
    print("This example needs num2words: pip install num2words")
    sys.exit()

from num2words import num2words

n_train, n_test = 20_000, 500
numbers = np.random.default_rng(0).choice(1_000_000, size=n_train + n_test, replace=False).tolist()
texts = {language: [num2words(number, lang=language) for number in numbers] for language in ("en", "fr", "de")}
pairs = [("en", "fr"), ("en", "de"), ("fr", "en"), ("de", "en")]
chosen = [pair for pair in pairs if not sys.argv[1:] or "-".join(pair) in sys.argv[1:]]

print(f"{'':<10}{'exact':>10}{'most alike':>14}{'fit, s':>10}{'predict, s':>14}")
for source, target in chosen:
    train, test = (
        [texts[language][part] for language in (source, target)] for part in (slice(n_train), slice(n_train, None))
    )
    model = LSTMTranslator(random_state=0)
    start = perf_counter()
    model.fit(*train)
    fitted = perf_counter()
    exact = model.score(*test)
    done = perf_counter()
    tfidf = TfidfVectorizer(analyzer="char", ngram_range=(1, 4)).fit(train[0])
    nearest = linear_kernel(tfidf.transform(test[0]), tfidf.transform(train[0])).argmax(axis=1)
    alike = np.mean([train[1][row] == expected for row, expected in zip(nearest, test[1], strict=True)])
    print(
        f"{source} to {target:<4}{exact:>10.3f}{alike:>14.3f}{fitted - start:>10.0f}{done - fitted:>14.1f}", flush=True
    )
    wrong = [case for case in zip(test[0], test[1], model.predict(test[0]), strict=True) if case[1] != case[2]]
    for text, expected, predicted in wrong[:2]:
        print(f"  {text}: expected {expected}, got {predicted}")
