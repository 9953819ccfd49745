"""A microphone, an output and a monitor that exist only on paper, with all the faults of real ones.

Tests, benchmarks and the demo run on it. Each device has a clock of its own (off by some ppm), blocks of its own
length, late callbacks, drop-outs, and can be unplugged; yet nothing runs beside the DSP thread: whenever that thread
looks at the time, every callback that was due by then is carried out in order. In real time `SimulatedClock.wait`
sleeps; otherwise it jumps, and two hours pass in a minute or two, always the same way.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from types import MappingProxyType

import numpy as np

from engine.core.ring import RingBuffer
from engine.core.stage import Block
from engine.errors import DeviceError
from engine.io.backend import SAMPLE_RATE_HZ, AudioStream, DeviceInfo, StreamRequest
from engine.io.devices import Direction
from engine.io.edge import EdgeStream
from engine.io.simulated_sound import FileSink, FileSource, Sink, Source

PREFIX = "simulated:"
LOOP_PREFIX = f"{PREFIX}loop:"
"""Before a file that begins again at its end, for ever."""

_MARGIN = 0.5


@dataclass(frozen=True, slots=True)
class SimulatedDevice:
    """What is true, and what is wrong, with one device.

    Parameters
    ----------
    rate_hz : int
        Nominal rate.
    clock_error_ppm : float
        How much faster than nominal its clock runs.
    block_frames : int or None
        Frames moved per callback; None follows the request.
    jitter_s : float
        Callbacks come up to so much late, at random.
    channels : int
        Of the device. For a microphone None in effect: the source decides.
    dropouts : sequence of (at_s, for_s)
        The device loses all sound during these times.
    unplugged : sequence of (from_s, to_s)
        It is not there during these times.
    """

    rate_hz: int = SAMPLE_RATE_HZ
    clock_error_ppm: float = 0.0
    block_frames: int | None = None
    jitter_s: float = 0.0
    channels: int = 2
    dropouts: Sequence[tuple[float, float]] = ()
    unplugged: Sequence[tuple[float, float]] = ()

    def is_present(self, at_s: float) -> bool:
        """Whether it is plugged in then."""
        return not any(begin <= at_s < end for begin, end in self.unplugged)


@dataclass(frozen=True, slots=True)
class Simulation:
    """A whole simulated studio; `spares` are further devices, asked for as ``simulated:NAME``, in and out both."""

    microphone: SimulatedDevice = field(default_factory=SimulatedDevice)
    output: SimulatedDevice = field(default_factory=SimulatedDevice)
    monitor: SimulatedDevice = field(default_factory=SimulatedDevice)
    music: SimulatedDevice = field(default_factory=SimulatedDevice)
    spares: Mapping[str, SimulatedDevice] = field(default_factory=dict)
    is_real_time: bool = True
    seed: int = 1


class SimulatedClock:
    """Time, and the callbacks that are due in it.

    In real time it is `time.perf_counter`; otherwise it starts at 0 and moves only in `wait` and `work`.
    """

    def __init__(self, is_real_time: bool) -> None:
        self._is_real_time = is_real_time
        self._began_s = time.perf_counter() if is_real_time else 0.0
        self._now_s = self._began_s
        self._ports: list[_SimulatedPort] = []
        # A device that is opened while others run is added by another thread than the one that lets time pass.
        self._lock = threading.RLock()

    @property
    def elapsed_s(self) -> float:
        """Seconds since the simulation was made; faults are scheduled by it."""
        return self.now_s() - self._began_s

    def add(self, port: _SimulatedPort) -> None:
        """Let a port's callbacks happen from now on."""
        with self._lock:
            self._ports.append(port)

    def remove(self, port: _SimulatedPort) -> None:
        """Let no more of them happen."""
        with self._lock:
            if port in self._ports:
                self._ports.remove(port)

    def now_s(self) -> float:
        """Seconds now; everything due by now has happened when it returns."""
        if self._is_real_time:
            self._advance(time.perf_counter())
        return self._now_s

    def wait(self, expected_s: float, most_s: float) -> None:
        """Let time pass up to the next callback, at most `most_s`."""
        with self._lock:
            next_s = min((port.next_s for port in self._ports), default=self._now_s + most_s)
        until_s = min(next_s, self._now_s + most_s)
        if not self._is_real_time:
            self._advance(until_s)
            return
        if (ahead_s := until_s - time.perf_counter()) > 0:
            time.sleep(ahead_s)
        self._advance(time.perf_counter())

    def work(self, seconds: float) -> None:
        """Let time pass as if the DSP thread had been busy; only without real time."""
        self._advance(self._now_s + seconds)

    def _advance(self, to_s: float) -> None:
        with self._lock:
            while self._ports:
                port = self._ports[0] if len(self._ports) == 1 else min(self._ports, key=_next_s)
                if port.next_s > to_s:
                    break
                self._now_s = max(self._now_s, port.next_s)
                port.run_callback(port.next_s - self._began_s)
            self._now_s = max(self._now_s, to_s)


