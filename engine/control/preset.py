"""A preset as a file: what it says, in TOML that a person may read, write and hand on.

    [preset]
    version = 1
    description = "Close, even and warm."
    keep = ["input_gain"]      # stages that loading it leaves as they are

    [compressor]
    amount = 45

    [bypass]
    gate = false

What a preset does not name takes its default when it is loaded, so that the same preset always sounds the same; only the
stages in `keep`, which belong to a microphone or a room, stay as they are. What this version does not know is kept, and
written again. Pure computation; control thread.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from typing import Annotated, Any

import msgspec
import tomli_w

from engine.config import ChainConfig
from engine.core.params import Value
from engine.errors import PresetError

RENAMES: tuple[Mapping[str, str], ...] = ()
"""What names of one version are called in the next, oldest first: ``stage.field``, or ``stage`` for all of a stage.

Whoever renames a stage or a parameter adds a line. Nothing was renamed so far.
"""

PRESET_VERSION = len(RENAMES) + 1

_HEADER, _BYPASS = "preset", "bypass"


class Preset(msgspec.Struct, frozen=True, kw_only=True):
    """What a preset file says.

    Parameters
    ----------
    version : int
        Of the file; what is read is in the names of today.
    chain : ChainConfig
        Parameters and bypasses, also those that no stage of this version knows.
    unknown : dict
        Everything else that is in the file and not understood, to be written again.
    """

    version: int = PRESET_VERSION
    description: str = ""
    keep: tuple[str, ...] = ()
    chain: ChainConfig = ChainConfig()
    unknown: dict[str, Any] = {}


class _Header(msgspec.Struct, frozen=True):
    version: Annotated[int, msgspec.Meta(ge=1)] = PRESET_VERSION
    description: str = ""
    keep: tuple[str, ...] = ()


def read_preset(text: str, renames: Sequence[Mapping[str, str]] = RENAMES) -> Preset:
    """Read a preset's text.

    Raises
    ------
    PresetError
        If it is no preset; the message says what is wrong with it, not where it came from.
    """
    try:
        document = tomllib.loads(text)
        header: dict[str, Any] = document.pop(_HEADER, {})
        known = msgspec.convert(header, _Header)
        bypass = msgspec.convert(document.pop(_BYPASS, {}), dict[str, bool])
    except (tomllib.TOMLDecodeError, msgspec.ValidationError, RecursionError, ValueError) as error:
        raise PresetError(str(error)) from None
    params: dict[str, Value] = {}
    unknown: dict[str, Any] = {}
    for stage, table in document.items():
        if not isinstance(table, dict):
            unknown[stage] = table
            continue
        for field, value in table.items():
            if isinstance(value, bool | float | str):
                params[f"{stage}.{field}"] = value
            elif isinstance(value, int) and abs(value) < 2**53:
                params[f"{stage}.{field}"] = float(value)
            else:
                unknown.setdefault(stage, {})[field] = value
    if rest := {name: value for name, value in header.items() if name not in _Header.__struct_fields__}:
        unknown[_HEADER] = rest
    for table in renames[known.version - 1 :]:
        params = {_renamed(name, table): value for name, value in params.items()}
        bypass = {_renamed(name, table): is_out for name, is_out in bypass.items()}
    return Preset(
        version=known.version,
        description=known.description,
        keep=known.keep,
        chain=ChainConfig(params=params, bypass=bypass),
        unknown=unknown,
    )


def write_preset(preset: Preset) -> str:
    """The text of a preset, in the names of today."""
    document: dict[str, Any] = {_HEADER: {"version": PRESET_VERSION}}
    if preset.description:
        document[_HEADER]["description"] = preset.description
    if preset.keep:
        document[_HEADER]["keep"] = list(preset.keep)
    for param_id, value in preset.chain.params.items():
        stage, _, field = param_id.partition(".")
        document.setdefault(stage, {})[field] = value
    if preset.chain.bypass:
        document[_BYPASS] = dict(preset.chain.bypass)
    for name, value in preset.unknown.items():
        if isinstance(value, dict):
            document[name] = {**value, **document.get(name, {})}
        else:
            document.setdefault(name, value)
    return tomli_w.dumps(document)


def _renamed(name: str, renames: Mapping[str, str]) -> str:
    stage, dot, field = name.partition(".")
    return renames.get(name, f"{renames.get(stage, stage)}{dot}{field}")
