"""Pictures for stages that deserve more than sliders: a view stands above the parameters in the stage's panel.

GUI thread; nothing waits.
"""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtWidgets import QWidget

from engine import Snapshot, StageDescription


class StageView(QWidget):
    """A picture of one stage at work. It exists only while the stage's panel is open."""

    def show_snapshot(self, snapshot: Snapshot) -> None:
        """Follow what the engine says."""


STAGE_VIEWS: dict[str, Callable[[StageDescription], StageView]] = {}
"""What makes a stage's view, by the stage's id."""
