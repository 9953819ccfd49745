"""A gain that glides. Audio thread; never waits."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from engine.core.kernel import kernel
from engine.dsp.smoothing import glide, glide_is_over


@kernel("void(float32[:, :], float64[:, ::1], float64, float64)")
def apply_gain(block: NDArray[np.float32], glides: NDArray[np.float64], gain: float, coefficient: float) -> None:
    """Multiply `block` (channels, frames) in place by a gain that glides to `gain`; `glides` has one row."""
    channels, frames = block.shape
    frame = 0
    while frame < frames and not glide_is_over(glides, 0, gain):
        now = glide(glides, 0, gain, coefficient)
        for channel in range(channels):
            block[channel, frame] = np.float32(block[channel, frame] * now)
        frame += 1
    if gain == 1.0:
        return
    for channel in range(channels):
        for rest in range(frame, frames):
            block[channel, rest] = np.float32(block[channel, rest] * gain)
