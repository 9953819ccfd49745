"""What the user has chosen, kept from one start to the next: devices, parameters, bypass.

Written atomically, with the last good file beside it as `.bak`; a damaged file is a sentence and a start from that one, never
an end. Unknown stages and parameters (of another version) are left out when the engine loads them.
"""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import Any

import msgspec
import tomli_w

from engine import EngineConfig, PresetError, SidetoneError
from engine.files import backup_of, write_with_backup

SETTINGS_VERSION = 1


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """The file's content."""

    version: int = SETTINGS_VERSION
    engine: EngineConfig = EngineConfig()


def load_settings(path: Path) -> Settings:
    """Settings of this user; the defaults if there are none yet.

    Raises
    ------
    PresetError
        If the file is there and cannot be understood.
    """
    try:
        return _read(path)
    except PresetError as error:
        raise PresetError(f"{error}; mend it, or remove it to begin afresh") from None


def load_or_restore_settings(path: Path) -> tuple[Settings, str]:
    """Settings of this user, and what is wrong with their file; a damaged one is put aside, and the one before is taken."""
    try:
        return _read(path), ""
    except PresetError as error:
        problem = f"{error}; the one before it was taken"
    with suppress(OSError):
        aside = path.with_suffix(".damaged")
        path.replace(aside)
        problem += f", and it lies in {aside.name} now"
    try:
        return _read(backup_of(path)), problem
    except PresetError:
        return Settings(), problem


def _read(path: Path) -> Settings:
    try:
        return msgspec.toml.decode(path.read_bytes(), type=Settings)
    except FileNotFoundError:
        return Settings()
    except (OSError, msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise PresetError(f"{path} cannot be read ({error})") from None


def save_settings(path: Path, settings: Settings) -> None:
    """Write the settings; the file before becomes `.bak`.

    Raises
    ------
    PresetError
        If they cannot be written; the old file is then still there.
    """
    content = tomli_w.dumps(_without_none(msgspec.to_builtins(settings)))
    try:
        write_with_backup(path, content.encode())
    except SidetoneError as error:
        raise PresetError(f"your settings are not saved: {error}") from None


def _without_none(table: dict[str, Any]) -> dict[str, Any]:
    # TOML has no null: what is None is left out, and read back as the default.
    return {
        key: _without_none(value) if isinstance(value, dict) else value
        for key, value in table.items()
        if value is not None
    }
