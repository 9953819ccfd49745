"""What is wrong with the microphone, said once when it begins and once when it is over: silent, clipping, unplugged.

Housekeeping thread; looks at meters that the audio thread leaves lying about.
"""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum
from time import monotonic

_SILENCE_DBFS = -90.0
"""Any microphone that is on has more noise than this; what has less is muted, or its cable is out."""

_SILENT_AFTER_S = 3.0
_CLIPPED_FOR_S = 10.0
"""So long after the last clip the alarm stays: shouts come in groups."""


class Alarm(StrEnum):
    """What a person must know at once."""

    SILENT = "silent"
    CLIPPING = "clipping"
    UNPLUGGED = "unplugged"


ALARM_TEXTS = {
    Alarm.SILENT: "the microphone is silent: is it muted, or its cable out?",
    Alarm.CLIPPING: "the microphone is too loud for its input: turn its gain down",
    Alarm.UNPLUGGED: "the chosen microphone is unplugged",
}


class MicrophoneAlarms:
    """Turns levels into alarms.

    Parameters
    ----------
    tell : callable
        Takes a sentence when an alarm begins or ends.
    now_s : callable
        The clock.

    Attributes
    ----------
    active : tuple of Alarm
        Those that are on now. Any thread.
    """

    def __init__(self, tell: Callable[[str], None], now_s: Callable[[], float] = monotonic) -> None:
        self._tell = tell
        self._now_s = now_s
        self._heard_at_s = now_s()
        self._clipped_at_s = float("-inf")
        self.active: tuple[Alarm, ...] = ()

    def look(self, peak_dbfs: tuple[float, ...], is_clipping: bool, is_unplugged: bool) -> None:
        """Take in the input's levels, and whether another microphone is used than the chosen one, or none."""
        now_s = self._now_s()
        if max(peak_dbfs, default=0.0) > _SILENCE_DBFS or is_unplugged:
            self._heard_at_s = now_s
        if is_clipping:
            self._clipped_at_s = now_s
        found = {
            Alarm.SILENT: now_s - self._heard_at_s > _SILENT_AFTER_S,
            Alarm.CLIPPING: now_s - self._clipped_at_s < _CLIPPED_FOR_S,
            Alarm.UNPLUGGED: is_unplugged,
        }
        before, self.active = self.active, tuple(alarm for alarm, is_on in found.items() if is_on)
        for alarm in self.active:
            if alarm not in before:
                self._tell(ALARM_TEXTS[alarm])
        for alarm in before:
            if alarm not in self.active:
                self._tell(f"the microphone is no longer {alarm}")

    def rest(self) -> None:
        """Nothing is on: there is nothing to be alarmed about."""
        self.active = ()
        self._heard_at_s = self._now_s()
        self._clipped_at_s = float("-inf")
