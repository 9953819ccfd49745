"""What a person may call a preset or a room, which are files: the same on every system, so that they can be handed on."""

from __future__ import annotations

import re

LONGEST_NAME = 60
_FORBIDDEN = re.compile(r'[\x00-\x1f\x7f<>:"/\\|?*]')
_RESERVED = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)(\..*)?", re.IGNORECASE)
"""Names that Windows keeps for devices."""


def objection_to(name: str) -> str | None:
    """Why a file cannot have this name; None if it can."""
    if not name.strip():
        return "it needs a name"
    if len(name) > LONGEST_NAME:
        return f"more than {LONGEST_NAME} letters are too many"
    if _FORBIDDEN.search(name) or name != name.strip() or name.endswith("."):
        return 'leave out < > : " / \\ | ? * and spaces or a dot at its ends'
    if _RESERVED.fullmatch(name):
        return "Windows keeps that name for itself"
    return None
