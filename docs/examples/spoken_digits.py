"""Read strings of spoken digits, by voices that the model has not heard: from waveforms to text.

The recordings are synthetic: the speech synthesiser espeak-ng speaks strings of 3 to 6 digits, in accents of English
and with variants of its voice, at different rates and pitches. That is easier than recordings of people, who differ in
more ways. Accents and variants of the test recordings are in none of the training recordings. White noise, or noise
with the spectrum of speech, is added to half of the training recordings, and to all recordings of a second test.

The target of a recording is the text "3057", as users want to read it, and not the words "three zero five seven".
Nothing tells which part of a recording is which digit: connectionist temporal classification needs no alignment (A.
Graves et al., "Connectionist temporal classification: labelling unsegmented sequence data with recurrent neural
networks", ICML 2006).

The script needs espeak-ng: ``apt install espeak-ng`` on Debian and Ubuntu, ``brew install espeak-ng`` on macOS.
"""

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
from scipy.io import wavfile
from scipy.signal import fftconvolve

sampling_rate = 22050  # that of espeak-ng
words = ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"]
voices = {
    "training": (
        "en-gb en-us en-gb-x-rp en-gb-x-gbclan en-gb-x-gbcwmd en-029",
        "m1 m2 m3 m4 m5 m6 f1 f2 f3 Alex Annie Michael Gene klatt klatt2 adam anika steph linda marcelo",
    ),
    "test": ("en-gb-scotland en-us-nyc", "m7 m8 f4 f5 Andrea Alicia edward belinda"),
}
n_recordings = {"training": 2400, "test": 360}


def speak(text, voice, rate, pitch, folder):
    """Return what espeak-ng says: samples of type int16."""
    path = Path(folder, "spoken.wav")
    subprocess.run(["espeak-ng", "-v", voice, "-s", str(rate), "-p", str(pitch), "-w", path, text], check=True)
    return wavfile.read(path)[1]


def speak_digits(part, seed):
    """Return recordings of strings of digits in the voices of a part, as floats, and the strings."""
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
            recordings.append(recording / 2**15)
            texts.append("".join(map(str, digits)))
    return recordings, texts


def add_silence(recording, rng):
    """Return a recording with up to half a second of silence before and after it."""
    return np.pad(recording, rng.integers(sampling_rate // 2, size=2))


def spectrum_of(recordings, n=1024):
    """Return a filter that gives noise the average spectrum of recordings."""
    power = np.mean([np.abs(np.fft.rfft(recording, n)) ** 2 for recording in recordings], axis=0)
    return np.fft.fftshift(np.fft.irfft(np.sqrt(power))) * np.hanning(n)


def add_noise(recording, decibels, kernel, rng):
    """Return a recording with noise at a signal-to-noise ratio, filtered by a kernel unless that is None."""
    noise = rng.standard_normal(len(recording))
    if kernel is not None:
        noise = fftconvolve(noise, kernel, mode="same")
    spoken = recording[np.flatnonzero(recording)[0] : np.flatnonzero(recording)[-1]]
    ratio = np.mean(spoken**2) / np.mean(noise**2) / 10 ** (decibels / 10)
    return recording + noise * np.sqrt(ratio)


def make_data():
    """Return training and test recordings, the latter also with noise, and their texts."""
    rng = np.random.default_rng(0)
    (train, y_train), (test, y_test) = speak_digits("training", seed=1), speak_digits("test", seed=2)
    train, test = ([add_silence(recording, rng) for recording in part] for part in (train, test))
    kernels = [None, spectrum_of(train)]
    noisy = [add_noise(recording, 10, kernels[i % 2], rng) for i, recording in enumerate(test)]
    for i in range(0, len(train), 2):
        train[i] = add_noise(train[i], rng.uniform(0, 30), kernels[rng.integers(2)], rng)
    return train, y_train, {"clean": test, "noise at 10 dB": noisy}, y_test


if shutil.which("espeak-ng") is None:
    print("This example needs the speech synthesiser espeak-ng: apt install espeak-ng, or brew install espeak-ng")
    sys.exit()

train, y_train, tests, y_test = make_data()
