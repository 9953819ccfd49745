"""The edge between the engine and any sound device: who is there, and one open stream of hops.

The DSP thread talks to `AudioStream` and to nothing else outside the engine. Whatever the devices are (PortAudio,
simulated, of any rate, with clocks of their own), the stream speaks planar float32 at `SAMPLE_RATE_HZ` in hops of
equal length. Only `AudioStream.read_hop` may wait; the writing methods never do. Opening and closing belong to the
control thread and may wait.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from engine.config import DEFAULT_HOP_FRAMES
from engine.core.stage import Block

if TYPE_CHECKING:
    from engine.io.devices import Direction

WORK_FRAMES = 480
"""So long may the work on a hop take: a network works on 10 ms at once, all of it within one hop, however short the hops."""


@dataclass(frozen=True, slots=True)
class DeviceInfo:
    """One device as a person may choose it.

    Parameters
    ----------
    id : str
        Stable over runs, such as ``pulse:fake_mic`` or ``alsa:HDA Intel PCH: ALC257 Analog``; accepted by
        `StreamRequest`.
    name : str
        What a person calls it.
    host_api : str
        The system it belongs to: ``PulseAudio``, ``Windows WASAPI``, ``Core Audio``, ``ALSA``, ``JACK Audio Connection
        Kit``, ``Simulated`` ...
    default_sample_rate : int
        In Hz.
    is_monitor : bool
        True for what an output plays, offered as an input: a source of music, not a microphone.
    """

    id: str
    name: str
    host_api: str
    max_input_channels: int
    max_output_channels: int
    default_sample_rate: int
    is_default_input: bool = False
    is_default_output: bool = False
    is_monitor: bool = False


@dataclass(frozen=True, slots=True)
class StreamRequest:
    """What to open.

    Parameters
    ----------
    input_device, output_device, monitor_device, music_device : str or None
        Id, name or part of a name. None means the system's default for input and output, no monitor and no second input.
        An `input_device` that begins with ``simulated:`` opens the simulated device.
    expects_music : bool
        A second input may come later: hops have two rows, whether or not it is there now.
    hop_frames : int
        Frames at 48 kHz that the DSP thread takes and gives at once.
    block_frames : int or None
        Block of the devices at 48 kHz; None means what suits the host API.
    latency_s : float or None
        What the host API is asked for; None means as low as it offers.
    is_exclusive : bool
        Set the devices up for this program: WASAPI's exclusive mode; on Core Audio their own rate and block, with nothing
        converted. Other systems have nothing of the kind.
    """

    input_device: str | None = None
    output_device: str | None = None
    monitor_device: str | None = None
    music_device: str | None = None
    expects_music: bool = False
    hop_frames: int = DEFAULT_HOP_FRAMES
    block_frames: int | None = None
    latency_s: float | None = None
    is_exclusive: bool = False


@dataclass(frozen=True, slots=True)
class EdgeStats:
    """What the edge has counted since `start`, and how full it is now. Read by any thread.

    Attributes
    ----------
    input_overflows, output_underflows, monitor_underflows : int
        Times that a device or its ring lost sound. A start-up that never had sound is not counted.
    skipped_frames : int
        Frames dropped, cross-faded, to bring the delay back down after a stall.
    input_level_frames, output_level_frames, monitor_level_frames : int
        What waits in the capture and playback rings now, in device frames.
    drift_ppm : float or None
        How much faster the output's clock runs than the input's; None until it is settled.
    input_ms, output_ms : float or None
        The parts of the delay that are known by rings and blocks; a sound card's own share is not in them. None if
        nothing is known.
    music_losses : int
        Times that the second input lost sound or had none in time.
    music_lost : str or None
        Why the second input is gone, in one sentence; the voice goes on without it.
    """

    input_overflows: int = 0
    output_underflows: int = 0
    monitor_underflows: int = 0
    skipped_frames: int = 0
    input_level_frames: int = 0
    output_level_frames: int = 0
    monitor_level_frames: int = 0
    drift_ppm: float | None = None
    input_ms: float | None = None
    output_ms: float | None = None
    music_losses: int = 0
    music_lost: str | None = None

    @property
    def xruns(self) -> int:
        """All losses on the air bus: overflows of the input and underflows of the output."""
        return self.input_overflows + self.output_underflows


class AudioStream(Protocol):
    """An open set of devices: a microphone, an output, perhaps a monitor and a second input.

    Opened by `AudioBackend.open`, silent until `start`. `start` and `close` belong to the control thread; `read_hop`,
    `write_air` and `write_monitor` to the DSP thread; everything else may be read by any thread.
    """

    @property
    def channels(self) -> int:
        """1 or 2, as the microphone; 2 where a second input is or may come. A mono hop goes to both channels of the outputs."""
        ...

    @property
    def hop_frames(self) -> int:
        """Frames in a hop, at 48 kHz."""
        ...

    @property
    def has_monitor(self) -> bool:
        """Whether a monitor device is open; without one `write_monitor` does nothing."""
        ...

    @property
    def music(self) -> Block | None:
        """The second input's hop that belongs to the one read last, shape (2, hop_frames); None without one. DSP thread."""
        ...

    @property
    def lost(self) -> str | None:
        """Why a device is gone, in one sentence; None while all are there. It stays: `AudioBackend.replace`, or open anew."""
        ...

    @property
    def lost_directions(self) -> tuple[Direction, ...]:
        """Which devices are gone, of those without which the stream is not whole. Any thread."""
        ...

    @property
    def ended(self) -> bool:
        """True once an input that has an end (a file) is read to its end."""
        ...

    @property
    def due_s(self) -> float:
        """When the hop that was read last was complete, on the clock of `now_s`.

        The work on a hop misses its deadline if it ends later than ``due_s + max(hop_frames, WORK_FRAMES) / 48000``.
        """
        ...

    def now_s(self) -> float:
        """The clock that the stream lives by: `time.perf_counter`, or the simulated one."""
        ...

    def free_clocks(self) -> None:
        """Let each device keep its own pace, as a measurement needs: nothing is bent or skipped.

        Control thread, before `start`. For a minute or two: the outputs are given 200 ms more in hand.
        """
        ...

    def start(self) -> None:
        """Start the devices. Control thread, may wait.

        Raises
        ------
        engine.errors.DeviceError
            If a device refuses.
        """
        ...

    def close(self) -> None:
        """Stop and free the devices; finish files. Control thread, may wait; safe to call twice.

        Raises
        ------
        engine.errors.SidetoneError
            If a file that was recorded cannot be completed.
        """
        ...

    def read_hop(self, out: Block, timeout_s: float) -> bool:
        """Wait until a hop of the microphone is there and copy it to `out`. DSP thread; the one place that waits.

        After a stall the surplus is dropped here, cross-faded, so that delay never adds up.

        Parameters
        ----------
        out : Block
            Shape (channels, hop_frames).

        Returns
        -------
        bool
            False if the time ran out, the device is `lost` or the input has `ended`; `out` is then silent.
        """
        ...

    def write_air(self, block: Block) -> None:
        """Hand on a hop for the virtual microphone. DSP thread, never waits.

        Parameters
        ----------
        block : Block
            Shape (channels, frames <= hop_frames).
        """
        ...

    def write_monitor(self, block: Block) -> None:
        """Hand on a hop for the headphones; does nothing if there is no monitor. DSP thread, never waits."""
        ...

    def stats(self) -> EdgeStats:
        """Counts and levels now. Any thread."""
        ...


class AudioBackend(Protocol):
    """A way to reach devices. Control thread; may wait."""

    @property
    def sees_changes(self) -> bool:
        """Whether `devices` knows by now what was plugged in or out since a stream was opened."""
        ...

    def devices(self) -> tuple[DeviceInfo, ...]:
        """All devices a person may choose; empty if there are none or the system has no sound."""
        ...

    def open(self, request: StreamRequest) -> AudioStream:
        """Open the devices of `request`.

        Raises
        ------
        engine.errors.DeviceError
            If a device does not exist, is busy, or refuses the format; the sentence says what there is instead.
        """
        ...

    def replace(self, stream: AudioStream, request: StreamRequest, direction: Direction) -> None:
        """Open the device that `request` names for `direction` in the place of the one that `stream` has there.

        The other devices go on, and the sound with them. A monitor of None takes the monitor away.

        Parameters
        ----------
        stream : AudioStream
            One that `open` gave.
        direction : Direction
            Microphone, output, monitor, or a second input that `stream` began with or expects.

        Raises
        ------
        engine.errors.DeviceError
            If the device does not exist, is busy, refuses the format, or delivers nothing; the stream is as it was.
        """
        ...
