"""The ear's weighting of loudness, as two biquads for any sample rate, and sound's energy behind it. Nothing here waits.

The standard prints coefficients for 48 kHz only. Those are the bilinear transforms of a high shelf and a high-pass whose
analogue figures the second source recovered; transforming them again gives the same curve at other rates.

Source: ITU-R BS.1770-4, Annex 1, tables 1 and 2; B. De Man, "Evaluation of Implementations of the EBU R128 Loudness
Measurement", AES Convention 145, 2018.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from engine.core.kernel import inline

_SHELF_HZ = 1681.974450955533
_SHELF_DB = 3.999843853973347
_SHELF_Q = 0.7071752369554196
_SHELF_BAND_EXPONENT = 0.4996667741545416
_HIGH_PASS_HZ = 38.13547087602444
_HIGH_PASS_Q = 0.5003270373238773
_TINY = 1e-25


def k_weighting(sample_rate: int) -> NDArray[np.float64]:
    """Coefficients of both biquads, shape (2, 5): b0 b1 b2 a1 a2 with a0 = 1."""
    return np.array([_high_shelf(sample_rate), _high_pass(sample_rate)])


@inline
def weighted_energy(
    samples: NDArray[np.float32], coefficients: NDArray[np.float64], filters: NDArray[np.float64]
) -> float:
    """Sum of the squares of weighted samples, in transposed direct form II. Audio thread.

    Parameters
    ----------
    samples : NDArray[np.float32]
        Shape (frames,); one channel.
    coefficients : NDArray[np.float64]
        Shape (10,): those of `k_weighting` in a row.
    filters : NDArray[np.float64]
        Shape (4,): what the filters remember of the channel; moved on.
    """
    b0, b1, b2, a1, a2, c0, c1, c2, d1, d2 = coefficients
    s0, s1, s2, s3 = filters
    energy = 0.0
    for sample in samples:
        x = np.float64(sample)
        y = b0 * x + s0
        s0 = b1 * x - a1 * y + s1
        s1 = b2 * x - a2 * y
        z = c0 * y + s2
        s2 = c1 * y - d1 * z + s3
        s3 = c2 * y - d2 * z
        energy += z * z
    # What decays forever would end in denormal numbers, which are slow.
    if abs(s0) + abs(s1) + abs(s2) + abs(s3) < _TINY:
        s0 = s1 = s2 = s3 = 0.0
    filters[0] = s0
    filters[1] = s1
    filters[2] = s2
    filters[3] = s3
    return energy


def _high_shelf(sample_rate: int) -> tuple[float, ...]:
    k = math.tan(math.pi * _SHELF_HZ / sample_rate)
    high = 10 ** (_SHELF_DB / 20)
    band = high**_SHELF_BAND_EXPONENT
    a0 = 1 + k / _SHELF_Q + k * k
    return (
        (high + band * k / _SHELF_Q + k * k) / a0,
        2 * (k * k - high) / a0,
        (high - band * k / _SHELF_Q + k * k) / a0,
        2 * (k * k - 1) / a0,
        (1 - k / _SHELF_Q + k * k) / a0,
    )


def _high_pass(sample_rate: int) -> tuple[float, ...]:
    k = math.tan(math.pi * _HIGH_PASS_HZ / sample_rate)
    a0 = 1 + k / _HIGH_PASS_Q + k * k
    # The standard's numerator is 1, -2, 1 without the usual division by a0.
    return (1.0, -2.0, 1.0, 2 * (k * k - 1) / a0, (1 - k / _HIGH_PASS_Q + k * k) / a0)
