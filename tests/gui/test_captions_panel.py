"""The captions in the window: large, shaded, with a lamp; what is switched goes to the engine as settings."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from pytestqt.qtbot import QtBot

from app.bridge import EngineBridge
from app.ui import theme
from app.ui.caption_window import CaptionWindow
from app.ui.main_window import MainWindow
from app.ui.panels.captions_panel import CaptionsPanel
from app.ui.theme import Colour
from app.ui.widgets.sure_button import QUESTION
from engine import (
    CaptionLine,
    CaptionsConfig,
    CaptionsState,
    CaptionsStatus,
    Command,
    ObsConfig,
    OverlayConfig,
    ServicesConfig,
    ServicesSnapshot,
    SetService,
    Snapshot,
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


def snapshot(captions: CaptionsConfig, status: CaptionsStatus | None, **others: OverlayConfig | ObsConfig) -> Snapshot:
    services = ServicesSnapshot(config=ServicesConfig(captions=captions, **others), captions=status)  # type: ignore[arg-type]
    return msgspec.structs.replace(FakeEngine().snapshot(), services=services)


def show(panel: CaptionsPanel, config: CaptionsConfig, status: CaptionsStatus | None) -> None:
    panel.show_snapshot(snapshot(config, status))


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


def test_one_action_deletes_the_text_after_it_was_confirmed(panel: CaptionsPanel, sent: list[Command]) -> None:
    show(panel, CaptionsConfig(is_on=True), STATUS)
    QTest.mouseClick(panel.forget, Qt.MouseButton.LeftButton)
    QTest.mouseDClick(panel.forget, Qt.MouseButton.LeftButton)
    QTest.mouseRelease(panel.forget, Qt.MouseButton.LeftButton)
    assert (panel.forget.text(), sent) == (QUESTION, [])
    QTest.mouseClick(panel.forget, Qt.MouseButton.LeftButton)
    assert sent == [SetService(CaptionsConfig(is_on=True, forgotten_session="s"))]


def test_captions_can_be_made_larger(panel: CaptionsPanel) -> None:
    panel.text_size.setValue(400)
    assert panel.view.font().pointSizeF() == pytest.approx(4 * theme.font().pointSizeF())


def test_names_and_words_are_taught_a_line_each(panel: CaptionsPanel, sent: list[Command]) -> None:
    show(panel, CaptionsConfig(is_on=True, dictionary={"obs": "OBS"}), STATUS)
    panel.rules_button.click()
    rules = panel.rules
    assert rules.isVisible()
    assert rules.names.toPlainText() == "obs = OBS\n"
    assert not rules.use_button.isEnabled()
    rules.names.setPlainText("obs = OBS\n\n side tone = Sidetone")
    rules.filters.setPlainText("damn\\w*\n")
    show(panel, CaptionsConfig(is_on=True, dictionary={"obs": "OBS"}), STATUS)
    assert "side tone" in rules.names.toPlainText(), "what is being typed stays"
    assert panel.would_lose() == "The words that were typed are not in use yet"
    QTest.mouseClick(rules.use_button, Qt.MouseButton.LeftButton)
    expected = CaptionsConfig(is_on=True, dictionary={"obs": "OBS", "side tone": "Sidetone"}, filters=("damn\\w*",))
    assert sent == [SetService(expected)]
    show(panel, expected, STATUS)
    assert not rules.use_button.isEnabled()
    assert panel.would_lose() == ""


def test_a_name_that_names_nothing_is_said(panel: CaptionsPanel) -> None:
    show(panel, CaptionsConfig(), None)
    panel.rules.names.setPlainText("side tone =")
    assert "“side tone =” names nothing" in panel.rules.problem.text()
    assert not panel.rules.use_button.isEnabled()


def test_files_go_where_the_user_wants(panel: CaptionsPanel, sent: list[Command], tmp_path: Path) -> None:
    show(panel, CaptionsConfig(), None)
    assert "your documents" in panel.rules.folder.text
    panel.rules.choose_folder(tmp_path)
    show(panel, CaptionsConfig(folder=str(tmp_path)), None)
    assert panel.rules.folder.text == str(tmp_path)
    panel.rules.usual_button.click()
    panel.rules.drop.click()
    assert sent == [
        SetService(CaptionsConfig(folder=str(tmp_path))),
        SetService(CaptionsConfig()),
        SetService(CaptionsConfig(is_dropping=True)),
    ]


def test_a_window_of_captions_outlives_the_panel_and_grows_its_letters(qtbot: QtBot, window: MainWindow) -> None:
    window.open_tool("captions")
    assert isinstance(window.tool_panel, CaptionsPanel)
    QTest.mouseClick(window.tool_panel.large_button, Qt.MouseButton.LeftButton)
    window.tool_panel.large_button.click()
    (large,) = window.windows
    assert isinstance(large, CaptionWindow)
    qtbot.addWidget(large)
    window.close_panel()
    window.show_snapshot(snapshot(CaptionsConfig(is_on=True), STATUS))
    assert large.view.toPlainText() == "Hello <everybody>.\nI am here"
    sizes = []
    for width, height in ((400, 200), (1200, 600)):
        large.resize(width, height)
        sizes.append(large.view.font().pointSizeF())
    assert sizes[1] == pytest.approx(3 * sizes[0], rel=0.1)
    QTest.keyClick(large, Qt.Key.Key_Escape)
    assert len(window.windows) == 0
    window.open_window(CaptionWindow)
    (large,) = window.windows
    window.close()
    assert not large.isVisible()


def test_a_lamp_beside_the_tools_tells_where_words_go(window: MainWindow) -> None:
    lamp = window.tools.lamp
    assert not lamp.isVisible()
    config = CaptionsConfig(is_on=True)
    obs = ObsConfig(is_on=True, text_source="Captions", sends_stream_captions=True)
    window.tools.show_snapshot(snapshot(config, STATUS, overlay=OverlayConfig(is_on=True), obs=obs))
    assert (lamp.writing.isVisible(), lamp.listening.isVisible()) == (True, False)
    assert lamp.text.text == "Writing down for this window, the overlay page, OBS's picture, the stream, a file"
    quiet = msgspec.structs.replace(STATUS, is_speech=False, files=())
    window.tools.show_snapshot(snapshot(config, quiet))
    assert (lamp.writing.isVisible(), lamp.listening.isVisible()) == (False, True)
    assert lamp.text.text == "Listening for this window"
    window.tools.show_snapshot(snapshot(CaptionsConfig(), quiet))
    assert not lamp.isVisible()
