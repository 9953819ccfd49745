"""A microphone, an output and a monitor that exist only on paper, with all the faults of real ones.

Tests, benchmarks and the demo run on it. Each device has a clock of its own (off by some ppm), blocks of its own
length, late callbacks, drop-outs, and can be unplugged; yet nothing runs beside the DSP thread: whenever that thread
looks at the time, every callback that was due by then is carried out in order. In real time `SimulatedClock.wait`
sleeps; otherwise it jumps, and two hours pass in a minute or two, always the same way.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from types import MappingProxyType

from engine.core.stage import Block
from engine.errors import DeviceChoiceError, DeviceError
from engine.io.backend import AudioStream, DeviceInfo, StreamRequest
from engine.io.devices import Direction
from engine.io.edge import EdgeStream
from engine.io.simulated_clock import SimulatedClock
from engine.io.simulated_ports import SimulatedDevice, SimulatedMicrophone, SimulatedOutput
from engine.io.simulated_sound import FileSink, FileSource, Sink, Source

PREFIX = "simulated:"
LOOP_PREFIX = f"{PREFIX}loop:"
"""Before a file that begins again at its end, for ever."""

_MARGIN = 0.5


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

    @property
    def sees_changes(self) -> bool:
        """Always."""
        return True

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
        return EdgeStream(
            capture, air, monitor, self.clock, request.hop_frames, margin, settle_s, music, request.expects_music
        )

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

    def _capture(self, request: StreamRequest) -> SimulatedMicrophone:
        name = _expect_simulated(request.input_device, Direction.INPUT)
        device = self._device(name, self._simulation.microphone, "microphone")
        spare = (name or "").removeprefix(PREFIX)
        is_spare = spare in self._simulation.spares
        source = _open_source(None if is_spare else name, device.rate_hz, self._spare_sources.get(spare, self._source))
        return SimulatedMicrophone(
            f"the simulated {spare}" if is_spare else "the simulated microphone",
            source,
            device,
            device.block_frames or request.block_frames or request.hop_frames,
            self.clock,
            self._simulation.seed,
        )

    def _second_input(self, request: StreamRequest) -> SimulatedMicrophone | None:
        if request.music_device is None:
            return None
        device = self._device(None, self._simulation.music, "second input")
        return SimulatedMicrophone(
            "the simulated second input",
            _open_source(_expect_simulated(request.music_device, Direction.MUSIC), device.rate_hz, self._music_source),
            device,
            device.block_frames or request.block_frames or request.hop_frames,
            self.clock,
            self._simulation.seed + 3,
        )

    def _output(
        self, direction: Direction, name: str | None, request: StreamRequest, sink: Sink | None
    ) -> SimulatedOutput:
        world = self._simulation
        is_air = direction is Direction.OUTPUT
        what = "output" if is_air else "monitor"
        name = _expect_simulated(name, direction)
        device = self._device(name, world.output if is_air else world.monitor, what)
        is_spare = (name or "").removeprefix(PREFIX) in world.spares
        return SimulatedOutput(
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
        raise DeviceChoiceError("The simulated microphone has nothing to say; give it a file: simulated:speech.wav.")
    return otherwise()


def _expect_simulated(name: str | None, direction: Direction) -> str | None:
    if name is not None and not is_simulated(name):
        raise DeviceChoiceError(
            f"There is no {direction} {name!r} beside simulated devices; give a file too: simulated:FILE.wav."
        )
    return name


def _open_sink(name: str | None, device: SimulatedDevice, otherwise: Sink | None) -> Sink:
    path = _path_of(name)
    if path:
        return FileSink(path, device.rate_hz, device.channels)
    return otherwise or _Nowhere()


class _Nowhere:
    """A sink that throws the sound away."""

    def write(self, block: Block) -> None:
        """Forget `block`."""

    def close(self) -> None:
        """Do nothing."""