class _SimulatedPort:
    """What a simulated microphone and a simulated output have in common."""

    def __init__(self, name: str, device: SimulatedDevice, block_frames: int, clock: SimulatedClock, seed: int) -> None:
        self.rate_hz = device.rate_hz
        self.block_frames = block_frames
        self.device_frames = 0
        self.moved_at_s: float | None = None
        self.losses = 0
        self.lost: str | None = None
        self.next_s = 0.0
        self._name = name
        self._device = device
        self._clock = clock
        self._block_s = block_frames / (device.rate_hz * (1.0 + device.clock_error_ppm * 1e-6))
        self._started_s = 0.0
        self._callbacks = 0
        self._late = np.random.default_rng(seed)

    def start(self) -> None:
        self._started_s = self._clock.now_s()
        self._schedule()
        self._clock.add(self)

    def close(self) -> None:
        self._clock.remove(self)

    def run_callback(self, at_s: float) -> None:
        """Be the device's callback; `at_s` counts from the start of the simulation."""
        if not self._device.is_present(at_s):
            self.lost = f"{self._name} was unplugged"
            self._clock.remove(self)
            return
        self.device_frames += self.block_frames
        self.moved_at_s = self.next_s
        self._move_block(any(begin <= at_s < begin + length for begin, length in self._device.dropouts))
        self._schedule()

    def _move_block(self, is_dropout: bool) -> None:
        raise NotImplementedError

    def _schedule(self) -> None:
        self._callbacks += 1
        late_s = self._device.jitter_s * float(self._late.random()) if self._device.jitter_s else 0.0
        self.next_s = self._started_s + self._callbacks * self._block_s + late_s


