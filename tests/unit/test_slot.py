"""A stage in its place: aligned bypass without clicks, and a net that catches whatever the stage does."""

from __future__ import annotations

import tracemalloc
from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from engine.core.crossfade import FADE_MS
from engine.core.slot import Slot
from engine.core.stage import Block
from tests.helpers.small_stages import AnyStage, EchoParams, Factor, FactorParams, Faulty, Late, stage_format
from tests.helpers.stages import clicks

FADE_FRAMES = round(FADE_MS * 48)
QUIET = 10 ** (-60 / 20)
HOPS_BEFORE_A_RETRY = 200


def sine(frames: int, level_dbfs: float = -3.0) -> Block:
    t = np.arange(frames) / 48_000
    return (10 ** (level_dbfs / 20) * np.sin(2 * np.pi * 1000 * t)).astype(np.float32)[np.newaxis]


def noise(frames: int) -> Block:
    return (0.2 * np.random.default_rng(5).standard_normal((1, frames))).astype(np.float32)


def delayed(samples: Block, delay: int) -> Block:
    return np.concatenate([np.zeros((1, delay), np.float32), samples], axis=1)[:, : samples.shape[1]]


def run(slot: Slot, samples: Block, bypassed: Sequence[bool], frames: int = 480) -> Block:
    """Output for `samples` in blocks of `frames`; `bypassed` says it for each block, its last entry for all that follow."""
    out = samples.copy()
    with np.errstate(all="ignore"):  # as in the chain
        for index, start in enumerate(range(0, samples.shape[1], frames)):
            is_out = bypassed[min(index, len(bypassed) - 1)]
            slot.process(out[:, start : start + frames], slot.context.params, is_out)
    return out


def prepared(stage: AnyStage, frames: int = 480) -> Slot:
    slot = Slot(stage, stage.params_type())
    slot.prepare(stage_format(frames=frames))
    return slot


def residual(out: Block, reference: NDArray[np.float32]) -> float:
    """Largest sample of the difference, beyond the start of the stream."""
    return float(np.abs(out - reference)[:, 1000:].max())


@pytest.mark.parametrize("frames", [64, 480])
@pytest.mark.parametrize("latency", [0, 1, 100, 1440])
@pytest.mark.parametrize("sound", [sine, noise], ids=["tone", "noise"])
def test_bypass_of_a_pure_delay_changes_nothing(sound: object, latency: int, frames: int) -> None:
    samples = sine(48_000) if sound is sine else noise(48_000)
    # Out, back again in the middle of the fade, out for good, and back.
    blocks = FADE_FRAMES // frames // 2 or 1
    bypassed = [False] * 20 + [True] * blocks + [False] * blocks + [True] * 60 + [False]
    out = run(prepared(Late(latency), frames), samples, bypassed, frames)
    # Shifted by even one sample, the tone would differ by -21 dBFS and the noise by more.
    assert residual(out, delayed(samples, latency)) < QUIET


@pytest.mark.parametrize("frames", [64, 480])
@pytest.mark.parametrize("latency", [0, 100, 1440])
@pytest.mark.parametrize("factor", [0.25, 0.5, 2.0])
def test_bypass_of_a_gain_does_not_click(factor: float, latency: int, frames: int) -> None:
    samples = sine(96_000, -9.0)
    blocks = FADE_FRAMES // frames // 2 or 1
    period = [True] * blocks + [False] * blocks * 2
    out = run(
        prepared(Late(latency, factor), frames), samples, [False] * 40 + period * 3 + [True] * 40 + [False], frames
    )
    # What a sudden switch would leave above 4 kHz is -30 dBFS and more.
    assert clicks(out[0])[2000:-2000].max() < QUIET
    np.testing.assert_array_equal(out[:, -9600:], (np.float32(factor) * delayed(samples, latency))[:, -9600:])


def test_a_bypass_that_is_long_done_is_the_dry_signal_to_the_bit() -> None:
    samples = noise(48_000)
    out = run(prepared(Late(100, 3.0)), samples, [False] * 10 + [True])
    np.testing.assert_array_equal(out[:, 4800 + FADE_FRAMES :], delayed(samples, 100)[:, 4800 + FADE_FRAMES :])


@given(toggles=st.lists(st.booleans(), min_size=1, max_size=60), cut=st.integers(1, 480))
@settings(max_examples=60)
def test_output_lies_between_dry_and_wet_however_bypass_is_toggled(toggles: list[bool], cut: int) -> None:
    slot = Slot(Late(33, 0.5), EchoParams())
    slot.prepare(stage_format(is_fixed=False))
    samples = noise(cut * len(toggles))
    out = run(slot, samples, toggles, cut)
    dry = delayed(samples, 33)
    assert (out <= np.maximum(dry, 0.5 * dry) + 1e-6).all()
    assert (out >= np.minimum(dry, 0.5 * dry) - 1e-6).all()


def test_a_bypassed_stage_is_fed_on() -> None:
    stage = Factor()
    run(prepared(stage), sine(4800), [True])
    assert stage.blocks == 10


