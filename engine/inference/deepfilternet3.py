"""DeepFilterNet3, frame by frame: features in, mask and filter out, at 48 kHz with 30, 20 or 10 ms of delay.

The network sees each frame as 32 band levels and 96 normalised bins; it answers with a gain per band and, for the 96
lowest bins, a complex filter over five frames. Two of the five lie ahead of the frame that is put out, hence the
delay: two hops of look-ahead and one of overlap. What is around the network is done in compiled kernels on buffers
made once.

*Roll-out*: instead of waiting for one or both frames ahead, the waveform is predicted. In one call the network makes its
step on real frames, whose state it keeps, and goes on over the predicted ones, whose state is thrown away. Every hop
predicts anew, and the older of the two overlapping frames is computed again with what is known by then.

Source: Schröter et al., "DeepFilterNet: A Low Complexity Speech Enhancement Framework for Full-Band Audio based on Deep
Filtering", ICASSP 2022 (features, eq. 1-5); "DeepFilterNet: Perceptually Motivated Real-Time Speech Enhancement",
Interspeech 2023 (network).
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from engine.dsp.erb import erb_band_ends
from engine.dsp.fft import FFT_TYPE, FftTables, inverse_real_fft, plan_fft, real_fft
from engine.dsp.kernel import compile_kernels, inline, kernel
from engine.dsp.linear_prediction import LinearPredictor
from engine.dsp.stft import append_hop, vorbis_window
from engine.errors import ModelError
from engine.inference.frame_denoiser import Residual, no_residual
from engine.inference.providers import CPU
from engine.inference.session import StatefulStep, open_model

SAMPLE_RATE = 48_000
HOP_SAMPLES = 480
BANDS = 32
FILTERED_BINS = 96
TAPS = 5
CONTEXT = 3
"""Frames of features that one step of the network looks at."""
LOOK_AHEAD_FRAMES = 2
PREDICTION_ORDER = 128
HISTORY_SAMPLES = 1920
LEAD_OVER_SAMPLES = 48
"""One millisecond: long enough for no click, short enough to hear the better estimate for nearly all of the hop."""
REAL, PREDICTED = 0, 1
FAINT_POWER = 1e-11
"""A predicted band much fainter than this stays as faint as it is."""
MEAN_DECAY = 0.99
SMALLEST_UNIT = 1e-20
"""Keeps the unit norm off zero and off the slow denormal numbers after minutes of digital silence."""


class DeepFilterNet3:
    """Weights of DeepFilterNet3. Implements `FrameDenoiser`.

    Parameters
    ----------
    path : Path
        A streaming graph made by `models.build`.
    predicted_frames : int
        How many of the two frames ahead are predicted instead of waited for; the graph's frames but one.
    provider : str
        What the network runs on.

    Raises
    ------
    ModelError
        If the file is no such graph.
    """

    sample_rate = SAMPLE_RATE
    hop_samples = HOP_SAMPLES
    warm_up_hops = 100

    def __init__(self, path: Path, predicted_frames: int = 0, provider: str = CPU) -> None:
        self.session = open_model(path, provider)
        self._predicted_frames = predicted_frames
        self.delay_samples = (LOOK_AHEAD_FRAMES - predicted_frames + 1) * HOP_SAMPLES
        self._band_ends = erb_band_ends(SAMPLE_RATE, 2 * HOP_SAMPLES, BANDS, min_bins=2)

    def stream(self) -> DeepFilterNet3Stream:
        """A new stream, warmed up: its first hop costs no more than the others. Control thread."""
        stream = DeepFilterNet3Stream(StatefulStep(self.session), self._band_ends, self._predicted_frames)
        hop = np.zeros(HOP_SAMPLES, np.float32)
        for _ in range(2):
            stream.process(hop, hop, no_residual)
        stream.reset()
        return stream


class DeepFilterNet3Stream:
    """State of one source. Implements `DenoiserStream`."""

    def __init__(self, step: StatefulStep, band_ends: NDArray[np.int64], predicted_frames: int) -> None:
        frames = 1 + predicted_frames
        try:
            self._band_levels = step.inputs["feat_erb"].reshape(CONTEXT - 1 + frames, BANDS)
            self._unit_bins = step.inputs["feat_spec"].reshape(2, CONTEXT - 1 + frames, FILTERED_BINS)
            self._masks = step.outputs["mask"].reshape(frames, BANDS)
            self._filters = step.outputs["coefs"].reshape(frames, FILTERED_BINS, TAPS, 2)
            self._local_snr = step.outputs["lsnr"].reshape(frames)
        except (KeyError, ValueError) as error:
            raise ModelError(
                f"this is no streaming DeepFilterNet3 ({error}); run ./sidetone models build to replace it"
            ) from error
        compile_kernels(_take_in, _hear, _answer)
        self._step = step
        self._band_ends = band_ends
        self._predicted_frames = predicted_frames
        self._window = vorbis_window(2 * HOP_SAMPLES)
        self._plan = plan_fft(2 * HOP_SAMPLES)
        self._frame = np.zeros(2 * HOP_SAMPLES, np.float32)
        self._tail = np.zeros(HOP_SAMPLES, np.float32)
        phase = (np.arange(LEAD_OVER_SAMPLES) + 0.5) / LEAD_OVER_SAMPLES
        self._lead_over = (0.5 - 0.5 * np.cos(np.pi * phase)).astype(np.float32)
        self._predictor = LinearPredictor(PREDICTION_ORDER, HISTORY_SAMPLES, predicted_frames * HOP_SAMPLES)
        self._line = np.zeros(HISTORY_SAMPLES + predicted_frames * HOP_SAMPLES, np.float32)
        self._spectra = np.zeros((TAPS + predicted_frames, HOP_SAMPLES + 1), np.complex64)
        self._enhanced = np.zeros(HOP_SAMPLES + 1, np.complex64)
        # Running means after the real frames, and as they go on over predicted ones.
        self._mean_levels_db = np.zeros((2, BANDS), np.float32)
        self._mean_magnitudes = np.zeros((2, FILTERED_BINS), np.float32)
        self._band_powers = np.zeros(BANDS, np.float32)
        self._powers = np.zeros(2)
        self.reset()

    @property
    def noisy_power(self) -> float:
        """Power of the frame last put out, as it came in."""
        return float(self._powers[0])

    @property
    def clean_power(self) -> float:
        """Power of the frame last put out, as it went out."""
        return float(self._powers[1])

    @property
    def speech_snr_db(self) -> float:
        """The network's own estimate of the local signal-to-noise ratio, -15 to 35 dB."""
        return float(self._local_snr[0])

    def process(self, hop_in: NDArray[np.float32], hop_out: NDArray[np.float32], residual: Residual) -> None:
        """Denoise one hop, `DeepFilterNet3.delay_samples` late. Audio thread; see `DenoiserStream.process`."""
        _take_in(hop_in, self._line[:HISTORY_SAMPLES])
        if self._predicted_frames:
            self._predictor.extend(self._line)
        _hear(
            self._line,
            self._window,
            self._frame,
            self._plan,
            self._spectra,
            self._band_ends,
            self._band_powers,
            self._mean_levels_db,
            self._mean_magnitudes,
            self._band_levels,
            self._unit_bins,
        )
        self._step.run()
        _answer(
            self._spectra,
            self._band_ends,
            self._masks,
            self._filters,
            residual(),
            self._enhanced,
            self._powers,
            self._plan,
            self._frame,
            self._window,
            self._lead_over,
            self._tail,
            hop_out,
        )

    def reset(self) -> None:
        """Forget the past; as good as new. Audio thread."""
        self._tail.fill(0.0)
        self._step.reset()
        self._line.fill(0.0)
        self._spectra.fill(0.0)
        self._band_powers.fill(0.0)
        self._powers.fill(0.0)
        self._local_snr.fill(0.0)
        # Where the running means start in training; from elsewhere the first seconds would be misjudged.
        self._mean_levels_db[:] = np.linspace(-60.0, -90.0, BANDS)
        self._mean_magnitudes[:] = np.linspace(1e-3, 1e-4, FILTERED_BINS)

    def copy_from(self, other: DeepFilterNet3Stream) -> None:
        """Become a copy of another stream. Audio thread."""
        self.take_over(other)
        self._tail[:] = other._tail

    def take_over(self, other: object) -> bool:
        """Go on from the past of another stream, which may wait for more or fewer frames. Audio thread."""
        if not isinstance(other, DeepFilterNet3Stream):
            return False
        self._step.copy_state_from(other._step)
        self._line[:HISTORY_SAMPLES] = other._line[:HISTORY_SAMPLES]
        self._spectra[:TAPS] = other._spectra[:TAPS]
        self._band_levels[:CONTEXT] = other._band_levels[:CONTEXT]
        self._unit_bins[:, :CONTEXT] = other._unit_bins[:, :CONTEXT]
        self._mean_levels_db[:] = other._mean_levels_db
        self._mean_magnitudes[:] = other._mean_magnitudes
        self._powers[:] = other._powers
        self._local_snr[0] = other._local_snr[0]
        return True


