"""Settings of a chain as the command line gives them: a preset, then `--set`, then `--bypass`."""

from __future__ import annotations

import argparse
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from app.composition import room_folder
from app.paths import Paths
from engine import ChainConfig, PresetError, RoomConfig, Value

if TYPE_CHECKING:
    from engine.core.chain import Chain


def apply_settings(chain: Chain, command: argparse.Namespace, paths: Paths) -> None:
    """Apply the command's preset, settings and bypasses to `chain`.

    Raises
    ------
    ParameterError, PresetError
        If a name or value is not known here.
    """
    config = chain_config(command, paths)
    chain.load(config.params, config.bypass)


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


def chain_config(command: argparse.Namespace, paths: Paths) -> ChainConfig:
    """The command's preset, settings and bypasses in one.

    Raises
    ------
    PresetError
        If the preset cannot be read.
    """
    preset = load_preset(command.preset, paths) if command.preset else ChainConfig()
    params: dict[str, Value] = {**preset.params, **dict(command.settings)}
    bypass = {**preset.bypass, **dict.fromkeys(command.enabled, False), **dict.fromkeys(command.bypassed, True)}
    return ChainConfig(params=params, bypass=bypass)


def load_preset(name: str, paths: Paths) -> ChainConfig:
    """A preset by its name (the user's own first, then those that come with the program) or by its file.

    Raises
    ------
    PresetError
        If it does not exist or cannot be understood.
    """
    folders = (paths.config / "presets", paths.resources / "presets")
    candidates = [Path(name)] if name.endswith(".toml") else [folder / f"{name}.toml" for folder in folders]
    for path in candidates:
        if path.is_file():
            return _read_preset(path)
    known = sorted({path.stem for folder in folders for path in folder.glob("*.toml")})
    raise PresetError(f"there is no preset {name!r}; known: {', '.join(known) or 'none yet'}")


def _read_preset(path: Path) -> ChainConfig:
    try:
        document: dict[str, Any] = tomllib.loads(path.read_text(encoding="utf-8"))
        bypass = document.pop("bypass", {})
        params = {f"{stage}.{name}": value for stage, table in document.items() for name, value in table.items()}
        return msgspec.convert({"params": params, "bypass": bypass}, ChainConfig)
    except (OSError, tomllib.TOMLDecodeError, UnicodeDecodeError, AttributeError, msgspec.ValidationError) as error:
        raise PresetError(f"{path} is no preset that Sidetone understands ({error}); mend or remove it") from None
