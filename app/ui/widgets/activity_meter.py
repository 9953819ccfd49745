"""A small horizontal meter for what a stage is doing, such as its gain reduction, with label and figure.

GUI thread; nothing waits.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable

from PySide6.QtCore import QRect, QSize, Qt
from PySide6.QtGui import QColor, QPainter, QPaintEvent
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
            self.update(0, 0, self.width(), self._bar().top())
        if self._end() != self._shown_end:
            self._shown_end = self._end()
            self.update(self._bar())

    def sizeHint(self) -> QSize:
        """A line of text and the bar."""
        metrics = theme.metrics(FontRole.SMALL)
        longest = max((self.spec.minimum, self.spec.maximum), key=lambda end: len(decimal(end, 1, self.spec.unit)))
        return QSize(metrics.horizontalAdvance(decimal(longest, 1, self.spec.unit)) + 4, metrics.height() + 8)

    def minimumSizeHint(self) -> QSize:
        """At least the figure."""
        return self.sizeHint()

    def paintEvent(self, event: QPaintEvent) -> None:
        """Text where it changed, bar where it changed."""
        with painting(self) as painter:
            painter.fillRect(event.rect(), QColor(Colour.SURFACE))
            bar = self._bar()
            if event.rect().top() < bar.top():
                self._paint_text(painter)
            if event.rect().bottom() >= bar.top():
                painter.fillRect(bar, QColor(Colour.TRACK))
                zero, end = round(self._zero * bar.width()), self._end()
                painter.fillRect(
                    QRect(bar.left() + min(zero, end), bar.top(), abs(end - zero), bar.height()), QColor(Colour.ACCENT)
                )

    def _paint_text(self, painter: QPainter) -> None:
        metrics = theme.metrics(FontRole.SMALL)
        painter.setFont(theme.font(FontRole.SMALL))
        line = QRect(0, 0, self.width(), metrics.height())
        painter.setPen(QColor(Colour.TEXT))
        painter.drawText(line, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter, self._figure)
        room = self.width() - metrics.horizontalAdvance(self._figure) - 6
        if metrics.horizontalAdvance(self.spec.label) <= room:
            painter.setPen(QColor(Colour.FAINT))
            painter.drawText(line, Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter, self.spec.label)

    def _bar(self) -> QRect:
        return QRect(0, self.height() - 5, self.width(), 5)

    def _end(self) -> int:
        return round(self._share * self._bar().width())

    def _share_of(self, reading: float) -> float:
        span = self.spec.maximum - self.spec.minimum
        return min(max((reading - self.spec.minimum) / span, 0.0), 1.0) if span > 0 else 0.0
