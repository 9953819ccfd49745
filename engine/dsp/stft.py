"""What short-time Fourier transforms of a stream need beside the transform: windows, and a line of the newest samples.

Frames of two hops, half overlapped, under a window that is its own inverse: analysed and synthesised without change, a signal
comes back exactly, one hop late.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from engine.core.kernel import inline

LARGEST_SAMPLE = 100.0
"""40 dB above full scale. Beyond it is no sound, and squares of it would upset the running means of a model for
minutes."""


def vorbis_window(size: int) -> NDArray[np.float32]:
    """Power-complementary window of `size` samples: sin(π/2 sin²(π (n + ½) / size)).

    Source: Vorbis I specification, section 1.3.2 and 4.3.1.
    """
    phase = np.pi * (np.arange(size) + 0.5) / size
    return np.sin(np.pi / 2 * np.sin(phase) ** 2).astype(np.float32)


def sine_window(size: int) -> NDArray[np.float32]:
    """Power-complementary window of `size` samples: the square root of a periodic Hann window."""
    return np.sin(np.pi * np.arange(size) / size).astype(np.float32)


@inline
def append_hop(hop: NDArray[np.float32], line: NDArray[np.float32]) -> None:
    """Move a line of samples on by a hop and put `hop` at its end. In kernels.

    What is no number counts as silence, what is no sound is limited to `LARGEST_SAMPLE`.
    """
    kept = line.size - hop.size
    for i in range(kept):
        line[i] = line[i + hop.size]
    for i in range(hop.size):
        line[kept + i] = _limited(hop[i])


@inline
def _limited(sample: np.float32) -> np.float32:
    if abs(sample) <= LARGEST_SAMPLE:
        return sample
    return np.float32(LARGEST_SAMPLE) if sample > 0.0 else np.float32(-LARGEST_SAMPLE if sample < 0.0 else 0.0)
