"""Learning: bursts of every kind of control, made up with a hand's unsteadiness and with noise, are told apart."""

from __future__ import annotations

from collections.abc import Iterable

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from engine.control.midi_learn import RELATIVE_KINDS, ControlKind, TimedMessage, classify, step_of
from engine.control.midi_message import Address, MessageKind, MidiMessage

CC_21 = Address(MessageKind.CONTROL, 1, 21)
CC_5, CC_37 = Address(MessageKind.CONTROL, 3, 5), Address(MessageKind.CONTROL, 3, 37)
NOTE_36 = Address(MessageKind.NOTE, 10, 36)
BEND = Address(MessageKind.PITCH_BEND, 2, 0)
STRAY = Address(MessageKind.CONTROL, 1, 99)

CODINGS = {
    ControlKind.RELATIVE_TWOS_COMPLEMENT: lambda step: step % 128,
    ControlKind.RELATIVE_OFFSET_64: lambda step: 64 + step,
    ControlKind.RELATIVE_SIGN_MAGNITUDE: lambda step: step if step > 0 else 64 - step,
}


def burst(address: Address, values: Iterable[int], gap_s: float = 0.01) -> list[TimedMessage]:
    return [TimedMessage(index * gap_s, MidiMessage(address, value)) for index, value in enumerate(values)]


@st.composite
def noisy(draw: st.DrawFn, own: list[TimedMessage]) -> list[TimedMessage]:
    """The burst, with messages of another control strewn in: at most one for every four."""
    result = list(own)
    for _ in range(draw(st.integers(0, len(own) // 4))):
        place = draw(st.integers(0, len(result)))
        time_s = result[max(0, place - 1)].time_s
        result.insert(place, TimedMessage(time_s, MidiMessage(STRAY, draw(st.integers(0, 127)))))
    return result


@st.composite
def sweeps(draw: st.DrawFn, top: int = 127) -> list[int]:
    """A knob or fader moved by hand an eighth of its way at least: never the same value twice in a row."""
    value, direction = draw(st.integers(0, top)), draw(st.sampled_from([-1, 1]))
    values = [value]
    for step in draw(st.lists(st.integers(1, max(1, top // 14)), min_size=6, max_size=40)):
        if not 0 <= value + direction * step <= top:
            direction = -direction
        value = min(max(value + direction * step, 0), top)
        values.append(value)
    assume(max(values) - min(values) >= top // 8)
    return [value for value, before in zip(values, [-1, *values], strict=False) if value != before]


@st.composite
def turns(draw: st.DrawFn) -> list[int]:
    """Detents of an encoder turned one way and then the other: mostly single, with some in haste."""
    steps = st.sampled_from([1, 1, 1, 1, 1, 2, 2, 3, 5])
    right = draw(st.lists(steps, min_size=4, max_size=20))
    left = draw(st.lists(steps, min_size=4, max_size=20))
    first, second = (right, [-step for step in left]) if draw(st.booleans()) else ([-step for step in left], right)
    return [*first, *second]


@st.composite
def presses(draw: st.DrawFn, address: Address, is_latching: bool) -> list[TimedMessage]:
    time_s, own = 0.0, []
    for index in range(draw(st.integers(2, 5))):
        if is_latching:
            own.append(TimedMessage(time_s, MidiMessage(address, 0 if index % 2 else 127)))
            time_s += draw(st.floats(0.3, 0.6))
        else:
            velocity = draw(st.integers(64, 127)) if address.kind is MessageKind.NOTE else 127
            own.append(TimedMessage(time_s, MidiMessage(address, velocity)))
            time_s += draw(st.floats(0.03, 0.2))
            own.append(TimedMessage(time_s, MidiMessage(address, 0)))
            time_s += draw(st.floats(0.08, 0.6))
    return own


@given(data=st.data())
def test_a_knob_or_fader(data: st.DataObject) -> None:
    learnt = classify(data.draw(noisy(burst(CC_21, data.draw(sweeps())))))
    assert learnt is not None
    assert (learnt.kind, learnt.address) == (ControlKind.CC, CC_21)


@given(data=st.data(), is_upper_first=st.booleans())
def test_a_14_bit_pair(data: st.DataObject, is_upper_first: bool) -> None:
    own = []
    for index, value in enumerate(data.draw(sweeps(16_383))):
        halves = [MidiMessage(CC_5, value >> 7), MidiMessage(CC_37, value & 127)]
        own += [TimedMessage(index * 0.01, half) for half in (halves if is_upper_first else reversed(halves))]
    learnt = classify(data.draw(noisy(own)))
    assert learnt is not None
    assert (learnt.kind, learnt.address) == (ControlKind.CC_14_BIT, CC_5)


@pytest.mark.parametrize("kind", RELATIVE_KINDS)
@given(data=st.data())
def test_an_encoder_of_every_coding(kind: ControlKind, data: st.DataObject) -> None:
    steps = data.draw(turns())
    values = [CODINGS[kind](step) for step in steps]
    assert [step_of(kind, value) for value in values] == steps
    learnt = classify(data.draw(noisy(burst(CC_21, values))))
    assert learnt is not None
    assert (learnt.kind, learnt.address) == (kind, CC_21)


@pytest.mark.parametrize(
    ("address", "is_latching", "kind"),
    [
        (NOTE_36, False, ControlKind.NOTE),
        (NOTE_36, True, ControlKind.NOTE_LATCH),
        (CC_21, False, ControlKind.BUTTON),
        (CC_21, True, ControlKind.BUTTON_LATCH),
    ],
)
@given(data=st.data())
def test_a_button(address: Address, is_latching: bool, kind: ControlKind, data: st.DataObject) -> None:
    learnt = classify(data.draw(noisy(data.draw(presses(address, is_latching)))))
    assert learnt is not None
    assert (learnt.kind, learnt.address) == (kind, address)


@given(data=st.data())
def test_a_pitch_bend_fader(data: st.DataObject) -> None:
    learnt = classify(data.draw(noisy(burst(BEND, data.draw(sweeps(16_383))))))
    assert learnt is not None
    assert (learnt.kind, learnt.address) == (ControlKind.PITCH_BEND, BEND)


def test_a_program_change() -> None:
    program = Address(MessageKind.PROGRAM, 1, 7)
    learnt = classify(burst(program, [127]))
    assert learnt is not None
    assert (learnt.kind, learnt.address) == (ControlKind.PROGRAM, program)


def test_an_encoder_turned_one_way_is_a_guess_and_says_so() -> None:
    learnt = classify(burst(CC_21, [1, 1, 1, 2, 1]))
    assert learnt is not None
    assert (learnt.kind, learnt.is_sure) == (ControlKind.RELATIVE_TWOS_COMPLEMENT, False)
    learnt = classify(burst(CC_21, [65, 65, 65]))
    assert learnt is not None
    assert (learnt.kind, learnt.is_sure) == (ControlKind.RELATIVE_OFFSET_64, False)


def test_two_controls_at_once_are_none() -> None:
    one, other = burst(CC_21, range(20, 60)), burst(NOTE_36, range(20, 60))
    assert classify([timed for pair in zip(one, other, strict=True) for timed in pair]) is None
    assert classify([]) is None
