"""From a signal that has broken off to the dry one, without a click, where nothing more comes that could be faded out.

Audio thread; never waits or allocates.
"""

from __future__ import annotations

import numpy as np

from engine.core.stage import Block

LANDING_FRAMES = 96


class Landing:
    """Remembers how far from dry the last samples were, and lets that distance go out smoothly.

    The distance that was last heard, turned about its last sample, goes on from there in value and in slope; that is faded
    out over 96 frames.

    Attributes
    ----------
    distance : Block
        What the last samples were more than dry, shape (channels, `LANDING_FRAMES` + 1).
    """

    def __init__(self, channels: int) -> None:
        self.distance = np.zeros((channels, LANDING_FRAMES + 1), np.float32)
        self._bridge = np.zeros((channels, LANDING_FRAMES), np.float32)
        self._fade = (0.5 + 0.5 * np.cos(np.linspace(0.0, np.pi, LANDING_FRAMES))).astype(np.float32)
        self._bridged_frames = LANDING_FRAMES

    def keep(self, block: Block, dry: Block) -> None:
        """Remember what was put out and what dry was, both (channels, frames). Audio thread, after every block."""
        kept = self.distance
        count = min(block.shape[1], kept.shape[1])
        if count < kept.shape[1]:
            kept[:, :-count] = kept[:, count:]
        np.subtract(block[:, -count:], dry[:, -count:], out=kept[:, -count:])

    def begin(self) -> None:
        """Land from where the last block ended. Audio thread."""
        np.subtract(2.0 * self.distance[:, -1:], self.distance[:, -2::-1], out=self._bridge)
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
        self.distance.fill(0.0)
        self._bridged_frames = LANDING_FRAMES