class _SimulatedMicrophone(_SimulatedPort):
    fills = True

    def __init__(
        self, name: str, source: Source, device: SimulatedDevice, block_frames: int, clock: SimulatedClock, seed: int
    ) -> None:
        super().__init__(name, device, block_frames, clock, seed)
        self._source = source
        self._ring = RingBuffer(source.channels, device.rate_hz // 2)
        self._block: Block = np.zeros((source.channels, block_frames), np.float32)
        self._is_over = False
        self._was_cut = False

    @property
    def channels(self) -> int:
        return self._source.channels

    @property
    def level_frames(self) -> int:
        return self._ring.available

    @property
    def ended(self) -> bool:
        return self._is_over

    def read(self, out: Block) -> int:
        return self._ring.read_into(out)

    def close(self) -> None:
        super().close()
        self._source.close()

    def _move_block(self, is_dropout: bool) -> None:
        real = self._source.read(self._block)
        if real == 0:
            self._is_over = True
            self._clock.remove(self)
            return
        is_cut = is_dropout or self._ring.write(self._block) < self._block.shape[1]
        # One loss per gap, however long: a gap is what a listener hears.
        if is_cut and not self._was_cut:
            self.losses += 1
        self._was_cut = is_cut


class _SimulatedOutput(_SimulatedPort):
    fills = False

    def __init__(
        self, name: str, sink: Sink, device: SimulatedDevice, block_frames: int, clock: SimulatedClock, seed: int
    ) -> None:
        super().__init__(name, device, block_frames, clock, seed)
        self.channels = device.channels
        self._sink = sink
        self._ring = RingBuffer(device.channels, device.rate_hz // 2)
        self._block: Block = np.zeros((device.channels, block_frames), np.float32)
        self._has_played = False
        self._is_dry = False

    @property
    def level_frames(self) -> int:
        return self._ring.available

    def write(self, block: Block) -> None:
        self._ring.write(block)

    def play(self) -> None:
        self._has_played = True

    def close(self) -> None:
        super().close()
        self._sink.close()

    def _move_block(self, is_dropout: bool) -> None:
        real = self._ring.read_into(self._block)
        is_short = real < self._block.shape[1]
        if self._has_played and ((is_short and not self._is_dry) or is_dropout):
            self.losses += 1
        self._is_dry = is_short
        if is_dropout:
            self._block[:] = 0.0
        self._sink.write(self._block)


class SimulatedBackend:
    """`engine.io.backend.AudioBackend` without hardware.

    Parameters
    ----------
    simulation : Simulation
        How the devices behave.
    source : callable or None
        Makes the microphone's sound at each `open`, for a request that names no file. Without one, such a request is
        refused.
    sink, monitor_sink : Sink or None
        Where the outputs go when the request names no file; None throws the sound away.
    music_source : callable or None
        Makes the second input's sound, as `source` the microphone's.
    spare_sources : mapping of str to callable
        Make the sound of the spare microphones; the others sound as `source`.
    """

    def __init__(
        self,
        simulation: Simulation | None = None,
        source: Callable[[], Source] | None = None,
        sink: Sink | None = None,
        monitor_sink: Sink | None = None,
        music_source: Callable[[], Source] | None = None,
        spare_sources: Mapping[str, Callable[[], Source]] = MappingProxyType({}),
    ) -> None:
        self._spare_sources = spare_sources
        self._music_source = music_source
        self._simulation = simulation or Simulation()
        self._source = source
        self._sink = sink
        self._monitor_sink = monitor_sink
        self.clock = SimulatedClock(self._simulation.is_real_time)

    def devices(self) -> tuple[DeviceInfo, ...]:
        """The simulated microphone and output, while they are plugged in."""
        at_s = self.clock.elapsed_s
        microphone, output = self._simulation.microphone, self._simulation.output
        found = []
        if microphone.is_present(at_s):
            name = "Simulated microphone"
            found.append(DeviceInfo(f"{PREFIX}in", name, "Simulated", 1, 0, microphone.rate_hz, is_default_input=True))
        if output.is_present(at_s):
            name = "Simulated output"
            found.append(DeviceInfo(f"{PREFIX}out", name, "Simulated", 0, 2, output.rate_hz, is_default_output=True))
        for name, spare in self._simulation.spares.items():
            if spare.is_present(at_s):
                found.append(DeviceInfo(f"{PREFIX}{name}", f"Simulated {name}", "Simulated", 1, 2, spare.rate_hz))
        return tuple(found)

    def open(self, request: StreamRequest) -> AudioStream:
        """Open the simulated devices; ``simulated:FILE`` names a file to hear or to write.

        Raises
        ------
        engine.errors.DeviceError
            If a device is unplugged just then, or there is nothing to hear.
        engine.errors.AudioFileError
            If the file cannot be read, or the output cannot be written.
        """
        world = self._simulation
        with ExitStack() as undo:
            capture = self._capture(request)
            undo.callback(capture.close)
            music = self._second_input(request)
            air = self._output(Direction.OUTPUT, request.output_device, request, self._sink)
            monitor = None
            if request.monitor_device is not None:
                monitor = self._output(Direction.MONITOR, request.monitor_device, request, self._monitor_sink)
            undo.pop_all()
        margin = int(_MARGIN * request.hop_frames)
        # Uneven devices are watched first, as real ones are; even ones start with the first sample.
        settle_s = 0.3 if world.microphone.jitter_s or world.output.jitter_s else 0.0
        return EdgeStream(capture, air, monitor, self.clock, request.hop_frames, margin, settle_s, music)

    def replace(self, stream: AudioStream, request: StreamRequest, direction: Direction) -> None:
        """Open another simulated device in the place of one; see `AudioBackend.replace`."""
        assert isinstance(stream, EdgeStream)
        match direction:
            case Direction.INPUT:
                stream.replace(direction, self._capture(request))
            case Direction.OUTPUT:
                stream.replace(direction, self._output(direction, request.output_device, request, self._sink))
            case Direction.MUSIC:
                stream.replace(direction, self._second_input(request))
            case _ if request.monitor_device is None:
                stream.replace(direction, None)
            case _:
                port = self._output(direction, request.monitor_device, request, self._monitor_sink)
                stream.replace(direction, port)

    def _device(self, name: str | None, otherwise: SimulatedDevice, what: str) -> SimulatedDevice:
        """The device of that name, which must be plugged in."""
        device = self._simulation.spares.get((name or "").removeprefix(PREFIX), otherwise)
        if not device.is_present(self.clock.elapsed_s):
            raise DeviceError(f"The simulated {what} is unplugged; plug it in again or choose another device.")
        return device

    def _capture(self, request: StreamRequest) -> _SimulatedMicrophone:
        name = request.input_device
        device = self._device(name, self._simulation.microphone, "microphone")
        spare = (name or "").removeprefix(PREFIX)
        is_spare = spare in self._simulation.spares
        source = _open_source(None if is_spare else name, device.rate_hz, self._spare_sources.get(spare, self._source))
        return _SimulatedMicrophone(
            f"the simulated {spare}" if is_spare else "the simulated microphone",
            source,
            device,
            device.block_frames or request.block_frames or request.hop_frames,
            self.clock,
            self._simulation.seed,
        )

    def _second_input(self, request: StreamRequest) -> _SimulatedMicrophone | None:
        if request.music_device is None:
            return None
        device = self._device(None, self._simulation.music, "second input")
        return _SimulatedMicrophone(
            "the simulated second input",
            _open_source(_simulated_music(request.music_device), device.rate_hz, self._music_source),
            device,
            device.block_frames or request.block_frames or request.hop_frames,
            self.clock,
            self._simulation.seed + 3,
        )

    def _output(
        self, direction: Direction, name: str | None, request: StreamRequest, sink: Sink | None
    ) -> _SimulatedOutput:
        world = self._simulation
        is_air = direction is Direction.OUTPUT
        what = "output" if is_air else "monitor"
        device = self._device(name, world.output if is_air else world.monitor, what)
        is_spare = (name or "").removeprefix(PREFIX) in world.spares
        return _SimulatedOutput(
            f"the simulated {what}",
            _open_sink(None if is_spare else name, device, sink),
            device,
            device.block_frames or request.block_frames or request.hop_frames,
            self.clock,
            world.seed + (1 if is_air else 2),
        )


def is_simulated(name: str | None) -> bool:
    """Whether a device of this name belongs to `SimulatedBackend`."""
    return name is not None and name.startswith(PREFIX)


def _path_of(name: str | None) -> str:
    path = (name or "").removeprefix(PREFIX)
    return "" if path in ("in", "out") else path


def _open_source(name: str | None, rate_hz: int, otherwise: Callable[[], Source] | None) -> Source:
    if name is not None and name.startswith(LOOP_PREFIX):
        return FileSource(name.removeprefix(LOOP_PREFIX), rate_hz, is_looped=True)
    path = _path_of(name)
    if path:
        return FileSource(path, rate_hz)
    if otherwise is None:
        raise DeviceError("The simulated microphone has nothing to say; give it a file: simulated:speech.wav.")
    return otherwise()


def _simulated_music(name: str) -> str:
    if not is_simulated(name):
        raise DeviceError(
            f"Beside a simulated microphone there is no second input {name!r}; give a file too: simulated:music.wav."
        )
    return name


def _open_sink(name: str | None, device: SimulatedDevice, otherwise: Sink | None) -> Sink:
    path = _path_of(name)
    if path:
        return FileSink(path, device.rate_hz, device.channels)
    return otherwise or _Nowhere()


def _next_s(port: _SimulatedPort) -> float:
    return port.next_s


class _Nowhere:
    """A sink that throws the sound away."""

    def write(self, block: Block) -> None:
        """Forget `block`."""

    def close(self) -> None:
        """Do nothing."""
