"""Speech-to-reverberation modulation energy ratio: how much slower than reverberation smears it a voice still moves.

Source: T. Falk, C. Zheng, W.-Y. Chan, "A non-intrusive quality and intelligibility measure of reverberant and dereverberated
speech", IEEE TASLP 18 (2010) 1766-1774: 23 gammatone channels, 8 modulation bands of Q 2 from 4 to 128 Hz, frames of 256 ms;
without the normalisation over voices of later versions, so only differences over the same voices count.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import signal

RATE_HZ = 16_000

_CHANNELS, _LOWEST_HZ = 23, 125.0
_MODULATION_HZ = 4.0 * 32.0 ** (np.arange(8) / 7)
_EAR_Q, _LEAST_BANDWIDTH_HZ = 9.26449, 24.7
_ENVELOPE_EVERY = 20
_FRAME_S, _FRAME_STEP_S = 0.256, 0.064
_ENERGY_SHARE = 0.9


def srmr(samples: NDArray[np.floating]) -> float:
    """Ratio of the modulation energy up to about 18 Hz to that above, for a voice at 16 kHz, shape (frames,)."""
    centres_hz = _centres_hz()
    energy = np.array([_modulation_energy(_envelope(samples, centre_hz)) for centre_hz in centres_hz])
    by_channel = energy.sum(axis=1)
    reached = int(np.searchsorted(np.cumsum(by_channel), _ENERGY_SHARE * by_channel.sum()))
    bandwidth_hz = centres_hz[min(reached, _CHANNELS - 1)] / _EAR_Q + _LEAST_BANDWIDTH_HZ
    # A channel carries no modulation faster than its bandwidth.
    last = next((band for band in (5, 6, 7) if bandwidth_hz < 0.75 * _MODULATION_HZ[band]), 8)
    return float(energy[:, :4].sum() / energy[:, 4:last].sum())


def _centres_hz() -> NDArray[np.float64]:
    """Evenly spaced over the ear's resolution, rising."""
    offset = _EAR_Q * _LEAST_BANDWIDTH_HZ
    return np.asarray(np.geomspace(_LOWEST_HZ + offset, 0.475 * RATE_HZ + offset, _CHANNELS) - offset, np.float64)


def _envelope(samples: NDArray[np.floating], centre_hz: float) -> NDArray[np.float64]:
    band = signal.lfilter(*signal.gammatone(centre_hz, "iir", fs=RATE_HZ), samples)
    envelope = np.abs(signal.hilbert(band, 1 << (band.size - 1).bit_length()))[: band.size]
    return np.asarray(
        envelope[: envelope.size // _ENVELOPE_EVERY * _ENVELOPE_EVERY].reshape(-1, _ENVELOPE_EVERY).mean(1)
    )


def _modulation_energy(envelope: NDArray[np.float64]) -> list[float]:
    rate_hz = RATE_HZ / _ENVELOPE_EVERY
    frame, step = round(_FRAME_S * rate_hz), round(_FRAME_STEP_S * rate_hz)
    window = np.hamming(frame)
    energies = []
    for modulation_hz in _MODULATION_HZ:
        moving = signal.lfilter(*signal.iirpeak(modulation_hz, 2.0, fs=rate_hz), envelope)
        frames = np.lib.stride_tricks.sliding_window_view(moving, frame)[::step] * window
        energies.append(float(np.mean(np.sum(np.square(frames), axis=1))))
    return energies
