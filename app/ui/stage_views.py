"""Pictures for stages that deserve more than sliders: a view stands above the parameters in the stage's panel.

GUI thread; nothing waits.
"""

from __future__ import annotations

from collections.abc import Callable

from app.ui.panels.dynamics_views import HistoryView, ResponseView, compressor_view, gate_view, limiter_view
from app.ui.panels.stage_view import StageView
from engine import StageDescription

__all__ = ["STAGE_VIEWS", "StageView"]

STAGE_VIEWS: dict[str, Callable[[StageDescription], StageView]] = {
    "gate": gate_view,
    "de_esser": HistoryView,
    "equalizer": ResponseView,
    "compressor": compressor_view,
    "leveller": HistoryView,
    "duck": HistoryView,
    "limiter": limiter_view,
}
"""What makes a stage's view, by the stage's id."""
