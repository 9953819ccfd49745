"""One slot takes over from another while sound goes through: how a stage with another delay comes into a running chain."""

from __future__ import annotations

import numpy as np

from engine.core.crossfade import Crossfade
from engine.core.params import Params
from engine.core.slot import Slot
from engine.core.stage import Block, StreamFormat

_WARM_UP_S = 0.3


class ChangeOver:
    """Feeds both slots, and fades from the old one to the new one once that has warmed up.

    The two have different delays, so the sound moves in time during the fade, once; that is what was asked for.

    Attributes
    ----------
    index : int
        Place in the chain.
    old, new : Slot
        Both prepared; `new` takes over.
    """

    def __init__(self, index: int, old: Slot, new: Slot, fmt: StreamFormat) -> None:
        self.index = index
        self.old = old
        self.new = new
        self._other = np.zeros((fmt.channels, fmt.max_frames), np.float32)
        self._fade = Crossfade(fmt.sample_rate)
        # Below zero it is still warming up, and the old slot alone is heard.
        self._position = -(new.latency_samples + round(_WARM_UP_S * fmt.sample_rate))

    def process(self, block: Block, params: Params, is_bypassed: bool) -> bool:
        """Change `block` in place, shape (channels, frames). Audio thread. True once the new slot alone is heard."""
        frames = block.shape[1]
        other = self._other[:, :frames]
        other[:] = block
        self.old.process(block, params, is_bypassed)
        self.new.process(other, params, is_bypassed)
        self._fade.process(block, other, block, self._position)
        self._position += frames
        return self._position >= self._fade.frames
