"""A mute with raised-cosine fades: too short to be waited for, too smooth to click. Audio thread; never waits."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from engine.core.crossfade import raised_cosine
from engine.core.kernel import kernel

FADE_MS = 5.0


def fade_curve(sample_rate: int) -> NDArray[np.float64]:
    """Gains from silence (first) to full (last), a fade of `FADE_MS`."""
    return raised_cosine(max(1, round(FADE_MS * sample_rate / 1000)))


@kernel("void(float32[:, :], int64[::1], float64[::1], boolean)")
def mute(block: NDArray[np.float32], place: NDArray[np.int64], curve: NDArray[np.float64], is_muted: bool) -> None:
    """Fade `block` (channels, frames) in place towards silence or back; `place` (1,) is where on the curve it stands.

    A place below zero stands at the end that is wanted without fading there.
    """
    channels, frames = block.shape
    end = 0 if is_muted else len(curve) - 1
    now = place[0]
    if now < 0:
        now = end
    for frame in range(frames):
        if now != end:
            now += 1 if now < end else -1
        elif not is_muted:
            break
        for channel in range(channels):
            block[channel, frame] = np.float32(block[channel, frame] * curve[now])
    place[0] = now
