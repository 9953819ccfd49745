"""Files that only the user may read: keys and tokens. Control thread."""

from __future__ import annotations

import os
import secrets
from pathlib import Path
from time import sleep

_MOVE_TRIES = 50
_MOVE_PAUSE_S = 0.01


def create_private(path: Path, content: bytes) -> bool:
    """Write a new file with 0600 rights. False if there is one already: then it stays as it is.

    Raises
    ------
    OSError
        If it cannot be written.
    """
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return False
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
    return True


def write_private(path: Path, content: bytes) -> None:
    """Write a file with 0600 rights; whoever reads it at this moment finds the old one or the new one, never a part.

    Raises
    ------
    OSError
        If it cannot be written; what was there before is still there.
    """
    fresh = path.with_name(f"{path.name}.{secrets.token_hex(4)}")
    try:
        create_private(fresh, content)
        _move(fresh, path)
    finally:
        fresh.unlink(missing_ok=True)


def _move(fresh: Path, path: Path) -> None:
    # On Windows a file cannot be replaced in the moment in which another process reads it.
    for _ in range(_MOVE_TRIES):
        try:
            fresh.replace(path)
        except PermissionError:
            sleep(_MOVE_PAUSE_S)
        else:
            return
    fresh.replace(path)
