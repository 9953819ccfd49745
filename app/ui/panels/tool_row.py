"""The row of buttons that open tools, in groups, and the lamp of the captions beside them. GUI thread; nothing waits."""

from __future__ import annotations

from collections.abc import Iterable

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QFrame, QHBoxLayout, QPushButton, QWidget

from app.ui import theme
from app.ui.panels.panel_frame import quiet_button
from app.ui.theme import Colour
from app.ui.tools import Tool
from app.ui.widgets.captions_lamp import CaptionsLamp
from engine import Snapshot


class ToolRow(QWidget):
    """One button a tool.

    Signals
    -------
    open_asked(str)
        The user wants this tool opened, or closed if it is open.
    keys_asked()
        The user wants to see the keys.
    """

    open_asked = Signal(str)
    keys_asked = Signal()

    def __init__(self, tools: Iterable[Tool], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.buttons: dict[str, QPushButton] = {}
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(theme.GAP // 2)
        for tool in tools:
            button = quiet_button(tool.label, f"{tool.label}: {tool.help}")
            button.setCheckable(True)
            button.clicked.connect(lambda _=False, tool_id=tool.id: self.open_asked.emit(tool_id))
            if tool.is_first and self.buttons:
                row.addWidget(_divider())
            self.buttons[tool.id] = button
            row.addWidget(button)
        self.lamp = CaptionsLamp()
        row.addWidget(self.lamp, 50)
        row.addStretch(1)
        self.keys_button = quiet_button("Keys", "Keys of this window and of the whole system (F1)")
        self.keys_button.clicked.connect(self.keys_asked)
        row.addWidget(self.keys_button)
        self.setVisible(bool(self.buttons))

    def show_snapshot(self, snapshot: Snapshot) -> None:
        """Follow what works without a panel being open."""
        self.lamp.show_services(snapshot.services)

    def show_open(self, tool_id: str | None) -> None:
        """Mark the tool whose panel is open."""
        for own_id, button in self.buttons.items():
            button.setChecked(own_id == tool_id)


def _divider() -> QFrame:
    divider = QFrame()
    divider.setFixedSize(1, theme.em())
    divider.setStyleSheet(f"background: {Colour.LINE}; margin: 2px 0px")
    return divider
