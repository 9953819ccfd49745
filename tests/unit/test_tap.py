"""What a listener hears: every sample once and in order, or a gap it can see."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from engine.core.tap import Tap

SIZE = 48_000


def numbered(first: int, frames: int, channels: int = 1) -> np.ndarray[tuple[int, ...], np.dtype[np.float32]]:
    return np.tile(np.arange(first, first + frames, dtype=np.float32), (channels, 1))


@given(st.lists(st.tuples(st.integers(1, 4800), st.booleans()), max_size=30))
def test_a_listener_that_keeps_up_hears_everything_once(steps: list[tuple[int, bool]]) -> None:
    tap = Tap(SIZE)
    heard: list[float] = []
    at = passed = unheard = 0
    for frames, listens in steps:
        tap.process(numbered(passed, frames))
        passed += frames
        unheard += frames
        if listens or unheard > SIZE // 2:
            first, samples = tap.read(at)
            assert first == at
            heard.extend(samples.tolist())
            at, unheard = first + len(samples), 0
    assert heard == list(range(at))


def test_a_listener_that_is_too_slow_sees_the_gap() -> None:
    tap = Tap(SIZE)
    for first in range(0, 3 * SIZE, 480):
        tap.process(numbered(first, 480))
    first, samples = tap.read(0)
    assert 2 * SIZE <= first < 3 * SIZE
    assert samples[0] == first
    assert first + len(samples) == tap.end_frame == 3 * SIZE


@given(cuts=st.lists(st.integers(1, 480), min_size=1, max_size=20))
def test_the_last_stretch_is_the_end_of_what_was_heard(cuts: list[int]) -> None:
    tap = Tap(1000)
    first = 1
    for frames in cuts:
        tap.process(numbered(first, frames))
        first += frames
    heard = np.concatenate([np.zeros(64), np.arange(1, first)])[-64:]
    np.testing.assert_array_equal(tap.last(64), heard)


def test_two_channels_are_heard_as_their_middle() -> None:
    tap = Tap(SIZE)
    block = np.stack([np.full(480, 1.0, np.float32), np.full(480, 0.5, np.float32)])
    tap.process(block)
    assert np.all(tap.read(0)[1] == 0.75)


def test_from_the_future_there_is_nothing() -> None:
    tap = Tap(SIZE)
    tap.process(numbered(0, 480))
    assert tap.read(1000)[1].size == 0
