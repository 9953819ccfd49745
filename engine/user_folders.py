"""Where the user's folders of Sidetone are, as far as engine and models need to know. Reads no disk."""

from __future__ import annotations

import os
from pathlib import Path

import platformdirs

from engine.errors import SidetoneError

APP_NAME = "sidetone"


def chosen_folder(name: str) -> Path | None:
    """The folder that the variable ``SIDETONE_<name>_DIR`` names; None if it is not set.

    Raises
    ------
    SidetoneError
        If it says where from here, and there is no here any more.
    """
    value = os.environ.get(f"SIDETONE_{name}_DIR")
    try:
        return Path(value).resolve() if value else None
    except OSError:
        raise SidetoneError(
            f"SIDETONE_{name}_DIR is {value}, and the folder from which that counts is gone; give the whole path"
        ) from None


def cache_folder() -> Path:
    """What can be made again lies there: built models, compiled kernels, logs. Raises as `chosen_folder`."""
    return chosen_folder("CACHE") or Path(platformdirs.user_cache_dir(APP_NAME, appauthor=False))
