"""What every panel below the chain is: a frame with a title, a way to close it, and room for what it shows.

GUI thread; nothing waits.
"""

from __future__ import annotations

from PySide6.QtCore import QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QPaintEvent, QPen
from PySide6.QtWidgets import QHBoxLayout, QLayout, QPushButton, QScrollArea, QVBoxLayout, QWidget

from app.ui import theme
from app.ui.painting import painting
from app.ui.theme import Colour, FontRole
from app.ui.widgets.text_label import text_label


class PanelFrame(QWidget):
    """Title, quiet buttons, and a body that scrolls.

    Parameters
    ----------
    title : str
        What stands above it.
    subject : str
        What the close button says it closes, for those who hear the window.

    Signals
    -------
    close_asked()
        The user is done.
    """

    close_asked = Signal()

    def __init__(self, title: str, subject: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.title = text_label(title, FontRole.TITLE)
        self.close_button = quiet_button("Close", f"Close {subject}")
        self.close_button.setToolTip(f"Close {subject} (Esc)")
        self.close_button.clicked.connect(self.close_asked)
        self._head = QHBoxLayout()
        self._head.addWidget(self.title)
        self._head.addStretch(1)
        self._head.addWidget(self.close_button)
        self._column = QVBoxLayout(self)
        self._column.setContentsMargins(theme.GAP + 4, theme.GAP, theme.GAP, theme.GAP)
        self._column.setSpacing(theme.GAP // 2)
        self._column.addLayout(self._head)

    def add_head_button(self, button: QPushButton) -> None:
        """Put a button beside the close button."""
        self._head.insertWidget(self._head.count() - 1, button)

    def set_body(self, body: QWidget, is_scrolled: bool = True) -> None:
        """Show `body` below the head; scrolled where it does not fit."""
        if not is_scrolled:
            self._column.addWidget(body, 1)
            return
        scroll = QScrollArea()
        scroll.setWidgetResizable(True)
        scroll.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        scroll.setWidget(body)
        scroll.viewport().setAutoFillBackground(False)
        body.setAutoFillBackground(False)
        self._column.addWidget(scroll, 1)

    def first_control(self) -> QWidget:
        """Where the keyboard goes when the panel opens."""
        return self.close_button

    def minimumSizeHint(self) -> QSize:
        """Wide enough for a slider and its entry, and for all that stands above."""
        head = self._head.minimumSize().width() + 3 * theme.GAP
        return QSize(max(theme.em() * 20, head), theme.em() * 8)

    def sizeHint(self) -> QSize:
        """Comfortable."""
        return QSize(theme.em() * 25, theme.em() * 14)

    def paintEvent(self, event: QPaintEvent) -> None:
        """Ground and edge."""
        with painting(self, is_smooth=True) as painter:
            painter.setPen(QPen(QColor(Colour.ACCENT), 1.2))
            painter.setBrush(QColor(Colour.SURFACE))
            painter.drawRoundedRect(QRectF(self.rect()).adjusted(1, 1, -1, -1), theme.RADIUS, theme.RADIUS)


def quiet_button(text: str, name: str) -> QPushButton:
    """A button that does not ask to be pressed; `name` says what it does, for those who hear the window."""
    button = QPushButton(text)
    button.setObjectName("quiet")
    button.setAccessibleName(name)
    button.setToolTip(name)
    theme.use_font(button, FontRole.SMALL)
    return button


def clear(layout: QLayout, keep: QWidget | None = None) -> None:
    """Take everything out of a layout, and all but `keep` away for good."""
    while (item := layout.takeAt(0)) is not None:
        widget = item.widget()
        if widget is not None and widget is not keep:
            widget.hide()
            widget.deleteLater()


def button_row(*widgets: QWidget, spacing: int = theme.GAP) -> QHBoxLayout:
    """Widgets from left to right, as wide as they need."""
    row = QHBoxLayout()
    row.setSpacing(spacing)
    for widget in widgets:
        row.addWidget(widget)
    row.addStretch(1)
    return row
