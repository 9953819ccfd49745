"""The panel of the link to OBS: what the user does goes down as one command, what the service says is shown."""

from __future__ import annotations

import threading

import msgspec
import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QLabel
from pytestqt.qtbot import QtBot

from app.bridge import EngineBridge
from app.ui.main_window import MainWindow
from app.ui.panels.obs_panel import ObsPanel
from engine import (
    ObsChoices,
    ObsConfig,
    ObsError,
    ObsInput,
    ObsLink,
    ObsOutputs,
    ObsStatus,
    SceneRule,
    ServicesSnapshot,
    SetService,
)
from tests.helpers.fake_engine import FakeEngine

STATUS = ObsStatus(
    link=ObsLink.CONNECTED,
    version="30.0.0",
    scene="Talk",
    inputs=(ObsInput("Mic", -44),),
    captions="sent into the stream",
    outputs=ObsOutputs(is_streaming=True, stream_s=61.0, dropped_frames=3, stream_frames=150),
    choices=ObsChoices(scenes=("Talk", "Break"), audio_inputs=("Mic", "Other"), text_sources=("Captions",)),
)


@pytest.fixture
def panel(qtbot: QtBot, window: MainWindow, engine: FakeEngine) -> ObsPanel:
    """The panel in the window, with an OBS that is there."""
    engine.services = msgspec.structs.replace(
        engine.services, config=engine.services.config.with_part(ObsConfig(is_on=True)), obs=STATUS
    )
    window.open_tool("obs")
    panel = window.tool_panel
    assert isinstance(panel, ObsPanel)
    qtbot.waitUntil(lambda: panel.offset.value == "−44 ms")
    return panel


def config(engine: FakeEngine) -> ObsConfig:
    return engine.services.config.obs


def test_it_shows_what_obs_does(panel: ObsPanel) -> None:
    assert panel.state.text == "Connected to OBS 30.0.0, scene “Talk”"
    assert (panel.stream.value, panel.record.value, panel.dropped.value) == ("0:01:01", "off", "3 (2.0 %)")
    assert panel.captions.text == "sent into the stream"


def test_why_obs_is_not_there_is_said(qtbot: QtBot, panel: ObsPanel, engine: FakeEngine) -> None:
    waiting = ObsStatus(link=ObsLink.WAITING, text="OBS refuses the password")
    engine.services = msgspec.structs.replace(engine.services, obs=waiting)
    qtbot.waitUntil(lambda: panel.state.text == "Looking for OBS: OBS refuses the password")
    assert (panel.offset.value, panel.stream.value) == ("–", "–")


def test_switches_and_choices_go_down(qtbot: QtBot, panel: ObsPanel, engine: FakeEngine) -> None:
    QTest.mouseClick(panel.stream_captions, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: config(engine).sends_stream_captions)
    panel.text_source.setCurrentText("Captions")
    panel.text_source.activated.emit(panel.text_source.currentIndex())
    qtbot.waitUntil(lambda: config(engine).text_source == "Captions")
    panel.port.selectAll()
    QTest.keyClicks(panel.port, "4456")
    QTest.keyClick(panel.port, Qt.Key.Key_Return)
    qtbot.waitUntil(lambda: config(engine).port == 4456)
    assert config(engine).is_on
    QTest.mouseClick(panel.link, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: not config(engine).is_on)


def test_how_the_delay_is_shared_out_is_typed(qtbot: QtBot, panel: ObsPanel, engine: FakeEngine) -> None:
    panel.picture_delay.selectAll()
    QTest.keyClicks(panel.picture_delay, "80")
    QTest.keyClick(panel.picture_delay, Qt.Key.Key_Return)
    qtbot.waitUntil(lambda: config(engine).picture_delay_ms == 80.0)
    panel.lowest_offset.selectAll()
    QTest.keyClicks(panel.lowest_offset, "-2000")
    QTest.keyClick(panel.lowest_offset, Qt.Key.Key_Return)
    qtbot.waitUntil(lambda: panel.lowest_offset.text() == "−950 ms")
    panel.lowest_offset.selectAll()
    QTest.keyClicks(panel.lowest_offset, "-300")
    QTest.keyClick(panel.lowest_offset, Qt.Key.Key_Return)
    qtbot.waitUntil(lambda: config(engine).lowest_offset_ms == -300)


