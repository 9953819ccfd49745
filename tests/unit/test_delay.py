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
    is_in_place=st.booleans(),
)
def test_output_is_input_later(delay: int, cuts: list[int], channels: int, is_in_place: bool) -> None:
    line = DelayLine(channels, delay)
    samples = np.random.default_rng(0).standard_normal((channels, sum(cuts))).astype(np.float32)
    out = samples.copy() if is_in_place else np.empty_like(samples)
    start = 0
    for frames in cuts:
        place = np.s_[:, start : start + frames]
        line.process(out[place] if is_in_place else samples[place], out[place])
        start += frames
    expected = np.concatenate([np.zeros((channels, delay), np.float32), samples], axis=1)[:, : samples.shape[1]]
    np.testing.assert_array_equal(out, expected)


def test_reset_leaves_nothing_behind() -> None:
    line = DelayLine(1, 50)
    out = np.empty((1, 100), np.float32)
    line.process(np.ones((1, 100), np.float32), out)
    line.reset()
    line.process(np.zeros((1, 100), np.float32), out)
    assert not out.any()


def test_a_copy_goes_on_as_the_other_does() -> None:
    line, copy = DelayLine(2, 50), DelayLine(2, 50)
    samples = np.random.default_rng(0).standard_normal((2, 170)).astype(np.float32)
    out, out_of_copy = np.empty((2, 100), np.float32), np.empty((2, 100), np.float32)
    line.process(samples[:, :70], out)
    copy.copy_from(line)
    line.process(samples[:, 70:], out)
    copy.process(samples[:, 70:], out_of_copy)
    np.testing.assert_array_equal(out_of_copy, out)
    np.testing.assert_array_equal(out, samples[:, 20:120])
