"""What the room wizard's pages are laid out with. GUI thread; nothing waits."""

from __future__ import annotations

from PySide6.QtWidgets import QGridLayout, QLabel, QPushButton, QVBoxLayout, QWidget

from app.ui import theme
from app.ui.theme import Colour, FontRole
from app.ui.widgets.text_label import text_label


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
        grid.addWidget(text_label(text, colour=Colour.MUTED), row, 0)
        grid.addWidget(widget, row, 1)
    return grid


def small_button(text: str, help: str) -> QPushButton:
    """A button that may be pressed next; `help` says what it does."""
    button = QPushButton(text)
    button.setAccessibleName(f"{text}: {help}")
    button.setToolTip(help)
    theme.use_font(button, FontRole.SMALL)
    return button


def say(label: QLabel, text: str) -> None:
    """Show a text, or no label at all."""
    label.setText(text)
    label.setVisible(bool(text))
