"""Spectra for the eye: power in twelfth-octave bands on one fixed logarithmic grid. Control thread, only when asked for."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from engine.snapshot import SpectrumSnapshot

_LOWEST_HZ = 30.0
_HIGHEST_HZ = 20_000.0
_BANDS = 112
_FLOOR_DBFS = -120.0


class SpectrumAnalyzer:
    """Computes band spectra of stretches of a fixed length.

    Parameters
    ----------
    frames : int
        Length of the stretches.
    """

    def __init__(self, sample_rate: int, frames: int) -> None:
        self._window = np.hanning(frames).astype(np.float32)
        self._scale = 2.0 / float(self._window.sum())
        edges_hz = np.geomspace(_LOWEST_HZ, _HIGHEST_HZ, _BANDS + 1)
        bins = np.fft.rfftfreq(frames, 1.0 / sample_rate)
        # At the low end several bands share one bin: each band takes at least the bin it lies in.
        self._first = np.minimum(np.searchsorted(bins, edges_hz[:-1]), len(bins) - 2)
        self._last = np.maximum(np.searchsorted(bins, edges_hz[1:]), self._first + 1)
        self.frequencies_hz = tuple(float(value) for value in np.sqrt(edges_hz[:-1] * edges_hz[1:]))

    def snapshot(self, input_sound: NDArray[np.float32], output_sound: NDArray[np.float32]) -> SpectrumSnapshot:
        """Spectra of two stretches, each of shape (frames,)."""
        return SpectrumSnapshot(self.frequencies_hz, self._bands_dbfs(input_sound), self._bands_dbfs(output_sound))

    def _bands_dbfs(self, samples: NDArray[np.float32]) -> tuple[float, ...]:
        spectrum = np.fft.rfft(samples * self._window) * self._scale
        cumulative = np.concatenate(([0.0], np.cumsum(np.square(np.abs(spectrum), dtype=np.float64))))
        power = cumulative[self._last] - cumulative[self._first]
        levels_db = 10.0 * np.log10(np.maximum(power, 10 ** (_FLOOR_DBFS / 10)))
        return tuple(round(float(level), 1) for level in levels_db)
