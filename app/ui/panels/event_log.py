"""What happened, newest at the bottom. GUI thread; nothing waits."""

from __future__ import annotations

from collections.abc import Iterable

from PySide6.QtCore import Qt
from PySide6.QtGui import QColor
from PySide6.QtWidgets import QListWidgetItem, QVBoxLayout, QWidget

from app.ui import theme
from app.ui.theme import Colour, FontRole
from app.ui.widgets.figure import clock_text
from app.ui.widgets.hinted_list import HintedList
from app.ui.widgets.text_label import sentence, text_label
from engine import Event, EventKind

MAX_LINES = 300
MOST_REMEMBERED = 2000
"""Events that are known again; more than an engine keeps, and so can tell a second time."""


class EventLog(QWidget):
    """A list of the last events; one that comes twice, after a reconnection, stands there once."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._seen: dict[tuple[int, float, str], None] = {}
        self.list = HintedList("Events", "Nothing has happened yet.")
        self.list.setUniformItemSizes(True)
        self.list.setWordWrap(False)
        self.list.setTextElideMode(Qt.TextElideMode.ElideRight)
        self.list.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.list.setMinimumHeight(theme.em() * 3)
        theme.use_font(self.list, FontRole.SMALL)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(theme.GAP // 2)
        column.addWidget(text_label("Events", FontRole.TITLE))
        column.addWidget(self.list, 1)

    @property
    def lines(self) -> list[str]:
        """The lines on show."""
        return [self.list.item(row).text() for row in range(self.list.count())]

    def show_events(self, events: Iterable[Event]) -> None:
        """Add events."""
        for event in events:
            identity = (event.sequence, event.time_s, event.text)
            if identity not in self._seen:
                self._seen[identity] = None
                if len(self._seen) > MOST_REMEMBERED:
                    del self._seen[next(iter(self._seen))]
                tint = Colour.CAUTION if event.kind in (EventKind.XRUN, EventKind.STAGE) else Colour.MUTED
                self._add(f"{clock_text(event.time_s)}  {sentence(event.text)}", tint)

    def show_refusal(self, text: str) -> None:
        """Add a sentence that says why something was not done."""
        self._add(sentence(text), Colour.CAUTION)

    def _add(self, text: str, tint: str) -> None:
        bar = self.list.verticalScrollBar()
        is_at_end = bar.value() >= bar.maximum() - 1
        item = QListWidgetItem(text)
        item.setToolTip(text)
        item.setForeground(QColor(tint))
        self.list.addItem(item)
        while self.list.count() > MAX_LINES:
            self.list.takeItem(0)
        if is_at_end:
            self.list.scrollToBottom()