@kernel("void(float32[::1], float32[::1])")
def _take_in(hop: NDArray[np.float32], history: NDArray[np.float32]) -> None:
    append_hop(hop, history)


@kernel(
    f"void(float32[::1], float32[::1], float32[::1], {FFT_TYPE}, complex64[:, ::1], int64[::1], float32[::1], "
    "float32[:, ::1], float32[:, ::1], float32[:, ::1], float32[:, :, ::1])"
)
def _hear(
    line: NDArray[np.float32],
    window: NDArray[np.float32],
    frame: NDArray[np.float32],
    plan: FftTables,
    spectra: NDArray[np.complex64],
    band_ends: NDArray[np.int64],
    band_powers: NDArray[np.float32],
    mean_levels_db: NDArray[np.float32],
    mean_magnitudes: NDArray[np.float32],
    band_levels: NDArray[np.float32],
    unit_bins: NDArray[np.float32],
) -> None:
    """Move what is real in every history on by a frame, and write spectra and features of the new and the predicted ones."""
    for tap in range(TAPS - 1):
        spectra[tap] = spectra[tap + 1]
    for past in range(CONTEXT - 1):
        band_levels[past] = band_levels[past + 1]
        unit_bins[:, past] = unit_bins[:, past + 1]
    frames = band_levels.shape[0] - CONTEXT + 1
    for new in range(frames):
        start = line.size - (frames + 1 - new) * HOP_SAMPLES
        for i in range(window.size):
            frame[i] = line[start + i] * window[i]
        spectrum = spectra[TAPS - 1 + new]
        real_fft(plan, frame, 1.0 / frame.size, spectrum)
        means = min(new, PREDICTED)
        if new == 1:
            mean_levels_db[PREDICTED] = mean_levels_db[REAL]
            mean_magnitudes[PREDICTED] = mean_magnitudes[REAL]
        _features(
            spectrum,
            band_ends,
            band_powers,
            new > 0,
            mean_levels_db[means],
            mean_magnitudes[means],
            band_levels[CONTEXT - 1 + new],
            unit_bins[:, CONTEXT - 1 + new],
        )


