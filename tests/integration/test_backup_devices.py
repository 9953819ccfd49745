"""Devices that go and come while the sound runs: a backup takes over at once, the chosen one is taken back, the delay stays."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import numpy as np
import pytest

from engine import (
    ChainConfig,
    DeviceConfig,
    EngineConfig,
    EngineState,
    EventKind,
    PresetConfig,
    SidetoneError,
    Start,
    Stop,
)
from engine.alarms import Alarm
from engine.config import BackupConfig
from engine.core.stage import Block
from engine.errors import DeviceError
from engine.facade import Engine
from engine.io.backend import AudioStream, StreamRequest
from engine.io.devices import Direction
from engine.io.simulated import SimulatedBackend, Simulation
from engine.io.simulated_ports import SimulatedDevice
from engine.io.simulated_sound import FunctionSource, MemorySink
from engine.stages.high_pass import HighPass
from tests.helpers.engines import FakeVirtualMicrophone, Studio, wait_until
from tests.helpers.small_stages import Factor, Faulty, Late

RATE = 48_000
LONGEST_GAP_S = 0.5
FOR_EVER = (0.0, math.inf)
OPEN = ChainConfig(bypass={"high_pass": True})


class Clicks(MemorySink):
    """Notes when a pulse went into a microphone and when it came out, by the clock of the simulation."""

    def __init__(self) -> None:
        super().__init__()
        self.elapsed_s: Callable[[], float] = lambda: 0.0
        self.sent_s = [0.0]
        self.delays_ms: list[tuple[float, float]] = []

    def microphone(self, level: float) -> FunctionSource:
        """One that gives `level`, and a pulse at the first sample of every tenth block."""

        def fill(start: int, out: Block) -> None:
            out[:] = level
            if start // out.shape[1] % 10 == 5:
                out[:, 0] = 1.0
                self.sent_s.append(self.elapsed_s())

        return FunctionSource(fill, 1)

    def write(self, block: Block) -> None:
        super().write(block)
        peak = int(np.abs(block[0]).argmax())
        if abs(block[0, peak]) > 0.7:
            now_s = self.elapsed_s() + peak / RATE
            self.delays_ms.append((now_s, 1000.0 * (now_s - self.sent_s[-1])))

    def delay_ms(self, from_s: float, to_s: float) -> float:
        """Median of what a pulse took in that time."""
        return float(np.median([delay_ms for at_s, delay_ms in self.delays_ms if from_s <= at_s < to_s]))


class SeesNothingNew(SimulatedBackend):
    """Knows, while a stream is open, the devices that were there when it was opened, as PortAudio on Windows and macOS."""

    def open(self, request: StreamRequest) -> AudioStream:
        self._known = {device.id for device in self.devices()}
        return super().open(request)

    def replace(self, stream: AudioStream, request: StreamRequest, direction: Direction) -> None:
        if direction is Direction.INPUT and request.input_device not in self._known:
            raise DeviceError("There is no such microphone.")
        super().replace(stream, request, direction)


@contextmanager
def running(
    simulation: Simulation,
    input: tuple[str, ...] = (),
    output: tuple[str, ...] = (),
    make_backend: type[SimulatedBackend] = SimulatedBackend,
) -> Iterator[Studio]:
    """An engine on ``simulated:in`` (level 0.1), with a spare at 0.2 and another at 0.3."""
    sink, monitor_sink, faulty = Clicks(), MemorySink(), Faulty(20)
    backend = make_backend(
        simulation,
        lambda: sink.microphone(0.1),
        sink,
        monitor_sink,
        spare_sources={"spare": lambda: sink.microphone(0.2), "last": lambda: sink.microphone(0.3)},
    )
    # Not `elapsed_s`, which lets time pass: this is asked within a callback.
    sink.elapsed_s = lambda: backend.clock._now_s - backend.clock._began_s
    orders = BackupConfig(
        input=tuple(f"simulated:{name}" for name in input), output=tuple(f"simulated:{name}" for name in output)
    )
    virtual = FakeVirtualMicrophone()
    engine = Engine((Factor(), HighPass(), faulty, Late(100)), backend, lambda devices: virtual)
    devices = DeviceConfig(input="simulated:in", output="simulated:out", backups=orders)
    try:
        engine.send(Start(EngineConfig(devices=devices, chain=OPEN)))
        yield Studio(engine, backend, sink, monitor_sink, faulty, virtual)
    finally:
        engine.close()


@pytest.fixture(scope="module", autouse=True)
def compiled() -> None:
    """The first engine of a process compiles, while the simulated clock goes on."""
    with running(Simulation()) as place:
        wait_until(place.engine.snapshot, lambda now: now.hops > 5)


def level(place: Studio) -> float:
    frames = place.sink.frames()
    return float(np.median(frames[0, -2400:])) if frames.shape[1] > 2400 else 0.0


def longest_silence_s(frames: Block) -> float:
    """The longest stretch without sound after the first and before the last."""
    heard = np.flatnonzero(np.abs(frames[0]) > 0.01)
    return float(np.diff(heard).max()) / RATE


def spare(*unplugged: tuple[float, float]) -> SimulatedDevice:
    return SimulatedDevice(unplugged=unplugged)


def test_a_backup_takes_over_and_the_chosen_microphone_is_taken_back() -> None:
    world = Simulation(microphone=spare((1.0, 2.5)), spares={"spare": spare(), "last": spare()})
    with running(world, input=("spare", "last")) as place:
        wait_until(lambda: level(place), lambda now: abs(now - 0.1) < 0.02)
        before = place.engine.snapshot()
        wait_until(lambda: level(place), lambda now: abs(now - 0.2) < 0.02)
        during = place.engine.snapshot()
        assert during.state is EngineState.RUNNING
        assert (during.devices.used.input, during.devices.input) == ("simulated:spare", "Simulated spare")
        assert during.devices.chosen.input == "simulated:in"
        wait_until(place.engine.snapshot, lambda now: Alarm.UNPLUGGED in now.alarms)
        wait_until(place.engine.snapshot, lambda now: now.devices.used.input == "simulated:in")
        wait_until(lambda: level(place), lambda now: abs(now - 0.1) < 0.02)
        after = wait_until(place.engine.snapshot, lambda now: Alarm.UNPLUGGED not in now.alarms)
        assert after.hops > during.hops > before.hops
        texts = [event.text for event in place.engine.events() if event.kind is EventKind.DEVICE]
        assert any("Simulated spare takes over" in text and "unplugged" in text for text in texts)
        assert any("Simulated microphone is back" in text for text in texts)
        assert longest_silence_s(place.sink.frames()) < LONGEST_GAP_S
        assert after.latency.chain_samples == before.latency.chain_samples


def test_the_next_in_order_is_taken_and_a_better_one_when_it_comes() -> None:
    world = Simulation(microphone=spare((0.8, 99.0)), spares={"spare": spare((0.0, 2.0)), "last": spare()})
    with running(world, input=("spare", "last")) as place:
        wait_until(place.engine.snapshot, lambda now: now.devices.used.input == "simulated:last")
        wait_until(place.engine.snapshot, lambda now: now.devices.used.input == "simulated:spare")
        wait_until(lambda: level(place), lambda now: abs(now - 0.2) < 0.02)


def test_at_the_start_the_first_that_is_there_is_used() -> None:
    world = Simulation(microphone=spare((0.0, math.inf)), spares={"spare": spare()})
    with running(world, input=("nowhere", "spare")) as place:
        assert place.engine.snapshot().devices.used.input == "simulated:spare"
        assert any("Simulated spare takes its place" in text for text in place.event_texts())


def test_whoever_does_not_want_a_device_back_keeps_the_backup() -> None:
    world = Simulation(microphone=spare((0.6, 0.9)), spares={"spare": spare()})
    with running(world) as place:
        devices = DeviceConfig(
            input="simulated:in",
            output="simulated:out",
            backups=BackupConfig(input=("simulated:spare",), takes_back=False),
        )
        place.engine.send(Start(EngineConfig(devices=devices, chain=OPEN)))
        wait_until(place.engine.snapshot, lambda now: now.devices.used.input == "simulated:spare")
        elapsed_s = place.backend.clock.elapsed_s
        wait_until(lambda: place.backend.clock.elapsed_s, lambda now_s: now_s > elapsed_s + 2.5)
        assert place.engine.snapshot().devices.used.input == "simulated:spare"


def test_an_output_is_followed_by_its_backup() -> None:
    world = Simulation(output=spare((1.0, 99.0)), spares={"spare": spare()})
    with running(world, output=("spare",)) as place:
        wait_until(place.engine.snapshot, lambda now: now.devices.used.output == "simulated:spare")
        frames = place.sink.frames().shape[1]
        wait_until(lambda: place.sink.frames().shape[1], lambda now: now > frames + RATE // 2)
        assert place.engine.snapshot().state is EngineState.RUNNING
        assert level(place) == pytest.approx(0.1, abs=0.02)
        assert longest_silence_s(place.sink.frames()) < LONGEST_GAP_S


def test_without_its_monitor_the_voice_goes_on_and_the_monitor_comes_back() -> None:
    world = Simulation(monitor=spare((0.8, 2.0)))
    with running(world) as place:
        devices = DeviceConfig(input="simulated:in", output="simulated:out", monitor="simulated:out")
        place.engine.send(Start(EngineConfig(devices=devices, chain=OPEN)))
        snapshot = wait_until(place.engine.snapshot, lambda now: now.devices.used.monitor is None)
        assert snapshot.state is EngineState.RUNNING
        wait_until(place.engine.snapshot, lambda now: now.devices.used.monitor == "simulated:out")
        assert longest_silence_s(place.sink.frames()) < LONGEST_GAP_S


def test_a_backup_that_came_later_than_the_start_takes_over_with_another_start_by_itself() -> None:
    gone: list[tuple[float, float]] = []
    not_yet = [FOR_EVER]
    world = Simulation(microphone=SimulatedDevice(unplugged=gone), spares={"spare": SimulatedDevice(unplugged=not_yet)})
    with running(world, input=("spare",), make_backend=SeesNothingNew) as place:
        wait_until(lambda: level(place), lambda now: abs(now - 0.1) < 0.02)
        not_yet.clear()
        gone.append(FOR_EVER)
        place.state(EngineState.FAILED)
        snapshot = place.state(EngineState.RUNNING)
        assert snapshot.devices.used.input == "simulated:spare"
        wait_until(lambda: level(place), lambda now: abs(now - 0.2) < 0.02)


def test_the_voice_begins_without_a_monitor_that_is_not_there_and_the_monitor_comes_in() -> None:
    unplugged = [FOR_EVER]
    with running(Simulation(monitor=SimulatedDevice(unplugged=unplugged))) as place:
        devices = DeviceConfig(
            input="simulated:in",
            output="simulated:out",
            monitor="simulated:out",
            backups=BackupConfig(takes_back=False),
        )
        place.engine.send(Start(EngineConfig(devices=devices, chain=OPEN)))
        snapshot = wait_until(place.engine.snapshot, lambda now: now.hops > 150)
        assert (snapshot.state, snapshot.devices.used.monitor) == (EngineState.RUNNING, None)
        assert snapshot.devices.chosen.monitor == "simulated:out"
        (told,) = (text for text in place.event_texts() if "as soon as it is there" in text)
        assert "The simulated monitor is unplugged" in told
        unplugged.clear()
        wait_until(place.engine.snapshot, lambda now: now.devices.used.monitor == "simulated:out")
        assert "monitor output: Simulated output is there" in place.event_texts()
        wait_until(place.monitor_sink.frames, lambda frames: np.abs(frames[0, -2400:]).max() > 0.05)
        assert longest_silence_s(place.sink.frames()) < LONGEST_GAP_S


def test_without_a_microphone_no_sound_begins_whatever_else_is_missing() -> None:
    away = SimulatedDevice(unplugged=[FOR_EVER])
    with running(Simulation(microphone=SimulatedDevice(unplugged=[(0.0, 0.0)]), monitor=away)) as place:
        place.engine.send(Stop())
        gone = DeviceConfig(input="simulated:nosuch.wav", output="simulated:out", monitor="simulated:out")
        with pytest.raises(SidetoneError, match=r"nosuch\.wav"):
            place.engine.send(Start(EngineConfig(devices=gone, chain=OPEN)))
        assert place.engine.snapshot().state is EngineState.FAILED
        assert not any("as soon as it is there" in text for text in place.event_texts())


def test_a_microphone_brings_its_preset_also_as_a_backup() -> None:
    world = Simulation(microphone=spare((0.6, 99.0)), spares={"spare": spare()})
    with running(world) as place:
        rules = PresetConfig(by_input={"simulated:spare": "nosuch"}, last_input="simulated:in")
        devices = DeviceConfig(
            input="simulated:in", output="simulated:out", backups=BackupConfig(input=("simulated:spare",))
        )
        place.engine.send(Start(EngineConfig(devices=devices, presets=rules)))
        wait_until(place.engine.snapshot, lambda now: now.presets.config.last_input == "simulated:spare")
        assert any("no preset 'nosuch'" in text for text in place.event_texts())


def test_many_changes_leave_the_delay_where_it_was() -> None:
    """The microphone goes four times; a pulse that goes in at a known frame still comes out as late as at first."""
    gone = [(0.8 + 2.2 * turn, 1.4 + 2.2 * turn) for turn in range(4)]
    world = Simulation(microphone=spare(*gone), spares={"spare": spare()})
    with running(world, input=("spare",)) as place:
        wait_until(lambda: place.backend.clock.elapsed_s, lambda now_s: now_s > 10.5)
        texts = place.event_texts()
        assert sum("takes over" in text for text in texts) == 4
        assert sum("is back" in text for text in texts) == 4
        assert isinstance(place.sink, Clicks)
        assert place.sink.delay_ms(9.5, 10.5) == pytest.approx(place.sink.delay_ms(0.3, 0.8), abs=1.0)
