"""From sound to captions: segments in, lines of text out that grow word by word while somebody speaks.

A word is committed when hypotheses one after the other agree on it, two if the model is sure of it and four if nearly, and then
never changes; what it doubts stays tentative until the segment ends. Between hypotheses there is time for others: on a slow
machine they come less often, and segments are cut sooner, so that captions never fall behind.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from time import monotonic

import numpy as np
from numpy.typing import NDArray

from engine.captions.guards import LEAST_SPEECH_S, is_believable, plain, without_repetitions
from engine.captions.segmenter import HOP_S, Piece, Segmenter
from engine.captions.wording import Wording
from engine.inference.recognizer import SPEECH_RATE_HZ, SpeechStream
from engine.inference.tokens import Word
from engine.services.captions import CaptionLine

PARTIAL_INTERVAL_S = 0.2
_MOST_BUSY_SHARE = 0.6
"""Of the time, this much may go into hypotheses at most."""

_QUIET_S = 0.2
"""After so much pause a hypothesis has heard the whole of the last word."""

SURE, LIKELY = 0.95, 0.8
"""Confidences of a word from which on two or four hypotheses are enough; with less, it stays tentative until the segment ends.

If two are enough for every word, many that are wrong stand for good: they would have been mended by what follows.
"""

_NEVER = 1 << 30

_DEAR_S = 0.25
"""A hypothesis that takes longer is dear: segments are cut as if they were longer in proportion."""


class CaptionPipeline:
    """Writes down one speaker. One thread at a time; `accept` takes as long as recognition does.

    Parameters
    ----------
    segmenter : Segmenter
    stream : SpeechStream
    wording : Wording
    has_partials : bool
        Whether lines appear while they are spoken; if not, only whole segments are recognised.
    first_id : int
        Number of the first line.
    start_s : float
        Time of the first sample, on the clock of the captions.
    now_s : Callable[[], float]
        The clock by which recognition takes time.
    """

    def __init__(
        self,
        segmenter: Segmenter,
        stream: SpeechStream,
        wording: Wording,
        *,
        has_partials: bool = True,
        first_id: int = 1,
        start_s: float = 0.0,
        now_s: Callable[[], float] = monotonic,
    ) -> None:
        self._segmenter = segmenter
        self._stream = stream
        self._wording = wording
        self._has_partials = has_partials
        self._next_id = first_id
        self._start_s = start_s
        self._now_s = now_s
        self._cost_s = 0.0
        self._segment: _Segment | None = None
        self.is_speech = False

    def accept(self, sound: NDArray[np.float32]) -> Iterator[CaptionLine]:
        """Take in sound, shape (samples,), mono at 16 kHz; yields each line that has changed.

        Raises
        ------
        ModelError
            If the model fails.
        """
        yield from self._follow(self._segmenter.accept(sound))
        if self._segment is not None and self._has_partials and self._is_due(self._segment):
            yield from self._partial(self._segment)

    def end(self) -> Iterator[CaptionLine]:
        """Write down what is left: no word at the end is lost."""
        yield from self._follow(self._segmenter.end())

    def skip(self, samples: int) -> Iterator[CaptionLine]:
        """Pass over sound that was lost."""
        yield from self.end()
        self._segmenter.skip(samples)

    @property
    def unwritten_s(self) -> float:
        """How much of the sound of the open segment no hypothesis has heard yet; 0 between segments."""
        segment = self._segment
        return 0.0 if segment is None else (segment.end_sample - segment.heard_sample) / SPEECH_RATE_HZ

    def _follow(self, pieces: Iterator[Piece]) -> Iterator[CaptionLine]:
        for piece in pieces:
            if piece.is_first or self._segment is None:
                self._stream.reset()
                self._segment = _Segment(self._next_id, piece.start_sample)
            self._segment.add(piece)
            self._stream.accept(piece.sound)
            self.is_speech = piece.is_speech and not piece.is_last
            if piece.is_last:
                yield from self._final(self._segment)
                self._segment = None

    def _is_due(self, segment: _Segment) -> bool:
        if segment.quiet_s >= _QUIET_S:
            return not segment.is_heard_out
        if segment.speech_s < LEAST_SPEECH_S:
            return False
        interval_s = max(PARTIAL_INTERVAL_S, self._cost_s / _MOST_BUSY_SHARE)
        return segment.quiet_s == 0.0 and self.unwritten_s >= interval_s

    def _partial(self, segment: _Segment) -> Iterator[CaptionLine]:
        self._recognize(segment)
        count = segment.agreed()
        if count > segment.committed and is_believable(segment.words, segment.speech_s):
            segment.committed = count
            self._stream.commit(count)
        yield from self._changed(segment, is_final=False)

    def _final(self, segment: _Segment) -> Iterator[CaptionLine]:
        if not segment.is_heard_out:
            self._recognize(segment)
        yield from self._changed(segment, is_final=True)

    def _recognize(self, segment: _Segment) -> None:
        began_s = self._now_s()
        words = self._stream.hypothesis()
        self._cost_s = self._now_s() - began_s
        self._segmenter.dearness = max(1.0, self._cost_s / _DEAR_S)
        segment.hear(words)

    def _changed(self, segment: _Segment, is_final: bool) -> Iterator[CaptionLine]:
        line = segment.line(self._wording, self._start_s, is_final)
        if line is not None and line != segment.shown:
            segment.shown = line
            self._next_id = max(self._next_id, segment.id + 1)
            yield line


class _Segment:
    """What is known of the open segment."""

    def __init__(self, line_id: int, start_sample: int) -> None:
        self.id = line_id
        self.start_sample = self.end_sample = self.speech_end_sample = start_sample
        self.speech_s = 0.0
        self.words: tuple[Word, ...] = ()
        self.committed = 0
        self._agreements: list[int] = []
        self.heard_sample = start_sample
        self.heard_quiet_s = 0.0
        self.shown: CaptionLine | None = None
        self._hidden = ""

    def add(self, piece: Piece) -> None:
        """Go on by a piece of sound."""
        self.end_sample = piece.end_sample
        if piece.is_speech:
            self.speech_end_sample = piece.end_sample
            self.speech_s += HOP_S

    def hear(self, words: tuple[Word, ...]) -> None:
        """Take in a hypothesis of all sound so far."""
        kept = without_repetitions(words)
        words = kept if len(kept) >= self.committed else words[: self.committed]
        same = _common(self.words, words)
        self._agreements = [count + 1 for count in self._agreements[:same]] + [1] * (len(words) - same)
        self.words = words
        self.heard_sample = self.end_sample
        self.heard_quiet_s = self.quiet_s

    def agreed(self) -> int:
        """How many words at the beginning may stand for good; the last not before it is followed by something."""
        last = len(self.words) - (0 if self.quiet_s >= _QUIET_S else 1)
        count = self.committed
        while count < last and self._agreements[count] >= _agreements_needed(self.words[count].confidence):
            count += 1
        return count

    @property
    def quiet_s(self) -> float:
        """How long nobody has spoken now."""
        return (self.end_sample - self.speech_end_sample) / SPEECH_RATE_HZ

    @property
    def is_heard_out(self) -> bool:
        """Whether the last hypothesis has heard all that was spoken, and that it ended."""
        return self.heard_sample >= self.speech_end_sample and self.heard_quiet_s >= _QUIET_S

    def line(self, wording: Wording, start_s: float, is_final: bool) -> CaptionLine | None:
        """The segment as it is shown now; None while there has been nothing to show."""
        words = self.words if is_believable(self.words, self.speech_s) else self.words[: self.committed]
        if not words and self.shown is None:
            return None
        count = len(words) if is_final else wording.held_back(words, self.committed)
        whole, standing = wording.spelt(words, True), wording.spelt(words[:count], is_final)
        hidden = wording.hidden(whole.text, self._hidden)
        self._hidden, rest = hidden[: len(standing.text)], hidden[len(standing.text) :]
        committed = wording.visible(self._hidden, standing.confidences)
        tentative = wording.visible(rest, [1.0] * len(rest.split())).text
        return CaptionLine(
            id=self.id,
            committed=committed.text.lstrip(),
            tentative=tentative if committed.text else tentative.lstrip(),
            is_final=is_final,
            start_s=round(start_s + self.start_sample / SPEECH_RATE_HZ, 3),
            end_s=round(start_s + (self.speech_end_sample if is_final else self.heard_sample) / SPEECH_RATE_HZ, 3),
            confidence=round(committed.confidence, 3),
            confidences=tuple(round(value, 3) for value in committed.confidences),
        )


def _agreements_needed(confidence: float) -> int:
    return 2 if confidence >= SURE else 4 if confidence >= LIKELY else _NEVER


def _common(before: tuple[Word, ...], now: tuple[Word, ...]) -> int:
    """How many words at the beginning two hypotheses have in common."""
    count = 0
    for one, other in zip(before, now, strict=False):
        if plain(one) != plain(other):
            break
        count += 1
    return count
