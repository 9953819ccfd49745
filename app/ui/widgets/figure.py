"""A figure with its caption, painted without a layout, so that a number may change at no cost to its neighbours.

GUI thread; nothing waits.
"""

from __future__ import annotations

import math

from PySide6.QtCore import QRect, QSize, Qt
from PySide6.QtGui import QColor, QPaintEvent
from PySide6.QtWidgets import QSizePolicy, QWidget

from app.ui import theme
from app.ui.painting import painting
from app.ui.theme import Colour, FontRole

UNKNOWN = "–"


class Figure(QWidget):
    """Caption above value. The width is that of the widest text that is meant to stand here.

    Parameters
    ----------
    caption : str
        Stands above the value, and is the accessible name.
    widest : str
        The longest value to expect.
    help : str
        Tooltip and accessible description.
    """

    def __init__(
        self,
        caption: str,
        widest: str,
        help: str = "",
        role: FontRole = FontRole.BODY,
        ground: str = Colour.WINDOW,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self._caption = caption
        self._widest = widest
        self._role = role
        self._ground = ground
        self._value = UNKNOWN
        self._colour = Colour.TEXT
        self._help = help
        self.setAttribute(Qt.WidgetAttribute.WA_OpaquePaintEvent)
        self.setSizePolicy(QSizePolicy.Policy.Minimum, QSizePolicy.Policy.Fixed)
        self.setAccessibleName(caption)
        self.setToolTip(help)

    @property
    def value(self) -> str:
        """What is shown."""
        return self._value

    def show_value(self, value: str, colour: str = Colour.TEXT) -> None:
        """Show a text; costs nothing if it is the one shown."""
        if (value, colour) != (self._value, self._colour):
            self._value, self._colour = value, colour
            self.setAccessibleDescription(f"{value}. {self._help}".strip())
            self.update()

    def sizeHint(self) -> QSize:
        """Room for the caption and the widest value."""
        caption, value = theme.metrics(FontRole.SMALL), theme.metrics(self._role)
        width = max(caption.horizontalAdvance(self._caption), value.horizontalAdvance(self._widest))
        return QSize(width + 2, caption.height() + value.height())

    def minimumSizeHint(self) -> QSize:
        """The same: a figure is never cut."""
        return self.sizeHint()

    def paintEvent(self, event: QPaintEvent) -> None:
        """Caption, value."""
        with painting(self) as painter:
            painter.fillRect(self.rect(), QColor(self._ground))
            caption_height = theme.metrics(FontRole.SMALL).height()
            painter.setFont(theme.font(FontRole.SMALL))
            painter.setPen(QColor(Colour.FAINT))
            left = Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter
            painter.drawText(QRect(0, 0, self.width(), caption_height), left, self._caption)
            painter.setFont(theme.font(self._role))
            painter.setPen(QColor(self._colour))
            painter.drawText(QRect(0, caption_height, self.width(), self.height() - caption_height), left, self._value)


def decimal(value: float | None, digits: int = 1, unit: str = "", with_sign: bool = False) -> str:
    """A number as it stands in the window, with a true minus sign; unknown, infinite or NaN have signs of their own."""
    if value is None or math.isnan(value):
        return UNKNOWN
    if math.isinf(value):
        return "∞" if value > 0 else "−∞"
    text = f"{value:+.{digits}f}" if with_sign else f"{value:.{digits}f}"
    if float(text) == 0.0:
        text = text.lstrip("+-")
    return f"{text} {unit}".strip().replace("-", "−")


def clock_text(seconds: float | None) -> str:
    """Hours, minutes, seconds."""
    if seconds is None or not 0 <= seconds < 1e9:
        return UNKNOWN
    whole = int(seconds)
    return f"{whole // 3600}:{whole // 60 % 60:02d}:{whole % 60:02d}"
