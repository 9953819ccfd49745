"""A thread that looks after the engine while sound goes on by itself."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable

_INTERVAL_S = 0.05
_log = logging.getLogger("sidetone.engine")


class Housekeeping:
    """Calls `look` twenty times a second, except while somebody else holds `control`.

    Parameters
    ----------
    look : callable
        Control thread.
    control : threading.RLock
        Held by whoever starts, stops or looks for devices, which may take long; held during `look`.
    is_over : threading.Event
        Ends it.
    """

    def __init__(self, look: Callable[[], None], control: threading.RLock, is_over: threading.Event) -> None:
        self._look = look
        self._control = control
        self._is_over = is_over
        self._thread = threading.Thread(target=self._run, name="sidetone-housekeeping", daemon=True)
        self._thread.start()

    def join(self, timeout_s: float) -> None:
        """Wait until it has ended; from its own thread, do not."""
        if self._thread is not threading.current_thread():
            self._thread.join(timeout_s)

    def _run(self) -> None:
        while not self._is_over.wait(_INTERVAL_S):
            if self._control.acquire(blocking=False):
                try:
                    self._look()
                except Exception:  # noqa: BLE001 - a look that failed must not be the last
                    _log.exception("housekeeping goes on")
                finally:
                    self._control.release()
