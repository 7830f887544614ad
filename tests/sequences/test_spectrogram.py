import pickle

import numpy as np
import pandas as pd
import pytest
import scipy.sparse
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer
from sklearn.utils.validation import check_is_fitted

from sklstm import LogMelSpectrogram, pad_sequences

RATE = 16000
FRAME, HOP = 400, 160  # of the default parameters, in samples


def tone(frequency, n_samples=4000, rate=RATE):
    return np.sin(2 * np.pi * frequency * np.arange(n_samples) / rate)


def noise(rng, *lengths):
    return [rng.standard_normal(length) for length in lengths]


def mel(frequency):
    return 1127 * np.log1p(frequency / 700)


def loudest(recording, **params):
    """Return the band with the most energy in all frames."""
    features = LogMelSpectrogram(normalize=False, **params).fit_transform([recording])[0]
    bands = np.unique(features.argmax(axis=1))
    assert len(bands) == 1
    return bands[0]


@given(st.integers(FRAME, 3000))
def test_number_of_frames(n_samples):
    recording = np.random.default_rng(0).standard_normal(n_samples)
    features = LogMelSpectrogram().transform([recording])[0]
    assert features.shape == (1 + (n_samples - FRAME) // HOP, 40)
    assert features.dtype == np.float32


def test_stacked_frames_are_steps(rng):
    recordings = noise(rng, FRAME + 2 * HOP, FRAME + 7 * HOP)
    plain = LogMelSpectrogram().transform(recordings)
    stacked = LogMelSpectrogram(n_stacked=3).transform(recordings)
    assert [features.shape for features in stacked] == [(1, 120), (2, 120)]
    assert_array_equal(stacked[1][1], plain[1][3:6].ravel())
    with pytest.raises(
        ValueError, match=rf"minimum of {FRAME + 2 * HOP} is required, which is 3 frames, each of 0.025 s"
    ):
        LogMelSpectrogram(n_stacked=3).transform(noise(rng, FRAME + 2 * HOP - 1))


def test_lengths_are_in_seconds(rng):
    spectrogram = LogMelSpectrogram(8000, n_mels=20, frame_length=0.05, hop_length=0.02)
    assert [len(features) for features in spectrogram.transform(noise(rng, 400, 559, 560, 8000))] == [1, 1, 2, 48]


@given(st.floats(100, 7900))
def test_a_tone_is_loudest_in_the_band_whose_centre_is_nearest(frequency):
    centres = np.linspace(0, mel(8000), 42)[1:-1]
    distances = np.abs(centres - mel(frequency))
    assert distances[loudest(tone(frequency))] < distances.min() + mel(8000) / 41 / 3


def test_a_tone_in_the_centre_of_a_band():
    # mel(1000) is 1000: with the bands' outer edges at 0 and 2 * 1000 mel, that is the middle one.
    fmax = 700 * (np.exp(2 * mel(1000) / 1127) - 1)
    assert loudest(tone(1000), n_mels=21, fmax=fmax) == 10


def test_an_octave_higher_is_a_higher_band():
    bands = [loudest(tone(frequency)) for frequency in (220, 440, 880, 1760, 3520, 7040)]
    assert bands == sorted(set(bands))


def test_limits_of_the_bands():
    assert loudest(tone(1000), fmin=900, n_mels=10, fmax=4000) == 0
    assert loudest(tone(3900), fmin=900, n_mels=10, fmax=4000) == 9


def test_energy_grows_with_the_square_of_the_samples(rng):
    recording = noise(rng, 2000)[0]
    quiet, loud = LogMelSpectrogram(normalize=False).transform([recording, 3 * recording])
    assert_allclose(loud - quiet, 2 * np.log(3), rtol=1e-4)


def test_an_offset_is_no_sound(rng):
    recording = noise(rng, 2000)[0]
    plain, offset = LogMelSpectrogram().transform([recording, recording + 100])
    assert_allclose(plain, offset, atol=1e-4)


def test_normalized_features_have_a_mean_of_zero(rng):
    recordings = noise(rng, 2000, 3000)
    for raw, features in zip(
        LogMelSpectrogram(normalize=False).transform(recordings), LogMelSpectrogram().transform(recordings), strict=True
    ):
        assert_allclose(features.mean(axis=0), 0, atol=1e-5)
        assert_allclose(features, raw - raw.mean(axis=0), atol=1e-5)


def test_integers_and_scaled_floats_have_the_same_features(rng):
    samples = rng.integers(-(2**15), 2**15, 3000).astype(np.int16)
    samples[:1000] = 0
    features = LogMelSpectrogram().transform([samples, samples / 2**15, (samples / 2**15).astype(np.float32)])
    assert_array_equal(features[0], features[1])
    assert_array_equal(features[0], features[2])
    assert_allclose(LogMelSpectrogram().transform([samples / 1000])[0], features[0], atol=1e-4)


def test_unsigned_bytes(rng):
    samples = rng.integers(0, 256, 3000).astype(np.uint8)
    bytes_, floats = LogMelSpectrogram().transform([samples, samples / 128 - 1])
    assert_allclose(bytes_, floats, atol=1e-4)


def test_silence_has_finite_features():
    spectrogram = LogMelSpectrogram()
    assert_array_equal(spectrogram.transform([np.zeros(1000)])[0], 0)
    assert np.isfinite(LogMelSpectrogram(normalize=False).transform([np.zeros(1000, np.int16)])[0]).all()
    between = np.concatenate([np.zeros(2000), tone(1000), np.zeros(2000)])
    assert np.ptp(LogMelSpectrogram(normalize=False).transform([between])[0]) == pytest.approx(8 * np.log(10), rel=1e-5)


def test_features_depend_on_no_other_recording(rng):
    recordings = noise(rng, 2000, 500, 3000)
    recordings[0] *= 1000
    together = LogMelSpectrogram().fit_transform(recordings)
    for recording, features in zip(recordings, together, strict=True):
        assert_array_equal(LogMelSpectrogram().transform([recording])[0], features)


@pytest.mark.parametrize("convert", [list, tuple, lambda rows: [row.tolist() for row in rows], pd.Series])
def test_containers(rng, convert):
    recordings = noise(rng, 500, 700)
    for features, expected in zip(
        LogMelSpectrogram().transform(convert(recordings)), LogMelSpectrogram().transform(recordings), strict=True
    ):
        assert_array_equal(features, expected)


@pytest.mark.parametrize("as_table", [np.asarray, pd.DataFrame])
def test_missing_samples_pad_shorter_recordings(rng, as_table):
    recordings = noise(rng, 500, 700)
    expected = LogMelSpectrogram().transform(recordings)
    before = pad_sequences(recordings)
    behind = np.array([np.pad(recordings[0], (0, 200), constant_values=np.nan), recordings[1]])
    for padded in (before, behind):
        for features, of_list in zip(LogMelSpectrogram().transform(as_table(padded)), expected, strict=True):
            assert_array_equal(features, of_list)


def test_recordings_are_left_as_they_are(rng):
    recording = noise(rng, 1000)[0]
    before = recording.copy()
    recording.flags.writeable = False
    LogMelSpectrogram().fit_transform([recording])
    assert_array_equal(recording, before)


RECORDING = np.ones(FRAME)


@pytest.mark.parametrize(
    ("recordings", "error", "message"),
    [
        ([], ValueError, r"0 recording\(s\) while a minimum of 1 is required by LogMelSpectrogram"),
        ([RECORDING, RECORDING[1:]], ValueError, r"X\[1\] has 399 sample\(s\) while a minimum of 400 is required"),
        ([RECORDING, []], ValueError, r"X\[1\] has 0 sample"),
        ([RECORDING, np.full(500, np.nan)], ValueError, r"X\[1\] has 0 sample"),
        ([RECORDING, np.ones((500, 2))], ValueError, r"X\[1\] should be a 1d array .* shape \(500, 2\). Take one chan"),
        (np.ones((2, 500, 2)), ValueError, r"X\[0\] should be a 1d array .* shape \(500, 2\)"),
        (RECORDING, ValueError, r"X\[0\] should be a 1d array .* shape \(\)\. Pass a list of recordings"),
        ([RECORDING, np.append(RECORDING, np.inf)], ValueError, r"X\[1\] contains infinity"),
        ([np.r_[RECORDING, np.nan, RECORDING]], ValueError, r"X\[0\] contains NaN between samples"),
        ("spoken.wav", TypeError, "holds strings. Read files first"),
        ([RECORDING, "spoken.wav"], TypeError, "holds strings. Read files first"),
        ([["a"] * 500], ValueError, "arrays of bytes/strings"),
        ([RECORDING * 1j], ValueError, "Complex data not supported"),
        (scipy.sparse.csr_matrix(np.ones((2, 500))), TypeError, "[Ss]parse"),
        ([pd.date_range("2026", periods=500)], TypeError, "numeric"),
    ],
)
def test_what_is_no_list_of_recordings(recordings, error, message):
    with pytest.raises(error, match=message):
        LogMelSpectrogram().fit_transform(recordings)


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"fmax": 8001}, "fmin < fmax <= 8000 is required, which is half the sampling rate. Got fmin=0.0, fmax=8001"),
        ({"fmin": 4000, "fmax": 4000}, "Got fmin=4000, fmax=4000"),
        ({"fmin": 9000}, "Got fmin=9000, fmax=8000"),
        ({"n_mels": 200}, r"n_mels=200 is too large: \d+ band\(s\) hold no frequency .* every 31.2 Hz"),
        ({"fmin": 1001, "fmax": 1002}, "hold no frequency"),
        ({"frame_length": 25, "sampling_rate": 0.04}, "frame_length=25 is in seconds and must span at least 2 sample"),
        ({"hop_length": 1e-5}, r"hop_length=1e-05 is in seconds .* at least 1 sample\(s\), .* it spans 0"),
        ({"sampling_rate": 0}, "'sampling_rate' parameter"),
        ({"n_mels": 0}, "'n_mels' parameter"),
        ({"normalize": "mean"}, "'normalize' parameter"),
    ],
)
@pytest.mark.parametrize("method", ["fit", "transform"])
def test_wrong_parameters(params, message, method):
    with pytest.raises(ValueError, match=message):
        getattr(LogMelSpectrogram(**params), method)([RECORDING])


