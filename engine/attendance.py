"""Which windows have an engine in use: the last that is closed ends it."""

from __future__ import annotations

import threading

from engine.protocol import Wire


class Attendance:
    """The windows and their connections. Control threads, any of them; nothing waits.

    A window that was killed counts no more once its connection has ended, but ends nothing: the sound survives it.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._faces: dict[Wire, str] = {}

    def note(self, connection: Wire, face: str) -> None:
        """A window has the engine in use, through this connection."""
        with self._lock:
            self._faces[connection] = face

    def forget(self, connection: Wire) -> None:
        """A connection has ended; whether a window is behind it does not matter."""
        with self._lock:
            self._faces.pop(connection, None)

    def leave(self, face: str) -> bool:
        """A window is closed, whatever connections it still has; whether it was the last."""
        with self._lock:
            self._faces = {wire: other for wire, other in self._faces.items() if other != face}
            return not self._faces
