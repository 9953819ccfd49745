"""One device at work: ranges, inversion, soft takeover, layers, several targets, buttons, and lights that tell the truth."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.control.controls import Controls
from engine.control.midi_link import SoftTakeover
from engine.control.midi_map import read_map
from engine.control.midi_message import Address, MessageKind, MidiMessage
from engine.control.midi_surface import MidiSurface
from engine.control.midi_targets import Targets
from engine.core.chain import Chain
from engine.errors import PresetError
from tests.helpers.small_stages import Factor, Faulty, Late

FADER, KNOB, ENCODER, PAD, BUTTON = "fader", "knob", "encoder", "pad", "button"
CONTROLS = [
    {"id": FADER, "kind": "cc", "number": 1},
    {"id": KNOB, "kind": "cc_14_bit", "number": 2},
    {"id": ENCODER, "kind": "relative_twos_complement", "number": 3},
    {"id": PAD, "kind": "note", "number": 36, "feedback": {"on": 5}},
    {"id": BUTTON, "kind": "cc_button", "number": 4, "feedback": {}},
    {"id": "latch", "kind": "note_latch", "number": 37},
    {"id": "motor", "kind": "pitch_bend", "channel": 1, "feedback": {"moves": True}},
    {"id": "program", "kind": "program", "number": 7},
]


class Bench:
    """A surface over three small stages."""

    def __init__(self, *bindings: dict[str, Any]) -> None:
        self.controls = Controls(Chain([Factor(), Late(), Faulty()]))
        self.loaded: list[str] = []
        midi_map, notes = read_map({"controls": CONTROLS, "bindings": list(bindings)})
        assert notes == ()
        targets = Targets(self.controls, self.load, lambda: self.loaded[-1] if self.loaded else "")
        self.surface = MidiSurface(midi_map, targets, self.panic)
        self.now_s = 10.0

    def panic(self) -> None:
        self.surface.panic()

    def load(self, name: str) -> None:
        if name == "gone":
            raise PresetError("there is no preset 'gone'")
        self.loaded.append(name)

    def play(self, *messages: MidiMessage) -> tuple[str, ...]:
        return self.surface.take(messages, self.now_s)

    def told(self, after_s: float = 0.02) -> list[MidiMessage]:
        """What the device hears within `after_s`, looked at sixty times a second as at work; repetitions left out."""
        told: list[MidiMessage] = []
        until_s = self.now_s + after_s
        while self.now_s < until_s:
            self.now_s += 1 / 60
            told += [message for message in self.surface.feedback(self.now_s) if message not in told]
        return told

    @property
    def factor(self) -> float:
        return float(self.controls.value("factor.factor"))


def bound(control: str, *targets: dict[str, Any], layer: int = 0) -> dict[str, Any]:
    return {"control": control, "layer": layer, "to": list(targets)}


def cc(number: int, value: int) -> MidiMessage:
    return MidiMessage(Address(MessageKind.CONTROL, 1, number), value)


def note(number: int, value: int) -> MidiMessage:
    return MidiMessage(Address(MessageKind.NOTE, 1, number), value)


def bend(value: int) -> MidiMessage:
    return MidiMessage(Address(MessageKind.PITCH_BEND, 1, 0), value)


FACTOR = {"target": "factor.factor"}
HARD_FACTOR = {**FACTOR, "takeover": False}


@pytest.mark.parametrize(
    ("wanted", "value", "factor"),
    [
        ({}, 127, 4.0),
        ({"lowest": 1.0, "highest": 2.0}, 0, 1.0),
        ({"lowest": 1.0, "highest": 2.0}, 127, 2.0),
        ({"inverted": True}, 127, 0.0),
        ({"lowest": 1.0, "highest": 3.0, "inverted": True}, 0, 3.0),
    ],
)
def test_a_fader_goes_through_its_range(wanted: dict[str, Any], value: int, factor: float) -> None:
    bench = Bench(bound(FADER, {**HARD_FACTOR, **wanted}))
    bench.play(cc(1, value))
    assert bench.factor == pytest.approx(factor)


def test_fourteen_bits_are_as_fine_as_they_say() -> None:
    bench = Bench(bound(KNOB, HARD_FACTOR))
    bench.play(cc(2, 64), cc(34, 1))
    assert bench.factor == pytest.approx(4.0 * (64 * 128 + 1) / 16_383)


def test_one_control_moves_several_things_each_its_own_way() -> None:
    bench = Bench(bound(FADER, HARD_FACTOR, {"target": "bypass:late"}, {"target": "late.color", "takeover": False}))
    bench.play(cc(1, 127))
    assert (bench.factor, bench.controls.is_bypassed("late"), bench.controls.value("late.color")) == (
        4.0,
        False,
        "cold",
    )


def test_an_encoder_counts_detents_wherever_the_value_is() -> None:
    bench = Bench(bound(ENCODER, FACTOR))
    bench.controls.set("factor.factor", 2.0)
    bench.play(cc(3, 1), cc(3, 1), cc(3, 127), cc(3, 5))
    assert bench.factor == pytest.approx(2.0 + 6 * 0.04)
    bench.play(*[cc(3, 100)] * 20)
    assert bench.factor == 0.0


def test_soft_takeover_waits_until_the_fader_has_come_to_the_value() -> None:
    bench = Bench(bound(FADER, FACTOR))
    bench.controls.set("factor.factor", 2.0)
    for value in (0, 20, 50):
        bench.play(cc(1, value))
        assert bench.factor == 2.0
    bench.play(cc(1, 70))
    assert bench.factor == pytest.approx(4.0 * 70 / 127)
    bench.controls.set("factor.factor", 0.5)
    bench.play(cc(1, 80))
    assert bench.factor == 0.5
    bench.play(cc(1, 15), cc(1, 16))
    assert bench.factor == pytest.approx(4.0 * 16 / 127)


@given(positions=st.lists(st.floats(0, 1), min_size=1, max_size=30), present=st.floats(0, 1))
def test_soft_takeover_never_jumps(positions: list[float], present: float) -> None:
    takeover, last = SoftTakeover(), None
    for position in positions:
        if takeover.lets(position, present):
            step = abs(position - present)
            # Near, or no further than the hand itself has just moved.
            assert step <= 2.5 / 127 + 1e-9 or (last is not None and step <= abs(position - last) + 1e-9)
            present = position
            takeover.left_at(present)
        last = position


@pytest.mark.parametrize("control", [PAD, BUTTON])
def test_a_momentary_button_goes_to_and_fro(control: str) -> None:
    bench = Bench(bound(control, {"target": "bypass:late"}))
    press, let_go = {PAD: (note(36, 100), note(36, 0)), BUTTON: (cc(4, 100), cc(4, 0))}[control]
    for is_out in (True, False, True):
        bench.play(press, let_go)
        assert bench.controls.is_bypassed("late") is is_out


def test_a_button_that_holds_gives_back_what_was() -> None:
    bench = Bench(bound(PAD, {"target": "factor.factor", "press": "hold", "highest": 3.0}))
    bench.controls.set("factor.factor", 1.5)
    bench.play(note(36, 100))
    assert bench.factor == pytest.approx(3.0)
    bench.play(note(36, 0))
    assert bench.factor == pytest.approx(1.5)


def test_a_latching_button_follows_its_own_state() -> None:
    bench = Bench(bound("latch", {"target": "bypass:late"}))
    bench.play(note(37, 127))
    bench.play(note(37, 127))
    assert bench.controls.is_bypassed("late")
    bench.play(note(37, 0))
    assert not bench.controls.is_bypassed("late")


def test_a_button_sets_a_value_and_its_light_says_whether_it_is_set() -> None:
    bench = Bench(bound(PAD, {"target": "late.color", "value": "cold"}))
    assert note(36, 0) in bench.told()
    bench.play(note(36, 90))
    assert bench.controls.value("late.color") == "cold"
    assert bench.told() == [note(36, 5)]
    bench.controls.set("late.color", "warm")
    assert note(36, 0) in bench.told()


def test_a_program_change_loads_a_preset_and_one_that_is_gone_is_a_sentence() -> None:
    program = MidiMessage(Address(MessageKind.PROGRAM, 1, 7), 127)
    bench = Bench(bound("program", {"target": "preset:podcast"}, {"target": "preset:gone"}))
    assert bench.play(program) == ("there is no preset 'gone'",)
    assert bench.loaded == ["podcast"]


def test_layers_change_what_a_control_does() -> None:
    bench = Bench(
        bound(BUTTON, {"target": "layer:2", "press": "hold"}, layer=1),
        bound(FADER, HARD_FACTOR, layer=1),
        bound(FADER, {"target": "late.color", "takeover": False}, layer=2),
        bound(PAD, {"target": "layer:next"}),
    )
    bench.play(cc(4, 127), cc(1, 127))
    assert (bench.factor, bench.controls.value("late.color")) == (1.0, "cold")
    bench.play(cc(4, 0), cc(1, 64))
    assert bench.factor == pytest.approx(4.0 * 64 / 127)
    assert bench.controls.value("late.color") == "cold"
    bench.play(note(36, 1))
    assert bench.surface.layers.current == 2
    bench.play(note(36, 0), note(36, 1))
    assert bench.surface.layers.current == 1


def test_after_another_layer_the_fader_is_taken_up_anew() -> None:
    bench = Bench(
        bound(BUTTON, {"target": "layer:2"}),
        bound(FADER, FACTOR, layer=1),
        bound(FADER, {"target": "bypass:late", "takeover": False}, layer=2),
    )
    bench.play(cc(1, 32))
    bench.play(cc(1, 64))
    held = bench.factor
    bench.play(cc(4, 127), cc(4, 0), cc(1, 0), cc(4, 127), cc(4, 0))
    bench.play(cc(1, 1))
    assert bench.factor == held


def test_lights_follow_every_source_and_are_told_only_what_is_new() -> None:
    bench = Bench(bound(BUTTON, {"target": "bypass:late"}))
    assert bench.told() == [note(36, 0), cc(4, 0)]
    assert bench.told() == []
    bench.controls.bypass("late", True)
    assert bench.told() == [cc(4, 127)]
    bench.controls.set("factor.factor", 3.0)
    assert bench.told() == []


def test_a_momentary_buttons_light_is_told_again_after_it_was_let_go() -> None:
    bench = Bench(bound(BUTTON, {"target": "bypass:late"}))
    bench.told()
    bench.play(cc(4, 127))
    assert cc(4, 127) in bench.told()
    # The device darkens its own light when the button comes up.
    bench.now_s += 0.07
    bench.play(cc(4, 0))
    assert cc(4, 127) in bench.told()


def test_an_echo_is_no_hand() -> None:
    bench = Bench(bound(BUTTON, {"target": "bypass:late"}), bound("motor", HARD_FACTOR))
    bench.told()
    bench.controls.bypass("late", True)
    bench.controls.set("factor.factor", 3.3)
    told = bench.told()
    bench.now_s += 0.02
    bench.play(*told)
    assert bench.controls.is_bypassed("late")
    assert bench.factor == 3.3


def test_a_motor_does_not_pull_at_a_hand() -> None:
    bench = Bench(bound("motor", FACTOR))
    bench.told(1.0)
    bench.play(bend(8000))
    bench.controls.set("factor.factor", 0.5)
    assert bench.told(0.2) == []
    assert bench.told(0.2) == [bend(round(16_383 * 0.5 / 4.0))]


def test_panic_lets_go_and_tells_everything_anew() -> None:
    bench = Bench(bound(PAD, {"target": "bypass:late", "press": "hold"}), bound(BUTTON, {"target": "action:panic"}))
    bench.play(note(36, 1))
    bench.told()
    assert bench.controls.is_bypassed("late")
    bench.play(cc(4, 127))
    assert not bench.controls.is_bypassed("late")
    assert note(36, 0) in bench.told()


def test_what_the_map_names_and_this_engine_has_not_is_a_note() -> None:
    bench = Bench(
        bound(FADER, {"target": "gone.gain_db"}, HARD_FACTOR),
        bound(PAD, {"target": "late.color", "value": "loud"}),
        bound(BUTTON, {"target": "action:dance"}),
    )
    assert len(bench.surface.notes) == 3
    bench.play(cc(1, 127))
    assert bench.factor == 4.0
