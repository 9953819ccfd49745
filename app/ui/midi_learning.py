"""Learning MIDI by touching: a menu on every control and bypass, by the right mouse button or the menu key.

A control says what it is with the property `midi_target`, in the words of a MIDI map. GUI thread; nothing waits.
"""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QObject, QPoint
from PySide6.QtGui import QContextMenuEvent
from PySide6.QtWidgets import QApplication, QMenu, QWidget

from app.bridge import EngineBridge
from engine import CancelMidiLearn, ForgetMidi, LearnMidi, MidiSnapshot

TARGET_PROPERTY = "midi_target"


def mark_target(widget: QWidget, target: str) -> None:
    """Let the menu on `widget` be about `target`."""
    widget.setProperty(TARGET_PROPERTY, target)


class MidiLearning(QObject):
    """Opens the menu, and tells how a lesson stands.

    Parameters
    ----------
    bridge : EngineBridge
    tell : callable
        Shows a sentence for a few seconds.
    window : QWidget
        Whose controls these are.
    """

    def __init__(self, bridge: EngineBridge, tell: Callable[[str], None], window: QWidget) -> None:
        super().__init__(window)
        self._bridge = bridge
        self._tell = tell
        self._window = window
        self._midi = MidiSnapshot()
        self.menu: QMenu | None = None

    @property
    def is_active(self) -> bool:
        """Whether a control of a MIDI device is waited for."""
        return self._midi.learn.is_active

    def show_midi(self, midi: MidiSnapshot) -> None:
        """Follow the engine; a lesson that begins or ends is told."""
        before, self._midi = self._midi.learn, midi
        if midi.learn.text and midi.learn != before:
            self._tell(midi.learn.text)

    def cancel(self) -> None:
        """End the lesson."""
        self._bridge.send(CancelMidiLearn())

    def open_menu(self, event: QContextMenuEvent) -> bool:
        """Open the menu of the control that is meant; False if it is none."""
        is_by_key = event.reason() is QContextMenuEvent.Reason.Keyboard
        widget = self._window.focusWidget() if is_by_key else QApplication.widgetAt(event.globalPos())
        name = ""
        while widget is not None and not widget.property(TARGET_PROPERTY):
            # A slider with its entry is one target; the slider has the name.
            name = name or widget.accessibleName()
            widget = widget.parentWidget()
        if widget is None:
            return False
        self.menu = self._menu(str(widget.property(TARGET_PROPERTY)), name or widget.accessibleName())
        self.menu.popup(widget.mapToGlobal(widget.rect().center()) if is_by_key else QPoint(event.globalPos()))
        return True

    def _menu(self, target: str, name: str) -> QMenu:
        menu = QMenu(self._window)
        menu.setAccessibleName(f"MIDI for {name}")
        if self._midi.problem:
            menu.addAction(f"No MIDI: {self._midi.problem}").setEnabled(False)
        elif self.is_active:
            menu.addAction("Stop learning MIDI").triggered.connect(self.cancel)
        else:
            menu.addAction("Learn MIDI").triggered.connect(lambda: self._bridge.send(LearnMidi(target)))
        movers = self._midi.bindings.get(target, ())
        if movers:
            learn = menu.addAction("Learn another MIDI control too")
            learn.setEnabled(not self._midi.problem and not self.is_active)
            learn.triggered.connect(lambda: self._bridge.send(LearnMidi(target, is_added=True)))
            forget = menu.addAction(f"Forget {', '.join(movers)}")
            forget.triggered.connect(lambda: self._bridge.send(ForgetMidi(target)))
        return menu
