"""From a gain over frequency to the shortest filter that has it: minimum phase, so that nothing comes later than it must.

Control thread.

Source: A. Oppenheim, R. Schafer, "Discrete-Time Signal Processing", 3rd ed., section 13.8: the complex cepstrum of a
minimum-phase sequence is causal, so folding the real cepstrum gives it.
"""

from __future__ import annotations

import numpy as np

from engine.dsp.curve import Curve, Values

_SIZE = 1 << 16
_NEGLIGIBLE = 1e-6
"""Energy beyond the end of a filter, as share of the whole: -60 dB."""

_SHORTEST_TAPS, _FADED_SHARE = 64, 0.25


def minimum_phase_taps(gain: Curve, sample_rate: int, most_taps: int = 16_384) -> Values:
    """Taps of a filter with this gain, as many as it needs.

    Parameters
    ----------
    gain : Curve
        In dB; level beyond both ends.
    most_taps : int
        A gain with finer detail than these can follow is smoothed by the cut.

    Returns
    -------
    array
        Shape (taps,).
    """
    frequencies_hz = np.linspace(0.0, sample_rate / 2.0, _SIZE // 2 + 1, dtype=np.float64)
    frequencies_hz[0] = frequencies_hz[1]
    log_magnitude = gain.at(frequencies_hz) * (np.log(10.0) / 20.0)
    cepstrum = np.fft.irfft(log_magnitude)
    cepstrum[1 : _SIZE // 2] *= 2.0
    cepstrum[_SIZE // 2 + 1 :] = 0.0
    impulse = np.fft.irfft(np.exp(np.fft.rfft(cepstrum)))
    left = np.cumsum(np.square(impulse[::-1]))[::-1]
    needed = int(np.searchsorted(-left, -_NEGLIGIBLE * left[0]))
    taps = impulse[: min(max(needed, _SHORTEST_TAPS), most_taps)].copy()
    faded = int(_FADED_SHARE * taps.size)
    taps[-faded:] *= 0.5 + 0.5 * np.cos(np.pi * np.arange(1, faded + 1) / (faded + 1))
    return taps


def response_db(taps: Values, frequencies_hz: Values, sample_rate: int) -> Values:
    """Gain in dB of a filter at these frequencies."""
    spectrum = np.abs(np.fft.rfft(taps, max(_SIZE, 1 << (taps.size - 1).bit_length())))
    places = np.asarray(frequencies_hz) * 2.0 * (spectrum.size - 1) / sample_rate
    return 20.0 * np.log10(np.maximum(np.interp(places, np.arange(spectrum.size), spectrum), 1e-10))


def energy_delay_ms(taps: Values, sample_rate: int) -> float:
    """When the energy of a filter comes on average: what it adds to the delay of a sound of all frequencies."""
    energy = np.square(taps)
    return float(1e3 * np.sum(energy * np.arange(taps.size)) / (np.sum(energy) * sample_rate))
