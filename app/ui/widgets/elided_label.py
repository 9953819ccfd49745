"""A line of text that ends in an ellipsis where there is no room, and tells the whole in its tooltip.

GUI thread; nothing waits.
"""

from __future__ import annotations

from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import QColor, QPaintEvent
from PySide6.QtWidgets import QSizePolicy, QWidget

from app.ui import theme
from app.ui.painting import painting
from app.ui.theme import Colour, FontRole


class ElidedLabel(QWidget):
    """One or several lines of text, elided at the end of the last.

    Parameters
    ----------
    lines : int
        How many lines there may be.
    minimum : str
        The text that must always fit.
    is_centred : bool
        Whether fewer lines stand in the middle of the height; else at its top.
    """

    def __init__(
        self,
        text: str = "",
        role: FontRole = FontRole.BODY,
        colour: str = Colour.TEXT,
        lines: int = 1,
        minimum: str = "0000",
        is_centred: bool = False,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self._text = ""
        self._role = role
        self._colour = colour
        self._lines = lines
        self._minimum = minimum
        self._is_centred = is_centred or lines == 1
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.show_text(text)

    @property
    def text(self) -> str:
        """The whole text."""
        return self._text

    def show_text(self, text: str, colour: str | None = None) -> None:
        """Show another text."""
        if (text, colour or self._colour) == (self._text, self._colour):
            return
        self._text, self._colour = text, colour or self._colour
        self.setToolTip(text)
        self.setAccessibleName(text)
        self.update()

    def sizeHint(self) -> QSize:
        """The whole text in one line, or the number of lines given."""
        metrics = theme.metrics(self._role)
        return QSize(metrics.horizontalAdvance(self._text or self._minimum) + 2, metrics.lineSpacing() * self._lines)

    def minimumSizeHint(self) -> QSize:
        """The least that must fit."""
        metrics = theme.metrics(self._role)
        return QSize(metrics.horizontalAdvance(self._minimum) + 2, metrics.lineSpacing() * self._lines)

    def shown_lines(self) -> list[str]:
        """The lines as they are painted."""
        metrics = theme.metrics(self._role)
        words, lines = self._text.split(), list[str]()
        while words and len(lines) < self._lines:
            if len(lines) == self._lines - 1:
                return [*lines, metrics.elidedText(" ".join(words), Qt.TextElideMode.ElideRight, self.width())]
            line = words.pop(0)
            while words and metrics.horizontalAdvance(f"{line} {words[0]}") <= self.width():
                line = f"{line} {words.pop(0)}"
            lines.append(metrics.elidedText(line, Qt.TextElideMode.ElideRight, self.width()))
        return lines

    def paintEvent(self, event: QPaintEvent) -> None:
        """The lines."""
        with painting(self) as painter:
            painter.setFont(theme.font(self._role))
            painter.setPen(QColor(self._colour))
            metrics = theme.metrics(self._role)
            lines = self.shown_lines()
            top = (self.height() - metrics.lineSpacing() * len(lines)) // 2 if self._is_centred else 0
            for index, line in enumerate(lines):
                painter.drawText(0, top + index * metrics.lineSpacing() + metrics.ascent(), line)
