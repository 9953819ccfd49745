"""The dry path beside a stage: late by exactly so many samples, however the sound is cut."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from engine.core.delay import DelayLine


@given(
    delay=st.integers(0, 700),
    cuts=st.lists(st.integers(1, 480), min_size=1, max_size=12),
    channels=st.sampled_from([1, 2]),
)
def test_output_is_input_later(delay: int, cuts: list[int], channels: int) -> None:
    line = DelayLine(channels, delay, 480)
    samples = np.random.default_rng(0).standard_normal((channels, sum(cuts))).astype(np.float32)
    out = np.empty_like(samples)
    start = 0
    for frames in cuts:
        line.process(samples[:, start : start + frames], out[:, start : start + frames])
        start += frames
    expected = np.concatenate([np.zeros((channels, delay), np.float32), samples], axis=1)[:, : samples.shape[1]]
    np.testing.assert_array_equal(out, expected)


def test_reset_leaves_nothing_behind() -> None:
    line = DelayLine(1, 50, 100)
    out = np.empty((1, 100), np.float32)
    line.process(np.ones((1, 100), np.float32), out)
    line.reset()
    line.process(np.zeros((1, 100), np.float32), out)
    assert not out.any()
