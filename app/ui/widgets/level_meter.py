"""A vertical level meter: one bar a channel, peak hold, scale and clip lamp.

It is repainted thirty times a second, so the lit and the unlit meter are painted once into pixmaps and a frame only copies
the rows that changed. GUI thread; nothing waits.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

from PySide6.QtCore import QEvent, QRect, QSize, Qt
from PySide6.QtGui import QColor, QLinearGradient, QPainter, QPaintEvent, QPixmap, QResizeEvent
from PySide6.QtWidgets import QSizePolicy, QWidget

from app.ui import theme
from app.ui.painting import painting
from app.ui.theme import Colour, FontRole
from app.ui.widgets.ballistics import FLOOR_DB, Ballistics, meter_travel

TICKS_DB = (0, -6, -12, -18, -24, -30, -40, -50, -60)
CLIP_HOLD_S = 2.0
BAR_GAP = 3
LAMP_HEIGHT = 5


class LevelMeter(QWidget):
    """Peak meter of a bus.

    Parameters
    ----------
    name : str
        For screen readers, such as "Input level".
    clock : Callable[[], float]
        Seconds, monotonic.
    """

    def __init__(self, name: str, clock: Callable[[], float] = time.monotonic, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._clock = clock
        self._name = name
        self._bars = [Ballistics(), Ballistics()]
        self._shown_rows: list[tuple[int, int]] = []
        self._last_s = clock()
        self._clipped_at_s: float | None = None
        self._lit = QPixmap()
        self._unlit = QPixmap()
        self._columns: list[QRect] = []
        self._lamp = QRect()
        self.setAttribute(Qt.WidgetAttribute.WA_OpaquePaintEvent)
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Expanding)
        self.setAccessibleName(name)
        self._measure()
        self.setToolTip(f"{name}: peak of each channel, the highest held for a moment; the lamp on top shows clipping")

    @property
    def levels_db(self) -> tuple[float, ...]:
        """What the bars show, dBFS."""
        return tuple(bar.level_db for bar in self._bars)

    @property
    def is_clip_lit(self) -> bool:
        """Whether the clip lamp is on."""
        return self._clipped_at_s is not None

    def show_level(self, peaks_dbfs: Sequence[float | None], is_clipping: bool) -> None:
        """Show a reading, one value a channel."""
        now_s = self._clock()
        elapsed_s, self._last_s = now_s - self._last_s, now_s
        if len(peaks_dbfs) != len(self._bars) and peaks_dbfs:
            self._bars = [Ballistics() for _ in peaks_dbfs]
            self._forget_pixmaps()
        readings: Sequence[float | None] = peaks_dbfs or [None] * len(self._bars)
        for bar, reading in zip(self._bars, readings, strict=True):
            bar.feed(reading, elapsed_s, now_s)
        self._show_clip(is_clipping, now_s)
        self._update_changed_rows()

    def sizeHint(self) -> QSize:
        """Wide enough for two bars and the scale."""
        return QSize(self._scale_width() + 2 * max(10, theme.em() * 3 // 4) + 3, theme.em() * 14)

    def minimumSizeHint(self) -> QSize:
        """Still legible."""
        return QSize(self.sizeHint().width(), theme.em() * 7)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Paint the pixmaps anew."""
        self._forget_pixmaps()
        super().resizeEvent(event)

    def changeEvent(self, event: QEvent) -> None:
        """Follow the font."""
        if event.type() == QEvent.Type.FontChange:
            self._forget_pixmaps()
        super().changeEvent(event)

    def paintEvent(self, event: QPaintEvent) -> None:
        """Copy what changed from the pixmaps."""
        if self._unlit.isNull() or self._unlit.devicePixelRatio() != self.devicePixelRatioF():
            self._make_pixmaps()
        with painting(self) as painter:
            area = event.rect()
            ratio = self._unlit.devicePixelRatio()
            painter.drawPixmap(area, self._unlit, _scaled(area, ratio))
            for index, (level_row, peak_row) in enumerate(self._rows()):
                column = self._columns[index]
                lit = QRect(column.left(), level_row, column.width(), column.bottom() + 1 - level_row) & area
                if not lit.isEmpty():
                    painter.drawPixmap(lit, self._lit, _scaled(lit, ratio))
                if peak_row <= column.bottom() - 2:
                    hold = QRect(column.left(), peak_row, column.width(), 2) & area
                    painter.fillRect(hold, QColor(Colour.TEXT))
            if self._clipped_at_s is not None:
                painter.fillRect(self._lamp & area, QColor(Colour.TROUBLE))

    def _show_clip(self, is_clipping: bool, now_s: float) -> None:
        was_lit = self._clipped_at_s is not None
        if is_clipping:
            self._clipped_at_s = now_s
        elif self._clipped_at_s is not None and now_s - self._clipped_at_s > CLIP_HOLD_S:
            self._clipped_at_s = None
        if was_lit != (self._clipped_at_s is not None):
            self.setAccessibleDescription("clipping" if self._clipped_at_s is not None else "")
            self.update(self._lamp)

    def _update_changed_rows(self) -> None:
        rows = self._rows()
        for index, (new, old) in enumerate(zip(rows, self._shown_rows or rows, strict=False)):
            if new != old:
                top, bottom = min(*new, *old), max(*new, *old) + 2
                column = self._columns[index]
                self.update(column.left(), top, column.width(), bottom - top)
        self._shown_rows = rows

    def _rows(self) -> list[tuple[int, int]]:
        return [(self._row(bar.level_db), self._row(bar.peak_db)) for bar in self._bars]

    def _row(self, level_db: float) -> int:
        column = self._columns[0]
        return column.top() + column.height() - round(meter_travel(level_db) * column.height())

    def _scale_width(self) -> int:
        return theme.metrics(FontRole.SMALL).horizontalAdvance("60") + 8

    def _measure(self) -> None:
        count, half_line = len(self._bars), theme.metrics(FontRole.SMALL).height() // 2
        room = max(4, self.width() - self._scale_width()) - BAR_GAP * (count - 1)
        width = max(2, min(room // count, theme.em() * 2))
        top, bottom = max(half_line, LAMP_HEIGHT + 3), self.height() - half_line - 1
        self._lamp = QRect(0, 0, count * (width + BAR_GAP) - BAR_GAP, LAMP_HEIGHT)
        self._columns = [QRect(index * (width + BAR_GAP), top, width, max(1, bottom - top)) for index in range(count)]

    def _forget_pixmaps(self) -> None:
        self._measure()
        self._lit = self._unlit = QPixmap()
        self._shown_rows = []
        self.update()

    def _make_pixmaps(self) -> None:
        ratio = self.devicePixelRatioF()
        self._unlit, self._lit = (QPixmap(self.size() * ratio) for _ in range(2))
        for pixmap in (self._unlit, self._lit):
            pixmap.setDevicePixelRatio(ratio)
            pixmap.fill(QColor(Colour.WINDOW))
        with painting(self._unlit) as painter:
            painter.fillRect(self._lamp, QColor(Colour.RAISED))
            for index in range(len(self._bars)):
                painter.fillRect(self._columns[index], QColor(Colour.TRACK))
            self._paint_lines(painter)
            self._paint_scale(painter)
        with painting(self._lit) as painter:
            for index in range(len(self._bars)):
                self._paint_lit(painter, self._columns[index])
            self._paint_lines(painter)

    def _paint_lit(self, painter: QPainter, column: QRect) -> None:
        gradient = QLinearGradient(0, column.bottom(), 0, column.top())
        gradient.setColorAt(0.0, QColor(Colour.ACCENT_DIM))
        gradient.setColorAt(meter_travel(-18.0), QColor(Colour.ACCENT))
        gradient.setColorAt(meter_travel(-6.0) - 0.001, QColor(Colour.ACCENT))
        gradient.setColorAt(meter_travel(-6.0), QColor(Colour.CAUTION))
        gradient.setColorAt(1.0, QColor(Colour.CAUTION))
        painter.fillRect(column, gradient)

    def _paint_lines(self, painter: QPainter) -> None:
        for tick_db in TICKS_DB[1:-1]:
            painter.fillRect(QRect(0, self._row(tick_db), self._lamp.width(), 1), QColor(Colour.WINDOW))

    def _paint_scale(self, painter: QPainter) -> None:
        painter.setFont(theme.font(FontRole.SMALL))
        line_height = theme.metrics(FontRole.SMALL).height()
        left = self._lamp.right() + 6
        free_row = -line_height
        for tick_db in TICKS_DB:
            row = self._row(tick_db)
            if row - line_height // 2 < free_row:
                continue
            free_row = row + line_height // 2
            painter.setPen(QColor(Colour.FAINT))
            box = QRect(left, row - line_height // 2, self._scale_width(), line_height)
            text = "−∞" if tick_db <= FLOOR_DB else str(abs(tick_db))
            painter.drawText(box, Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter, text)


def _scaled(area: QRect, ratio: float) -> QRect:
    return QRect(
        round(area.x() * ratio), round(area.y() * ratio), round(area.width() * ratio), round(area.height() * ratio)
    )
