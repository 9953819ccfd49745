"""Programs of the system, called from a program that brings its own libraries along."""

from __future__ import annotations

import os
import sys

_LIBRARIES, _LIBRARIES_BEFORE = "LD_LIBRARY_PATH", "LD_LIBRARY_PATH_ORIG"


def system_environment() -> dict[str, str]:
    """The environment for a program of the system: as it was before the frozen program put its own libraries first.

    With those, a program of a newer system may not start. Source: the manual of PyInstaller, "Launching external programs from
    the frozen application".
    """
    environment = dict(os.environ)
    if getattr(sys, "frozen", False):
        environment.pop(_LIBRARIES, None)
        if (before := environment.pop(_LIBRARIES_BEFORE, None)) is not None:
            environment[_LIBRARIES] = before
    return environment
