"""The devices that can be chosen, also those that were plugged in while a stream is open.

PortAudio lists devices when it starts, and cannot be started anew under an open stream. Where no sound server tells what is
plugged in (Windows, macOS), a process of its own is asked: it takes a second or two, so the answer comes with an event.
Control thread.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from time import monotonic

from engine.errors import SidetoneError
from engine.io.backend import AudioBackend, DeviceInfo

_LOOK_INTERVAL_S = 5.0

ListAnew = Callable[[], tuple[DeviceInfo, ...]]
"""Lists devices in another process; may wait, and may raise `SidetoneError`."""


class KnownDevices:
    """What there is to choose.

    Parameters
    ----------
    backend : AudioBackend
    list_anew : callable or None
        Asked where the backend does not see what has changed; None: nothing is.
    tell : callable
        Takes a sentence about what has changed. Any thread.
    """

    def __init__(self, backend: AudioBackend, list_anew: ListAnew | None, tell: Callable[[str], None]) -> None:
        self._backend = backend
        self._list_anew = list_anew
        self._tell = tell
        self._fresh: tuple[DeviceInfo, ...] = ()
        self._look: threading.Thread | None = None
        self._next_look_s = float("-inf")

    def now(self) -> tuple[DeviceInfo, ...]:
        """The devices as far as they are known; begins to look for others where that takes time."""
        known = self._backend.devices()
        if self._list_anew is None or self._backend.sees_changes:
            self._fresh = ()
            return known
        is_looking = self._look is not None and self._look.is_alive()
        if not is_looking and monotonic() >= self._next_look_s:
            shown = self._fresh or known
            self._look = threading.Thread(
                target=self._ask, args=(self._list_anew, shown), name="sidetone-device-list", daemon=True
            )
            self._look.start()
        return self._fresh or known

    def _ask(self, list_anew: ListAnew, shown: tuple[DeviceInfo, ...]) -> None:
        try:
            found = list_anew()
        except SidetoneError as error:
            self._tell(f"the devices cannot be listed anew: {error}")
            found = ()
        self._next_look_s = monotonic() + _LOOK_INTERVAL_S
        if not found:
            return
        self._fresh = found
        here, before = ({device.id: device.name for device in devices} for devices in (found, shown))
        changes = [f"{name} is plugged in" for device, name in here.items() if device not in before]
        changes += [f"{name} is unplugged" for device, name in before.items() if device not in here]
        if changes:
            self._tell("; ".join(changes))
