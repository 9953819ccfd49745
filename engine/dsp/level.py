"""Levels of a bus: peak with a falling hold, and RMS. Written on the audio thread, read by anyone.

A reader may see a value from between two blocks; that is harmless, and the writer never waits for it.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from engine.core.kernel import compile_kernels, kernel
from engine.core.stage import Block

_CLIP_SHOWN_S = 2
_RMS_S = 0.3


class LevelMeter:
    """Peak with a falling hold and RMS over about 300 ms, per channel.

    Parameters
    ----------
    fall_db_per_s : float
        How fast the shown peak falls; 20 dB in 1.7 s is the fall of a PPM (IEC 60268-10 type I).
    """

    def __init__(self, sample_rate: int, channels: int, fall_db_per_s: float = 20 / 1.7) -> None:
        compile_kernels(_measure)
        self._sample_rate = sample_rate
        self._fall_db_per_s = fall_db_per_s
        self._peak = np.zeros(channels)
        self._mean_square = np.zeros(channels)
        self._clip_frames_left = 0

    def process(self, block: Block) -> None:
        """Take in one block, shape (channels, frames). Audio thread."""
        seconds = block.shape[1] / self._sample_rate
        fall = 10 ** (-self._fall_db_per_s * seconds / 20)
        loudest = _measure(block, self._peak, self._mean_square, fall, 1.0 - math.exp(-seconds / _RMS_S))
        # A clip stays lit long enough to be seen.
        if loudest >= 1.0:
            self._clip_frames_left = _CLIP_SHOWN_S * self._sample_rate
        else:
            self._clip_frames_left -= block.shape[1]

    @property
    def peak_dbfs(self) -> tuple[float, ...]:
        """Peak per channel, −120 for silence."""
        return tuple(20 * math.log10(max(float(value), 1e-6)) for value in self._peak)

    @property
    def rms_dbfs(self) -> tuple[float, ...]:
        """RMS per channel, −120 for silence."""
        return tuple(10 * math.log10(max(float(value), 1e-12)) for value in self._mean_square)

    @property
    def is_clipping(self) -> bool:
        """Whether full scale was reached within the last two seconds."""
        return self._clip_frames_left > 0


@kernel("float64(float32[:, :], float64[::1], float64[::1], float64, float64)", may_reorder=True)
def _measure(
    block: NDArray[np.float32], peak: NDArray[np.float64], mean_square: NDArray[np.float64], fall: float, weight: float
) -> float:
    """Move `peak` and `mean_square` (channels,) on by one block; returns its highest peak."""
    channels, frames = block.shape
    loudest = 0.0
    for channel in range(channels):
        highest = np.float32(0.0)
        total = np.float32(0.0)
        for frame in range(frames):
            value = block[channel, frame]
            highest = max(highest, abs(value))
            total += value * value
        peak[channel] = max(peak[channel] * fall, highest)
        mean_square[channel] += weight * (total / frames - mean_square[channel])
        loudest = max(loudest, float(highest))
    return loudest
