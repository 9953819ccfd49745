"""The voice with and without its room, equally loud. GUI thread; nothing waits.

The engine runs the chain a second time with the correction taken out and matches both in loudness; here are only the buttons.
"""

from __future__ import annotations

from PySide6.QtWidgets import QWidget

from app.bridge import EngineBridge
from app.ui.panels.panel_frame import button_row, quiet_button
from app.ui.panels.room_layout import page_column
from app.ui.theme import Colour
from app.ui.widgets.text_label import text_label
from engine import ChainConfig, Compare, ComparisonSnapshot, EndComparison, Listen, Source

UNCORRECTED = "the room as it is"
"""What the other side of the comparison is called."""


class RoomListening(QWidget):
    """Buttons to hear the voice corrected, as it was, and as ever again.

    Parameters
    ----------
    stage : str
        Id of the stage that corrects.
    """

    def __init__(self, bridge: EngineBridge, stage: str) -> None:
        super().__init__()
        self._bridge = bridge
        self._without = Compare(chain=ChainConfig(bypass={stage: True}), label=UNCORRECTED)
        self._is_running = False
        self.sources = {
            Source.A: quiet_button("Corrected", "Hear the voice without its room, as loud as the other"),
            Source.B: quiet_button("As it was", "Hear the voice with its room, as loud as the other"),
        }
        self.end_button = quiet_button("Done", "Go on without comparing")
        self.end_button.clicked.connect(lambda: bridge.send(EndComparison()))
        for source, button in self.sources.items():
            button.setCheckable(True)
            button.clicked.connect(lambda _=False, source=source: self._listen(source))
        page_column(self).addLayout(
            button_row(text_label("Hear it", colour=Colour.MUTED), *self.sources.values(), self.end_button)
        )
        self.show_comparison(None)

    def show_comparison(self, comparison: ComparisonSnapshot | None) -> None:
        """Follow what is heard; another panel's comparison is none of ours."""
        self._is_running = comparison is not None and comparison.other == UNCORRECTED
        heard = comparison.heard if comparison is not None and self._is_running else None
        for source, button in self.sources.items():
            button.setChecked(source is heard)
        self.end_button.setEnabled(self._is_running)

    def _listen(self, source: Source) -> None:
        if not self._is_running:
            self._bridge.send(self._without)
        self._bridge.send(Listen(source))
