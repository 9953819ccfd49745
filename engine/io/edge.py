"""Hops in, hops out: what joins devices of any rate and clock to the DSP thread, whatever they are made of.

A `CapturePort` and one or two `PlaybackPort` are the two ends that a backend supplies (PortAudio's C callbacks, or
the simulation); everything between, resampling, clock correction, and bringing the delay back after a stall, is here
once, so what the tests run on the simulation is what runs live. Everything here belongs to the DSP thread unless it
says otherwise; only `EdgeStream.read_hop` waits.
"""

from __future__ import annotations

from contextlib import ExitStack
from math import gcd
from typing import Protocol

import numpy as np

from engine.core.stage import Block
from engine.io.backend import SAMPLE_RATE_HZ, EdgeStats
from engine.io.drift import ClockTracker, DriftCorrector
from engine.io.variable_resampler import VariableResampler

_QUIET = 10 ** (-50 / 20)
_CERTAIN_HOPS = 10
_PATIENCE_HOPS = 100
_FADE_FRAMES = 240
_LOWER_PER_S = 2e-3


class Port(Protocol):
    """One end of a device: a ring that the device's callback fills or empties."""

    @property
    def rate_hz(self) -> int:
        """Rate of the device."""
        ...

    @property
    def channels(self) -> int:
        """Channels of the device's ring."""
        ...

    @property
    def block_frames(self) -> int:
        """Frames that the device moves at once."""
        ...

    @property
    def fills(self) -> bool:
        """Whether the device fills the ring, as a microphone does, or empties it."""
        ...

    @property
    def level_frames(self) -> int:
        """Frames that wait in the ring."""
        ...

    @property
    def device_frames(self) -> int:
        """Frames the device has moved since it started, whether or not the ring had room or sound for them."""
        ...

    @property
    def moved_at_s(self) -> float | None:
        """When `device_frames` changed last, if the port knows."""
        ...

    @property
    def losses(self) -> int:
        """Times that sound was lost here: overflows of an input, underflows of an output."""
        ...

    @property
    def lost(self) -> str | None:
        """Why the device is gone, in one sentence."""
        ...

    def start(self) -> None:
        """Start the device. Control thread."""
        ...

    def close(self) -> None:
        """Stop and free the device. Control thread; safe to call twice."""
        ...


class CapturePort(Port, Protocol):
    """A microphone."""

    @property
    def ended(self) -> bool:
        """True once no more will come, as at the end of a file."""
        ...

    def read(self, out: Block) -> int:
        """Take frames from the ring into `out`, shape (channels, frames), and return how many there were."""
        ...


class PlaybackPort(Port, Protocol):
    """An output."""

    def write(self, block: Block) -> None:
        """Append `block`, shape (channels, frames); what does not fit is lost."""
        ...

    def play(self) -> None:
        """See to it that the device plays what was written."""
        ...


class Timebase(Protocol):
    """The clock of the devices."""

    def now_s(self) -> float:
        """Seconds now."""
        ...

    def wait(self, expected_s: float, most_s: float) -> None:
        """Let some time pass, at most `most_s`: what is waited for is expected in `expected_s`."""
        ...


