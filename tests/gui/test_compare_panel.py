"""The panel for comparisons: it sends the same commands as everybody else, and shows what the engine says of them."""

from __future__ import annotations

import msgspec
import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from pytestqt.qtbot import QtBot

from app.ui.main_window import MainWindow
from app.ui.panels.compare_panel import ComparePanel
from engine import (
    AnswerBlind,
    Compare,
    ComparisonSnapshot,
    EndComparison,
    Listen,
    Source,
)
from engine.description import describe
from engine.stages.denoise import Denoise
from tests.helpers.fake_engine import FakeEngine

RUNNING = ComparisonSnapshot(Source.A, "denoise.mode light", False, 20.0, (0.0, -1.5), trials=10, answered=3)


@pytest.fixture
def panel(qtbot: QtBot, window: MainWindow) -> ComparePanel:
    QTest.mouseClick(window.tools.buttons["compare"], Qt.MouseButton.LeftButton)
    opened = window.tool_panel
    assert isinstance(opened, ComparePanel)
    opened.show_description(describe([Denoise]))
    qtbot.waitUntil(lambda: opened.other.count() > 0)
    return opened


def show(panel: ComparePanel, engine: FakeEngine, comparison: ComparisonSnapshot | None) -> None:
    panel.show_snapshot(msgspec.structs.replace(engine.snapshot(), comparison=comparison))


def click(button: object) -> None:
    QTest.mouseClick(button, Qt.MouseButton.LeftButton)  # type: ignore[call-overload]


def test_b_is_chosen_and_started(qtbot: QtBot, panel: ComparePanel, engine: FakeEngine) -> None:
    panel.blind.setChecked(True)
    click(panel.start_button)
    qtbot.waitUntil(lambda: any(isinstance(command, Compare) for command in engine.commands))
    (sent,) = (command for command in engine.commands if isinstance(command, Compare))
    assert sent.trials == 10
    assert "denoise.mode" in sent.chain.params


def test_every_button_sends_its_command(qtbot: QtBot, panel: ComparePanel, engine: FakeEngine) -> None:
    show(panel, engine, RUNNING)
    for button in (panel.sources[Source.X], panel.answers[Source.B], panel.keep_button):
        assert button.isEnabled()
        click(button)
    expected = [Listen(Source.X), AnswerBlind(Source.B), EndComparison(is_b_kept=True)]
    qtbot.waitUntil(lambda: [command for command in engine.commands if command in expected] == expected)


def test_it_says_what_is_heard_and_by_whom(panel: ComparePanel, engine: FakeEngine) -> None:
    show(panel, engine, RUNNING)
    assert panel.sources[Source.A].isChecked()
    assert not panel.sources[Source.NOW].isChecked()
    assert "your listeners hear this too" in panel.state.text()
    assert "B -1.5 dB" in panel.state.text()
    assert "3 of 10 answered" in panel.state.text()
    show(panel, engine, msgspec.structs.replace(RUNNING, is_private=True, answered=10, right=9, guessing=0.0107))
    assert "listeners" not in panel.state.text()
    assert "9 of 10 right" in panel.state.text()
    assert not panel.sources[Source.X].isEnabled()
    show(panel, engine, None)
    assert panel.sources[Source.NOW].isChecked()
    assert not panel.sources[Source.B].isEnabled()
    assert panel.keep_button.isHidden()
