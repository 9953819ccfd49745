"""What happened, newest last, in bounded memory; and the same lines in the process's log file."""

from __future__ import annotations

import logging
from collections import deque
from threading import Lock
from time import monotonic

from engine.snapshot import Event, EventKind

_KEPT_EVENTS = 1000
_MOST_CHARACTERS = 500
"""Of one event: a thousand of them have to fit into one reply, whatever names a client made up."""

_log = logging.getLogger("sidetone.engine")


class EventLog:
    """Numbers events and keeps the last thousand. Control threads only: the audio thread leaves plain attributes instead."""

    def __init__(self) -> None:
        self._events: deque[Event] = deque(maxlen=_KEPT_EVENTS)
        self._sequence = 0
        self._began_s = monotonic()
        self._lock = Lock()

    def add(self, kind: EventKind, text: str) -> None:
        """Record one event."""
        text = text if len(text) <= _MOST_CHARACTERS else f"{text[:_MOST_CHARACTERS]}…"
        with self._lock:
            self._sequence += 1
            self._events.append(Event(self._sequence, round(monotonic() - self._began_s, 3), kind, text))
        _log.info("%s: %s", kind, text)

    def after(self, sequence: int) -> tuple[Event, ...]:
        """Events numbered above `sequence`, oldest first."""
        with self._lock:
            return tuple(event for event in self._events if event.sequence > sequence)
