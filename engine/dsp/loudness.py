"""Loudness and true peak, live: momentary, short-term, integrated, range.

Everything is counted in steps of 10 ms whose ends are computed from whole samples, and window sums are formed anew from
those steps, so nothing depends on the block length, drifts, or grows, however long the stream. Audio thread for `process`
and `reset`, which never wait; any thread may read the figures.

Source: ITU-R BS.1770-4; EBU Tech 3341-2016 (windows, gating), EBU Tech 3342-2016 (range).
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from engine.core.kernel import compile_kernels, inline, kernel
from engine.dsp.gated_loudness import BINS, count_window, energy_to_lufs, gated_lufs, integrated_lufs, range_lu
from engine.dsp.k_weighting import k_weighting, weighted_energy
from engine.dsp.true_peak import TAPS, find_interval_peaks, interpolator

_STEPS_PER_S = 100
_MOMENTARY_STEPS = 40
_SHORT_TERM_STEPS = 300
# Windows that count for the gated figures overlap by 75 % (400 ms) and 97 % (3 s).
_STEPS_BETWEEN_WINDOWS = 10
_RECENT_WINDOWS = 6000
_OVERSAMPLING = 4
_CHUNK_FRAMES = 512

# Places in the arrays that the kernel shares with the properties.
_STEP_FRAMES_LEFT, _REMAINDER, _STEPS_DONE, _IS_HELD = range(4)
_STEP_ENERGY, _MOMENTARY, _SHORT_TERM, _MAX_MOMENTARY, _MAX_SHORT_TERM, _TRUE_PEAK = range(6)


class LoudnessMeter:
    """Measures one bus from its start or the last `reset`.

    One channel counts as one channel, so a mono file reads as the standard says. A mono microphone that goes to both
    output channels is heard 3.01 LU louder; give `channel_weights=[2.0]` to count it as the pair it becomes.

    Parameters
    ----------
    sample_rate, channels : int
    channel_weights : sequence of float, optional
        Weight of each channel's energy; all 1 by default. For 5.0 in the order L R C Ls Rs: 1, 1, 1, 1.41, 1.41.
    """

    def __init__(self, sample_rate: int, channels: int, channel_weights: Sequence[float] | None = None) -> None:
        compile_kernels(measure)
        self._sample_rate = sample_rate
        self._weights = np.ones(channels) if channel_weights is None else np.array(channel_weights, np.float64)
        self._coefficients = k_weighting(sample_rate).ravel()
        self._rows = interpolator(_OVERSAMPLING)
        self._filters = np.zeros((channels, 4))
        self._samples = np.zeros((channels, TAPS - 1 + _CHUNK_FRAMES), np.float32)
        self._points = np.zeros(_CHUNK_FRAMES, np.float32)
        self._peaks = np.zeros(_CHUNK_FRAMES, np.float32)
        self._clock = np.zeros(4, np.int64)
        self._figures = np.zeros(6)
        self._steps = np.zeros(_SHORT_TERM_STEPS)
        # Row 0: windows of 400 ms for the integrated loudness; row 1: windows of 3 s for the range.
        self._counts = np.zeros((2, BINS), np.int64)
        self._energies = np.zeros((2, BINS))
        # Windows of 400 ms, one every 100 ms for the last ten minutes; zero where there is none yet.
        self._recent = np.zeros(_RECENT_WINDOWS)
        self.reset()

    def process(self, block: NDArray[np.float32]) -> None:
        """Take in `block`, shape (channels, frames), any number of frames; it is not changed. Audio thread."""
        measure(
            block,
            self._sample_rate,
            self._weights,
            self._coefficients,
            self._filters,
            self._samples,
            self._rows,
            self._points,
            self._peaks,
            self._clock,
            self._figures,
            self._steps,
            self._counts,
            self._energies,
            self._recent,
        )

    @property
    def is_held(self) -> bool:
        """Whether all that adds up over the programme stands still; momentary and short-term go on. Any thread."""
        return bool(self._clock[_IS_HELD])

    @is_held.setter
    def is_held(self, is_held: bool) -> None:
        self._clock[_IS_HELD] = is_held

    def reset(self) -> None:
        """Begin anew, as if just made, but stay held. Audio thread, at a block boundary."""
        is_held = self.is_held
        for array in (
            self._filters,
            self._samples,
            self._clock,
            self._figures,
            self._steps,
            self._counts,
            self._energies,
            self._recent,
        ):
            array[...] = 0
        self._clock[_STEP_FRAMES_LEFT] = self._sample_rate // _STEPS_PER_S
        self._clock[_REMAINDER] = self._sample_rate % _STEPS_PER_S
        self.is_held = is_held

    @property
    def momentary_lufs(self) -> float:
        """Loudness of the last 400 ms; -inf for silence."""
        return energy_to_lufs(float(self._figures[_MOMENTARY]))

    @property
    def short_term_lufs(self) -> float:
        """Loudness of the last 3 s; -inf for silence."""
        return energy_to_lufs(float(self._figures[_SHORT_TERM]))

    @property
    def max_momentary_lufs(self) -> float:
        """Loudest `momentary_lufs` so far, looked at every 10 ms."""
        return energy_to_lufs(float(self._figures[_MAX_MOMENTARY]))

    @property
    def max_short_term_lufs(self) -> float:
        """Loudest `short_term_lufs` so far, looked at every 10 ms."""
        return energy_to_lufs(float(self._figures[_MAX_SHORT_TERM]))

    @property
    def integrated_lufs(self) -> float:
        """Gated loudness of everything so far; -inf before the first 400 ms above -70 LUFS. Control thread."""
        return integrated_lufs(self._counts[0], self._energies[0])

    @property
    def last_ten_minutes_lufs(self) -> float:
        """As `integrated_lufs`, over the last ten minutes alone. Control thread."""
        return gated_lufs(self._recent.copy())

    @property
    def range_lu(self) -> float:
        """Loudness range of everything so far; 0 before the first 3 s above -70 LUFS. Control thread."""
        return range_lu(self._counts[1], self._energies[1])

    @property
    def true_peak_dbtp(self) -> float:
        """Largest true peak so far, over all channels; -inf for silence."""
        peak = float(self._figures[_TRUE_PEAK])
        return 20.0 * math.log10(peak) if peak > 0.0 else -math.inf


@inline
def _end_step(
    sample_rate: int,
    clock: NDArray[np.int64],
    figures: NDArray[np.float64],
    steps: NDArray[np.float64],
    counts: NDArray[np.int64],
    energies: NDArray[np.float64],
    recent: NDArray[np.float64],
) -> None:
    """Close a step of 10 ms: window sums, their maxima, and every 100 ms the histograms."""
    newest = clock[_STEPS_DONE] % _SHORT_TERM_STEPS
    steps[newest] = figures[_STEP_ENERGY]
    figures[_STEP_ENERGY] = 0.0
    clock[_STEPS_DONE] += 1
    # At rates that are no multiple of 100 some steps are one sample longer, so that steps never drift from the clock.
    clock[_REMAINDER] += sample_rate % _STEPS_PER_S
    clock[_STEP_FRAMES_LEFT] = sample_rate // _STEPS_PER_S + clock[_REMAINDER] // _STEPS_PER_S
    clock[_REMAINDER] %= _STEPS_PER_S

    momentary = 0.0
    for back in range(_MOMENTARY_STEPS):
        momentary += steps[newest - back]
    short_term = 0.0
    for step in steps:
        short_term += step
    momentary *= _STEPS_PER_S / (_MOMENTARY_STEPS * sample_rate)
    short_term *= _STEPS_PER_S / (_SHORT_TERM_STEPS * sample_rate)
    figures[_MOMENTARY] = momentary
    figures[_SHORT_TERM] = short_term
    if clock[_IS_HELD]:
        return
    figures[_MAX_MOMENTARY] = max(figures[_MAX_MOMENTARY], momentary)
    figures[_MAX_SHORT_TERM] = max(figures[_MAX_SHORT_TERM], short_term)
    if clock[_STEPS_DONE] % _STEPS_BETWEEN_WINDOWS == 0:
        if clock[_STEPS_DONE] >= _MOMENTARY_STEPS:
            count_window(counts[0], energies[0], momentary)
            recent[clock[_STEPS_DONE] // _STEPS_BETWEEN_WINDOWS % len(recent)] = momentary
        if clock[_STEPS_DONE] >= _SHORT_TERM_STEPS:
            count_window(counts[1], energies[1], short_term)


@kernel(
    "void(float32[:, :], int64, float64[::1], float64[::1], float64[:, ::1], float32[:, ::1], float32[:, ::1], "
    "float32[::1], float32[::1], int64[::1], float64[::1], float64[::1], int64[:, ::1], float64[:, ::1], float64[::1])"
)
def measure(
    block: NDArray[np.float32],
    sample_rate: int,
    weights: NDArray[np.float64],
    coefficients: NDArray[np.float64],
    filters: NDArray[np.float64],
    samples: NDArray[np.float32],
    rows: NDArray[np.float32],
    points: NDArray[np.float32],
    peaks: NDArray[np.float32],
    clock: NDArray[np.int64],
    figures: NDArray[np.float64],
    steps: NDArray[np.float64],
    counts: NDArray[np.int64],
    energies: NDArray[np.float64],
    recent: NDArray[np.float64],
) -> None:
    """See `LoudnessMeter.process`; the arrays are its attributes."""
    channels, frames = block.shape
    start = 0
    while start < frames:
        length = min(frames - start, len(peaks), clock[_STEP_FRAMES_LEFT])
        peaks[:length] = 0.0
        for channel in range(channels):
            samples[channel, TAPS - 1 : TAPS - 1 + length] = block[channel, start : start + length]
            fresh = samples[channel, TAPS - 1 : TAPS - 1 + length]
            figures[_STEP_ENERGY] += weights[channel] * weighted_energy(fresh, coefficients, filters[channel])
            find_interval_peaks(samples[channel], length, rows, points, peaks)
            for frame in range(TAPS - 1):
                samples[channel, frame] = samples[channel, frame + length]
        if not clock[_IS_HELD]:
            for frame in range(length):
                figures[_TRUE_PEAK] = max(figures[_TRUE_PEAK], np.float64(peaks[frame]))
        clock[_STEP_FRAMES_LEFT] -= length
        if clock[_STEP_FRAMES_LEFT] == 0:
            _end_step(sample_rate, clock, figures, steps, counts, energies, recent)
        start += length
