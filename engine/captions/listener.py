"""Hears the engine's sound at 16 kHz, out of the tap at 48 kHz. Waits for the engine's answer."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import soxr
from numpy.typing import NDArray

from engine.api import EngineApi
from engine.config import SAMPLE_RATE_HZ
from engine.inference.recognizer import SPEECH_RATE_HZ
from engine.services.captions import TapPosition
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
        Whether nothing was heard before it: it is the first of the listener, or of another live run.
    """

    sound: NDArray[np.float32]
    lost_samples: int = 0
    is_new: bool = False


class TapListener:
    """Follows one tap through all live runs. One thread at a time.

    Parameters
    ----------
    engine : EngineApi
    point : TapPoint
    start : TapPosition or None
        Where to begin, as far back as the engine still has it; None for what comes from now on.
    """

    def __init__(self, engine: EngineApi, point: TapPoint, start: TapPosition | None = None) -> None:
        self._engine = engine
        self._point = point
        self._run, self._next_frame = (-1, 0) if start is None else (start.run, start.frame)
        self._is_first = True
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
        is_new = self._is_first or chunk.run != self._run
        self._is_first = False
        lost = 0 if is_new else max(0, chunk.first_frame - self._next_frame)
        if is_new or lost:
            self._resampler = _resampler()
        self._run, self._next_frame = chunk.run, chunk.end_frame
        return Heard(self._resampler.resample_chunk(chunk.samples()), lost // _RATIO, is_new)

    def position(self, unsettled_samples: int) -> TapPosition:
        """Where the last `unsettled_samples` of what was handed out begin."""
        return TapPosition(self._run, max(0, self._next_frame - _RATIO * unsettled_samples))


def _resampler() -> soxr.ResampleStream:
    return soxr.ResampleStream(SAMPLE_RATE_HZ, SPEECH_RATE_HZ, 1, dtype="float32", quality="MQ")
