"""The gate: pauses go down by its depth, words keep their first milliseconds, and it learns a room that changes."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from engine.core.stage import Block, StreamFormat
from engine.stages.gate import Gate, GateParams
from tests.helpers.stages import SAMPLE_RATE, run, tone, voice_like


def prepared() -> Gate:
    stage = Gate()
    stage.prepare(StreamFormat(SAMPLE_RATE, 1, 480))
    return stage


def noise(seconds: float, level_dbfs: float) -> Block:
    samples = np.random.default_rng(5).standard_normal((1, round(seconds * SAMPLE_RATE)))
    return (10 ** (level_dbfs / 20) * samples).astype(np.float32)


def level_dbfs(samples: NDArray[np.float32]) -> float:
    return float(10 * np.log10(np.mean(samples.astype(np.float64) ** 2) + 1e-20))


@pytest.mark.parametrize("room_dbfs", [-75.0, -60.0, -45.0])
@pytest.mark.parametrize("depth_db", [12.0, 40.0])
def test_the_room_goes_down_by_the_depth_however_loud_it_is(room_dbfs: float, depth_db: float) -> None:
    out = run(prepared(), noise(6.0, room_dbfs), GateParams(depth_db=depth_db))
    assert level_dbfs(out[:, 4 * SAMPLE_RATE :]) == pytest.approx(room_dbfs - depth_db, abs=0.3)


def test_words_survive_from_their_start(speech: NDArray[np.float32]) -> None:
    # A real voice 30 dB above a steady room, with the gate wide and deep; levels from one word's start to the next.
    voice = speech[None] * np.float32(10 ** ((-25.0 - level_dbfs(speech)) / 20))
    out = run(prepared(), voice + noise(10.0, -60.0), GateParams(depth_db=30.0))
    step = SAMPLE_RATE // 50
    energies = (voice[0, : voice.shape[1] // step * step].astype(np.float64).reshape(-1, step) ** 2).mean(axis=1)
    levels = 10 * np.log10(energies + 1e-12)
    # Word starts once the room is known: 20 ms well above the room, after 60 ms that were at least 12 dB below them.
    starts = [
        index
        for index in range(50, len(levels))
        if levels[index] > -40.0 and levels[index - 3 : index].max() < levels[index] - 12.0
    ]
    assert len(starts) >= 5
    lost_db = [
        level_dbfs(voice[0, index * step : (index + 1) * step]) - level_dbfs(out[0, index * step : (index + 1) * step])
        for index in starts
    ]
    assert np.median(lost_db) < 0.5
    assert max(lost_db) < 3.0


def test_it_opens_within_three_milliseconds() -> None:
    samples = np.concatenate([noise(3.0, -65.0), tone(0.5, -20.0)], axis=1)
    out = run(prepared(), samples, GateParams(depth_db=40.0))
    after = slice(3 * SAMPLE_RATE + 3 * 48 + 96, 3 * SAMPLE_RATE + 4800)
    assert level_dbfs(out[0, after]) == pytest.approx(level_dbfs(samples[0, after]), abs=1.0)


def test_hold_keeps_it_open_between_words() -> None:
    word = voice_like(0.15)
    samples = np.concatenate([noise(3.0, -60.0), word, noise(0.25, -60.0), word], axis=1)
    held = run(prepared(), samples, GateParams(depth_db=40.0, hold_ms=400.0, release_ms=20.0))
    let_go = run(prepared(), samples, GateParams(depth_db=40.0, hold_ms=20.0, release_ms=10.0))
    between = slice(round(3.30 * SAMPLE_RATE), round(3.39 * SAMPLE_RATE))
    assert level_dbfs(held[0, between]) > -61.0
    assert level_dbfs(let_go[0, between]) < -90.0


def test_a_room_that_gets_louder_is_learned() -> None:
    samples = np.concatenate([voice_like(3.0), noise(4.0, -70.0), noise(4.0, -50.0)], axis=1)
    out = run(prepared(), samples, GateParams(depth_db=18.0))
    assert level_dbfs(out[0, -SAMPLE_RATE:]) == pytest.approx(-68.0, abs=0.5)


def test_a_room_that_gets_louder_before_anyone_has_spoken_is_learned() -> None:
    samples = np.concatenate([noise(3.0, -70.0), noise(3.0, -50.0)], axis=1)
    assert level_dbfs(run(prepared(), samples, GateParams())[0, -SAMPLE_RATE:]) == pytest.approx(-68.0, abs=0.5)


def test_a_long_hold_outlasts_a_steady_pause() -> None:
    samples = np.concatenate([noise(3.0, -60.0), voice_like(2.0), noise(2.0, -60.0)], axis=1)
    out = run(prepared(), samples, GateParams(depth_db=40.0, hold_ms=1500.0, release_ms=20.0))
    assert level_dbfs(out[0, round(5.8 * SAMPLE_RATE) : round(6.2 * SAMPLE_RATE)]) > -61.0
    assert level_dbfs(out[0, round(6.8 * SAMPLE_RATE) :]) < -90.0
