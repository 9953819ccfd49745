"""The way of the signal across the window: what comes in, the stages, what goes out. GUI thread; nothing waits."""

from __future__ import annotations

from PySide6.QtCore import QEvent
from PySide6.QtWidgets import QHBoxLayout, QWidget

from app.ui import theme
from app.ui.panels.bus_strips import InputStrip, OutputStrip
from app.ui.panels.chain_strip import ChainStrip
from engine import Snapshot

MOST_LINES = 26
"""Cards higher than this many lines of text would be mostly empty; what is below has more use for the room."""


class SignalRow(QWidget):
    """Input, chain, output."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.input, self.chain, self.output = InputStrip(), ChainStrip(), OutputStrip()
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(theme.GAP)
        row.addWidget(self.input)
        row.addWidget(self.chain, 1)
        row.addWidget(self.output)
        self._limit_height()

    def show_snapshot(self, snapshot: Snapshot) -> None:
        """Let all of it follow."""
        self.input.show_level(snapshot.input_level)
        self.chain.show_snapshot(snapshot)
        self.output.show_level(snapshot.output_level)
        self.output.show_loudness(snapshot.loudness)

    def show_nothing(self) -> None:
        """There is no engine to ask."""
        self.input.show_level(None)
        self.chain.show_nothing()
        self.output.show_level(None)
        self.output.show_loudness(None)

    def changeEvent(self, event: QEvent) -> None:
        """Another system font."""
        super().changeEvent(event)
        if event.type() == QEvent.Type.FontChange:
            self._limit_height()

    def _limit_height(self) -> None:
        self.setMaximumHeight(theme.em() * MOST_LINES)
