"""A small painted sign beside a text. GUI thread; nothing waits."""

from __future__ import annotations

from PySide6.QtCore import QRectF, QSize
from PySide6.QtGui import QColor, QPaintEvent
from PySide6.QtWidgets import QSizePolicy, QWidget

from app.ui import theme
from app.ui.icons import Shape, paint_shape
from app.ui.painting import painting
from app.ui.theme import FontRole


class Sign(QWidget):
    """One shape, as high as a small line of text. The text beside it says what it means."""

    def __init__(self, shape: Shape, tint: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._shape = shape
        self._tint = tint
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)

    def sizeHint(self) -> QSize:
        """Square."""
        size = theme.em(FontRole.SMALL)
        return QSize(size, size)

    def paintEvent(self, event: QPaintEvent) -> None:
        """The shape."""
        with painting(self) as painter:
            paint_shape(painter, self._shape, QRectF(self.rect()).adjusted(1.5, 1.5, -1.5, -1.5), QColor(self._tint))
