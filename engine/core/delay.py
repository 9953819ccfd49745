"""A fixed delay for blocks of any length: the dry path beside a stage. Audio thread; never waits or allocates.

Between two hops of a live program the processor's cache is full of other things, and every function of numpy has to be fetched
anew; so this is one compiled loop, as everything is that is done with the dry signal in every hop.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from engine.core.kernel import compile_kernels, kernel
from engine.core.stage import Block


class DelayLine:
    """Delays audio by a fixed number of samples.

    Parameters
    ----------
    channels, delay_samples : int
    """

    def __init__(self, channels: int, delay_samples: int) -> None:
        compile_kernels(_delay)
        self.delay_samples = delay_samples
        # The last `delay_samples` frames, gone round; `_position` is that of the oldest.
        self._line = np.zeros((channels, delay_samples), np.float32)
        self._position = 0

    def process(self, block: Block, out: Block) -> None:
        """Take in `block`, (channels, frames), and write the delayed signal to the front of `out`. Audio thread.

        Both may be the same memory.
        """
        self._position = _delay(block, self._line, self._position, out)

    def copy_from(self, other: DelayLine) -> None:
        """Take over what another line of the same delay holds. Audio thread."""
        self._line[:] = other._line
        self._position = other._position

    def reset(self) -> None:
        """Forget the past. Audio thread."""
        self._line.fill(0.0)


@kernel("int64(float32[:, :], float32[:, ::1], int64, float32[:, :])")
def _delay(block: NDArray[np.float32], line: NDArray[np.float32], position: int, out: NDArray[np.float32]) -> int:
    """Write `block` to `out` as late as `line`, (channels, delay), is long; return the `position` for the next block."""
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
