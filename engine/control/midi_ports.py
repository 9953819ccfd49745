"""MIDI ports: what a system of them can do, and by what a device is known again. Control thread; may wait."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import Protocol

from engine.errors import DeviceError

CLIENT_NAME = "sidetone"
_NOT_DEVICES = ("midi through", CLIENT_NAME, "rtmidi", "microsoft gs wavetable", "pipewire-rt-event")


class MidiInput(Protocol):
    """An open input.

    Attributes
    ----------
    is_asked : bool
        Whether it has to be asked again and again, because it may not call.
    """

    is_asked: bool

    def drain(self) -> list[bytes]:
        """Everything that arrived since the last call, oldest first."""
        ...

    def close(self) -> None:
        """Close it."""
        ...


class MidiOutput(Protocol):
    """An open output."""

    def send(self, content: bytes) -> None:
        """Send one message; one that cannot be sent is lost."""
        ...

    def close(self) -> None:
        """Close it."""
        ...


class MidiSystem(Protocol):
    """What MIDI ports there are."""

    def look(self) -> str:
        """Look for a MIDI system; returns why there is none, else nothing."""
        ...

    def inputs(self) -> tuple[str, ...]:
        """Names of the ports that send."""
        ...

    def outputs(self) -> tuple[str, ...]:
        """Names of the ports that receive."""
        ...

    def open_input(self, name: str, on_arrival: Callable[[], None]) -> MidiInput:
        """Open an input; `on_arrival` is called on a thread of the system's, and must not wait.

        Raises
        ------
        DeviceError
            If it is gone, or another program has it.
        """
        ...

    def open_output(self, name: str) -> MidiOutput:
        """Open an output.

        Raises
        ------
        DeviceError
            As `open_input`.
        """
        ...

    def close(self) -> None:
        """Let go of the system."""
        ...


def port_identity(name: str) -> str:
    """By what a device is known again: its port's name without what the system adds for the moment.

    ALSA appends the client's and the port's number, Windows the port's index; a2jmidid and PipeWire put theirs into
    brackets.
    """
    name = re.sub(r"^(?:a2j|Midi-Bridge):\s*", "", name)
    name = re.sub(r"\s*(?:\[\d+\]|:?\((?:capture|playback)(?:_\d+)?\):?)\s*", ":", name)
    name = re.sub(r"^system:midi_(?:capture|playback)_", "system:midi_", name)
    name = re.sub(r"\s+\d+:\d+$" if ":" in name else r"\s+\d+$", "", name)
    first, colon, rest = (" ".join(part.split()) for part in name.partition(":"))
    second = rest.strip(": ")
    # ALSA says the client's name twice: nanoKONTROL2:nanoKONTROL2 MIDI 1.
    return second if second.startswith(first) else f"{first}{colon}{second}"


def identified(names: Iterable[str]) -> dict[str, str]:
    """Port names by identity; the second of two equal devices gets a number."""
    found: dict[str, str] = {}
    for name in names:
        if any(part in name.casefold() for part in _NOT_DEVICES):
            continue
        identity = port_identity(name) or name
        count = 1
        while (key := identity if count == 1 else f"{identity} #{count}") in found:
            count += 1
        found[key] = name
    return found


class NoMidiSystem:
    """Implements `MidiSystem` for an engine without MIDI."""

    def look(self) -> str:
        """There is none."""
        return "MIDI is not part of this engine"

    def inputs(self) -> tuple[str, ...]:
        """None."""
        return ()

    def outputs(self) -> tuple[str, ...]:
        """None."""
        return ()

    def open_input(self, name: str, on_arrival: Callable[[], None]) -> MidiInput:
        """Nothing can be opened."""
        raise DeviceError(f"the MIDI port {name} cannot be opened; {self.look()}")

    def open_output(self, name: str) -> MidiOutput:
        """Nothing can be opened."""
        raise DeviceError(f"the MIDI port {name} cannot be opened; {self.look()}")

    def close(self) -> None:
        """Nothing is open."""
