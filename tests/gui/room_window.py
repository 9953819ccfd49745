"""The room wizard in a window of its own, as a user opens it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QWidget
from pytestqt.qtbot import QtBot

from app.bridge import EngineBridge, LinkState
from app.room_session import RoomSession
from app.ui.main_window import MainWindow
from app.ui.panels.room_panel import RoomPanel
from app.ui.tools import Tool
from engine import DeviceConfig, EngineConfig
from tests.helpers.fake_engine import FakeEngine, FakeLink


@contextmanager
def room_panel(
    qtbot: QtBot, engine: FakeEngine, devices: DeviceConfig, new_session: Callable[[], RoomSession]
) -> Iterator[RoomPanel]:
    """The panel in a window that is connected."""
    bridge = EngineBridge(FakeLink(engine), EngineConfig(devices=devices))
    tool = Tool("room", "Room", "Rooms.", lambda bridge: RoomPanel(bridge, new_session()))
    window = MainWindow(bridge, tools=(tool,))
    qtbot.addWidget(window)
    window.resize(1000, 640)
    window.show()
    bridge.open()
    qtbot.waitUntil(lambda: bridge.link_state is LinkState.CONNECTED and bool(window.chain.cards))
    window.open_tool("room")
    opened = window.tool_panel
    assert isinstance(opened, RoomPanel)
    yield opened
    bridge.close(timeout_s=5.0)


def click(button: QWidget) -> None:
    QTest.mouseClick(button, Qt.MouseButton.LeftButton)
