"""What every tool's panel is. GUI thread; nothing waits."""

from __future__ import annotations

from app.ui.panels.panel_frame import PanelFrame
from engine import Description, Snapshot


class ToolPanel(PanelFrame):
    """A tool's panel. It exists only while it is open, so a closed one computes nothing."""

    def show_description(self, description: Description) -> None:
        """Learn what the chain is made of; called once after it is made, and when the engine changes."""

    def show_snapshot(self, snapshot: Snapshot) -> None:
        """Follow what the engine says, 30 times a second while the window is seen."""
