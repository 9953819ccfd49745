"""What the keyboard does anywhere in the window. GUI thread; nothing waits.

Every key asks the engine for what a click or a MIDI button could ask too; what a toggle toggles is what the engine said last.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial

from PySide6.QtCore import QObject
from PySide6.QtGui import QKeySequence, QShortcut
from PySide6.QtWidgets import QWidget

from app.bridge import EngineBridge
from app.key_actions import KeyAction, key_actions
from app.ui.key_page import KeyPage
from engine import Description, SetService, Snapshot, StageDescription

HELP_KEY = "F1"


@dataclass(frozen=True)
class Key:
    """One key: how it is pressed, what it does in words, the doing, and what of it works system-wide."""

    sequence: str
    label: str
    act: Callable[[], None]
    action: KeyAction | None = None

    @property
    def text(self) -> str:
        """The key as this system writes it."""
        return _native(self.sequence)


class Keys(QObject):
    """The keys of one window.

    Parameters
    ----------
    window : QWidget
        Within which they work.
    bridge : EngineBridge
    """

    def __init__(self, window: QWidget, bridge: EngineBridge) -> None:
        super().__init__(window)
        self._window = window
        self._bridge = bridge
        self._snapshot: Snapshot | None = None
        self._stages: tuple[StageDescription, ...] = ()
        self._shortcuts: list[QShortcut] = []
        self.overlay: KeyPage | None = None
        self.keys: tuple[Key, ...] = ()
        self._set()

    def show_description(self, description: Description) -> None:
        """Give each stage its key."""
        if description.stages != self._stages:
            self._stages = description.stages
            self._set()

    def show_snapshot(self, snapshot: Snapshot) -> None:
        """Note what a toggle will toggle."""
        self._snapshot = snapshot
        if self.overlay is not None:
            self.overlay.show_services(snapshot.services)

    def toggle_help(self) -> None:
        """Show the page that tells the keys, or take it away."""
        if self.overlay is not None:
            overlay, self.overlay = self.overlay, None
            overlay.take_away()
            return
        told = tuple((key.text, key.label, key.action) for key in self.keys)
        self.overlay = KeyPage(told, self.toggle_help, self._window)
        self.overlay.changed.connect(lambda config: self._bridge.send(SetService(config)))
        if self._snapshot is not None:
            self.overlay.show_services(self._snapshot.services)

    def _set(self) -> None:
        for shortcut in self._shortcuts:
            shortcut.setEnabled(False)
            shortcut.deleteLater()
        self.keys = tuple(self._listed())
        self._shortcuts = [QShortcut(QKeySequence(key.sequence), self._window) for key in self.keys]
        for key, shortcut in zip(self.keys, self._shortcuts, strict=True):
            shortcut.setAutoRepeat(False)
            shortcut.activated.connect(key.act)

    def _listed(self) -> Iterator[Key]:
        yield Key(HELP_KEY, "This page", self.toggle_help)
        for action in key_actions(self._stages):
            yield Key(action.window_keys, action.label, partial(self._act, action), action)

    def _act(self, action: KeyAction) -> None:
        if self._snapshot is not None and (command := action.command(self._snapshot)) is not None:
            self._bridge.send(command)


def _native(sequence: str) -> str:
    return QKeySequence(sequence).toString(QKeySequence.SequenceFormat.NativeText)
