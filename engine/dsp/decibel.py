"""Decibels and gains, for Python (`db_to_gain`) and inside kernels (`kernel_db_to_gain`). Nothing here waits."""

from __future__ import annotations

import math

from engine.core.kernel import inline

_NEPER_PER_DB = math.log(10.0) / 20.0

SILENCE_DB = -200.0
"""Level that stands for digital silence where a finite number is needed; 16 dB below the smallest 32-bit step."""


def db_to_gain(level_db: float) -> float:
    """Amplitude factor of a level in dB."""
    return math.exp(level_db * _NEPER_PER_DB)


def gain_to_db(gain: float) -> float:
    """Level in dB of an amplitude factor; `SILENCE_DB` for zero and anything below it."""
    return math.log(gain) / _NEPER_PER_DB if gain > 1e-10 else SILENCE_DB


kernel_db_to_gain = inline(db_to_gain)
kernel_gain_to_db = inline(gain_to_db)