@inline
def _features(
    spectrum: NDArray[np.complex64],
    band_ends: NDArray[np.int64],
    band_powers: NDArray[np.float32],
    is_predicted: bool,
    mean_levels_db: NDArray[np.float32],
    mean_magnitudes: NDArray[np.float32],
    band_levels: NDArray[np.float32],
    unit_bins: NDArray[np.float32],
) -> None:
    """Write the features of a frame and move the running means on (ICASSP 2022, section 2.3).

    A prediction is a mean of what may come, and the power of a mean is less than the mean power: noise fades in it. So a
    predicted frame counts about as loud, band by band, as the last real one, whose `band_powers` are kept for that, unless
    next to nothing of the band was predicted.
    """
    decay = np.float32(MEAN_DECAY)
    growth = np.float32(1.0) - decay
    start = 0
    for band in range(band_ends.size):
        power = np.float32(0.0)
        for index in range(start, band_ends[band]):
            power += spectrum[index].real ** 2 + spectrum[index].imag ** 2
        mean_power = power / np.float32(band_ends[band] - start)
        if is_predicted:
            faint = np.float32(FAINT_POWER)
            mean_power *= max((band_powers[band] + faint) / (mean_power + faint), np.float32(1.0))
        else:
            band_powers[band] = mean_power
        level_db = np.float32(10.0) * np.log10(mean_power + np.float32(1e-10))
        mean_levels_db[band] = level_db * growth + mean_levels_db[band] * decay
        band_levels[band] = (level_db - mean_levels_db[band]) / np.float32(40.0)
        start = band_ends[band]

    for index in range(mean_magnitudes.size):
        magnitude = np.sqrt(spectrum[index].real ** 2 + spectrum[index].imag ** 2)
        mean = magnitude * growth + mean_magnitudes[index] * decay
        mean_magnitudes[index] = max(mean, np.float32(SMALLEST_UNIT))
        scale = np.float32(1.0) / np.sqrt(mean_magnitudes[index])
        unit_bins[0, index] = spectrum[index].real * scale
        unit_bins[1, index] = spectrum[index].imag * scale


