"""A button whose text reads from below to above, for where there is height but no width. GUI thread; nothing waits."""

from __future__ import annotations

from PySide6.QtCore import QRectF, QSize, Qt
from PySide6.QtGui import QColor, QPaintEvent, QPen
from PySide6.QtWidgets import QPushButton, QSizePolicy, QWidget

from app.ui import theme
from app.ui.painting import painting
from app.ui.theme import Colour, FontRole


class SideTitle(QPushButton):
    """As wide as its text is high; its text ends above, or is cut with an ellipsis where there is no room for it."""

    def __init__(self, text: str, parent: QWidget | None = None) -> None:
        super().__init__(text, parent)
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Expanding)
        theme.use_font(self, FontRole.NAME)

    def sizeHint(self) -> QSize:
        """All of the text."""
        return QSize(theme.em(FontRole.NAME) + 4, self.fontMetrics().horizontalAdvance(self.text()) + 8)

    def minimumSizeHint(self) -> QSize:
        """The beginning of the text."""
        return QSize(self.sizeHint().width(), theme.em() * 4)

    def paintEvent(self, event: QPaintEvent) -> None:
        """Text and focus ring."""
        with painting(self, is_smooth=True) as painter:
            if self.hasFocus():
                painter.setPen(QPen(QColor(Colour.ACCENT), 1))
                painter.drawRoundedRect(QRectF(self.rect()).adjusted(0.5, 0.5, -0.5, -0.5), 4, 4)
            painter.setPen(QColor(Colour.ACCENT if self.underMouse() else Colour.MUTED))
            painter.translate(0, self.height())
            painter.rotate(-90)
            room = QRectF(4, 0, self.height() - 8, self.width())
            text = self.fontMetrics().elidedText(self.text(), Qt.TextElideMode.ElideRight, round(room.width()))
            painter.drawText(room, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter, text)
