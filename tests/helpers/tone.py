"""One sine in a recording: its frequency, phase and everything in the recording that is not it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Tone:
    """A fitted sine, ``amplitude * sin(2 pi frequency_hz t + phase_rad)`` with t = 0 at the first frame."""

    frequency_hz: float
    amplitude: float
    phase_rad: float
    thd_n_db: float
    """Power of all the rest below that of the sine. No notch: slow frequency modulation counts too."""


def fit_tone(frames: NDArray[np.float32], rate_hz: float, near_hz: float) -> Tone:
    """Least-squares fit of a sine whose frequency is near `near_hz` (Gauss-Newton on the frequency)."""
    t = np.arange(frames.size) / rate_hz
    x = frames.astype(np.float64)
    frequency_hz = near_hz
    for _ in range(5):
        w = 2 * np.pi * frequency_hz
        sine, cosine = np.sin(w * t), np.cos(w * t)
        a, b = _solve(np.stack([sine, cosine], axis=1), x)[:2]
        rest = x - a * sine - b * cosine
        towards = t * (a * cosine - b * sine) * 2 * np.pi
        step = _solve(np.stack([sine, cosine, towards], axis=1), rest)[2]
        frequency_hz += float(step)
    power = float((a**2 + b**2) / 2)
    return Tone(frequency_hz, float(np.hypot(a, b)), float(np.arctan2(b, a)), 10 * np.log10(np.mean(rest**2) / power))


def _solve(columns: NDArray[np.float64], x: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray(np.linalg.solve(columns.T @ columns, columns.T @ x), np.float64)
