"""Online weighted prediction error, a way to take reverberation out that was tried and is not in the product.

Each frequency foretells what arrives from what it heard some 30 to 90 ms ago, by recursive least squares weighted with the
level of the voice, and takes the prediction away.

Source: T. Yoshioka, T. Nakatani, "Generalization of multi-channel linear prediction methods for blind MIMO impulse response
shortening", IEEE TASLP 20 (2012); recursive form as in J. Caroselli et al., "Adaptive multichannel dereverberation for
automatic speech recognition", Interspeech 2017.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

WINDOW, HOP = 960, 240
DELAY_MS = (WINDOW - HOP) / 48.0
TAPS = 12
_FIRST_TAP = 6
_FORGETTING = 0.9995
_LEVEL_HOPS = 3
_FLOOR_POWER = 1e-8
_UNCERTAINTY = 100.0


def dereverberated(samples: NDArray[np.float32]) -> NDArray[np.float32]:
    """A sound at 48 kHz, shape (frames,), without what can be foretold of it; `DELAY_MS` late."""
    window = np.sqrt(np.hanning(WINDOW + 1)[:WINDOW])
    padded = np.pad(samples.astype(np.float64), (WINDOW - HOP, -samples.size % HOP))
    frames = np.lib.stride_tricks.sliding_window_view(padded, WINDOW)[::HOP]
    spectra = np.fft.rfft(frames * window)
    out = np.zeros(padded.size + WINDOW)
    for hop, spectrum in enumerate(_predicted_away(spectra)):
        out[hop * HOP : hop * HOP + WINDOW] += np.fft.irfft(spectrum) * window
    return np.asarray(out[: samples.size] / (np.sum(window**2) / HOP), np.float32)


def _predicted_away(spectra: NDArray[np.complex128]) -> NDArray[np.complex128]:
    bins = spectra.shape[1]
    weights = np.zeros((bins, TAPS), np.complex128)
    covariance = np.tile(_UNCERTAINTY * np.eye(TAPS, dtype=np.complex128), (bins, 1, 1))
    past = np.zeros((bins, _FIRST_TAP + TAPS), np.complex128)
    out = np.zeros_like(spectra)
    for hop, spectrum in enumerate(spectra):
        heard = past[:, _FIRST_TAP - 1 : _FIRST_TAP - 1 + TAPS]
        rest = spectrum - np.sum(np.conj(weights) * heard, axis=1)
        level = np.mean(np.abs(spectra[max(0, hop - _LEVEL_HOPS + 1) : hop + 1]) ** 2, axis=0) + _FLOOR_POWER
        spread = np.einsum("fij,fj->fi", covariance, heard)
        gain = spread / (_FORGETTING * level + np.sum(np.conj(heard) * spread, axis=1).real)[:, None]
        weights += gain * np.conj(rest)[:, None]
        covariance = (covariance - gain[:, :, None] * np.conj(spread)[:, None, :]) / _FORGETTING
        # It may take away, never add.
        out[hop] = rest * np.minimum(1.0, np.abs(spectrum) / (np.abs(rest) + 1e-12))
        past = np.roll(past, 1, axis=1)
        past[:, 0] = spectrum
    return out
