"""The engine's state as a shape and a word. GUI thread; nothing waits."""

from __future__ import annotations

from PySide6.QtCore import QRectF, QSize
from PySide6.QtGui import QColor, QPaintEvent
from PySide6.QtWidgets import QSizePolicy, QWidget

from app.bridge import LinkState
from app.ui import theme
from app.ui.icons import Shape, paint_shape
from app.ui.painting import painting
from app.ui.theme import Colour, FontRole
from engine import EngineState

LOOKS = {
    EngineState.RUNNING: ("Running", Shape.DISC, Colour.ACCENT),
    EngineState.STARTING: ("Starting", Shape.RING, Colour.MUTED),
    EngineState.STOPPED: ("Stopped", Shape.SQUARE, Colour.MUTED),
    EngineState.DEGRADED: ("Degraded", Shape.TRIANGLE, Colour.CAUTION),
    EngineState.STALLED: ("Stalled", Shape.TRIANGLE, Colour.CAUTION),
    EngineState.FAILED: ("Failed", Shape.CROSS, Colour.TROUBLE),
}
LINK_LOOKS = {
    LinkState.CONNECTING: ("Connecting…", Shape.RING, Colour.MUTED),
    LinkState.SILENT: ("Not answering", Shape.TRIANGLE, Colour.CAUTION),
    LinkState.LOST: ("Engine restarting…", Shape.RING, Colour.CAUTION),
}


class StateBadge(QWidget):
    """Shape and word; the link's state stands before the engine's while there is no engine to ask."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._look = LINK_LOOKS[LinkState.CONNECTING]
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
        self.setAccessibleName(f"Engine: {self._look[0]}")

    @property
    def word(self) -> str:
        """The word on show."""
        return self._look[0]

    def show_state(self, state: EngineState, link: LinkState) -> None:
        """Show how things stand."""
        look = LINK_LOOKS.get(link) or LOOKS[state]
        if look != self._look:
            self._look = look
            self.setAccessibleName(f"Engine: {look[0]}")
            self.updateGeometry()
            self.update()

    def sizeHint(self) -> QSize:
        """Shape and word."""
        metrics = theme.metrics(FontRole.TITLE)
        return QSize(metrics.height() + 4 + metrics.horizontalAdvance(self._look[0]) + 4, metrics.height() + 4)

    def paintEvent(self, event: QPaintEvent) -> None:
        """Shape and word."""
        with painting(self) as painter:
            word, shape, tint = self._look
            metrics = theme.metrics(FontRole.TITLE)
            size = metrics.ascent() * 0.95
            paint_shape(painter, shape, QRectF(1, (self.height() - size) / 2, size, size), QColor(tint))
            painter.setFont(theme.font(FontRole.TITLE))
            painter.setPen(QColor(Colour.TEXT))
            painter.drawText(metrics.height() + 4, (self.height() - metrics.height()) // 2 + metrics.ascent(), word)
