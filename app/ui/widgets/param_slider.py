"""The two continuous controls of a number: a dial for the cards, a straight slider for the panels.

Both are `QAbstractSlider`s, so keyboard, wheel and screen readers work as everywhere; both tell changes made by the user
only, follow the engine otherwise, and are not fought over while they are held. GUI thread; nothing waits.
"""

from __future__ import annotations

import math

from PySide6.QtCore import QPointF, QRect, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QKeyEvent, QMouseEvent, QPainter, QPaintEvent, QPen, QWheelEvent
from PySide6.QtWidgets import QAbstractSlider, QSizePolicy, QWidget

from app.ui import theme
from app.ui.painting import painting
from app.ui.theme import Colour, FontRole
from app.ui.widgets.travel import Travel, readable
from engine import ParamSpec, Value

FULL_TRAVEL_PX = 220
FINE = 0.1


class ParamSlider(QAbstractSlider):
    """What both controls share.

    Signals
    -------
    edited(object)
        The user chose this value.
    """

    edited = Signal(object)

    def __init__(self, spec: ParamSpec, owner: str = "", parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.spec = spec
        self._travel = Travel(spec)
        self._exact: Value | None = spec.default
        self._drag_from = QPointF()
        self._drag_travel = 0.0
        self.setRange(0, self._travel.positions)
        self.setSingleStep(max(1, self._travel.positions // 200))
        self.setPageStep(max(1, self._travel.positions // 10))
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setAccessibleName(f"{owner} {spec.label}".strip())
        self.setToolTip(f"{spec.label}: {spec.help}\nDouble-click for {readable(spec, spec.default)}.".strip())
        self.show_value(spec.default)
        self.valueChanged.connect(self._tell)

    @property
    def shown_value(self) -> Value | None:
        """The value on show."""
        return self._exact

    def show_value(self, value: Value | None) -> None:
        """Follow the engine, unless the user holds this control."""
        if self.isSliderDown() or (value == self._exact and self.accessibleDescription()):
            return
        try:
            position = self._travel.position(value) if value is not None else 0
            self._exact = None if value is None else self.spec.clamp(value)
        except (ValueError, OverflowError):
            position, self._exact = 0, None
        was_blocked = self.blockSignals(True)
        self.setValue(position)
        self.blockSignals(was_blocked)
        self._describe()
        self.update()

    def reset(self) -> None:
        """Back to the default, as the user's doing."""
        self.setSliderDown(False)
        self.setValue(self._travel.position(self.spec.default))
        self._exact = self.spec.default
        self._describe()
        self.update()
        self.edited.emit(self.spec.default)

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        """Reset."""
        if event.button() is Qt.MouseButton.LeftButton:
            self.reset()

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        """Let go."""
        self.setSliderDown(False)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Delete resets; the rest is Qt's."""
        if event.key() in (Qt.Key.Key_Delete, Qt.Key.Key_Backspace):
            self.reset()
        else:
            super().keyPressEvent(event)

    def wheelEvent(self, event: QWheelEvent) -> None:
        """Turn only what has the focus, so that scrolling past a control does not change it."""
        if self.hasFocus():
            super().wheelEvent(event)
        else:
            event.ignore()

    def sliderChange(self, change: QAbstractSlider.SliderChange) -> None:
        """Repaint is asked for where the value is known."""
        self.update()

    def _tell(self, position: int) -> None:
        self._exact = self._travel.value(position)
        self._describe()
        self.update()
        self.edited.emit(self._exact)

    def _describe(self) -> None:
        self.setAccessibleDescription(f"{readable(self.spec, self._exact)}. {self.spec.help}".strip())

    def _share(self) -> float:
        return self.value() / max(1, self.maximum())

    def _zero_share(self) -> float:
        """Where the filled part begins: at zero if that is within the range, so that a gain grows from the middle."""
        if self.spec.is_logarithmic or not self.spec.minimum < 0.0 < self.spec.maximum:
            return 0.0
        return self.spec.to_travel(0.0)


class Dial(ParamSlider):
    """A dial with its label and value: beside it where there is little height, beneath it where there is enough."""

    START_DEG = 225.0
    SPAN_DEG = 270.0

    def __init__(self, spec: ParamSpec, owner: str = "", parent: QWidget | None = None) -> None:
        super().__init__(spec, owner, parent)
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


class StraightSlider(ParamSlider):
    """A horizontal slider with a mark at the default."""

    def __init__(self, spec: ParamSpec, owner: str = "", parent: QWidget | None = None) -> None:
        super().__init__(spec, owner, parent)
        self.setOrientation(Qt.Orientation.Horizontal)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)

    def sizeHint(self) -> QSize:
        """As high as an entry."""
        return QSize(theme.em() * 10, theme.em() + 8)

    def minimumSizeHint(self) -> QSize:
        """Still a useful travel."""
        return QSize(theme.em() * 5, theme.em() + 8)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Take hold where the pointer is."""
        if event.button() is Qt.MouseButton.LeftButton:
            self.setSliderDown(True)
            self._follow(event.position().x())

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Follow the pointer."""
        if self.isSliderDown():
            self._follow(event.position().x())

    def paintEvent(self, event: QPaintEvent) -> None:
        """Groove, filled part, default mark, knob."""
        with painting(self, is_smooth=True) as painter:
            left, span = self._groove()
            middle = self.height() / 2
            painter.setPen(QPen(QColor(Colour.LINE), 1))
            mark = left + span * self.spec.to_travel(self.spec.default)
            painter.drawLine(QPointF(mark, middle - 7), QPointF(mark, middle + 7))
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(QColor(Colour.LINE))
            painter.drawRoundedRect(QRectF(left, middle - 2, span, 4), 2, 2)
            here, zero = left + span * self._share(), left + span * self._zero_share()
            painter.setBrush(QColor(Colour.ACCENT if self.isEnabled() else Colour.SECOND))
            painter.drawRoundedRect(QRectF(min(here, zero), middle - 2, abs(here - zero), 4), 2, 2)
            painter.setBrush(QColor(Colour.TEXT))
            painter.drawEllipse(QPointF(here, middle), 5.5, 5.5)
            if self.hasFocus():
                painter.setPen(QPen(QColor(Colour.ACCENT), 1.6))
                painter.setBrush(Qt.BrushStyle.NoBrush)
                painter.drawEllipse(QPointF(here, middle), 8.0, 8.0)

    def _groove(self) -> tuple[float, float]:
        return 9.0, max(1.0, self.width() - 18.0)

    def _follow(self, x: float) -> None:
        left, span = self._groove()
        self.setValue(round(min(max((x - left) / span, 0.0), 1.0) * self.maximum()))
