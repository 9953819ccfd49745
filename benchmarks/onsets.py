"""Beginnings of words: how much of the voice is left in the first 50 ms after a pause of 300 ms.

A denoiser that is late to notice the voice cuts there, and no score over whole sentences shows it.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

FRAME_MS = 10
PAUSE_MS = 300
ONSET_MS = 50
ACTIVE_DB = -30.0
"""Frames this far below the loudest one, or farther, are no speech; as in the mixing of the evaluation material."""


def onsets(clean: NDArray[np.float64], sample_rate: int) -> list[int]:
    """First sample of each word after a pause."""
    frame = sample_rate * FRAME_MS // 1000
    power = np.mean(clean[: clean.size // frame * frame].reshape(-1, frame) ** 2, axis=1)
    active = power > power.max() * 10 ** (ACTIVE_DB / 10)
    pause = PAUSE_MS // FRAME_MS
    found = [i for i in range(pause, active.size) if active[i] and not active[i - pause : i].any()]
    return [i * frame for i in found if (i + ONSET_MS // FRAME_MS) * frame <= clean.size]


def kept_db(clean: NDArray[np.float64], enhanced: NDArray[np.float64], sample_rate: int) -> list[float]:
    """Level of the clean voice inside the enhanced sound, against the clean voice, at each onset.

    Found by projection, so that noise left over does not count as voice; both signals aligned.
    """
    length = sample_rate * ONSET_MS // 1000
    kept = []
    for start in onsets(clean, sample_rate):
        voice, rest = clean[start : start + length], enhanced[start : start + length]
        share = max(float(voice @ rest) / float(voice @ voice), 1e-3)
        kept.append(20 * float(np.log10(share)))
    return kept
