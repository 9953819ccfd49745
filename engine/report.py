"""The report of `headless` and `process`: a contract that scripts and benchmarks read. Missing knowledge is None."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from engine.config import DEFAULT_HOP_FRAMES, SAMPLE_RATE_HZ
from engine.hop import HopProcessor
from engine.observe import loudness, percentiles, stage_snapshot
from engine.snapshot import EngineState, Event, Percentiles, Snapshot, StageSnapshot


class LatencyReport(msgspec.Struct, frozen=True):
    """Known parts of the delay, and the whole where it was measured."""

    chain_samples: int
    input_ms: float | None
    output_ms: float | None
    measured_ms: Percentiles | None


class LoudnessReport(msgspec.Struct, frozen=True):
    """Of the whole run, after the chain."""

    integrated_lufs: float | None
    true_peak_dbtp: float | None


class Report(msgspec.Struct, frozen=True):
    """What a run did and what it cost."""

    sample_rate: int
    hop_frames: int
    hops: int
    xruns: int
    deadline_misses: int
    hop_ms: Percentiles | None
    stages: tuple[StageSnapshot, ...]
    latency: LatencyReport
    loudness: LoudnessReport
    drift_ppm: float | None
    state: EngineState
    events: tuple[Event, ...]

    def to_json(self) -> bytes:
        """The report as people and programs read it."""
        return msgspec.json.format(msgspec.json.encode(self), indent=2) + b"\n"


def live_report(snapshot: Snapshot, events: Iterable[Event]) -> Report:
    """Report of a live run, from its last snapshot."""
    latency = snapshot.latency
    return Report(
        sample_rate=snapshot.sample_rate,
        hop_frames=snapshot.hop_frames,
        hops=snapshot.hops,
        xruns=snapshot.xruns,
        deadline_misses=snapshot.deadline_misses,
        hop_ms=snapshot.hop_ms,
        stages=snapshot.stages,
        latency=LatencyReport(latency.chain_samples, latency.input_ms, latency.output_ms, latency.measured_ms),
        loudness=LoudnessReport(snapshot.loudness.integrated_lufs, snapshot.loudness.true_peak_dbtp),
        drift_ppm=snapshot.drift_ppm,
        state=snapshot.state,
        events=tuple(events),
    )


def offline_report(processor: HopProcessor) -> Report:
    """Report of a rendered file; what only a live run can know is None."""
    chain = processor.chain
    bypassed = chain.settings.bypassed
    measured = loudness(processor)
    return Report(
        sample_rate=SAMPLE_RATE_HZ,
        hop_frames=DEFAULT_HOP_FRAMES,
        hops=processor.durations.total,
        xruns=0,
        deadline_misses=0,
        hop_ms=percentiles(processor.durations),
        stages=tuple(stage_snapshot(slot, is_out, True) for slot, is_out in zip(chain.slots, bypassed, strict=True)),
        latency=LatencyReport(chain.latency_samples, None, None, None),
        loudness=LoudnessReport(measured.integrated_lufs, measured.true_peak_dbtp),
        drift_ppm=None,
        state=EngineState.STOPPED,
        events=(),
    )
