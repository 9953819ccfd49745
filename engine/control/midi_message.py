"""MIDI 1.0 channel messages, as far as a controller sends or understands them. Pure; any thread.

Source: *MIDI 1.0 Detailed Specification* 4.2, MIDI Association: status bytes (table I), "a Note On with velocity 0 is a
Note Off", 14-bit controllers as pairs n and n + 32, pitch bend as least significant byte first.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from typing import NamedTuple

CHANNELS = 16
LARGEST_7_BIT = 127
LARGEST_14_BIT = 16_383
LEAST_SIGNIFICANT_OFFSET = 32
"""Controller n + 32 carries the lower seven bits of controller n, for n below 32."""


class MessageKind(StrEnum):
    """What a message is, in the words of a map."""

    NOTE = "note"
    CONTROL = "cc"
    PITCH_BEND = "pitch_bend"
    PROGRAM = "program"


class Address(NamedTuple):
    """Which control of a device a message is about.

    Attributes
    ----------
    channel : int
        1…16, as on every device's display.
    number : int
        Note, controller or program; 0 for the pitch bend, of which a channel has one.
    """

    kind: MessageKind
    channel: int
    number: int


class MidiMessage(NamedTuple):
    """One message that arrived.

    Attributes
    ----------
    value : int
        Velocity (0 for a Note Off) or controller value, 0…127; the pitch bend's 0…16383; 127 for a program change.
    """

    address: Address
    value: int


_NOTE_OFF, _NOTE_ON, _CONTROL, _PROGRAM, _BEND = 0x80, 0x90, 0xB0, 0xC0, 0xE0
_STATUS = {
    MessageKind.NOTE: _NOTE_ON,
    MessageKind.CONTROL: _CONTROL,
    MessageKind.PROGRAM: _PROGRAM,
    MessageKind.PITCH_BEND: _BEND,
}


def parse(content: Sequence[int]) -> MidiMessage | None:
    """The message in some bytes; None for what is no control (clock, active sensing, SysEx, aftertouch) or is cut off."""
    if len(content) < 2 or any(byte > LARGEST_7_BIT for byte in content[1:3]):
        return None
    status, channel, first = content[0] & 0xF0, (content[0] & 0x0F) + 1, content[1]
    if status == _PROGRAM:
        return MidiMessage(Address(MessageKind.PROGRAM, channel, first), LARGEST_7_BIT)
    if len(content) < 3:
        return None
    second = content[2]
    if status == _NOTE_ON:
        return MidiMessage(Address(MessageKind.NOTE, channel, first), second)
    if status == _NOTE_OFF:
        return MidiMessage(Address(MessageKind.NOTE, channel, first), 0)
    if status == _CONTROL:
        return MidiMessage(Address(MessageKind.CONTROL, channel, first), second)
    if status == _BEND:
        return MidiMessage(Address(MessageKind.PITCH_BEND, channel, 0), first | second << 7)
    return None


def encode(message: MidiMessage) -> bytes:
    """The bytes of a message; a note of value 0 is a Note On with velocity 0, which lights understand best."""
    (kind, channel, number), value = message
    status = _STATUS[kind] | (channel - 1)
    if kind is MessageKind.PROGRAM:
        return bytes((status, number))
    if kind is MessageKind.PITCH_BEND:
        return bytes((status, value & LARGEST_7_BIT, value >> 7))
    return bytes((status, number, value))


def describe_address(address: Address) -> str:
    """The address as a person reads it: ``CC 21, channel 1``."""
    names = {
        MessageKind.NOTE: f"note {address.number}",
        MessageKind.CONTROL: f"CC {address.number}",
        MessageKind.PROGRAM: f"program {address.number}",
        MessageKind.PITCH_BEND: "pitch bend",
    }
    return f"{names[address.kind]}, channel {address.channel}"
