"""Undo and redo: any change from any source, a drag of a knob as one, and nothing that belongs to the moment."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from engine import ChainConfig
from engine.control.controls import Controls
from engine.control.history import History, Step
from engine.core.chain import Chain
from engine.stages.output_gain import OutputGain
from tests.helpers.small_stages import Factor, Faulty, Late


def controls() -> Controls:
    return Controls(Chain([Factor(), Late(), Faulty(), OutputGain()]))


def step(before: float, after: float, name: str = "factor.factor") -> Step:
    return Step(ChainConfig(params={name: before}), ChainConfig(params={name: after}))


def act(door: Controls, change: tuple[str, Any]) -> None:
    """What a slider, a preset, a key or `ctl` does."""
    kind, value = change
    match kind:
        case "set":
            door.set("factor.factor", value)
        case "choose":
            door.set("late.color", value)
        case "bypass":
            door.bypass("late", value)
        case "apply":
            door.apply(ChainConfig(params={"factor.factor": value}, bypass={"faulty": value > 1}), "preset")


changes = st.lists(
    st.tuples(st.sampled_from(["set", "apply"]), st.floats(0, 4))
    | st.tuples(st.just("choose"), st.sampled_from(["warm", "cold"]))
    | st.tuples(st.just("bypass"), st.booleans()),
    max_size=20,
)


@given(made=changes)
def test_all_that_was_done_can_be_taken_back_and_done_again(made: list[tuple[str, Any]]) -> None:
    door = controls()
    start = door.save()
    for change in made:
        act(door, change)
    end = door.save()
    while door.undo():
        pass
    assert door.save() == start
    while door.redo():
        pass
    assert door.save() == end


def test_a_drag_is_one_step_and_a_pause_ends_it() -> None:
    now_s = 0.0
    history = History(lambda: now_s)
    for turn in range(50):
        now_s += 0.02
        history.note(step(turn, turn + 1))
    assert history.undo() == step(0, 50)
    assert history.undo() is None
    history.redo()
    history.note(step(50, 51))
    assert history.undo() == step(50, 51)
    history.note(step(50, 60))
    now_s += 1.1
    history.note(step(60, 61))
    assert history.undo() == step(60, 61)


def test_two_knobs_in_turn_are_two_steps_each() -> None:
    history = History(lambda: 0.0)
    for turn in range(3):
        history.note(step(turn, turn + 1))
        history.note(step(turn, turn + 1, "late.color"))
    assert sum(1 for _ in iter(history.undo, None)) == 6


def test_a_new_change_forgets_what_was_taken_back() -> None:
    door = controls()
    door.set("factor.factor", 2.0)
    assert door.undo() == "Factor Factor: 1.0 → 2.0"
    door.bypass("late", True)
    assert door.snapshot().redo == ""
    assert door.redo() == ""
    assert door.snapshot().undo == "Late: in → out"


def test_taking_back_leaves_alone_what_the_step_did_not_touch() -> None:
    door = controls()
    door.set("factor.factor", 2.0)
    door.set("output_gain.is_muted", True)
    assert door.undo() == "Factor Factor: 1.0 → 2.0"
    assert door.save().params["output_gain.is_muted"] is True
    assert "output_gain.is_muted" not in door.lasting().params


def test_the_list_of_steps_has_an_end() -> None:
    history = History(lambda: 0.0)
    for turn in range(1000):
        history.note(step(turn, turn + 1, f"factor.{turn % 2}"))
    assert sum(1 for _ in iter(history.undo, None)) == 200


def test_loading_saved_settings_is_no_step_and_a_value_that_stays_is_none() -> None:
    door = controls()
    door.load(ChainConfig(params={"factor.factor": 3.0}))
    door.set("factor.factor", 3.0)
    door.bypass("late", False)
    assert door.snapshot().undo == ""
    assert door.undo() == ""


def test_dry_takes_everything_out_but_a_closed_microphone_and_forgets_nothing() -> None:
    door = controls()
    door.bypass("late", True)
    revision = door.revision
    door.set_dry(True)
    assert door.snapshot().is_dry
    assert door.revision > revision
    assert door._chain.settings.unheard == (True, True, True, True)
    door.set("output_gain.is_muted", True)
    assert door._chain.settings.unheard == (True, True, True, False)
    door.bypass("faulty", True)
    door.set_dry(False)
    assert door._chain.settings.unheard == (False, True, True, False)
    assert door.save().bypass == {"factor": False, "late": True, "faulty": True, "output_gain": False}
