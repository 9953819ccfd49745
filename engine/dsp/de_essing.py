"""The de-esser's loop: a high shelf that dips for as long as a sibilant is too loud for this voice. Audio thread; never waits.

The band is split by one state-variable filter whose outputs sum to the input exactly, so the sound is untouched while
nothing is taken away, and the shelf that remains has no phase hole at the split. What is too loud is measured against the
voice's own loudness, so that a whisper and a shout are treated alike.

Source: A. Simper, "Linear Trapezoidal State Variable Filter", Cytomic 2013 (high shelf from low, band and high).
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from engine.core.kernel import kernel
from engine.dsp.decibel import kernel_db_to_gain
from engine.dsp.envelope import follow_reduction, soft_knee_reduction_db
from engine.dsp.smoothing import glide, glide_is_over

_DAMPING = 2.0**0.5
_KNEE_DB = 6.0
_SLOPE = 0.75
_DETECTOR_MS = 1.5
_TINY = 1e-25
_QUIETEST_ENERGY = 1e-7

VOICE_ENERGY, HIGH_ENERGY = range(2)


def detector_coefficients(sample_rate: int, voice_s: float = 2.0) -> NDArray[np.float64]:
    """Share that each sample has in the energy of the high band, of a rising voice, and of a falling voice."""
    times_s = np.array([_DETECTOR_MS / 1000.0, 0.05, voice_s])
    coefficients: NDArray[np.float64] = 1.0 - np.exp(-1.0 / (times_s * sample_rate))
    return coefficients


@kernel(
    "float64(float32[:, :], float64[:, ::1], float64[::1], float64[::1], float64[:, ::1], float64[::1], float64[::1], "
    "float64, float64, float64)"
)
def de_ess(
    block: NDArray[np.float32],
    filters: NDArray[np.float64],
    energies: NDArray[np.float64],
    reduction: NDArray[np.float64],
    glides: NDArray[np.float64],
    settings: NDArray[np.float64],
    detector: NDArray[np.float64],
    attack: float,
    release: float,
    coefficient: float,
) -> float:
    """Soften sibilants in `block` (channels, frames) in place; return the largest reduction, in dB (>= 0).

    Parameters
    ----------
    filters : NDArray[np.float64]
        Shape (channels, 2): integrators.
    energies : NDArray[np.float64]
        Shape (2,): of the voice and of its high band, now.
    reduction : NDArray[np.float64]
        Shape (2,), of `follow_reduction`.
    glides : NDArray[np.float64]
        Three gliding values: those of `settings`.
    settings : NDArray[np.float64]
        Warped split frequency, threshold (dB relative to the voice), most reduction (dB).
    detector : NDArray[np.float64]
        From `detector_coefficients`.
    attack, release : float
        From `follow_coefficient`.
    """
    channels, frames = block.shape
    largest_db = 0.0
    is_over = False
    warped, threshold_db, most_db = settings
    for frame in range(frames):
        if not is_over:
            is_over = True
            for row in range(3):
                is_over = glide_is_over(glides, row, settings[row]) and is_over
            if is_over:
                warped, threshold_db, most_db = settings
            else:
                warped = glide(glides, 0, settings[0], coefficient)
                threshold_db = glide(glides, 1, settings[1], coefficient)
                most_db = glide(glides, 2, settings[2], coefficient)
        a1 = 1.0 / (1.0 + warped * (warped + _DAMPING))
        a2 = warped * a1
        a3 = warped * a2

        # The detector sees the loudest channel; the filter's outputs are needed again below, so they are recomputed there.
        whole = 0.0
        highs = 0.0
        for channel in range(channels):
            x = np.float64(block[channel, frame])
            difference = x - filters[channel, 1]
            band = a1 * filters[channel, 0] + a2 * difference
            low = filters[channel, 1] + a2 * filters[channel, 0] + a3 * difference
            high = x - _DAMPING * band - low
            whole = max(whole, x * x)
            highs = max(highs, high * high)
        voice = energies[VOICE_ENERGY]
        voice += (detector[1] if whole > voice else detector[2]) * (whole - voice)
        now = energies[HIGH_ENERGY] + detector[0] * (highs - energies[HIGH_ENERGY])
        energies[VOICE_ENERGY] = voice if voice > _TINY else 0.0
        energies[HIGH_ENERGY] = now if now > _TINY else 0.0
        wanted_db = 0.0
        # Far below any voice the ratio means nothing.
        if now > _QUIETEST_ENERGY:
            relative_db = 10.0 * math.log10(now / max(voice, now))
            wanted_db = min(most_db, soft_knee_reduction_db(relative_db, threshold_db, _SLOPE, _KNEE_DB))
        reduction_db = follow_reduction(reduction, wanted_db, attack, release)
        largest_db = max(largest_db, reduction_db)
        gain = kernel_db_to_gain(-reduction_db) if reduction_db > 0.0 else 1.0
        root = math.sqrt(gain)
        for channel in range(channels):
            x = np.float64(block[channel, frame])
            s1 = filters[channel, 0]
            s2 = filters[channel, 1]
            difference = x - s2
            band = a1 * s1 + a2 * difference
            low = s2 + a2 * s1 + a3 * difference
            s1 = 2.0 * band - s1
            s2 = 2.0 * low - s2
            is_over_with = abs(s1) + abs(s2) < _TINY
            filters[channel, 0] = 0.0 if is_over_with else s1
            filters[channel, 1] = 0.0 if is_over_with else s2
            if reduction_db > 0.0:
                high = x - _DAMPING * band - low
                block[channel, frame] = np.float32(low + root * _DAMPING * band + gain * high)
    return largest_db
