"""The loudness meter as an object of the audio thread: any block length, bounded memory, nothing left after a reset."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.dsp.loudness import LoudnessMeter
from tests.helpers.stages import blocks_of, voice_like


def figures(meter: LoudnessMeter) -> list[float]:
    return [
        meter.momentary_lufs,
        meter.short_term_lufs,
        meter.integrated_lufs,
        meter.range_lu,
        meter.true_peak_dbtp,
        meter.max_momentary_lufs,
        meter.max_short_term_lufs,
    ]


def feed(meter: LoudnessMeter, samples: np.ndarray[tuple[int, int], np.dtype[np.float32]], lengths: list[int]) -> None:
    for cut in blocks_of(samples.shape[1], lengths):
        meter.process(samples[:, cut])


@settings(max_examples=10)
@given(lengths=st.lists(st.integers(1, 3000), min_size=1, max_size=9))
def test_block_lengths_do_not_matter(lengths: list[int]) -> None:
    samples = voice_like(5.0, 2)
    whole, cut = LoudnessMeter(48_000, 2), LoudnessMeter(48_000, 2)
    feed(whole, samples, [480])
    feed(cut, samples, lengths)
    assert figures(cut) == pytest.approx(figures(whole), abs=1e-6)


def test_nothing_heard_is_minus_infinity() -> None:
    meter = LoudnessMeter(48_000, 2)
    feed(meter, np.zeros((2, 48_000), np.float32), [480])
    assert figures(meter) == [-math.inf, -math.inf, -math.inf, 0.0, -math.inf, -math.inf, -math.inf]


def test_reset_is_as_good_as_new() -> None:
    used, fresh = LoudnessMeter(44_100, 1), LoudnessMeter(44_100, 1)
    feed(used, 2.0 * voice_like(4.0), [441])
    used.reset()
    feed(used, voice_like(4.0, seed=2), [441])
    feed(fresh, voice_like(4.0, seed=2), [441])
    assert figures(used) == figures(fresh)


def test_hours_read_like_minutes() -> None:
    minute = np.tile(voice_like(10.0)[:, ::6], (1, 6))
    meter = LoudnessMeter(8000, 1)
    feed(meter, minute, [80])
    first = figures(meter)
    for _ in range(120):
        meter.process(minute)
    later = figures(meter)
    # The seam between two minutes is one more window in hundreds; everything else is the same sound.
    assert later[2] == pytest.approx(first[2], abs=0.05)
    for _ in range(120):
        meter.process(minute)
    assert figures(meter) == pytest.approx(later, abs=2e-3)


def test_a_mono_microphone_on_both_channels_can_be_counted_as_the_pair_it_becomes() -> None:
    mono = voice_like(5.0)
    single, pair, weighted = LoudnessMeter(48_000, 1), LoudnessMeter(48_000, 2), LoudnessMeter(48_000, 1, [2.0])
    feed(single, mono, [480])
    feed(pair, np.tile(mono, (2, 1)), [480])
    feed(weighted, mono, [480])
    assert weighted.integrated_lufs == pytest.approx(pair.integrated_lufs, abs=1e-6)
    assert pair.integrated_lufs - single.integrated_lufs == pytest.approx(10 * math.log10(2), abs=0.02)


@pytest.mark.parametrize("level", [1e6, 1e-30])
def test_absurd_levels_stay_finite(level: float) -> None:
    meter = LoudnessMeter(48_000, 1)
    feed(meter, np.full((1, 48_000), level, np.float32), [480])
    assert not math.isnan(sum(figures(meter)))
    assert meter.integrated_lufs < 130


def test_the_last_ten_minutes_are_the_whole_while_there_is_no_more() -> None:
    meter = LoudnessMeter(48_000, 1)
    assert meter.last_ten_minutes_lufs == -math.inf
    feed(meter, voice_like(20.0), [480])
    assert meter.last_ten_minutes_lufs == pytest.approx(meter.integrated_lufs, abs=0.02)


def test_the_last_ten_minutes_forget_what_was_before() -> None:
    meter = LoudnessMeter(8_000, 1)
    t = np.arange(60 * 8_000) / 8_000
    minute = np.sin(2 * np.pi * 1000 * t).astype(np.float32)[None]
    meter.process(0.5 * minute)
    for _ in range(10):
        meter.process(np.float32(0.05) * minute)
    # A window of 400 ms may still reach back into the loud minute.
    assert meter.last_ten_minutes_lufs == pytest.approx(meter.short_term_lufs, abs=0.2)
    assert meter.integrated_lufs > meter.last_ten_minutes_lufs + 8
