"""Curves over frequency: one grid for all measured responses, targets and corrections, and smoothing as the ear does it.

Nothing here waits.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Values = NDArray[np.float64]

GRID_HZ: Values = 1000.0 * 2.0 ** (np.arange(-135, 104) / 24.0)
"""24 frequencies an octave from 20.3 Hz to 19.6 kHz."""

THIRD_OCTAVES_HZ: Values = 1000.0 * 2.0 ** (np.arange(-10, 11) / 3.0)
"""Centres of the 21 bands from 100 Hz to 10 kHz. Source: IEC 61260-1, base two."""

_FLOOR_POWER = 1e-20


@dataclass(frozen=True, slots=True)
class Curve:
    """A gain or level over frequency.

    Attributes
    ----------
    frequencies_hz : array
        Rising, shape (points,).
    gain_db : array
        Shape (points,).
    """

    frequencies_hz: Values
    gain_db: Values

    def at(self, frequencies_hz: Values) -> Values:
        """Gain in dB at these frequencies: straight lines over the logarithm of the frequency, level beyond both ends."""
        return np.interp(np.log(frequencies_hz), np.log(self.frequencies_hz), self.gain_db)


def smoothed_db(
    power: Values, sample_rate: int, centres_hz: Values, widths_octaves: Values | float, exponent: float = 1.0
) -> Values:
    """Mean level in dB around each centre.

    Parameters
    ----------
    power : array
        Power in the bins of a transform, shape (size / 2 + 1,).
    widths_octaves : array or float
        Over which the mean is taken, at each centre.
    exponent : float
        Of the power inside the mean; 1 is the mean power, more gives peaks more weight.
    """
    bin_hz = sample_rate / (2.0 * (power.size - 1))
    # The integral from 0 to a frequency, each bin reaching half a bin to both sides, read off between bins.
    edges = np.concatenate(([0.0], np.cumsum(np.maximum(power, _FLOOR_POWER) ** exponent)))
    reach = 2.0 ** (np.asarray(widths_octaves) / 2.0)
    last = power.size - 1e-9
    low = np.clip(centres_hz / reach / bin_hz + 0.5, 0.0, last - 1.0)
    high = np.clip(centres_hz * reach / bin_hz + 0.5, low + 1.0, last)
    places = np.arange(edges.size)
    mean = (np.interp(high, places, edges) - np.interp(low, places, edges)) / (high - low)
    return 10.0 / exponent * np.log10(np.maximum(mean, _FLOOR_POWER))


def third_octave_db(power: Values, sample_rate: int, centres_hz: Values = THIRD_OCTAVES_HZ) -> Values:
    """Mean power in third octaves, in dB."""
    return smoothed_db(power, sample_rate, centres_hz, 1.0 / 3.0)


def psychoacoustic_db(power: Values, sample_rate: int, centres_hz: Values = GRID_HZ) -> Values:
    """Level as the ear sums it: third octaves up to 100 Hz, sixths from 1 kHz, peaks weighing more than dips.

    Source: "Psychoacoustic smoothing", Room EQ Wizard help, graph panel: the cubic mean of the magnitude.
    """
    widths = 1.0 / np.interp(np.log2(centres_hz), np.log2([100.0, 1000.0]), [3.0, 6.0])
    return smoothed_db(power, sample_rate, centres_hz, widths, exponent=1.5)


def power_spectrum(impulse: NDArray[np.floating], least_size: int = 1 << 16) -> Values:
    """Power in the bins of a transform of an impulse response, shape (size / 2 + 1,); the size is a power of two."""
    size = max(least_size, 1 << (impulse.size - 1).bit_length())
    return np.square(np.abs(np.fft.rfft(np.asarray(impulse, np.float64), size)))
