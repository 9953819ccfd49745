"""Loudness over a session of any length in fixed memory: one value a second at first, coarser the longer it lasts.

Each time the memory is full, neighbours are merged by energy and twice as long a time makes a value from then on: half an
hour is kept by the second, a day by the minute. Audio thread for `process` and `reset`; any thread may read.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

FLOOR_LUFS = -70.0
"""Nothing is kept below the standard's absolute gate."""

_POINTS = 1800
_SECONDS_PER_LOOK = 1.0


class LoudnessHistory:
    """Short-term loudness, looked at once a second."""

    def __init__(self, sample_rate: int, points: int = _POINTS) -> None:
        self._frames_per_look = round(_SECONDS_PER_LOOK * sample_rate)
        self._energies = np.zeros(points)
        self._frames_left = self._frames_per_look
        self._looks_per_point = 1
        self._looks = self._count = 0
        self._sum = 0.0

    @property
    def interval_s(self) -> float:
        """Time that each value stands for."""
        return self._looks_per_point * _SECONDS_PER_LOOK

    def process(self, frames: int, short_term_lufs: float) -> None:
        """So many frames have passed, and this is the loudness now. Audio thread."""
        self._frames_left -= frames
        if self._frames_left > 0:
            return
        self._frames_left += self._frames_per_look
        self._sum += 10.0 ** (max(short_term_lufs, FLOOR_LUFS) / 10.0)
        self._looks += 1
        if self._looks < self._looks_per_point:
            return
        self._energies[self._count] = self._sum / self._looks
        self._sum, self._looks = 0.0, 0
        self._count += 1
        if self._count == len(self._energies):
            self._count //= 2
            self._energies[: self._count] = self._energies.reshape(-1, 2).mean(axis=1)
            self._looks_per_point *= 2

    def read_lufs(self) -> NDArray[np.float64]:
        """All values, oldest first, at least `FLOOR_LUFS`. Control thread."""
        values: NDArray[np.float64] = 10.0 * np.log10(np.maximum(self._energies[: self._count], 1e-7))
        return values

    def reset(self) -> None:
        """Begin anew. Audio thread."""
        self._frames_left = self._frames_per_look
        self._looks_per_point = 1
        self._looks = self._count = 0
        self._sum = 0.0
