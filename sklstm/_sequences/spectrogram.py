"""Recordings of sound as sequences of log mel energies, one step for each frame."""

from numbers import Integral, Real

import numpy as np
import scipy.fft
from scipy.signal import get_window
from sklearn.base import TransformerMixin

from .._compat import Interval, fit_context
from .._state import VersionedEstimator, as_one_task
from .._validation import check_numeric

DYNAMIC_RANGE = 1e-8  # 80 dB: energies further below the largest one of a recording are raised to that floor
SMALLEST = np.finfo(np.float32).tiny  # the energy of silence in a recording of nothing else


class LogMelSpectrogram(TransformerMixin, VersionedEstimator):
    """Turn recordings of sound into sequences of log mel energies, the features of speech recognition.

    A recording is cut into overlapping frames. The power spectrum of each frame is summed in bands of equal width on
    the mel scale [1]_, which resolves low frequencies more finely, as human hearing does. The features are the natural
    logarithms of these sums.

    Parameters
    ----------
    sampling_rate : float, default=16000
        Sampling rate of all recordings, in Hz.

    n_mels : int, default=40
        Number of mel bands: the features of a frame.

    frame_length : float, default=0.025
        Length of a frame in seconds.

    hop_length : float, default=0.01
        Time from the start of a frame to the start of the next one, in seconds.

    fmin : float, default=0.0
        Lowest frequency of the bands, in Hz.

    fmax : float, default=None
        Highest frequency of the bands, in Hz. If None, half the sampling rate.

    normalize : bool, default=True
        Whether to subtract the mean of each band over the recording (cepstral mean normalisation [2]_). This reduces
        the effects of loudness, microphone and transmission channel.

    n_stacked : int, default=1
        Number of adjacent frames stacked into one step of the sequence. With 3, sequences have a third of the steps and
        three times as many features, and a recurrent network trains in about a third of the time [3]_.

    See Also
    --------
    pad_sequences : Pads sequences of different lengths to one array.
    LSTMClassifier : Classifies sequences.

    Notes
    -----
    The transformer is stateless: `fit` only checks the parameters.

    A recording of ``n`` samples has ``1 + (n - frame) // hop`` frames, where ``frame`` and ``hop`` are the lengths in
    samples, rounded. Samples after the last complete frame are dropped, and so are frames after the last complete step.

    The mean of each frame is subtracted. The frame is then multiplied by a Hann window and padded with zeros to a power
    of two. Bands are triangular on the mel scale ``2595 * log10(1 + f / 700)``. Each one reaches from the centre of the
    band below to the centre of the band above.

    Energies more than 80 dB below the largest energy of the recording are raised to that level, so silence has finite
    features. Each recording is transformed independently of the others. With ``normalize=True``, the features do not
    depend on the scale of the samples, so samples of type int16 need no scaling.

    References
    ----------
    .. [1] D. O'Shaughnessy, "Speech Communication: Human and Machine", Addison-Wesley, 1987.
    .. [2] B. S. Atal, "Effectiveness of linear prediction characteristics of the speech wave for automatic speaker
       identification and verification", Journal of the Acoustical Society of America 55, 1974.
    .. [3] H. Sak, A. Senior, K. Rao and F. Beaufays, "Fast and accurate recurrent neural network acoustic models for
       speech recognition", Interspeech, 2015.

    Examples
    --------
    >>> import numpy as np
    >>> from sklstm import LogMelSpectrogram
    >>> time = np.arange(16000) / 16000
    >>> low, high = np.sin(2 * np.pi * 300 * time), np.sin(2 * np.pi * 3000 * time[:8000])
    >>> features = LogMelSpectrogram(normalize=False).fit_transform([low, high])
    >>> [sequence.shape for sequence in features]
    [(98, 40), (48, 40)]
    >>> [int(sequence.mean(axis=0).argmax()) for sequence in features]
    [5, 26]
    """

    _parameter_constraints: dict = {
        "sampling_rate": [Interval(Real, 0, None, closed="neither")],
        "n_mels": [Interval(Integral, 1, None, closed="left")],
        "frame_length": [Interval(Real, 0, None, closed="neither")],
        "hop_length": [Interval(Real, 0, None, closed="neither")],
        "fmin": [Interval(Real, 0, None, closed="left")],
        "fmax": [Interval(Real, 0, None, closed="neither"), None],
        "normalize": ["boolean"],
        "n_stacked": [Interval(Integral, 1, None, closed="left")],
    }

    def __init__(
        self,
        sampling_rate=16000,
        *,
        n_mels=40,
        frame_length=0.025,
        hop_length=0.01,
        fmin=0.0,
        fmax=None,
        normalize=True,
        n_stacked=1,
    ):
        self.sampling_rate = sampling_rate
        self.n_mels = n_mels
        self.frame_length = frame_length
        self.hop_length = hop_length
        self.fmin = fmin
        self.fmax = fmax
        self.normalize = normalize
        self.n_stacked = n_stacked

    @fit_context(prefer_skip_nested_validation=True)
    @as_one_task
    def fit(self, X, y=None):
        """Check the parameters.

        Parameters
        ----------
        X : list of array-likes of shape (n_samples_i,)
            Ignored.

        y : None
            Ignored.

        Returns
        -------
        self : LogMelSpectrogram
            The transformer.

        Raises
        ------
        ValueError
            If `fmin` is not below `fmax`, if the bands reach above half the sampling rate or contain no frequency of
            the Fourier transform, or if a frame has fewer than two samples or a hop fewer than one.
        """
        self._mel_filters(self._frame_and_hop()[0])
        return self

    def transform(self, X):
        """Return the features of each recording.

        Parameters
        ----------
        X : list of array-likes of shape (n_samples_i,)
            The recordings, as floats or integers such as int16. Or an array of shape (n_recordings, n_samples), in
            which NaN pads shorter recordings at the start or end.

        Returns
        -------
        features : list of ndarrays of shape (n_frames_i // n_stacked, n_stacked * n_mels), float32
            Log mel energies, lowest band first. The frames of a step are concatenated.

        Raises
        ------
        TypeError
            If recordings are strings, such as file paths.
        ValueError
            If there is no recording, or if one of them is not 1-D, contains other values than numbers, infinity or NaN
            between samples, or is shorter than the frames of a step. Also as in `fit`.
        """
        self._validate_params()
        frame, hop = self._frame_and_hop()
        filters = self._mel_filters(frame)
        recordings = self._check_recordings(X, frame + (self.n_stacked - 1) * hop)
        return [self._stacked(self._log_mel(recording, filters, frame, hop)) for recording in recordings]

    def set_output(self, *, transform=None):
        """Do nothing, since sequences of different lengths do not form a table.

        Parameters
        ----------
        transform : {"default", "pandas", "polars"}, default=None
            The container that a pipeline sets for all its steps. Ignored.

        Returns
        -------
        self : LogMelSpectrogram
            The transformer.
        """
        return self

    def _frame_and_hop(self) -> tuple[int, int]:
        """Return the length of frames and the time between them, in samples."""
        frame, hop = (round(seconds * self.sampling_rate) for seconds in (self.frame_length, self.hop_length))
        for name, n_samples, least in (("frame_length", frame, 2), ("hop_length", hop, 1)):
            if n_samples < least:
                raise ValueError(
                    f"{name}={getattr(self, name)} is in seconds and must span at least {least} sample(s), but at "
                    f"sampling_rate={self.sampling_rate} it spans {n_samples}."
                )
        return frame, hop

    def _mel_filters(self, frame: int) -> np.ndarray:
        """Return the weight of each frequency of the Fourier transform in each band."""
        highest = self.sampling_rate / 2
        fmax = highest if self.fmax is None else self.fmax
        if not self.fmin < fmax <= highest:
            raise ValueError(
                f"fmin < fmax <= {highest:g} is required, which is half the sampling rate. Got fmin={self.fmin}, "
                f"fmax={fmax:g}."
            )
        frequencies = np.linspace(0, highest, _fft_length(frame) // 2 + 1)
        edges, width = np.linspace(_mel(self.fmin), _mel(fmax), self.n_mels + 2, retstep=True)
        distances = np.abs(_mel(frequencies)[:, np.newaxis] - edges[1:-1])
        filters = np.maximum(0, 1 - distances / width)
        n_empty = self.n_mels - filters.any(axis=0).sum()
        if n_empty:
            raise ValueError(
                f"n_mels={self.n_mels} is too large: {n_empty} band(s) hold no frequency of the Fourier transform of a "
                f"frame, which has one every {frequencies[1]:.1f} Hz. Set a smaller n_mels or a larger frame_length."
            )
        return filters

    def _check_recordings(self, X, shortest: int) -> list[np.ndarray]:
        """Return the samples of each recording, none of which is missing."""
        recordings = list(np.asarray(X) if hasattr(X, "columns") else X)
        if isinstance(X, str) or any(isinstance(recording, str) for recording in recordings):
            raise TypeError(
                "X must be a list of recordings, each a 1d array of samples, but holds strings. Read files first, as "
                "with scipy.io.wavfile.read."
            )
        if not recordings:
            raise ValueError(f"Found 0 recording(s) while a minimum of 1 is required by {type(self).__name__}.")
        return [self._check_recording(recording, f"X[{i}]", shortest) for i, recording in enumerate(recordings)]

    def _check_recording(self, recording, name: str, shortest: int) -> np.ndarray:
        samples = check_numeric(
            recording,
            name=name,
            estimator=self,
            dims_to_keep_dtype=1,
            ensure_2d=False,
            allow_nd=True,
            ensure_min_samples=0,
        )
        if samples.ndim != 1:
            cure = "Pass a list of recordings." if samples.ndim == 0 else "Take one channel, or the mean of all."
            raise ValueError(f"{name} should be a 1d array of samples, got an array of shape {samples.shape}. {cure}")
        known = np.flatnonzero(~np.isnan(samples))
        samples = samples[known[0] : known[-1] + 1] if known.size else samples[:0]
        if len(samples) > known.size:
            raise ValueError(f"Input {name} contains NaN between samples. Missing samples may only pad a recording.")
        if len(samples) < shortest:
            frames = "a frame" if self.n_stacked == 1 else f"{self.n_stacked} frames, each"
            raise ValueError(
                f"{name} has {len(samples)} sample(s) while a minimum of {shortest} is required, which is {frames} of "
                f"{self.frame_length} s at sampling_rate={self.sampling_rate}. Drop it or pad it with zeros."
            )
        return samples

    def _log_mel(self, samples: np.ndarray, filters: np.ndarray, frame: int, hop: int) -> np.ndarray:
        """Return the features of one recording."""
        frames = np.lib.stride_tricks.sliding_window_view(samples.astype(np.float64), frame)[::hop]
        centred = frames - frames.mean(axis=1, keepdims=True)  # an offset would leak into the lowest band
        spectra = scipy.fft.rfft(centred * get_window("hann", frame), _fft_length(frame))
        energies = np.abs(spectra) ** 2 @ filters
        features = np.log(np.maximum(energies, max(energies.max() * DYNAMIC_RANGE, SMALLEST)))
        if self.normalize:
            features -= features.mean(axis=0)
        return features.astype(np.float32)

    def _stacked(self, features: np.ndarray) -> np.ndarray:
        """Return steps of several frames."""
        n_steps = len(features) // self.n_stacked
        return features[: n_steps * self.n_stacked].reshape(n_steps, -1)

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.requires_fit = False
        tags.input_tags.one_d_array = True
        tags.input_tags.two_d_array = False  # a row is a recording of thousands of samples
        tags.input_tags.allow_nan = True
        tags.transformer_tags.preserves_dtype = []
        return tags


def _mel(frequencies):
    """Return frequencies in Hz on the mel scale."""
    return 2595 * np.log10(1 + np.asarray(frequencies) / 700)


def _fft_length(frame: int) -> int:
    """Return the smallest power of two that is no less than the length of a frame."""
    return 1 << (frame - 1).bit_length()
