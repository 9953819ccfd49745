"""Closing the window while OBS streams or records: it asks first, and takes a second try for the answer."""

from __future__ import annotations

import msgspec
import pytest
from PySide6.QtGui import QCloseEvent
from pytestqt.qtbot import QtBot

from app.bridge import EngineBridge
from app.ui.closing import Closing
from app.ui.main_window import MainWindow
from engine import EngineConfig, ObsLink, ObsOutputs, ObsStatus, Snapshot
from engine.services import ServicesSnapshot
from tests.helpers.fake_engine import FakeEngine, FakeLink


def beside(outputs: ObsOutputs, link: ObsLink = ObsLink.CONNECTED) -> Snapshot:
    services = ServicesSnapshot(obs=ObsStatus(link=link, outputs=outputs))
    return msgspec.structs.replace(FakeEngine().snapshot(), services=services)


@pytest.mark.parametrize(
    ("outputs", "doing"), [(ObsOutputs(is_streaming=True), "streaming"), (ObsOutputs(is_recording=True), "recording")]
)
def test_it_asks_once_and_takes_a_second_try_for_the_answer(outputs: ObsOutputs, doing: str) -> None:
    closing = Closing()
    assert doing in closing.question(beside(outputs), 0.0)
    assert closing.question(beside(outputs), 2.0) == ""
    assert doing in closing.question(beside(outputs), 10.0), "a try long after is a new one"


def test_where_nothing_would_fall_silent_it_does_not_ask() -> None:
    closing = Closing()
    assert closing.question(None, 0.0) == ""
    assert closing.question(beside(ObsOutputs()), 0.0) == ""
    assert closing.question(beside(ObsOutputs(is_streaming=True), ObsLink.WAITING), 0.0) == ""


class ByHand(QCloseEvent):
    """A click on the window's cross."""

    def spontaneous(self) -> bool:
        return True


def test_the_window_stays_and_says_why(qtbot: QtBot) -> None:
    bridge = EngineBridge(FakeLink(FakeEngine()), EngineConfig())
    window = MainWindow(bridge)
    qtbot.addWidget(window)
    window.show_snapshot(beside(ObsOutputs(is_streaming=True)))
    said: list[str] = []
    bridge.refused.connect(said.append)
    first, second = ByHand(), ByHand()
    window.closeEvent(first)
    assert not first.isAccepted()
    assert "OBS is streaming" in said[0]
    window.closeEvent(second)
    assert second.isAccepted()


def test_the_end_of_a_session_is_not_asked_about(qtbot: QtBot) -> None:
    window = MainWindow(EngineBridge(FakeLink(FakeEngine()), EngineConfig()))
    qtbot.addWidget(window)
    window.show_snapshot(beside(ObsOutputs(is_streaming=True)))
    assert window.close()
