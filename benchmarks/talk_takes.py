"""What a microphone would hear of somebody who talks in a room, once or twice: takes for the room's benchmark, modelled."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import signal

from engine.measure.talk import CARDIOID, OMNI, PATTERNS

RATE_HZ = 48_000
TALK_S = 26
CLOSE_M, CLOSE_DIRECT_DB, ROOMY_DIRECT_DB = 0.2, 10.0, 4.0
WAYS = TALKING, AGAIN, UNSAID, FREELY, ROOMY, OTHER_WORDS, IDENTICAL = (
    "just talk",
    "talk twice",
    "microphone not said",
    "read freely",
    "more room",
    "other words",
    "identical",
)
Samples = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Voice:
    """Somebody who speaks, and how high the recording of it reaches."""

    sound: Samples
    top_hz: float


def convolved(sound: Samples, impulse: Samples) -> Samples:
    """The first as long as it is, in the room of the second."""
    size = 1 << (sound.size + impulse.size - 1).bit_length()
    return np.asarray(np.fft.irfft(np.fft.rfft(sound, size) * np.fft.rfft(impulse, size), size)[: sound.size])


def close_takes(voice: Voice, impulse: Samples, seed: int) -> Iterator[tuple[str, Samples | None, str]]:
    """Ways to talk, what is heard close to the microphone in each, and what is said of the microphone's kind."""
    other, same = voice.sound[: TALK_S * RATE_HZ], voice.sound[-TALK_S * RATE_HZ :]
    rng = np.random.default_rng(seed)
    yield TALKING, None, ""
    for pattern in PATTERNS:
        heard = close_by(said_again(same, rng), impulse, pattern, rng)
        yield AGAIN, heard, pattern
        yield UNSAID, heard, ""
        yield FREELY, close_by(varied(said_again(same, rng), rng), impulse, pattern, rng), pattern
        yield ROOMY, close_by(said_again(same, rng), impulse, pattern, rng, ROOMY_DIRECT_DB), pattern
        yield OTHER_WORDS, close_by(other, impulse, pattern, rng), pattern
    yield IDENTICAL, peaked(same), OMNI


def said_again(words: Samples, rng: np.random.Generator) -> Samples:
    """Words as the same voice would say them once more, modelled.

    All of it up to 3 % faster and higher, or slower and lower; each fifth of a second louder or softer by 3 dB (standard
    deviation).
    """
    pace = rng.uniform(0.97, 1.03)
    again = np.interp(np.arange(0.0, words.size - 1.0, pace), np.arange(words.size), words)
    return np.asarray(again * 10 ** (wandering(rng, again.size, 0.2, 3.0) / 20))


def varied(words: Samples, rng: np.random.Generator) -> Samples:
    """Words with the pace and pitch of each third of a second off by 8 %, each octave of each fifth by 2.5 dB."""
    pace = np.exp(wandering(rng, words.size, 0.3, 0.08))
    places = np.cumsum(pace)
    again = np.interp(places[places < words.size - 1], np.arange(words.size), words)
    _, _, spectra = signal.stft(again, RATE_HZ, nperseg=2048)
    octaves = np.log2(np.maximum(np.fft.rfftfreq(2048, 1 / RATE_HZ), 62.5) / 1000)
    knots = np.arange(-4.0, 5.0)
    gains_db = np.stack([wandering(rng, spectra.shape[1] * 1024, 0.2, 2.5)[::1024] for _ in knots])
    spectra *= 10 ** (np.stack([np.interp(octaves, knots, each) for each in gains_db.T], axis=1) / 20)
    return np.asarray(signal.istft(spectra, RATE_HZ, nperseg=2048)[1][: again.size])


def wandering(rng: np.random.Generator, size: int, every_s: float, deviation: float) -> Samples:
    """A value that is drawn anew so often, with straight lines between."""
    knots = np.arange(0, size + round(every_s * RATE_HZ), round(every_s * RATE_HZ))
    return np.interp(np.arange(size), knots, deviation * rng.standard_normal(knots.size))


def close_by(
    words: Samples, impulse: Samples, pattern: str, rng: np.random.Generator, direct_db: float = CLOSE_DIRECT_DB
) -> Samples:
    """Words close to the microphone: so far above what follows the direct sound, and lifted by a cardioid's proximity effect.

    Nobody holds a ruler and no cardioid is a perfect one: the distance is off by up to 40 %, the share of pressure gradient
    is 0.4 to 0.6.
    """
    after_direct = impulse.copy()
    after_direct[: int(np.argmax(np.abs(impulse))) + round(0.0025 * RATE_HZ)] = 0.0
    nearer = rng.uniform(0.7, 1.4)
    echo = convolved(words, after_direct)
    echo *= nearer * 10 ** (-direct_db / 20) * np.sqrt(np.sum(words**2) / np.sum(echo**2))
    heard = words + echo
    if pattern == CARDIOID:
        wave_number = 2 * np.pi * np.maximum(np.fft.rfftfreq(heard.size, 1 / RATE_HZ), 20.0) / 343.0
        lift = 1 + rng.uniform(0.4, 0.6) / (1j * wave_number * CLOSE_M * nearer)
        heard = np.fft.irfft(np.fft.rfft(heard) * lift, heard.size)
    return peaked(heard)


def peaked(sound: Samples) -> Samples:
    """As loud as a recording may be."""
    return np.asarray(0.5 * sound / np.abs(sound).max())
