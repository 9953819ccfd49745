"""The look-ahead limiter's loop: no true peak leaves above the ceiling, and what is below it leaves untouched.

Each interval between two samples asks for the gain that brings its peak down to the ceiling. The lowest gain asked for
nearby is held (sliding minimum), released slowly, and averaged over the look-ahead by three box filters in a row. Every
value averaged is at most what the delayed sample needs, so the average is too; and its ramp has no corner. The averages
run on integers: sums are exact, so the gain returns to exactly one and nothing drifts in a week. Audio thread; never waits.

Source: sliding minimum in constant time per sample: D. Lemire, "Streaming Maximum-Minimum Filter Using No More than Three
Comparisons per Element", Nordic J. Computing 13(4), 2006.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from engine.core.kernel import kernel
from engine.dsp.smoothing import glide, glide_is_over, new_glides
from engine.dsp.true_peak import REACH_SAMPLES, TAPS, find_interval_peaks, interpolator

# The gain is also right this many samples to either side of a peak, because an interpolated peak is made of its neighbours.
_SPREAD_SAMPLES = 4

# Meters differ in how they interpolate, so what is brought down at all is brought down this factor (0.2 dB) further; the
# margin opens gradually above the ceiling, so that the gain has no step.
_MARGIN = 1.0233

_SHORTEST_RAMP_SAMPLES = 16

_UNIT = 1 << 40


class LimiterState:
    """Everything the limiter remembers. Built on the control thread.

    Parameters
    ----------
    latency_samples : int
        Wish for the delay; raised where a low sample rate needs more.

    Attributes
    ----------
    latency_samples : int
        Delay of the signal: the interpolator's reach, the ramp, and the spread.
    """

    def __init__(self, channels: int, max_frames: int, latency_samples: int) -> None:
        ramp = max(latency_samples - REACH_SAMPLES - _SPREAD_SAMPLES + 1, _SHORTEST_RAMP_SAMPLES)
        self.latency_samples = REACH_SAMPLES + ramp - 1 + _SPREAD_SAMPLES
        hold = ramp + 2 * _SPREAD_SAMPLES + 1
        # Three boxes of these lengths in a row span `ramp` samples.
        self.boxes = np.array([(ramp + 2 + rest) // 3 for rest in range(3)], np.int64)
        self.history = np.zeros((channels, self.latency_samples + max_frames), np.float32)
        # A sharp interpolator and the gentle one of many meters: near the Nyquist frequency either may read higher.
        self.rows = np.concatenate((interpolator(8), interpolator(4, taps=20, kaiser_beta=5.0)))
        self.points = np.zeros(max_frames, np.float32)
        self.peaks = np.zeros(max_frames, np.float32)
        self.held_gains = np.zeros(hold + 1)
        self.held_since = np.zeros(hold + 1, np.int64)
        self.held = np.zeros(3, np.int64)
        self.rings = np.zeros((3, int(self.boxes.max())), np.int64)
        self.sums = np.zeros(3, np.int64)
        self.places = np.zeros(3, np.int64)
        self.released = np.ones(1)
        self.glides = new_glides(1)
        self.reset()

    def reset(self) -> None:
        """Forget the past: silence in the delay, gain one. Audio thread."""
        self.history[:] = 0.0
        self.held[:] = 0
        self.places[:] = 0
        self.released[:] = 1.0
        self.glides[:] = np.nan
        level = _UNIT
        for box, length in enumerate(self.boxes):
            self.rings[box] = level
            level *= int(length)
            self.sums[box] = level

    def process(self, block: NDArray[np.float32], ceiling: float, release: float, coefficient: float) -> float:
        """Limit `block` (channels, frames) in place and return the lowest gain used, 0…1. Audio thread.

        Parameters
        ----------
        ceiling : float
            Largest true peak, full scale = 1.0.
        release : float
            Share of the way back to one that is left after one sample.
        coefficient : float
            Of `glide_coefficient`, for changes of the ceiling.
        """
        return limit(
            block,
            self.history,
            self.rows,
            self.points,
            self.peaks,
            self.held_gains,
            self.held_since,
            self.held,
            self.boxes,
            self.rings,
            self.sums,
            self.places,
            self.released,
            self.glides,
            ceiling,
            release,
            coefficient,
        )


@kernel(
    "float64(float32[:, :], float32[:, ::1], float32[:, ::1], float32[::1], float32[::1], float64[::1], int64[::1], "
    "int64[::1], int64[::1], int64[:, ::1], int64[::1], int64[::1], float64[::1], float64[:, ::1], float64, float64, "
    "float64)"
)
def limit(
    block: NDArray[np.float32],
    history: NDArray[np.float32],
    rows: NDArray[np.float32],
    points: NDArray[np.float32],
    peaks: NDArray[np.float32],
    held_gains: NDArray[np.float64],
    held_since: NDArray[np.int64],
    held: NDArray[np.int64],
    boxes: NDArray[np.int64],
    rings: NDArray[np.int64],
    sums: NDArray[np.int64],
    places: NDArray[np.int64],
    released: NDArray[np.float64],
    glides: NDArray[np.float64],
    ceiling: float,
    release: float,
    coefficient: float,
) -> float:
    """See `LimiterState.process`; the arrays are its attributes."""
    channels, frames = block.shape
    latency = history.shape[1] - len(points)
    peaks[:frames] = 0.0
    for channel in range(channels):
        history[channel, latency : latency + frames] = block[channel]
        find_interval_peaks(history[channel, latency - TAPS + 1 :], frames, rows, points, peaks)

    slots = len(held_gains)
    full = _UNIT
    for box in range(3):
        full *= boxes[box]
    first, count, now = held
    slow = released[0]
    lowest = 1.0
    for frame in range(frames):
        limit_here = ceiling
        if not glide_is_over(glides, 0, ceiling):
            limit_here = glide(glides, 0, ceiling, coefficient)
        wanted = 1.0
        if peaks[frame] > limit_here:
            peak = np.float64(peaks[frame])
            wanted = limit_here / min(peak * _MARGIN, 1.5 * peak - 0.5 * limit_here)

        # The queue holds rising gains; the first is the lowest of the last `slots - 1` intervals.
        last = first + count - 1
        last -= slots if last >= slots else 0
        while count > 0 and held_gains[last] >= wanted:
            count -= 1
            last -= 1
            last += slots if last < 0 else 0
        last += 1
        last -= slots if last >= slots else 0
        held_gains[last] = wanted
        held_since[last] = now
        count += 1
        if held_since[first] <= now - (slots - 1):
            first += 1
            first -= slots if first >= slots else 0
            count -= 1
        now += 1

        lowest_nearby = held_gains[first]
        if lowest_nearby < slow:
            slow = lowest_nearby
        else:
            slow = lowest_nearby - release * (lowest_nearby - slow)
            if lowest_nearby - slow < 1e-10:
                slow = lowest_nearby

        level = np.int64(slow * _UNIT)
        for box in range(3):
            place = places[box]
            sums[box] += level - rings[box, place]
            rings[box, place] = level
            level = sums[box]
            place += 1
            places[box] = place if place < boxes[box] else 0

        if level == full:
            for channel in range(channels):
                block[channel, frame] = history[channel, frame]
        else:
            gain = np.float64(level) / np.float64(full)
            lowest = min(lowest, gain)
            for channel in range(channels):
                block[channel, frame] = np.float32(history[channel, frame] * gain)

    held[0] = first
    held[1] = count
    held[2] = now
    released[0] = slow
    for channel in range(channels):
        for frame in range(latency):
            history[channel, frame] = history[channel, frame + frames]
    return lowest
