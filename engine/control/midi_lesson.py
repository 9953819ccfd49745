"""A lesson: somebody names a target and then touches a control. Pure; control thread."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from engine.control.midi_learn import Learnt, TimedMessage, classify
from engine.control.midi_message import MidiMessage

_SILENCE_S = 0.8
"""A burst is over after so long: longer than between two presses, shorter than patience."""

_LONGEST_BURST_S = 6.0
_MOST_MESSAGES = 400
_PATIENCE_S = 30.0

INSTRUCTION = "move a control of your MIDI device: turn a knob both ways, press a button twice"


class Outcome(NamedTuple):
    """How a lesson ended: with a control of a device, or with a reason."""

    device: str = ""
    learnt: Learnt | None = None
    reason: str = ""


class Lesson:
    """Collects the burst of the first control that is touched.

    Parameters
    ----------
    target : str
        What it shall move, in a map's words.
    is_added : bool
        Whether the control goes on doing what it does already.
    """

    def __init__(self, target: str, is_added: bool, now_s: float) -> None:
        self.target = target
        self.is_added = is_added
        self._began_s = now_s
        self._bursts: dict[str, list[TimedMessage]] = {}
        self._last_s = now_s

    def take(self, device: str, messages: Iterable[MidiMessage], now_s: float) -> None:
        """Note what a device sent."""
        burst = self._bursts.setdefault(device, [])
        for message in messages:
            burst.append(TimedMessage(now_s, message))
            self._last_s = now_s

    def outcome(self, now_s: float) -> Outcome | None:
        """How it ended; None while it goes on."""
        if not any(self._bursts.values()):
            if now_s - self._began_s > _PATIENCE_S:
                return Outcome(reason=f"nothing was touched for {_PATIENCE_S:.0f} s; nothing is changed")
            return None
        device, burst = max(self._bursts.items(), key=lambda entry: len(entry[1]))
        is_over = (
            now_s - self._last_s >= _SILENCE_S
            or now_s - burst[0].time_s >= _LONGEST_BURST_S
            or len(burst) >= _MOST_MESSAGES
        )
        if not is_over:
            return None
        learnt = classify(burst)
        if learnt is None:
            return Outcome(reason="more than one control was moved; try again and touch only one")
        return Outcome(device, learnt)
