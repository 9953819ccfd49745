"""What is done with the dry signal beside a network, in compiled loops.

Between two hops of a live program the processor's cache is full of other things, and every function of numpy has to be fetched
anew: for the few samples of a hop, that took a tenth of a denoiser's time. Audio thread; never waits.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from engine.core.kernel import kernel


@kernel("int64(float32[:, :], float32[:, ::1], int64, float32[:, :])")
def delay(block: NDArray[np.float32], line: NDArray[np.float32], position: int, out: NDArray[np.float32]) -> int:
    """Write `block` to `out`, both (channels, frames) and perhaps the same memory, as late as `line` is long.

    `line`, shape (channels, delay), is gone round; what is returned is the `position` in it for the next block.
    """
    channels, frames = block.shape
    length = line.shape[1]
    at = position
    for channel in range(channels):
        at = position
        for frame in range(frames):
            sample = block[channel, frame]
            if length == 0:
                out[channel, frame] = sample
            else:
                out[channel, frame] = line[channel, at]
                line[channel, at] = sample
                at += 1
                if at == length:
                    at = 0
    return at


@kernel("boolean(float32[:, :])")
def is_finite(block: NDArray[np.float32]) -> bool:
    """Whether every sample is a number."""
    channels, frames = block.shape
    for channel in range(channels):
        for frame in range(frames):
            if not math.isfinite(block[channel, frame]):
                return False
    return True


@kernel("void(float32[:, :], float32[:, :], float32[:, ::1])")
def keep_distance(block: NDArray[np.float32], dry: NDArray[np.float32], distance: NDArray[np.float32]) -> None:
    """Append how far `block` is from `dry`, both (channels, frames), to `distance`, (channels, any), and drop the oldest."""
    channels, frames = block.shape
    kept = distance.shape[1]
    new = min(frames, kept)
    for channel in range(channels):
        for index in range(kept - new):
            distance[channel, index] = distance[channel, index + new]
        for index in range(new):
            frame = frames - new + index
            distance[channel, kept - new + index] = block[channel, frame] - dry[channel, frame]
