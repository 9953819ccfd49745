"""Keys that work while another program is in front."""

from __future__ import annotations

import msgspec


class KeysConfig(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """Keys that work while another program is in front.

    Parameters
    ----------
    keys : dict
        What a key does -> its combination, like `Ctrl+Alt+Shift+M`, or empty for none; what is not named has its default.
    """

    is_on: bool = False
    keys: dict[str, str] = {}


class KeysStatus(msgspec.Struct, frozen=True, tag=True):
    """How the system-wide keys are; `text` is what the user should know or do, else empty."""

    text: str = ""
    is_listening: bool = False
