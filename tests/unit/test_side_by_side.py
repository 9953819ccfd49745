"""Two chains beside each other: aligned to the sample, equally loud, and changed without a click."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray

from engine.comparison import Source
from engine.core.chain import Chain
from engine.core.stage import Block, Context, StreamFormat
from engine.dsp.loudness import LoudnessMeter
from engine.hop import HopProcessor
from engine.inference.catalog import ModelStore
from engine.monitor import MonitorBus
from engine.side_by_side import SideBySide
from engine.stages.denoise import Denoise
from engine.stages.high_pass import HighPass
from tests.helpers.small_stages import AnyStage, Factor, FactorParams, Late

HOP = 480
RATE = 48_000
Sound = NDArray[np.float32]


def chain_of(*stages: AnyStage, taps: tuple[str, ...] = (), **values: object) -> Chain:
    chain = Chain(stages, taps)
    chain.load({name.replace("__", "."): value for name, value in values.items()}, {})  # type: ignore[misc]
    chain.prepare(StreamFormat(RATE, 1, HOP))
    return chain


def run(pair: SideBySide, sound: Sound, steer: Callable[[int], None] = lambda hop: None) -> tuple[Sound, Sound]:
    """What is heard of mono `sound`, and what the chain alone puts out; matched every 100 ms, as in the engine."""
    heard, own = [], []
    for hop in range(sound.size // HOP):
        steer(hop)
        block = sound[None, hop * HOP : (hop + 1) * HOP].copy()
        pair.process(block)
        heard.append(pair.heard(HOP)[0].copy())
        own.append(block[0])
        if hop % 10 == 0:
            pair.match()
    return np.concatenate(heard), np.concatenate(own)


def tone(seconds: float, hz: float = 997.0) -> Sound:
    sound: Sound = (0.25 * np.sin(2 * np.pi * hz / RATE * np.arange(round(seconds * RATE)))).astype(np.float32)
    return sound


def test_both_sides_are_as_late_as_the_later_one_and_equally_loud() -> None:
    noise = (0.1 * np.random.default_rng(1).standard_normal(4 * RATE)).astype(np.float32)
    for source in (Source.A, Source.B):
        pair = SideBySide(chain_of(Factor(), Late(100)), chain_of(Factor(), Late(340), factor__factor=2.0), "late")
        pair.listen(source)
        heard, own = run(pair, noise)
        assert pair.gains_db == pytest.approx((0.0, -6.02), abs=0.02)
        assert pair.delay_samples == 340
        np.testing.assert_allclose(heard[3 * RATE :], noise[3 * RATE - 340 : -340], atol=1e-3)
        # The chain itself goes on as if nobody compared.
        np.testing.assert_array_equal(own[100:], noise[:-100])


def test_two_hundred_changes_leave_no_click() -> None:
    chance = np.random.default_rng(2)
    pair = SideBySide(chain_of(Factor(), Late(100)), chain_of(Factor(), Late(340), factor__factor=2.0), "late")
    sound = tone(32.0)

    def steer(hop: int) -> None:
        # At a mean of 16 hops some come in the middle of the fade before.
        if hop > 200 and chance.random() < 1 / 16:
            pair.listen(Source(chance.choice([Source.A, Source.B])))

    pair.listen(Source.A)
    heard, _ = run(pair, sound, steer)
    expected = np.concatenate([np.zeros(340, np.float32), sound])[: heard.size]
    residual = np.abs(heard - expected)[2 * RATE :].max()
    assert 20 * np.log10(residual) < -50.0


def test_what_is_removed_is_dry_less_wet() -> None:
    chain = chain_of(Factor(), Late(100, factor=0.75), Factor2(), taps=("late",), factor2__factor=3.0)
    pair = SideBySide(chain, None, "late")
    pair.listen(Source.REMOVED)
    sound = tone(1.0)
    heard, own = run(pair, sound)
    np.testing.assert_allclose(heard[2000:], 0.25 * sound[1900:-100], atol=1e-6)
    np.testing.assert_allclose(own[2000:], 2.25 * sound[1900:-100].clip(-1 / 2.25, 1 / 2.25), atol=1e-6)
    pair.listen(Source.NOW)
    run(pair, sound[: 4 * HOP])
    assert pair.is_at_rest


def test_b_is_not_heard_before_it_is_warm() -> None:
    pair = SideBySide(chain_of(Factor()), chain_of(Factor(), factor__factor=0.0), "")
    pair.listen(Source.B)
    heard, _ = run(pair, tone(0.9))
    assert np.abs(heard[-HOP:]).max() > 0.2
    heard, _ = run(pair, tone(0.2))
    assert np.abs(heard[-HOP:]).max() == 0.0


def test_with_a_monitor_the_air_bus_goes_on_as_ever() -> None:
    chain = chain_of(HighPass(), Factor(), taps=("high_pass",), factor__factor=2.0)
    pair = SideBySide(chain, chain_of(HighPass(), Factor(), factor__factor=0.5), "", private_after="high_pass")
    sound = tone(1.0)
    heard, own = run(pair, sound)
    assert pair.is_private
    # Until something else is asked for, the monitor has what it always has.
    np.testing.assert_allclose(2.0 * heard, own, atol=1e-6)


def test_headphones_are_corrected_during_a_comparison_too() -> None:
    class Halved(MonitorBus):
        def process(self, block: Block) -> None:
            block *= 0.5

    chain = chain_of(HighPass(), Factor(), taps=("high_pass",))
    processor = HopProcessor(chain, monitor=Halved())
    processor.side_by_side = SideBySide(chain, chain_of(HighPass(), Factor()), "", private_after="high_pass")
    for start in range(0, RATE, HOP):
        block = tone(1.0)[None, start : start + HOP].copy()
        heard: list[Block] = []
        processor.process(block, write_monitor=heard.append)
        np.testing.assert_allclose(2.0 * heard[0], block, atol=1e-6)


def test_the_monitor_does_not_wait_for_what_comes_after_it() -> None:
    order: list[str] = []

    class Slow(Factor):
        def process(self, block: Block, ctx: Context[FactorParams]) -> None:
            order.append("worked")
            super().process(block, ctx)

    processor = HopProcessor(chain_of(HighPass(), Slow(), taps=("high_pass",)))
    processor.process(tone(0.01)[None, :HOP].copy(), write_monitor=lambda bus: order.append("heard"))
    assert order == ["heard", "worked"]


class Factor2(Factor):
    """Another one."""

    id = "factor2"


@pytest.mark.parametrize("modes", [("balanced", "light"), ("fast", "quality")])
def test_modes_of_the_denoiser_are_aligned_and_within_a_fifth_of_a_loudness_unit(
    model_store: ModelStore, noisy_speech: Sound, modes: tuple[str, str]
) -> None:
    denoise = Denoise.build(model_store)
    lufs, delays = [], []
    sound, settled = noisy_speech, 4 * RATE
    for source in (Source.A, Source.B):
        a, b = (
            chain_of(HighPass(), denoise.successor(), Factor(), denoise__mode=mode, factor__factor=factor)
            for mode, factor in zip(modes, (1.0, 1.7), strict=True)
        )
        pair = SideBySide(a, b, "denoise")
        pair.listen(source)
        heard, _ = run(pair, sound)
        meter = LoudnessMeter(RATE, 1)
        meter.process(heard[None, settled:])
        lufs.append(meter.integrated_lufs)
        spectrum = np.fft.rfft(heard[settled:]) * np.conj(np.fft.rfft(sound[settled:]))
        delays.append(int(np.argmax(np.fft.irfft(spectrum))))
    assert abs(lufs[0] - lufs[1]) < 0.2
    assert delays[0] == pytest.approx(delays[1], abs=2)


def test_what_a_stage_has_learnt_leaves_the_loudness_as_it_was_measured() -> None:
    chain = chain_of(Factor(), Late(100))
    pair = SideBySide(chain, chain_of(Factor(), Late(100), factor__factor=2.0), "late")
    run(pair, tone(2.0))
    measured = pair.gains_db
    assert measured == pytest.approx((0.0, -6.02), abs=0.02)
    sides = [side.meter.integrated_lufs for side in pair._sides]
    chain.keep_learnt({"factor.factor": 1.0})
    run(pair, tone(HOP / RATE))
    assert [side.meter.integrated_lufs for side in pair._sides] == pytest.approx(sides, abs=0.1)
    chain.apply({"factor.factor": 1.0})
    run(pair, tone(HOP / RATE))
    assert not any(np.isfinite(side.meter.integrated_lufs) for side in pair._sides)
