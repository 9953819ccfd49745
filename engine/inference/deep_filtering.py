"""What is around DeepFilterNet3: from samples to what the network sees, and from what it answers to samples.

It sees each frame as 32 band levels and 96 normalised bins; it answers with a gain per band and, for the 96 lowest bins, a
complex filter over five frames. All of it in compiled kernels on buffers made once (`engine/inference/deepfilternet3.py`).

Source: Schröter et al., "DeepFilterNet: A Low Complexity Speech Enhancement Framework for Full-Band Audio based on Deep
Filtering", ICASSP 2022 (features, eq. 1-5).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from engine.core.kernel import inline, kernel
from engine.dsp.fft import FFT_TYPE, FftTables, inverse_real_fft, real_fft
from engine.dsp.stft import append_hop

HOP_SAMPLES = 480
BANDS = 32
FILTERED_BINS = 96
TAPS = 5
CONTEXT = 3
"""Frames of features that one step of the network looks at."""
LOOK_AHEAD_FRAMES = 2
REAL, PREDICTED = 0, 1
"""Rows of the running means: after the real frames, and as they go on over predicted ones."""
FAINT_POWER = 1e-11
"""A predicted band much fainter than this stays as faint as it is."""
MEAN_DECAY = 0.99
SMALLEST_UNIT = 1e-20
"""Keeps the unit norm off zero and off the slow denormal numbers after minutes of digital silence."""


@kernel("void(float32[::1], float32[::1])")
def take_in(hop: NDArray[np.float32], history: NDArray[np.float32]) -> None:
    """Move the samples that were heard on by a hop. Audio thread."""
    append_hop(hop, history)


@kernel(
    f"void(float32[::1], float32[::1], float32[::1], {FFT_TYPE}, complex64[:, ::1], int64[::1], float32[::1], "
    "float32[:, ::1], float32[:, ::1], float32[:, ::1], float32[:, :, ::1])"
)
def hear(
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
    """Move what is real in every history on by a frame, and write spectra and features of the new and the predicted ones.

    Audio thread.
    """
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
def answer(
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
    """Write the samples that are complete with the newest frame that mask and filter allow; `tail` waits for the next.

    Audio thread.
    """
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
