"""An output's end of the edge: takes frames of the microphone's clock and plays them by its own.

It bends their rate so that the number of frames under way, and so the delay, stays at its target. DSP thread; nothing here
waits.
"""

from __future__ import annotations

import numpy as np

from engine.config import SAMPLE_RATE_HZ
from engine.core.stage import Block
from engine.io.drift import ClockTracker, DriftCorrector, steady_level
from engine.io.ports import PlaybackPort
from engine.io.variable_resampler import VariableResampler

_CALM_S = 0.25
_QUIET = 10 ** (-50 / 20)
_CERTAIN_S, _PATIENCE_S = 0.1, 1.0
_FADE_FRAMES = 240
_WORTH_FRAMES = 48
_LOWER_PER_S = 1e-4
_RECOVERY_S = 10.0
_FREE_FRAMES = 9600


class Speaker:
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
        self._calm_s = 0.0
        self._surplus_s = 0.0
        self._recovering_s = 0.0
        self._is_shortening = False
        self.dropped_frames = 0
        # What is left of a hop that is shortened has to hold the whole fade.
        self._fade = np.linspace(0.0, 1.0, min(_FADE_FRAMES, hop_frames - hop_frames // 2), dtype=np.float32)
        self._hop_s = hop_frames / SAMPLE_RATE_HZ
        self._silence: Block = np.zeros((port.channels, hop_frames), np.float32)
        self._frames: Block = np.zeros((port.channels, self._resampler.most_frames(hop_frames)), np.float32)
        self._settle_s = settle_s
        self.is_ready = False
        self._is_aligned = False
        self._is_free = False
        self._under_way = 0.0

    @property
    def losses(self) -> int:
        """Times that the device or its ring ran dry. Any thread."""
        return self.port.losses

    def free(self) -> None:
        """Follow no clock but the device's own, with more in hand. Control thread, before the first hop."""
        self._is_free = True
        self._least_frames += _FREE_FRAMES
        self.corrector.target_frames = self._least_frames

    def observe(self, now_s: float) -> None:
        """Look where the device is."""
        self._clock.observe(self.port.device_frames, now_s, self.port.moved_at_s)
        self.is_ready = self._clock.ran_s(now_s) >= self._settle_s

    def hear(self, target_frames: float) -> None:
        """Take what another microphone gives, whose clock is not known yet, with so many 48 kHz frames under way."""
        self._least_frames = target_frames + self._resampler.latency_frames
        self._recovering_s = _RECOVERY_S
        self.corrector.restart()

    def steer(self, arriving_frames: float, late_frames: float, is_punctual: bool, now_s: float) -> float:
        """Set the speed for the next hop.

        Parameters
        ----------
        arriving_frames : float
            48 kHz frames between the microphone and here, the hop in hand included.
        late_frames : float
            How far the microphone falls behind its own pace at times.
        is_punctual : bool
            Whether the DSP thread waited for the hop in hand and woke in time, so that an underflow is not its own fault.

        Returns
        -------
        float
            48 kHz frames by which the whole delay is above its target.
        """
        waiting = steady_level(self.port, self._clock, now_s) * self._step
        self._under_way = arriving_frames + self._resampler.pending_frames + waiting
        uneven = min(late_frames + self._clock.early_frames * self._step, 2.0 * self._hop_frames)
        self._calm_s = self._calm_s + self._hop_s if is_punctual and uneven < self._hop_frames / 2 else 0.0
        self._learn()
        self._aim(self._least_frames + uneven + self._learnt_frames)
        surplus = self._under_way - self.corrector.target_frames
        if not self._is_aligned or self._is_free:
            return 0.0
        self.corrector.update(self._under_way, self._hop_s)
        return surplus

    def arriving_dropped(self, frames: int) -> None:
        """Tell that so many frames of what was arriving are dropped after all."""
        self._under_way -= frames

    def write(self, block: Block) -> None:
        """Hand on a hop."""
        if not self.is_ready:
            return  # Where the device stands in its block is not known before its first callbacks.
        surplus = self._under_way - self.corrector.target_frames
        if not self._is_aligned or (-surplus > block.shape[1] and not self._is_free):
            self._pad(int(-surplus / self._step))
        fresh = self._resampler.process(self._shortened(block, surplus), self._step * self.corrector.speed)
        frames = self._frames[:, : fresh.shape[1]]
        if frames.shape[0] < fresh.shape[0]:
            np.mean(fresh, axis=0, keepdims=True, out=frames)
        else:
            frames[:] = fresh
        self.port.write(frames)
        self.port.play()

    def waiting_ms(self) -> float:
        """What lies in the ring and the device's block now. Any thread."""
        return (self.port.level_frames + self.port.block_frames) / self.port.rate_hz * 1e3

    def _shortened(self, block: Block, surplus: float) -> Block:
        """Drop up to half of `block`, cross-faded, if too much has been under way for a while: best in a pause.

        A skip is heard less than a faster pace would be: that bends every tone for as long as it lasts.
        """
        frames = block.shape[1]
        if self._is_free or surplus < (
            _WORTH_FRAMES if self._is_shortening or self._recovering_s else self._hop_frames / 2
        ):
            self._surplus_s = 0.0
            self._is_shortening = False
            return block
        self._surplus_s += self._hop_s
        is_pause = float(np.abs(block).max()) < _QUIET
        self._is_shortening = self._surplus_s > (_CERTAIN_S if is_pause else _PATIENCE_S)
        if not self._is_shortening:
            return block
        drop = min(int(surplus), frames // 2)
        shorter, fade = block[:, drop:].copy(), self._fade
        shorter[:, : fade.size] += (block[:, : fade.size] - shorter[:, : fade.size]) * (1.0 - fade)
        self.dropped_frames += drop
        return shorter

    def _aim(self, wanted_frames: float) -> None:
        """Raise the target at once; lower it at once after a disturbance, else so slowly that no tone is bent."""
        target_frames = self.corrector.target_frames
        if abs(target_frames - wanted_frames) > self._hop_frames / 2:
            self._recovering_s = _RECOVERY_S
        self._recovering_s = max(0.0, self._recovering_s - self._hop_s)
        if not self._recovering_s:
            lowest_frames = target_frames - _LOWER_PER_S * self._hop_s * SAMPLE_RATE_HZ
            wanted_frames = max(wanted_frames, lowest_frames)
        self.corrector.target_frames = wanted_frames

    def _learn(self) -> None:
        """Keep more in hand if the output ran dry though nothing had been late for a while; one hop more at most."""
        losses = self.port.losses
        if losses > self._losses_seen:
            self._recovering_s = _RECOVERY_S
        if losses > self._losses_seen and self._calm_s > _CALM_S:
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
