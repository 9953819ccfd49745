"""MIDI as a face sees it: settings down; ports, messages and learning up. Plain frozen data."""

from __future__ import annotations

import msgspec

OFF = "off"
"""In the place of a map: leave this port alone."""


class MidiConfig(msgspec.Struct, frozen=True, kw_only=True):
    """What is kept of MIDI beside the maps.

    Attributes
    ----------
    maps : dict of str to str
        Map ids by port, or `OFF`. A port that is not named takes the map that knows its name, if there is one.
    """

    is_on: bool = True
    maps: dict[str, str] = {}


class MidiPortSnapshot(msgspec.Struct, frozen=True):
    """One device.

    Attributes
    ----------
    port : str
        By what it is known again, wherever it is plugged in.
    map : str
        Id of its map; empty if it has none.
    has_feedback : bool
        Whether lights, rings or motors are told anything.
    problem : str
        Why it is not in use though it should be; else empty.
    """

    port: str
    map: str
    map_name: str
    layer: int
    layers: int
    is_open: bool
    has_feedback: bool
    problem: str


class MidiMessageSnapshot(msgspec.Struct, frozen=True):
    """A message that arrived, as a person reads it. `sequence` counts up."""

    sequence: int
    time_s: float
    port: str
    text: str


class MidiLearnSnapshot(msgspec.Struct, frozen=True):
    """A lesson: for what, whether it still waits, and the sentence that says how it stands or how it ended."""

    target: str = ""
    is_active: bool = False
    text: str = ""


class MidiMapSnapshot(msgspec.Struct, frozen=True):
    """A map that can be chosen."""

    id: str
    name: str
    is_own: bool
    notes: tuple[str, ...] = ()


class MidiSnapshot(msgspec.Struct, frozen=True):
    """Everything of MIDI.

    Attributes
    ----------
    problem : str
        Why there is no MIDI on this machine; else empty.
    bindings : dict of str to tuple of str
        For every target that is moved now: the controls that move it.
    """

    config: MidiConfig = MidiConfig()
    problem: str = ""
    ports: tuple[MidiPortSnapshot, ...] = ()
    maps: tuple[MidiMapSnapshot, ...] = ()
    bindings: dict[str, tuple[str, ...]] = {}
    messages: tuple[MidiMessageSnapshot, ...] = ()
    learn: MidiLearnSnapshot = MidiLearnSnapshot()
