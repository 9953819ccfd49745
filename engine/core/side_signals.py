"""What travels along the chain beside the sound: a second input, and what one stage finds out for those after it.

Stages do not know each other; this is the one thing they share. Audio thread; nothing here waits.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

UNKNOWN_PROBABILITY = 0.5
"""Speech is as likely as not: nobody has said anything."""


class SideSignals:
    """One object a chain, renewed with every block; each `Context` refers to it.

    Attributes
    ----------
    music : NDArray[np.float32] or None
        Second input of this block, shape (1 or 2, frames); None without one. Not to be changed.
    speech_probability : float
        0…1: how likely somebody speaks, as the last stage that knows has told; `UNKNOWN_PROBABILITY` until then.
    """

    __slots__ = ("music", "speech_probability")

    def __init__(self) -> None:
        self.begin_block(None)

    def begin_block(self, music: NDArray[np.float32] | None) -> None:
        """Forget the block before. Audio thread."""
        self.music = music
        self.speech_probability = UNKNOWN_PROBABILITY
