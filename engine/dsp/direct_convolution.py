"""A filter as a plain sum over the newest samples: for as many taps as a transform would not pay for. In kernels."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from engine.core.kernel import inline


@inline
def convolve_directly(
    samples: NDArray[np.float32], first: int, backwards: NDArray[np.float32], count: int, out: NDArray[np.float32]
) -> None:
    """Filter `count` frames into `out`.

    Parameters
    ----------
    samples : NDArray[np.float32]
        Sound, shape (frames,).
    first : int
        Where in `samples` the oldest sample stands that the first frame needs.
    backwards : NDArray[np.float32]
        Taps, the newest sample's last.
    """
    out[:count] = 0.0
    # Eight taps at a time over all frames: views that begin at zero run in vector registers, and few sums in a row round
    # little.
    tap = 0
    while tap + 8 <= backwards.size:
        a, b, c, d = backwards[tap], backwards[tap + 1], backwards[tap + 2], backwards[tap + 3]
        e, f, g, h = backwards[tap + 4], backwards[tap + 5], backwards[tap + 6], backwards[tap + 7]
        x = samples[first + tap : first + tap + count + 7]
        x1, x2, x3, x4, x5, x6, x7 = x[1:], x[2:], x[3:], x[4:], x[5:], x[6:], x[7:]
        for n in range(count):
            left = (a * x[n] + b * x1[n]) + (c * x2[n] + d * x3[n])
            right = (e * x4[n] + f * x5[n]) + (g * x6[n] + h * x7[n])
            out[n] += left + right
        tap += 8
    while tap < backwards.size:
        x = samples[first + tap : first + tap + count]
        for n in range(count):
            out[n] += backwards[tap] * x[n]
        tap += 1
