"""Figures that the audio thread leaves behind: bounded memory, true to what went in."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from engine.core.chain import Chain
from engine.core.meters import DurationHistogram
from engine.dsp.level import LevelMeter
from engine.hop import HopProcessor
from tests.helpers.small_stages import Factor, stage_format


@given(durations_us=st.lists(st.floats(2.0, 1e6), min_size=1, max_size=300))
def test_percentiles_agree_with_those_of_the_list(durations_us: list[float]) -> None:
    histogram = DurationHistogram()
    nanoseconds = [round(value * 1000) for value in durations_us]
    for value in nanoseconds:
        histogram.add(value)
    found = histogram.percentiles()
    assert found is not None
    exact = [float(value) / 1e6 for value in np.quantile(nanoseconds, [0.5, 0.99, 0.999], method="inverted_cdf")]
    assert [found.p50_ms, found.p99_ms, found.p999_ms] == pytest.approx(exact, rel=0.01)
    assert found.max_ms == pytest.approx(max(nanoseconds) / 1e6)
    assert histogram.total == len(nanoseconds)


def test_durations_beyond_all_bounds_are_counted() -> None:
    histogram = DurationHistogram()
    assert histogram.percentiles() is None
    for value in (0, 1, 10**13):
        histogram.add(value)
    found = histogram.percentiles()
    assert found is not None
    assert found.max_ms == 1e7
    histogram.reset()
    assert histogram.percentiles() is None


class CopiedOnly:
    """Counts that the audio thread goes on with: numpy fails where it looks for what is not zero in them directly."""

    def __init__(self, counts: NDArray[np.int64]) -> None:
        self._counts = counts

    def copy(self) -> NDArray[np.int64]:
        return self._counts.copy()


def test_percentiles_are_read_from_a_copy_of_what_the_audio_thread_counts() -> None:
    histogram = DurationHistogram()
    for _ in range(3):
        histogram.add(2_000_000)
    histogram._counts = CopiedOnly(histogram._counts)  # type: ignore[assignment]
    found = histogram.percentiles()
    assert found is not None
    assert found.p50_ms == pytest.approx(2.0, rel=0.01)


def test_levels_of_a_sine_are_its_peak_and_its_rms() -> None:
    meter = LevelMeter(48_000, 2)
    t = np.arange(480 * 300) / 48_000
    samples = np.stack([0.5 * np.sin(2 * np.pi * 1000 * t), np.zeros_like(t)]).astype(np.float32)
    for start in range(0, samples.shape[1], 480):
        meter.process(samples[:, start : start + 480])
    assert meter.peak_dbfs[0] == pytest.approx(-6.02, abs=0.01)
    assert meter.rms_dbfs[0] == pytest.approx(-9.03, abs=0.05)
    assert meter.peak_dbfs[1] == meter.rms_dbfs[1] == -120.0
    assert not meter.is_clipping


@pytest.mark.parametrize("frames", [64, 480])
def test_peak_falls_at_its_rate_and_clipping_stays_lit_two_seconds(frames: int) -> None:
    meter = LevelMeter(48_000, 1)
    meter.process(np.full((1, frames), -1.0, np.float32))
    assert meter.is_clipping
    silence = np.zeros((1, frames), np.float32)
    for _ in range(round(1.7 * 48_000 / frames)):
        meter.process(silence)
    assert meter.peak_dbfs[0] == pytest.approx(-20.0, abs=0.1)
    assert meter.is_clipping
    for _ in range(round(0.4 * 48_000 / frames)):
        meter.process(silence)
    assert not meter.is_clipping


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf, 3.4e38, -1e30])
def test_a_microphone_that_delivers_nonsense_spoils_no_meter_and_reaches_no_stage(bad: float) -> None:
    chain = Chain([Factor()])
    chain.prepare(stage_format(channels=2))
    processor = HopProcessor(chain)
    block = np.full((2, 480), 0.1, np.float32)
    block[1, 17:40] = bad
    processor.process(block)
    assert np.isfinite(block).all()
    for _ in range(800):
        processor.process(np.full((2, 480), 0.1, np.float32))
    for meter in (processor.input_level, processor.output_level):
        assert meter.peak_dbfs == pytest.approx((-20.0, -20.0), abs=0.1)
        assert meter.rms_dbfs == pytest.approx((-20.0, -20.0), abs=0.1)
    assert np.isfinite(processor.loudness.integrated_lufs)
    assert all(np.isfinite(tap.last(480_000)).all() for tap in processor.taps.values())
    assert chain.slots[0].fault_count == 0


def test_meters_begin_anew_with_the_next_hop() -> None:
    chain = Chain([Factor()])
    chain.prepare(stage_format())
    processor = HopProcessor(chain)
    for _ in range(100):
        processor.process(np.full((1, 480), 0.5, np.float32))
    processor.reset_meters()
    assert processor.durations.total == 100
    processor.process(np.zeros((1, 480), np.float32))
    assert processor.durations.total == chain.slots[0].durations.total == 1
    assert processor.loudness.true_peak_dbtp == -np.inf