def test_it_needs_no_fit(rng):
    recordings = noise(rng, 500, 700)
    spectrogram = LogMelSpectrogram(n_mels=20)
    check_is_fitted(spectrogram)
    expected = spectrogram.transform(recordings)
    for other in (clone(spectrogram), pickle.loads(pickle.dumps(spectrogram)), clone(spectrogram).fit(recordings)):
        assert_array_equal(other.transform(recordings)[1], expected[1])


def test_output_of_a_pipeline_can_be_set(rng):
    recordings = [rng.standard_normal(4000), rng.standard_normal(3000)]
    found = make_pipeline(LogMelSpectrogram()).set_output(transform="pandas").fit_transform(recordings)
    for one, other in zip(found, LogMelSpectrogram().transform(recordings), strict=True):
        assert_array_equal(one, other)


def test_a_pipeline_from_waveforms_to_classes():
    frequencies = np.tile([300, 320, 2000, 2100], 5)
    recordings = [tone(frequency, 1000 + 100 * i) for i, frequency in enumerate(frequencies)]
    model = make_pipeline(
        LogMelSpectrogram(normalize=False),
        FunctionTransformer(lambda sequences: np.array([features.mean(axis=0) for features in sequences])),
        LogisticRegression(),
    )
    model.fit(recordings, frequencies > 1000)
    assert model.score(recordings, frequencies > 1000) == 1
