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
    try:
        if _is_special(path):
            path.write_bytes(content)
        else:
            _write_and_move(path, content)
    except (OSError, ValueError) as error:
        raise _not_writable(path, error) from None


def expect_writable(path: Path) -> None:
    """Find out before long work whether `write_whole` could write `path` after it.

    Raises
    ------
    SidetoneError
        If it could not.
    """
    try:
        if path.is_dir():
            raise IsADirectoryError(21, "it is a folder")
        if not _is_special(path):
            unfinished = _unfinished(path)
            unfinished.touch()
            unfinished.unlink()
    except (OSError, ValueError) as error:
        raise _not_writable(path, error) from None


def _is_special(path: Path) -> bool:
    """Whether it is a device or a pipe, such as /dev/stdout, in whose place no file must be put."""
    return path.exists() and not path.is_file() and not path.is_dir()


def _unfinished(path: Path) -> Path:
    return path.with_name(f".{path.name}.unfinished-{os.getpid()}")


def _write_and_move(path: Path, content: bytes) -> None:
    unfinished = _unfinished(path)
    try:
        with unfinished.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        unfinished.replace(path)
    finally:
        unfinished.unlink(missing_ok=True)


def _not_writable(path: Path, error: Exception) -> SidetoneError:
    reason = error.strerror if isinstance(error, OSError) else error
    return SidetoneError(f"{path} could not be written ({reason}); choose another place")
