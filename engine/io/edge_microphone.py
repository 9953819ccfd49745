"""The microphone's end of the edge: a device of any rate, read hop by hop as 48 kHz frames.

Its clock is the engine's. DSP thread; nothing here waits.
"""

from __future__ import annotations

import math

import numpy as np

from engine.config import SAMPLE_RATE_HZ
from engine.core.stage import Block
from engine.io.drift import ClockTracker, steady_level
from engine.io.ports import CapturePort
from engine.io.variable_resampler import ROUNDING_FRAMES, VariableResampler

_FADE_FRAMES = 240


class Microphone:
    """A capture port, read as 48 kHz frames.

    Attributes
    ----------
    block_frames : int
        48 kHz frames that the device brings at once.
    skipped_frames : int
        Frames dropped, cross-faded, to bring the delay back down.
    """

    def __init__(self, port: CapturePort, hop_frames: int, settle_s: float) -> None:
        self.port = port
        self._step = port.rate_hz / SAMPLE_RATE_HZ
        self._clock = ClockTracker(port.rate_hz, settle_s / 2)
        most = port.block_frames + int(hop_frames * self._step) + 1
        self._resampler = VariableResampler(port.channels, self._step, most) if self._step != 1.0 else None
        self._raw: Block = np.zeros((port.channels, most), np.float32)
        self._staged: Block = np.zeros((port.channels, 4 * hop_frames + int(2 * most / self._step) + 8), np.float32)
        # Ends of blocks and of hops meet every `grain_frames`; a skip that is no multiple would move them apart for good.
        block = port.block_frames / self._step
        self.block_frames = math.ceil(block)
        self.grain_frames = math.gcd(int(block), hop_frames) if block.is_integer() else 1
        # The resampler rounds: a block may bring a frame less than its share.
        self._primed_frames = ROUNDING_FRAMES if self._resampler else 0
        self._staged_frames = self._primed_frames
        self._hop_frames = hop_frames
        self._after_gap: Block = np.zeros((port.channels, hop_frames), np.float32)
        self._fade = np.linspace(0.0, 1.0, min(_FADE_FRAMES, hop_frames), dtype=np.float32)
        self.skipped_frames = 0

    @property
    def bridging_frames(self) -> float:
        """48 kHz frames that lie here, beside the hop that is being collected, so that a hop is complete in time.

        A block that is no multiple of the hop keeps up to ``block - grain`` frames waiting for the rest of theirs.
        """
        filter_frames = self._resampler.latency_frames / self._step if self._resampler else 0.0
        return self.block_frames - self.grain_frames + self._primed_frames + filter_frames

    @property
    def losses(self) -> int:
        """Times that the device or its ring lost sound. Any thread."""
        return self.port.losses

    @property
    def late_frames(self) -> float:
        """How far the device falls behind its own pace at times, in 48 kHz frames."""
        return self._clock.late_frames / self._step

    def observe(self, now_s: float) -> None:
        """Look where the device is."""
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
        frames = steady_level(self.port, self._clock, now_s)
        if self._resampler is not None:
            frames += self._resampler.pending_frames
        return frames / self._step + self._staged_frames

    def take_hop(self, out: Block, skip_frames: int) -> None:
        """Fill `out` with the next hop; if frames are to be dropped, fade from the sound before the gap to that after it."""
        self._take(out)
        if skip_frames == 0:
            return
        before = out[:, : self._fade.size] * (1.0 - self._fade)
        left = skip_frames
        while left > 0:
            piece = self._after_gap[:, : min(left, self._hop_frames)]
            self._take(piece)
            count = piece.shape[1]
            out[:, : self._hop_frames - count] = out[:, count:].copy()
            out[:, self._hop_frames - count :] = piece
            left -= count
        out[:, : self._fade.size] = out[:, : self._fade.size] * self._fade + before
        self.skipped_frames += skip_frames

    def _take(self, out: Block) -> int:
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
