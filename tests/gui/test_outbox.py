"""The queue of commands: the last value wins, nothing else is lost."""

from __future__ import annotations

import pytest

from app.outbox import Outbox
from engine import (
    AnswerBlind,
    Command,
    ForgetMidi,
    Listen,
    ResetMeters,
    SetBypass,
    SetParam,
    Source,
    Stop,
    Undo,
    UseModel,
)


def test_a_storm_of_one_slider_leaves_as_one_command() -> None:
    outbox = Outbox()
    for step in range(100):
        outbox.put(SetParam(id="denoise.strength_db", value=float(step)))
    assert [command for _, command in outbox.take()] == [SetParam(id="denoise.strength_db", value=99.0)]
    assert outbox.take() == []


def test_different_subjects_keep_their_order() -> None:
    outbox = Outbox()
    commands: list[Command] = [
        SetParam(id="a.x", value=1.0),
        SetBypass(stage="a", is_bypassed=True),
        ResetMeters(),
        Stop(),
    ]
    for command in commands:
        outbox.put(command)
    assert [command for _, command in outbox.take()] == commands


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (Undo(), Undo()),
        (Listen(Source.OTHER), Listen(Source.OTHER)),
        (AnswerBlind(Source.A), AnswerBlind(Source.B)),
        (UseModel("mine"), UseModel("another")),
        (ForgetMidi("a.x"), ForgetMidi("a.y")),
    ],
    ids=lambda command: type(command).__name__,
)
def test_what_counts_each_time_is_sent_each_time(first: Command, second: Command) -> None:
    outbox = Outbox()
    outbox.put(first)
    outbox.put(second)
    assert [command for _, command in outbox.take()] == [first, second]


def test_of_one_choice_the_last_counts() -> None:
    outbox = Outbox()
    for source in (Source.A, Source.B, Source.NOW):
        outbox.put(Listen(source))
    assert [command for _, command in outbox.take()] == [Listen(Source.NOW)]


def test_what_could_not_be_sent_goes_first_unless_it_was_replaced() -> None:
    outbox = Outbox()
    outbox.put(SetParam(id="a.x", value=1.0))
    outbox.put(SetParam(id="a.y", value=1.0))
    unsent = outbox.take()
    outbox.put(SetParam(id="a.x", value=2.0))
    outbox.put_back(unsent)
    assert [command for _, command in outbox.take()] == [SetParam(id="a.x", value=2.0), SetParam(id="a.y", value=1.0)]
