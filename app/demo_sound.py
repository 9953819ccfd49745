"""A noisy microphone for machines without one: real speech under made noise (a fan, mains hum, a keyboard), always the same."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soundfile
import soxr
from numpy.typing import NDArray

from engine import SAMPLE_RATE_HZ

_SEED = 7
_SNR_DB = 8.0
_SPEECH_DBFS = -24.0
_KEYS_PER_S = 3.0
_FRAME = SAMPLE_RATE_HZ // 50

Mono = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class DemoSound:
    """Speech alone and under noise, both of shape (frames,) at 48 kHz."""

    speech: Mono
    noisy: Mono


def make_demo_sound(speech_file: Path) -> DemoSound:
    """Put noise over the speech in `speech_file`, at a signal-to-noise ratio of 8 dB."""
    speech, sample_rate = soundfile.read(speech_file, dtype="float32", always_2d=True)
    mono = soxr.resample(speech.mean(axis=1), sample_rate, SAMPLE_RATE_HZ).astype(np.float32)
    mono *= 10 ** (_SPEECH_DBFS / 20) / _active_rms(mono)
    noise = _make_noise(len(mono))
    noise *= 10 ** ((_SPEECH_DBFS - _SNR_DB) / 20) / np.sqrt(np.mean(np.square(noise)))
    return DemoSound(mono, (mono + noise).astype(np.float32))


def removed_noise_db(sound: DemoSound, output: Mono) -> float | None:
    """How much quieter the pauses of the speech became; None if the output is too short to say.

    Compares the level of input and output, aligned by correlation, over the quietest tenth of the frames of the speech
    alone; gains that the chain applies to everything are not taken out.
    """
    if len(output) < 2 * SAMPLE_RATE_HZ:
        return None
    aligned = output[_lag(sound.speech, output) :]
    frames = min(len(aligned), len(sound.noisy)) // _FRAME
    # The first second is left out: the network is still learning what the noise is.
    speech = _frame_power(sound.speech, frames)
    speech[: SAMPLE_RATE_HZ // _FRAME] = np.inf
    pauses = speech <= np.quantile(speech, 0.1)
    before = _frame_power(sound.noisy, frames)[pauses].mean()
    after = _frame_power(aligned, frames)[pauses].mean()
    return float(10 * np.log10(before / max(after, 1e-12)))


def _make_noise(frames: int) -> Mono:
    random = np.random.default_rng(_SEED)
    seconds = np.arange(frames) / SAMPLE_RATE_HZ
    hum = sum(np.sin(2 * np.pi * 50 * n * seconds) / n for n in (1, 2, 3, 5)) * 0.15
    return (_fan(random, frames) + hum + _keyboard(random, frames)).astype(np.float32)


def _fan(random: np.random.Generator, frames: int) -> NDArray[np.float64]:
    """Noise that falls by 4.5 dB an octave, as moving air does."""
    spectrum = np.fft.rfft(random.standard_normal(frames))
    frequency = np.fft.rfftfreq(frames, 1 / SAMPLE_RATE_HZ)
    spectrum *= np.maximum(frequency, 40.0) ** -0.75
    noise: NDArray[np.float64] = np.fft.irfft(spectrum, frames)
    noise /= np.std(noise)
    return noise


def _keyboard(random: np.random.Generator, frames: int) -> NDArray[np.float64]:
    """Short clicks at random times, each a decaying burst."""
    clicks = np.zeros(frames)
    length = SAMPLE_RATE_HZ // 50
    envelope = np.exp(-np.arange(length) / (0.003 * SAMPLE_RATE_HZ))
    for start in random.integers(0, max(1, frames - length), int(frames / SAMPLE_RATE_HZ * _KEYS_PER_S)):
        clicks[start : start + length] += 6.0 * random.standard_normal(length) * envelope
    return clicks[:frames]


def _lag(reference: Mono, delayed: Mono) -> int:
    """By how many samples, up to half a second, `delayed` lags `reference`."""
    frames = min(len(reference), len(delayed))
    size = 1 << (2 * frames - 1).bit_length()
    spectrum = np.fft.rfft(delayed[:frames], size) * np.conj(np.fft.rfft(reference[:frames], size))
    return int(np.argmax(np.fft.irfft(spectrum, size)[: SAMPLE_RATE_HZ // 2]))


def _frame_power(samples: Mono, frames: int) -> NDArray[np.float64]:
    squares = np.square(samples[: frames * _FRAME].reshape(frames, _FRAME), dtype=np.float64)
    return np.asarray(squares.mean(axis=1))


def _active_rms(samples: Mono) -> float:
    power = _frame_power(samples, len(samples) // _FRAME)
    return float(np.sqrt(power[power > power.max() * 1e-3].mean()))
