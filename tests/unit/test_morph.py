"""A morph: along the controls' travel, ends exactly where it should, yields to the hand, and is not heard as a click."""

from __future__ import annotations

import time

import numpy as np
import pytest

from engine import ChainConfig
from engine.control.controls import Controls
from engine.control.morph import Morph
from engine.core.chain import Chain
from engine.core.stage import Block
from engine.stages import STAGES
from engine.stages.denoise import Denoise
from engine.stages.high_pass import HighPass
from tests.helpers.engines import wait_until
from tests.helpers.small_stages import Factor, Late
from tests.helpers.stages import BLOCK, clicks, mono_format, tone

LIGHT_STAGES = [stage for stage in STAGES if stage is not Denoise]


def test_a_frequency_goes_by_octaves_a_choice_half_way_and_a_stage_at_the_ends() -> None:
    chain = Chain([HighPass(), Late(), Factor()])
    start = ChainConfig(
        params={"high_pass.cutoff_hz": 50.0, "late.color": "warm", "factor.factor": 1.0},
        bypass={"high_pass": False, "late": False, "factor": True},
    )
    target = ChainConfig(
        params={"high_pass.cutoff_hz": 200.0, "late.color": "cold", "factor.factor": 3.0},
        bypass={"high_pass": False, "late": True, "factor": False},
    )
    morph = Morph(start, target, chain.spec)
    assert morph.at(0.0).bypass == {"late": False, "factor": False}
    assert morph.at(0.0).params["factor.factor"] == 3.0
    assert morph.at(0.5).params["high_pass.cutoff_hz"] == pytest.approx(100.0)
    assert [morph.at(part).params["late.color"] for part in (0.4, 0.5)] == ["warm", "cold"]
    assert morph.at(1.0).params == target.params
    assert morph.at(1.0).bypass == {"late": True, "factor": False}


def test_the_hand_on_the_knob_wins_and_the_whole_way_is_one_step() -> None:
    controls = Controls(Chain([Factor(), Late()]))
    controls.morph(ChainConfig(params={"factor.factor": 4.0, "late.color": "cold"}), 300.0, "preset bright")
    wait_until(lambda: controls.save().params["factor.factor"], lambda factor: float(factor) > 1.0)
    controls.set("factor.factor", 0.5)
    wait_until(controls.snapshot, lambda now: not now.is_morphing)
    assert controls.save().params == {"factor.factor": 0.5, "factor.is_inverted": False, "late.color": "cold"}
    controls.undo()
    assert controls.undo() == "preset bright"
    assert controls.save().params == {"factor.factor": 1.0, "factor.is_inverted": False, "late.color": "warm"}


def test_undo_and_another_preset_end_a_morph_where_it_is() -> None:
    controls = Controls(Chain([Factor(), Late()]))
    controls.morph(ChainConfig(params={"factor.factor": 4.0}), 60_000.0, "preset slow")
    controls.undo()
    assert not controls.snapshot().is_morphing
    controls.morph(ChainConfig(params={"factor.factor": 4.0}), 60_000.0, "preset slow")
    controls.apply(ChainConfig(params={"factor.factor": 2.0}), "preset quick")
    time.sleep(0.05)
    assert controls.save().params["factor.factor"] == 2.0
    controls.close()


def walk(controls: Controls, chain: Chain, sound: Block, change: Morph | None) -> Block:
    """Run `sound` through `chain`, with a step of `change` before each block of the second half."""
    out = sound.copy()
    blocks = sound.shape[1] // BLOCK
    for index in range(blocks):
        if change is not None and index >= blocks // 2:
            now = change.at(min(1.0, 2.2 * (index / blocks - 0.5)))
            controls.apply(now)
        chain.process(out[:, index * BLOCK : (index + 1) * BLOCK])
    return out


def test_no_click_on_the_way_between_two_presets() -> None:
    """A pure tone goes through the whole chain while it changes; what is heard beside the tone is a click."""
    chain = Chain([stage() for stage in LIGHT_STAGES])
    controls = Controls(chain)
    stream = ChainConfig(
        params={"high_pass.cutoff_hz": 80.0, "compressor.amount": 30.0, "leveller.target_lufs": -16.0},
        bypass={"de_esser": False, "leveller": False},
    )
    whisper = ChainConfig(
        params={
            "input_gain.gain_db": 6.0,
            "high_pass.cutoff_hz": 200.0,
            "high_pass.slope": "24 dB/oct",
            "de_esser.most_db": 9.0,
            "equalizer.treble_db": 4.0,
            "compressor.amount": 25.0,
            "leveller.target_lufs": -20.0,
            "limiter.ceiling_dbtp": -6.0,
        },
        bypass={"gate": False, "equalizer": False, "leveller": True},
    )
    controls.apply(stream)
    start = controls.save()
    chain.prepare(mono_format())
    out = walk(controls, chain, tone(4.0, -12.0), Morph(start, whisper, chain.spec))
    assert np.abs(out[0, -BLOCK:]).max() > 0.01
    found = clicks(out[0])
    half = found.size // 2
    steady = max(found[half // 2 : half - BLOCK].max(), found[-half // 4 : -2 * BLOCK].max())
    assert 20 * np.log10(max(found[half:-BLOCK].max() - steady, 1e-9)) < -60.0


def test_all_effects_go_out_and_come_back_without_a_click() -> None:
    chain = Chain([stage() for stage in LIGHT_STAGES])
    controls = Controls(chain)
    controls.apply(ChainConfig(params={"input_gain.gain_db": -9.0}, bypass={"equalizer": False, "leveller": False}))
    chain.prepare(mono_format())
    sound = tone(4.0, -6.0)
    out = sound.copy()
    blocks = sound.shape[1] // BLOCK
    for index in range(blocks):
        controls.set_dry(blocks // 2 <= index < 3 * blocks // 4)
        chain.process(out[:, index * BLOCK : (index + 1) * BLOCK])
    found = clicks(out[0])
    steady = found[sound.shape[1] // 4 : sound.shape[1] // 2 - BLOCK].max()
    assert 20 * np.log10(max(found[sound.shape[1] // 2 : -2 * BLOCK].max() - steady, 1e-9)) < -60.0
    dry = slice(sound.shape[1] // 2 + 10 * BLOCK, 3 * sound.shape[1] // 4 - BLOCK)
    late = chain.latency_samples
    assert np.array_equal(out[0, dry], sound[0, dry.start - late : dry.stop - late])
