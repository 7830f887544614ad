"""
Spoken digits, by voices that the model has not heard
=====================================================

Can a network read strings of digits from recordings of unknown voices, with and without noise? The recordings are
synthetic: the speech synthesiser espeak-ng speaks strings of 3 to 6 digits, in accents of English and with variants of
its voice. That is easier than recordings of people, who differ in more ways. :class:`~sklstm.LSTMTranscriber` learns
without being told which part of a recording is which digit. The example needs espeak-ng: ``apt install espeak-ng`` on
Debian and Ubuntu, ``brew install espeak-ng`` on macOS. See :doc:`/guide/speech`.
"""

import shutil
import subprocess
import tempfile
from pathlib import Path
from time import perf_counter

import matplotlib.pyplot as plt
import numpy as np
from scipy.io import wavfile
from scipy.signal import fftconvolve, welch
from sklearn.base import BaseEstimator
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sklstm import LogMelSpectrogram, LSTMTranscriber
from sklstm.metrics import character_error_rate

if shutil.which("espeak-ng") is None:
    raise RuntimeError("This example needs espeak-ng: apt install espeak-ng, or brew install espeak-ng")

# %%
# Voices
# ------
# Accents and variants of the test recordings are in none of the training recordings. Variants that share most of their
# settings with a test variant are in neither. The text of a recording is "3057", as users want to read it, and not the
# words "three zero five seven".

sampling_rate = 22050  # that of espeak-ng
words = ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"]
voices = {  # accents and variants
    "training": (
        "en-gb en-us en-gb-x-rp en-gb-x-gbclan en-gb-x-gbcwmd en-029",
        "Alex Andy Annie AnxiousAndy Denis Diogo Gene Gene2 Henrique Hugo Jacky Lee Marco Mario Michael Mike "
        "RicishayMax RicishayMax2 RicishayMax3 Storm Tweaky adam anika antonio aunty benjamin boris caleb "
        "david ed f1 f2 f3 grandma grandpa gustave iven iven2 iven3 iven4 john kaukovalta klatt klatt2 m1 m2 "
        "m3 m4 m5 m6 marcelo max michel miguel norbert pablo paul pedro quincy rob robert sandro shelby steph "
        "steph2 steph3 travis victor zac",
    ),
    "test": ("en-gb-scotland en-us-nyc", "m7 m8 f4 f5 Andrea Alicia edward belinda"),
}
n_recordings = {"training": 4200, "test": 360}


def speak(text, voice, rate, pitch, folder):
    """Return what espeak-ng says: samples of type int16."""
    path = Path(folder, "spoken.wav")
    subprocess.run(["espeak-ng", "-v", voice, "-s", str(rate), "-p", str(pitch), "-w", path, text], check=True)
    return wavfile.read(path)[1]


