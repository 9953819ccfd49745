"""Rooms whose response is known, because they are made here."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import signal

from engine.dsp.correction import Room
from engine.dsp.curve import GRID_HZ, Curve, power_spectrum, psychoacoustic_db

RATE_HZ = 48_000


def room_impulse(
    t60_s: float = 0.4, boxy_db: float = 6.0, seed: int = 1, seconds: float = 1.0, early_ms: float = 3.0
) -> NDArray[np.float64]:
    """Direct sound, one reflection of a desk, and a tail that decays by 60 dB in `t60_s`; boxy at 300 Hz, dull on top."""
    rng = np.random.default_rng(seed)
    t = np.arange(round(seconds * RATE_HZ)) / RATE_HZ
    impulse = 0.05 * rng.standard_normal(t.size) * 10 ** (-3 * t / t60_s)
    impulse[: round(early_ms * RATE_HZ / 1e3)] = 0.0
    impulse[0] = 1.0
    impulse[round(0.001 * RATE_HZ)] = 0.5
    boost = 10 ** (boxy_db / 40)
    centre = 2 * np.pi * 300 / RATE_HZ
    alpha = np.sin(centre) / 2
    peak = (
        np.array([1 + alpha * boost, -2 * np.cos(centre), 1 - alpha * boost]),
        np.array([1 + alpha / boost, -2 * np.cos(centre), 1 - alpha / boost]),
    )
    dull = signal.butter(1, 7000, fs=RATE_HZ)
    return np.asarray(signal.lfilter(*dull, signal.lfilter(*peak, impulse)))


def room_of(impulse: NDArray[np.float64]) -> Room:
    """What a measurement without any error would make of a response."""
    return Room(Curve(GRID_HZ, psychoacoustic_db(power_spectrum(impulse), RATE_HZ)))
