"""Hops in, hops out: what joins devices of any rate and clock to the DSP thread, whatever they are made of.

A `CapturePort` or two and one or two `PlaybackPort` are the ends that a backend supplies (PortAudio's C callbacks, or
the simulation); everything between, resampling, clock correction, and bringing the delay back after a stall, is here
once, so what the tests run on the simulation is what runs live. Everything here belongs to the DSP thread unless it
says otherwise; only `EdgeStream.read_hop` waits.
"""

from __future__ import annotations

from contextlib import ExitStack

from engine.config import SAMPLE_RATE_HZ
from engine.core.stage import Block
from engine.io.backend import WORK_FRAMES, EdgeStats
from engine.io.devices import Direction
from engine.io.edge_microphone import Microphone
from engine.io.edge_speaker import Speaker
from engine.io.hand_over import HandOver, Joint, start_alive
from engine.io.ports import CapturePort, PlaybackPort, Port, Timebase
from engine.io.second_input import SecondInput

_REPLACED_SETTLE_S = 0.15
"""A device that takes another's place is watched for less long: half a second is all the time there is."""

_MONITOR_MARGIN_FRAMES = 48
_BURST_FRAMES = 192
"""A hop in which a network works takes so long, 4 ms; the monitor does not wait for it, but a shorter hop's successor does."""

