"""The duck: music stands at its level, goes down under speech and only then, stays down for the hold, and never clicks."""

from __future__ import annotations

import tracemalloc

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from engine.core.chain import Chain
from engine.core.params import ParamKind
from engine.core.stage import Block, Context, StreamFormat
from engine.hop import HopProcessor
from engine.stages.duck import Duck, DuckParams
from engine.stages.limiter import Limiter
from tests.helpers.stages import BLOCK, SAMPLE_RATE, blocks_of, clicks, run, run_through, tone, voice_like, with_values


def prepared(channels: int = 1) -> Duck:
    stage = Duck()
    stage.prepare(StreamFormat(SAMPLE_RATE, channels, BLOCK, is_fixed=False))
    return stage


def silence(seconds: float, channels: int = 1) -> Block:
    return np.zeros((channels, round(seconds * SAMPLE_RATE)), np.float32)


def programme() -> Block:
    """4 s of a quiet room, 4 s of voice, 4 s of room."""
    room = (1e-3 * np.random.default_rng(5).standard_normal((1, 12 * SAMPLE_RATE))).astype(np.float32)
    room[:, 4 * SAMPLE_RATE : 8 * SAMPLE_RATE] += 0.5 * voice_like(4.0)
    return room


def music_gain_db(voice: Block, params: DuckParams) -> NDArray[np.float64]:
    """Gain of the music every 10 ms, from a steady tone far too quiet to steer anything."""
    music = tone(voice.shape[1] / SAMPLE_RATE, -60.0, 5000.0)
    added = run(prepared(), voice, params, music=music).astype(np.float64) - voice
    carrier = (added * np.exp(-2j * np.pi * 5000 * np.arange(voice.shape[1]) / SAMPLE_RATE))[0]
    level = 2 * np.abs(carrier.reshape(-1, BLOCK).mean(axis=1)) / 10 ** (-60 / 20)
    gain_db: NDArray[np.float64] = 20 * np.log10(np.maximum(level, 1e-6))
    return gain_db


def test_it_says_that_it_waits_for_a_second_input() -> None:
    stage, ctx = prepared(), Context(DuckParams(), len(Duck.meters))
    assert stage.waits_for == "a second input"
    ctx.side.begin_block(np.zeros((2, BLOCK), np.float32))
    stage.process(silence(0.01), ctx)
    assert stage.waits_for == ""


def test_without_a_second_input_nothing_happens() -> None:
    voice = voice_like(1.0)
    np.testing.assert_array_equal(run(prepared(), voice, DuckParams()), voice)


def test_music_stands_at_its_level_goes_down_under_speech_and_comes_back() -> None:
    gain_db = music_gain_db(programme(), DuckParams(level_db=-6.0, depth_db=12.0, hold_ms=800.0))
    assert gain_db[200:390] == pytest.approx(-6.0, abs=0.1)
    assert gain_db[430:800] == pytest.approx(-18.0, abs=0.5)
    assert gain_db[1100:1200] == pytest.approx(-6.0, abs=0.5)


def test_hold_keeps_it_down_after_the_last_word() -> None:
    back_at_s = {
        hold_ms: np.flatnonzero(music_gain_db(programme(), DuckParams(hold_ms=hold_ms))[800:] > -18.0)[0] / 100
        for hold_ms in (200.0, 2000.0)
    }
    assert back_at_s[2000.0] - back_at_s[200.0] == pytest.approx(1.8, abs=0.05)


def test_it_is_down_as_fast_as_asked_and_back_as_slowly() -> None:
    gain_db = music_gain_db(programme(), DuckParams(level_db=0.0, depth_db=20.0, attack_ms=50.0, release_ms=1000.0))
    down = np.flatnonzero(gain_db < -18.0)[0] - np.flatnonzero(gain_db < -0.5)[0]
    after = gain_db[800:]
    back = np.flatnonzero(after > -2.0)[0] - np.flatnonzero(after > -19.5)[0]
    assert down * 10 == pytest.approx(50, abs=20)
    assert back * 10 == pytest.approx(1000, abs=250)


def test_a_noisy_room_does_not_duck_the_music() -> None:
    room = (10 ** (-45 / 20) * np.random.default_rng(3).standard_normal((1, 6 * SAMPLE_RATE))).astype(np.float32)
    assert music_gain_db(room, DuckParams(level_db=0.0))[200:] == pytest.approx(0.0, abs=0.5)


