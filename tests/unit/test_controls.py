"""The one door for changes: what is saved can be loaded, one writer at a time, and nothing unknown gets in."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine import ChainConfig, ParameterError
from engine.control.controls import Controls
from engine.core.chain import Chain
from engine.core.params import ParamKind
from engine.stages import STAGES
from engine.stages.denoise import Denoise
from tests.helpers.small_stages import Factor, Faulty, Late

LIGHT_STAGES = [stage for stage in STAGES if stage is not Denoise]


def small() -> Controls:
    return Controls(Chain([Factor(), Late(), Faulty()]))


def config_of_all_stages() -> st.SearchStrategy[ChainConfig]:
    values: dict[str, st.SearchStrategy[Any]] = {}
    for stage in LIGHT_STAGES:
        for name, spec in stage.params_type.specs().items():
            travel = st.floats(0, 1).map(spec.from_travel)
            values[f"{stage.id}.{name}"] = st.sampled_from(spec.options) if spec.kind is ParamKind.CHOICE else travel
    bypass = st.fixed_dictionaries({stage.id: st.booleans() for stage in LIGHT_STAGES})
    return st.builds(ChainConfig, params=st.fixed_dictionaries(values), bypass=bypass)


@given(config=config_of_all_stages())
def test_what_is_loaded_is_what_is_saved(config: ChainConfig) -> None:
    controls = Controls(Chain([stage() for stage in LIGHT_STAGES]))
    controls.load(config)
    assert controls.save() == config
    other = Controls(Chain([stage() for stage in LIGHT_STAGES]))
    other.load(controls.save())
    assert other.save() == config


def test_set_returns_what_the_stage_will_see() -> None:
    controls = small()
    assert controls.set("factor.factor", "99") == 4.0
    controls.apply(ChainConfig(params={"factor.factor": 2.0, "late.color": "cold"}, bypass={"late": True}))
    controls.bypass("late", True)
    saved = controls.save()
    assert saved.params["factor.factor"] == 2.0
    assert saved.bypass == {"factor": False, "late": True, "faulty": False}


@pytest.mark.parametrize("change", ["set", "apply", "bypass", "load"])
def test_the_unknown_is_refused_and_changes_nothing(change: str) -> None:
    controls = small()
    before = controls.save()
    acts: dict[str, Callable[[], object]] = {
        "set": lambda: controls.set("factor.nosuch", 1.0),
        "apply": lambda: controls.apply(ChainConfig(params={"factor.factor": 2.0, "nosuch.factor": 1.0})),
        "bypass": lambda: controls.bypass("nosuch", True),
        "load": lambda: controls.load(ChainConfig(params={"factor.factor": 2.0}, bypass={"nosuch": True})),
    }
    with pytest.raises(ParameterError, match="nosuch"):
        acts[change]()
    assert controls.save() == before


def test_of_another_versions_settings_the_known_part_is_taken() -> None:
    controls = small()
    old = ChainConfig(
        params={"factor.factor": 9.0, "factor.gone": 1.0, "gone.factor": 1.0, "late.color": "pink", "": 1.0},
        bypass={"late": True, "gone": True},
    )
    known = controls.known(old)
    assert known == ChainConfig(params={"factor.factor": 9.0}, bypass={"late": True})
    controls.load(known)
    assert controls.save().params["factor.factor"] == 4.0


def test_no_change_of_many_writers_is_lost() -> None:
    """Each writer has a parameter of its own; a lost update would leave one behind."""
    controls = small()
    writers: list[Callable[[int], object]] = [
        lambda turn: controls.set("factor.factor", turn / 1000),
        lambda turn: controls.set("factor.is_inverted", bool(turn % 2)),
        lambda turn: controls.bypass("late", bool(turn % 2)),
        lambda turn: controls.apply(ChainConfig(params={"late.color": ("warm", "cold")[turn % 2]})),
    ]

    def write(writer: Callable[[int], object]) -> None:
        for turn in range(2000):
            writer(turn)

    threads = [threading.Thread(target=write, args=(writer,)) for writer in writers]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    saved = controls.save()
    assert saved.params["factor.factor"] == 1.999
    assert saved.params["factor.is_inverted"] is True
    assert saved.params["late.color"] == "cold"
    assert saved.bypass["late"] is True
