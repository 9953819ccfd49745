"""What arrives from a control, turned into moves of what it is linked to. Control thread.

`take` notes one message and `act` does what was noted: of a flood of a fader's messages only the last one counts, of an
encoder's their sum; buttons act at once, because there the order matters.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from engine.control.midi_learn import RELATIVE_KINDS, ControlKind, step_of
from engine.control.midi_link import Link
from engine.control.midi_message import (
    LARGEST_7_BIT,
    LARGEST_14_BIT,
    LEAST_SIGNIFICANT_OFFSET,
    Address,
    MidiMessage,
)

Links = Sequence[Link]


class Input(Protocol):
    """The receiving side of a control."""

    def take(self, message: MidiMessage, links: Links) -> None:
        """Note a message."""
        ...

    def act(self, links: Links) -> None:
        """Do what was noted."""
        ...


class AbsoluteInput:
    """A fader or knob: 7 bits, a pair of 7, or a pitch bend's 14."""

    def __init__(self, address: Address, kind: ControlKind) -> None:
        self._address = address
        self._is_pair = kind is ControlKind.CC_14_BIT
        self._top = LARGEST_14_BIT if kind in (ControlKind.CC_14_BIT, ControlKind.PITCH_BEND) else LARGEST_7_BIT
        self._raw = 0

    def take(self, message: MidiMessage, links: Links) -> None:
        """Note a position; the upper half of a pair begins a new one, as the standard has it."""
        if not self._is_pair:
            self._raw = message.value
        elif message.address == self._address:
            self._raw = message.value << 7
        else:
            self._raw = (self._raw & ~LARGEST_7_BIT) | message.value

    def act(self, links: Links) -> None:
        """Go there."""
        for link in links:
            link.follow(self._raw / self._top)


class RelativeInput:
    """An encoder that sends steps."""

    def __init__(self, kind: ControlKind) -> None:
        self._kind = kind
        self._detents = 0

    def take(self, message: MidiMessage, links: Links) -> None:
        """Add a step."""
        self._detents += step_of(self._kind, message.value)

    def act(self, links: Links) -> None:
        """Turn by all of them."""
        detents, self._detents = self._detents, 0
        if detents:
            for link in links:
                link.turn(detents)


class ButtonInput:
    """A momentary or latching button, or a program change."""

    def __init__(self, kind: ControlKind) -> None:
        self._is_latching = kind in (ControlKind.NOTE_LATCH, ControlKind.BUTTON_LATCH)
        # A pad's softest touch counts, a controller's button is on from the middle up.
        self._least = 1 if kind in (ControlKind.NOTE, ControlKind.NOTE_LATCH) else LARGEST_7_BIT // 2 + 1
        self._pressed: Links = ()

    def take(self, message: MidiMessage, links: Links) -> None:
        """Act at once; letting go concerns what was pressed, whatever layer that has led to."""
        is_down = message.value >= self._least
        if self._is_latching:
            for link in links:
                link.latch(is_down)
        elif is_down:
            self._pressed = tuple(links)
            for link in links:
                link.press()
        else:
            for link in self._pressed:
                link.release()

    def act(self, links: Links) -> None:
        """All is done."""


def make_input(address: Address, kind: ControlKind) -> Input:
    """The receiving side of a control of this kind."""
    match kind:
        case ControlKind.CC | ControlKind.CC_14_BIT | ControlKind.PITCH_BEND:
            return AbsoluteInput(address, kind)
        case _ if kind in RELATIVE_KINDS:
            return RelativeInput(kind)
        case _:
            return ButtonInput(kind)


def heard_addresses(address: Address, kind: ControlKind) -> tuple[Address, ...]:
    """All addresses that a control of this kind sends from."""
    if kind is ControlKind.CC_14_BIT and address.number < LEAST_SIGNIFICANT_OFFSET:
        return (address, address._replace(number=address.number + LEAST_SIGNIFICANT_OFFSET))
    return (address,)
