"""The services process of an engine, at low priority: `sidetone services-host`. Today it measures latency."""

from __future__ import annotations

import argparse
import os
import sys
import threading
from contextlib import suppress

from app.composition import rendezvous
from app.paths import Paths
from engine import AUTOMATIC, ConnectionLostError, DeviceSnapshot, EngineState
from engine.commands import ReportLatency
from engine.measure.latency import PassiveLatencyMeter
from engine.realtime import lower_process_priority
from engine.remote import RemoteEngine
from engine.rendezvous import EngineAddress

_LOOK_INTERVAL_S = 0.5


def run(command: argparse.Namespace, paths: Paths) -> int:
    """Serve the engine at the given address until it or its end of the pipe is gone."""
    lower_process_priority()
    is_over = threading.Event()
    threading.Thread(target=_await_end_of_input, args=(is_over,), daemon=True).start()
    engine = RemoteEngine(EngineAddress(command.engine, os.getppid()), rendezvous(paths).authkey())
    with suppress(ConnectionLostError):
        _measure(engine, is_over)
    return 0


def _await_end_of_input(is_over: threading.Event) -> None:
    # The engine holds the other end: when it dies, however it dies, this reads to the end.
    with suppress(OSError, ValueError):
        sys.stdin.buffer.read()
    is_over.set()


def _measure(engine: RemoteEngine, is_over: threading.Event) -> None:
    """Measure for as long as the engine runs on the same devices, and begin anew when they change."""
    while not is_over.is_set():
        devices = engine.snapshot().devices
        if devices.virtual_microphone:
            _measure_devices(engine, devices, is_over)
        is_over.wait(_LOOK_INTERVAL_S)


def _measure_devices(engine: RemoteEngine, devices: DeviceSnapshot, is_over: threading.Event) -> None:
    chosen = devices.chosen.input
    meter = PassiveLatencyMeter(None if chosen == AUTOMATIC else chosen, devices.virtual_microphone)
    stop = threading.Event()
    refusal: list[BaseException] = []

    def work() -> None:
        try:
            meter.run(lambda latency_ms: engine.send(ReportLatency(latency_ms)), stop)
        except Exception as error:  # noqa: BLE001 - whatever it is, the process ends and is started again
            refusal.append(error)

    if (reason := meter.unavailable_reason()) is not None:
        engine.send(ReportLatency(None, reason))
        _wait_for_change(engine, devices, is_over, None)
        return
    thread = threading.Thread(target=work, name="sidetone-latency", daemon=True)
    thread.start()
    _wait_for_change(engine, devices, is_over, thread)
    stop.set()
    thread.join(timeout=2.0)
    if refusal:
        raise refusal[0]


def _wait_for_change(
    engine: RemoteEngine, devices: DeviceSnapshot, is_over: threading.Event, thread: threading.Thread | None
) -> None:
    while not is_over.wait(_LOOK_INTERVAL_S) and (thread is None or thread.is_alive()):
        snapshot = engine.snapshot()
        if snapshot.devices != devices or snapshot.state is EngineState.STOPPED:
            return
