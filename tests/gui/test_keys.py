"""Keys: each asks the engine for the right thing, and one page tells them all."""

from __future__ import annotations

from functools import partial

import msgspec
import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QWidget
from pytestqt.qtbot import QtBot

from app.ui.main_window import MainWindow
from engine import (
    ControlSnapshot,
    KeysConfig,
    KeysStatus,
    Listen,
    Redo,
    SetBypass,
    SetDry,
    SetParam,
    SetService,
    Source,
    Undo,
)
from tests.helpers.fake_engine import FakeEngine

CTRL, SHIFT = Qt.KeyboardModifier.ControlModifier, Qt.KeyboardModifier.ShiftModifier


@pytest.fixture
def active(qtbot: QtBot, window: MainWindow) -> MainWindow:
    window.activateWindow()
    qtbot.waitActive(window)
    return window


def asked(engine: FakeEngine, command: object) -> bool:
    return command in engine.commands


def test_every_stage_has_a_key(qtbot: QtBot, active: MainWindow, engine: FakeEngine) -> None:
    for digit, stage in enumerate(engine.description.stages, start=1):
        QTest.keyClick(active, Qt.Key(ord(str(digit))), CTRL)
        qtbot.waitUntil(partial(asked, engine, SetBypass(stage.id, True)))
    qtbot.waitUntil(lambda: active.keys._snapshot is not None and active.keys._snapshot.stages[0].is_bypassed)
    QTest.keyClick(active, Qt.Key.Key_1, CTRL)
    qtbot.waitUntil(lambda: asked(engine, SetBypass(engine.description.stages[0].id, False)))


def test_dry_and_back(qtbot: QtBot, active: MainWindow, engine: FakeEngine) -> None:
    QTest.keyClick(active, Qt.Key.Key_D, CTRL)
    qtbot.waitUntil(lambda: asked(engine, SetDry(True)))
    engine.controls = ControlSnapshot(is_dry=True)
    qtbot.waitUntil(lambda: active.keys._snapshot is not None and active.keys._snapshot.controls.is_dry)
    QTest.keyClick(active, Qt.Key.Key_D, CTRL)
    qtbot.waitUntil(lambda: asked(engine, SetDry(False)))


def test_a_cough_is_a_key_too(qtbot: QtBot, active: MainWindow, engine: FakeEngine) -> None:
    engine.params["output_gain.is_muted"] = False
    qtbot.waitUntil(
        lambda: active.keys._snapshot is not None and "output_gain.is_muted" in active.keys._snapshot.params
    )
    for is_muted in (True, False):
        QTest.keyClick(active, Qt.Key.Key_M, CTRL)
        qtbot.waitUntil(partial(asked, engine, SetParam("output_gain.is_muted", is_muted)))


def test_undo_redo_and_the_other_side(qtbot: QtBot, active: MainWindow, engine: FakeEngine) -> None:
    QTest.keyClick(active, Qt.Key.Key_Z, CTRL)
    QTest.keyClick(active, Qt.Key.Key_Z, CTRL | SHIFT)
    QTest.keyClick(active, Qt.Key.Key_B, CTRL)
    for command in (Undo(), Redo(), Listen(Source.OTHER)):
        qtbot.waitUntil(partial(asked, engine, command))


def test_one_page_tells_all_keys_and_goes_away(qtbot: QtBot, active: MainWindow) -> None:
    sequences = [key.sequence for key in active.keys.keys]
    assert len(set(sequences)) == len(sequences) == 12
    QTest.keyClick(active, Qt.Key.Key_F1)
    assert active.keys.overlay is not None
    assert active.keys.overlay.size() == active.size()
    QTest.keyClick(active, Qt.Key.Key_Escape)
    assert active.keys.overlay is None
    QTest.keyClick(active, Qt.Key.Key_F1)
    QTest.mouseClick(active.keys.overlay, Qt.MouseButton.LeftButton)
    assert active.keys.overlay is None


def test_the_keyboard_stays_on_the_page_and_goes_back_with_it(qtbot: QtBot, active: MainWindow) -> None:
    before = active.status.run_button
    before.setFocus()
    QTest.keyClick(active, Qt.Key.Key_F1)
    page = active.keys.overlay
    assert page is not None
    stops: list[QWidget] = []
    for _ in range(40):
        focused = active.focusWidget()
        assert focused is not None
        assert page.isAncestorOf(focused)
        stops.append(focused)
        QTest.keyClick(focused, Qt.Key.Key_Tab)
    assert set(stops) >= {page.switch, *page.entries.values()}
    active.resize(1300, 800)
    assert page.size() == active.size()
    page.switch.setFocus()
    QTest.keyClick(page.switch, Qt.Key.Key_Escape)
    assert active.keys.overlay is None
    assert active.focusWidget() is before


def test_the_page_switches_system_wide_keys_and_says_what_is_in_the_way(
    qtbot: QtBot, active: MainWindow, engine: FakeEngine
) -> None:
    QTest.keyClick(active, Qt.Key.Key_F1)
    page = active.keys.overlay
    assert page is not None
    assert not page.switch.isChecked()
    assert "Off" in page.state.text
    QTest.mouseClick(page.switch, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(partial(asked, engine, SetService(KeysConfig(is_on=True))))
    engine.services = msgspec.structs.replace(engine.services, keys=KeysStatus("Wayland says no."))
    qtbot.waitUntil(lambda: page.state.text == "Wayland says no.")
    engine.services = msgspec.structs.replace(engine.services, keys=KeysStatus(is_listening=True))
    qtbot.waitUntil(lambda: "work everywhere" in page.state.text)
    assert page.entries["cough"].text == "Ctrl+Alt+Shift+M"
    QTest.mouseClick(page.switch, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(partial(asked, engine, SetService(KeysConfig(is_on=False))))


def test_system_wide_keys_are_chosen_by_pressing_them(qtbot: QtBot, active: MainWindow, engine: FakeEngine) -> None:
    QTest.keyClick(active, Qt.Key.Key_F1)
    page = active.keys.overlay
    assert page is not None
    entry = page.entries["cough"]
    entry.setFocus()
    qtbot.waitUntil(entry.hasFocus)
    before = len(engine.commands)
    QTest.keyClick(entry, Qt.Key.Key_F9, CTRL | SHIFT)
    qtbot.waitUntil(partial(asked, engine, SetService(KeysConfig(keys={"cough": "Ctrl+Shift+F9"}))))
    assert len(engine.commands) == before + 1, "what is chosen does nothing meanwhile"
    QTest.keyClick(entry, Qt.Key.Key_Backspace)
    qtbot.waitUntil(partial(asked, engine, SetService(KeysConfig(keys={"cough": ""}))))
    QTest.keyClick(entry, Qt.Key.Key_M, CTRL | SHIFT | Qt.KeyboardModifier.AltModifier)
    qtbot.waitUntil(partial(asked, engine, SetService(KeysConfig(keys={}))))
    QTest.keyClick(entry, Qt.Key.Key_Escape)
    assert not entry.hasFocus()
    assert active.keys.overlay is page
    QTest.keyClick(active, Qt.Key.Key_Escape)
    assert active.keys.overlay is None
