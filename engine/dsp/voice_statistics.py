"""Running statistics of a voice: how loud its peaks are, how far they spread, and how spiky it is.

A compressor that knows them needs one knob: its threshold stands where this voice speaks, whether that is a whisper or a
shout, and its times follow the crest factor, so that plosives are caught fast and vowels left alone. Audio thread; never waits.

Source: D. Giannoulis, M. Massberg, J. D. Reiss, "Parameter Automation in a Dynamic Range Compressor", J. Audio Eng. Soc.
61(10), 2013: crest factor from peak and mean square of equal time constant (200 ms), attack and release from it.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from engine.core.kernel import compile_kernels, kernel
from engine.core.stage import StreamFormat
from engine.dsp.decibel import kernel_gain_to_db
from engine.dsp.listening import FRAMES_LEFT, forget_voice, frames_to_look, hear, is_teaching, new_listener

_CREST_MS = 200.0
_LEVEL_STEPS = 100.0
_SPREAD_STEPS = 300.0
_USUAL_LEVEL_DB = -20.0
_USUAL_SPREAD_DB = 6.0
_USUAL_CREST = 16.0
_LONGEST_ATTACK_MS = 80.0
_LONGEST_RELEASE_MS = 1000.0
_FARTHEST_DB = 18.0
_SINKS_DB = 0.2
_PEAK_OVER_LOUDNESS_DB = 6.0
_TINY = 1e-20

_PEAK_SQUARE, _MEAN_SQUARE, _STEP_PEAK, _LEVEL_DB, _SPREAD_DB, _CREST, _STEPS = range(7)


class VoiceStatistics:
    """Watches a voice in steps of 10 ms; only steps that carry voice count."""

    def __init__(self, fmt: StreamFormat) -> None:
        self.listener = new_listener(fmt)
        self._stats = np.zeros(7)
        self._decay = math.exp(-1000.0 / (_CREST_MS * fmt.sample_rate))
        self.reset()

    @staticmethod
    def compile() -> None:
        """Compile what is needed. Control thread."""
        compile_kernels(observe_voice)

    @property
    def frames_to_step(self) -> int:
        """Frames after which the figures change next."""
        return int(self.listener[FRAMES_LEFT])

    @property
    def level_dbfs(self) -> float:
        """Mean peak level of the steps with voice."""
        return float(self._stats[_LEVEL_DB])

    @property
    def spread_db(self) -> float:
        """Mean distance of those steps from `level_dbfs`."""
        return float(self._stats[_SPREAD_DB])

    @property
    def attack_ms(self) -> float:
        """Attack that suits the crest factor. Source: equation (13)."""
        return float(min(max(2.0 * _LONGEST_ATTACK_MS / self._stats[_CREST], 1.0), _LONGEST_ATTACK_MS))

    @property
    def release_ms(self) -> float:
        """Release that suits the crest factor. Source: equation (14)."""
        release_ms = 2.0 * _LONGEST_RELEASE_MS / self._stats[_CREST] - self.attack_ms
        return float(min(max(release_ms, 40.0), _LONGEST_RELEASE_MS))

    def process(self, block: NDArray[np.float32], speech_probability: float) -> bool:
        """Take in `block` (channels, frames <= `frames_to_step`) and return whether the figures changed. Audio thread."""
        return observe_voice(block, self._stats, self._decay, speech_probability, self.listener)

    def reset(self) -> None:
        """Forget the voice: what is usual counts until it is heard. Audio thread."""
        forget_voice(self.listener)
        self._stats.fill(0.0)
        self._stats[_LEVEL_DB] = _USUAL_LEVEL_DB
        self._stats[_SPREAD_DB] = _USUAL_SPREAD_DB
        self._stats[_CREST] = _USUAL_CREST


@kernel("boolean(float32[:, :], float64[::1], float64, float64, float64[::1])")
def observe_voice(
    block: NDArray[np.float32],
    stats: NDArray[np.float64],
    decay: float,
    speech_probability: float,
    listener: NDArray[np.float64],
) -> bool:
    """See `VoiceStatistics.process`; the arrays are its attributes."""
    channels, frames = block.shape
    peak_square, mean_square, step_peak = stats[_PEAK_SQUARE], stats[_MEAN_SQUARE], stats[_STEP_PEAK]
    for frame in range(frames):
        peak = 0.0
        for channel in range(channels):
            peak = max(peak, abs(np.float64(block[channel, frame])))
        square = peak * peak
        mean_square = decay * mean_square + (1.0 - decay) * square
        peak_square = max(square, decay * peak_square + (1.0 - decay) * square)
        step_peak = max(step_peak, peak)
    stats[_PEAK_SQUARE], stats[_MEAN_SQUARE], stats[_STEP_PEAK] = peak_square, mean_square, step_peak

    has_changed = False
    voice_lufs = math.inf if stats[_STEPS] == 0.0 else stats[_LEVEL_DB] - _PEAK_OVER_LOUDNESS_DB
    start = 0
    while start < frames:
        stop = min(frames, start + frames_to_look(listener))
        has_changed = hear(block, start, stop, speech_probability, voice_lufs, listener)
        start = stop
    if not has_changed:
        return False
    if is_teaching(listener):
        level_db = kernel_gain_to_db(step_peak)
        stats[_STEPS] = min(stats[_STEPS] + 1.0, _SPREAD_STEPS)
        distance_db = level_db - stats[_LEVEL_DB]
        if distance_db > -_FARTHEST_DB:
            stats[_LEVEL_DB] += distance_db / min(max(stats[_STEPS], 10.0), _LEVEL_STEPS)
            stats[_SPREAD_DB] += (min(abs(distance_db), _FARTHEST_DB) - stats[_SPREAD_DB]) / _SPREAD_STEPS
        else:
            # The end of a sound, or a voice that has become much quieter; in time it is known which.
            stats[_LEVEL_DB] -= _SINKS_DB
        crest = peak_square / max(mean_square, _TINY)
        stats[_CREST] += (min(max(crest, 1.0), 100.0) - stats[_CREST]) / _LEVEL_STEPS
    stats[_STEP_PEAK] = 0.0
    if peak_square < _TINY:
        stats[_PEAK_SQUARE] = 0.0
        stats[_MEAN_SQUARE] = 0.0
    return True
