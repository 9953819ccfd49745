"""Hops in, hops out: what joins devices of any rate and clock to the DSP thread, whatever they are made of.

A `CapturePort` or two and one or two `PlaybackPort` are the ends that a backend supplies (PortAudio's C callbacks, or
the simulation); everything between, resampling, clock correction, and bringing the delay back after a stall, is here
once, so what the tests run on the simulation is what runs live. Everything here belongs to the DSP thread unless it
says otherwise; only `EdgeStream.read_hop` waits.
"""

from __future__ import annotations

from contextlib import ExitStack

import numpy as np

from engine.core.stage import Block
from engine.io.backend import SAMPLE_RATE_HZ, EdgeStats
from engine.io.edge_ends import Microphone, Speaker
from engine.io.ports import CapturePort, PlaybackPort, Port, Timebase
from engine.io.second_input import SecondInput

_FADE_FRAMES = 240


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
    music : CapturePort or None
        The second input; with it hops have two rows, so that it is heard in stereo.
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
    ) -> None:
        self._channels = 2 if music else capture.channels
        self._hop_frames = hop_frames
        self._timebase = timebase
        self._microphone = Microphone(capture, hop_frames, settle_s)
        target = hop_frames + self._microphone.bridging_frames + margin_frames
        self._air = Speaker(air, self._channels, hop_frames, target, settle_s)
        self._monitor = Speaker(monitor, self._channels, hop_frames, target, settle_s) if monitor else None
        self._music = SecondInput(music, hop_frames, settle_s) if music else None
        self._ports: list[Port] = [port for port in (capture, air, monitor, music) if port]
        self._due_s = 0.0
        self._skipped_frames = 0
        self._scrap: Block = np.zeros((capture.channels, hop_frames), np.float32)
        self._fade = np.linspace(0.0, 1.0, min(_FADE_FRAMES, hop_frames), dtype=np.float32)
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
        second = self._music.port if self._music else None
        return next((port.lost for port in self._ports if port.lost and port is not second), None)

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
        while self._microphone.available_frames() < self._hop_frames:
            if self._microphone.port.ended or self.lost is not None or now_s - began_s >= timeout_s:
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
        self._take(out[:voice], skip)
        out[voice:] = out[:1]
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
            input_overflows=capture.losses,
            output_underflows=air.losses,
            monitor_underflows=monitor.losses if monitor else 0,
            skipped_frames=self._skipped_frames + self._air.dropped_frames,
            input_level_frames=capture.level_frames,
            output_level_frames=air.level_frames,
            monitor_level_frames=monitor.level_frames if monitor else 0,
            drift_ppm=self._air.corrector.drift_ppm,
            input_ms=(capture.level_frames + capture.block_frames) / capture.rate_hz * 1e3,
            output_ms=self._air.waiting_ms(),
            music_losses=self._music.losses if self._music else 0,
            music_lost=self._music.port.lost if self._music else None,
        )

    def _observe(self) -> float:
        now_s = self._timebase.now_s()
        self._microphone.observe(now_s)
        self._air.observe(now_s)
        if self._monitor is not None:
            self._monitor.observe(now_s)
        if self._music is not None:
            self._music.observe(now_s)
        return now_s

    def _take(self, out: Block, skip_frames: int) -> None:
        """Take a hop; if frames are to be dropped, fade from the sound before the gap to the sound after it."""
        self._microphone.take(out)
        if skip_frames == 0:
            return
        before = out[:, : self._fade.size] * (1.0 - self._fade)
        left = skip_frames
        while left > 0:
            piece = self._scrap[:, : min(left, self._hop_frames)]
            self._microphone.take(piece)
            count = piece.shape[1]
            out[:, : self._hop_frames - count] = out[:, count:].copy()
            out[:, self._hop_frames - count :] = piece
            left -= count
        out[:, : self._fade.size] = out[:, : self._fade.size] * self._fade + before
        self._skipped_frames += skip_frames

    def _steer(self, arriving: float, is_punctual: bool, now_s: float) -> int:
        """Correct the outputs' clocks; return how many frames to skip, because a stall has left too many in the ring."""
        late = self._microphone.late_frames
        surplus = self._air.steer(arriving, late, is_punctual, now_s)
        backlog = self._microphone.available_frames() - self._hop_frames
        skip = max(0, min(int(surplus), backlog)) // self._microphone.grain_frames * self._microphone.grain_frames
        if skip < self._hop_frames // 2:
            skip = 0
        self._air.arriving_dropped(skip)
        if self._monitor is not None:
            self._monitor.steer(arriving, late, is_punctual, now_s)
            self._monitor.arriving_dropped(skip)
        return skip
