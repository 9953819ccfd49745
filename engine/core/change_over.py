"""One slot takes over from another while sound goes through: how a stage with another delay comes into a running chain."""

from __future__ import annotations

import numpy as np

from engine.core.params import Params
from engine.core.slot import FADE_MS, Slot
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
        self._steps = np.arange(1, fmt.max_frames + 1)
        self._fade_frames = round(FADE_MS * fmt.sample_rate / 1000)
        self._fade = (0.5 - 0.5 * np.cos(np.linspace(0.0, np.pi, self._fade_frames + 1))).astype(np.float32)
        # Below zero it is still warming up, and the old slot alone is heard.
        self._position = -(new.latency_samples + round(_WARM_UP_S * fmt.sample_rate))

    def process(self, block: Block, params: Params, is_bypassed: bool) -> bool:
        """Change `block` in place, shape (channels, frames). Audio thread. True once the new slot alone is heard."""
        frames = block.shape[1]
        other = self._other[:, :frames]
        other[:] = block
        self.old.process(block, params, is_bypassed)
        self.new.process(other, params, is_bypassed)
        gain = self._fade[np.clip(self._position + self._steps[:frames], 0, self._fade_frames)]
        other -= block
        other *= gain
        block += other
        self._position += frames
        return self._position >= self._fade_frames