def speak_digits(part, seed):
    """Return recordings of strings of digits in voices of a part, and the strings."""
    rng = np.random.default_rng(seed)
    accents, variants = map(str.split, voices[part])
    recordings, texts = [], []
    with tempfile.TemporaryDirectory() as folder:
        for _ in range(n_recordings[part]):
            digits = rng.integers(10, size=rng.integers(3, 7))
            voice = f"{rng.choice(accents)}+{rng.choice(variants)}"
            pause = rng.choice([" ", ", "])
            text = pause.join(words[digit] for digit in digits)
            recording = speak(text, voice, rng.integers(120, 221), rng.integers(20, 81), folder)
            silence = rng.integers(sampling_rate // 2, size=2)  # up to half a second, before and behind
            recordings.append(np.pad(recording / np.float32(2**15), silence))
            texts.append("".join(map(str, digits)))
    return recordings, texts


# %%
# Noise
# -----
# Training recordings are played faster or slower by up to 15 %. White noise, or noise with the spectrum of speech, is
# added to half of them, and to all recordings of a second test.


def speech_filter(recordings, n=1024):
    """Return the impulse response of a filter that gives white noise the average spectrum of recordings."""
    power = np.mean([welch(recording, nperseg=n)[1] for recording in recordings], axis=0)
    return np.fft.fftshift(np.fft.irfft(np.sqrt(power))) * np.hanning(n)


def add_noise(recording, decibels, response, rng):
    """Return a recording with noise at a signal-to-noise ratio: white noise, filtered if there is a response."""
    noise = rng.standard_normal(len(recording))
    if response is not None:
        noise = fftconvolve(noise, response, mode="same")
    spoken = np.trim_zeros(recording)
    ratio = np.mean(spoken**2) / np.mean(noise**2) / 10 ** (decibels / 10)
    return (recording + noise * np.sqrt(ratio)).astype(np.float32)


def at_other_speed(recording, factor):
    """Return a recording that is played faster, and so at a higher pitch (T. Ko et al., Interspeech 2015)."""
    times = np.arange(0, len(recording) - 1, factor)
    return np.interp(times, np.arange(len(recording)), recording).astype(np.float32)


def make_data():
    """Return training and test recordings, the latter also with noise, and their texts."""
    rng = np.random.default_rng(0)
    (train, y_train), (test, y_test) = speak_digits("training", seed=1), speak_digits("test", seed=2)
    responses = [None, speech_filter(train)]
    noisy = [add_noise(recording, 10, responses[i % 2], rng) for i, recording in enumerate(test)]
    train = [at_other_speed(recording, rng.uniform(0.85, 1.15)) for recording in train]
    for i in range(0, len(train), 2):
        train[i] = add_noise(train[i], rng.uniform(0, 30), responses[rng.integers(2)], rng)
    return train, y_train, {"clean": test, "noise at 10 dB": noisy}, y_test


train, y_train, tests, y_test = make_data()
for name, recordings in {"Training": train, "Test, of other voices": tests["clean"]}.items():
    seconds = sum(map(len, recordings)) / sampling_rate
    print(f"{name}: {len(recordings)} recordings, {seconds:.0f} s")

# %%
# What the network reads
# ----------------------
# :class:`~sklstm.LogMelSpectrogram` turns a recording into the loudness of frequency bands, many times a second.

spectrograms = LogMelSpectrogram(sampling_rate=sampling_rate)
shown = [tests[name][0] for name in tests]
figure, axes = plt.subplots(nrows=2, figsize=(7, 4.4), sharex=True, sharey=True, layout="constrained")
for ax, name, features in zip(axes, tests, spectrograms.fit_transform(shown), strict=True):
    seconds = len(shown[0]) / sampling_rate
    ax.imshow(features.T, origin="lower", aspect="auto", cmap="cividis", extent=(0, seconds, 0, features.shape[1]))
    ax.set(title=f'"{y_test[0]}", {name}', ylabel="frequency band")
axes[-1].set_xlabel("time, s")
plt.show()

# %%
# A network, and a baseline
# -------------------------
# Connectionist temporal classification needs no alignment (A. Graves et al., "Connectionist temporal classification:
# labelling unsegmented sequence data with recurrent neural networks", ICML 2006).

model = make_pipeline(LogMelSpectrogram(sampling_rate=sampling_rate, n_stacked=4), LSTMTranscriber(random_state=0))
start = perf_counter()
model.fit(train, y_train)
print(f"Fitted in {perf_counter() - start:.0f} s", flush=True)
for text, predicted in zip(y_test[:5], model.predict(tests["noise at 10 dB"][:5]), strict=True):
    print(f"  spoken {text}, read {predicted}")

# %%
# The baseline has no recurrent network: it cuts the spoken part into equal pieces, and classifies each.


class EqualPieces(BaseEstimator):
    """Classify equal pieces of the spoken part.

    One logistic regression predicts the number of pieces from the length of the spoken part, and another one the digit
    of a piece.
    """

    def fit(self, X, y):
        spoken = list(map(spoken_part, X))
        pieces = [piece for part, text in zip(spoken, y, strict=True) for piece in cut(part, len(text))]
        self.digits_ = make_pipeline(StandardScaler(), LogisticRegression(C=0.01)).fit(pieces, list("".join(y)))
        lengths = [[len(part)] for part in spoken]
        self.counts_ = make_pipeline(StandardScaler(), LogisticRegression()).fit(lengths, list(map(len, y)))
        return self

    def predict(self, X):
        spoken = list(map(spoken_part, X))
        counts = self.counts_.predict([[len(part)] for part in spoken])
        return ["".join(self.digits_.predict(cut(part, n))) for part, n in zip(spoken, counts, strict=True)]


def spoken_part(features):
    """Return the frames from the first to the last loud one."""
    loudness = features.mean(axis=1)
    is_loud = loudness > np.percentile(loudness, [10, 95]).mean()
    return features[is_loud.argmax() : len(features) - is_loud[::-1].argmax()]


def cut(features, n):
    """Return n equal pieces, each as a row of five steps."""
    return [
        np.concatenate([step.mean(axis=0) for step in np.array_split(piece, 5)])
        for piece in np.array_split(features, n)
    ]


baseline = make_pipeline(LogMelSpectrogram(sampling_rate=sampling_rate), EqualPieces()).fit(train, y_train)

# %%
# Errors on voices not heard
# --------------------------
# The character error rate is the number of wrong, missing and additional digits, relative to the number of digits.

models = {
    "LSTM, best path": model.predict,
    "LSTM, prefix beam search": lambda recordings: model.set_params(lstmtranscriber__beam_size=10).predict(recordings),
    "Logistic regression on equal pieces": baseline.predict,
    "Always the same text": lambda recordings: ["123"] * len(recordings),
}
print(f"{'Character error rate':<44}" + "".join(f"{name:>16}" for name in tests))
rates = {}
for name, predict in models.items():
    rates[name] = [character_error_rate(y_test, predict(recordings)) for recordings in tests.values()]
    print(f"{name:<44}" + "".join(f"{rate:>16.3f}" for rate in rates[name]), flush=True)

figure, ax = plt.subplots(figsize=(7, 3), layout="constrained")
places = np.arange(len(rates))
for shift, name, color, values in zip(
    (-0.2, 0.2), tests, ("tab:blue", "tab:orange"), zip(*rates.values(), strict=True), strict=True
):
    ax.bar_label(ax.barh(places + shift, values, height=0.4, color=color, label=name), fmt="%.3f", padding=2)
ax.set_yticks(places, rates)
ax.set(xlabel="character error rate: lower is better", xlim=(0, 1))
ax.invert_yaxis()
ax.legend(frameon=False)
plt.show()
