"""Writing token by token: translations, and texts.

How long does it take to generate texts? An `LSTMTranslator` with its defaults translates 1,000 texts of 20 characters
to at most 20 characters, with one beam and with five. An `LSTMTextGenerator` with its defaults writes 1,000 characters
and carries its state from one to the next. The contender reads the last 50 characters again for each new one.

The translator is trained for one epoch, because the quality of its texts does not matter here.
"""

from functools import partial

import numpy as np
from harness import compare, stopwatch

N_TEXTS, N_TOKENS, N_CHARACTERS = 1000, 20, 1000


def make_texts(n_texts, n_tokens):
    letters = np.random.default_rng(0).choice(list("abcdefghijklmnopqrstuvwxyz "), size=(n_texts, n_tokens))
    return list(map("".join, letters))


def translator(n_texts, beam_size):
    import warnings

    from sklstm import LSTMTranslator

    warnings.simplefilter("ignore")  # translations are cut
    texts = make_texts(n_texts, N_TOKENS)
    model = LSTMTranslator(epochs=1, max_length=N_TOKENS, beam_size=beam_size, random_state=0).fit(texts, texts)
    return stopwatch(model.predict, texts)


def generator(length, carries_state):
    from sklstm import LSTMTextGenerator
    from sklstm._text.decoding import WindowDecoder, write

    model = LSTMTextGenerator(epochs=1, random_state=0).fit(["".join(make_texts(100, 100))])
    if carries_state:
        return stopwatch(partial(model.generate, "a", length, random_state=0))

    def predict(windows):
        return model._network_output({"windows": windows}, last_step=True)

    def write_by_windows():
        write(WindowDecoder(predict, 1, model.window_size), [[1]], length, lambda logits, _: logits.argmax(axis=1))

    write_by_windows()  # which compiles
    return stopwatch(write_by_windows)


def measure(quick):
    n_texts, length = (100, 50) if quick else (N_TEXTS, N_CHARACTERS)
    contenders = {
        "one beam": partial(translator, n_texts, 1),
        "five beams": partial(translator, n_texts, 5),
        "state": partial(generator, length, True),
        "windows": partial(generator, length, False),
    }
    measured = compare(contenders, runs=3 if quick else 7)
    one, five, state, windows = measured.values()
    return [
        {"case": "translations", "unit": "s", "values": {"sklstm": one}, "goals": {"sklstm": "<= 3"}},
        {"case": "five beams", "unit": "s", "values": {"sklstm": five, "one beam": one}, "goals": {"one beam": "<= 4"}},
        {
            "case": "characters",
            "unit": "s",
            "values": {"sklstm": state, "windows read anew": windows},
            "goals": {"windows read anew": "<= 0.1"},
        },
    ]
