"""A window on a fake engine, without a screen."""

from __future__ import annotations

import os
from collections.abc import Iterator
from functools import partialmethod

import pytest

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from app.bridge import EngineBridge, LinkState
from app.ui.application import make_application
from app.ui.main_window import MainWindow
from tests.helpers.fake_engine import FakeEngine, FakeLink

PATIENCE_MS = 30_000


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The offscreen platform says of itself that it has no window manager; that is no fault of the window."""
    for item in items:
        if "tests/gui" in item.path.as_posix():
            item.add_marker(pytest.mark.qt_log_ignore("This plugin does not support propagateSizeHints"))


@pytest.fixture(autouse=True)
def patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """Wait longer than a busy machine takes; what comes to be costs no more for it."""
    monkeypatch.setattr(QtBot, "waitUntil", partialmethod(QtBot.waitUntil, timeout=PATIENCE_MS))
    monkeypatch.setattr(QtBot, "waitSignal", partialmethod(QtBot.waitSignal, timeout=PATIENCE_MS))


@pytest.fixture
def quick_reader(monkeypatch: pytest.MonkeyPatch) -> None:
    """A user who answers a question as soon as it is asked."""
    monkeypatch.setattr("app.ui.closing._READING_S", 0.0)


@pytest.fixture(scope="session")
def qapp() -> QApplication:
    """The application as users have it."""
    return make_application(["sidetone"])


@pytest.fixture
def engine() -> FakeEngine:
    """The engine behind the window."""
    return FakeEngine()


@pytest.fixture
def link(engine: FakeEngine) -> FakeLink:
    """The way to it."""
    return FakeLink(engine)


@pytest.fixture
def bridge(qtbot: QtBot, engine: FakeEngine, link: FakeLink) -> Iterator[EngineBridge]:
    """The bridge, not yet open."""
    bridge = EngineBridge(link)
    yield bridge
    engine.may_answer.set()
    bridge.close(timeout_s=5.0)


@pytest.fixture
def window(qtbot: QtBot, bridge: EngineBridge) -> MainWindow:
    """An open window whose cards are there and whose bridge is connected."""
    window = MainWindow(bridge)
    qtbot.addWidget(window)
    window.resize(1000, 640)
    window.show()
    bridge.open()
    qtbot.waitUntil(lambda: bridge.link_state is LinkState.CONNECTED and bool(window.chain.cards))
    qtbot.waitUntil(lambda: window.chain.cards["denoise"].delay.value != "–")
    return window
