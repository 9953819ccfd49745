"""The delay between a voice and the same voice after a chain has worked on it.

Pure mathematics on two recordings of one clock; nothing waits. A chain filters, denoises and compresses, so levels and noise
differ on both sides; the phase of the voice does not, and that is what is compared.

Source: C. Knapp, G. Carter, "The generalized correlation method for estimation of time delay", IEEE ASSP-24 (1976), with
part of the phase transform's weighting.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

_LOWEST_HZ, _HIGHEST_HZ = 300.0, 6000.0
_WHITENING = 0.75
_LEAST_RMS = 10 ** (-60 / 20)
_CLEAR_SIGMAS = 20.0
_CLEAR_RATIO = 2.0
_PEAK_HALF_WIDTH_MS = 2.5


@dataclass(frozen=True, slots=True)
class Delay:
    """A delay, and by how much its peak stands out: in standard deviations, and against the next best peak."""

    delay_ms: float
    sigmas: float
    ratio: float

    @property
    def is_clear(self) -> bool:
        """Whether it is to be believed."""
        return self.sigmas > _CLEAR_SIGMAS and self.ratio > _CLEAR_RATIO


def delay_between(
    before: NDArray[np.float32], after: NDArray[np.float32], rate_hz: int, most_ms: float = 500.0
) -> Delay | None:
    """Find by how much `after` lags `before`.

    Parameters
    ----------
    before, after : NDArray[np.float32]
        Shape (frames,), of one length and one clock; a few seconds of speech.
    most_ms : float
        Longest delay that is looked for.

    Returns
    -------
    Delay or None
        None if either is as good as silent.
    """
    if min(_rms(before), _rms(after)) < _LEAST_RMS:
        return None
    size = 1 << int(np.ceil(np.log2(2 * before.size)))
    cross = np.conj(np.fft.rfft(before, size)) * np.fft.rfft(after, size)
    frequency_hz = np.fft.rfftfreq(size, 1 / rate_hz)
    cross[(frequency_hz < _LOWEST_HZ) | (frequency_hz > _HIGHEST_HZ)] = 0.0
    magnitude = np.abs(cross)
    cross /= np.maximum(magnitude, magnitude.max() * 1e-9) ** _WHITENING
    correlation = np.abs(np.fft.irfft(cross, size))
    # Delays below zero cannot be: they show how high chance alone reaches.
    most = int(most_ms * rate_hz / 1e3)
    searched = np.concatenate((correlation[-most:], correlation[: most + 1]))
    peak = int(np.argmax(correlation[: most + 1]))
    half_width = int(_PEAK_HALF_WIDTH_MS * rate_hz / 1e3)
    rest = np.delete(searched, np.s_[max(0, most + peak - half_width) : most + peak + half_width + 1])
    height = float(correlation[peak])
    return Delay(peak / rate_hz * 1e3, height / float(np.sqrt(np.mean(rest**2))), height / float(rest.max()))


def _rms(frames: NDArray[np.float32]) -> float:
    return float(np.sqrt(np.mean(np.square(frames, dtype=np.float64))))
