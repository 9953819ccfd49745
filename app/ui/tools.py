"""The tools beside the chain: what the row of buttons offers, and what each opens. A new tool is one line in `TOOLS`.

GUI thread; nothing waits.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from app.bridge import EngineBridge
from app.imported_models import usable_models
from app.loopback_address import overlay_address, remote_address
from app.paths import find_paths
from app.room_session import room_session
from app.ui.panels.captions_panel import CaptionsPanel
from app.ui.panels.compare_panel import ComparePanel
from app.ui.panels.devices_panel import DevicesPanel
from app.ui.panels.loudness_panel import LoudnessPanel
from app.ui.panels.midi_panel import MidiPanel
from app.ui.panels.models_panel import ModelsPanel
from app.ui.panels.obs_panel import ObsPanel
from app.ui.panels.overlay_panel import OverlayPanel
from app.ui.panels.presets_panel import PresetsPanel
from app.ui.panels.remote_panel import RemotePanel
from app.ui.panels.room_panel import RoomPanel
from app.ui.tool_panel import ToolPanel

__all__ = ["TOOLS", "Tool", "ToolPanel"]


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
    is_first : bool
        Whether it begins a group, set off from the one before.
    """

    id: str
    label: str
    help: str
    make: Callable[[EngineBridge], ToolPanel]
    is_first: bool = False


def _models(bridge: EngineBridge) -> ToolPanel:
    return ModelsPanel(bridge, lambda: usable_models(find_paths()))


def _overlay(bridge: EngineBridge) -> ToolPanel:
    return OverlayPanel(bridge, overlay_address(find_paths()))


def _remote(bridge: EngineBridge) -> ToolPanel:
    return RemotePanel(bridge, remote_address(find_paths()))


def _room(bridge: EngineBridge) -> ToolPanel:
    return RoomPanel(bridge, room_session(find_paths()))


TOOLS: tuple[Tool, ...] = (
    Tool("presets", "Presets", "Load, save and compare sounds, and take changes back.", PresetsPanel),
    Tool("compare", "Compare", "A beside B, equally loud, also blind; and what the denoiser takes away.", ComparePanel),
    Tool("loudness", "Loudness", "How loud you are for your listeners, over the whole session.", LoudnessPanel),
    Tool("room", "Room", "Learn the sound of a room in a minute, and take it out of the voice.", _room),
    Tool("models", "Models", "Which networks denoise, and trying others beside them, unheard.", _models),
    Tool("captions", "Captions", "Write down what is said, for viewers and for files.", CaptionsPanel, is_first=True),
    Tool("overlay", "Overlay", "Captions on a page for OBS.", _overlay),
    Tool("obs", "OBS", "Sound and picture in step, scenes that load presets, captions in OBS.", ObsPanel),
    Tool("devices", "Backups", "Which devices take over when one is gone.", DevicesPanel, is_first=True),
    Tool("midi", "MIDI", "Controllers with knobs, faders and buttons: which there are, and what they move.", MidiPanel),
    Tool("remote", "Remote", "Other programs of this machine turn knobs.", _remote),
)
"""In the order in which they stand in the window: the sound, the viewers, the machine."""
