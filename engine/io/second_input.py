"""The second input of the edge, music or a game: a capture device of any rate and clock, read hop by hop beside the microphone.

The microphone's clock is the engine's. What lies here is kept at a constant distance from what lies at the microphone, by
bending the rate at which it is taken; what a stall left over is skipped, cross-faded. A second input that is lost or runs dry
is silent, and the voice goes on. DSP thread; nothing here waits.
"""

from __future__ import annotations

import math

import numpy as np

from engine.config import SAMPLE_RATE_HZ
from engine.core.landing import Landing
from engine.core.stage import Block
from engine.io.drift import ClockTracker, DriftCorrector, steady_level
from engine.io.ports import CapturePort
from engine.io.variable_resampler import ROUNDING_FRAMES, VariableResampler

_MARGIN_FRAMES = 96
_FADE_FRAMES = 240
_ROWS = 2


class SecondInput:
    """A capture port whose sound is `hop`, at 48 kHz and in step with the microphone.

    Attributes
    ----------
    hop : Block
        Shape (2, hop_frames); a mono device fills both rows. Renewed by `take`.
    skipped_frames : int
        48 kHz frames dropped to come back into step.
    """

    def __init__(self, port: CapturePort, hop_frames: int, settle_s: float) -> None:
        self.port = port
        self.hop: Block = np.zeros((_ROWS, hop_frames), np.float32)
        self.skipped_frames = 0
        self._own_losses = 0
        self._step = port.rate_hz / SAMPLE_RATE_HZ
        self._clock = ClockTracker(port.rate_hz, settle_s / 2)
        most = port.block_frames + int(hop_frames * self._step) + 2
        self._resampler = VariableResampler(port.channels, self._step, most)
        self._raw: Block = np.zeros((port.channels, most), np.float32)
        self._staged: Block = np.zeros((port.channels, 2 * hop_frames + int(2 * most / self._step) + 8), np.float32)
        self._staged_frames = 0
        # A block may have come a moment ago or be about to come.
        waiting = (port.block_frames + self._resampler.latency_frames) / self._step
        self._least_frames = waiting + ROUNDING_FRAMES + _MARGIN_FRAMES
        self._corrector = DriftCorrector(self._least_frames, SAMPLE_RATE_HZ)
        self._hop_s = hop_frames / SAMPLE_RATE_HZ
        self._fade = np.linspace(0.0, 1.0, min(_FADE_FRAMES, hop_frames), dtype=np.float32)
        self._landing = Landing(_ROWS)
        self._silence: Block = np.zeros((_ROWS, hop_frames), np.float32)
        self._settle_s = settle_s
        self._ahead_frames = -math.inf
        self._is_ready = False
        self._is_playing = False

    @property
    def losses(self) -> int:
        """Times that sound was lost here or by the device. Any thread."""
        return self._own_losses + self.port.losses

    def observe(self, now_s: float) -> None:
        """Look where the device is."""
        self._clock.observe(self.port.device_frames, now_s, self.port.moved_at_s)
        self._is_ready = self._clock.ran_s(now_s) >= self._settle_s

    def steer(self, arriving_frames: float, now_s: float) -> None:
        """Set the speed for the next hop.

        Parameters
        ----------
        arriving_frames : float
            48 kHz frames between the microphone and the engine, the hop in hand included. Compared with them, it does not
            matter when exactly the thread looks.
        """
        lying = (steady_level(self.port, self._clock, now_s) + self._resampler.pending_frames) / self._step
        self._ahead_frames = lying + self._staged_frames - arriving_frames
        late = min(self._clock.late_frames / self._step, 2.0 * self.hop.shape[1])
        self._corrector.target_frames = self._least_frames + late
        if self._is_playing:
            self._corrector.update(self._ahead_frames, self._hop_s)

    def take(self) -> None:
        """Fill `hop` with the next frames; with silence where there are none."""
        surplus = self._ahead_frames - self._corrector.target_frames
        was_playing = self._is_playing
        if self.port.lost is not None or not (was_playing or (self._is_ready and surplus >= 0.0)):
            self._rest(0)
            return
        if not was_playing:
            self._skip(int(surplus))
        real = self._fill()
        if real < self.hop.shape[1]:
            self._rest(real)
        elif not was_playing:
            self._is_playing = True
            self.hop[:, : self._fade.size] *= self._fade
            self._corrector.realigned()
        elif surplus > self.hop.shape[1]:
            self._skip_crossfaded(int(surplus))
        if self._is_playing:
            self._landing.keep(self.hop, self._silence)

    def _rest(self, real: int) -> None:
        """No more than `real` frames of `hop` have come: from there on be silent, until enough lies here again."""
        self.hop[:, real:] = 0.0
        if self._is_playing:
            self._is_playing = False
            if real:
                self._landing.keep(self.hop[:, :real], self._silence[:, :real])
            self._landing.begin()
            if not (self.port.ended or self.port.lost):
                self._own_losses += 1
        self._landing.cross(self.hop[:, real:])

    def _fill(self) -> int:
        """Bring the next frames into `hop`; return how many were real."""
        frames = int(self.hop.shape[1])
        while self._staged_frames < frames and self._stage(frames - self._staged_frames):
            pass
        real = min(frames, self._staged_frames)
        self.hop[:, :real] = self._staged[:, :real]
        self.hop[:, real:] = 0.0
        self._drop_staged(real)
        return real

    def _stage(self, wanted_frames: int) -> bool:
        """Bring frames from the ring to the stage; False if there were none."""
        raw_frames = min(int(wanted_frames * self._step) + 2, self._raw.shape[1])
        raw = self._raw[:, :raw_frames]
        got = self.port.read(raw)
        if got == 0:
            return False
        fresh = self._resampler.process(raw[:, :got], self._step * self._corrector.speed)
        self._staged[:, self._staged_frames : self._staged_frames + fresh.shape[1]] = fresh
        self._staged_frames += fresh.shape[1]
        return True

    def _drop_staged(self, frames: int) -> None:
        self._staged_frames -= frames
        self._staged[:, : self._staged_frames] = self._staged[:, frames : frames + self._staged_frames].copy()

    def _skip(self, frames: int) -> None:
        while frames > 0 and (self._staged_frames > 0 or self._stage(min(frames, self.hop.shape[1]))):
            dropped = min(frames, self._staged_frames)
            self._drop_staged(dropped)
            frames -= dropped

    def _skip_crossfaded(self, frames: int) -> None:
        """Go from the beginning of this hop to the hop that comes after the gap."""
        before = self.hop[:, : self._fade.size] * (1.0 - self._fade)
        # The gap begins with the hop that is in hand already.
        self._skip(frames - self.hop.shape[1])
        self._fill()
        self.hop[:, : self._fade.size] *= self._fade
        self.hop[:, : self._fade.size] += before
        self.skipped_frames += frames
        self._corrector.realigned()
