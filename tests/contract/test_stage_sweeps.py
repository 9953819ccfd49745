"""No change of a parameter, slow or sudden, can be heard as a click on a 1 kHz tone."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from typing import Any

import numpy as np
import pytest

from engine.core.params import ParamKind, Params
from engine.core.stage import Block, Context, Stage, StreamFormat
from engine.stages import STAGES
from engine.stages.input_gain import InputGain, InputGainParams
from tests.helpers.stages import AUDIBLE, BLOCK, SAMPLE_RATE, clicks, mono_format, run_through, tone, with_values

StageType = type[Stage[Any]]
PrepareStage = Callable[[StageType, StreamFormat], Stage[Any]]

_CLICK_DBFS = -60.0
_TONE_DBFS = -3.0
_BLOCKS_STEADY = 40
_BLOCKS_SWEEP = 50


ALL = [(stage_type, name) for stage_type in STAGES for name in stage_type.params_type.specs()]
NUMBERS = [
    (stage_type, name) for stage_type, name in ALL if stage_type.params_type.specs()[name].kind is ParamKind.NUMBER
]


def label(value: object) -> str:
    return value.id if isinstance(value, type) and issubclass(value, Stage) else str(value)


def at_travel(stage_type: StageType, name: str, travel: float) -> Params:
    spec = stage_type.params_type.specs()[name]
    return with_values(stage_type.params_type, {**AUDIBLE.get(stage_type.id, {}), name: spec.from_travel(travel)})


def loudest_click(stage: Stage[Any], before: Params, between: list[Params], after: Params) -> float:
    """Largest click during the change, over the larger of what is there before and after it (dBFS)."""
    settings = [before] * _BLOCKS_STEADY + between + [after] * (2 * _BLOCKS_STEADY)
    samples = tone(len(settings) * BLOCK / SAMPLE_RATE, _TONE_DBFS)
    stage.reset()
    found = clicks(run_through(stage, samples, settings)[0])
    change = slice((_BLOCKS_STEADY - 1) * BLOCK, -_BLOCKS_STEADY * BLOCK)
    steady = max(found[(_BLOCKS_STEADY // 2) * BLOCK : change.start].max(), found[change.stop : -2 * BLOCK].max())
    return 20 * float(np.log10(max(found[change].max() - steady, 1e-9)))


@pytest.mark.parametrize(("stage_type", "name"), NUMBERS, ids=label)
def test_no_click_while_a_parameter_is_swept(stage_type: StageType, name: str, prepare: PrepareStage) -> None:
    stage = prepare(stage_type, mono_format())
    up = [at_travel(stage_type, name, travel) for travel in np.linspace(0, 1, _BLOCKS_SWEEP)]
    assert loudest_click(stage, up[0], up, up[-1]) < _CLICK_DBFS
    assert loudest_click(stage, up[-1], up[::-1], up[0]) < _CLICK_DBFS


@pytest.mark.parametrize(("stage_type", "name"), ALL, ids=label)
def test_no_click_when_a_parameter_jumps(stage_type: StageType, name: str, prepare: PrepareStage) -> None:
    stage = prepare(stage_type, mono_format())
    stops = max(2, len(stage_type.params_type.specs()[name].options))
    for lower, upper in pairwise(at_travel(stage_type, name, stop / (stops - 1)) for stop in range(stops)):
        assert loudest_click(stage, lower, [], upper) < _CLICK_DBFS
        assert loudest_click(stage, upper, [], lower) < _CLICK_DBFS


class SteppingGain(InputGain):
    """What the measure must catch: the gain of a block, from its first sample on."""

    def process(self, block: Block, ctx: Context[InputGainParams]) -> None:
        block *= np.float32(10 ** (ctx.params.gain_db / 20))


def test_the_measure_finds_a_step_of_a_tenth_of_a_decibel() -> None:
    stage = SteppingGain()
    stage.prepare(mono_format())
    assert loudest_click(stage, InputGainParams(0.0), [], InputGainParams(0.1)) > _CLICK_DBFS
    assert loudest_click(stage, InputGainParams(0.0), [], InputGainParams(0.0)) < -100