@pytest.mark.parametrize("fault", ["raise", "nan", "inf", "reset"])
@pytest.mark.parametrize("latency", [0, 1440])
@pytest.mark.parametrize("frames", [64, 480])
def test_a_failing_stage_is_taken_out_without_a_click(fault: str, latency: int, frames: int) -> None:
    stage = Faulty(latency, -0.5)
    slot = prepared(stage, frames)
    samples = sine(frames * 60 * max(1, 480 // frames), -9.0)
    half = samples.shape[1] // 2 // frames * frames
    before = run(slot, samples[:, :half], [False], frames)
    stage.fault = fault
    after = run(slot, samples[:, half:], [False], frames)
    out = np.concatenate([before, after], axis=1)
    assert slot.fault
    assert slot.fault_count == 1
    np.testing.assert_array_equal(after[:, 96:], delayed(samples, latency)[:, half + 96 :])
    # Half as loud and turned about is the worst there is: -13 dBFS if it happened in an instant.
    assert clicks(out[0])[half - 2000 : half + 2000].max() < 10 ** (-40 / 20)


def test_a_stage_that_did_nothing_is_not_missed_when_it_fails() -> None:
    stage = Faulty(100)
    slot = prepared(stage)
    samples = sine(48_000)
    before = run(slot, samples[:, :9600], [False])
    stage.fault = "raise"
    out = np.concatenate([before, run(slot, samples[:, 9600:], [False])], axis=1)
    assert residual(out, delayed(samples, 100)) < QUIET


def test_a_failing_stage_says_why_and_is_tried_again_after_growing_pauses() -> None:
    stage = Faulty(0)
    slot = prepared(stage)
    stage.fault = "raise"
    silence = np.zeros((1, 480), np.float32)
    counts = []
    for _ in range(1500):
        slot.process(silence, slot.context.params, False)
        counts.append(slot.fault_count)
    assert slot.fault == "ZeroDivisionError: on purpose"
    tries = [counts.index(count) for count in range(1, slot.fault_count + 1)]
    assert tries == [0, HOPS_BEFORE_A_RETRY, 3 * HOPS_BEFORE_A_RETRY, 7 * HOPS_BEFORE_A_RETRY]


@pytest.mark.parametrize("latency", [0, 1440])
@pytest.mark.parametrize("fault", ["raise", "reset"])
def test_a_mended_stage_comes_back_faded_in(latency: int, fault: str) -> None:
    stage = Faulty(latency, 0.5)
    slot = prepared(stage)
    samples = sine(480 * 500, -9.0)
    stage.fault = fault
    first = run(slot, samples[:, :4800], [False])
    assert slot.fault
    stage.fault = ""
    out = np.concatenate([first, run(slot, samples[:, 4800:], [False])], axis=1)
    assert not slot.fault
    dry = delayed(samples, latency)
    np.testing.assert_array_equal(out[:, 4800 : 480 * 200], dry[:, 4800 : 480 * 200])
    np.testing.assert_array_equal(out[:, -48_000:], 0.5 * dry[:, -48_000:])
    assert clicks(out[0])[latency + 2000 : -2000].max() < QUIET


def test_a_stage_bypassed_while_it_warms_up_again_is_not_heard_half_empty() -> None:
    stage = Faulty(1440)
    slot = prepared(stage)
    samples = sine(480 * 300)
    stage.fault = "raise"
    run(slot, samples[:, :480], [False])
    stage.fault = ""
    bypassed = [False] * (HOPS_BEFORE_A_RETRY - 1) + [True, False]
    out = run(slot, samples[:, 480:], bypassed)
    assert not slot.fault
    assert residual(out, delayed(samples, 1440)[:, 480:]) < 0.71  # the tone itself, by the start of this stretch
    assert np.abs(out - delayed(samples, 1440)[:, 480:])[:, 1440:].max() < QUIET


def test_a_slow_stage_is_taken_out_after_ten_blocks_and_not_for_one() -> None:
    stage = Faulty(0)
    stage.slow_ms = 1.0
    slot = prepared(stage)
    slot.budget_ns = 500_000
    block = np.zeros((1, 480), np.float32)
    for _ in range(3):
        stage.fault = "slow"
        for _ in range(9):
            slot.process(block, slot.context.params, False)
        assert not slot.fault
        stage.fault = ""
        slot.budget_ns = 10**9
        slot.process(block, slot.context.params, False)
        slot.budget_ns = 500_000
    stage.fault = "slow"
    for _ in range(10):
        slot.process(block, slot.context.params, False)
    assert "longer than the time" in slot.fault
    assert slot.durations.total == 40


def test_offline_no_stage_is_too_slow() -> None:
    stage = Faulty(0)
    stage.slow_ms, stage.fault = 0.2, "slow"
    slot = prepared(stage)
    run(slot, np.zeros((1, 480 * 30), np.float32), [False])
    assert not slot.fault


@pytest.mark.parametrize("is_failing", [False, True])
def test_no_memory_grows_over_many_blocks(is_failing: bool) -> None:
    stage = Faulty(200, 0.5)
    slot = prepared(stage)
    block = noise(480)
    params = slot.context.params

    def turn(blocks: int) -> None:
        for index in range(blocks):
            stage.fault = "nan" if is_failing and index % 50 == 0 else ""
            slot.process(block, params, index % 20 < 10)

    turn(500)
    tracemalloc.start()
    try:
        turn(500)
        before, _ = tracemalloc.get_traced_memory()
        tracemalloc.reset_peak()
        turn(2000)
        after, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert after - before < 5_000
    assert peak - before < 64_000


def test_parameters_of_the_block_reach_the_stage_with_the_block() -> None:
    stage = Factor()
    slot = prepared(stage)
    block = np.ones((1, 480), np.float32)
    slot.process(block, FactorParams(factor=3.0), False)
    assert (block == 3.0).all()
    assert slot.context.meters[0] == 3.0


def test_what_it_cost_in_a_stream_before_is_forgotten() -> None:
    slot = prepared(Factor())
    run(slot, noise(4800), [False])
    assert slot.durations.total == 10
    slot.prepare(stage_format())
    assert slot.durations.percentiles() is None
