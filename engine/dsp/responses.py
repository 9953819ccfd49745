"""What stages do to levels and frequencies, as curves. Light, so that a window may draw what the engine does. Any thread.

Source: R. Bristow-Johnson, "Cookbook formulae for audio equalizer biquad filter coefficients"; D. Giannoulis, M. Massberg,
J. D. Reiss, "Digital Dynamic Range Compressor Design", J. Audio Eng. Soc. 60(6), 2012, equation (4).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

PEAK, LOW_SHELF, HIGH_SHELF, LOW_CUT, HIGH_CUT, NOTCH = KINDS = (
    "peak",
    "low shelf",
    "high shelf",
    "low cut",
    "high cut",
    "notch",
)
SECTION_VALUES = 5
BANDS = 10
_BASS_HZ, _TREBLE_HZ = 160.0, 5000.0
_TONE_Q, _MIDDLE_Q = 0.6, 0.7


def warped_frequency(cutoff_hz: float, sample_rate: int) -> float:
    """Cut-off as the filter takes it, pre-warped so that it lies exactly at `cutoff_hz`."""
    return math.tan(math.pi * min(cutoff_hz, 0.49 * sample_rate) / sample_rate)


def section(kind: str, frequency_hz: float, gain_db: float, q: float, sample_rate: int) -> tuple[float, ...]:
    """Target of one section: logarithm of the warped frequency, damping, and shares of input, band and low.

    Parameters
    ----------
    kind : str
        One of KINDS; cuts and notch have no gain.
    q : float
        As in the cookbook; a shelf with q = 0.707 has no bump.
    """
    root = 10.0 ** (gain_db / 40.0)
    warped = warped_frequency(frequency_hz, sample_rate)
    damping = 1.0 / q
    if kind == PEAK:
        damping /= root
        shares = (1.0, damping * (root * root - 1.0), 0.0)
    elif kind == LOW_SHELF:
        warped /= math.sqrt(root)
        shares = (1.0, damping * (root - 1.0), root * root - 1.0)
    elif kind == HIGH_SHELF:
        warped *= math.sqrt(root)
        shares = (root * root, damping * (1.0 - root) * root, 1.0 - root * root)
    elif kind == LOW_CUT:
        shares = (1.0, -damping, -1.0)
    elif kind == HIGH_CUT:
        shares = (0.0, 0.0, 1.0)
    else:
        shares = (1.0, -damping, 0.0)
    return math.log(warped), damping, *shares


def response_db(
    sections: NDArray[np.float64], frequencies_hz: NDArray[np.float64], sample_rate: int
) -> NDArray[np.float64]:
    """Gain in dB of all sections in a row at these frequencies, for a drawing. Any thread.

    Parameters
    ----------
    sections : NDArray[np.float64]
        Shape (bands, SECTION_VALUES), rows of `section`.
    """
    # The trapezoidal rule maps the analogue frequency axis onto this one, so the analogue response can be read off.
    s = 1j * np.tan(np.pi * np.minimum(frequencies_hz, 0.4999 * sample_rate) / sample_rate)
    gain_db = np.zeros(len(frequencies_hz))
    for log_warped, damping, whole, band, low in sections:
        here = s / math.exp(log_warped)
        response = whole + (band * here + low) / (here * here + damping * here + 1.0)
        gain_db += 20.0 * np.log10(np.maximum(np.abs(response), 1e-10))
    return gain_db


def equalizer_sections(values: Mapping[str, Any], sample_rate: int) -> NDArray[np.float64]:
    """All sections of the equalizer, shape (13, SECTION_VALUES), rows of `section`.

    Parameters
    ----------
    values : Mapping[str, Any]
        The stage's parameters by name.
    """
    tones = [
        section(LOW_SHELF, _BASS_HZ, values["bass_db"], _TONE_Q, sample_rate),
        section(PEAK, values["middle_hz"], values["middle_db"], _MIDDLE_Q, sample_rate),
        section(HIGH_SHELF, _TREBLE_HZ, values["treble_db"], _TONE_Q, sample_rate),
    ]
    bands = [
        section(
            values[f"band{band}_kind"],
            values[f"band{band}_hz"],
            values[f"band{band}_db"],
            values[f"band{band}_q"],
            sample_rate,
        )
        for band in range(1, BANDS + 1)
    ]
    return np.array(tones + bands)


def equalizer_gain_db(
    values: Mapping[str, Any], frequencies_hz: NDArray[np.float64], sample_rate: int
) -> NDArray[np.float64]:
    """Gain of the whole equalizer in dB at each frequency; `values` as in `equalizer_sections`."""
    gain_db = response_db(equalizer_sections(values, sample_rate), frequencies_hz, sample_rate)
    return gain_db + float(values["preamp_db"])


def compressed_dbfs(
    levels_dbfs: NDArray[np.float64], threshold_db: float, ratio: float, knee_db: float, makeup_db: float = 0.0
) -> NDArray[np.float64]:
    """Level that leaves a compressor for each that arrives. A limiter is one of infinite ratio."""
    over_db = levels_dbfs - threshold_db
    half_knee_db = knee_db / 2.0
    bent_db = (over_db + half_knee_db) ** 2 / (2.0 * max(knee_db, 1e-9))
    shape_db = np.where(over_db >= half_knee_db, over_db, np.where(over_db <= -half_knee_db, 0.0, bent_db))
    leaving: NDArray[np.float64] = levels_dbfs - (1.0 - 1.0 / ratio) * shape_db + makeup_db
    return leaving
