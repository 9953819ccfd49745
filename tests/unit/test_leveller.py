"""The leveller: it reaches its target by the voice alone, leaves pauses and the room alone, and keeps within its bounds."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from engine.control.controls import Controls
from engine.core.chain import Chain
from engine.core.stage import Block, Context, StreamFormat
from engine.dsp.loudness import LoudnessMeter
from engine.stages.leveller import Leveller, LevellerParams
from engine.stages.limiter import Limiter, LimiterParams
from tests.helpers.stages import SAMPLE_RATE, blocks_of, run, run_through, voice_like


def prepared(channels: int = 1, is_mono_doubled: bool = False) -> Leveller:
    stage = Leveller()
    stage.prepare(StreamFormat(SAMPLE_RATE, channels, 480, is_mono_doubled=is_mono_doubled))
    return stage


def voice_at(lufs: float, seconds: float, channels: int = 1, seed: int = 1) -> Block:
    samples = voice_like(seconds, channels, seed)
    gained: Block = samples * np.float32(10 ** ((lufs - integrated(samples)) / 20))
    return gained


def room(seconds: float, level_dbfs: float = -60.0) -> Block:
    noise = np.random.default_rng(5).standard_normal((1, round(seconds * SAMPLE_RATE)))
    return (10 ** (level_dbfs / 20) * noise).astype(np.float32)


def integrated(samples: Block) -> float:
    meter = LoudnessMeter(SAMPLE_RATE, samples.shape[0])
    meter.process(np.ascontiguousarray(samples))
    return meter.integrated_lufs


def level_dbfs(samples: Block) -> float:
    return float(10 * np.log10(np.mean(samples.astype(np.float64) ** 2) + 1e-20))


@pytest.mark.parametrize(
    ("target_lufs", "arrives_at"), [(-14.0, -40.0), (-16.0, -12.0), (-16.0, -40.0), (-23.0, -25.0)]
)
def test_the_voice_reaches_its_target(target_lufs: float, arrives_at: float, speech: NDArray[np.float32]) -> None:
    voice = np.tile(speech, 5)[None]
    voice *= np.float32(10 ** ((arrives_at - integrated(voice)) / 20))
    # With the limiter that follows it: what that will take is part of the reckoning.
    limiter = Limiter()
    limiter.prepare(StreamFormat(SAMPLE_RATE, 1, 480))
    out = run(limiter, run(prepared(), voice, LevellerParams(target_lufs=target_lufs, boost_db=36.0)), LimiterParams())
    assert integrated(out[:, 30 * SAMPLE_RATE :]) == pytest.approx(target_lufs, abs=0.5)


def test_pauses_do_not_raise_the_room_and_do_not_move_the_gain() -> None:
    speech = voice_at(-40.0, 8.0)
    samples = np.concatenate([speech, room(6.0), speech], axis=1)
    stage = prepared()
    context = Context(LevellerParams(boost_db=30.0), len(stage.meters))
    held_db = []
    out = samples.copy()
    for cut in blocks_of(out.shape[1]):
        stage.process(out[:, cut], context)
        held_db.append(float(context.meters[2]))
    pause = slice(round(8.7 * SAMPLE_RATE), 14 * SAMPLE_RATE)
    assert level_dbfs(out[:, pause]) < -60.0 + 1.0
    assert held_db[1399] == held_db[850]
    # And the voice comes back at once where it was.
    assert held_db[799] > 18.0
    assert level_dbfs(out[:, 14 * SAMPLE_RATE : 15 * SAMPLE_RATE]) == pytest.approx(
        level_dbfs(out[:, 7 * SAMPLE_RATE : 8 * SAMPLE_RATE]), abs=4.0
    )


def test_a_room_is_never_taken_for_a_voice() -> None:
    assert level_dbfs(run(prepared(), room(8.0, -45.0), LevellerParams())[:, SAMPLE_RATE * 2 :]) < -44.0


@pytest.mark.parametrize(("arrives_at", "gain_db"), [(-45.0, 9.0), (-3.0, -6.0)])
def test_gain_stays_within_its_bounds(arrives_at: float, gain_db: float) -> None:
    stage = prepared()
    context = Context(LevellerParams(boost_db=9.0, cut_db=6.0), len(stage.meters))
    samples = voice_at(arrives_at, 10.0)
    for cut in blocks_of(samples.shape[1]):
        stage.process(samples[:, cut], context)
        assert -6.0 - 1e-6 <= context.meters[2] <= 9.0 + 1e-6
    assert context.meters[2] == pytest.approx(gain_db, abs=0.01)


def test_gain_moves_no_faster_than_it_may() -> None:
    stage = prepared()
    context = Context(LevellerParams(rate_db_per_s=10.0), len(stage.meters))
    samples = voice_at(-40.0, 5.0)
    gains_db = []
    for cut in blocks_of(samples.shape[1]):
        stage.process(samples[:, cut], context)
        gains_db.append(float(context.meters[2]))
    assert np.diff(gains_db).max() == pytest.approx(0.1, abs=0.001)


def test_a_whisper_after_a_shout_is_followed_within_a_second_or_two() -> None:
    samples = np.concatenate([voice_at(-10.0, 6.0), voice_at(-35.0, 6.0, seed=2)], axis=1)
    out = run(prepared(), samples, LevellerParams(boost_db=30.0))
    assert integrated(out[:, 8 * SAMPLE_RATE :]) == pytest.approx(-16.0, abs=2.0)


def test_it_starts_where_the_last_stream_ended() -> None:
    params = LevellerParams(start_db=15.0)
    first_word = run(prepared(), voice_at(-31.0, 10.0), params)[:, SAMPLE_RATE // 4 : SAMPLE_RATE]
    cold = run(prepared(), voice_at(-31.0, 10.0), LevellerParams())[:, SAMPLE_RATE // 4 : SAMPLE_RATE]
    assert level_dbfs(first_word) > level_dbfs(cold) + 3.0


def test_one_channel_for_two_ears_counts_twice() -> None:
    speech = voice_at(-30.0, 20.0)
    once = run(prepared(), speech, LevellerParams())
    twice = run(prepared(is_mono_doubled=True), speech, LevellerParams())
    difference_db = integrated(once[:, 10 * SAMPLE_RATE :]) - integrated(twice[:, 10 * SAMPLE_RATE :])
    assert difference_db == pytest.approx(3.01, abs=0.3)


def test_a_likely_voice_is_believed_where_an_unlikely_one_is_not() -> None:
    # Bursts 8 dB above the room: more than a likely voice needs, less than an unlikely one.
    bursts = room(8.0, -60.0)
    is_on = (np.arange(bursts.shape[1]) // 4800 % 2 == 0) & (np.arange(bursts.shape[1]) > 3 * SAMPLE_RATE)
    bursts[:, is_on] *= np.float32(10 ** (8 / 20))
    gains_db = []
    for probability in (0.0, 1.0):
        stage = prepared()
        context = Context(LevellerParams(boost_db=30.0), len(stage.meters))
        context.side.speech_probability = probability
        heard = bursts.copy()
        for cut in blocks_of(heard.shape[1]):
            stage.process(heard[:, cut], context)
        gains_db.append(float(context.meters[2]))
    assert gains_db[0] == 0.0
    assert gains_db[1] > 6.0


def test_the_room_is_not_raised_even_by_who_is_sure_that_somebody_speaks() -> None:
    heard = room(10.0, -60.0)
    heard[:, : 6 * SAMPLE_RATE] += voice_at(-38.0, 6.0)
    stage = prepared()
    context = Context(LevellerParams(boost_db=30.0), len(stage.meters))
    context.side.speech_probability = 1.0
    for cut in blocks_of(heard.shape[1]):
        stage.process(heard[:, cut], context)
    assert context.meters[2] > 15.0
    assert level_dbfs(heard[:, -2 * SAMPLE_RATE :]) < -57.0


def test_what_it_has_learnt_is_where_the_next_stream_begins() -> None:
    chain = Chain([Leveller()])
    chain.load({"leveller.target_lufs": -16.0}, {"leveller": False})
    controls = Controls(chain)
    chain.prepare(StreamFormat(SAMPLE_RATE, 1, 480))
    controls.keep_learnt()
    assert chain.values()["leveller.start_db"] == 0.0
    speech = voice_at(-31.0, 12.0)
    for cut in blocks_of(speech.shape[1]):
        chain.process(speech[:, cut])
    controls.keep_learnt()
    kept_db = float(chain.values()["leveller.start_db"])
    assert kept_db == pytest.approx(chain.slots[0].context.meters[2], abs=0.06)
    assert kept_db > 10.0
    # Nobody did it, so there is nothing to take back; and what has hardly changed is not written again.
    assert controls.undo() == ""
    revision = controls.revision
    chain.process(speech[:, :480])
    controls.keep_learnt()
    assert controls.revision == revision


def test_keeping_what_was_learnt_is_not_heard() -> None:
    speech = voice_at(-31.0, 6.0)
    still = run(prepared(), speech, LevellerParams())
    moved = run_through(prepared(), speech, [LevellerParams()] * 300 + [LevellerParams(start_db=12.0)])
    np.testing.assert_array_equal(still, moved)
