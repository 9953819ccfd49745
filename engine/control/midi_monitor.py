"""The last messages of all MIDI devices, for whoever wants to see what arrives. Control thread, one at a time."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence

from engine.control.midi_device import MidiDevice
from engine.control.midi_message import MidiMessage
from engine.midi import MidiMessageSnapshot

_KEPT_MESSAGES = 24


class MidiMonitor:
    """Numbers messages and keeps the last of them, however many there are."""

    def __init__(self, now_s: float) -> None:
        self._messages: deque[tuple[int, float, MidiDevice, MidiMessage]] = deque(maxlen=_KEPT_MESSAGES)
        self._count = 0
        self._began_s = now_s

    def note(self, device: MidiDevice, messages: Sequence[MidiMessage], now_s: float) -> None:
        """Take in what a device sent."""
        first = self._count + max(0, len(messages) - _KEPT_MESSAGES) + 1
        time_s = round(now_s - self._began_s, 3)
        for number, message in enumerate(messages[-_KEPT_MESSAGES:], first):
            self._messages.append((number, time_s, device, message))
        self._count += len(messages)

    def snapshot(self) -> tuple[MidiMessageSnapshot, ...]:
        """The last messages, as a person reads them."""
        return tuple(
            MidiMessageSnapshot(number, time_s, device.identity, device.surface.label(message))
            for number, time_s, device, message in self._messages
        )
