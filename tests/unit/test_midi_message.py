"""MIDI bytes: what is a control is read and written alike, what is not is left alone, and no bytes upset the reader."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.control.midi_message import Address, MessageKind, MidiMessage, describe_address, encode, parse

CHANNEL = st.integers(1, 16)
SEVEN_BITS = st.integers(0, 127)


def messages() -> st.SearchStrategy[MidiMessage]:
    plain = st.builds(Address, st.sampled_from([MessageKind.NOTE, MessageKind.CONTROL]), CHANNEL, SEVEN_BITS)
    bend = st.builds(Address, st.just(MessageKind.PITCH_BEND), CHANNEL, st.just(0))
    program = st.builds(Address, st.just(MessageKind.PROGRAM), CHANNEL, SEVEN_BITS)
    return (
        st.builds(MidiMessage, plain, SEVEN_BITS)
        | st.builds(MidiMessage, bend, st.integers(0, 16_383))
        | st.builds(MidiMessage, program, st.just(127))
    )


@given(message=messages())
def test_what_is_written_is_read(message: MidiMessage) -> None:
    assert parse(encode(message)) == message


@given(content=st.lists(st.integers(0, 255), max_size=6))
def test_no_bytes_upset_the_reader(content: list[int]) -> None:
    message = parse(content)
    if message is not None:
        assert 1 <= message.address.channel <= 16
        assert 0 <= message.address.number <= 127
        assert 0 <= message.value <= 16_383


@pytest.mark.parametrize(
    "content", [[0x90, 60, 0], [0x80, 60, 64]], ids=["note on with velocity 0", "note off with a velocity"]
)
def test_both_ways_to_let_a_note_go(content: list[int]) -> None:
    assert parse(content) == MidiMessage(Address(MessageKind.NOTE, 1, 60), 0)


@pytest.mark.parametrize(
    "content", [[0xF8], [0xFE], [0xF0, 0x7D, 1, 0xF7], [0xD0, 3], [0xA0, 60, 3], [0xB0, 7], []], ids=str
)
def test_what_is_no_control_is_left_alone(content: list[int]) -> None:
    assert parse(content) is None


def test_an_address_reads_like_the_devices_display() -> None:
    assert describe_address(Address(MessageKind.CONTROL, 11, 7)) == "CC 7, channel 11"
    assert describe_address(Address(MessageKind.PITCH_BEND, 1, 0)) == "pitch bend, channel 1"
