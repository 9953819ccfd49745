"""Delay between two channels that were recorded in one clock, by chirps: the yardstick for every latency figure.

A chirp of 10 ms every half second is played into the microphone; the lag of its correlation peak between the two channels is
the delay, to a fraction of a millisecond.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

RATE_HZ = 48_000
_LENGTH = 480
_EVERY = RATE_HZ // 2
_SEARCHED = RATE_HZ // 2 - 2 * _LENGTH


def chirp_train(seconds: float) -> NDArray[np.float32]:
    """Chirps from 500 Hz to 8 kHz, mono at 48 kHz."""
    train = np.zeros(int(seconds * RATE_HZ), np.float32)
    for start in range(_EVERY, train.size - _LENGTH, _EVERY):
        train[start : start + _LENGTH] = _chirp()
    return train


def delays_ms(before: NDArray[np.float32], after: NDArray[np.float32]) -> NDArray[np.float64]:
    """Delay of every chirp in `before` that is found again in `after`."""
    heard, found = _correlate(before), _correlate(after)
    loud = 0.3 * float(heard.max())
    delays = []
    at = 0
    while at + _LENGTH + _SEARCHED < heard.size:
        ahead = np.flatnonzero(heard[at : heard.size - _LENGTH - _SEARCHED] > loud)
        if ahead.size == 0:
            break
        start = at + int(ahead[0])
        start += int(np.argmax(heard[start : start + _LENGTH]))
        window = found[start : start + _SEARCHED]
        peak = int(np.argmax(window))
        if window[peak] > 0.3 * float(found.max()):
            delays.append(peak / RATE_HZ * 1e3)
        at = start + _EVERY // 2
    return np.asarray(delays)


def _chirp() -> NDArray[np.float32]:
    t = np.arange(_LENGTH) / RATE_HZ
    sweep = np.sin(2 * np.pi * (500 * t + 7500 / (2 * t[-1]) * t * t))
    chirp: NDArray[np.float32] = (0.7 * np.hanning(_LENGTH) * sweep).astype(np.float32)
    return chirp


def _correlate(frames: NDArray[np.float32]) -> NDArray[np.float64]:
    size = 1 << int(np.ceil(np.log2(frames.size + _LENGTH)))
    spectrum = np.fft.rfft(frames, size) * np.conj(np.fft.rfft(_chirp(), size))
    return np.asarray(np.fft.irfft(spectrum, size)[: frames.size])
