"""The continuous controls of a number: what dials and sliders share, and the straight slider of the panels.

All are `QAbstractSlider`s, so keyboard, wheel and screen readers work as everywhere; all tell changes made by the user
only, follow the engine otherwise, and are not fought over while they are held. GUI thread; nothing waits.
"""

from __future__ import annotations

from PySide6.QtCore import QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QKeyEvent, QMouseEvent, QPaintEvent, QPen, QWheelEvent
from PySide6.QtWidgets import QAbstractSlider, QSizePolicy, QWidget

from app.ui import theme
from app.ui.painting import painting
from app.ui.theme import Colour
from app.ui.widgets.travel import Travel, readable
from engine import ParamSpec, Value


class ParamSlider(QAbstractSlider):
    """What all of them share.

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
