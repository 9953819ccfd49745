"""What the user has chosen, kept from one start to the next: devices, parameters, bypass.

Written atomically, with the last good file beside it as `.bak`; a damaged file is a sentence and a fresh start, never an
end. Unknown stages and parameters (of another version) are left out when the engine loads them.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import tomli_w

from engine import EngineConfig, PresetError, SidetoneError
from engine.files import write_with_backup

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
        return msgspec.toml.decode(path.read_bytes(), type=Settings)
    except FileNotFoundError:
        return Settings()
    except (OSError, msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise PresetError(f"{path} cannot be read ({error}); mend it, or remove it to begin afresh") from None


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
