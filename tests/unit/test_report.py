"""The report is a contract: every name of it is there, and what nobody measured is null."""

from __future__ import annotations

import json

import numpy as np
import pytest

from engine import Start
from engine.core.chain import Chain
from engine.hop import HopProcessor
from engine.io.simulated_sound import ArraySource
from engine.report import Report, live_report, offline_report
from tests.helpers.engines import config, studio
from tests.helpers.small_stages import Factor, Faulty, Late, stage_format

FIELDS = {
    "sample_rate", "hop_frames", "hops", "xruns", "deadline_misses", "hop_ms", "stages", "latency", "loudness",
    "drift_ppm", "state", "events",
}  # fmt: skip
STAGE_FIELDS = {"id", "bypassed", "degraded", "latency_samples", "ms"}


def content(report: Report) -> dict[str, object]:
    text = report.to_json().decode()
    assert "NaN" not in text
    assert "Infinity" not in text
    found: dict[str, object] = json.loads(text)
    return found


def check(report: Report) -> None:
    found = content(report)
    assert set(found) >= FIELDS
    stages, latency, loudness, hop_ms = found["stages"], found["latency"], found["loudness"], found["hop_ms"]
    assert isinstance(stages, list)
    assert isinstance(latency, dict)
    assert isinstance(loudness, dict)
    assert isinstance(hop_ms, dict)
    assert set(hop_ms) == {"p50", "p99", "p999", "max"}
    assert set(latency) == {"chain_samples", "input_ms", "output_ms", "measured_ms"}
    assert set(loudness) == {"integrated_lufs", "true_peak_dbtp"}
    for stage in stages:
        assert set(stage) >= STAGE_FIELDS
        assert set(stage["ms"]) >= {"p50", "p99", "max"}


def test_offline() -> None:
    faulty = Faulty(5)
    chain = Chain([Factor(), Late(100), faulty])
    chain.bypass("late", True)
    chain.prepare(stage_format())
    processor = HopProcessor(chain)
    for index in range(100):
        faulty.fault = "raise" if index == 99 else ""
        processor.process(np.full((1, 480), 0.5, np.float32))
    report = offline_report(processor)
    check(report)
    found = content(report)
    assert found["hops"] == 100
    assert found["latency"] == {"chain_samples": 105, "input_ms": None, "output_ms": None, "measured_ms": None}
    assert (found["drift_ppm"], found["events"], found["state"]) == (None, [], "stopped")
    assert [(stage.is_bypassed, stage.is_degraded) for stage in report.stages] == [
        (False, False), (True, False), (False, True),
    ]  # fmt: skip


def test_offline_silence_has_no_loudness() -> None:
    chain = Chain([Factor()])
    chain.prepare(stage_format())
    processor = HopProcessor(chain)
    assert content(offline_report(processor))["hop_ms"] is None
    processor.process(np.zeros((1, 480), np.float32))
    assert content(offline_report(processor))["loudness"] == {"integrated_lufs": None, "true_peak_dbtp": None}


def test_live() -> None:
    half = np.full((1, 48_000), 0.5, np.float32)
    with studio(is_real_time=False, source=lambda: ArraySource(half)) as place:
        place.engine.send(Start(config()))
        assert place.engine.wait_until_ended(60.0)
        report = live_report(place.engine.snapshot(), place.engine.events())
    check(report)
    found = content(report)
    assert (found["hops"], found["state"]) == (100, "stopped")
    latency = found["latency"]
    assert isinstance(latency, dict)
    assert latency["chain_samples"] == 120
    assert latency["measured_ms"] is None
    assert latency["input_ms"] == pytest.approx(10.0, abs=10.0)
    events = found["events"]
    assert isinstance(events, list)
    assert set(events[0]) == {"sequence", "time_s", "kind", "text"}
