"""The tools beside the chain: what the row of buttons offers, and what each opens. A new tool is one line in `TOOLS`.

GUI thread; nothing waits.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from app.bridge import EngineBridge
from app.ui.panels.panel_frame import PanelFrame
from engine import Description, Snapshot


class ToolPanel(PanelFrame):
    """A tool's panel. It exists only while it is open, so a closed one computes nothing."""

    def show_description(self, description: Description) -> None:
        """Learn what the chain is made of; called once after it is made, and when the engine changes."""

    def show_snapshot(self, snapshot: Snapshot) -> None:
        """Follow what the engine says, 30 times a second while the window is seen."""


@dataclass(frozen=True)
class Tool:
    """One button in the row.

    Parameters
    ----------
    id : str
    label : str
        One word, on the button.
    help : str
        What it is for, in one sentence.
    make : callable
        Makes the panel when it is opened.
    """

    id: str
    label: str
    help: str
    make: Callable[[EngineBridge], ToolPanel]


def _compare(bridge: EngineBridge) -> ToolPanel:
    from app.ui.panels.compare_panel import ComparePanel

    return ComparePanel(bridge)


TOOLS: tuple[Tool, ...] = (
    Tool("compare", "Compare", "A beside B, equally loud, also blind; and what the denoiser takes away.", _compare),
)
"""In the order in which they stand in the window."""
