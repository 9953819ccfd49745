"""The dereverb stage: what rings on goes down by no more than its strength, what is said stays, and nothing is late."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import signal

from engine.config import RoomConfig
from engine.core.stage import Block, Context, StreamFormat
from engine.dsp.correction import Room
from engine.monitor import MonitorBus
from engine.rooms import Rooms
from engine.stages.dereverb import Dereverb, DereverbParams
from tests.helpers.rooms import room_impulse, room_of, speech_like
from tests.helpers.stages import SAMPLE_RATE, run

DECAY_S = 0.8
TAIL = room_impulse(DECAY_S, boxy_db=0.0)


def prepared(room: Room | None = None, channels: int = 1) -> Dereverb:
    stage = Dereverb(room)
    stage.prepare(StreamFormat(SAMPLE_RATE, channels, 480))
    return stage


def bursts(seconds: float = 4.0) -> NDArray[np.float64]:
    """Noise of 150 ms twice a second, with nothing between."""
    t = np.arange(round(seconds * SAMPLE_RATE)) / SAMPLE_RATE
    gate = (t % 0.5) < 0.15
    return np.asarray(0.1 * gate * np.random.default_rng(1).standard_normal(t.size))


def in_room(sound: NDArray[np.float64]) -> Block:
    return np.asarray(signal.oaconvolve(sound, TAIL)[None, : sound.size], np.float32)


def level_db(samples: Block, start_s: float, stop_s: float) -> float:
    """Mean level of this stretch after each burst but the first two."""
    period = SAMPLE_RATE // 2
    stretches = samples[0, 2 * period :].reshape(-1, period)[
        :, round(start_s * SAMPLE_RATE) : round(stop_s * SAMPLE_RATE)
    ]
    return float(10 * np.log10(np.mean(stretches.astype(np.float64) ** 2)))


@pytest.mark.parametrize("strength_db", [6.0, 12.0])
def test_what_rings_on_goes_down_by_the_strength(strength_db: float) -> None:
    heard = in_room(bursts())
    out = run(prepared(), heard, DereverbParams(strength_db=strength_db, decay_s=DECAY_S, direct_db=-15.0))
    assert level_db(heard, 0.25, 0.45) - level_db(out, 0.25, 0.45) == pytest.approx(strength_db, abs=1.0)


def test_a_near_voice_is_taken_for_less_reverberant() -> None:
    heard = in_room(bursts())
    far, near = (
        run(prepared(), heard, DereverbParams(strength_db=12.0, decay_s=DECAY_S, direct_db=direct_db))
        for direct_db in (-10.0, 15.0)
    )
    assert level_db(far, 0.02, 0.45) < level_db(near, 0.02, 0.45) - 1.0


def test_what_is_said_stays() -> None:
    heard = in_room(bursts())
    out = run(prepared(), heard, DereverbParams(strength_db=12.0, decay_s=DECAY_S))
    assert level_db(heard, 0.02, 0.15) - level_db(out, 0.02, 0.15) < 2.0


def test_without_strength_nothing_is_changed() -> None:
    heard = in_room(bursts(1.0))
    out = run(prepared(), heard, DereverbParams(strength_db=0.0))
    assert np.abs(out - heard).max() < 1e-6


def test_nothing_is_late() -> None:
    stage = prepared()
    assert stage.latency_samples == 0
    click = np.zeros((1, 9600), np.float32)
    click[0, 5000] = 0.5
    out = run(stage, click, DereverbParams())
    assert int(np.argmax(np.abs(out))) == 5000
    assert not out[0, :5000].any()


def test_the_room_that_was_learnt_tells_the_decay() -> None:
    heard = in_room(bursts())
    curve = room_of(TAIL).curve
    params = DereverbParams(strength_db=12.0, decay_s=0.2)
    as_set, as_learnt = prepared(), prepared(Room(curve, decay_s=DECAY_S))
    as_set_db = level_db(run(as_set, heard, params), 0.2, 0.25)
    as_learnt_db = level_db(run(as_learnt, heard, params), 0.2, 0.25)
    assert as_learnt_db < as_set_db - 2.0
    # A room of which no decay was learnt says nothing.
    np.testing.assert_array_equal(run(prepared(Room(curve)), heard, params), run(prepared(), heard, params))


def test_it_hears_which_room_is_chosen() -> None:
    stage = Dereverb()
    rooms = Rooms([stage], MonitorBus(), lambda name: Room(room_of(TAIL).curve, decay_s=1.25))
    rooms.choose(RoomConfig(profile="Attic"))
    for chosen in (stage, stage.successor()):
        chosen.prepare(StreamFormat(SAMPLE_RATE, 1, 480))
        assert _meters(chosen)[1] == pytest.approx(1.25)
    rooms.choose(RoomConfig())
    assert _meters(stage)[1] == pytest.approx(DereverbParams().decay_s)


def _meters(stage: Dereverb) -> NDArray[np.float32]:
    context = Context(DereverbParams(), len(Dereverb.meters))
    stage.process(np.zeros((1, 480), np.float32), context)
    return context.meters


def test_the_picture_between_the_channels_stands_still() -> None:
    mono = in_room(bursts(2.0))
    both = np.concatenate([mono, 0.25 * mono])
    out = run(prepared(channels=2), both, DereverbParams(strength_db=12.0, decay_s=DECAY_S))
    np.testing.assert_allclose(out[1], 0.25 * out[0], atol=1e-6)


def test_a_dry_voice_is_hardly_touched() -> None:
    voice = speech_like(6.0).astype(np.float32)[None]
    out = run(prepared(), voice, DereverbParams(decay_s=0.3))
    assert 10 * np.log10(np.mean(voice**2) / np.mean(out**2)) < 1.0
