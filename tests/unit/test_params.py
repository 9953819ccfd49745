"""Parameters: what a control shows, what a preset stores and what a client sends come back as the same value."""

from __future__ import annotations

import math
from dataclasses import FrozenInstanceError, dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.core.params import ParamKind, Params, ParamSpec, choice, param, switch
from engine.stages import STAGES


@dataclass(frozen=True)
class Sample(Params):
    level_db: float = param(-6.0, lo=-60, hi=12, unit="dB", label="Level")
    cutoff_hz: float = param(80.0, lo=20, hi=1000, unit="Hz", log=True, step=1, label="Cutoff")
    is_soft: bool = switch(True, label="Soft")
    slope: str = choice("12", ("6", "12", "24"), label="Slope")


SPECS = [
    pytest.param(spec, id=f"{stage.id}.{spec.name}") for stage in STAGES for spec in stage.params_type.specs().values()
]
SPECS += [pytest.param(spec, id=f"sample.{spec.name}") for spec in Sample.specs().values()]


@pytest.mark.parametrize("spec", SPECS)
@given(travel=st.floats(0.0, 1.0))
def test_a_control_comes_back_to_where_it_was_put(spec: ParamSpec, travel: float) -> None:
    value = spec.from_travel(travel)
    assert spec.clamp(value) == value
    again = spec.from_travel(spec.to_travel(value))
    if spec.kind is ParamKind.NUMBER:
        assert again == pytest.approx(value, rel=1e-9, abs=1e-9)
        assert spec.to_travel(value) == pytest.approx(travel, abs=1e-9)
    else:
        assert again == value


@pytest.mark.parametrize("spec", SPECS)
def test_a_declaration_is_whole(spec: ParamSpec) -> None:
    assert spec.label
    assert spec.clamp(spec.default) == spec.default
    assert 0.0 <= spec.to_travel(spec.default) <= 1.0
    assert spec.format(spec.default)
    assert not spec.is_logarithmic or spec.minimum > 0


def test_what_is_out_of_range_is_told_with_what_it_becomes() -> None:
    level, cutoff, soft, slope = Sample.specs().values()
    assert level.clamp_note("500") == "500 is out of range (-60.0 dB to 12.0 dB), so 12.0 dB is taken"
    assert cutoff.clamp_note(-math.inf) == "-inf is out of range (20 Hz to 1000 Hz), so 20 Hz is taken"
    assert not level.clamp_note(12)
    assert not cutoff.clamp_note("20.0")
    assert not soft.clamp_note("off")
    assert not slope.clamp_note("24")
    with pytest.raises(ValueError, match="is a number"):
        level.clamp_note("loud")


@given(value=st.floats() | st.booleans() | st.text() | st.integers(-(2**63), 2**64))
def test_any_value_is_taken_or_refused_with_a_sentence(value: float | bool | str) -> None:
    for spec in Sample.specs().values():
        sentence = ""
        try:
            taken = spec.clamp(value)
        except ValueError as error:
            sentence = str(error)
        if sentence:
            assert sentence.startswith(spec.label)
            continue
        assert spec.clamp(taken) == taken
        if spec.kind is ParamKind.NUMBER:
            assert isinstance(taken, float)
            assert spec.minimum <= taken <= spec.maximum
        elif spec.kind is ParamKind.SWITCH:
            assert isinstance(taken, bool)
        else:
            assert taken in spec.options


@pytest.mark.parametrize(
    ("text", "value"), [("-12.5", -12.5), ("99", 12.0), ("-inf", -60.0), (" 3 ", 3.0), (True, 1.0)]
)
def test_numbers_are_read_and_clamped(text: float | bool | str, value: float) -> None:
    assert Sample().with_values({"level_db": text}).level_db == value


@pytest.mark.parametrize("nonsense", ["", "loud", "nan", math.nan, "0x10", "1,5"])
def test_what_is_no_number_is_refused(nonsense: float | str) -> None:
    with pytest.raises(ValueError, match="Level"):
        Sample().with_values({"level_db": nonsense})


@pytest.mark.parametrize(("text", "value"), [("on", True), ("OFF", False), ("yes", True), ("0", False), (1.0, True)])
def test_switches_are_read(text: float | str, value: bool) -> None:
    assert Sample().with_values({"is_soft": text}).is_soft is value


def test_a_change_makes_a_new_object_and_leaves_the_old_one() -> None:
    before = Sample()
    after = before.with_values({"slope": "24"})
    assert (before.slope, after.slope) == ("12", "24")
    with pytest.raises(FrozenInstanceError):
        before.slope = "6"  # type: ignore[misc]


def test_an_unknown_field_is_named_with_those_there_are() -> None:
    with pytest.raises(ValueError, match=r"'gain'.*level_db, cutoff_hz"):
        Sample().with_values({"gain": 1.0})


def test_values_are_shown_with_the_digits_of_their_step() -> None:
    specs = Sample.specs()
    assert specs["level_db"].format(-6) == "-6.0 dB"
    assert specs["cutoff_hz"].format(123.4) == "123 Hz"
    assert specs["is_soft"].format(False) == "off"
