"""A place where others may listen: the last seconds of sound at one point of the chain, for whoever is not in a hurry.

The audio thread writes and never waits. A listener copies what it has not heard yet; what was overwritten meanwhile is
left out, so it hears a gap, never a mixture.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from engine.core.stage import Block

_MARGIN_FRAMES = 4800
"""What the writer may overwrite while a listener copies: ten hops of the longest block that is usual."""


class Tap:
    """The last `frames` samples that passed, as mono.

    Attributes
    ----------
    end_frame : int
        Samples that have passed since the beginning.
    """

    def __init__(self, frames: int) -> None:
        self._samples = np.zeros(frames, np.float32)
        self.end_frame = 0

    def process(self, block: Block) -> None:
        """Take in one block, shape (channels, frames), no longer than the tap. Audio thread."""
        frames, size = block.shape[1], len(self._samples)
        begin = self.end_frame % size
        first = min(frames, size - begin)
        self._put(begin, block[:, :first])
        if first < frames:
            self._put(0, block[:, first:])
        self.end_frame += frames

    def read(self, after_frame: int) -> tuple[int, NDArray[np.float32]]:
        """What passed after sample number `after_frame`. Control thread.

        Returns
        -------
        first_frame : int
            Number of the first sample; greater than `after_frame` if the listener was too slow.
        samples : ndarray of float32, shape (frames,)
            A copy, oldest first; empty if there is nothing new.
        """
        size, end = len(self._samples), self.end_frame
        first = min(max(after_frame, end - size + _MARGIN_FRAMES, 0), end)
        samples = self._samples[np.arange(first, end) % size]
        # The writer has gone on meanwhile: what it may have overwritten does not count.
        lost = max(0, self.end_frame - size - first)
        return first + lost, samples[lost:]

    def last(self, frames: int) -> NDArray[np.float32]:
        """The last `frames` samples, oldest first, with silence before the beginning. Control thread."""
        return self._samples[np.arange(self.end_frame - frames, self.end_frame) % len(self._samples)]

    def _put(self, begin: int, block: Block) -> None:
        target = self._samples[begin : begin + block.shape[1]]
        if block.shape[0] == 1:
            target[:] = block[0]
        else:
            np.add(block[0], block[1], out=target)
            target *= np.float32(0.5)
