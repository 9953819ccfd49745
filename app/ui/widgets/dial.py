"""The dial of the cards. GUI thread; nothing waits."""

from __future__ import annotations

import math

from PySide6.QtCore import QPointF, QRect, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QMouseEvent, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QSizePolicy, QWidget

from app.ui import theme
from app.ui.painting import painting
from app.ui.theme import Colour, FontRole
from app.ui.widgets.param_slider import ParamSlider
from app.ui.widgets.travel import readable
from engine import ParamSpec

FULL_TRAVEL_PX = 220
FINE = 0.1


class Dial(ParamSlider):
    """A dial with its label and value: beside it where there is little height, beneath it where there is enough."""

    START_DEG = 225.0
    SPAN_DEG = 270.0

    def __init__(self, spec: ParamSpec, owner: str = "", parent: QWidget | None = None) -> None:
        super().__init__(spec, owner, parent)
        self._drag_from = QPointF()
        self._drag_travel = 0.0
        self._is_dimmed = False
        self._is_tall = False
        self.setOrientation(Qt.Orientation.Vertical)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)

    def show_dimmed(self, is_dimmed: bool) -> None:
        """Grey, because its stage is out of the sound; it can still be turned."""
        if is_dimmed != self._is_dimmed:
            self._is_dimmed = is_dimmed
            self.update()

    def show_tall(self, is_tall: bool) -> None:
        """Keep the text beneath the dial, where there is height but little width."""
        if is_tall != self._is_tall:
            self._is_tall = is_tall
            self.updateGeometry()
            self.update()

    def sizeHint(self) -> QSize:
        """Room for the dial with the text beside or beneath it."""
        if self._is_tall:
            return QSize(max(self._text_width(), self._face_least() + 8), self._face_least() + self._text_height())
        return QSize(self._face_least() + 6 + self._text_width(), self._face_least())

    def minimumSizeHint(self) -> QSize:
        """The same."""
        return self.sizeHint()

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Take hold."""
        if event.button() is Qt.MouseButton.LeftButton:
            self.setSliderDown(True)
            self._drag_from = event.position()
            self._drag_travel = self._share()

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Up and to the right is more; Shift makes it fine."""
        if not self.isSliderDown():
            return
        moved = event.position() - self._drag_from
        self._drag_from = event.position()
        speed = FINE if event.modifiers() & Qt.KeyboardModifier.ShiftModifier else 1.0
        self._drag_travel += speed * (moved.x() - moved.y()) / FULL_TRAVEL_PX
        self._drag_travel = min(max(self._drag_travel, 0.0), 1.0)
        self.setValue(round(self._drag_travel * self.maximum()))

    def paintEvent(self, event: QPaintEvent) -> None:
        """Face, label, value."""
        with painting(self, is_smooth=True) as painter:
            face, label_box, value_box, alignment = self._arrangement()
            self._paint_face(painter, face)
            painter.setFont(theme.font(FontRole.SMALL))
            painter.setPen(QColor(Colour.MUTED))
            painter.drawText(label_box, alignment, self.spec.label)
            painter.setFont(theme.font(FontRole.BODY))
            painter.setPen(QColor(Colour.TEXT if self.isEnabled() else Colour.FAINT))
            painter.drawText(value_box, alignment, readable(self.spec, self._exact))

    def _arrangement(self) -> tuple[QRectF, QRect, QRect, Qt.AlignmentFlag]:
        label_height, value_height = theme.em(FontRole.SMALL), theme.em()
        below = self.height() - self._text_height()
        if self._is_tall or (below >= self._face_least() * 1.15 and self.width() >= self._text_width()):
            size = min(below, self.width() - 8, round(self._face_least() * 2.3))
            spare = (below - size) // 2
            face = QRectF((self.width() - size) / 2, spare, size, size)
            top = spare + size
            alignment = Qt.AlignmentFlag.AlignHCenter | Qt.AlignmentFlag.AlignVCenter
            return (
                face,
                QRect(0, top, self.width(), label_height),
                QRect(0, top + label_height, self.width(), value_height),
                alignment,
            )
        size = min(self.height(), round(self._face_least() * 1.4), self.width() - self._text_width() - 6)
        face = QRectF(0, (self.height() - size) / 2, size, size)
        left, top = int(size) + 6, (self.height() - label_height - value_height) // 2
        width = self.width() - left
        alignment = Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter
        return (
            face,
            QRect(left, top, width, label_height),
            QRect(left, top + label_height, width, value_height),
            alignment,
        )

    def _paint_face(self, painter: QPainter, box: QRectF) -> None:
        width = max(3.0, box.width() * 0.065)
        ring = box.adjusted(width, width, -width, -width)
        round_pen = Qt.PenCapStyle.FlatCap
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.setPen(QPen(QColor(Colour.LINE), width, Qt.PenStyle.SolidLine, round_pen))
        painter.drawArc(ring, round((self.START_DEG - self.SPAN_DEG) * 16), round(self.SPAN_DEG * 16))
        share, zero = self._share(), self._zero_share()
        painter.setPen(QPen(QColor(self._tint()), width, Qt.PenStyle.SolidLine, round_pen))
        start = self.START_DEG - self.SPAN_DEG * zero
        painter.drawArc(ring, round(start * 16), round(-self.SPAN_DEG * (share - zero) * 16))
        knob = ring.adjusted(width * 1.1, width * 1.1, -width * 1.1, -width * 1.1)
        painter.setPen(QPen(QColor(Colour.TEXT if self.hasFocus() else Colour.LINE), 1.4 if self.hasFocus() else 1.0))
        painter.setBrush(QColor(Colour.RAISED))
        painter.drawEllipse(knob)
        angle = math.radians(self.START_DEG - self.SPAN_DEG * share)
        direction = QPointF(math.cos(angle), -math.sin(angle))
        radius = knob.width() / 2
        pointer = QPen(QColor(Colour.TEXT), max(1.6, width * 0.5), Qt.PenStyle.SolidLine, Qt.PenCapStyle.RoundCap)
        painter.setPen(pointer)
        painter.drawLine(knob.center() + direction * radius * 0.35, knob.center() + direction * radius * 0.8)

    def _tint(self) -> str:
        return Colour.ACCENT if self.isEnabled() and not self._is_dimmed else Colour.SECOND

    def _face_least(self) -> int:
        return round(theme.em() * 2.4)

    def _text_height(self) -> int:
        return theme.em(FontRole.SMALL) + theme.em() + 4

    def _text_width(self) -> int:
        label = theme.metrics(FontRole.SMALL).horizontalAdvance(self.spec.label)
        widest = max(
            theme.metrics().horizontalAdvance(readable(self.spec, value))
            for value in (self.spec.minimum, self.spec.maximum, self.spec.default)
        )
        return max(label, widest) + 2
