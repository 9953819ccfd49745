"""Small files, written whole or not at all."""

from __future__ import annotations

import os
from pathlib import Path

from engine import SidetoneError


def write_whole(path: Path, content: bytes) -> None:
    """Write `content` beside `path` and move it into place.

    Raises
    ------
    SidetoneError
        If it cannot be written; what was there before is still there.
    """
    unfinished = path.with_name(f".{path.name}.unfinished-{os.getpid()}")
    try:
        with unfinished.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        unfinished.replace(path)
    except OSError as error:
        raise SidetoneError(f"{path} could not be written ({error.strerror}); choose another place") from None
    finally:
        unfinished.unlink(missing_ok=True)
