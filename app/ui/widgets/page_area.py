"""Lets a window be smaller than its contents can be: with a large font on a small screen they scroll. GUI thread."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QObject, QSize, Qt
from PySide6.QtWidgets import QScrollArea, QWidget

SMALLEST_WINDOW = QSize(1000, 640)
"""What fits on any screen that is in use; contents that need more are scrolled there."""


class PageArea(QScrollArea):
    """Scrolls `page`, which fills it where there is room."""

    def __init__(self, page: QWidget, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWidgetResizable(True)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.setWidget(page)

    @property
    def needs_scrolling(self) -> bool:
        """Whether not all of the page is seen."""
        return self.horizontalScrollBar().maximum() > 0 or self.verticalScrollBar().maximum() > 0

    def sizeHint(self) -> QSize:
        """As the page."""
        return self.widget().sizeHint()

    def minimumSizeHint(self) -> QSize:
        """As the page, but no more than the smallest screen has."""
        return self.widget().minimumSizeHint().boundedTo(SMALLEST_WINDOW)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """When the page's least size has changed, so has this one's."""
        if watched is self.widget() and event.type() == QEvent.Type.LayoutRequest:
            self.updateGeometry()
        return super().eventFilter(watched, event)
