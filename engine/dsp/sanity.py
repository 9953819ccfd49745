"""Silences what is no number and bounds the rest: a device or a file may hand over anything, and filters never forget.

Audio thread; never waits.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from engine.core.kernel import kernel

LOUDEST = 1000.0
"""60 dB above full scale: far beyond any sound, and far below where squares overflow."""


@kernel("void(float32[:, :])")
def make_sane(block: NDArray[np.float32]) -> None:
    """Change `block`, of any two dimensions, in place: NaN and Inf become 0, the rest stays within ±`LOUDEST`."""
    rows, columns = block.shape
    for row in range(rows):
        for column in range(columns):
            value = block[row, column]
            if not math.isfinite(value):
                block[row, column] = np.float32(0.0)
            elif value > LOUDEST:
                block[row, column] = np.float32(LOUDEST)
            elif value < -LOUDEST:
                block[row, column] = np.float32(-LOUDEST)
