"""The MIDI panel, and learning by touching a control, by mouse and by keyboard."""

from __future__ import annotations

from functools import partial

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QContextMenuEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QMenu, QWidget
from pytestqt.qtbot import QtBot

from app.ui.main_window import MainWindow
from app.ui.panels.midi_panel import MidiPanel
from engine import (
    CancelMidiLearn,
    ForgetMidi,
    LearnMidi,
    MidiConfig,
    MidiLearnSnapshot,
    MidiMapSnapshot,
    MidiMessageSnapshot,
    MidiPortSnapshot,
    MidiSnapshot,
    PanicMidi,
    SetMidi,
)
from tests.helpers.fake_engine import FakeEngine

PORT = MidiPortSnapshot("nanoKONTROL2 MIDI 1", "korg-nanokontrol2", "Korg nanoKONTROL2", 1, 1, True, True, "")
MIDI = MidiSnapshot(
    ports=(PORT,),
    maps=(MidiMapSnapshot("korg-nanokontrol2", "Korg nanoKONTROL2", False), MidiMapSnapshot("mine", "Mine", True)),
    bindings={"bypass:denoise": ("M 2 · nanoKONTROL2 MIDI 1",)},
    messages=(MidiMessageSnapshot(1, 3.5, PORT.port, "Slider 1: 64 → Input gain Gain"),),
)


@pytest.fixture
def panel(qtbot: QtBot, window: MainWindow, engine: FakeEngine) -> MidiPanel:
    engine.midi = MIDI
    window.open_tool("midi")
    panel = window.tool_panel
    assert isinstance(panel, MidiPanel)
    qtbot.waitUntil(lambda: bool(panel.maps))
    return panel


@pytest.fixture(autouse=True)
def _menus_stay_closed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a screen a menu that opens warns that it cannot take the keyboard."""
    monkeypatch.setattr(QMenu, "popup", lambda menu, at: None)


def ask_for_menu(window: MainWindow, widget: QWidget) -> list[str]:
    """As the menu key does, on the control that has the keyboard."""
    widget.setFocus()
    event = QContextMenuEvent(QContextMenuEvent.Reason.Keyboard, QPoint(1, 1), widget.mapToGlobal(QPoint(1, 1)))
    QApplication.sendEvent(widget, event)
    menu = window.learning.menu
    assert menu is not None
    return [action.text() for action in menu.actions()]


def test_the_menu_says_whose_it_is(qtbot: QtBot, window: MainWindow, engine: FakeEngine) -> None:
    window.open_stage("compressor")
    assert window.stage_panel is not None
    qtbot.waitUntil(window.stage_panel.close_button.isVisible)
    for widget in (window.stage_panel.first_control(), window.chain.cards["denoise"].switch):
        ask_for_menu(window, widget)
        assert window.learning.menu is not None
        assert window.learning.menu.accessibleName() == f"MIDI for {widget.accessibleName()}"
        assert widget.accessibleName()


def test_the_panel_shows_ports_maps_and_what_arrives(panel: MidiPanel) -> None:
    box = panel.maps[PORT.port]
    assert box.currentText() == "Automatic (Korg nanoKONTROL2)"
    assert panel.monitor.item(0).text() == "nanoKONTROL2 MIDI 1  Slider 1: 64 → Input gain Gain"


def test_a_map_is_chosen_a_port_left_alone_and_midi_switched_off(
    qtbot: QtBot, panel: MidiPanel, engine: FakeEngine
) -> None:
    box = panel.maps[PORT.port]
    for text, chosen in (("Mine", "mine"), ("Leave alone", "off")):
        box.setCurrentIndex(box.findText(text))
        box.activated.emit(box.currentIndex())
        wanted = SetMidi(MidiConfig(maps={PORT.port: chosen}))
        qtbot.waitUntil(partial(engine.commands.__contains__, wanted))
    QTest.mouseClick(panel.switch, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: SetMidi(MidiConfig(is_on=False)) in engine.commands)
    QTest.mouseClick(panel.panic_button, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: PanicMidi() in engine.commands)


def test_no_midi_system_is_a_sentence(qtbot: QtBot, panel: MidiPanel, window: MainWindow, engine: FakeEngine) -> None:
    engine.midi = MidiSnapshot(problem="there is no MIDI system on this machine")
    qtbot.waitUntil(lambda: panel.state.text == "There is no MIDI system on this machine.")
    dial = window.chain.cards["denoise"].controls["denoise.strength_db"]
    assert ask_for_menu(window, dial) == ["No MIDI: there is no MIDI system on this machine"]


def test_learning_by_touching_a_control(qtbot: QtBot, window: MainWindow, engine: FakeEngine) -> None:
    dial = window.chain.cards["denoise"].controls["denoise.strength_db"]
    assert ask_for_menu(window, dial) == ["Learn MIDI"]
    assert window.learning.menu is not None
    window.learning.menu.actions()[0].trigger()
    qtbot.waitUntil(lambda: LearnMidi("denoise.strength_db") in engine.commands)
    engine.midi = MidiSnapshot(learn=MidiLearnSnapshot("denoise.strength_db", True, "For Denoise Strength, move it."))
    qtbot.waitUntil(lambda: window.status.reason.text == "For Denoise Strength, move it.")
    assert ask_for_menu(window, dial) == ["Stop learning MIDI"]
    QTest.keyClick(window, Qt.Key.Key_Escape)
    qtbot.waitUntil(lambda: CancelMidiLearn() in engine.commands)


def test_a_bypass_tells_who_moves_it_and_forgets(qtbot: QtBot, window: MainWindow, engine: FakeEngine) -> None:
    engine.midi = MIDI
    qtbot.waitUntil(lambda: window._snapshot is not None and window._snapshot.midi == MIDI)
    switch = window.chain.cards["denoise"].switch
    texts = ask_for_menu(window, switch)
    assert texts == ["Learn MIDI", "Learn another MIDI control too", "Forget M 2 · nanoKONTROL2 MIDI 1"]
    assert window.learning.menu is not None
    window.learning.menu.actions()[2].trigger()
    qtbot.waitUntil(lambda: ForgetMidi("bypass:denoise") in engine.commands)


def test_a_control_of_an_open_panel_can_be_learnt_too(window: MainWindow) -> None:
    window.open_stage("compressor")
    assert window.stage_panel is not None
    for param_id in ("compressor.attack_ms", "compressor.knee_db"):
        control = window.stage_panel.controls[param_id]
        assert ask_for_menu(window, control.slider) == ["Learn MIDI"]  # type: ignore[union-attr]
