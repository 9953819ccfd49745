"""Values that glide to where a parameter was set, so that no change can be heard as a click.

Two equal one-pole low-passes in a row: the value starts and ends with no corner, may be sent elsewhere halfway, and moves
per sample, so the sound does not depend on the block length. Once it is as good as there it *is* there, and the kernels
take their short way. Used on the audio thread only.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from engine.core.kernel import inline

GLIDE_MS = 5.0
"""Time constant of each of the two poles; a glide is 99 % done after 6.6 of them."""

_ARRIVED = 1e-9


def glide_coefficient(sample_rate: int, time_ms: float = GLIDE_MS) -> float:
    """Share of the remaining way that each pole goes per sample."""
    return 1.0 - math.exp(-1000.0 / (time_ms * sample_rate))


def new_glides(count: int) -> NDArray[np.float64]:
    """State of `count` gliding values, shape (count, 2); each stands at its first target without gliding there."""
    return np.full((count, 2), np.nan)


@inline
def glide_is_over(glides: NDArray[np.float64], row: int, target: float) -> bool:
    """Whether the value has arrived; a value that has never moved arrives at once."""
    if math.isnan(glides[row, 0]):
        glides[row, 0] = target
        glides[row, 1] = target
    return bool(glides[row, 0] == target and glides[row, 1] == target)


@inline
def glide(glides: NDArray[np.float64], row: int, target: float, coefficient: float) -> float:
    """Advance one value by one sample and return it."""
    first = glides[row, 0] + coefficient * (target - glides[row, 0])
    second = glides[row, 1] + coefficient * (first - glides[row, 1])
    if abs(target - first) + abs(target - second) < _ARRIVED * (1.0 + abs(target)):
        first = target
        second = target
    glides[row, 0] = first
    glides[row, 1] = second
    return float(second)