def test_a_scene_gets_a_preset_and_loses_it(qtbot: QtBot, panel: ObsPanel, engine: FakeEngine) -> None:
    rule = SceneRule("Break", "stream")
    engine.services = msgspec.structs.replace(
        engine.services, config=engine.services.config.with_part(ObsConfig(is_on=True, scene_rules=(rule,)))
    )
    box = panel._scenes["Break"]
    qtbot.waitUntil(lambda: box.currentText() == "stream (not found)")
    box.setCurrentIndex(0)
    box.activated.emit(0)
    qtbot.waitUntil(lambda: config(engine).scene_rules == ())


def test_a_scene_that_obs_has_no_more_goes_unless_it_has_a_preset(
    qtbot: QtBot, panel: ObsPanel, engine: FakeEngine
) -> None:
    def listed() -> list[str]:
        labels = (panel._rule_grid.itemAtPosition(row, 0) for row in range(panel._rule_grid.rowCount()))
        widgets = [item.widget() for item in labels if item is not None]
        return [widget.text() for widget in widgets if isinstance(widget, QLabel)]

    assert listed() == ["Talk", "Break"]
    choices = msgspec.structs.replace(STATUS.choices, scenes=("Talk", "Game"))
    without = msgspec.structs.replace(STATUS, choices=choices)
    engine.services = msgspec.structs.replace(engine.services, obs=without)
    qtbot.waitUntil(lambda: listed() == ["Talk", "Game"])
    ruled = ObsConfig(is_on=True, scene_rules=(SceneRule("Break", "stream"),))
    engine.services = msgspec.structs.replace(engine.services, config=engine.services.config.with_part(ruled))
    qtbot.waitUntil(lambda: listed() == ["Talk", "Game", "Break"])
    panel._scenes["Break"].chosen.emit("")
    qtbot.waitUntil(lambda: listed() == ["Talk", "Game"])
    panel._scenes["Game"].chosen.emit("podcast")
    qtbot.waitUntil(lambda: config(engine).scene_rules == (SceneRule("Game", "podcast"),))


def test_a_password_goes_to_the_keyring_and_nowhere_else(
    qtbot: QtBot, bridge: EngineBridge, engine: FakeEngine
) -> None:
    kept: list[tuple[str, str]] = []
    panel = ObsPanel(bridge, lambda password: kept.append((password, threading.current_thread().name)))
    qtbot.addWidget(panel)
    bridge.open()
    QTest.keyClicks(panel.password.entry, "secret")
    QTest.mouseClick(panel.password.button, Qt.MouseButton.LeftButton)
    assert panel.password.entry.text() == ""
    qtbot.waitUntil(lambda: config(engine).password_changes == 1)
    assert kept == [("secret", "sidetone-keyring")]
    assert "secret" not in str(engine.commands)
    assert SetService(ObsConfig(password_changes=1)) in engine.commands


def test_a_keyring_that_refuses_is_said(qtbot: QtBot, bridge: EngineBridge, engine: FakeEngine) -> None:
    def refuse(password: str) -> None:
        raise ObsError("this system has no keyring")

    panel = ObsPanel(bridge, refuse)
    qtbot.addWidget(panel)
    with qtbot.waitSignal(bridge.refused) as said:
        QTest.keyClicks(panel.password.entry, "secret")
        QTest.keyClick(panel.password.entry, Qt.Key.Key_Return)
    assert said.args == ["this system has no keyring"]
    assert panel.state.text == "this system has no keyring"
    assert engine.services == ServicesSnapshot()
