"""What the keyboard does anywhere in the window, and the page that says so. GUI thread; nothing waits.

Every key asks the engine for what a click or a MIDI button could ask too; what a toggle toggles is what the engine said last.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial

import msgspec
from PySide6.QtCore import QObject
from PySide6.QtGui import QColor, QKeySequence, QMouseEvent, QPaintEvent, QShortcut
from PySide6.QtWidgets import QGridLayout, QHBoxLayout, QLabel, QVBoxLayout, QWidget

from app.bridge import EngineBridge
from app.key_actions import KeyAction, key_actions
from app.ui import theme
from app.ui.painting import painting
from app.ui.theme import Colour, FontRole
from app.ui.widgets.elided_label import ElidedLabel
from app.ui.widgets.toggle import Toggle
from engine import Description, KeysConfig, KeysStatus, ServicesSnapshot, SetService, Snapshot, StageDescription

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

    def system_text(self, config: KeysConfig) -> str:
        """The same for the key that does it while another program is in front; empty for none."""
        if self.action is None:
            return ""
        return _native(config.keys.get(self.action.id, self.action.system_keys))


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
        self.overlay: HelpOverlay | None = None
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
            overlay.hide()
            overlay.deleteLater()
            return
        self.overlay = HelpOverlay(self.keys, self.toggle_help, self._switch_system_wide, self._window)
        if self._snapshot is not None:
            self.overlay.show_services(self._snapshot.services)

    def _switch_system_wide(self, is_on: bool) -> None:
        if self._snapshot is not None:
            self._bridge.send(SetService(msgspec.structs.replace(self._snapshot.services.config.keys, is_on=is_on)))

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


class HelpOverlay(QWidget):
    """All keys, over the whole window, and whether they work system-wide; a click or the key itself takes it away."""

    def __init__(
        self, keys: tuple[Key, ...], close: Callable[[], None], switch: Callable[[bool], None], window: QWidget
    ) -> None:
        super().__init__(window)
        self._keys = keys
        self._close = close
        self.setAccessibleName("Keys")
        self.switch = Toggle("System-wide keys", "Let keys work while another program is in front")
        self.switch.clicked.connect(switch)
        self.state = ElidedLabel(role=FontRole.SMALL, colour=Colour.MUTED, lines=2)
        self._system_labels = tuple(_label("", Colour.MUTED) for _ in keys)
        middle = QHBoxLayout(self)
        column = QVBoxLayout()
        middle.addStretch(1)
        middle.addLayout(column, 6)
        middle.addStretch(1)
        column.setSpacing(theme.GAP)
        column.addStretch(1)
        column.addWidget(_label("Keys", Colour.TEXT, FontRole.TITLE))
        column.addLayout(self._grid())
        row = QHBoxLayout()
        row.addWidget(self.switch)
        row.addWidget(_label("Also while another program is in front", Colour.TEXT))
        row.addStretch(1)
        column.addLayout(row)
        column.addWidget(self.state)
        column.addStretch(1)
        self.setGeometry(window.rect())
        self.show()
        self.raise_()

    def show_services(self, services: ServicesSnapshot) -> None:
        """Show whether the keys work system-wide, which they are then, and what is in the way."""
        config = services.config.keys
        is_listening = config.is_on and services.keys is not None and services.keys.is_listening
        self.switch.show_on(config.is_on)
        for key, label in zip(self._keys, self._system_labels, strict=True):
            label.setText(key.system_text(config) if is_listening else "")
        self.state.show_text(*_state(config, services.keys))

    def _grid(self) -> QGridLayout:
        grid = QGridLayout()
        grid.setHorizontalSpacing(theme.GAP * 2)
        for row, (key, system_label) in enumerate(zip(self._keys, self._system_labels, strict=True)):
            grid.addWidget(_label(key.text, Colour.ACCENT), row, 0)
            grid.addWidget(_label(key.label, Colour.TEXT), row, 1)
            grid.addWidget(system_label, row, 2)
        grid.setColumnStretch(3, 1)
        return grid

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Take it away."""
        self._close()

    def paintEvent(self, event: QPaintEvent) -> None:
        """A ground through which the window is just seen."""
        with painting(self) as painter:
            ground = QColor(Colour.WINDOW)
            ground.setAlpha(245)
            painter.fillRect(self.rect(), ground)


def _state(config: KeysConfig, status: KeysStatus | None) -> tuple[str, str]:
    """What to say of the system-wide keys, and its colour."""
    if not config.is_on:
        return "Off: no key is heard outside this window.", Colour.MUTED
    if status is None or not (status.text or status.is_listening):
        return "Not listening yet.", Colour.MUTED
    if status.text:
        return status.text, Colour.CAUTION
    return "The keys on the right work everywhere; a cough lasts as long as its key is down.", Colour.MUTED


def _native(sequence: str) -> str:
    return QKeySequence(sequence).toString(QKeySequence.SequenceFormat.NativeText)


def _label(text: str, colour: str, role: FontRole = FontRole.BODY) -> QLabel:
    label = QLabel(text)
    label.setStyleSheet(f"color: {colour}")
    theme.use_font(label, role)
    return label
