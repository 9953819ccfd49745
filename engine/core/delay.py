"""A fixed delay for blocks of any length: the dry path beside a stage. Audio thread; never waits or allocates."""

from __future__ import annotations

import numpy as np

from engine.core.stage import Block


class DelayLine:
    """Delays audio by a fixed number of samples.

    Parameters
    ----------
    channels, delay_samples : int
    max_frames : int
        Longest block that will come.
    """

    def __init__(self, channels: int, delay_samples: int, max_frames: int) -> None:
        self.delay_samples = delay_samples
        # The last `delay_samples` frames stay in front; a block is appended behind them, read from the start.
        self._history = np.zeros((channels, delay_samples + max_frames), np.float32)

    def process(self, block: Block, out: Block) -> None:
        """Append `block` and write the delayed signal to `out`, both (channels, frames). Audio thread."""
        frames = block.shape[1]
        delay = self.delay_samples
        if not delay:
            out[:, :frames] = block
            return
        history = self._history
        history[:, delay : delay + frames] = block
        out[:, :frames] = history[:, :frames]
        # Overlapping copy towards the front: numpy buffers it where source and target overlap.
        history[:, :delay] = history[:, frames : frames + delay]

    def copy_from(self, other: DelayLine) -> None:
        """Take over what another line of the same delay and blocks holds. Audio thread."""
        self._history[:] = other._history

    def reset(self) -> None:
        """Forget the past."""
        self._history[:] = 0.0
