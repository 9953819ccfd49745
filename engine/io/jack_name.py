"""The name under which JACK and its patch bays show the program."""

from __future__ import annotations

import ctypes
import sys
from contextlib import suppress

CLIENT_NAME = "Sidetone"
_NAME = CLIENT_NAME.encode("ascii")
"""Kept here, because PortAudio keeps no copy."""


def name_jack_client(library: str) -> None:
    """Let PortAudio call itself Sidetone on JACK, from its next start on. Control thread.

    PortAudio has JACK on Linux alone, and not in every build of it; without it nothing happens.

    Parameters
    ----------
    library : str
        File name of the PortAudio library that is loaded.
    """
    if sys.platform != "linux":
        return
    with suppress(OSError, AttributeError):
        ctypes.CDLL(library).PaJack_SetClientName(_NAME)