@pytest.mark.parametrize("music_channels", [1, 2])
@pytest.mark.parametrize("channels", [1, 2])
def test_channels_go_where_they_belong(channels: int, music_channels: int) -> None:
    music = np.stack([tone(1.0, -20.0)[0], tone(1.0, -20.0, 300.0)[0]])[:music_channels]
    out = run(prepared(channels), silence(1.0, channels), DuckParams(level_db=0.0), music=music)
    expected = music.mean(axis=0, keepdims=True) if channels < music_channels else np.resize(music, out.shape)
    np.testing.assert_allclose(out, expected, atol=1e-6)


@given(st.lists(st.integers(1, BLOCK), min_size=1, max_size=12))
def test_block_lengths_do_not_matter(lengths: list[int]) -> None:
    voice, music = programme()[:, 3 * SAMPLE_RATE : 5 * SAMPLE_RATE], tone(2.0, -20.0)
    whole = run(prepared(), voice, DuckParams(), music=music)
    np.testing.assert_allclose(run(prepared(), voice, DuckParams(), lengths, music), whole, atol=1e-7)


@pytest.mark.parametrize("name", [name for name, spec in DuckParams.specs().items() if spec.kind is ParamKind.NUMBER])
def test_no_parameter_clicks(name: str) -> None:
    spec = DuckParams.specs()[name]
    ends = [with_values(DuckParams, {name: value}) for value in (spec.minimum, spec.maximum)]
    settings = [*ends[:1] * 60, *ends[1:] * 60, *ends[:1] * 60]
    music = tone(1.8, -3.0)
    music *= np.float32(10 ** (-min(float(DuckParams().level_db), 0.0) / 20) if name != "level_db" else 0.25)
    found = clicks(run_through(prepared(), silence(1.8), settings, music)[0])
    assert 20 * np.log10(found[20 * BLOCK : -2 * BLOCK].max()) < -60.0


def test_going_down_does_not_click() -> None:
    # A burst of low tone is the voice: it and the music are both far below where clicks are looked for.
    voice = silence(2.0)
    voice[:, SAMPLE_RATE:] = tone(1.0, -10.0, 150.0) * np.hanning(SAMPLE_RATE).astype(np.float32)
    out = run(prepared(), voice, DuckParams(level_db=0.0, attack_ms=5.0, depth_db=40.0), music=tone(2.0, -3.0))
    assert 20 * np.log10(clicks(out[0])[20 * BLOCK : -2 * BLOCK].max()) < -55.0


def test_voice_and_music_together_keep_the_ceiling_and_bypass_takes_the_music_out() -> None:
    chain = Chain([Duck(), Limiter()])
    chain.prepare(StreamFormat(SAMPLE_RATE, 1, BLOCK))
    chain.load({"duck.level_db": 12.0, "duck.depth_db": 0.0}, {})
    voice, music = voice_like(2.0), tone(2.0, 0.0)
    out = voice.copy()
    for cut in blocks_of(out.shape[1]):
        chain.process(out[:, cut], music[:, cut].copy())
    assert np.abs(out).max() < 10 ** (-0.9 / 20)
    chain.bypass("duck", True)
    out = silence(1.0)
    for cut in blocks_of(out.shape[1]):
        chain.process(out[:, cut], music[:, cut].copy())
    assert np.abs(out[:, -BLOCK:]).max() < 1e-6


@pytest.mark.parametrize("level", [0.0, 1e-30, 1.0, 1e3, np.nan, np.inf])
def test_any_music_leaves_finite_sound(level: float) -> None:
    chain = Chain([Duck()])
    chain.prepare(StreamFormat(SAMPLE_RATE, 1, BLOCK))
    # What is no number is kept from the chain by the hop's processor, as the microphone's is.
    processor = HopProcessor(chain)
    out = voice_like(0.5)
    for cut in blocks_of(out.shape[1]):
        processor.process(out[:, cut], np.full((2, BLOCK), level, np.float32))
    assert np.isfinite(out).all()
    assert not chain.slots[0].fault


def test_memory_does_not_grow() -> None:
    stage, voice, music = prepared(), voice_like(1.0), tone(1.0, -20.0)
    context = Context(DuckParams(), len(stage.meters))

    def second() -> None:
        for cut in blocks_of(voice.shape[1]):
            context.side.music = music[:, cut]
            stage.process(voice[:, cut].copy(), context)

    second()
    tracemalloc.start()
    try:
        second()
        before, _ = tracemalloc.get_traced_memory()
        for _ in range(20):
            second()
        after, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert after - before < 4096
