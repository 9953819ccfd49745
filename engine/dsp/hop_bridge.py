"""Serves blocks of any length from work that is done in hops of a fixed length.

A model has a hop of its own; the device has a block. Where they differ, samples wait for the rest of their hop, and
output is kept ahead by just as much as makes sure that a block can always be served.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from engine.core.stage import Block, StreamFormat

HopProcess = Callable[[Block, Block], None]
"""Called with a hop of input and where to write its output, both of shape (channels, hop), perhaps the same memory."""


class HopBridge:
    """Queues of one stage between its blocks and its hops. Nothing is allocated after it is made.

    Parameters
    ----------
    hop : int
        Frames per hop.
    fmt : StreamFormat
        What blocks to expect.
    """

    def __init__(self, hop: int, fmt: StreamFormat) -> None:
        self.latency_samples = fmt.bridging_samples(hop)
        self._hop = hop
        self._max_frames = fmt.max_frames
        self._is_direct = self.latency_samples == 0
        self._waiting = np.zeros((fmt.channels, hop), np.float32)
        # Twice what can ever be queued, so that moving the rest to the front never overlaps itself.
        self._ready = np.zeros((fmt.channels, 2 * (self.latency_samples + fmt.max_frames + hop)), np.float32)
        self.reset()

    def reset(self) -> None:
        """Forget what is queued: silence again. Audio thread."""
        self._filled = 0
        self._start = 0
        self._end = self.latency_samples
        self._ready[:, : self._end] = 0.0

    def copy_from(self, other: HopBridge) -> None:
        """Take over what another bridge of the same hop and format has queued. Audio thread."""
        self._filled, self._start, self._end = other._filled, other._start, other._end
        self._waiting[:] = other._waiting
        self._ready[:] = other._ready

    def process(self, block: Block, process_hop: HopProcess) -> None:
        """Feed `block` through `process_hop` and replace it by output `latency_samples` late. Audio thread.

        Parameters
        ----------
        block : Block
            Shape (channels, frames), frames as promised by the format.

        Raises
        ------
        ValueError
            If the promise is broken and the block cannot be served.
        """
        frames = block.shape[1]
        if frames > self._max_frames or (self._is_direct and frames % self._hop):
            raise ValueError(f"a block of {frames} frames, where {self._max_frames} were promised")
        if self._is_direct:
            for start in range(0, frames, self._hop):
                hop = block[:, start : start + self._hop]
                process_hop(hop, hop)
            return
        self._feed(block, process_hop)
        taken = self._start + frames
        if taken > self._end:
            raise ValueError(f"blocks of {frames} frames, where {self._max_frames} were promised")
        block[:] = self._ready[:, self._start : taken]
        self._start = taken

    def _feed(self, block: Block, process_hop: HopProcess) -> None:
        frames = block.shape[1]
        done = 0
        while done < frames:
            count = min(self._hop - self._filled, frames - done)
            self._waiting[:, self._filled : self._filled + count] = block[:, done : done + count]
            self._filled += count
            done += count
            if self._filled == self._hop:
                process_hop(self._waiting, self._room())
                self._filled = 0

    def _room(self) -> Block:
        """Space for one more hop behind what is ready."""
        if self._end + self._hop > self._ready.shape[1]:
            rest = self._end - self._start
            self._ready[:, :rest] = self._ready[:, self._start : self._end]
            self._start, self._end = 0, rest
        room = self._ready[:, self._end : self._end + self._hop]
        self._end += self._hop
        return room
