"""Closing the window while OBS streams or records: it asks first, and takes a second try for the answer."""

from __future__ import annotations

import msgspec
import pytest
from PySide6.QtGui import QCloseEvent
from pytestqt.qtbot import QtBot

from app.bridge import EngineBridge
from app.ui.closing import Closing, obs_loss
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
def test_a_stream_and_a_recording_would_fall_silent(outputs: ObsOutputs, doing: str) -> None:
    assert doing in obs_loss(beside(outputs))


def test_where_nothing_would_fall_silent_nothing_is_lost() -> None:
    assert obs_loss(None) == ""
    assert obs_loss(beside(ObsOutputs())) == ""
    assert obs_loss(beside(ObsOutputs(is_streaming=True), ObsLink.WAITING)) == ""


class Asking:
    """What is asked, on a clock that is set by hand."""

    def __init__(self) -> None:
        self.now_s = 0.0
        self.said: list[str] = []
        self.withdrawn: list[str] = []
        self.closing = Closing(self.said.append, self.withdrawn.append, lambda: self.now_s)

    def may_lose(self, now_s: float, *losses: str) -> bool:
        self.now_s = now_s
        return self.closing.may_lose(*losses)


def test_it_asks_once_and_takes_a_second_try_for_the_answer() -> None:
    asking = Asking()
    assert asking.may_lose(0.0, "", "")
    assert asking.said == []
    assert not asking.may_lose(0.0, "A room is being learnt", "")
    assert not asking.may_lose(0.3, "A room is being learnt", ""), "a double click is no answer"
    assert asking.said == ["A room is being learnt; close again to close all the same"]
    assert asking.may_lose(2.0, "A room is being learnt", "")
    assert asking.withdrawn[-1] == asking.said[0]


def test_another_question_is_asked_anew() -> None:
    asking = Asking()
    assert not asking.may_lose(0.0, "A room is being learnt")
    assert asking.may_lose(2.0, "A room is being learnt")
    assert not asking.may_lose(3.0, "A room is being learnt"), "what was answered is over"
    assert not asking.may_lose(30.0, "A room is being learnt"), "a try long after is a new one"
    assert not asking.may_lose(31.0, "OBS is streaming", "A room is being learnt"), "and so is one that loses more"
    assert len(asking.said) == 4


class ByHand(QCloseEvent):
    """A click on the window's cross."""

    def spontaneous(self) -> bool:
        return True


def test_the_window_stays_and_says_why(qtbot: QtBot, quick_reader: None) -> None:
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
    assert window.status.reason.text == said[0]
    window.closeEvent(second)
    assert second.isAccepted()
    assert window.status.reason.text != said[0], "what is answered is not asked any more"


def test_the_end_of_a_session_is_not_asked_about(qtbot: QtBot) -> None:
    window = MainWindow(EngineBridge(FakeLink(FakeEngine()), EngineConfig()))
    qtbot.addWidget(window)
    window.show_snapshot(beside(ObsOutputs(is_streaming=True)))
    assert window.close()


def test_what_an_open_panel_would_lose_is_asked_about_too(qtbot: QtBot, monkeypatch: pytest.MonkeyPatch) -> None:
    window = MainWindow(EngineBridge(FakeLink(FakeEngine()), EngineConfig()))
    qtbot.addWidget(window)
    window.open_tool("captions")
    assert window.tool_panel is not None
    monkeypatch.setattr(window.tool_panel, "would_lose", lambda: "A word is not kept")
    event = ByHand()
    window.closeEvent(event)
    assert not event.isAccepted()
    assert window.events.lines[-1].startswith("A word is not kept; close again")
