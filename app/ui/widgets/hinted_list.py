"""A list that says what it is empty of. GUI thread; nothing waits."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtGui import QColor, QPainter, QPaintEvent
from PySide6.QtWidgets import QListWidget, QWidget

from app.ui import theme
from app.ui.theme import Colour


class HintedList(QListWidget):
    """A list, and the sentence that stands in it while there is nothing else.

    Parameters
    ----------
    name : str
        What it is, for those who hear the window.
    hint : str
    """

    def __init__(self, name: str, hint: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._hint = hint
        self.setAccessibleName(name)

    def paintEvent(self, event: QPaintEvent) -> None:
        """The entries, or the hint."""
        super().paintEvent(event)
        if self.count():
            return
        painter = QPainter(self.viewport())
        painter.setPen(QColor(Colour.FAINT))
        room = self.viewport().rect().adjusted(theme.GAP // 2, 2, -theme.GAP // 2, 0)
        alignment = Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignTop
        painter.drawText(room, alignment | Qt.TextFlag.TextWordWrap, self._hint)
        painter.end()
