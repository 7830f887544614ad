"""
What a translator looks at
==========================

Where does a translator look while it writes? It learns to translate numbers in words from English to German,
"forty-two" to "zweiundvierzig". German says the ones before the tens, so attention has to jump back and forth. The
example needs num2words: ``pip install num2words``. :doc:`/guide/translation` has more.
"""

# sphinx_gallery_thumbnail_path = "images/attention.png"
import matplotlib.pyplot as plt
import numpy as np
from num2words import num2words

from sklstm import LSTMTranslator
from sklstm.plotting import AttentionDisplay

# %%
# Learn from 6,000 numbers
# ------------------------
# :class:`~sklstm.LSTMTranslator` reads and writes characters. It has not seen the 500 test numbers.

n_train, n_test = 6000, 500
numbers = np.random.default_rng(0).choice(1_000_000, size=n_train + n_test, replace=False).tolist()
english, german = ([num2words(number, lang=language) for number in numbers] for language in ("en", "de"))
model = LSTMTranslator(units=96, random_state=0).fit(english[:n_train], german[:n_train])
print(f"{model.score(english[n_train:], german[n_train:]):.3f} of {n_test} other numbers are translated exactly")

# %%
# The attention weights of one translation
# ----------------------------------------
# Each row of the picture is a character that the model writes, and each column one that it reads. The lighter a cell,
# the more the model looks at this character.

AttentionDisplay.from_estimator(model, num2words(64_582))
plt.show()
