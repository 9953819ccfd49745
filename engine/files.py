"""Small files, written whole or not at all."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

from engine.errors import SidetoneError


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


def write_with_backup(path: Path, content: bytes, is_good: Callable[[Path], bool] = Path.exists) -> None:
    """Write `content` as `write_whole` does, in a folder made if need be; the file before stays beside it, as `.bak`.

    Parameters
    ----------
    is_good : callable
        Whether the file before is worth keeping: one that is damaged must not replace the last good one.

    Raises
    ------
    SidetoneError
        If it cannot be written; what was there before is still there.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        if is_good(path):
            # A copy, so that there is never a moment without the file; whole too, or a kill could take both.
            _write_and_move(backup_of(path), path.read_bytes())
        _write_and_move(path, content)
    except (OSError, ValueError) as error:
        raise _not_writable(path, error) from None


def backup_of(path: Path) -> Path:
    """Where `write_with_backup` keeps the file before."""
    return path.with_suffix(".bak")


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
