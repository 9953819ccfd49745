"""Whether sound is sound: a stage or a network may return anything. Audio thread; never waits or allocates."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from engine.core.kernel import kernel


@kernel("boolean(float32[:, :])")
def is_finite(block: NDArray[np.float32]) -> bool:
    """Whether every sample of `block`, shape (channels, frames), is a number: neither NaN nor Inf."""
    channels, frames = block.shape
    for channel in range(channels):
        for frame in range(frames):
            if not math.isfinite(block[channel, frame]):
                return False
    return True
