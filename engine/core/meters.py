"""Figures kept on the audio thread in bounded memory and read by anyone: durations, levels, the last stretch of sound.

A reader may see a value from between two blocks; that is harmless, and the writer never waits for it.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from engine.core.stage import Block

SILENCE_DBFS = -120.0


@dataclass(frozen=True, slots=True)
class DurationPercentiles:
    """Percentiles of durations in milliseconds."""

    p50_ms: float
    p99_ms: float
    p999_ms: float
    max_ms: float


class DurationHistogram:
    """Durations in logarithmic bins: any run length, fixed memory, 0.7 % resolution from 1 µs to 10 s."""

    _BINS_PER_DECADE = 333
    _DECADES = 7

    def __init__(self) -> None:
        self._counts = np.zeros(self._BINS_PER_DECADE * self._DECADES, np.int64)
        self._max_ns = 0
        self._total = 0

    def add(self, duration_ns: int) -> None:
        """Count one duration. Audio thread."""
        position = int(self._BINS_PER_DECADE * math.log10(max(duration_ns, 1000) / 1000.0))
        self._counts[min(position, len(self._counts) - 1)] += 1
        self._total += 1
        self._max_ns = max(self._max_ns, duration_ns)

    @property
    def total(self) -> int:
        """How many durations were counted."""
        return self._total

    def percentiles(self) -> DurationPercentiles | None:
        """Percentiles so far, or None before the first. Control thread."""
        if self._total == 0:
            return None
        cumulative = np.cumsum(self._counts)
        positions = np.searchsorted(cumulative, np.ceil(np.array([0.5, 0.99, 0.999]) * cumulative[-1]))
        # The middle of a bin stands for it; the maximum is exact, and bounds the others.
        values_ms = np.minimum(1e-3 * 10.0 ** ((positions + 0.5) / self._BINS_PER_DECADE), self._max_ns * 1e-6)
        return DurationPercentiles(float(values_ms[0]), float(values_ms[1]), float(values_ms[2]), self._max_ns * 1e-6)

    def reset(self) -> None:
        """Begin anew. Control thread."""
        self._counts[:] = 0
        self._max_ns = 0
        self._total = 0


class LevelMeter:
    """Peak with a falling hold and RMS over about 300 ms, per channel.

    Parameters
    ----------
    fall_db_per_s : float
        How fast the shown peak falls; 20 dB in 1.7 s is the fall of a PPM (IEC 60268-10 type I).
    """

    def __init__(self, sample_rate: int, channels: int, fall_db_per_s: float = 20 / 1.7) -> None:
        self._sample_rate = sample_rate
        self._fall_db_per_s = fall_db_per_s
        self._peak = np.zeros(channels, np.float32)
        self._mean_square = np.zeros(channels, np.float32)
        self._block_peak = np.zeros(channels, np.float32)
        self._clip_frames_left = 0

    def process(self, block: Block) -> None:
        """Take in one block, shape (channels, frames). Audio thread."""
        seconds = block.shape[1] / self._sample_rate
        np.maximum(block.max(axis=1), -block.min(axis=1), out=self._block_peak)
        np.maximum(self._peak * 10 ** (-self._fall_db_per_s * seconds / 20), self._block_peak, out=self._peak)
        weight = 1.0 - math.exp(-seconds / 0.3)
        self._mean_square += weight * (np.einsum("cf,cf->c", block, block) / block.shape[1] - self._mean_square)
        # A clip stays lit for two seconds, long enough to be seen.
        is_clipping = bool((self._block_peak >= 1.0).any())
        self._clip_frames_left = 2 * self._sample_rate if is_clipping else self._clip_frames_left - block.shape[1]

    @property
    def peak_dbfs(self) -> tuple[float, ...]:
        """Peak per channel, −120 for silence."""
        return tuple(20 * math.log10(max(float(value), 1e-6)) for value in self._peak)

    @property
    def rms_dbfs(self) -> tuple[float, ...]:
        """RMS per channel, −120 for silence."""
        return tuple(10 * math.log10(max(float(value), 1e-12)) for value in self._mean_square)

    @property
    def is_clipping(self) -> bool:
        """Whether full scale was reached within the last two seconds."""
        return self._clip_frames_left > 0


class RecentSound:
    """The last stretch of one bus as mono, for whoever wants to look at it (the spectrum)."""

    def __init__(self, frames: int) -> None:
        self._samples = np.zeros(frames, np.float32)
        self._end = 0

    def process(self, block: Block) -> None:
        """Take in one block, no longer than the stretch. Audio thread."""
        frames = block.shape[1]
        first = min(frames, len(self._samples) - self._end)
        self._samples[self._end : self._end + first] = block[0, :first]
        self._samples[: frames - first] = block[0, first:]
        self._end = (self._end + frames) % len(self._samples)

    def read(self) -> NDArray[np.float32]:
        """Copy of the stretch, oldest first, shape (frames,). Control thread."""
        return np.roll(self._samples, -self._end)
