"""Ends of simulated devices: rings whose callbacks a simulated clock carries out.

A device's faults are all here: a clock that is off, late callbacks, drop-outs, a plug that is pulled.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from engine.config import SAMPLE_RATE_HZ
from engine.core.ring import RingBuffer
from engine.core.stage import Block
from engine.io.simulated_clock import SimulatedClock
from engine.io.simulated_sound import Sink, Source


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
        """Begin to move blocks. Control thread."""
        self._started_s = self._clock.now_s()
        self._schedule()
        self._clock.add(self)

    def close(self) -> None:
        """Move no more. Control thread."""
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


class SimulatedMicrophone(_SimulatedPort):
    """Implements `CapturePort` over a source."""

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
        """As many as the source has."""
        return self._source.channels

    @property
    def level_frames(self) -> int:
        """Frames that wait in the ring."""
        return self._ring.available

    @property
    def ended(self) -> bool:
        """True once the source is at its end."""
        return self._is_over

    def read(self, out: Block) -> int:
        """Take frames from the ring. DSP thread."""
        return self._ring.read_into(out)

    def close(self) -> None:
        """Stop, and close the source. Control thread."""
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


class SimulatedOutput(_SimulatedPort):
    """Implements `PlaybackPort` over a sink."""

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
        """Frames that wait in the ring."""
        return self._ring.available

    def write(self, block: Block) -> None:
        """Append a block. DSP thread."""
        self._ring.write(block)

    def play(self) -> None:
        """Count from now on as running dry what is missing. DSP thread."""
        self._has_played = True

    def close(self) -> None:
        """Stop, and complete what was written. Control thread."""
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