class _Microphone:
    """A capture port, read as 48 kHz frames."""

    def __init__(self, port: CapturePort, hop_frames: int, settle_s: float) -> None:
        self.port = port
        self._step = port.rate_hz / SAMPLE_RATE_HZ
        self._clock = ClockTracker(port.rate_hz, settle_s / 2)
        most = port.block_frames + int(hop_frames * self._step) + 1
        self._resampler = VariableResampler(port.channels, self._step, most) if self._step != 1.0 else None
        self._raw: Block = np.zeros((port.channels, most), np.float32)
        self._staged: Block = np.zeros((port.channels, 4 * hop_frames + int(2 * most / self._step) + 8), np.float32)
        self._staged_frames = 0

    @property
    def bridging_frames(self) -> float:
        """48 kHz frames that have to lie here so that a hop is always complete in time."""
        return self._resampler.latency_frames / self._step if self._resampler else 0.0

    @property
    def late_frames(self) -> float:
        """How far the device falls behind its own pace at times, in 48 kHz frames."""
        return self._clock.late_frames / self._step

    def observe(self, now_s: float) -> None:
        self._clock.observe(self.port.device_frames, now_s, self.port.moved_at_s)

    def next_block_s(self, now_s: float) -> float:
        """Seconds until the device is expected to bring its next block; 0 if it is late or not running yet."""
        ahead = self._clock.position_frames(now_s) - self.port.device_frames
        return max(0.0, (self.port.block_frames - ahead) / self.port.rate_hz)

    def available_frames(self) -> int:
        """48 kHz frames that can certainly be taken now."""
        if self._resampler is None:
            return self.port.level_frames
        return self._staged_frames + max(0, int(self.port.level_frames / self._step) - 2)

    def under_way_frames(self, now_s: float) -> float:
        """48 kHz frames between the device and the next hop, exact to a fraction."""
        frames = _steady_level(self.port, self._clock, now_s)
        if self._resampler is not None:
            frames += self._resampler.pending_frames
        return frames / self._step + self._staged_frames

    def take(self, out: Block) -> int:
        """Fill `out` with the next frames and return how many were real."""
        if self._resampler is None:
            return self.port.read(out)
        frames = int(out.shape[1])
        while self._staged_frames < frames:
            wanted = int((frames - self._staged_frames) * self._step) + 2
            raw = self._raw[:, : min(wanted, self._raw.shape[1])]
            got = self.port.read(raw)
            if got == 0:
                break
            fresh = self._resampler.process(raw[:, :got], self._step)
            self._staged[:, self._staged_frames : self._staged_frames + fresh.shape[1]] = fresh
            self._staged_frames += fresh.shape[1]
        real = min(frames, self._staged_frames)
        out[:, :real] = self._staged[:, :real]
        out[:, real:] = 0.0
        self._staged_frames -= real
        self._staged[:, : self._staged_frames] = self._staged[:, real : real + self._staged_frames].copy()
        return real


class _Speaker:
    """A playback port, written in 48 kHz frames of the microphone's clock."""

    def __init__(
        self, port: PlaybackPort, channels: int, hop_frames: int, target_frames: float, settle_s: float
    ) -> None:
        self.port = port
        self._step = SAMPLE_RATE_HZ / port.rate_hz
        self._clock = ClockTracker(port.rate_hz, settle_s / 2)
        self._resampler = VariableResampler(channels, self._step, hop_frames)
        self._least_frames = target_frames + self._resampler.latency_frames
        self.corrector = DriftCorrector(self._least_frames, SAMPLE_RATE_HZ)
        self._hop_frames = hop_frames
        self._learnt_frames = 0.0
        self._losses_seen = 0
        self._hop_s = hop_frames / SAMPLE_RATE_HZ
        self._silence: Block = np.zeros((port.channels, hop_frames), np.float32)
        self._frames: Block = np.zeros((port.channels, self._resampler.most_frames(hop_frames)), np.float32)
        self._settle_s = settle_s
        self.is_ready = False
        self._is_aligned = False
        self._under_way = 0.0

    def observe(self, now_s: float) -> None:
        self._clock.observe(self.port.device_frames, now_s, self.port.moved_at_s)
        self.is_ready = self._clock.ran_s(now_s) >= self._settle_s

    def steer(self, arriving_frames: float, late_frames: float, is_punctual: bool, now_s: float) -> float:
        """Set the speed for the next hop.

        Parameters
        ----------
        arriving_frames : float
            48 kHz frames between the microphone and here, the hop in hand included.
        late_frames : float
            How far the microphone falls behind its own pace at times.
        is_punctual : bool
            Whether the DSP thread waited for the hop in hand, so that an underflow is not its own fault.

        Returns
        -------
        float
            48 kHz frames by which the whole delay is above its target.
        """
        waiting = _steady_level(self.port, self._clock, now_s) * self._step
        self._under_way = arriving_frames + self._resampler.pending_frames + waiting
        uneven = min(late_frames + self._clock.early_frames * self._step, 2.0 * self._hop_frames)
        self._learn(is_punctual and uneven < self._hop_frames / 2)
        wanted = self._least_frames + uneven + self._learnt_frames
        lowest = self.corrector.target_frames - _LOWER_PER_S * self._hop_s * SAMPLE_RATE_HZ
        self.corrector.target_frames = max(wanted, lowest)
        surplus = self._under_way - self.corrector.target_frames
        if self._is_aligned:
            self.corrector.update(self._under_way, self._hop_s)
        return surplus if self._is_aligned else 0.0

    def write(self, block: Block) -> None:
        """Hand on a hop."""
        if not self.is_ready:
            return  # Where the device stands in its block is not known before its first callbacks.
        missing = self.corrector.target_frames - self._under_way
        if not self._is_aligned or missing > block.shape[1]:
            self._pad(int(missing / self._step))
        fresh = self._resampler.process(block, self._step * self.corrector.speed)
        frames = self._frames[:, : fresh.shape[1]]
        if frames.shape[0] < fresh.shape[0]:
            np.mean(fresh, axis=0, keepdims=True, out=frames)
        else:
            frames[:] = fresh
        self.port.write(frames)
        self.port.play()

    def realigned(self) -> None:
        """Tell that the delay was just brought to its target."""
        self.corrector.realigned()

    def waiting_ms(self) -> float:
        """What lies in the ring and the device's block now. Any thread."""
        return (self.port.level_frames + self.port.block_frames) / self.port.rate_hz * 1e3

    def _learn(self, is_calm: bool) -> None:
        """Keep more in hand if the output ran dry though nothing was late; one hop more at most."""
        losses = self.port.losses
        if losses > self._losses_seen and is_calm:
            self._learnt_frames = min(self._learnt_frames + self._hop_frames / 4, float(self._hop_frames))
        self._losses_seen = losses

    def _pad(self, frames: int) -> None:
        """Play silence first, so that the delay is at its target from here on."""
        while frames > 0:
            count = min(frames, self._silence.shape[1])
            self.port.write(self._silence[:, :count])
            frames -= count
        self._is_aligned = True
        self.corrector.realigned()


