"""Lets a window be smaller than its contents can be: with a large font on a small screen they scroll. GUI thread."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QObject, QSize, Qt, QTimer
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QLayout, QScrollArea, QWidget
from shiboken6 import isValid

SMALLEST_WINDOW = QSize(1000, 640)
"""What fits on any screen that is in use; contents that need more are scrolled there."""


class PageArea(QScrollArea):
    """Scrolls a page, which fills it where there is room.

    `setWidgetResizable` would give a page with wrapped text the height it likes, and scroll; this gives it the least it needs.
    """

    def __init__(self, contents: QLayout, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._contents = contents
        self._page = QWidget()
        self._page.setLayout(contents)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.setWidget(self._page)

    @property
    def needs_scrolling(self) -> bool:
        """Whether not all of the page is seen."""
        return self.horizontalScrollBar().maximum() > 0 or self.verticalScrollBar().maximum() > 0

    def sizeHint(self) -> QSize:
        """As the page."""
        return self._page.sizeHint()

    def minimumSizeHint(self) -> QSize:
        """As the page, but no more than the smallest screen has."""
        return self._page.minimumSizeHint().boundedTo(SMALLEST_WINDOW)

    def bring_into_sight(self, part: QWidget) -> None:
        """Scroll to a part of the page, once the layout has found its place."""
        QTimer.singleShot(0, lambda: self.ensureWidgetVisible(part, 0, 0) if isValid(part) and isValid(self) else None)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Let the page follow."""
        super().resizeEvent(event)
        self._fit()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Follow the page when it needs another size than before."""
        if watched is self._page and event.type() == QEvent.Type.LayoutRequest:
            self._fit()
            self.updateGeometry()
        return super().eventFilter(watched, event)

    def _fit(self) -> None:
        room = self.maximumViewportSize()
        width = max(room.width(), self._contents.minimumSize().width())
        height = max(room.height(), self._least_height(width))
        if height > room.height():
            # The scroll bar takes some of the width.
            width = max(
                room.width() - self.verticalScrollBar().sizeHint().width(), self._contents.minimumSize().width()
            )
            height = max(height, self._least_height(width))
        self._page.resize(width, height)

    def _least_height(self, width: int) -> int:
        if self._contents.hasHeightForWidth():
            return self._contents.minimumHeightForWidth(width)
        return self._contents.minimumSize().height()
