"""How late a denoiser really is: the correlation of what it makes of something like a voice with that itself.

A file may say what it likes about its delay; if that is wrong, the voice shifts against everything that is aligned to it.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from engine.inference.frame_denoiser import FrameDenoiser, no_residual

SOUND_S = 2.0
CLEAR = 0.3
"""Correlation from which on the voice is taken to have come through."""


def made_voice(sample_rate: int, seconds: float = SOUND_S) -> NDArray[np.float32]:
    """Syllables of a gliding pitch with the spectral slope of a voice: no two moments are alike, so the lag is certain."""
    time_s = np.arange(round(seconds * sample_rate)) / sample_rate
    phase = 2 * np.pi * np.cumsum(140.0 + 40.0 * np.sin(2 * np.pi * 0.37 * time_s)) / sample_rate
    voice = sum(np.sin(harmonic * phase) / harmonic for harmonic in range(1, 20))
    syllables = np.maximum(0.0, np.sin(2 * np.pi * 3.3 * time_s)) ** 0.5
    return np.asarray(0.1 * voice * syllables, np.float32)


def measured_delay_samples(denoiser: FrameDenoiser) -> int | None:
    """By how many samples it is late; None if too little of the voice comes through to tell."""
    hop = denoiser.hop_samples
    sound = made_voice(denoiser.sample_rate)
    sound = sound[: sound.size // hop * hop]
    stream = denoiser.stream()
    out = np.zeros_like(sound)
    for start in range(0, sound.size, hop):
        stream.process(sound[start : start + hop].copy(), out[start : start + hop], no_residual)
    size = 2 * sound.size
    correlation = np.fft.irfft(np.fft.rfft(out, size) * np.conj(np.fft.rfft(sound, size)))[: sound.size]
    lag = int(np.argmax(correlation))
    scale = float(np.linalg.norm(out) * np.linalg.norm(sound))
    return lag if correlation[lag] > CLEAR * max(scale, 1e-12) else None
