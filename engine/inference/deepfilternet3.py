"""DeepFilterNet3, frame by frame: features in, mask and filter out, at 48 kHz with 30 ms of delay.

The network sees each frame as 32 band levels and 96 normalised bins; it answers with a gain per band and, for the 96
lowest bins, a complex filter over five frames. Two of the five lie ahead of the frame that is put out, hence the
delay: two hops of look-ahead and one of overlap. What is around the network is done in compiled kernels on buffers
made once.

Source: Schröter et al., "DeepFilterNet: A Low Complexity Speech Enhancement Framework for Full-Band Audio based on Deep
Filtering", ICASSP 2022 (features, eq. 1-5); "DeepFilterNet: Perceptually Motivated Real-Time Speech Enhancement",
Interspeech 2023 (network).
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from engine.dsp.erb import erb_band_ends
from engine.dsp.kernel import compile_kernels, kernel
from engine.dsp.stft import Analysis, Synthesis
from engine.errors import ModelError
from engine.inference.session import StatefulStep, open_session

SAMPLE_RATE = 48_000
HOP_SAMPLES = 480
BANDS = 32
FILTERED_BINS = 96
TAPS = 5
LOOK_AHEAD_FRAMES = 2
MEAN_DECAY = 0.99
SMALLEST_UNIT = 1e-20
"""Keeps the unit norm off zero and off the slow denormal numbers after minutes of digital silence."""


class DeepFilterNet3:
    """Weights of DeepFilterNet3. Implements `FrameDenoiser`.

    Parameters
    ----------
    path : Path
        The streaming graph made by `models.build`.

    Raises
    ------
    ModelError
        If the file is no such graph.
    """

    sample_rate = SAMPLE_RATE
    hop_samples = HOP_SAMPLES
    delay_samples = (LOOK_AHEAD_FRAMES + 1) * HOP_SAMPLES

    def __init__(self, path: Path) -> None:
        self._session = open_session(path)
        self._band_ends = erb_band_ends(SAMPLE_RATE, 2 * HOP_SAMPLES, BANDS, min_bins=2)

    def stream(self) -> DeepFilterNet3Stream:
        """A new stream, warmed up: its first hop costs no more than the others. Control thread."""
        stream = DeepFilterNet3Stream(StatefulStep(self._session), self._band_ends)
        hop = np.zeros(HOP_SAMPLES, np.float32)
        for _ in range(2):
            stream.process(hop, hop, 0.0)
        stream.reset()
        return stream


class DeepFilterNet3Stream:
    """State of one source. Implements `DenoiserStream`."""

    def __init__(self, step: StatefulStep, band_ends: NDArray[np.int64]) -> None:
        try:
            self._band_levels = step.inputs["feat_erb"].reshape(-1, BANDS)
            self._unit_bins = step.inputs["feat_spec"].reshape(2, -1, FILTERED_BINS)
            self._mask = step.outputs["mask"].reshape(BANDS)
            self._filter = step.outputs["coefs"].reshape(FILTERED_BINS, TAPS, 2)
            self._local_snr = step.outputs["lsnr"].reshape(1)
        except (KeyError, ValueError) as error:
            raise ModelError(
                f"this is no streaming DeepFilterNet3 ({error}); run ./sidetone models build to replace it"
            ) from error
        compile_kernels(_push_frame, _enhance)
        self._step = step
        self._band_ends = band_ends
        self._analysis = Analysis(HOP_SAMPLES)
        self._synthesis = Synthesis(HOP_SAMPLES)
        self._spectrum = np.zeros(HOP_SAMPLES + 1, np.complex64)
        self._spectra = np.zeros((TAPS, HOP_SAMPLES + 1), np.complex64)
        self._mean_levels_db = np.zeros(BANDS, np.float32)
        self._mean_magnitudes = np.zeros(FILTERED_BINS, np.float32)
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

    def process(self, hop_in: NDArray[np.float32], hop_out: NDArray[np.float32], residual_gain: float) -> None:
        """Denoise one hop, `DeepFilterNet3.delay_samples` late. Audio thread; see `DenoiserStream.process`."""
        self._analysis.process(hop_in, self._spectrum)
        _push_frame(
            self._spectrum,
            self._spectra,
            self._band_ends,
            self._mean_levels_db,
            self._mean_magnitudes,
            self._band_levels,
            self._unit_bins,
        )
        self._step.run()
        _enhance(self._spectra, self._band_ends, self._mask, self._filter, residual_gain, self._spectrum, self._powers)
        self._synthesis.process(self._spectrum, hop_out)

    def reset(self) -> None:
        """Forget the past; as good as new. Audio thread."""
        self._analysis.reset()
        self._synthesis.reset()
        self._step.reset()
        self._spectra.fill(0.0)
        self._powers.fill(0.0)
        self._local_snr.fill(0.0)
        # Where the running means start in training; from elsewhere the first seconds would be misjudged.
        self._mean_levels_db[:] = np.linspace(-60.0, -90.0, BANDS)
        self._mean_magnitudes[:] = np.linspace(1e-3, 1e-4, FILTERED_BINS)

    def copy_from(self, other: DeepFilterNet3Stream) -> None:
        """Become a copy of another stream. Audio thread."""
        self._analysis.copy_from(other._analysis)
        self._synthesis.copy_from(other._synthesis)
        self._step.copy_from(other._step)
        self._spectra[:] = other._spectra
        self._powers[:] = other._powers
        self._local_snr[:] = other._local_snr
        self._mean_levels_db[:] = other._mean_levels_db
        self._mean_magnitudes[:] = other._mean_magnitudes


@kernel(
    "void(complex64[::1], complex64[:, ::1], int64[::1], float32[::1], float32[::1], float32[:, ::1], float32[:, :, ::1])"
)
def _push_frame(
    spectrum: NDArray[np.complex64],
    spectra: NDArray[np.complex64],
    band_ends: NDArray[np.int64],
    mean_levels_db: NDArray[np.float32],
    mean_magnitudes: NDArray[np.float32],
    band_levels: NDArray[np.float32],
    unit_bins: NDArray[np.float32],
) -> None:
    """Move every history on by a frame, and add the new frame's spectrum and features (ICASSP 2022, section 2.3)."""
    decay = np.float32(MEAN_DECAY)
    growth = np.float32(1.0) - decay
    spectra[:-1] = spectra[1:]
    spectra[-1] = spectrum
    band_levels[:-1] = band_levels[1:]
    unit_bins[:, :-1] = unit_bins[:, 1:]

    start = 0
    for band in range(band_ends.size):
        power = np.float32(0.0)
        for index in range(start, band_ends[band]):
            power += spectrum[index].real ** 2 + spectrum[index].imag ** 2
        mean_power = power / np.float32(band_ends[band] - start)
        level_db = np.float32(10.0) * np.log10(mean_power + np.float32(1e-10))
        mean_levels_db[band] = level_db * growth + mean_levels_db[band] * decay
        band_levels[-1, band] = (level_db - mean_levels_db[band]) / np.float32(40.0)
        start = band_ends[band]

    for index in range(mean_magnitudes.size):
        magnitude = np.sqrt(spectrum[index].real ** 2 + spectrum[index].imag ** 2)
        mean = magnitude * growth + mean_magnitudes[index] * decay
        mean_magnitudes[index] = max(mean, np.float32(SMALLEST_UNIT))
        scale = np.float32(1.0) / np.sqrt(mean_magnitudes[index])
        unit_bins[0, -1, index] = spectrum[index].real * scale
        unit_bins[1, -1, index] = spectrum[index].imag * scale


@kernel("void(complex64[:, ::1], int64[::1], float32[::1], float32[:, :, ::1], float64, complex64[::1], float64[::1])")
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
