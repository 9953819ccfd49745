"""The room wizard from the first button to the corrected voice, on a simulated loudspeaker and microphone in one room."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import msgspec
import numpy as np
import pytest
import soundfile
from numpy.typing import NDArray
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from pytestqt.qtbot import QtBot
from scipy import signal

from app.room_session import RoomSession
from app.room_state import Step
from app.rooms import RoomFolder
from app.ui.main_window import MainWindow
from app.ui.panels.room_listening import UNCORRECTED
from app.ui.panels.room_panel import RoomPanel
from engine import (
    ChainConfig,
    Compare,
    ComparisonSnapshot,
    DeviceConfig,
    EndComparison,
    Listen,
    RoomConfig,
    RoomSnapshot,
    SetRoom,
    Source,
)
from engine.io.simulated import SimulatedBackend
from tests.gui.cut_text import cut_texts
from tests.gui.room_window import click, room_panel
from tests.helpers.fake_engine import FakeEngine
from tests.helpers.rooms import RATE_HZ, room_impulse, speech_like
from tests.helpers.simulated_room import RoomLoop, room_backend, talking_backend

ROOM = room_impulse(0.4, seconds=1.5)
PATIENCE_MS = 60_000


class Studio:
    """What the next take finds."""

    def __init__(self) -> None:
        self.loop = RoomLoop(ROOM, gain=0.5, noise=2e-4)
        self.recording: NDArray[np.float64] | None = None

    def backend(self) -> SimulatedBackend:
        return room_backend(self.loop) if self.recording is None else talking_backend(self.recording)


@pytest.fixture
def studio() -> Studio:
    return Studio()


@pytest.fixture
def folder(tmp_path: Path) -> RoomFolder:
    return RoomFolder(tmp_path / "rooms")


@pytest.fixture
def panel(qtbot: QtBot, engine: FakeEngine, folder: RoomFolder, studio: Studio) -> Iterator[RoomPanel]:
    devices = DeviceConfig(input="simulated:in", output="simulated:out")
    with room_panel(qtbot, engine, devices, lambda: RoomSession(folder, studio.backend)) as opened:
        yield opened


def await_step(qtbot: QtBot, panel: RoomPanel, step: Step) -> None:
    qtbot.waitUntil(lambda: panel._shown is not None and panel._shown.step is step, timeout=PATIENCE_MS)


def await_kept(qtbot: QtBot, panel: RoomPanel, name: str) -> None:
    qtbot.waitUntil(lambda: panel._shown is not None and panel._shown.kept == name)


def sent(engine: FakeEngine) -> list[RoomConfig]:
    return [command.config for command in engine.commands if isinstance(command, SetRoom)]


def test_a_room_is_learnt_by_sweeps_seen_kept_used_and_forgotten(
    qtbot: QtBot, panel: RoomPanel, engine: FakeEngine, folder: RoomFolder, tmp_path: Path
) -> None:
    click(panel.choosing.ways["sweep"])
    await_step(qtbot, panel, Step.LEARNING)
    qtbot.waitUntil(lambda: panel.take.progress.value() > 10, timeout=PATIENCE_MS)
    assert panel.take.isVisible()
    assert "Sweep" in panel.take.phase.text() or "quiet room" in panel.take.phase.text()
    qtbot.waitUntil(lambda: cut_texts(panel.window()) == [])  # type: ignore[arg-type]
    await_step(qtbot, panel, Step.LEARNT)
    assert min(panel.result.plot.shown_lines) > 100
    assert "(T30): like a furnished room" in panel.result.words.text()
    assert "C50" in panel.result.words.text()
    qtbot.waitUntil(lambda: cut_texts(panel.window()) == [])  # type: ignore[arg-type]

    panel.result.name.setText("a/b")
    click(panel.result.use_button)
    qtbot.waitUntil(lambda: "cannot be the name of a room" in panel.result.problem.text())
    assert sent(engine) == []
    panel.result.name.setText("Attic")
    click(panel.result.use_button)
    qtbot.waitUntil(lambda: sent(engine) == [RoomConfig(profile="Attic")])
    kept = folder.load("Attic")
    assert kept.decay is not None
    assert (kept.input_device, kept.output_device) == ("Simulated microphone", "Simulated output")
    panel.export_picture(tmp_path / "attic.png")
    assert (tmp_path / "attic.png").read_bytes().startswith(b"\x89PNG")
    panel.export_equalizer(tmp_path / "attic.txt")
    qtbot.waitUntil((tmp_path / "attic.txt").exists)
    assert "Filter 1: ON" in (tmp_path / "attic.txt").read_text()

    click(panel.result.back_button)
    await_step(qtbot, panel, Step.CHOOSING)
    qtbot.waitUntil(lambda: panel.choosing.voice.currentData() == "Attic")
    qtbot.waitUntil(lambda: "learnt with another microphone" in panel.choosing.warning.text())
    assert "“Built-in microphone”" in panel.choosing.warning.text()
    qtbot.waitUntil(lambda: cut_texts(panel.window()) == [])  # type: ignore[arg-type]
    panel.choosing.voice.chosen.emit("")
    qtbot.waitUntil(lambda: sent(engine)[-1] == RoomConfig())
    click(panel.choosing.show_button)
    await_step(qtbot, panel, Step.LEARNT)
    assert panel.result.name.text() == "Attic"
    click(panel.result.back_button)
    await_step(qtbot, panel, Step.CHOOSING)
    click(panel.choosing.remove_button)
    click(panel.choosing.remove_button)  # it asks first
    qtbot.waitUntil(lambda: panel.choosing.list.count() == 0)
    assert folder.names() == []


def test_a_room_dies_away_on_the_screen_and_stands_beside_another(
    qtbot: QtBot, panel: RoomPanel, folder: RoomFolder, tmp_path: Path
) -> None:
    for name, t60_s in (("Attic", 0.4), ("Cellar", 0.9)):
        impulse = room_impulse(t60_s, seconds=1.5)
        soundfile.write(tmp_path / f"{name}.wav", 0.5 * impulse / np.abs(impulse).max(), RATE_HZ, subtype="FLOAT")
        panel.import_file(tmp_path / f"{name}.wav")
        await_step(qtbot, panel, Step.LEARNT)
        panel.result.name.setText(name)
        click(panel.result.save_button)
        await_kept(qtbot, panel, name)
        if name == "Attic":
            click(panel.result.back_button)
            await_step(qtbot, panel, Step.CHOOSING)
    result = panel.result
    assert result.plots.currentWidget() is result.plot
    click(result.decay_button)
    assert result.plots.currentWidget() is result.waterfall
    assert not result.waterfall.is_empty
    assert "dies away" in result.legend.text()
    click(result.tone_button)

    assert not result.plot.is_beside_shown
    result.beside.setCurrentIndex(result.beside.findData("Attic"))
    result.beside.chosen.emit("Attic")
    qtbot.waitUntil(lambda: result.plot.is_beside_shown)
    assert result.comparison.text().startswith("Beside “Attic”: T30 0.9")
    assert "against 0.4" in result.comparison.text()
    assert "Attic" in result.legend.text()
    qtbot.waitUntil(lambda: cut_texts(panel.window()) == [])  # type: ignore[arg-type]
    result.beside.chosen.emit("")
    qtbot.waitUntil(lambda: not result.plot.is_beside_shown)
    assert not result.comparison.isVisible()


def test_the_voice_is_heard_with_and_without_its_room(
    qtbot: QtBot, panel: RoomPanel, engine: FakeEngine, folder: RoomFolder
) -> None:
    assert not panel.listening.isVisible()
    engine.room = RoomSnapshot(RoomConfig(profile="Attic"))
    qtbot.waitUntil(panel.listening.isVisible)
    qtbot.waitUntil(lambda: cut_texts(panel.window()) == [])  # type: ignore[arg-type]
    click(panel.listening.sources[Source.B])
    without = Compare(chain=ChainConfig(bypass={"room_correction": True}), label=UNCORRECTED)
    qtbot.waitUntil(lambda: engine.commands[-2:] == [without, Listen(Source.B)])
    running = ComparisonSnapshot(Source.B, UNCORRECTED, False, 20.0, (0.0, -1.5))
    panel.listening.show_comparison(running)
    assert panel.listening.sources[Source.B].isChecked()
    panel.listening._listen(Source.A)
    qtbot.waitUntil(lambda: engine.commands[-1] == Listen(Source.A))
    assert engine.commands.count(without) == 1
    panel.listening.show_comparison(running)
    panel.listening.end_button.click()
    qtbot.waitUntil(lambda: engine.commands[-1] == EndComparison())
    # What another panel compares is not shown as ours.
    panel.listening.show_comparison(msgspec.structs.replace(running, other="denoise.mode light"))
    assert not panel.listening.sources[Source.B].isChecked()


def test_talking_teaches_a_boxy_room(qtbot: QtBot, panel: RoomPanel, studio: Studio) -> None:
    boxy = signal.oaconvolve(speech_like(), room_impulse(0.3, boxy_db=15.0))[: 30 * RATE_HZ]
    studio.recording = 0.3 * boxy / np.abs(boxy).max()
    click(panel.choosing.ways["talk"])
    await_step(qtbot, panel, Step.LEARNT)
    assert "Compared with the voice" in panel.result.words.text()
    assert min(panel.result.plot.shown_lines) > 100
    assert not panel.result.decay_button.isEnabled()


def test_talking_that_is_only_noise_is_refused(qtbot: QtBot, panel: RoomPanel, studio: Studio) -> None:
    studio.recording = 0.05 * np.random.default_rng(1).standard_normal(31 * RATE_HZ)
    click(panel.choosing.ways["talk"])
    await_step(qtbot, panel, Step.REFUSED)
    assert "the room is too loud to learn it by talking" in panel.take.phase.text().lower()


def test_the_microphone_of_the_system_is_one_to_learn_with(
    qtbot: QtBot, panel: RoomPanel, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[object] = []
    monkeypatch.setattr(panel._bridge, "_device_config", DeviceConfig())
    monkeypatch.setattr(panel._session, "learn", lambda way, *devices: asked.extend(devices[:2]))
    click(panel.choosing.ways["sweep"])
    assert asked == [None, None]


def test_a_take_that_is_too_loud_is_refused_and_tried_again(qtbot: QtBot, panel: RoomPanel, studio: Studio) -> None:
    studio.loop = RoomLoop(ROOM, gain=30.0)
    click(panel.choosing.ways["sweep"])
    await_step(qtbot, panel, Step.REFUSED)
    assert "clipped" in panel.take.phase.text()
    assert "turn the loudspeaker or the microphone down" in panel.take.phase.text()
    assert not panel.take.progress.isVisible()
    qtbot.waitUntil(lambda: cut_texts(panel.window()) == [])  # type: ignore[arg-type]
    studio.loop = RoomLoop(ROOM, gain=0.5, noise=2e-4)
    click(panel.take.again_button)
    await_step(qtbot, panel, Step.LEARNING)
    click(panel.take.cancel_button)
    await_step(qtbot, panel, Step.CHOOSING)
    assert panel.choosing.problem.text() == ""


def test_a_clap_that_did_not_come_is_refused(qtbot: QtBot, panel: RoomPanel, studio: Studio) -> None:
    studio.loop = RoomLoop(ROOM, gain=0.0)
    click(panel.choosing.ways["clap"])
    await_step(qtbot, panel, Step.REFUSED)
    assert "clap" in panel.take.phase.text()
    click(panel.take.back_button)
    await_step(qtbot, panel, Step.CHOOSING)


def test_an_impulse_response_is_taken_over_and_another_file_is_a_sentence(
    qtbot: QtBot, panel: RoomPanel, tmp_path: Path
) -> None:
    (tmp_path / "letter.txt").write_text("Dear friend")
    panel.import_file(tmp_path / "letter.txt")
    qtbot.waitUntil(lambda: "holds no measurement that is known here" in panel.choosing.problem.text())
    soundfile.write(tmp_path / "hall.wav", ROOM / np.abs(ROOM).max() * 0.5, RATE_HZ, subtype="FLOAT")
    panel.import_file(tmp_path / "hall.wav")
    await_step(qtbot, panel, Step.LEARNT)
    assert panel.result.name.text() == ""
    assert panel.result.problem.text() == ""
    click(panel.result.back_button)  # it asks first, because nothing is saved
    assert panel._session.state.step is Step.LEARNT
    click(panel.result.back_button)
    await_step(qtbot, panel, Step.CHOOSING)


def test_a_damaged_room_is_told_and_can_be_removed(
    qtbot: QtBot, panel: RoomPanel, folder: RoomFolder, tmp_path: Path
) -> None:
    (tmp_path / "rooms").mkdir()
    (tmp_path / "rooms" / "Cellar.room.json").write_bytes(b"?")
    panel._session.remove("nothing")
    qtbot.waitUntil(lambda: "there is no room profile" in panel.choosing.problem.text().lower())
    panel._session._look()
    qtbot.waitUntil(lambda: panel.choosing.marked == "Cellar")
    click(panel.choosing.show_button)
    qtbot.waitUntil(lambda: "nothing is corrected" in panel.choosing.problem.text())
    click(panel.choosing.remove_button)
    click(panel.choosing.remove_button)  # it asks first
    qtbot.waitUntil(lambda: folder.names() == [])


def test_closing_the_panel_ends_the_take_but_asks_first(qtbot: QtBot, panel: RoomPanel, quick_reader: None) -> None:
    session = panel._session
    click(panel.choosing.ways["clap"])
    await_step(qtbot, panel, Step.LEARNING)
    panel.close_button.click()
    assert session.state.step is Step.LEARNING
    assert not session._is_cancelled.is_set()
    panel.close_button.click()
    qtbot.waitUntil(lambda: session.state.step is Step.CHOOSING)


def test_a_room_under_a_name_in_use_replaces_that_one_at_a_second_press_only(
    qtbot: QtBot, panel: RoomPanel, engine: FakeEngine, folder: RoomFolder, tmp_path: Path
) -> None:
    soundfile.write(tmp_path / "hall.wav", ROOM / np.abs(ROOM).max() * 0.5, RATE_HZ, subtype="FLOAT")
    panel.import_file(tmp_path / "hall.wav")
    await_step(qtbot, panel, Step.LEARNT)
    panel.result.name.setText("Hall")
    QTest.keyClick(panel.result.name, Qt.Key.Key_Return)
    await_kept(qtbot, panel, "Hall")
    click(panel.result.save_button)  # itself under its own name: nothing is lost
    assert panel.result.save_button.text() == "Save"
    panel.import_file(tmp_path / "hall.wav")
    await_kept(qtbot, panel, "")
    panel.result.name.setText("Hall")
    click(panel.result.use_button)
    assert panel.result.use_button.text() == "Replace?"
    assert panel._session.state.kept == ""
    click(panel.result.use_button)
    await_kept(qtbot, panel, "Hall")
    qtbot.waitUntil(lambda: sent(engine) == [RoomConfig(profile="Hall")])
    assert folder.names() == ["Hall"]


def test_escape_asks_before_a_room_that_is_not_saved_is_lost(qtbot: QtBot, panel: RoomPanel, tmp_path: Path) -> None:
    window = panel.window()
    assert isinstance(window, MainWindow)
    assert panel.would_lose() == ""
    soundfile.write(tmp_path / "hall.wav", ROOM / np.abs(ROOM).max() * 0.5, RATE_HZ, subtype="FLOAT")
    panel.import_file(tmp_path / "hall.wav")
    await_step(qtbot, panel, Step.LEARNT)
    QTest.keyClick(window, Qt.Key.Key_Escape)
    assert window.tool_panel is panel
    assert window.events.lines[-1].startswith("This room is not saved; close again")
    panel.result.name.setText("Hall")
    click(panel.result.save_button)
    await_kept(qtbot, panel, "Hall")
    assert panel.would_lose() == ""
