"""From one sound to another that carries the same voice: a raised cosine of gains that sum to one.

The two are strongly correlated wherever this is used, and an equal-power fade would bulge by 3 dB in the middle. Audio thread;
never waits or allocates.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from engine.core.kernel import compile_kernels, kernel
from engine.core.stage import Block

FADE_MS = 20.0


def raised_cosine(frames: int) -> NDArray[np.float64]:
    """Gains from 0 (first) to 1 (last), shape (frames + 1,)."""
    curve: NDArray[np.float64] = 0.5 - 0.5 * np.cos(np.linspace(0.0, np.pi, frames + 1))
    return curve


class Crossfade:
    """Leads over from one sound to another, or back; who uses it keeps the position.

    Parameters
    ----------
    sample_rate : int
    fade_ms : float

    Attributes
    ----------
    frames : int
        How long it takes.
    """

    def __init__(self, sample_rate: int, fade_ms: float = FADE_MS) -> None:
        compile_kernels(_cross)
        self.frames = round(fade_ms * sample_rate / 1000)
        self._gains = raised_cosine(self.frames).astype(np.float32)

    def process(self, before: Block, after: Block, out: Block, position: int, step: int = 1) -> None:
        """Write what is between `before` and `after` to `out`, which may be one of them. Audio thread.

        Where both agree, that is what comes out, to the bit.

        Parameters
        ----------
        before, after, out : Block
            Shape (channels, frames).
        position : int
            Where the fade stood with the last block: at 0 or below `before` alone is heard, from `frames` on `after` alone.
        step : int
            By which each frame moves it: 1, or -1 on the way back.
        """
        _cross(before, after, self._gains, position, step, out)


@kernel("void(float32[:, :], float32[:, :], float32[::1], int64, int64, float32[:, :])")
def _cross(
    before: NDArray[np.float32],
    after: NDArray[np.float32],
    gains: NDArray[np.float32],
    position: int,
    step: int,
    out: NDArray[np.float32],
) -> None:
    """See `Crossfade.process`."""
    channels, frames = out.shape
    for frame in range(frames):
        gain = gains[min(max(position + step * (frame + 1), 0), len(gains) - 1)]
        for channel in range(channels):
            start = before[channel, frame]
            out[channel, frame] = start + (after[channel, frame] - start) * gain
