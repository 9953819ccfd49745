"""From a signal that has broken off to the dry one, without a click, where nothing more comes that could be faded out.

Audio thread; never waits or allocates.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from engine.core.kernel import compile_kernels, kernel
from engine.core.stage import Block

LANDING_FRAMES = 96


class Landing:
    """Remembers how far from dry the last samples were, and lets that distance go out smoothly.

    The distance that was last heard, turned about its last sample, goes on from there in value and in slope; that is faded
    out over 96 frames.
    """

    def __init__(self, channels: int) -> None:
        compile_kernels(_keep)
        self._distance = np.zeros((channels, LANDING_FRAMES + 1), np.float32)
        self._bridge = np.zeros((channels, LANDING_FRAMES), np.float32)
        self._fade = (0.5 + 0.5 * np.cos(np.linspace(0.0, np.pi, LANDING_FRAMES))).astype(np.float32)
        self._bridged_frames = LANDING_FRAMES

    def keep(self, block: Block, dry: Block) -> None:
        """Remember what was put out and what dry was, both (channels, frames). Audio thread, after every block."""
        _keep(block, dry, self._distance)

    def begin(self) -> None:
        """Land from where the last block ended. Audio thread."""
        np.subtract(2.0 * self._distance[:, -1:], self._distance[:, -2::-1], out=self._bridge)
        self._bridge *= self._fade
        self._bridged_frames = 0

    def cross(self, dry: Block) -> None:
        """Add to a block of dry signal what is left of the landing. Audio thread."""
        done = self._bridged_frames
        if done < LANDING_FRAMES:
            count = min(dry.shape[1], LANDING_FRAMES - done)
            dry[:, :count] += self._bridge[:, done : done + count]
            self._bridged_frames = done + count

    def reset(self) -> None:
        """Forget the past. Audio thread."""
        self._distance.fill(0.0)
        self._bridged_frames = LANDING_FRAMES


@kernel("void(float32[:, :], float32[:, :], float32[:, ::1])")
def _keep(block: NDArray[np.float32], dry: NDArray[np.float32], distance: NDArray[np.float32]) -> None:
    """Append how far `block` is from `dry` to `distance`, shape (channels, any), and drop the oldest."""
    channels, frames = block.shape
    kept = distance.shape[1]
    new = min(frames, kept)
    for channel in range(channels):
        for index in range(kept - new):
            distance[channel, index] = distance[channel, index + new]
        for index in range(new):
            frame = frames - new + index
            distance[channel, kept - new + index] = block[channel, frame] - dry[channel, frame]
