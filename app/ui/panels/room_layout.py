"""What the room wizard's pages are laid out with. GUI thread; nothing waits."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QGridLayout, QHBoxLayout, QLabel, QPushButton, QVBoxLayout, QWidget

from app.ui import theme
from app.ui.theme import Colour, FontRole


def page_column(widget: QWidget) -> QVBoxLayout:
    """The layout of a page."""
    column = QVBoxLayout(widget)
    column.setContentsMargins(0, 0, theme.GAP, 0)
    column.setSpacing(theme.GAP)
    return column


def captioned_grid(*rows: tuple[str, QWidget]) -> QGridLayout:
    """Captions and what stands beside them."""
    grid = QGridLayout()
    grid.setColumnStretch(1, 1)
    for row, (text, widget) in enumerate(rows):
        grid.addWidget(caption(text), row, 0)
        grid.addWidget(widget, row, 1)
    return grid


def button_row(*widgets: QWidget) -> QHBoxLayout:
    """Widgets from left to right."""
    row = QHBoxLayout()
    row.setSpacing(theme.GAP)
    for widget in widgets:
        row.addWidget(widget)
    row.addStretch(1)
    return row


def small_button(text: str, help: str) -> QPushButton:
    """A button that may be pressed next; `help` says what it does."""
    button = QPushButton(text)
    button.setAccessibleName(f"{text}: {help}")
    button.setToolTip(help)
    theme.use_font(button, FontRole.SMALL)
    return button


def wrapped_text(tint: str, role: FontRole = FontRole.SMALL) -> QLabel:
    """A label of as many lines as it needs."""
    label = QLabel()
    label.setWordWrap(True)
    label.setTextFormat(Qt.TextFormat.PlainText)
    label.setStyleSheet(f"color: {tint}")
    theme.use_font(label, role)
    return label


def caption(text: str) -> QLabel:
    """What stands above or before something."""
    label = wrapped_text(Colour.MUTED)
    label.setWordWrap(False)
    label.setText(text)
    return label


def say(label: QLabel, text: str) -> None:
    """Show a text, or no label at all."""
    label.setText(text)
    label.setVisible(bool(text))
