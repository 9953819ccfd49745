"""An on/off switch whose position tells as much as its colour. GUI thread; nothing waits."""

from __future__ import annotations

from PySide6.QtCore import QRectF, QSize, Qt
from PySide6.QtGui import QColor, QPaintEvent, QPen
from PySide6.QtWidgets import QAbstractButton, QSizePolicy, QWidget

from app.ui import theme
from app.ui.painting import painting
from app.ui.theme import Colour, FontRole


class Toggle(QAbstractButton):
    """`clicked(bool)` is the user's doing; `show_on` is everybody else's and emits nothing."""

    def __init__(self, name: str, help: str = "", parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setCheckable(True)
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.setAccessibleName(name)
        self.setAccessibleDescription(help)
        self.setToolTip(help or name)

    def show_on(self, is_on: bool) -> None:
        """Show a state that came from the engine."""
        if is_on != self.isChecked():
            self.setChecked(is_on)

    def sizeHint(self) -> QSize:
        """As high as a line of text, with room for the focus ring."""
        height = theme.em(FontRole.SMALL) + 4
        return QSize(round(height * 1.6), height)

    def paintEvent(self, event: QPaintEvent) -> None:
        """Track, knob, focus ring."""
        with painting(self, is_smooth=True) as painter:
            track = QRectF(self.rect()).adjusted(2.5, 2.5, -2.5, -2.5)
            radius = track.height() / 2
            is_on = self.isChecked()
            painter.setPen(QPen(QColor(Colour.ACCENT if is_on else Colour.SECOND), 1))
            painter.setBrush(QColor(Colour.ACCENT if is_on else Colour.TRACK))
            painter.drawRoundedRect(track, radius, radius)
            knob = QRectF(0, 0, track.height() - 4, track.height() - 4)
            knob.moveCenter(track.center())
            knob.moveLeft(track.right() - knob.width() - 2 if is_on else track.left() + 2)
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(QColor(Colour.ON_ACCENT if is_on else Colour.MUTED))
            painter.drawEllipse(knob)
            if self.hasFocus():
                painter.setPen(QPen(QColor(Colour.TEXT), 1.2))
                painter.setBrush(Qt.BrushStyle.NoBrush)
                painter.drawRoundedRect(track.adjusted(-2, -2, 2, 2), radius + 2, radius + 2)
