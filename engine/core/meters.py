"""How long things took, kept on the audio thread in bounded memory and read by anyone.

A reader may see a value from between two blocks; that is harmless, and the writer never waits for it.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np


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
        # Few bins are ever hit, and every snapshot asks each stage: what takes Python's lock long makes the sound wait.
        # In a copy: numpy refuses to look for what is not zero while the audio thread goes on counting.
        counts = self._counts.copy()
        (bins,) = counts.nonzero()
        if not bins.size:
            return None
        cumulative = counts[bins].cumsum()
        ranks = [math.ceil(share * int(cumulative[-1])) for share in (0.5, 0.99, 0.999)]
        positions = bins[cumulative.searchsorted(ranks)].tolist()
        # The middle of a bin stands for it; the maximum is exact, and bounds the others.
        max_ms = self._max_ns * 1e-6
        p50_ms, p99_ms, p999_ms = (
            min(1e-3 * 10.0 ** ((position + 0.5) / self._BINS_PER_DECADE), max_ms) for position in positions
        )
        return DurationPercentiles(p50_ms, p99_ms, p999_ms, max_ms)

    def reset(self) -> None:
        """Begin anew. Control thread."""
        self._counts[:] = 0
        self._max_ns = 0
        self._total = 0
