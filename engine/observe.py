"""Builds snapshots out of the figures that the audio thread leaves lying about. Control thread."""

from __future__ import annotations

import math
from collections import deque
from time import monotonic

import numpy as np

from engine.config import DEFAULT_HOP_FRAMES, SAMPLE_RATE_HZ
from engine.core.chain import Chain
from engine.core.meters import DurationHistogram
from engine.core.slot import Slot
from engine.dsp.level import LevelMeter
from engine.hop import HopProcessor
from engine.live import LiveRun
from engine.rooms import Rooms
from engine.services.board import ServicesBoard
from engine.snapshot import (
    DeviceSnapshot,
    EngineState,
    LatencySnapshot,
    LevelSnapshot,
    LoudnessSnapshot,
    Percentiles,
    SessionSnapshot,
    Snapshot,
    SpectrumSnapshot,
    StageSnapshot,
    TapPoint,
)
from engine.spectrum import SpectrumAnalyzer

_KEPT_LATENCIES = 600
_SPECTRUM_FRAMES = 4096
_RECENT_LATENCIES = 5
_LONGEST_LATENCY_MS = 60_000.0
_SILENT = LevelSnapshot((-120.0,), (-120.0,), False)


class Observer:
    """Turns a chain and, while one is on, a live run into snapshots; keeps the measured latencies."""

    def __init__(self, chain: Chain, services: ServicesBoard, rooms: Rooms) -> None:
        self._chain = chain
        self._services = services
        self._rooms = rooms
        self._sequence = 0
        self._began_s = monotonic()
        self._analyzer = SpectrumAnalyzer(SAMPLE_RATE_HZ, _SPECTRUM_FRAMES)
        self._measured_ms: deque[float] = deque(maxlen=_KEPT_LATENCIES)

    def add_latency(self, latency_ms: float) -> None:
        """Take in one measured device-to-device latency; what cannot be one is left out."""
        if 0.0 <= latency_ms < _LONGEST_LATENCY_MS:
            self._measured_ms.append(latency_ms)

    def reset_latency(self) -> None:
        """Forget the measured latencies, because the way of the sound has changed."""
        self._measured_ms.clear()

    def snapshot(
        self,
        run: LiveRun | None,
        state: EngineState,
        reason: str,
        devices: DeviceSnapshot,
        with_spectrum: bool,
        with_session: bool,
    ) -> Snapshot:
        """Everything there is to show."""
        self._sequence += 1
        processor = run.processor if run else None
        stats = run.stream.stats() if run else None
        return Snapshot(
            sequence=self._sequence,
            state=state,
            reason=reason,
            uptime_s=round(monotonic() - self._began_s, 3),
            sample_rate=SAMPLE_RATE_HZ,
            hop_frames=run.stream.hop_frames if run else DEFAULT_HOP_FRAMES,
            hops=run.worker.hops if run else 0,
            xruns=stats.xruns if stats else 0,
            deadline_misses=run.worker.deadline_misses if run else 0,
            hop_ms=percentiles(processor.durations) if processor else None,
            stages=self._stages(is_prepared=run is not None),
            input_level=_level(processor.input_level) if processor else _SILENT,
            output_level=_level(processor.output_level) if processor else _SILENT,
            loudness=loudness(processor),
            latency=self._latency(run),
            drift_ppm=stats.drift_ppm if stats else None,
            devices=devices,
            params=self._chain.values(),
            session=session(processor) if processor and with_session else None,
            spectrum=self._spectrum(processor) if processor and with_spectrum else None,
            services=self._services.snapshot(),
            room=self._rooms.snapshot(),
        )

    def _stages(self, is_prepared: bool) -> tuple[StageSnapshot, ...]:
        bypassed = self._chain.settings.bypassed
        return tuple(
            stage_snapshot(slot, is_bypassed, is_prepared)
            for slot, is_bypassed in zip(self._chain.slots, bypassed, strict=True)
        )

    def _spectrum(self, processor: HopProcessor) -> SpectrumSnapshot:
        ends = (processor.taps[point].last(_SPECTRUM_FRAMES) for point in (TapPoint.INPUT, TapPoint.OUTPUT))
        return self._analyzer.snapshot(*ends)

    def _latency(self, run: LiveRun | None) -> LatencySnapshot:
        if run is None:
            return LatencySnapshot(0, 0.0, None, None, None)
        stats = run.stream.stats()
        samples = run.processor.latency_samples
        # One step for the interpreter, so that another thread may add at any time.
        measured = tuple(self._measured_ms)
        return LatencySnapshot(
            chain_samples=samples,
            chain_ms=1000.0 * samples / SAMPLE_RATE_HZ,
            input_ms=stats.input_ms,
            output_ms=stats.output_ms,
            measured_ms=Percentiles(*(float(v) for v in np.percentile(measured, [50, 99, 99.9, 100])))
            if measured
            else None,
            recent_ms=float(np.median(measured[-_RECENT_LATENCIES:])) if measured else None,
        )


def stage_snapshot(slot: Slot, is_bypassed: bool, is_prepared: bool) -> StageSnapshot:
    """One stage now."""
    return StageSnapshot(
        id=slot.stage.id,
        is_bypassed=is_bypassed,
        is_degraded=bool(is_prepared and slot.fault),
        reason=slot.fault,
        latency_samples=slot.latency_samples if is_prepared else 0,
        work_ms=percentiles(slot.durations),
        meters={
            spec.name: float(value)
            for spec, value in zip(slot.stage.meters, slot.context.meters, strict=True)
            if math.isfinite(value)
        },
        waits_for=slot.stage.waits_for if is_prepared else "",
    )


def percentiles(durations: DurationHistogram) -> Percentiles | None:
    """Percentiles in the snapshot's form."""
    found = durations.percentiles()
    return Percentiles(found.p50_ms, found.p99_ms, found.p999_ms, found.max_ms) if found else None


def loudness(processor: HopProcessor | None) -> LoudnessSnapshot:
    """Loudness in the snapshot's form: None for what there is nothing of."""
    if processor is None:
        return LoudnessSnapshot(None, None, None, None)
    meter = processor.loudness
    return LoudnessSnapshot(
        _finite(meter.momentary_lufs),
        _finite(meter.short_term_lufs),
        _finite(meter.integrated_lufs),
        _finite(meter.true_peak_dbtp),
    )


def session(processor: HopProcessor) -> SessionSnapshot:
    """Loudness since the meters were reset; made only when asked for."""
    meter, history = processor.loudness, processor.loudness_history
    return SessionSnapshot(
        last_ten_minutes_lufs=_finite(meter.last_ten_minutes_lufs),
        range_lu=meter.range_lu,
        max_momentary_lufs=_finite(meter.max_momentary_lufs),
        max_short_term_lufs=_finite(meter.max_short_term_lufs),
        is_held=meter.is_held,
        interval_s=history.interval_s,
        short_term_lufs=tuple(np.round(history.read_lufs(), 2).tolist()),
    )


def _finite(value: float) -> float | None:
    return float(value) if math.isfinite(value) else None


def _level(meter: LevelMeter) -> LevelSnapshot:
    return LevelSnapshot(meter.peak_dbfs, meter.rms_dbfs, meter.is_clipping)
