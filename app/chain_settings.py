"""Settings of a chain as the command line gives them: a preset, then `--set`, then `--bypass`."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from app.composition import description, room_folder
from app.paths import Paths
from app.preset_files import read_preset_text
from engine import ChainConfig, Description, LoadPreset, RoomConfig, Value

if TYPE_CHECKING:
    from engine.control.controls import Controls
    from engine.control.presets import Presets
    from engine.core.chain import Chain


def apply_settings(controls: Controls, presets: Presets, command: argparse.Namespace) -> None:
    """Apply the command's preset, settings and bypasses, in this order.

    Raises
    ------
    ParameterError, PresetError
        If a name or value is not known here, or the preset cannot be read.
    """
    if command.preset:
        wanted = preset_named(command.preset)
        presets.load(wanted.name, text=wanted.text)
    bypass = {**dict.fromkeys(command.enabled, False), **dict.fromkeys(command.bypassed, True)}
    controls.apply(ChainConfig(params=dict(command.settings), bypass=bypass))
    tell_clamped(command.settings, description())


def tell_clamped(settings: Iterable[tuple[str, Value]], described: Description) -> None:
    """Say on stderr, a line each, which of the settings that were taken are out of range, and what they became."""
    specs = {f"{stage.id}.{spec.name}": spec for stage in described.stages for spec in stage.params}
    for param_id, value in settings:
        if param_id in specs and (told := specs[param_id].clamp_note(value)):
            print(f"sidetone: {param_id}: {told}", file=sys.stderr)


def correct_room(chain: Chain, profile: str, paths: Paths) -> None:
    """Let `chain` correct a room; an empty name is none.

    Raises
    ------
    RoomError
        If there is no such profile, or it cannot be used.
    """
    from engine.monitor import MonitorBus
    from engine.rooms import Rooms

    rooms = Rooms((slot.stage for slot in chain.slots), MonitorBus(), room_folder(paths).room)
    rooms.choose(RoomConfig(profile=profile))


def preset_named(name: str, morph_ms: float = 0.0) -> LoadPreset:
    """What loads a preset that is named on the command line: one of the engine's folders, or a file (``NAME.toml``).

    Raises
    ------
    PresetError
        If it is a file that cannot be read.
    """
    if not name.endswith(".toml"):
        return LoadPreset(name, morph_ms)
    path = Path(name)
    return LoadPreset(path.stem, morph_ms, read_preset_text(path))
