"""The tools beside the chain: one panel at a time, made when it is opened, and the keyboard finds its way back."""

from __future__ import annotations

import pytest
from PySide6.QtCore import QEvent, Qt
from PySide6.QtGui import QKeyEvent
from PySide6.QtTest import QTest
from pytestqt.qtbot import QtBot

from app.bridge import EngineBridge, LinkState
from app.ui import stage_views
from app.ui.main_window import MainWindow
from app.ui.stage_views import StageView
from app.ui.tools import Tool, ToolPanel
from engine import Description, Snapshot, StageDescription


class Counter(ToolPanel):
    """Counts what it is shown."""

    made = 0

    def __init__(self, bridge: EngineBridge) -> None:
        super().__init__("Counter", "the counter")
        Counter.made += 1
        self.snapshots = 0
        self.loss = ""
        self.stage_ids: list[str] = []

    def would_lose(self) -> str:
        return self.loss

    def show_description(self, description: Description) -> None:
        self.stage_ids = [stage.id for stage in description.stages]

    def show_snapshot(self, snapshot: Snapshot) -> None:
        self.snapshots += 1


TOOLS = (Tool("counter", "Count", "Counts.", Counter), Tool("other", "Other", "Does nothing.", Counter))


@pytest.fixture
def window(qtbot: QtBot, bridge: EngineBridge) -> MainWindow:
    Counter.made = 0
    window = MainWindow(bridge, tools=TOOLS)
    qtbot.addWidget(window)
    window.show()
    bridge.open()
    qtbot.waitUntil(lambda: bridge.link_state is LinkState.CONNECTED and bool(window.chain.cards))
    return window


def panel(window: MainWindow) -> Counter | None:
    assert window.tool_panel is None or isinstance(window.tool_panel, Counter)
    return window.tool_panel


def test_a_tool_is_made_when_it_is_opened_and_follows_the_engine(qtbot: QtBot, window: MainWindow) -> None:
    assert Counter.made == 0
    QTest.mouseClick(window.tools.buttons["counter"], Qt.MouseButton.LeftButton)
    opened = panel(window)
    assert opened is not None
    assert "denoise" in opened.stage_ids
    seen = opened.snapshots
    qtbot.waitUntil(lambda: opened.snapshots > seen + 3)
    assert window.tools.buttons["counter"].isChecked()


def test_one_panel_at_a_time(window: MainWindow) -> None:
    window.open_stage("compressor")
    window.open_tool("counter")
    assert window.stage_panel is None
    window.open_tool("other")
    assert [button.isChecked() for button in window.tools.buttons.values()] == [False, True]
    window.open_stage("compressor")
    assert window.tool_panel is None
    assert not any(button.isChecked() for button in window.tools.buttons.values())


def test_escape_closes_a_tool_and_the_keyboard_goes_back_to_its_button(window: MainWindow) -> None:
    window.open_tool("counter")
    opened = panel(window)
    assert opened is not None
    assert window.focusWidget() is opened.close_button
    QTest.keyClick(window, Qt.Key.Key_Escape)
    assert panel(window) is None
    assert window.focusWidget() is window.tools.buttons["counter"]


@pytest.mark.parametrize("way", ["escape", "button", "same tool", "other tool", "card"])
def test_a_panel_that_would_lose_something_closes_at_a_second_try(
    window: MainWindow, way: str, quick_reader: None
) -> None:
    window.open_tool("counter")
    opened = panel(window)
    assert opened is not None
    opened.loss = "The count is not saved"
    said: list[str] = []
    window._bridge.refused.connect(said.append)

    def close() -> None:
        match way:
            case "escape":
                QTest.keyClick(window, Qt.Key.Key_Escape)
            case "button":
                opened.close_button.click()
            case "same tool":
                window.tools.buttons["counter"].click()
            case "other tool":
                window.tools.buttons["other"].click()
            case "card":
                window.chain.cards["compressor"].opener.click()

    close()
    assert panel(window) is opened
    assert window.stage_panel is None
    assert [button.isChecked() for button in window.tools.buttons.values()] == [True, False]
    assert said == ["The count is not saved; close again to close all the same"]
    close()
    assert panel(window) is not opened
    assert [button.isChecked() for button in window.tools.buttons.values()] == [False, way == "other tool"]
    assert (window.stage_panel is not None) is (way == "card")


def test_a_key_that_is_held_down_answers_no_question(window: MainWindow, quick_reader: None) -> None:
    window.open_tool("counter")
    opened = panel(window)
    assert opened is not None
    opened.loss = "The count is not saved"
    for is_repeated in (False, True, True):
        no_modifier = Qt.KeyboardModifier.NoModifier
        press = QKeyEvent(QEvent.Type.KeyPress, Qt.Key.Key_Escape, no_modifier, "", is_repeated)
        window.keyPressEvent(press)
        assert panel(window) is opened


def test_pressing_the_button_again_closes(window: MainWindow) -> None:
    window.open_tool("counter")
    window.open_tool("counter")
    assert panel(window) is None


def test_a_stage_may_have_a_picture(qtbot: QtBot, window: MainWindow, monkeypatch: pytest.MonkeyPatch) -> None:
    class Picture(StageView):
        snapshots = 0

        def __init__(self, stage: StageDescription) -> None:
            super().__init__()

        def show_snapshot(self, snapshot: Snapshot) -> None:
            self.snapshots += 1

    monkeypatch.setitem(stage_views.STAGE_VIEWS, "compressor", Picture)
    window.open_stage("compressor")
    assert window.stage_panel is not None
    view = window.stage_panel.view
    assert isinstance(view, Picture)
    qtbot.waitUntil(lambda: view.snapshots > 3)
    assert view.isVisible()
