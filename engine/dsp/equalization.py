"""Parametric equalizer: second-order sections with the responses of the RBJ cookbook, in a form that may be swept.

As state-variable filters the sections keep their state meaningful while they move, so that a band can be dragged across the
spectrum without a click; standing still, each is exactly the cookbook's biquad. Audio thread; never waits.

Source: R. Bristow-Johnson, "Cookbook formulae for audio equalizer biquad filter coefficients"; A. Simper, "Solving the
continuous SVF equations using trapezoidal integration", Cytomic 2013.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from engine.core.kernel import inline, kernel
from engine.dsp.responses import SECTION_VALUES
from engine.dsp.smoothing import glide, glide_is_over

_TINY = 1e-25


@kernel("void(float32[:, :], float64[:, :, ::1], float64[:, ::1], float64[:, ::1], float64)")
def equalize(
    block: NDArray[np.float32],
    state: NDArray[np.float64],
    glides: NDArray[np.float64],
    sections: NDArray[np.float64],
    coefficient: float,
) -> None:
    """Filter `block` (channels, frames) in place.

    Parameters
    ----------
    state : NDArray[np.float64]
        Shape (bands, channels, 2): integrators.
    glides : NDArray[np.float64]
        SECTION_VALUES gliding values for each band.
    sections : NDArray[np.float64]
        Shape (bands, SECTION_VALUES), rows of `section`.
    """
    channels = block.shape[0]
    for band_index in range(len(sections)):
        wanted = sections[band_index]
        first = SECTION_VALUES * band_index
        is_over = True
        for row in range(SECTION_VALUES):
            is_over = glide_is_over(glides, first + row, wanted[row]) and is_over
        is_flat = wanted[2] == 1.0 and wanted[3] == 0.0 and wanted[4] == 0.0
        if is_over and is_flat:
            # Out of the sound; it begins afresh, unheard, when it is wanted again.
            state[band_index] = 0.0
            continue
        if is_over:
            _filter_steadily(block, state[band_index], wanted)
        else:
            _filter_on_the_way(block, state[band_index], glides[first : first + SECTION_VALUES], wanted, coefficient)
        for channel in range(channels):
            # What decays forever would end in denormal numbers, which are slow; end it in zero, both at once: either alone
            # would keep the other from decaying.
            if abs(state[band_index, channel, 0]) + abs(state[band_index, channel, 1]) < _TINY:
                state[band_index, channel] = 0.0


@inline
def _filter_steadily(block: NDArray[np.float32], state: NDArray[np.float64], wanted: NDArray[np.float64]) -> None:
    warped = math.exp(wanted[0])
    a1 = 1.0 / (1.0 + warped * (warped + wanted[1]))
    a2 = warped * a1
    a3 = warped * a2
    whole_share, band_share, low_share = wanted[2], wanted[3], wanted[4]
    for channel in range(block.shape[0]):
        s1, s2 = state[channel]
        for frame in range(block.shape[1]):
            x = np.float64(block[channel, frame])
            difference = x - s2
            band = a1 * s1 + a2 * difference
            low = s2 + a2 * s1 + a3 * difference
            s1 = 2.0 * band - s1
            s2 = 2.0 * low - s2
            block[channel, frame] = np.float32(whole_share * x + band_share * band + low_share * low)
        state[channel, 0] = s1
        state[channel, 1] = s2


@inline
def _filter_on_the_way(
    block: NDArray[np.float32],
    state: NDArray[np.float64],
    glides: NDArray[np.float64],
    wanted: NDArray[np.float64],
    coefficient: float,
) -> None:
    for frame in range(block.shape[1]):
        warped = math.exp(glide(glides, 0, wanted[0], coefficient))
        damping = glide(glides, 1, wanted[1], coefficient)
        whole_share = glide(glides, 2, wanted[2], coefficient)
        band_share = glide(glides, 3, wanted[3], coefficient)
        low_share = glide(glides, 4, wanted[4], coefficient)
        a1 = 1.0 / (1.0 + warped * (warped + damping))
        a2 = warped * a1
        a3 = warped * a2
        for channel in range(block.shape[0]):
            x = np.float64(block[channel, frame])
            difference = x - state[channel, 1]
            band = a1 * state[channel, 0] + a2 * difference
            low = state[channel, 1] + a2 * state[channel, 0] + a3 * difference
            state[channel, 0] = 2.0 * band - state[channel, 0]
            state[channel, 1] = 2.0 * low - state[channel, 1]
            block[channel, frame] = np.float32(whole_share * x + band_share * band + low_share * low)
