"""Butterworth high-pass of second or fourth order, as state-variable filters that may be swept.

The trapezoidal ("topology preserving") form keeps its state meaningful while the cut-off moves, so a sweep per sample
neither clicks nor rings. Audio thread; never waits.

Source: A. Simper, "Linear Trapezoidal State Variable Filter", Cytomic 2013; V. Zavalishin, "The Art of VA Filter Design",
2018, ch. 3 and 4.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from engine.core.kernel import kernel
from engine.dsp.smoothing import glide, glide_is_over

# Dampings 1/Q of the Butterworth sections: one of second order, or the two of fourth order (2 cos of the pole angles).
_DAMPING_SINGLE = 2.0 * math.cos(math.pi / 4)
_DAMPING_FIRST = 2.0 * math.cos(math.pi / 8)
_DAMPING_SECOND = 2.0 * math.cos(3 * math.pi / 8)

_TINY = 1e-25


@kernel("void(float32[:, :], float64[:, ::1], float64[:, ::1], float64, float64, float64)")
def high_pass(
    block: NDArray[np.float32],
    state: NDArray[np.float64],
    glides: NDArray[np.float64],
    warped: float,
    steepness: float,
    coefficient: float,
) -> None:
    """Filter `block` (channels, frames) in place.

    Parameters
    ----------
    state : NDArray[np.float64]
        Shape (channels, 4): the two integrators of each of two sections.
    glides : NDArray[np.float64]
        Two gliding values: `warped` and `steepness`.
    warped : float
        Cut-off from `warped_frequency`.
    steepness : float
        0 for 12 dB per octave, 1 for 24; the second section is faded in between.
    """
    channels, frames = block.shape
    is_over = glide_is_over(glides, 0, warped) and glide_is_over(glides, 1, steepness)
    is_computed = False
    g = k = share = a1 = a2 = a3 = b1 = b2 = b3 = 0.0
    for frame in range(frames):
        if not is_over:
            g = glide(glides, 0, warped, coefficient)
            share = glide(glides, 1, steepness, coefficient)
            is_over = glide_is_over(glides, 0, warped) and glide_is_over(glides, 1, steepness)
        elif not is_computed:
            g = warped
            share = steepness
        if not is_computed:
            is_computed = is_over
            k = _DAMPING_SINGLE + share * (_DAMPING_FIRST - _DAMPING_SINGLE)
            a1 = 1.0 / (1.0 + g * (g + k))
            a2 = g * a1
            a3 = g * a2
            b1 = 1.0 / (1.0 + g * (g + _DAMPING_SECOND))
            b2 = g * b1
            b3 = g * b2
        for channel in range(channels):
            x = np.float64(block[channel, frame])
            s1 = state[channel, 0]
            s2 = state[channel, 1]
            difference = x - s2
            band = a1 * s1 + a2 * difference
            low = s2 + a2 * s1 + a3 * difference
            s1 = 2.0 * band - s1
            s2 = 2.0 * low - s2
            # What decays forever would end in denormal numbers, which are slow; end it in zero, both at once: either alone
            # would keep the other from decaying.
            is_over_with = abs(s1) + abs(s2) < _TINY
            state[channel, 0] = 0.0 if is_over_with else s1
            state[channel, 1] = 0.0 if is_over_with else s2
            y = x - k * band - low
            if share > 0.0:
                s1 = state[channel, 2]
                s2 = state[channel, 3]
                difference = y - s2
                band = b1 * s1 + b2 * difference
                low = s2 + b2 * s1 + b3 * difference
                s1 = 2.0 * band - s1
                s2 = 2.0 * low - s2
                is_over_with = abs(s1) + abs(s2) < _TINY
                state[channel, 2] = 0.0 if is_over_with else s1
                state[channel, 3] = 0.0 if is_over_with else s2
                y -= share * (_DAMPING_SECOND * band + low)
            block[channel, frame] = np.float32(y)
    if is_over and steepness == 0.0:
        # Out of the sound; it begins afresh, unheard, when it is faded in again.
        state[:, 2:] = 0.0
