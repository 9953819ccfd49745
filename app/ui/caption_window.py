"""The captions alone in a window, to be put on another screen: the letters grow with it. GUI thread; nothing waits."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtGui import QKeyEvent, QResizeEvent
from PySide6.QtWidgets import QVBoxLayout

from app.ui import theme
from app.ui.tool_panel import ToolWindow
from app.ui.widgets.caption_view import CaptionView
from engine import CaptionsStatus, Snapshot

_ROWS = 6
"""So many rows of letters fill the height, or so many letters the width, whichever makes them smaller."""
_LETTERS = 28
_LEAST_PERCENT = 100.0


class CaptionWindow(ToolWindow):
    """The last lines, as large as the window allows; Escape closes it, F11 fills the screen and gives it back."""

    def __init__(self) -> None:
        super().__init__()
        self.setWindowTitle("Captions – Sidetone")
        self.view = CaptionView()
        self.view.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.addWidget(self.view)
        self.setMinimumSize(theme.em() * 14, theme.em() * 6)
        self.resize(theme.em() * 44, theme.em() * 18)

    def show_snapshot(self, snapshot: Snapshot) -> None:
        """Follow the captions."""
        self.view.show_lines((snapshot.services.captions or CaptionsStatus()).lines)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Let the letters grow along."""
        super().resizeEvent(event)
        metrics = theme.metrics()
        row_px = min(self.height() / _ROWS, self.width() / _LETTERS * metrics.height() / metrics.averageCharWidth())
        self.view.resize_text(max(_LEAST_PERCENT, 100.0 * row_px / metrics.lineSpacing()))

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Escape and F11."""
        if event.key() == Qt.Key.Key_Escape:
            self.close()
        elif event.key() == Qt.Key.Key_F11:
            self.setWindowState(self.windowState() ^ Qt.WindowState.WindowFullScreen)
        else:
            super().keyPressEvent(event)
