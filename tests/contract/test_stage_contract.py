"""What every stage promises, checked over `STAGES`, so that a new effect is tested before its author writes a test."""

from __future__ import annotations

import tracemalloc
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from numba.core.dispatcher import Dispatcher

from engine.core.params import Params
from engine.core.stage import Stage, StreamFormat
from engine.hop import TAPPED_STAGES
from engine.stages import STAGES
from tests.helpers.stages import (
    BLOCK,
    SAMPLE_RATE,
    TRANSPARENT,
    blocks_of,
    mono_format,
    run,
    run_through,
    tone,
    voice_like,
    with_values,
)

StageType = type[Stage[Any]]
PrepareStage = Callable[[StageType, StreamFormat], Stage[Any]]

every_stage = pytest.mark.parametrize("stage_type", STAGES, ids=lambda stage_type: stage_type.id)
# The stage is made once per test and reset before each example, which is what hypothesis wants to be told.
few_examples = settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])


def params_of(stage_type: StageType) -> st.SearchStrategy[Params]:
    """Any parameters, by the travel of their controls."""
    specs = stage_type.params_type.specs()
    return st.tuples(*(st.floats(0, 1) for _ in specs)).map(
        lambda travels: with_values(
            stage_type.params_type,
            {name: spec.from_travel(travel) for (name, spec), travel in zip(specs.items(), travels, strict=True)},
        )
    )


@every_stage
@pytest.mark.parametrize("channels", [1, 2])
def test_output_does_not_depend_on_block_lengths(stage_type: StageType, channels: int, prepare: PrepareStage) -> None:
    samples = np.concatenate([voice_like(0.1, channels), 2.0 * voice_like(0.1, channels, seed=2)], axis=1)
    half = samples.shape[1] // 2
    stage = prepare(stage_type, StreamFormat(SAMPLE_RATE, channels, BLOCK, is_fixed=False))

    def output(lengths: list[int], before: Params, after: Params) -> Any:
        stage.reset()
        first = run(stage, samples[:, :half], before, lengths)
        return np.concatenate([first, run(stage, samples[:, half:], after, lengths)], axis=1)

    @few_examples
    @given(st.lists(st.integers(1, BLOCK), min_size=1, max_size=12), params_of(stage_type), params_of(stage_type))
    def check(lengths: list[int], before: Params, after: Params) -> None:
        whole = output([BLOCK], before, after)
        difference = np.abs(output(lengths, before, after) - whole).max()
        assert difference <= 1e-6 * np.abs(whole).max()

    check()


@every_stage
def test_silence_stays_silence(stage_type: StageType, prepare: PrepareStage) -> None:
    stage = prepare(stage_type, mono_format())
    silence = np.zeros((1, SAMPLE_RATE), np.float32)
    assert not run(stage, silence, stage_type.params_type()).any()


@every_stage
def test_sound_dies_away_to_exact_zero(stage_type: StageType, prepare: PrepareStage) -> None:
    stage = prepare(stage_type, mono_format())
    samples = np.concatenate([voice_like(0.5), np.zeros((1, 4 * SAMPLE_RATE), np.float32)], axis=1)
    out = run(stage, samples, stage_type.params_type())
    assert np.abs(out[:, -2 * SAMPLE_RATE :]).max() < 1e-7
    assert not out[:, -BLOCK:].any()


@every_stage
def test_any_finite_input_gives_finite_output(stage_type: StageType, prepare: PrepareStage) -> None:
    stage = prepare(stage_type, mono_format())

    @few_examples
    @given(
        hnp.arrays(
            np.float32, (1, 2 * BLOCK), elements=st.floats(-1e6, 1e6, width=32), fill=st.floats(-1e6, 1e6, width=32)
        ),
        params_of(stage_type),
    )
    def check(samples: Any, params: Params) -> None:
        stage.reset()
        assert np.isfinite(run(stage, np.tile(samples, (1, 6)), params)).all()

    check()


@every_stage
def test_reset_is_as_good_as_new(stage_type: StageType, prepare: PrepareStage) -> None:
    before, after = 3.0 * voice_like(0.3), voice_like(0.3, seed=7)
    params = stage_type.params_type()
    used = prepare(stage_type, mono_format())
    run_through(used, before, [params, *(with_values(stage_type.params_type, {}) for _ in range(3))])
    used.reset()
    np.testing.assert_array_equal(run(used, after, params), run(prepare(stage_type, mono_format()), after, params))


