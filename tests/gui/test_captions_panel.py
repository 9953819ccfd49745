"""The captions in the window: large, shaded, with a lamp; what is switched goes to the engine as settings."""

from __future__ import annotations

import msgspec
import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from pytestqt.qtbot import QtBot

from app.bridge import EngineBridge
from app.ui import theme
from app.ui.panels.captions_panel import CaptionsPanel
from app.ui.theme import Colour
from engine import (
    CaptionLine,
    CaptionsConfig,
    CaptionsState,
    CaptionsStatus,
    Command,
    ServicesConfig,
    ServicesSnapshot,
    SetService,
    TranscriptFormat,
)
from tests.helpers.fake_engine import FakeEngine

LINES = (
    CaptionLine(id=1, committed="Hello <everybody>.", is_final=True, confidences=(0.99, 0.4)),
    CaptionLine(id=2, committed="I am", tentative=" here", confidences=(0.9, 0.7)),
)
STATUS = CaptionsStatus(
    state=CaptionsState.LISTENING, is_speech=True, age_ms=240.0, session="s", files=("/a.vtt",), lines=LINES
)


@pytest.fixture
def sent(bridge: EngineBridge, monkeypatch: pytest.MonkeyPatch) -> list[Command]:
    commands: list[Command] = []
    monkeypatch.setattr(bridge, "send", commands.append)
    return commands


@pytest.fixture
def panel(qtbot: QtBot, bridge: EngineBridge, sent: list[Command]) -> CaptionsPanel:
    panel = CaptionsPanel(bridge)
    qtbot.addWidget(panel)
    panel.resize(620, 300)
    panel.show()
    return panel


def show(panel: CaptionsPanel, config: CaptionsConfig, status: CaptionsStatus | None) -> None:
    services = ServicesSnapshot(config=ServicesConfig(captions=config), captions=status)
    panel.show_snapshot(msgspec.structs.replace(FakeEngine().snapshot(), services=services))


def test_what_is_said_is_shown_in_shades_and_as_it_is(panel: CaptionsPanel) -> None:
    show(panel, CaptionsConfig(is_on=True), STATUS)
    assert panel.view.toPlainText() == "Hello <everybody>.\nI am here"
    content = panel.view.toHtml()
    for tint in (Colour.TEXT, Colour.MUTED, Colour.FAINT):
        assert tint in content
    assert "italic" in content


def test_a_lamp_and_words_tell_that_speech_is_written_down_and_where_it_goes(panel: CaptionsPanel) -> None:
    show(panel, CaptionsConfig(is_on=True), STATUS)
    assert panel.lamp.isVisible()
    assert panel.state.text == "Writing down · 240 ms behind"
    assert panel.targets.text == "Goes to this window, a file."
    show(panel, CaptionsConfig(), None)
    assert not panel.lamp.isVisible()
    assert (panel.state.text, panel.targets.text) == ("Off", "Nothing is written down.")


def test_switches_become_settings_and_keep_the_others(panel: CaptionsPanel, sent: list[Command]) -> None:
    show(panel, CaptionsConfig(filters=("damn",)), None)
    QTest.mouseClick(panel.power, Qt.MouseButton.LeftButton)
    QTest.mouseClick(panel.files[TranscriptFormat.WEBVTT], Qt.MouseButton.LeftButton)
    expected = CaptionsConfig(is_on=True, filters=("damn",), formats=(TranscriptFormat.WEBVTT,))
    assert sent[-1] == SetService(expected)


def test_one_action_deletes_the_text(panel: CaptionsPanel, sent: list[Command]) -> None:
    show(panel, CaptionsConfig(is_on=True), STATUS)
    QTest.mouseClick(panel.forget, Qt.MouseButton.LeftButton)
    assert sent == [SetService(CaptionsConfig(is_on=True, forgotten_session="s"))]


def test_captions_can_be_made_larger(panel: CaptionsPanel) -> None:
    panel.text_size.setValue(400)
    assert panel.view.font().pointSizeF() == pytest.approx(4 * theme.font().pointSizeF())
