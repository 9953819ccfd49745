"""What every tool's panel is, and every window that a tool opens beside the main one. GUI thread; nothing waits."""

from __future__ import annotations

from PySide6.QtCore import Signal
from PySide6.QtGui import QCloseEvent
from PySide6.QtWidgets import QWidget

from app.ui.panels.panel_frame import PanelFrame
from engine import Description, Snapshot


class ToolPanel(PanelFrame):
    """A tool's panel. It exists only while it is open, so a closed one computes nothing.

    Signals
    -------
    window_asked(type)
        The user wants a window beside the main one, which stays when the panel is closed: a class of `ToolWindow`.
    """

    window_asked = Signal(object)

    def show_description(self, description: Description) -> None:
        """Learn what the chain is made of; called once after it is made, and when the engine changes."""

    def show_snapshot(self, snapshot: Snapshot) -> None:
        """Follow what the engine says, 30 times a second while the window is seen."""

    def would_lose(self) -> str:
        """What closing the panel now would lose, in words; empty for nothing. Asked for before it is closed."""
        return ""


class ToolWindow(QWidget):
    """A window beside the main one, which closes it when it is closed itself.

    Signals
    -------
    closed()
        The user is done.
    """

    closed = Signal()

    def show_snapshot(self, snapshot: Snapshot) -> None:
        """Follow what the engine says."""

    def closeEvent(self, event: QCloseEvent) -> None:
        """Tell whoever keeps the window."""
        super().closeEvent(event)
        self.closed.emit()
