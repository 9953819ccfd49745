"""The page that tells all keys, and where those that work system-wide are switched on and chosen. GUI thread; nothing waits."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import msgspec
from PySide6.QtCore import QEvent, QObject, Qt, Signal
from PySide6.QtGui import QColor, QMouseEvent, QPaintEvent
from PySide6.QtWidgets import QGridLayout, QHBoxLayout, QVBoxLayout, QWidget
from shiboken6 import isValid

from app.key_actions import KeyAction
from app.ui import theme
from app.ui.painting import painting
from app.ui.theme import Colour, FontRole
from app.ui.widgets.elided_label import ElidedLabel
from app.ui.widgets.key_entry import KeyEntry
from app.ui.widgets.text_label import text_label
from app.ui.widgets.toggle import Toggle
from engine import KeysConfig, KeysStatus, ServicesSnapshot


class KeyPage(QWidget):
    """All keys, over the whole window; a click beside them or the key itself takes it away.

    Parameters
    ----------
    keys : tuple
        How each is written, what it does in words, and what of it works system-wide.
    close : callable
        Takes the page away.
    window : QWidget
        What it lies over.

    Signals
    -------
    changed(KeysConfig)
        The user wants other system-wide keys.
    """

    changed = Signal(object)

    def __init__(
        self, keys: tuple[tuple[str, str, KeyAction | None], ...], close: Callable[[], None], window: QWidget
    ) -> None:
        super().__init__(window)
        self._close = close
        self._window = window
        self._had_keyboard = window.focusWidget()
        self._config = KeysConfig()
        self._actions = {action.id: action for _, _, action in keys if action is not None}
        self.entries = {name: self._entry(action) for name, action in self._actions.items()}
        self.setAccessibleName("Keys")
        self.switch = Toggle("System-wide keys", "Let keys work while another program is in front")
        self.switch.clicked.connect(lambda is_on: self._change(is_on=is_on))
        self.state = ElidedLabel(role=FontRole.SMALL, colour=Colour.MUTED, lines=2)
        self._lay_out(keys)
        self.setGeometry(window.rect())
        self.show()
        self.raise_()
        self.switch.setFocus(Qt.FocusReason.OtherFocusReason)
        window.installEventFilter(self)

    def take_away(self) -> None:
        """Give the keyboard back to where it was, and be gone."""
        if self._had_keyboard is not None and isValid(self._had_keyboard):
            self._had_keyboard.setFocus(Qt.FocusReason.OtherFocusReason)
        self._window.removeEventFilter(self)
        self.hide()
        self.deleteLater()

    def show_services(self, services: ServicesSnapshot) -> None:
        """Show whether keys work system-wide, which they are, and what is in the way."""
        self._config = config = services.config.keys
        self.switch.show_on(config.is_on)
        for name, entry in self.entries.items():
            entry.show_keys(config.keys.get(name, self._actions[name].system_keys))
        self.state.show_text(*_state(config, services.keys))

    def focusNextPrevChild(self, next: bool) -> bool:
        """Tab goes round within the page: what lies under it cannot be seen."""
        stops = [*self.entries.values(), self.switch]
        here = [index for index, stop in enumerate(stops) if stop.hasFocus()] or [0]
        stop = stops[(here[0] + (1 if next else -1)) % len(stops)]
        stop.setFocus(Qt.FocusReason.TabFocusReason if next else Qt.FocusReason.BacktabFocusReason)
        return True

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Cover the window, however large it becomes."""
        if event.type() == QEvent.Type.Resize:
            self.setGeometry(self._window.rect())
        return False

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Take it away."""
        self._close()

    def paintEvent(self, event: QPaintEvent) -> None:
        """A ground through which the window is just seen."""
        with painting(self) as painter:
            ground = QColor(Colour.WINDOW)
            ground.setAlpha(245)
            painter.fillRect(self.rect(), ground)

    def _entry(self, action: KeyAction) -> KeyEntry:
        entry = KeyEntry(f"System-wide keys for {action.label}")
        entry.setFixedHeight(theme.metrics().height() + theme.GAP // 2)
        entry.show_keys(action.system_keys)
        entry.chosen.connect(partial(self._choose, action))
        return entry

    def _choose(self, action: KeyAction, text: str) -> None:
        others = {name: keys for name, keys in self._config.keys.items() if name != action.id}
        self._change(keys=others if text == action.system_keys else {**others, action.id: text})

    def _change(self, **changes: object) -> None:
        self._config = msgspec.structs.replace(self._config, **changes)
        self.changed.emit(self._config)

    def _lay_out(self, keys: tuple[tuple[str, str, KeyAction | None], ...]) -> None:
        switch = QHBoxLayout()
        switch.addWidget(self.switch)
        switch.addWidget(text_label("Those on the right, also while another program is in front", FontRole.BODY))
        switch.addStretch(1)
        grid = QGridLayout()
        grid.setHorizontalSpacing(theme.GAP * 2)
        # A row for every stage: they have to fit the smallest window.
        grid.setVerticalSpacing(theme.GAP // 4)
        for row, (text, label, action) in enumerate(keys):
            grid.addWidget(text_label(text, FontRole.BODY, Colour.ACCENT), row, 0)
            grid.addWidget(text_label(label, FontRole.BODY), row, 1)
            if action is not None:
                grid.addWidget(self.entries[action.id], row, 2)
        grid.setColumnStretch(1, 1)
        grid.setColumnMinimumWidth(2, theme.em() * 14)
        middle, column = QHBoxLayout(self), QVBoxLayout()
        middle.addStretch(1)
        middle.addLayout(column, 6)
        middle.addStretch(1)
        column.setSpacing(theme.GAP)
        column.addStretch(1)
        column.addWidget(text_label("Keys", FontRole.TITLE))
        column.addLayout(grid)
        column.addLayout(switch)
        column.addWidget(self.state)
        column.addStretch(1)


def _state(config: KeysConfig, status: KeysStatus | None) -> tuple[str, str]:
    """What to say of the system-wide keys, and its colour."""
    if not config.is_on:
        return "Off: no key is heard outside this window.", Colour.MUTED
    if status is None or not (status.text or status.is_listening):
        return "Not listening yet.", Colour.MUTED
    if status.text:
        return status.text, Colour.CAUTION
    return "The keys on the right work everywhere; a cough lasts as long as its key is down.", Colour.MUTED
