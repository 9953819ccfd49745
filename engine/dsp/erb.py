"""Bands of equal width on the ear's own frequency scale (ERB-rate).

A speech model that looks at a spectrum through some thirty of them sees what the ear tells apart, and no more.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

_LEAKAGE_HZ = 24.7
_QUALITY = 9.265


def erb_rate(frequency_hz: NDArray[np.float64]) -> NDArray[np.float64]:
    """Number of ERBs below a frequency.

    Source: Glasberg & Moore 1990, "Derivation of auditory filter shapes from notched-noise data", eq. 3 integrated.
    """
    return np.asarray(_QUALITY * np.log1p(frequency_hz / (_LEAKAGE_HZ * _QUALITY)))


def erb_frequency(rate: NDArray[np.float64]) -> NDArray[np.float64]:
    """Frequency in Hz below which lie `rate` ERBs; the inverse of `erb_rate`."""
    return np.asarray(_LEAKAGE_HZ * _QUALITY * np.expm1(rate / _QUALITY))


def erb_band_ends(sample_rate: int, fft_size: int, bands: int, min_bins: int) -> NDArray[np.int64]:
    """Bin after the last one of each band: band b holds the bins ends[b - 1] to ends[b] - 1, starting at 0.

    Parameters
    ----------
    min_bins : int
        The lowest bands would be narrower than a bin; each is given at least so many, and the next ones catch up.

    Returns
    -------
    NDArray[np.int64]
        Shape (bands,), ending with fft_size // 2 + 1.
    """
    top = erb_rate(np.array(sample_rate / 2.0))
    edges_hz = erb_frequency(top * np.arange(1, bands + 1) / bands)
    ends = np.rint(edges_hz * fft_size / sample_rate).astype(np.int64)
    previous = 0
    for band in range(bands):
        previous = ends[band] = max(ends[band], previous + min_bins)
    ends[-1] = fft_size // 2 + 1
    return ends
