"""The pitch of a voice over time, and how much of a recording is somebody's voice. Pure mathematics; nothing waits.

Source: P. Boersma, "Accurate short-term analysis of the fundamental frequency and the harmonics-to-noise ratio of a sampled
sound", IFA Proceedings 17 (1993): the autocorrelation divided by that of the window.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import soxr
from numpy.typing import NDArray

from engine.config import SAMPLE_RATE_HZ
from engine.dsp.curve import Values

_RATE_HZ = 8000
_FRAME, _HOP = 512, 128
_SHORTEST, _LONGEST = _RATE_HZ // 400, _RATE_HZ // 60
_NEARLY_BEST = 0.85
"""Of several periods the shortest counts: a multiple of it fits as well."""

_VOICED, _ACTIVE_DB, _ABOVE_NOISE_DB = 0.5, 30.0, 6.0
_STEADY_OCTAVES, _STEADY_FRAMES = 0.05, 6
_HIGHEST_HZ = 390.0


@dataclass(frozen=True, slots=True)
class PitchTrack:
    """Pitch every 16 ms: `pitch_hz`, how periodic the sound is, 0 to 1, and its level; shape (frames,) each."""

    pitch_hz: Values
    strength: Values
    level_db: Values

    def voice_share(self) -> float:
        """Share of what is loud in which a pitch goes on for a tenth of a second, as in vowels; 0 to 1.

        Real speech in rooms has 0.05 to 0.71; typing, barking, dishes and a crowd have less than 0.02.
        """
        loud_db, quiet_db = np.percentile(self.level_db, (95, 5))
        is_active = self.level_db > max(loud_db - _ACTIVE_DB, quiet_db + _ABOVE_NOISE_DB)
        is_voiced = is_active & (self.strength > _VOICED) & (self.pitch_hz < _HIGHEST_HZ)
        goes_on = np.abs(np.diff(np.log2(self.pitch_hz))) < _STEADY_OCTAVES
        goes_on &= is_voiced[1:] & is_voiced[:-1]
        ends = np.flatnonzero(np.diff(np.concatenate(([False], goes_on, [False])).astype(np.int8)))
        lengths = ends[1::2] - ends[::2]
        frames = lengths[lengths >= _STEADY_FRAMES] + 1
        return float(frames.sum() / max(1, np.count_nonzero(is_active)))


def pitch_track(heard: NDArray[np.floating]) -> PitchTrack:
    """Follow the pitch of a recording, shape (frames,), 48 kHz."""
    slow = soxr.resample(np.asarray(heard, np.float64), SAMPLE_RATE_HZ, _RATE_HZ, quality="MQ")
    frames = np.lib.stride_tricks.sliding_window_view(np.pad(slow, (0, max(0, _FRAME - slow.size))), _FRAME)[::_HOP]
    window = np.hanning(_FRAME)
    own = _autocorrelation(window[None])
    correlation = _autocorrelation((frames - frames.mean(axis=1, keepdims=True)) * window)
    power = correlation[:, :1]
    strength = (correlation / own) / (power / own[:, :1] + 1e-12)
    lags = strength[:, _SHORTEST:]
    best = lags.max(axis=1, keepdims=True)
    is_peak = (lags[:, 1:-1] >= lags[:, :-2]) & (lags[:, 1:-1] >= lags[:, 2:]) & (lags[:, 1:-1] > _NEARLY_BEST * best)
    lag = np.where(is_peak.any(axis=1), is_peak.argmax(axis=1) + 1, lags.argmax(axis=1)) + _SHORTEST
    return PitchTrack(_RATE_HZ / lag, best[:, 0], 10.0 * np.log10(power[:, 0] / _FRAME**2 + 1e-16))


def _autocorrelation(frames: Values) -> Values:
    power = np.square(np.abs(np.fft.rfft(frames, 2 * _FRAME)))
    return np.asarray(np.fft.irfft(power)[:, : _LONGEST + 1])