@every_stage
@pytest.mark.parametrize("channels", [1, 2])
@pytest.mark.parametrize(("block", "is_fixed"), [(480, True), (480, False), (128, True), (64, False)])
def test_latency_is_what_is_declared(
    stage_type: StageType, channels: int, block: int, is_fixed: bool, prepare: PrepareStage
) -> None:
    stage = prepare(stage_type, StreamFormat(SAMPLE_RATE, channels, block, is_fixed))
    params = with_values(stage_type.params_type, TRANSPARENT.get(stage_type.id, {}))
    noise = 0.05 * np.random.default_rng(3).standard_normal((channels, SAMPLE_RATE // 2)).astype(np.float32)
    out = run(stage, noise, params, [block])
    spectra = np.fft.rfft(out, 2 * noise.shape[1]) * np.conj(np.fft.rfft(noise, 2 * noise.shape[1]))
    measured = np.fft.irfft(spectra, axis=1).argmax(axis=1)
    assert measured.tolist() == [stage.latency_samples] * channels


@every_stage
def test_same_sound_on_both_channels_is_treated_as_mono(stage_type: StageType, prepare: PrepareStage) -> None:
    samples = 1.5 * voice_like(0.4)
    params = stage_type.params_type()
    # A loudness counts both ears: one channel is the same sound as two of it only where it is heard from two sides.
    mono = run(prepare(stage_type, StreamFormat(SAMPLE_RATE, 1, BLOCK, is_mono_doubled=True)), samples, params)
    stereo = run(prepare(stage_type, StreamFormat(SAMPLE_RATE, 2, BLOCK)), np.tile(samples, (2, 1)), params)
    np.testing.assert_allclose(stereo, np.tile(mono, (2, 1)), rtol=0, atol=1e-6)


@every_stage
def test_memory_does_not_grow_over_a_minute(stage_type: StageType, prepare: PrepareStage) -> None:
    stage = prepare(stage_type, mono_format())
    params = stage_type.params_type()
    second = voice_like(1.0)
    run(stage, second, params)
    tracemalloc.start()
    try:
        run(stage, second, params)
        before, _ = tracemalloc.get_traced_memory()
        tracemalloc.reset_peak()
        for _ in range(60):
            run(stage, second, params)
        after, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert after - before < 4096
    assert peak - before < second.nbytes + 200_000


@every_stage
def test_nothing_is_compiled_once_prepared(
    stage_type: StageType, prepare: PrepareStage, monkeypatch: pytest.MonkeyPatch
) -> None:
    stage = prepare(stage_type, StreamFormat(SAMPLE_RATE, 2, BLOCK, is_fixed=False))

    def refuse(dispatcher: Any, *args: Any, **kwargs: Any) -> None:
        raise AssertionError(f"{dispatcher} was compiled on the audio thread")

    monkeypatch.setattr(Dispatcher, "_compile_for_args", refuse)
    params = stage_type.params_type()
    whole = np.ascontiguousarray(tone(0.1, -3, channels=2))
    for cut in blocks_of(whole.shape[1]):
        run(stage, np.ascontiguousarray(whole[:, cut]), params)
        run(stage, whole[:, cut][:, :100], params)
    stage.reset()


@every_stage
def test_declaration_is_sane(stage_type: StageType) -> None:
    assert stage_type.id == stage_type.id.lower()
    assert stage_type.id.isidentifier()
    assert stage_type.label
    assert stage_type.help.endswith(".")
    specs = stage_type.params_type.specs()
    assert len({spec.label for spec in specs.values()}) == len(specs)
    assert 1 <= sum(spec.is_main for spec in specs.values()) <= 2
    for name, spec in specs.items():
        assert spec.help.endswith("."), f"{name} says nothing of itself"
        assert spec.minimum < spec.maximum
        assert spec.clamp(spec.default) == spec.default
        assert not spec.is_logarithmic or spec.minimum > 0
    assert len({meter.name for meter in stage_type.meters}) == len(stage_type.meters)


@every_stage
@given(travel=st.floats(0, 1))
def test_travel_comes_back_to_where_it_was(stage_type: StageType, travel: float) -> None:
    for spec in stage_type.params_type.specs().values():
        value = spec.from_travel(travel)
        assert spec.clamp(value) == value
        again = spec.from_travel(spec.to_travel(value))
        assert again == (pytest.approx(value, rel=1e-9, abs=1e-9) if isinstance(value, float) else value)


def test_the_buses_leave_the_chain_at_stages_that_are_there() -> None:
    assert set(TAPPED_STAGES) <= {stage_type.id for stage_type in STAGES}


def test_names_are_unique() -> None:
    assert len({stage_type.id for stage_type in STAGES}) == len(STAGES)
    assert len({stage_type.label for stage_type in STAGES}) == len(STAGES)
