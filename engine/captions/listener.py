"""Hears the engine's sound at 16 kHz, out of the tap at 48 kHz. Waits for the engine's answer."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import soxr
from numpy.typing import NDArray

from engine.api import EngineApi
from engine.config import SAMPLE_RATE_HZ
from engine.inference.recognizer import SPEECH_RATE_HZ
from engine.snapshot import TapPoint

_RATIO = SAMPLE_RATE_HZ // SPEECH_RATE_HZ


@dataclass(frozen=True, slots=True)
class Heard:
    """What came since the last time.

    Attributes
    ----------
    sound : ndarray of float32, shape (samples,)
        Mono, 16 kHz.
    lost_samples : int
        So many samples before it were not heard, because the listener was too slow.
    is_new : bool
        Whether another live run began, so that what was before has nothing to do with it.
    """

    sound: NDArray[np.float32]
    lost_samples: int = 0
    is_new: bool = False


class TapListener:
    """Follows one tap through all live runs. One thread at a time."""

    def __init__(self, engine: EngineApi, point: TapPoint) -> None:
        self._engine = engine
        self._point = point
        self._run = -1
        self._next_frame = 0
        self._resampler = _resampler()

    def read(self) -> Heard | None:
        """The sound since the last call; None while the engine does not run.

        Raises
        ------
        ConnectionLostError
            If the engine is gone.
        """
        chunk = self._engine.tap(self._point, self._run, self._next_frame)
        if chunk is None:
            return None
        is_new = chunk.run != self._run
        lost = 0 if is_new else max(0, chunk.first_frame - self._next_frame)
        if is_new or lost:
            self._resampler = _resampler()
        self._run, self._next_frame = chunk.run, chunk.end_frame
        return Heard(self._resampler.resample_chunk(chunk.samples()), lost // _RATIO, is_new)


def _resampler() -> soxr.ResampleStream:
    return soxr.ResampleStream(SAMPLE_RATE_HZ, SPEECH_RATE_HZ, 1, dtype="float32", quality="MQ")
