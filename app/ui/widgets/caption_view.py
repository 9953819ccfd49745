"""Caption lines as text in shades of certainty, the newest in sight. GUI thread; nothing waits."""

from __future__ import annotations

import html
from collections.abc import Iterator

from PySide6.QtGui import QTextCursor, QTextOption
from PySide6.QtWidgets import QTextBrowser, QWidget

from app.ui import theme
from app.ui.theme import Colour, FontRole
from engine import CaptionLine

SURE, LIKELY = 0.85, 0.6
"""Confidences from which on a word is shown in full and in a middle shade; all shades can be read on their ground."""


class CaptionView(QTextBrowser):
    """The last lines of the captions, of any size."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._shown = ""
        self.setAccessibleName("Captions")
        self.setOpenLinks(False)
        self.setWordWrapMode(QTextOption.WrapMode.WordWrap)

    def show_lines(self, lines: tuple[CaptionLine, ...]) -> None:
        """Show these lines; costs nothing if they are the ones shown."""
        text = "".join(f"<p style='margin:0 0 6px 0'>{''.join(_shaded(line))}</p>" for line in lines)
        if text != self._shown:
            self._shown = text
            self.setHtml(text)
            self.moveCursor(QTextCursor.MoveOperation.End)

    def resize_text(self, percent: float) -> None:
        """Set the size of the letters, in percent of the window's."""
        font = theme.font(FontRole.BODY)
        font.setPointSizeF(font.pointSizeF() * percent / 100)
        self.setFont(font)
        self.moveCursor(QTextCursor.MoveOperation.End)


def _shaded(line: CaptionLine) -> Iterator[str]:
    words = line.committed.split(" ") if line.committed else []
    for index, word in enumerate(words):
        confidence = line.confidences[index] if index < len(line.confidences) else line.confidence
        tint = Colour.TEXT if confidence >= SURE else Colour.MUTED if confidence >= LIKELY else Colour.FAINT
        yield f"<span style='color:{tint}'>{' ' if index else ''}{html.escape(word)}</span>"
    if line.tentative:
        yield f"<i style='color:{Colour.FAINT}'>{html.escape(line.tentative)}</i>"
