"""Keeps the services process going beside an engine: starts it, and starts it again when it ends by itself."""

from __future__ import annotations

import subprocess
import threading
from collections.abc import Callable
from contextlib import suppress
from time import monotonic

from app.engine_process import program, start_hidden

_FIRST_PAUSE_S = 0.2
_LONGEST_PAUSE_S = 60.0
_FAREWELL_S = 4.0
_LOOK_INTERVAL_S = 0.05
_HEALTHY_S = 30.0
"""A process that lasted so long is started again at once when it ends."""


class ServicesKeeper:
    """Runs the services process from `start` to `close`, on a thread of its own. Control thread.

    Parameters
    ----------
    launch : callable
        Starts the process.
    """

    def __init__(self, launch: Callable[[], subprocess.Popen[bytes]]) -> None:
        self._launch = launch
        self._is_closing = threading.Event()
        self._thread = threading.Thread(target=self._keep, name="sidetone-services", daemon=True)

    def start(self) -> None:
        """Start the process and watch over it."""
        self._thread.start()

    def close(self) -> None:
        """End the process."""
        self._is_closing.set()
        if self._thread.is_alive():
            self._thread.join(timeout=2 * _FAREWELL_S)

    def _keep(self) -> None:
        pause_s = 0.0
        while not self._is_closing.is_set():
            began_s = monotonic()
            with suppress(OSError):
                self._watch(self._launch())
            if monotonic() - began_s >= _HEALTHY_S:
                pause_s = 0.0
            # One that keeps ending is given more and more time between two tries.
            self._is_closing.wait(pause_s)
            pause_s = min(max(2 * pause_s, _FIRST_PAUSE_S), _LONGEST_PAUSE_S)

    def _watch(self, process: subprocess.Popen[bytes]) -> None:
        while process.poll() is None:
            if self._is_closing.wait(_LOOK_INTERVAL_S):
                _end(process)


def _end(process: subprocess.Popen[bytes]) -> None:
    """Let it put its things in order, which it does when its standard input ends; make an end of one that does not."""
    if process.stdin is not None:
        with suppress(OSError):
            process.stdin.close()
    with suppress(subprocess.TimeoutExpired):
        process.wait(timeout=_FAREWELL_S)
    process.kill()
    process.wait()


def launch_services(engine_address: str) -> subprocess.Popen[bytes]:
    """Start the services process of the engine at `engine_address`; it ends when its standard input does."""
    return start_hidden(program("services-host", "--engine", engine_address), subprocess.PIPE)
