"""What dynamics stages are made of: a static curve with a soft knee, and how its output follows in time.

All in decibels, feed-forward, after the gain computer: the arrangement that the source found to have the least artefacts.
Inline functions for kernels; nothing here waits.

Source: D. Giannoulis, M. Massberg, J. D. Reiss, "Digital Dynamic Range Compressor Design: A Tutorial and Analysis",
J. Audio Eng. Soc. 60(6), 2012.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from engine.core.kernel import inline

# Gain steps below this (dB) are inaudible and end the decay.
_TINY_DB = 1e-7


def follow_coefficient(time_ms: float, sample_rate: int) -> float:
    """Share of the remaining way that is left after one sample, for a time constant (63 %) of `time_ms`.

    Source: equation (7).
    """
    return math.exp(-1000.0 / (time_ms * sample_rate))


@inline
def soft_knee_reduction_db(level_db: float, threshold_db: float, slope: float, knee_db: float) -> float:
    """Reduction in dB (>= 0) that the static curve asks for at a level.

    Parameters
    ----------
    slope : float
        1 - 1/ratio.

    Source: equation (4), as the difference between input and output level.
    """
    over_db = level_db - threshold_db
    if 2.0 * over_db <= -knee_db:
        return 0.0
    if 2.0 * over_db < knee_db:
        return slope * (over_db + 0.5 * knee_db) ** 2 / (2.0 * knee_db)
    return slope * over_db


@inline
def follow_reduction(state: NDArray[np.float64], wanted_db: float, attack: float, release: float) -> float:
    """Advance the reduction (dB) by one sample and return it: the smooth, decoupled peak detector.

    Parameters
    ----------
    state : NDArray[np.float64]
        Shape (2,): after the release, after the attack.
    attack, release : float
        From `follow_coefficient`.

    Source: equation (17).
    """
    released = max(wanted_db, release * state[0] + (1.0 - release) * wanted_db)
    reduction = attack * state[1] + (1.0 - attack) * released
    if reduction + released < _TINY_DB:
        released = 0.0
        reduction = 0.0
    state[0] = released
    state[1] = reduction
    return float(reduction)
