"""Lists devices in a process of its own, which sees what was plugged in while the engine has a stream open."""

from __future__ import annotations

import subprocess
import sys

import msgspec

from app.engine_process import program
from engine import DeviceError
from engine.io.backend import DeviceInfo

_PATIENCE_S = 30.0


def list_devices_anew() -> tuple[DeviceInfo, ...]:
    """What `sidetone devices` finds now. Control thread; waits for it.

    Raises
    ------
    DeviceError
        If it does not answer.
    """
    try:
        done = subprocess.run(
            program("devices", "--json"),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            timeout=_PATIENCE_S,
            check=True,
            creationflags=_without_a_console(),
        )
        return msgspec.json.decode(done.stdout, type=tuple[DeviceInfo, ...])
    except (OSError, subprocess.SubprocessError, msgspec.MsgspecError) as error:
        raise DeviceError(
            f"`sidetone devices` does not answer ({error}); stop and start again to see new ones"
        ) from None


def _without_a_console() -> int:
    if sys.platform == "win32":
        return subprocess.CREATE_NO_WINDOW
    return 0
