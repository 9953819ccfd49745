"""The long-term average spectrum of speech: what a voice brings by itself, before any room or microphone.

Source: D. Byrne et al., "An international comparison of long-term average speech spectra", JASA 96 (1994) 2108-2120, table
II: third-octave levels of speakers of 12 languages, at 70 dB SPL overall.
"""

from __future__ import annotations

import math

import numpy as np

from engine.dsp.curve import Curve, Values

MALE, FEMALE, ANY = SPEAKERS = ("male", "female", "any")

_CENTRES_HZ = 1000.0 * 2.0 ** (np.arange(-12, 13) / 3.0)
_LEVELS_DB = {
    MALE: (
        38.6, 43.5, 54.4, 57.7, 56.8, 58.2, 59.7, 60.0, 62.4, 62.6, 60.6, 55.7, 53.1,
        53.7, 52.3, 48.7, 48.9, 47.0, 46.0, 44.4, 43.3, 42.4, 41.9, 39.8, 40.4,
    ),
    FEMALE: (
        37.0, 36.0, 37.5, 40.1, 53.4, 62.2, 60.9, 58.1, 61.7, 61.7, 60.4, 58.0, 54.3,
        52.3, 51.7, 48.8, 47.3, 46.7, 45.3, 44.6, 45.2, 44.9, 45.0, 42.8, 41.1,
    ),
    ANY: (
        38.6, 43.5, 54.4, 57.7, 56.8, 60.2, 60.3, 59.0, 62.1, 62.1, 60.5, 56.8, 53.7,
        53.0, 52.0, 48.7, 48.1, 46.8, 45.6, 44.5, 44.3, 43.7, 43.4, 41.3, 40.7,
    ),
}  # fmt: skip


def speech_spectrum(speaker: str) -> Curve:
    """Third-octave levels of a kind of speaker, 63 Hz to 16 kHz: one of `SPEAKERS`."""
    return Curve(_CENTRES_HZ, np.array(_LEVELS_DB[speaker]))


def speech_weights(frequencies_hz: Values) -> Values:
    """Share of each of these frequencies, a constant ratio apart, in the loudness of speech; they sum to one.

    Source: the levels above under the pre-filter of ITU-R BS.1770-5, annex 1, here as its two corners.
    """
    high_pass_db = -20.0 * np.log10(1.0 + (38.0 / frequencies_hz) ** 2)
    shelf_db = 4.0 / (1.0 + (1500.0 / frequencies_hz) ** 2)
    level_db = speech_spectrum(ANY).at(frequencies_hz) + high_pass_db + shelf_db
    # Beyond the table there is next to no speech.
    level_db -= 40.0 * np.maximum(0.0, math.log2(63.0) - np.log2(frequencies_hz))
    power = 10.0 ** (level_db / 10.0)
    return np.asarray(power / power.sum())
