"""The delay from microphone to virtual microphone, part by part, on a scale of milliseconds.

What is known is drawn to scale; what is not known is drawn as a hatched end off the scale and said to be unknown; what was
measured is marked on the scale, and where nothing was measured the bar says so. GUI thread; nothing waits.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from PySide6.QtCore import QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QBrush, QColor, QPainter, QPaintEvent, QPen, QPolygonF
from PySide6.QtWidgets import QSizePolicy, QWidget

from app.ui import theme
from app.ui.painting import painting
from app.ui.theme import Colour, FontRole
from app.ui.widgets.figure import decimal
from engine import Snapshot

MARKS_MS = (20.0, 50.0)
LEAST_SCALE_MS = 60.0


@dataclass(frozen=True, slots=True)
class Part:
    """One part of the delay; None: it is not known."""

    label: str
    ms: float | None
    is_device: bool = False


@dataclass(frozen=True, slots=True)
class LatencyPicture:
    """All that the bar shows, rounded to what can be seen, so that equal pictures need no paint."""

    parts: tuple[Part, ...] = ()
    p50_ms: float | None = None
    p99_ms: float | None = None

    @property
    def known_ms(self) -> float:
        """Sum of what is known."""
        return sum(part.ms or 0.0 for part in self.parts)

    def sentence(self) -> str:
        """The whole bar in words."""
        parts = "; ".join(
            f"{part.label} {decimal(part.ms, 1, 'ms') if part.ms is not None else 'unknown'}" for part in self.parts
        )
        if self.p50_ms is None:
            return f"{parts}. From device to device: not measured."
        measured = f"median {decimal(self.p50_ms, 1, 'ms')}, 99 % under {decimal(self.p99_ms, 1, 'ms')}"
        return f"{parts}. Measured from device to device: {measured}."


def latency_picture(snapshot: Snapshot, labels: dict[str, str]) -> LatencyPicture:
    """Read the parts from a snapshot; `labels` names the stages."""
    latency = snapshot.latency
    rate = snapshot.sample_rate or 48_000
    stages = [Part(labels.get(s.id, s.id), round(s.latency_samples * 1000 / rate, 2)) for s in snapshot.stages]
    rest_ms = (_known(latency.chain_ms) or 0.0) - sum(part.ms or 0.0 for part in stages)
    between = [Part("Buffers", round(rest_ms, 1))] if rest_ms > 0.1 else []
    measured = latency.measured_ms
    return LatencyPicture(
        parts=(
            Part("Device in", _known(latency.input_ms), is_device=True),
            *(part for part in stages if part.ms),
            *between,
            Part("Device out", _known(latency.output_ms), is_device=True),
        ),
        p50_ms=_known(measured.p50) if measured else None,
        p99_ms=_known(measured.p99) if measured else None,
    )


def _known(value_ms: float | None) -> float | None:
    return round(value_ms, 1) if value_ms is not None and math.isfinite(value_ms) else None


class LatencyBar(QWidget):
    """The bar itself."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._picture = LatencyPicture()
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setAccessibleName("Latency budget")

    @property
    def picture(self) -> LatencyPicture:
        """What is shown."""
        return self._picture

    def show_picture(self, picture: LatencyPicture) -> None:
        """Show another picture; an equal one costs nothing."""
        if picture != self._picture:
            self._picture = picture
            self.setAccessibleDescription(picture.sentence())
            self.setToolTip(picture.sentence().replace("; ", "\n").replace(". ", ".\n"))
            self.update()

    def sizeHint(self) -> QSize:
        """Scale above, bar, markers below."""
        return QSize(theme.em() * 24, self._bar_height() + 2 * theme.em(FontRole.SMALL) + 8)

    def minimumSizeHint(self) -> QSize:
        """A bar of some use."""
        return QSize(theme.em() * 12, self.sizeHint().height())

    def paintEvent(self, event: QPaintEvent) -> None:
        """Scale, parts, markers."""
        with painting(self, is_smooth=True) as painter:
            painter.setFont(theme.font(FontRole.SMALL))
            self._paint_scale(painter)
            self._paint_parts(painter)
            self._paint_marks(painter)
            self._paint_measured(painter)

    def _bar_height(self) -> int:
        return theme.em() + 4

    def _bar(self) -> QRectF:
        cap = self._cap_width()
        left = cap if self._is_unknown(0) else 0.0
        right = cap if self._is_unknown(-1) else 0.0
        top = theme.em(FontRole.SMALL) + 4
        return QRectF(left, top, max(1.0, self.width() - left - right - 1), self._bar_height())

    def _is_unknown(self, index: int) -> bool:
        parts = self._picture.parts
        return bool(parts) and parts[index].is_device and parts[index].ms is None

    def _cap_width(self) -> float:
        return theme.metrics(FontRole.SMALL).horizontalAdvance("out ?") + 14.0

    def _scale_ms(self) -> float:
        longest = max(self._picture.known_ms, self._picture.p99_ms or 0.0, self._picture.p50_ms or 0.0)
        return max(LEAST_SCALE_MS, math.ceil(longest * 1.12 / 10.0) * 10.0)

    def _x(self, ms: float) -> float:
        bar = self._bar()
        return bar.left() + bar.width() * min(ms / self._scale_ms(), 1.0)

    def _paint_scale(self, painter: QPainter) -> None:
        bar, scale_ms = self._bar(), self._scale_ms()
        step = 10.0 if scale_ms <= 120 else 50.0 if scale_ms <= 600 else 500.0
        painter.fillRect(bar, QColor(Colour.TRACK))
        painter.setPen(QPen(QColor(Colour.LINE), 1))
        for index in range(1, int(scale_ms / step) + 1):
            x = round(self._x(index * step)) + 0.5
            painter.drawLine(QPointF(x, bar.bottom() - 4), QPointF(x, bar.bottom()))

    def _paint_parts(self, painter: QPainter) -> None:
        at_ms = 0.0
        bar = self._bar()
        for index, part in enumerate(self._picture.parts):
            if part.ms is None:
                self._paint_cap(painter, is_left=index == 0)
                continue
            box = QRectF(self._x(at_ms), bar.top(), max(1.5, self._x(at_ms + part.ms) - self._x(at_ms)), bar.height())
            at_ms += part.ms
            ground = Colour.LINE if part.is_device else (Colour.ACCENT_DIM, "#275a53")[index % 2]
            painter.fillRect(box.adjusted(0, 0, -1, 0), QColor(ground))
            self._paint_label(painter, box, part)

    def _paint_label(self, painter: QPainter, box: QRectF, part: Part) -> None:
        metrics = theme.metrics(FontRole.SMALL)
        painter.setPen(QColor(Colour.TEXT))
        for text in (f"{part.label} {decimal(part.ms, 1)}", part.label, decimal(part.ms, 1)):
            if metrics.horizontalAdvance(text) + 8 <= box.width():
                painter.drawText(box, Qt.AlignmentFlag.AlignCenter, text)
                return

    def _paint_cap(self, painter: QPainter, is_left: bool) -> None:
        bar = self._bar()
        width = self._cap_width() - 3
        box = QRectF(0 if is_left else bar.right() + 3, bar.top(), width, bar.height())
        painter.fillRect(box, QBrush(QColor(Colour.RAISED), Qt.BrushStyle.BDiagPattern))
        painter.setPen(QPen(QColor(Colour.SECOND), 1, Qt.PenStyle.DashLine))
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.drawRect(box.adjusted(0.5, 0.5, -0.5, -0.5))
        painter.setPen(QColor(Colour.MUTED))
        painter.drawText(box, Qt.AlignmentFlag.AlignCenter, "in ?" if is_left else "out ?")

    def _paint_marks(self, painter: QPainter) -> None:
        bar = self._bar()
        line_height = theme.em(FontRole.SMALL)
        for mark_ms in MARKS_MS:
            x = round(self._x(mark_ms)) + 0.5
            painter.setPen(QPen(QColor(Colour.TEXT), 1.4))
            painter.drawLine(QPointF(x, line_height), QPointF(x, bar.top() + 1))
            painter.drawLine(QPointF(x, bar.bottom() - 3), QPointF(x, bar.bottom()))
            painter.setPen(QColor(Colour.MUTED))
            text = f"{mark_ms:.0f} ms"
            half = theme.metrics(FontRole.SMALL).horizontalAdvance(text) / 2 + 2
            x = min(max(x, half), self.width() - half)
            painter.drawText(QRectF(x - half, 0, 2 * half, line_height), Qt.AlignmentFlag.AlignCenter, text)

    def _paint_measured(self, painter: QPainter) -> None:
        p50_ms, p99_ms = self._picture.p50_ms, self._picture.p99_ms
        bar = self._bar()
        row = QRectF(0, bar.bottom() + 3, self.width(), theme.em(FontRole.SMALL))
        painter.setPen(QColor(Colour.MUTED))
        if p50_ms is None or p99_ms is None:
            painter.drawText(
                row, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter, "device to device: not measured"
            )
            return
        for value_ms, is_filled in ((p50_ms, True), (p99_ms, False)):
            x = self._x(value_ms)
            tip = QPolygonF(
                [QPointF(x, bar.bottom() - 3), QPointF(x - 5, bar.bottom() + 5), QPointF(x + 5, bar.bottom() + 5)]
            )
            painter.setPen(QPen(QColor(Colour.TEXT), 1.2))
            painter.setBrush(QColor(Colour.TEXT) if is_filled else Qt.BrushStyle.NoBrush)
            painter.drawPolygon(tip)
        text = f"measured p50 {decimal(p50_ms)} · p99 {decimal(p99_ms, 1, 'ms')}"
        width = theme.metrics(FontRole.SMALL).horizontalAdvance(text) + 6
        left = self._x(p50_ms) - 10 - width
        if left < 0:
            left = min(self._x(p99_ms) + 10, self.width() - width)
        painter.setPen(QColor(Colour.MUTED))
        painter.drawText(QRectF(left, row.top(), width, row.height()), Qt.AlignmentFlag.AlignRight, text)
