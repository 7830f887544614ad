"""Draw what a translator looks at: numbers in words, from English to German, "forty-two" to "zweiundvierzig".

German says the ones before the tens, so attention has to jump back and forth. The network learns from 6,000 numbers
below a million, and the picture shows one that it has not seen.

    pip install num2words
"""

import sys
from importlib.util import find_spec

import numpy as np

from sklstm import LSTMTranslator
from sklstm.plotting import AttentionDisplay

if find_spec("num2words") is None:
    print("This example needs num2words: pip install num2words")
    sys.exit()

from num2words import num2words

n_train, n_test = 6000, 500
numbers = np.random.default_rng(0).choice(1_000_000, size=n_train + n_test, replace=False).tolist()
english, german = ([num2words(number, lang=language) for number in numbers] for language in ("en", "de"))
model = LSTMTranslator(units=96, random_state=0).fit(english[:n_train], german[:n_train])
print(f"{model.score(english[n_train:], german[n_train:]):.3f} of {n_test} other numbers are translated exactly")

display = AttentionDisplay.from_estimator(model, num2words(64_582))
display.figure_.savefig("attention.png", dpi=150)
print("Saved attention.png")