End = Microphone | Speaker | SecondInput


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
        48 kHz frames kept in hand for the work on a hop; for the monitor, which waits for little of it, a millisecond at most.
    settle_s : float
        How long the devices run before anything is played, so that it is known how even their callbacks are.
    music : CapturePort or None
        The second input; with it hops have two rows, so that it is heard in stereo.
    expects_music : bool
        Whether one may come later: then hops have two rows too.
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
        music: CapturePort | None = None,
        expects_music: bool = False,
    ) -> None:
        self._channels = 2 if music or expects_music else capture.channels
        self._hop_frames = hop_frames
        self._timebase = timebase
        self._margin_frames = margin_frames
        self._settle_s = settle_s
        self._microphone = Microphone(capture, hop_frames, settle_s)
        self._air = self._speaker(air, Direction.OUTPUT, settle_s)
        self._monitor = self._speaker(monitor, Direction.MONITOR, settle_s) if monitor else None
        self._music = SecondInput(music, hop_frames, settle_s) if music else None
        self._hand_over: HandOver[End | None] = HandOver()
        self._past_losses = dict.fromkeys(Direction, 0)
        self._joint = Joint(self._channels, hop_frames)
        self._due_s = 0.0
        self._past_skipped_frames = 0
        self._is_closed = False

    @property
    def channels(self) -> int:
        """Rows of a hop. Any thread."""
        return self._channels

    @property
    def hop_frames(self) -> int:
        """Frames of a hop at 48 kHz. Any thread."""
        return self._hop_frames

    @property
    def has_monitor(self) -> bool:
        """Whether `write_monitor` leads anywhere. Any thread."""
        return self._monitor is not None

    @property
    def music(self) -> Block | None:
        """The second input's hop beside the one that was read last. DSP thread."""
        return self._music.hop if self._music else None

    @property
    def lost(self) -> str | None:
        """Why a device is gone, in one sentence; not the second input, without which the voice goes on. Any thread."""
        return next((port.lost for port in self._vital_ports().values() if port.lost), None)

    @property
    def lost_directions(self) -> tuple[Direction, ...]:
        """Which devices are gone. Any thread."""
        return tuple(direction for direction, port in self._vital_ports().items() if port.lost)

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

    def free_clocks(self) -> None:
        """Let each device keep its own pace; see `AudioStream.free_clocks`. Control thread, before `start`."""
        self._air.free()

    def start(self) -> None:
        """Start the devices, outputs first, so that the microphone's first hop has somewhere to go. Control thread."""
        for port in reversed(self._ports()):
            port.start()

    def close(self) -> None:
        """Stop and free the devices, each even if another fails. Control thread."""
        if self._is_closed:
            return
        self._is_closed = True
        with ExitStack() as closing:
            for port in reversed(self._ports()):
                closing.callback(port.close)

    def replace(self, direction: Direction, port: CapturePort | PlaybackPort | None) -> None:
        """Let `port`, not yet started and owned from here on, take the place of the device in `direction`.

        Control thread, waits until it delivers and the DSP thread has gone over to it, at a hop's end. The delay is what it
        was. None takes the monitor away.

        Raises
        ------
        engine.errors.DeviceError
            If it delivers nothing; it is closed, and the stream is as it was.
        """
        old = self._ends().get(direction)
        if port is not None:
            start_alive(port)
        self._hand_over.offer(direction, self._end_for(direction, port))
        # A DSP thread that stands still touches nothing.
        self._go_over()
        if old is not None:
            self._past_losses[direction] += old.losses
            old.port.close()

    def read_hop(self, out: Block, timeout_s: float) -> bool:
        """Wait for a hop of the microphone and take it; see `AudioStream.read_hop`. DSP thread, may wait."""
        began_s = now_s = self._observe()
        has_waited = False
        while self._microphone.available_frames() < self._hop_frames:
            microphone = self._microphone.port
            if microphone.ended or microphone.lost is not None or now_s - began_s >= timeout_s:
                out[:] = 0.0
                return False
            has_waited = True
            self._timebase.wait(self._microphone.next_block_s(now_s), began_s + timeout_s - now_s)
            now_s = self._observe()
        hop_s = self._hop_frames / SAMPLE_RATE_HZ
        self._due_s = now_s if has_waited else min(now_s, self._due_s + hop_s)
        arriving = self._microphone.under_way_frames(now_s)
        skip = self._steer(arriving, has_waited, now_s)
        voice = self._microphone.port.channels
        self._microphone.take_hop(out[:voice], skip)
        out[voice:] = out[:1]
        self._joint.process(out)
        if self._music is not None:
            self._music.steer(arriving - skip, now_s)
            self._music.take()
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
            input_overflows=self._losses(Direction.INPUT),
            output_underflows=self._losses(Direction.OUTPUT),
            monitor_underflows=self._losses(Direction.MONITOR),
            skipped_frames=self._past_skipped_frames + self._microphone.skipped_frames + self._air.dropped_frames,
            input_level_frames=capture.level_frames,
            output_level_frames=air.level_frames,
            monitor_level_frames=monitor.level_frames if monitor else 0,
            drift_ppm=self._air.corrector.drift_ppm,
            input_ms=(capture.level_frames + capture.block_frames) / capture.rate_hz * 1e3,
            output_ms=self._air.waiting_ms(),
            music_losses=self._losses(Direction.MUSIC),
            music_lost=self._music.port.lost if self._music else None,
        )

    def _ends(self) -> dict[Direction, End]:
        ends: dict[Direction, End | None] = {
            Direction.INPUT: self._microphone,
            Direction.OUTPUT: self._air,
            Direction.MONITOR: self._monitor,
            Direction.MUSIC: self._music,
        }
        return {direction: end for direction, end in ends.items() if end is not None}

    def _vital_ports(self) -> dict[Direction, CapturePort | PlaybackPort]:
        return {direction: end.port for direction, end in self._ends().items() if direction is not Direction.MUSIC}

    def _ports(self) -> list[Port]:
        return [end.port for end in self._ends().values()]

    def _losses(self, direction: Direction) -> int:
        end = self._ends().get(direction)
        return self._past_losses[direction] + (end.losses if end is not None else 0)

    def _target_frames(self, microphone: Microphone, direction: Direction) -> float:
        """48 kHz frames that have to be under way, so that the output does not run dry."""
        if direction is Direction.MONITOR:
            in_hand = max(self._hop_frames, _BURST_FRAMES) + min(self._margin_frames, _MONITOR_MARGIN_FRAMES)
        else:
            in_hand = max(self._hop_frames, WORK_FRAMES) + self._margin_frames
        return in_hand + microphone.bridging_frames

    def _speaker(self, port: PlaybackPort, direction: Direction, settle_s: float) -> Speaker:
        target = self._target_frames(self._microphone, direction)
        return Speaker(port, self._channels, self._hop_frames, target, settle_s)

    def _end_for(self, direction: Direction, port: CapturePort | PlaybackPort | None) -> End | None:
        settle_s = min(self._settle_s, _REPLACED_SETTLE_S)
        if port is None:
            return None
        if direction is Direction.MUSIC:
            return SecondInput(port, self._hop_frames, settle_s)  # type: ignore[arg-type]
        if port.fills:
            return Microphone(port, self._hop_frames, settle_s)  # type: ignore[arg-type]
        return self._speaker(port, direction, settle_s)  # type: ignore[arg-type]

    def _go_over(self) -> None:
        """Take a device into use that waits to take another's place. DSP thread, between two hops."""
        for direction, end in self._hand_over.take():
            match end:
                case Microphone():
                    skipped_frames = self._microphone.skipped_frames
                    self._microphone = end
                    self._past_skipped_frames += skipped_frames
                    self._joint.begin()
                    self._air.hear(self._target_frames(end, Direction.OUTPUT))
                    if self._monitor is not None:
                        self._monitor.hear(self._target_frames(end, Direction.MONITOR))
                case SecondInput():
                    self._music = end
                case Speaker() if direction is Direction.OUTPUT:
                    self._air = end
                case _:
                    self._monitor = end

    def _observe(self) -> float:
        self._go_over()
        now_s = self._timebase.now_s()
        for end in (self._microphone, self._air, self._monitor, self._music):
            if end is not None:
                end.observe(now_s)
        return now_s

    def _steer(self, arriving: float, has_waited: bool, now_s: float) -> int:
        """Correct the outputs' clocks; return how many frames to skip, because a stall has left too many in the ring."""
        late = self._microphone.late_frames
        backlog = self._microphone.available_frames() - self._hop_frames
        # A thread that waited and was woken late has not been punctual either.
        is_punctual = has_waited and backlog < max(self._hop_frames, self._microphone.block_frames)
        surplus = self._air.steer(arriving, late, is_punctual, now_s)
        skip = max(0, min(int(surplus), backlog)) // self._microphone.grain_frames * self._microphone.grain_frames
        if skip < self._hop_frames // 2:
            skip = 0
        self._air.arriving_dropped(skip)
        if self._monitor is not None:
            self._monitor.steer(arriving, late, is_punctual, now_s)
            self._monitor.arriving_dropped(skip)
        return skip
