"""Presets as files that people hand on: read as text, and written whole. Waits for the disk."""

from __future__ import annotations

from pathlib import Path

from engine import PresetError, SidetoneError
from engine.files import write_whole


def read_preset_text(path: Path) -> str:
    """The text of somebody's preset.

    Raises
    ------
    PresetError
        If it cannot be read as text.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise PresetError(f"{path} cannot be read ({error.strerror or error}); choose another file") from None
    except UnicodeDecodeError as error:
        raise PresetError(f"{path} is no preset that Sidetone understands ({error}); choose another file") from None
    if not text.strip():
        raise PresetError(f"{path} is empty, which is no preset; choose another file")
    return text


def write_preset_text(path: Path, text: str) -> None:
    """Write a preset's text to be handed on, whole or not at all.

    Raises
    ------
    PresetError
        If it cannot be written; what was there before is still there.
    """
    try:
        write_whole(path, text.encode())
    except SidetoneError as error:
        raise PresetError(str(error)) from None
