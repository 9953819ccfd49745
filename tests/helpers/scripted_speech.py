"""Speech without a voice: a detector and a stream that follow a script in time, so that captions can be told beforehand."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from engine.captions.segmenter import HOP_SAMPLES
from engine.inference.tokens import Word

RATE_HZ = 16_000


def said(text: str, confidence: float = 0.99) -> tuple[Word, ...]:
    """Words of a text, marks apart."""
    words = []
    for part in text.split():
        bare = part.rstrip(",.?!")
        words.append(Word(f" {bare}", part[len(bare) :], confidence))
    return tuple(words)


class LoudnessDetector:
    """Somebody speaks wherever it is not silent."""

    def process(self, hop: NDArray[np.float32]) -> float:
        return 0.99 if np.abs(hop).max() > 0.1 else 0.01


class ScriptedStream:
    """Its next hypothesis is the next of a list; the last stays."""

    def __init__(self, hypotheses: Sequence[tuple[Word, ...]], take_time: Callable[[], None] = lambda: None) -> None:
        self._hypotheses = list(hypotheses)
        self._take_time = take_time
        self.asked = 0
        self.samples = 0
        self.resets = 0

    def accept(self, sound: NDArray[np.float32]) -> None:
        self.samples += sound.size

    def hypothesis(self) -> tuple[Word, ...]:
        self.asked += 1
        self._take_time()
        return self._hypotheses.pop(0) if len(self._hypotheses) > 1 else self._hypotheses[0]

    def reset(self) -> None:
        self.resets += 1
        self.samples = 0


def voice(seconds: float) -> NDArray[np.float32]:
    """Sound that the detector takes for speech, in whole hops."""
    return np.full(round(seconds * RATE_HZ / HOP_SAMPLES) * HOP_SAMPLES, 0.5, np.float32)


def silence(seconds: float) -> NDArray[np.float32]:
    """Nothing, in whole hops."""
    return np.zeros(round(seconds * RATE_HZ / HOP_SAMPLES) * HOP_SAMPLES, np.float32)
