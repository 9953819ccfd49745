"""Engines that need no sound card, no model and no time: small stages on the simulated device."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, TypeVar

from engine import ChainConfig, DeviceConfig, EngineConfig, EngineState, Snapshot
from engine.core.stage import Block
from engine.facade import Engine
from engine.io.simulated import SimulatedBackend, Simulation
from engine.io.simulated_ports import SimulatedDevice
from engine.io.simulated_sound import FunctionSource, MemorySink
from engine.stages.high_pass import HighPass
from tests.helpers.small_stages import Factor, Faulty, Late

PATIENCE_S = 60.0
"""The first run on a machine compiles; a test that waits this long has failed."""

T = TypeVar("T")


class FakeVirtualMicrophone:
    """Leads to the simulated output, and notes whether it was given back."""

    output_device = "simulated:out"
    microphone_name = "Made up"

    def __init__(self) -> None:
        self.closings = 0

    def close(self) -> None:
        self.closings += 1


@dataclass
class Studio:
    """An engine and all that a test wants to look at or to break."""

    engine: Engine
    backend: SimulatedBackend
    sink: MemorySink
    monitor_sink: MemorySink
    faulty: Faulty
    virtual: FakeVirtualMicrophone = field(default_factory=FakeVirtualMicrophone)

    def wait_for(self, is_so: Callable[[Snapshot], bool]) -> Snapshot:
        """The first snapshot of which `is_so` holds."""
        return wait_until(self.engine.snapshot, is_so)

    def state(self, *states: EngineState) -> Snapshot:
        """The first snapshot in one of these states."""
        return self.wait_for(lambda snapshot: snapshot.state in states)

    def event_texts(self) -> list[str]:
        return [event.text for event in self.engine.events()]


def wait_until(look: Callable[[], T], is_so: Callable[[T], object]) -> T:
    """What `look` returns as soon as `is_so` holds of it; a failure if that takes too long."""
    give_up_at_s = time.monotonic() + PATIENCE_S
    while True:
        found = look()
        if is_so(found):
            return found
        assert time.monotonic() < give_up_at_s, f"still {found}"
        time.sleep(0.005)


def constant(level: float, channels: int = 1) -> Callable[[], FunctionSource]:
    """A microphone that hears the same sample for ever; each channel half of the one before."""

    def fill(start: int, out: Block) -> None:
        for channel in range(out.shape[0]):
            out[channel] = level / 2**channel

    return lambda: FunctionSource(fill, channels)


@contextmanager
def studio(
    simulation: Simulation | None = None,
    source: Callable[[], Any] | None = None,
    is_real_time: bool = True,
    latency: int = 100,
    delayed_factor: float = 1.0,
) -> Iterator[Studio]:
    """An engine of five small stages on a simulated device, closed at the end."""
    simulation = simulation or Simulation(SimulatedDevice(), SimulatedDevice(), is_real_time=is_real_time)
    sink, monitor_sink, faulty = MemorySink(), MemorySink(), Faulty(20)
    backend = SimulatedBackend(simulation, source or constant(0.25), sink, monitor_sink)
    virtual = FakeVirtualMicrophone()
    stages = (Factor(), HighPass(), faulty, Late(latency, delayed_factor))
    engine = Engine(stages, backend, lambda devices: virtual, is_paced=simulation.is_real_time)
    try:
        yield Studio(engine, backend, sink, monitor_sink, faulty, virtual)
    finally:
        engine.close()


def config(
    monitor: str | None = None, input: str = "auto", output: str = "auto", hop_frames: int = 480, **params: Any
) -> EngineConfig:
    """Any device is simulated; parameters as stage__field, and the high-pass out of the way."""
    values = {name.replace("__", "."): value for name, value in params.items()}
    return EngineConfig(
        devices=DeviceConfig(input=input, output=output, monitor=monitor, hop_frames=hop_frames),
        chain=ChainConfig(params=values, bypass={"high_pass": True}),
    )
