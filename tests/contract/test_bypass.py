"""Taking any stage out and putting it back is neither a click nor a shift, and leaves no trace afterwards."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.ndimage import maximum_filter1d

from engine.core.chain import Chain
from engine.core.crossfade import FADE_MS
from engine.core.stage import Block, Stage, StreamFormat
from engine.stages import STAGES
from tests.helpers.stages import (
    AUDIBLE,
    BLOCK,
    SAMPLE_RATE,
    TRANSPARENT,
    blocks_of,
    clicks,
    mono_format,
    tone,
    voice_like,
)

StageType = type[Stage[Any]]
PrepareStage = Callable[[StageType, StreamFormat], Stage[Any]]

_RESIDUAL = 10 ** (-60 / 20)
_OUT_AT = 80
_BACK_AT = 160
_FADE_FRAMES = round(FADE_MS * SAMPLE_RATE / 1000)
_OUT = slice(_OUT_AT * BLOCK + _FADE_FRAMES, _BACK_AT * BLOCK)
_BACK = slice(_BACK_AT * BLOCK + _FADE_FRAMES, None)

every_stage = pytest.mark.parametrize("stage_type", STAGES, ids=lambda stage_type: stage_type.id)


def build_chain(stages: list[Stage[Any]], values: dict[str, dict[str, Any]]) -> Chain:
    """All stages in the sound, also those that start bypassed."""
    chain = Chain(stages)
    chosen = {f"{stage.id}.{name}": value for stage in stages for name, value in values.get(stage.id, {}).items()}
    chain.load(chosen, {stage.id: False for stage in stages})
    chain.prepare(mono_format())
    return chain


def run_chain(chain: Chain, samples: Block, toggled: str = "") -> NDArray[np.float32]:
    """Output of a mono chain, shape (frames,); the stage `toggled` is bypassed from `_OUT_AT` to `_BACK_AT` blocks."""
    out = samples.copy()
    for index, cut in enumerate(blocks_of(samples.shape[1])):
        if toggled and index in {_OUT_AT, _BACK_AT}:
            chain.bypass(toggled, index == _OUT_AT)
        chain.process(out[:, cut])
    mono: NDArray[np.float32] = out[0]
    return mono


def delayed(samples: Block, delay: int) -> NDArray[np.float32]:
    late: NDArray[np.float32] = np.concatenate([np.zeros(delay, np.float32), samples[0]])[: samples.shape[1]]
    return late


@every_stage
@pytest.mark.parametrize("sound", ["tone", "voice"])
def test_bypass_does_not_click_or_shift(stage_type: StageType, sound: str, prepare: PrepareStage) -> None:
    samples = tone(2.4, -3.0) if sound == "tone" else voice_like(2.4)
    wet = run_chain(build_chain([prepare(stage_type, mono_format())], AUDIBLE), samples)
    if stage_type.rests_bypassed:
        back = _BACK_AT * BLOCK
        wet[back:] = run_chain(build_chain([prepare(stage_type, mono_format())], AUDIBLE), samples[:, back:])
    chain = build_chain([prepare(stage_type, mono_format())], AUDIBLE)
    out = run_chain(chain, samples, stage_type.id)
    dry = delayed(samples, chain.latency_samples)

    np.testing.assert_array_equal(out[: _OUT_AT * BLOCK], wet[: _OUT_AT * BLOCK])
    np.testing.assert_array_equal(out[_OUT], dry[_OUT])
    # It was fed all the while, so it comes back as if it had never been away; or it rested, and is as if it were new.
    np.testing.assert_array_equal(out[_BACK], wet[_BACK])
    # Never outside of dry and wet, and nothing new in the highs, where a click would show.
    assert (out <= np.maximum(dry, wet) + 1e-6).all()
    assert (out >= np.minimum(dry, wet) - 1e-6).all()
    heard_anyway = maximum_filter1d(np.maximum(clicks(dry), clicks(wet)), _FADE_FRAMES)
    assert (clicks(out) - heard_anyway).max() < _RESIDUAL


@every_stage
def test_bypass_of_a_transparent_stage_cannot_be_noticed(stage_type: StageType, prepare: PrepareStage) -> None:
    # At its lowest the high-pass still turns the phase of 1 kHz by 1.6 degrees, which is its work and not a shift.
    allowed = 0.03 if stage_type.id == "high_pass" else _RESIDUAL
    values = {**TRANSPARENT, "high_pass": {"cutoff_hz": 20.0}}
    samples = tone(2.4, -12.0)
    chain = build_chain([prepare(stage_type, mono_format())], values)
    out = run_chain(chain, samples, stage_type.id)
    settled = slice(_OUT_AT * BLOCK // 2, None)
    assert np.abs(out - delayed(samples, chain.latency_samples))[settled].max() < allowed


@every_stage
def test_bypass_within_the_whole_chain_does_not_click(stage_type: StageType, prepare: PrepareStage) -> None:
    samples = tone(2.4, -12.0)
    chain = build_chain([prepare(each, mono_format()) for each in STAGES], TRANSPARENT)
    latency = chain.latency_samples
    out = run_chain(chain, samples, stage_type.id)
    assert chain.latency_samples == latency
    found = clicks(out)
    fades = slice((_OUT_AT - 1) * BLOCK, -2 * BLOCK)
    assert found[fades].max() < _RESIDUAL


def test_a_chain_with_everything_bypassed_is_a_pure_delay(prepare: PrepareStage) -> None:
    samples = voice_like(1.0)
    chain = build_chain([prepare(each, mono_format()) for each in STAGES], {})
    for stage_type in STAGES:
        chain.bypass(stage_type.id, True)
    out = run_chain(chain, samples)
    np.testing.assert_array_equal(
        out[SAMPLE_RATE // 10 :], delayed(samples, chain.latency_samples)[SAMPLE_RATE // 10 :]
    )
