"""Blocks of any length through hops of one length: nothing lost, nothing shifted but by the declared delay."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.core.stage import Block, StreamFormat
from engine.dsp.hop_bridge import HopBridge

HOP = 480


def ramp(channels: int, frames: int) -> Block:
    """No two samples alike, and none of them zero."""
    return np.arange(1, channels * frames + 1, dtype=np.float32).reshape(channels, frames)


def copy_hop(hop_in: Block, hop_out: Block) -> None:
    assert hop_in.shape[1] == hop_out.shape[1] == HOP
    hop_out[:] = hop_in


@pytest.mark.parametrize("frames", [1, 32, 64, 100, 128, 256, 441, 479, 480, 481, 512, 960, 1024, 1440])
def test_fixed_blocks_come_out_late_by_the_least_that_serves_them(frames: int) -> None:
    bridge = HopBridge(HOP, StreamFormat(48_000, 2, frames))
    x = ramp(2, frames * (6000 // frames + 1))
    y = x.copy()
    for start in range(0, x.shape[1], frames):
        bridge.process(y[:, start : start + frames], copy_hop)
    delay = bridge.latency_samples
    assert delay == HOP - np.gcd(HOP, frames)
    np.testing.assert_array_equal(y[:, delay:], x[:, : x.shape[1] - delay])
    assert not y[:, :delay].any()


@given(st.lists(st.integers(1, 700), min_size=1, max_size=60))
def test_blocks_of_any_length_come_out_late_by_one_delay(cuts: list[int]) -> None:
    bridge = HopBridge(HOP, StreamFormat(48_000, 1, 700, is_fixed=False))
    x = ramp(1, sum(cuts))
    y = x.copy()
    start = 0
    for frames in cuts:
        bridge.process(y[:, start : start + frames], copy_hop)
        start += frames
    delay = bridge.latency_samples
    assert delay == HOP - 1
    np.testing.assert_array_equal(y[:, delay:], x[:, : max(0, x.shape[1] - delay)])
    assert not y[:, :delay].any()


def test_reset_forgets_what_waits() -> None:
    bridge = HopBridge(HOP, StreamFormat(48_000, 1, 100))
    for _ in range(7):
        bridge.process(ramp(1, 100), copy_hop)
    bridge.reset()
    x = ramp(1, 1000)
    y = x.copy()
    for start in range(0, 1000, 100):
        bridge.process(y[:, start : start + 100], copy_hop)
    np.testing.assert_array_equal(y[:, bridge.latency_samples :], x[:, : -bridge.latency_samples])
    assert not y[:, : bridge.latency_samples].any()


@pytest.mark.parametrize(("promised", "given_frames"), [(128, 129), (128, 5000), (480, 479), (480, 960), (96, 50)])
def test_blocks_that_were_not_promised_are_refused_before_any_harm(promised: int, given_frames: int) -> None:
    bridge = HopBridge(HOP, StreamFormat(48_000, 1, promised))

    def serve() -> None:
        for _ in range(HOP):
            bridge.process(ramp(1, given_frames), copy_hop)

    with pytest.raises(ValueError, match="promised"):
        serve()