@kernel(
    "void(complex64[:, ::1], int64[::1], float32[:, ::1], float32[:, :, :, ::1], float64, complex64[::1], float64[::1], "
    f"{FFT_TYPE}, float32[::1], float32[::1], float32[::1], float32[::1], float32[::1])"
)
def _answer(
    spectra: NDArray[np.complex64],
    band_ends: NDArray[np.int64],
    masks: NDArray[np.float32],
    filters: NDArray[np.float32],
    residual_gain: float,
    enhanced: NDArray[np.complex64],
    powers: NDArray[np.float64],
    plan: FftTables,
    frame: NDArray[np.float32],
    window: NDArray[np.float32],
    lead_over: NDArray[np.float32],
    tail: NDArray[np.float32],
    hop: NDArray[np.float32],
) -> None:
    """Write the samples that are complete with the newest frame that mask and filter allow; `tail` waits for the next."""
    size = tail.size
    newest = masks.shape[0] - 1
    if newest > 0:
        # What is known now of the older of the two overlapping frames replaces what was guessed a hop ago.
        older = newest - 1
        _enhance(
            spectra[older : older + TAPS], band_ends, masks[older], filters[older], residual_gain, enhanced, powers
        )
        inverse_real_fft(plan, enhanced, 1.0, frame)
        for i in range(size):
            better = frame[size + i] * window[size + i]
            if i < lead_over.size:
                better = tail[i] + lead_over[i] * (better - tail[i])
            tail[i] = better
    _enhance(
        spectra[newest : newest + TAPS], band_ends, masks[newest], filters[newest], residual_gain, enhanced, powers
    )
    inverse_real_fft(plan, enhanced, 1.0, frame)
    for i in range(size):
        hop[i] = frame[i] * window[i] + tail[i]
        tail[i] = frame[size + i] * window[size + i]


@inline
def _enhance(
    spectra: NDArray[np.complex64],
    band_ends: NDArray[np.int64],
    mask: NDArray[np.float32],
    coefficients: NDArray[np.float32],
    residual_gain: float,
    enhanced: NDArray[np.complex64],
    powers: NDArray[np.float64],
) -> None:
    """Write the enhanced frame, deep filtering below and the band mask above, and both frames' power (ICASSP 2022, eq. 4-5)."""
    bins = coefficients.shape[0]
    taps = coefficients.shape[1]
    noisy = spectra[taps - 1 - LOOK_AHEAD_FRAMES]
    for index in range(bins):
        real = np.float32(0.0)
        imaginary = np.float32(0.0)
        for tap in range(taps):
            x = spectra[tap, index]
            a = coefficients[index, tap, 0]
            b = coefficients[index, tap, 1]
            real += x.real * a - x.imag * b
            imaginary += x.real * b + x.imag * a
        enhanced[index] = complex(real, imaginary)
    start = 0
    for band in range(band_ends.size):
        for index in range(max(start, bins), band_ends[band]):
            enhanced[index] = noisy[index] * mask[band]
        start = band_ends[band]

    residual = np.float32(residual_gain)
    clean = np.float32(1.0) - residual
    noisy_power = 0.0
    clean_power = 0.0
    for index in range(enhanced.size):
        enhanced[index] = enhanced[index] * clean + noisy[index] * residual
        noisy_power += noisy[index].real ** 2 + noisy[index].imag ** 2
        clean_power += enhanced[index].real ** 2 + enhanced[index].imag ** 2
    powers[0] = noisy_power
    powers[1] = clean_power
