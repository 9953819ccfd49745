"""What every picture of a stage is. GUI thread; nothing waits."""

from __future__ import annotations

from PySide6.QtWidgets import QWidget

from engine import Snapshot


class StageView(QWidget):
    """A picture of one stage at work. It exists only while the stage's panel is open."""

    def show_snapshot(self, snapshot: Snapshot) -> None:
        """Follow what the engine says."""
