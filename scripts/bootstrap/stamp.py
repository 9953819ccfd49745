"""Tells whether an environment is already as the lock wants it.

Every start waits for this, so it imports nothing that costs time and reads two small files.
"""

from __future__ import annotations

import os
import sys

LEVELS = {"app": ("app",), "dev": ("app", "dev"), "bench": ("app", "dev", "bench")}
"""Levels of set-up, each with the levels it contains."""


def venv_folder(root: str) -> str:
    """Folder of the environment of the checkout at `root`."""
    return os.path.join(root, ".venv")


def venv_python(root: str) -> str:
    """Interpreter of the environment of the checkout at `root`."""
    parts = ("Scripts", "python.exe") if sys.platform == "win32" else ("bin", "python")
    return os.path.join(venv_folder(root), *parts)


def lock_file(root: str, level: str) -> str:
    """Locked requirements of a level."""
    return os.path.join(root, "requirements", f"{level}.txt")


def stamp_file(root: str, level: str) -> str:
    """File that holds the fingerprint of what was last installed for a level."""
    return os.path.join(venv_folder(root), f".ready-{level}")


def fingerprint(root: str, level: str) -> str:
    """All that an installed level depends on: the Python, the place of the checkout, and the lock itself."""
    with open(lock_file(root, level), encoding="utf-8") as lock:
        return f"{sys.version_info[0]}.{sys.version_info[1]}\n{root}\n{lock.read()}"


def is_ready(root: str, level: str) -> bool:
    """Tell whether `level` is installed as its lock says."""
    try:
        with open(stamp_file(root, level), encoding="utf-8") as stamp:
            return stamp.read() == fingerprint(root, level) and os.path.exists(venv_python(root))
    except OSError:
        return False


def lack_file(root: str, level: str) -> str:
    """File that is there while the system lacks something of a level."""
    return os.path.join(venv_folder(root), f".lacks-system-{level}")


def lacks_system(root: str, level: str) -> bool:
    """Tell whether the system lacked something of `level` when it was last looked at."""
    return os.path.exists(lack_file(root, level))


def mark_ready(root: str, level: str) -> None:
    """Note that `level`, and with it every level inside it, is installed; whole or not at all."""
    for contained in LEVELS[level]:
        path = stamp_file(root, contained)
        with open(path + ".new", "w", encoding="utf-8", newline="") as stamp:
            stamp.write(fingerprint(root, contained))
        os.replace(path + ".new", path)


def clear_ready(root: str) -> None:
    """Forget all stamps, before anything in the environment is changed."""
    for level in LEVELS:
        try:
            os.remove(stamp_file(root, level))
        except FileNotFoundError:
            continue
