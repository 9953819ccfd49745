"""A ring of audio frames between exactly one writer and one reader.

It stands between a device callback and the DSP thread, so neither side ever waits, locks or allocates: a writer that finds
it full is told how little was taken, a reader that finds it empty gets silence. Each side owns one counter and only reads the
other's, and moves its own after the samples are in place.
"""

from __future__ import annotations

import numpy as np

from engine.core.stage import Block


class RingBuffer:
    """First in, first out; planar float32.

    Parameters
    ----------
    channels : int
        Rows of every block.
    capacity_frames : int
        Most frames that can wait.
    """

    __slots__ = ("_capacity", "_frames", "_read", "_written")

    def __init__(self, channels: int, capacity_frames: int) -> None:
        if channels < 1 or capacity_frames < 1:
            raise ValueError("a ring needs at least one channel and one frame")
        self._frames: Block = np.zeros((channels, capacity_frames), np.float32)
        self._capacity = capacity_frames
        self._written = 0
        self._read = 0

    @property
    def channels(self) -> int:
        """Rows of every block."""
        return int(self._frames.shape[0])

    @property
    def capacity_frames(self) -> int:
        """Most frames that can wait."""
        return self._capacity

    @property
    def available(self) -> int:
        """Frames that wait to be read. Either side."""
        return self._written - self._read

    @property
    def free(self) -> int:
        """Frames that can be written now. Either side."""
        return self._capacity - self.available

    def write(self, block: Block) -> int:
        """Append what fits of `block`. Writer's side, never waits.

        Parameters
        ----------
        block : Block
            Shape (channels, frames).

        Returns
        -------
        int
            Frames taken: the first so many of the block.
        """
        count = min(int(block.shape[1]), self.free)
        at = self._written % self._capacity
        first = min(count, self._capacity - at)
        self._frames[:, at : at + first] = block[:, :first]
        if count > first:
            self._frames[:, : count - first] = block[:, first:count]
        self._written += count
        return count

    def read_into(self, out: Block) -> int:
        """Take frames into `out` and fill what is missing with silence. Reader's side, never waits.

        Parameters
        ----------
        out : Block
            Shape (channels, frames).

        Returns
        -------
        int
            Frames that are real; the rest of `out` is zero.
        """
        count = self.peek_into(out)
        self._read += count
        return count

    def peek_into(self, out: Block) -> int:
        """Like `read_into`, but the frames stay. Reader's side, never waits."""
        count = min(int(out.shape[1]), self.available)
        at = self._read % self._capacity
        first = min(count, self._capacity - at)
        out[:, :first] = self._frames[:, at : at + first]
        if count > first:
            out[:, first:count] = self._frames[:, : count - first]
        if count < out.shape[1]:
            out[:, count:] = 0.0
        return count

    def skip(self, frames: int) -> int:
        """Drop up to `frames` of the oldest frames and return how many were dropped. Reader's side, never waits."""
        count = min(max(frames, 0), self.available)
        self._read += count
        return count