class EdgeStream:
    """`engine.io.backend.AudioStream` over ports.

    Parameters
    ----------
    capture, air, monitor : CapturePort, PlaybackPort, PlaybackPort or None
        The devices, not yet started; owned from here on.
    timebase : Timebase
        Their clock.
    hop_frames : int
        At 48 kHz.
    margin_frames : int
        48 kHz frames kept in hand for the work on a hop.
    settle_s : float
        How long the devices run before anything is played, so that it is known how even their callbacks are.
    """

    def __init__(
        self,
        capture: CapturePort,
        air: PlaybackPort,
        monitor: PlaybackPort | None,
        timebase: Timebase,
        hop_frames: int,
        margin_frames: int,
        settle_s: float,
    ) -> None:
        self._hop_frames = hop_frames
        self._timebase = timebase
        self._microphone = _Microphone(capture, hop_frames, settle_s)
        target = target_frames(capture, hop_frames, margin_frames) + self._microphone.bridging_frames
        self._air = _Speaker(air, capture.channels, hop_frames, target, settle_s)
        self._monitor = _Speaker(monitor, capture.channels, hop_frames, target, settle_s) if monitor else None
        self._ports: list[Port] = [capture, air] + ([monitor] if monitor else [])
        self._due_s = 0.0
        self._skip_frames = 0
        self._skipped_frames = 0
        self._surplus_hops = 0
        self._scrap: Block = np.zeros((capture.channels, hop_frames), np.float32)
        self._fade = np.linspace(0.0, 1.0, min(_FADE_FRAMES, hop_frames), dtype=np.float32)
        self._is_closed = False

    @property
    def channels(self) -> int:
        """Rows of a hop. Any thread."""
        return self._microphone.port.channels

    @property
    def hop_frames(self) -> int:
        """Frames of a hop at 48 kHz. Any thread."""
        return self._hop_frames

    @property
    def has_monitor(self) -> bool:
        """Whether `write_monitor` leads anywhere. Any thread."""
        return self._monitor is not None

    @property
    def lost(self) -> str | None:
        """Why a device is gone, in one sentence. Any thread."""
        return next((port.lost for port in self._ports if port.lost), None)

    @property
    def ended(self) -> bool:
        """True once an input that has an end is read to its end. Any thread."""
        return self._microphone.port.ended and self._microphone.available_frames() < self._hop_frames

    @property
    def due_s(self) -> float:
        """When the hop that was read last was complete."""
        return self._due_s

    def now_s(self) -> float:
        """The clock of the devices. Any thread."""
        return self._timebase.now_s()

    def start(self) -> None:
        """Start the devices, outputs first, so that the microphone's first hop has somewhere to go. Control thread."""
        for port in reversed(self._ports):
            port.start()

    def close(self) -> None:
        """Stop and free the devices, each even if another fails. Control thread."""
        if self._is_closed:
            return
        self._is_closed = True
        with ExitStack() as closing:
            for port in reversed(self._ports):
                closing.callback(port.close)

    def read_hop(self, out: Block, timeout_s: float) -> bool:
        """Wait for a hop of the microphone and take it; see `AudioStream.read_hop`. DSP thread, may wait."""
        began_s = now_s = self._observe()
        has_waited = False
        while self._microphone.available_frames() < self._hop_frames + self._skip_frames:
            if now_s - began_s >= timeout_s or self.lost is not None or self._microphone.port.ended:
                out[:] = 0.0
                return False
            has_waited = True
            self._timebase.wait(self._microphone.next_block_s(now_s), began_s + timeout_s - now_s)
            now_s = self._observe()
        hop_s = self._hop_frames / SAMPLE_RATE_HZ
        self._due_s = now_s if has_waited else min(now_s, self._due_s + hop_s)
        self._take(out)
        self._steer(out, has_waited, now_s)
        return True

    def write_air(self, block: Block) -> None:
        """Hand on a hop for the virtual microphone. DSP thread, never waits."""
        self._air.write(block)

    def write_monitor(self, block: Block) -> None:
        """Hand on a hop for the headphones. DSP thread, never waits."""
        if self._monitor is not None:
            self._monitor.write(block)

    def stats(self) -> EdgeStats:
        """Counts and levels now. Any thread."""
        capture, air = self._microphone.port, self._air.port
        monitor = self._monitor.port if self._monitor else None
        return EdgeStats(
            input_overflows=capture.losses,
            output_underflows=air.losses,
            monitor_underflows=monitor.losses if monitor else 0,
            skipped_frames=self._skipped_frames,
            input_level_frames=capture.level_frames,
            output_level_frames=air.level_frames,
            monitor_level_frames=monitor.level_frames if monitor else 0,
            drift_ppm=self._air.corrector.drift_ppm,
            input_ms=(capture.level_frames + capture.block_frames) / capture.rate_hz * 1e3,
            output_ms=self._air.waiting_ms(),
        )

    def _observe(self) -> float:
        now_s = self._timebase.now_s()
        self._microphone.observe(now_s)
        self._air.observe(now_s)
        if self._monitor is not None:
            self._monitor.observe(now_s)
        return now_s

    def _take(self, out: Block) -> None:
        """Take a hop; if frames are to be dropped, fade from the sound before the gap to the sound after it."""
        self._microphone.take(out)
        if self._skip_frames == 0:
            return
        before = out[:, : self._fade.size] * (1.0 - self._fade)
        left = self._skip_frames
        while left > 0:
            piece = self._scrap[:, : min(left, self._hop_frames)]
            self._microphone.take(piece)
            count = piece.shape[1]
            out[:, : self._hop_frames - count] = out[:, count:].copy()
            out[:, self._hop_frames - count :] = piece
            left -= count
        out[:, : self._fade.size] = out[:, : self._fade.size] * self._fade + before
        self._skipped_frames += self._skip_frames
        self._skip_frames = 0
        self._air.realigned()

    def _steer(self, hop: Block, is_punctual: bool, now_s: float) -> None:
        """Correct the clocks, and plan a skip if a stall has left more under way than a hop above the target."""
        arriving = self._microphone.under_way_frames(now_s) + hop.shape[1]
        late = self._microphone.late_frames
        surplus = self._air.steer(arriving, late, is_punctual, now_s)
        if self._monitor is not None:
            self._monitor.steer(arriving, late, is_punctual, now_s)
        if surplus < self._hop_frames / 2:
            self._surplus_hops = 0
            return
        self._surplus_hops += 1
        is_pause = self._surplus_hops > _CERTAIN_HOPS and float(np.abs(hop).max()) < _QUIET
        if is_pause or surplus > 4 * self._hop_frames or self._surplus_hops > _PATIENCE_HOPS:
            self._skip_frames = min(int(surplus), self._microphone.available_frames() + 4 * self._hop_frames)
            self._surplus_hops = 0


def target_frames(capture: CapturePort, hop_frames: int, margin_frames: int) -> int:
    """48 kHz frames that have to be under way between the devices so that the output never runs dry.

    A hop is collected before it is worked on; a capture block that is no multiple of the hop keeps up to
    ``block - gcd`` frames waiting for the rest of theirs; the rest is the margin for work and uneven callbacks.
    """
    block = round(capture.block_frames * SAMPLE_RATE_HZ / capture.rate_hz)
    return hop_frames + block - gcd(block, hop_frames) + margin_frames


def _steady_level(port: Port, clock: ClockTracker, now_s: float) -> float:
    """Level of a port's ring as it would be if the device moved one frame at a time.

    A device that stopped is not believed to run on for more than two blocks.
    """
    while True:
        moved = port.device_frames
        level = port.level_frames
        if port.device_frames == moved:
            break
    ahead = clock.position_frames(now_s) - moved
    ahead = min(max(ahead, -2.0 * port.block_frames), 2.0 * port.block_frames)
    return level + ahead if port.fills else level - ahead
