"""Cuts sound into segments of speech: nothing is recognised where nobody speaks, and no segment grows dear.

A model that reads a segment anew each time costs more the longer it is. So the pause that ends a segment is the shorter the
longer the segment has become, and a segment without any pause is cut in the end.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from engine.inference.recognizer import SPEECH_RATE_HZ

HOP_SAMPLES = 512
HOP_S = HOP_SAMPLES / SPEECH_RATE_HZ

BEGINS_AT, ENDS_BELOW = 0.5, 0.35
"""Probabilities of speech between which it stays what it was."""

_BEGINNING_HOPS = 2
_LEAD_IN_HOPS = 10
"""A word's first consonant is often not yet taken for speech: so much sound before it belongs to the segment."""

PATIENT_PAUSE_S, PATIENT_S = 0.6, 4.0
HASTY_PAUSE_S, HASTY_S = 0.1, 12.0
LONGEST_S = 15.0


class VoiceDetector(Protocol):
    """Tells speech from everything else, a hop at a time."""

    def process(self, hop: NDArray[np.float32]) -> float:
        """Probability of speech in `HOP_SAMPLES` samples at 16 kHz."""
        ...


@dataclass(frozen=True, slots=True)
class Piece:
    """A bit of a segment.

    Attributes
    ----------
    sound : ndarray of float32, shape (samples,)
    start_sample : int
        Where it begins, counted from the first sample that was accepted.
    is_first, is_last : bool
        Whether its segment begins or ends with it.
    speech_probability : float
        Of its last hop.
    is_speech : bool
        Whether somebody speaks in it, rather than pauses.
    """

    sound: NDArray[np.float32]
    start_sample: int
    is_first: bool
    is_last: bool
    speech_probability: float
    is_speech: bool

    @property
    def end_sample(self) -> int:
        """Behind its last sample."""
        return self.start_sample + self.sound.size


class Segmenter:
    """Takes sound as it comes and hands on what belongs to segments. One thread at a time.

    Attributes
    ----------
    is_inside : bool
        Whether a segment is open.
    dearness : float
        A segment is treated as if it were so many times as long: above 1 where recognition is slow.
    """

    def __init__(self, detector: VoiceDetector) -> None:
        self._detector = detector
        self._rest = np.zeros(0, np.float32)
        self._lead_in: deque[NDArray[np.float32]] = deque(maxlen=_LEAD_IN_HOPS)
        self._next_sample = 0
        self._beginning_hops = 0
        self._pause_hops = 0
        self._length_hops = 0
        self.is_inside = False
        self.dearness = 1.0

    def accept(self, sound: NDArray[np.float32]) -> Iterator[Piece]:
        """Take in sound, shape (samples,), mono at 16 kHz; what does not fill a hop waits for more."""
        sound = np.concatenate([self._rest, sound])
        whole = sound.size // HOP_SAMPLES * HOP_SAMPLES
        self._rest = sound[whole:]
        for hop in sound[:whole].reshape(-1, HOP_SAMPLES):
            probability = self._detector.process(hop)
            self._next_sample += HOP_SAMPLES
            piece = self._continued(hop, probability) if self.is_inside else self._begun(hop, probability)
            if piece is not None:
                yield piece

    def end(self) -> Iterator[Piece]:
        """Hand on what is left, and end the open segment."""
        yield from self.accept(np.zeros(-self._rest.size % HOP_SAMPLES, np.float32))
        if self.is_inside:
            self.is_inside = False
            yield Piece(np.zeros(0, np.float32), self._next_sample, False, True, 0.0, False)

    def skip(self, samples: int) -> None:
        """Pass over samples that were lost; no segment may be open."""
        self._rest = np.zeros(0, np.float32)
        self._lead_in.clear()
        self._next_sample += samples

    @property
    def unsettled_samples(self) -> int:
        """How much of the last sound may still become part of a segment that has not ended."""
        hops = self._length_hops if self.is_inside else len(self._lead_in)
        return hops * HOP_SAMPLES + self._rest.size

    def _begun(self, hop: NDArray[np.float32], probability: float) -> Piece | None:
        self._lead_in.append(hop)
        self._beginning_hops = self._beginning_hops + 1 if probability >= BEGINS_AT else 0
        if self._beginning_hops < _BEGINNING_HOPS:
            return None
        sound = np.concatenate(self._lead_in)
        self._lead_in.clear()
        self._beginning_hops = self._pause_hops = 0
        self._length_hops = sound.size // HOP_SAMPLES
        self.is_inside = True
        return Piece(sound, self._next_sample - sound.size, True, False, probability, True)

    def _continued(self, hop: NDArray[np.float32], probability: float) -> Piece:
        self._length_hops += 1
        threshold = ENDS_BELOW if self._pause_hops == 0 else BEGINS_AT
        is_speech = probability >= threshold
        self._pause_hops = 0 if is_speech else self._pause_hops + 1
        if not is_speech:
            self._lead_in.append(hop)
        else:
            self._lead_in.clear()
        length_s = self._length_hops * HOP_S * self.dearness
        is_last = length_s >= LONGEST_S or self._pause_hops * HOP_S >= pause_that_ends_s(length_s)
        self.is_inside = not is_last
        return Piece(hop, self._next_sample - HOP_SAMPLES, False, is_last, probability, is_speech)


def pause_that_ends_s(length_s: float) -> float:
    """How long a pause must be to end a segment of this length."""
    return float(np.interp(length_s, (PATIENT_S, HASTY_S), (PATIENT_PAUSE_S, HASTY_PAUSE_S)))
