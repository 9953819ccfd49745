"""The compressor's loop: channels share one gain, so the stereo picture stands still. Audio thread; never waits."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from engine.core.kernel import kernel
from engine.dsp.decibel import kernel_db_to_gain, kernel_gain_to_db
from engine.dsp.envelope import follow_reduction, soft_knee_reduction_db
from engine.dsp.smoothing import glide, glide_is_over

_DAMPING = 2.0**0.5
_TINY = 1e-25


@kernel(
    "float64(float32[:, :], float64[::1], float64[:, ::1], float64[:, ::1], float64[::1], float64, float64, float64)"
)
def compress(
    block: NDArray[np.float32],
    state: NDArray[np.float64],
    filters: NDArray[np.float64],
    glides: NDArray[np.float64],
    curve: NDArray[np.float64],
    attack: float,
    release: float,
    coefficient: float,
) -> float:
    """Compress `block` (channels, frames) in place and return the largest reduction within it, in dB (>= 0).

    Parameters
    ----------
    state : NDArray[np.float64]
        Shape (2,), of `follow_reduction`.
    filters : NDArray[np.float64]
        Shape (channels, 2): integrators of the side chain's high-pass, a state-variable filter as in `engine.dsp.svf`.
    glides : NDArray[np.float64]
        Five gliding values: those of `curve`.
    curve : NDArray[np.float64]
        Threshold (dB), slope (1 - 1/ratio), knee (dB), makeup (dB), warped cut-off of the side chain.
    attack, release : float
        From `follow_coefficient`.
    """
    channels, frames = block.shape
    largest_db = 0.0
    threshold_db, slope, knee_db, makeup_db, warped = curve
    is_over = False
    is_computed = False
    knee_starts_at = 0.0
    makeup_gain = 1.0
    last_makeup_db = 0.0
    a1 = a2 = a3 = 0.0
    for frame in range(frames):
        if not is_over:
            is_over = True
            for row in range(5):
                is_over = glide_is_over(glides, row, curve[row]) and is_over
            if is_over:
                threshold_db, slope, knee_db, makeup_db, warped = curve
            else:
                threshold_db = glide(glides, 0, curve[0], coefficient)
                slope = glide(glides, 1, curve[1], coefficient)
                knee_db = glide(glides, 2, curve[2], coefficient)
                makeup_db = glide(glides, 3, curve[3], coefficient)
                warped = glide(glides, 4, curve[4], coefficient)
            is_computed = False
        if not is_computed:
            is_computed = True
            knee_starts_at = kernel_db_to_gain(threshold_db - 0.5 * knee_db)
            if makeup_db != last_makeup_db:
                last_makeup_db = makeup_db
                makeup_gain = kernel_db_to_gain(makeup_db)
            a1 = 1.0 / (1.0 + warped * (warped + _DAMPING))
            a2 = warped * a1
            a3 = warped * a2
        peak = 0.0
        for channel in range(channels):
            x = np.float64(block[channel, frame])
            if warped > 0.0:
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
                x -= _DAMPING * band + low
            peak = max(peak, abs(x))
        wanted_db = 0.0
        if peak > knee_starts_at:
            wanted_db = soft_knee_reduction_db(kernel_gain_to_db(peak), threshold_db, slope, knee_db)
        reduction_db = follow_reduction(state, wanted_db, attack, release)
        gain = makeup_gain
        if reduction_db > 0.0:
            gain *= kernel_db_to_gain(-reduction_db)
            largest_db = max(largest_db, reduction_db)
        for channel in range(channels):
            block[channel, frame] = np.float32(block[channel, frame] * gain)
    return largest_db
