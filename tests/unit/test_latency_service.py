"""The service that measures the delay: at the microphone in use, and again where the sound server was late to answer."""

from __future__ import annotations

import threading
from collections.abc import Callable
from types import SimpleNamespace

import pytest

from app.services import latency
from app.services.latency import LatencyService
from engine import DeviceConfig, DeviceSnapshot, EngineState
from engine.commands import ReportLatency


class Engine:
    """An engine on a backup microphone, and what it was told."""

    def __init__(self) -> None:
        self.told: list[ReportLatency] = []
        used = DeviceConfig(input="pulse:backup")
        self._devices = DeviceSnapshot("", "", "", "Sidetone", "", DeviceConfig(input="pulse:gone"), used)

    def snapshot(self) -> SimpleNamespace:
        return SimpleNamespace(devices=self._devices, state=EngineState.RUNNING)

    def send(self, command: ReportLatency) -> None:
        self.told.append(command)


def test_a_sound_server_that_was_late_is_asked_again_and_the_reason_is_told_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    reasons = iter(("PipeWire does not answer", "PipeWire does not answer", None))
    is_over = threading.Event()
    microphones: list[str | None] = []

    class Meter:
        def __init__(self, microphone: str | None, virtual_microphone: str) -> None:
            microphones.append(microphone)

        def unavailable_reason(self) -> str | None:
            return next(reasons)

        def run(self, report: Callable[[float], None], stop: threading.Event) -> None:
            report(42.0)
            is_over.set()

    monkeypatch.setattr(latency, "PassiveLatencyMeter", Meter)
    monkeypatch.setattr(latency, "_TRY_AGAIN_S", 0.01)
    monkeypatch.setattr(latency, "_LOOK_INTERVAL_S", 0.01)
    engine = Engine()
    LatencyService().run(engine, is_over)  # type: ignore[arg-type]
    assert engine.told == [ReportLatency(None, "PipeWire does not answer"), ReportLatency(42.0)]
    assert microphones == ["pulse:backup"] * 3
