"""How a meter moves: up at once, down at a steady rate, the highest point held for a while. No Qt, nothing waits.

Source: fall and hold as in digital peak programme meters (IEC 60268-18: 20 dB in 1.7 s); scale as in the same standard's
spirit, with half of the travel for the upper 20 dB.
"""

from __future__ import annotations

import math
from itertools import pairwise

FLOOR_DB = -60.0
FALL_DB_PER_S = 20.0 / 1.7
HOLD_S = 1.5

_SCALE = ((-60.0, 0.0), (-40.0, 0.2), (-30.0, 0.36), (-20.0, 0.56), (-10.0, 0.78), (0.0, 1.0))


def meter_travel(level_db: float) -> float:
    """Position of a level on the meter, 0…1; anything that is no level stands at the bottom."""
    if not level_db > FLOOR_DB:  # also true for NaN
        return 0.0
    for (low_db, low), (high_db, high) in pairwise(_SCALE):
        if level_db <= high_db:
            return low + (high - low) * (level_db - low_db) / (high_db - low_db)
    return 1.0


class Ballistics:
    """The moving parts of one bar: `level_db` now and `peak_db` held."""

    def __init__(self) -> None:
        self.level_db = FLOOR_DB
        self.peak_db = FLOOR_DB
        self._held_since_s = -math.inf

    def feed(self, level_db: float | None, elapsed_s: float, now_s: float) -> None:
        """Take a new reading, `elapsed_s` after the last; None or NaN reads as silence."""
        reading = FLOOR_DB if level_db is None or math.isnan(level_db) else max(FLOOR_DB, level_db)
        fall_db = FALL_DB_PER_S * min(max(elapsed_s, 0.0), 1.0)
        self.level_db = max(reading, self.level_db - fall_db, FLOOR_DB)
        if reading >= self.peak_db:
            self.peak_db = reading
            self._held_since_s = now_s
        elif now_s - self._held_since_s > HOLD_S:
            self.peak_db = max(self.level_db, self.peak_db - fall_db)
