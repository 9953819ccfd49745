"""A device that echoes, lights its own buttons and moves its own fader: ten thousand events from four sources, no oscillation.

The device is as unhelpful as real ones are: it sends back all it is told (lights within 30 ms, the motor within 200 ms), a
button lights up while it is held and goes dark when it is let go, whatever it was told.
"""

from __future__ import annotations

import random
from typing import Any

import pytest

from engine import ChainConfig
from engine.control.controls import Controls
from engine.control.midi_feedback import EchoGuard
from engine.control.midi_map import read_map
from engine.control.midi_message import Address, MessageKind, MidiMessage
from engine.control.midi_surface import MidiSurface
from engine.control.midi_targets import Targets
from engine.core.chain import Chain
from tests.helpers.small_stages import Factor, Faulty, Late

EVENTS = 10_000
LOOK_S = 1 / 60
STAGES = ("factor", "late", "faulty")
MOTOR = Address(MessageKind.PITCH_BEND, 1, 0)
BUTTONS = {stage: Address(MessageKind.CONTROL, 1, 48 + index) for index, stage in enumerate(STAGES)}
DOCUMENT: dict[str, Any] = {
    "controls": [
        {"id": "motor", "kind": "pitch_bend", "feedback": {"moves": True}},
        *({"id": stage, "kind": "cc_button", "number": at.number, "feedback": {}} for stage, at in BUTTONS.items()),
    ],
    "bindings": [
        {"control": "motor", "to": [{"target": "factor.factor"}]},
        *({"control": stage, "to": [{"target": f"bypass:{stage}"}]} for stage in STAGES),
    ],
}


class Device:
    """Lights and a motor, and all that is on its way from them."""

    def __init__(self, random_: random.Random) -> None:
        self._random = random_
        self.lights = dict.fromkeys(BUTTONS.values(), 0)
        self.fader = 0
        self.told_count = 0
        self._coming: list[tuple[float, int, MidiMessage]] = []

    def told(self, message: MidiMessage, now_s: float) -> None:
        """Show it, and send it back in a while."""
        self.told_count += 1
        if message.address == MOTOR:
            self.fader = message.value
        else:
            self.lights[message.address] = message.value
        late_s = 0.2 if message.address == MOTOR else 0.03
        self._send(message, now_s + self._random.uniform(0.001, late_s))

    def press(self, address: Address, now_s: float) -> None:
        """A finger on a button, for a moment."""
        self._send(MidiMessage(address, 127), now_s)
        self._send(MidiMessage(address, 0), now_s + self._random.uniform(0.08, 0.2))

    def slide(self, value: int, now_s: float) -> None:
        """A finger on the fader."""
        self._send(MidiMessage(MOTOR, value), now_s)

    def arrived(self, now_s: float) -> list[MidiMessage]:
        """What has come by now, in order; a button's own light goes with the finger."""
        due = sorted(entry for entry in self._coming if entry[0] <= now_s)
        self._coming = [entry for entry in self._coming if entry[0] > now_s]
        return [message for _, _, message in due]

    def _send(self, message: MidiMessage, at_s: float) -> None:
        # Echoes of one control keep their order, as on a cable.
        after_s = max((when for when, _, other in self._coming if other.address == message.address), default=0.0)
        self._coming.append((max(at_s, after_s), len(self._coming), message))


class Room:
    """Everything but the ports, and a clock."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self.controls = Controls(Chain([Factor(), Late(), Faulty()]))
        self.surface = MidiSurface(read_map(DOCUMENT)[0], Targets(self.controls, lambda name: None), lambda: None)
        self.device = Device(self.random)
        self.fingers: list[tuple[float, Address]] = []
        self.now_s = 10.0

    def event(self) -> None:
        """Something from one of four sources: a hand on the device, the mouse, a preset, the command line."""
        stage = self.random.choice(STAGES)
        match self.random.randrange(5):
            case 0:
                self.device.press(BUTTONS[stage], self.now_s)
                self.fingers.append((self.now_s + 0.2, BUTTONS[stage]))
                self.device.lights[BUTTONS[stage]] = 127
            case 1:
                self.device.fader = self.random.randrange(16_384)
                self.device.slide(self.device.fader, self.now_s)
            case 2:
                self.controls.set("factor.factor", self.random.uniform(0.0, 4.0))
            case 3:
                bypass = {name: self.random.random() < 0.5 for name in STAGES}
                self.controls.apply(
                    ChainConfig(params={"factor.factor": self.random.uniform(0, 4)}, bypass=bypass), "p"
                )
            case _:
                self.controls.bypass(stage, not self.controls.is_bypassed(stage))

    def pass_time(self, seconds: float) -> None:
        until_s = self.now_s + seconds
        while self.now_s < until_s:
            self.now_s += LOOK_S
            for let_go_s, address in [finger for finger in self.fingers if finger[0] <= self.now_s]:
                self.fingers.remove((let_go_s, address))
                self.device.lights[address] = 0
                # Let go of after the message has gone out: the light is dark before anybody can answer.
            self.surface.take(self.device.arrived(self.now_s), self.now_s)
            for message in self.surface.feedback(self.now_s):
                self.device.told(message, self.now_s)

    def assert_shown(self) -> None:
        for stage, address in BUTTONS.items():
            assert self.device.lights[address] == (127 if self.controls.is_bypassed(stage) else 0), stage
        shown = round(16_383 * float(self.controls.value("factor.factor")) / 4.0)
        assert abs(self.device.fader - shown) <= 1


@pytest.mark.parametrize("seed", range(3))
def test_ten_thousand_events_leave_every_light_right_and_nothing_swinging(seed: int) -> None:
    room = Room(seed)
    for index in range(EVENTS):
        room.event()
        room.pass_time(room.random.choice((0.0, 0.0, LOOK_S, 0.05, 0.3)))
        if index % 500 == 499:
            room.pass_time(2.0)
            room.assert_shown()
            settled, told = room.controls.save(), room.device.told_count
            room.pass_time(2.0)
            assert room.controls.save() == settled
            assert room.device.told_count == told


def test_an_echo_is_taken_for_one_once_and_not_for_ever() -> None:
    guard, message = EchoGuard(), MidiMessage(MOTOR, 5)
    guard.sent(message, until_s=1.0)
    assert guard.is_echo(message, 0.5)
    assert not guard.is_echo(message, 0.5)
    guard.sent(message, until_s=1.0)
    assert not guard.is_echo(message, 1.1)
