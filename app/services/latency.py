"""The service that measures the delay from device to device, without a test tone, while the engine runs."""

from __future__ import annotations

import threading

from engine import AUTOMATIC, DeviceSnapshot, EngineState
from engine.commands import ReportLatency
from engine.measure.latency import PassiveLatencyMeter
from engine.remote import RemoteEngine

_LOOK_INTERVAL_S = 0.5
_TRY_AGAIN_S = 10.0


class LatencyService:
    """Measures for as long as the engine runs on the same devices, and begins anew when they change."""

    name = "latency"

    def __init__(self) -> None:
        self._told = ""

    def run(self, engine: RemoteEngine, is_over: threading.Event) -> None:
        """Measure until it is over."""
        while not is_over.is_set():
            devices = engine.snapshot().devices
            if devices.virtual_microphone:
                self._measure_devices(engine, devices, is_over)
            is_over.wait(_LOOK_INTERVAL_S)

    def _measure_devices(self, engine: RemoteEngine, devices: DeviceSnapshot, is_over: threading.Event) -> None:
        # A backup may have taken over: what counts is what is heard.
        used = devices.used.input
        meter = PassiveLatencyMeter(None if used == AUTOMATIC else used, devices.virtual_microphone)
        reason = meter.unavailable_reason() or ""
        if reason and reason != self._told:
            engine.send(ReportLatency(None, reason))
        self._told = reason
        if reason:
            # The sound server may only have been late with its answer, on a machine that has just started.
            is_over.wait(_TRY_AGAIN_S)
        else:
            _measure(meter, engine, devices, is_over)


def _measure(
    meter: PassiveLatencyMeter, engine: RemoteEngine, devices: DeviceSnapshot, is_over: threading.Event
) -> None:
    stop = threading.Event()
    refusal: list[BaseException] = []

    def work() -> None:
        try:
            meter.run(lambda latency_ms: engine.send(ReportLatency(latency_ms)), stop)
        except Exception as error:  # noqa: BLE001 - whatever it is, it is raised below and measuring begins anew
            refusal.append(error)

    thread = threading.Thread(target=work, name="sidetone-latency-meter", daemon=True)
    thread.start()
    _wait_for_change(engine, devices, is_over, thread)
    stop.set()
    thread.join(timeout=2.0)
    if refusal:
        raise refusal[0]


def _wait_for_change(
    engine: RemoteEngine, devices: DeviceSnapshot, is_over: threading.Event, thread: threading.Thread
) -> None:
    while not is_over.wait(_LOOK_INTERVAL_S) and thread.is_alive():
        snapshot = engine.snapshot()
        if snapshot.devices != devices or snapshot.state is EngineState.STOPPED:
            return
