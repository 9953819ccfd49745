"""The room wizard in its window, on a real sound server: a room learnt by sweeps, by talking, and by talking twice."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PySide6.QtWidgets import QWidget
from pytestqt.qtbot import QtBot
from scipy import signal

from app.room_session import RoomSession
from app.room_state import Step, Way
from app.rooms import RoomFolder
from app.ui.panels.room_panel import RoomPanel
from engine import DeviceConfig, RoomConfig, SetRoom
from engine.dsp.correction import FLAT, Limits, correction
from engine.dsp.curve import THIRD_OCTAVES_HZ, power_spectrum, third_octave_db
from engine.io.system import SystemBackend
from engine.measure.lesson import Lesson, SweepLesson, TalkLesson
from engine.measure.sweep import Sweep
from tests.gui.room_window import click, room_panel
from tests.helpers.fake_engine import FakeEngine
from tests.helpers.rooms import RATE_HZ, room_impulse, speech_like
from tests.rig.room_loop import room_in
from tests.rig.studio import PipeWireStudio

pytestmark = pytest.mark.needs("pipewire")

PATIENCE_MS = 60_000
Sound = NDArray[np.float32]
ATTEMPTS = 3
"""A busy machine may tear a hole into the sound; such a take is refused with the reason, and a user tries again."""

SHORT: dict[Way, Callable[[], Lesson]] = {
    Way.SWEEP: lambda: SweepLesson(Sweep(sweep_s=2.5, pause_s=1.2, takes=2)),
    Way.TALK: lambda: TalkLesson(talk_s=19.0),
}
"""As users have them, in less time."""


@pytest.fixture(scope="module")
def studio() -> Iterator[PipeWireStudio]:
    with PipeWireStudio() as studio:
        yield studio


@pytest.fixture
def folder(tmp_path: Path) -> RoomFolder:
    return RoomFolder(tmp_path / "rooms")


@pytest.fixture
def panel(
    qtbot: QtBot, engine: FakeEngine, folder: RoomFolder, studio: PipeWireStudio, monkeypatch: pytest.MonkeyPatch
) -> Iterator[RoomPanel]:
    for name in ("PULSE_SERVER", "PULSE_RUNTIME_PATH", "JACK_NO_START_SERVER"):
        monkeypatch.setenv(name, studio.env[name])
    devices = DeviceConfig(input="pulse:fake_mic", output="pulse:app_out")
    with room_panel(qtbot, engine, devices, lambda: RoomSession(folder, SystemBackend, SHORT)) as opened:
        opened.choosing.loudspeaker.addItem("The studio's", "pulse:app_out")
        opened.choosing.loudspeaker.setCurrentIndex(opened.choosing.loudspeaker.count() - 1)
        yield opened


def learn(qtbot: QtBot, panel: RoomPanel, way: str) -> None:
    """Take after take, as a user does, until one is of use."""
    refusals = []
    click(panel.choosing.ways[way])
    for _ in range(ATTEMPTS):
        qtbot.waitUntil(lambda: step(panel) is Step.LEARNING)
        qtbot.waitUntil(lambda: step(panel) is not Step.LEARNING, timeout=PATIENCE_MS)
        if step(panel) is Step.LEARNT:
            return
        refusals.append(panel.take.phase.text())
        click(panel.take.again_button)
    raise AssertionError(refusals)


def learn_twice(qtbot: QtBot, panel: RoomPanel, studio: PipeWireStudio, close: Sound, seat: Sound) -> None:
    """As `learn`, but who talks goes to the seat when told to."""
    refusals = []
    start: QWidget = panel.choosing.ways["twice"]
    for _ in range(ATTEMPTS):
        with studio.speaking(close):
            click(start)
            qtbot.waitUntil(lambda: step(panel) is Step.LEARNING)
            qtbot.waitUntil(
                lambda: step(panel) is not Step.LEARNING or "from where you always sit" in panel.take.phase.text(),
                timeout=PATIENCE_MS,
            )
        with studio.speaking(seat):
            qtbot.waitUntil(lambda: step(panel) is not Step.LEARNING, timeout=PATIENCE_MS)
        if step(panel) is Step.LEARNT:
            return
        refusals.append(panel.take.phase.text())
        start = panel.take.again_button
    raise AssertionError(refusals)


def step(panel: RoomPanel) -> Step | None:
    return panel._shown.step if panel._shown is not None else None


def test_sweeps_through_the_sound_server_teach_a_room_that_is_kept_and_used(
    qtbot: QtBot, panel: RoomPanel, engine: FakeEngine, folder: RoomFolder, studio: PipeWireStudio, tmp_path: Path
) -> None:
    impulse = room_impulse(0.3, seconds=1.0)
    impulse /= np.sqrt(np.sum(impulse**2))
    np.save(tmp_path / "room.npy", impulse)
    with room_in(studio, tmp_path / "room.npy", noise=1e-3):
        learn(qtbot, panel, "sweep")
    assert "The room rings for 0.3" in panel.result.words.text()
    panel.result.name.setText("Attic")
    click(panel.result.use_button)
    used = SetRoom(RoomConfig(profile="Attic"))
    qtbot.waitUntil(lambda: used in engine.commands)
    kept = folder.load("Attic")
    assert (kept.input_device, kept.output_device) == ("fake_mic", "app_out")
    found_db = third_octave_db(power_spectrum(kept.impulse_samples()), RATE_HZ)
    error_db = found_db - third_octave_db(power_spectrum(impulse), RATE_HZ)
    assert np.abs(error_db - error_db.mean()).max() < 1.0


def test_talking_into_the_sound_server_teaches_a_boxy_room(
    qtbot: QtBot, panel: RoomPanel, folder: RoomFolder, studio: PipeWireStudio
) -> None:
    boxy = signal.oaconvolve(speech_like(20.0), room_impulse(0.3, boxy_db=20.0))[: 20 * RATE_HZ]
    # Enough for every attempt.
    voice = np.tile(0.3 * boxy / np.abs(boxy).max(), 4).astype(np.float32)
    with studio.speaking(voice):
        learn(qtbot, panel, "talk")
    panel.result.name.setText("Box")
    click(panel.result.save_button)
    qtbot.waitUntil(lambda: folder.names() == ["Box"])
    kept = folder.load("Box")
    assert (kept.input_device, kept.output_device) == ("fake_mic", "")
    at_the_box = int(np.argmin(np.abs(THIRD_OCTAVES_HZ - 315.0)))
    level_db = kept.response.curve().at(THIRD_OCTAVES_HZ)
    assert level_db[at_the_box] - np.median(level_db) > 3.0


def test_talking_twice_into_the_sound_server_teaches_the_room_without_the_voice(
    qtbot: QtBot, panel: RoomPanel, engine: FakeEngine, folder: RoomFolder, studio: PipeWireStudio
) -> None:
    impulse = room_impulse(0.3, boxy_db=12.0)
    # Over and over, so that it is the same whenever a recording begins, and enough of it for both.
    phrase = np.tile(speech_like(11.0), 6)
    seat = signal.oaconvolve(phrase, impulse)[: phrase.size]
    panel.choosing.pattern.setCurrentIndex(panel.choosing.pattern.findData("omni"))
    close, far = ((0.3 * sound / np.abs(sound).max()).astype(np.float32) for sound in (phrase, seat))
    learn_twice(qtbot, panel, studio, close, far)
    panel.result.name.setText("Den")
    click(panel.result.use_button)
    used = SetRoom(RoomConfig(profile="Den"))
    qtbot.waitUntil(lambda: used in engine.commands)
    truth_db = third_octave_db(power_spectrum(impulse), RATE_HZ)
    left_db = truth_db + correction(folder.load("Den").room(), FLAT, Limits()).at(THIRD_OCTAVES_HZ)
    assert np.std(left_db) < 0.5 * np.std(truth_db)
