"""Rooms whose response is known, because they are made here, and something like a voice to speak in them."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import signal

from engine.dsp.correction import Room
from engine.dsp.curve import GRID_HZ, Curve, power_spectrum, psychoacoustic_db
from engine.dsp.speech_spectrum import ANY, speech_spectrum

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


def speech_like(seconds: float = 30.0, seed: int = 1) -> NDArray[np.float64]:
    """A humming, breathy voice with the average spectrum of speech, in syllables with pauses, over a faint room noise."""
    rng = np.random.default_rng(seed)
    frames = round(seconds * RATE_HZ)
    frequencies = np.maximum(np.fft.rfftfreq(frames, 1 / RATE_HZ), 20.0)
    density = speech_spectrum(ANY).at(frequencies) - 10 * np.log10(frequencies)
    t = np.arange(frames) / RATE_HZ
    pitch_hz = 130.0 * 2.0 ** (0.25 * np.sin(2 * np.pi * 0.31 * t + seed) + 0.15 * np.sin(2 * np.pi * 0.83 * t))
    pulses = np.diff(np.floor(np.cumsum(pitch_hz) / RATE_HZ), prepend=0.0) * np.sqrt(RATE_HZ / pitch_hz)
    source = 0.9 * pulses + 0.45 * rng.standard_normal(frames)
    voiced = np.fft.irfft(np.fft.rfft(source) * 10 ** (density / 20), frames)
    gate = (np.sin(2 * np.pi * 1.7 * t) > -0.2) & (np.sin(2 * np.pi * 0.23 * t) > -0.6)
    smooth = np.convolve(gate, np.full(480, 1 / 480), mode="same")
    voice = smooth * voiced / np.abs(voiced).max()
    return np.asarray(0.5 * voice + 1e-4 * rng.standard_normal(frames))
