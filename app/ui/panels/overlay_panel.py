"""The overlay page: its address for OBS, and how captions look on it. GUI thread; nothing waits."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from app.bridge import EngineBridge
from app.loopback_address import LoopbackAddress
from app.ui.panels.loopback_panel import LoopbackPanel
from app.ui.panels.setting_specs import choice, number
from app.ui.theme import Colour
from app.ui.widgets.param_control import full_control
from app.ui.widgets.text_label import text_label
from engine import OverlayConfig, OverlayPosition, OverlayTheme, Snapshot, TextDirection, Value

_LOOKS = (
    choice(OverlayConfig, "theme", "Theme", "Letters with an outline, or on a dark, light or black ground."),
    choice(OverlayConfig, "position", "Position", "Where on the page the captions stand."),
    number(OverlayConfig, "font_px", "Size", "px", "Height of the letters."),
    number(OverlayConfig, "lines", "Rows", "", "The most that are shown at once."),
    number(
        OverlayConfig, "outline_px", "Outline", "px", "Width of the line around the letters, in the theme “outline”."
    ),
    number(OverlayConfig, "keep_s", "Keep for", "s", "How long the last words stay when nothing more is said."),
    choice(OverlayConfig, "direction", "Direction", "How text runs; “auto” is what its first letter says."),
)
_TYPES: dict[str, Callable[[Any], Any]] = {
    "theme": OverlayTheme,
    "position": OverlayPosition,
    "direction": TextDirection,
    "keep_s": float,
}
"""What a control's value becomes; a whole number where nothing else stands."""


class OverlayPanel(LoopbackPanel):
    """Switch, address and looks."""

    def __init__(self, bridge: EngineBridge, address: LoopbackAddress) -> None:
        super().__init__(
            bridge,
            address,
            OverlayConfig(),
            "Overlay",
            "Shows the captions in OBS: add a Browser source and paste the address as its URL.",
            "the page in OBS goes dark until you paste the new one there",
        )
        self.controls = {spec.name: full_control(spec, "Overlay") for spec in _LOOKS}
        for spec in _LOOKS:
            control = self.controls[spec.name]
            control.setToolTip(spec.help)
            control.edited.connect(partial(self._take, spec.name))
            self.add_row(spec.label, control)
        self.pages = text_label(colour=Colour.FAINT)
        self.add_row("Shown by", self.pages)
        self.end_rows()

    def _take(self, name: str, value: Value) -> None:
        self.change(**{name: _TYPES.get(name, round)(value)})

    def show_snapshot(self, snapshot: Snapshot) -> None:
        """Follow what the engine says."""
        config, status = snapshot.services.config.overlay, snapshot.services.overlay
        self.show_service(config, status)
        for name, control in self.controls.items():
            value = getattr(config, name)
            control.show_value(str(value) if isinstance(value, str) else float(value))
        count = status.pages if status is not None else 0
        self.pages.setText({0: "no page yet", 1: "one page"}.get(count, f"{count} pages"))
