"""The plain labels of the window. GUI thread; nothing waits."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QLabel

from app.ui import theme
from app.ui.theme import FontRole


def sentence(text: str) -> str:
    """With a large letter at its beginning: what the engine says often has a small one."""
    return text[:1].upper() + text[1:]


def text_label(text: str = "", role: FontRole = FontRole.SMALL, colour: str = "", is_wrapped: bool = False) -> QLabel:
    """A text that is never taken for markup, in a colour of the palette; the window's own if it is empty."""
    result = QLabel(text)
    result.setTextFormat(Qt.TextFormat.PlainText)
    result.setWordWrap(is_wrapped)
    if colour:
        result.setStyleSheet(f"color: {colour}")
    theme.use_font(result, role)
    return result
