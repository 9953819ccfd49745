"""A small horizontal meter for what a stage is doing, such as its gain reduction, with label and figure.

GUI thread; nothing waits.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable

from PySide6.QtCore import QEvent, QRect, QSize, Qt
from PySide6.QtGui import QColor, QPainter, QPaintEvent, QResizeEvent
from PySide6.QtWidgets import QSizePolicy, QWidget

from app.ui import theme
from app.ui.painting import painting
from app.ui.theme import Colour, FontRole
from app.ui.widgets.figure import decimal
from engine import MeterSpec

FIGURE_EVERY_S = 0.15
FALL_PER_S = 1.2
"""Fall of the bar, in widths a second."""


class ActivityMeter(QWidget):
    """The bar moves with every reading, the figure a few times a second so that it can be read."""

    def __init__(
        self, spec: MeterSpec, owner: str, clock: Callable[[], float] = time.monotonic, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self.spec = spec
        self._clock = clock
        self._reading: float | None = None
        self._figure = "–"
        self._figure_at_s = -1.0
        self._share = self._zero = self._share_of(0.0)
        self._shown_end = -1
        self._bar_box = QRect(0, 0, 1, 5)
        self._last_s = clock()
        self.setAttribute(Qt.WidgetAttribute.WA_OpaquePaintEvent)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setAccessibleName(f"{owner} {spec.label}")
        self.setToolTip(f"{spec.label}, {decimal(spec.minimum, 0)} to {decimal(spec.maximum, 0, spec.unit)}")

    @property
    def reading(self) -> float | None:
        """The last reading."""
        return self._reading

    @property
    def figure(self) -> str:
        """The figure on show."""
        return self._figure

    def show_reading(self, reading: float | None) -> None:
        """Show a reading; None where there is none."""
        now_s = self._clock()
        elapsed_s, self._last_s = min(max(now_s - self._last_s, 0.0), 1.0), now_s
        self._reading = reading
        target = self._zero if reading is None or math.isnan(reading) else self._share_of(reading)
        step = FALL_PER_S * elapsed_s
        if abs(target - self._zero) >= abs(self._share - self._zero):
            self._share = target
        else:
            self._share += min(max(target - self._share, -step), step)
        figure = decimal(reading, 1, self.spec.unit)
        if figure != self._figure and (now_s - self._figure_at_s >= FIGURE_EVERY_S or reading is None):
            self._figure, self._figure_at_s = figure, now_s
            self.update(self._figure_box())
        if self._end() != self._shown_end:
            self._shown_end = self._end()
            self.update(self._bar_box)

    def sizeHint(self) -> QSize:
        """The label above, bar and figure below."""
        label = theme.metrics(FontRole.SMALL).horizontalAdvance(self.spec.label) + 2
        return QSize(max(label, self._figure_width() + theme.em() * 2), 2 * theme.em(FontRole.SMALL))

    def minimumSizeHint(self) -> QSize:
        """The same: neither the label nor the figure is cut, and something of the bar is seen."""
        return self.sizeHint()

    def paintEvent(self, event: QPaintEvent) -> None:
        """Text where it changed, bar where it changed."""
        with painting(self) as painter:
            painter.fillRect(event.rect(), QColor(Colour.SURFACE))
            bar = self._bar_box
            if event.rect().top() < self._line() or event.rect().right() > bar.right():
                self._paint_text(painter)
            if event.rect().intersects(bar):
                painter.fillRect(bar, QColor(Colour.TRACK))
                zero, end = round(self._zero * bar.width()), self._end()
                lit = QRect(bar.left() + min(zero, end), bar.top(), abs(end - zero), bar.height())
                painter.fillRect(lit, QColor(Colour.ACCENT))

    def _paint_text(self, painter: QPainter) -> None:
        metrics, line = theme.metrics(FontRole.SMALL), self._line()
        painter.setFont(theme.font(FontRole.SMALL))
        painter.setPen(QColor(Colour.FAINT))
        label = metrics.elidedText(self.spec.label, Qt.TextElideMode.ElideRight, self.width())
        painter.drawText(QRect(0, 0, self.width(), line), Qt.AlignmentFlag.AlignLeft, label)
        painter.setPen(QColor(Colour.TEXT))
        painter.drawText(self._figure_box(), Qt.AlignmentFlag.AlignRight, self._figure)

    def _line(self) -> int:
        return self.height() - theme.em(FontRole.SMALL)

    def _figure_width(self) -> int:
        metrics = theme.metrics(FontRole.SMALL)
        ends = (self.spec.minimum, self.spec.maximum)
        return max(metrics.horizontalAdvance(decimal(end, 1, self.spec.unit)) for end in ends) + 2

    def _figure_box(self) -> QRect:
        width = self._figure_width()
        return QRect(self.width() - width, self._line(), width, theme.em(FontRole.SMALL))

    def _measure(self) -> None:
        middle = self._line() + theme.em(FontRole.SMALL) // 2
        self._bar_box = QRect(0, middle - 2, max(1, self.width() - self._figure_width() - theme.GAP), 5)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Place the bar."""
        self._measure()
        super().resizeEvent(event)

    def changeEvent(self, event: QEvent) -> None:
        """Follow the font."""
        super().changeEvent(event)
        if event.type() == QEvent.Type.FontChange:
            self._measure()

    def _end(self) -> int:
        return round(self._share * self._bar_box.width())

    def _share_of(self, reading: float) -> float:
        span = self.spec.maximum - self.spec.minimum
        return min(max((reading - self.spec.minimum) / span, 0.0), 1.0) if span > 0 else 0.0
