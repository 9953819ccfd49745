"""An output of the edge: what it drops to bring the delay back is not heard as a click, however short the hop."""

from __future__ import annotations

import numpy as np
import pytest

from engine.core.stage import Block
from engine.io.edge_speaker import Speaker

RATE_HZ = 48_000
SECONDS = 0.6
PAUSE_LEVEL = 0.002
"""So quiet that it counts as a pause, in which nothing is waited for."""


class Port:
    """A device that plays a hop as soon as it is there, and whose counters say so."""

    rate_hz = RATE_HZ
    channels = 1
    fills = False
    losses = 0
    lost = None

    def __init__(self, hop: int) -> None:
        self.block_frames = hop
        self.device_frames = 0
        self.moved_at_s = 0.0
        self.level_frames = 0
        self.played: list[Block] = []

    def write(self, block: Block) -> None:
        self.level_frames += block.shape[1]
        self.played.append(block.copy())

    def play(self) -> None:
        return None

    def start(self) -> None:
        return None

    def close(self) -> None:
        return None

    def move(self, now_s: float) -> None:
        self.device_frames += self.block_frames
        self.level_frames -= self.block_frames
        self.moved_at_s = now_s


@pytest.mark.parametrize("hop", [16, 64, 128, 256, 480])
def test_what_is_dropped_is_faded_whatever_the_hop(hop: int) -> None:
    port = Port(hop)
    speaker = Speaker(port, 1, hop, 2.0 * hop, 0.0)
    hops = round(SECONDS * RATE_HZ / hop)
    tone = PAUSE_LEVEL * np.sin(2 * np.pi * 200 * np.arange(hops * hop) / RATE_HZ).astype(np.float32)
    for number in range(hops):
        now_s = number * hop / RATE_HZ
        port.move(now_s)
        speaker.observe(now_s)
        # As if three hops too many had come at once, and were still there.
        surplus = 3.0 * hop if number > 20 and not speaker.dropped_frames else 0.0
        speaker.steer(hop + surplus, 0.0, True, now_s)
        speaker.write(tone[None, number * hop : (number + 1) * hop])
    assert speaker.dropped_frames >= hop // 2
    played = np.concatenate(port.played, axis=1)[0]
    steepest = PAUSE_LEVEL * 2 * np.pi * 200 / RATE_HZ
    # A fade over n frames between places h apart adds at most their difference over n.
    faded = hop // 2 if hop < 480 else 240
    between = 2 * PAUSE_LEVEL * np.sin(min(np.pi / 2, np.pi * 200 * (hop // 2) / RATE_HZ))
    start = int(np.flatnonzero(np.abs(played) > 0.8 * PAUSE_LEVEL)[0])
    assert np.abs(np.diff(played[start:])).max() < steepest + 1.5 * between / faded
