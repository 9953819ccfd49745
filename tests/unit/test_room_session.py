"""The wizard without its window: two takes for one voice, and pictures that say what they should."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
import soundfile
from scipy import signal

from app.room_picture import decay_in_words, draw
from app.room_session import RoomSession
from app.room_state import Step, Way
from app.rooms import RoomFolder
from engine.dsp.curve import GRID_HZ
from engine.io.simulated import LOOP_PREFIX, SimulatedBackend, Simulation
from engine.measure.profile import RoomProfile, StoredCurve
from engine.measure.response import Decay
from tests.helpers.rooms import RATE_HZ, room_impulse, speech_like

PATIENCE_S = 60.0


def await_that(condition: Callable[[], bool]) -> None:
    give_up_at_s = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < give_up_at_s
        time.sleep(0.01)


@pytest.fixture
def session(tmp_path: Path) -> Iterator[RoomSession]:
    session = RoomSession(RoomFolder(tmp_path / "rooms"), lambda: SimulatedBackend(Simulation(is_real_time=False)))
    yield session
    session.close()


def test_talking_twice_takes_the_second_voice_against_the_first(session: RoomSession, tmp_path: Path) -> None:
    voice = tmp_path / "voice.wav"
    soundfile.write(voice, signal.fftconvolve(speech_like(), room_impulse(0.3))[: 30 * RATE_HZ] * 0.2, RATE_HZ)
    microphone = f"{LOOP_PREFIX}{voice}"
    session.learn(Way.TALK, microphone, "simulated:out", {}, is_close_first=True, pattern="omni")
    phases: dict[str, float] = {}

    def is_over() -> bool:
        state = session.state
        phases.setdefault(state.phase, state.progress)
        return state.step is not Step.LEARNING

    await_that(is_over)
    state = session.state
    assert state.problem == ""
    assert state.picture is not None
    close = next(progress for phase, progress in phases.items() if "hand's length" in phase)
    seat = next(progress for phase, progress in phases.items() if "where you always sit" in phase)
    assert close < 0.5 <= seat
    # The same voice both times: the room has no colour of its own, so next to nothing is corrected.
    assert np.abs(state.picture.correction_db).max() < 1.0
    assert "Compared with the voice: own." in state.picture.words
    assert "Which kind the microphone is" not in state.picture.words
    session.keep("Desk")
    await_that(lambda: session.state.kept == "Desk" and session.state.names == ("Desk",))


def test_a_picture_follows_the_parameters_of_the_chain() -> None:
    bump_db = 6.0 * np.exp(-(np.log2(GRID_HZ / 300.0) ** 2) * 4.0)
    profile = RoomProfile(
        name="Box",
        made_at="2026-11-26T08:00:00",
        way=Way.SWEEP,
        response=StoredCurve(tuple(GRID_HZ.tolist()), tuple(bump_db.tolist())),
    )
    whole = draw(profile, {})
    half = draw(profile, {"room_correction.strength": 50.0})
    assert min(whole.correction_db) < -4.0
    assert min(half.correction_db) == pytest.approx(min(whole.correction_db) / 2, abs=1.0)
    warm = draw(profile, {"room_correction.target": "warm"})
    assert warm.target_db[-1] == pytest.approx(-3.0)
    assert len(whole.measured_db) == len(whole.frequencies_hz) == len(whole.target_db)


def test_figures_in_words() -> None:
    words = decay_in_words(Decay(0.9, 1.02, 0.8, -1.5, -3.0), Way.SWEEP)
    assert words[0].startswith("The room rings for 1.02 s (T30): long; curtains")
    assert words[2] == "Clarity C50 is −1.5 dB: speech is blurred."
    assert decay_in_words(Decay(None, None, 0.25, 0.0, 0.0), Way.TALK) == (
        "While you speak, about 0.25 s of it are heard (EDT): dry, like a studio.",
    )
    assert decay_in_words(None, Way.IMPORT) == ("How long the room rings was not learnt.",)
