"""One sound leads over to another: gains that sum to one, whatever the blocks, and back the same way."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.core.crossfade import FADE_MS, Crossfade

RATE_HZ = 48_000
FRAMES = round(FADE_MS * RATE_HZ / 1000)


@given(cuts=st.lists(st.integers(1, 480), min_size=1, max_size=12), step=st.sampled_from([1, -1]))
def test_it_is_a_raised_cosine_however_the_sound_is_cut(cuts: list[int], step: int) -> None:
    fade = Crossfade(RATE_HZ)
    before, after = np.zeros((2, sum(cuts)), np.float32), np.ones((2, sum(cuts)), np.float32)
    out = np.empty_like(before)
    first = position = 0 if step > 0 else FRAMES
    for frames in cuts:
        place = np.s_[:, abs(position - first) : abs(position - first) + frames]
        fade.process(before[place], after[place], out[place], position, step)
        position += step * frames
    phase = np.clip(first + step * np.arange(1, sum(cuts) + 1), 0, FRAMES) / FRAMES
    expected = np.tile(0.5 - 0.5 * np.cos(np.pi * phase), (2, 1))
    np.testing.assert_allclose(out, expected, atol=1e-6)


@pytest.mark.parametrize("is_over_the_later_one", [False, True])
def test_out_may_be_one_of_both(is_over_the_later_one: bool) -> None:
    before, after = np.random.default_rng(1).standard_normal((2, 1, 480)).astype(np.float32)
    fade, expected = Crossfade(RATE_HZ), np.empty_like(before)
    fade.process(before, after, expected, 200)
    fade.process(before, after, after if is_over_the_later_one else before, 200)
    np.testing.assert_array_equal(after if is_over_the_later_one else before, expected)


def test_where_both_agree_nothing_changes() -> None:
    same = np.random.default_rng(1).standard_normal((2, 480)).astype(np.float32)
    out = np.empty_like(same)
    Crossfade(RATE_HZ).process(same, same.copy(), out, 100)
    np.testing.assert_array_equal(out, same)
