"""From sound to captions: segments in, lines of text out that grow word by word while somebody speaks.

A word is committed when hypotheses have agreed on it for a while, the longer the less sure the model is of it, and then never
changes; a pause commits all that was said. Between hypotheses there is time for others: on a slow machine they come less often,
and segments are cut sooner, so that captions never fall behind.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from time import monotonic

import numpy as np
from numpy.typing import NDArray

from engine.captions.guards import LEAST_SPEECH_S, is_believable, without_afterthought
from engine.captions.segmenter import HOP_S, Piece, Segmenter
from engine.captions.stable_prefix import StablePrefix
from engine.captions.wording import Wording
from engine.inference.recognizer import SPEECH_RATE_HZ, SpeechStream
from engine.inference.tokens import Word
from engine.services.captions import CaptionLine

PARTIAL_INTERVAL_S = 0.1
_MOST_BUSY_SHARE = 0.4
"""Of the time, this much may go into hypotheses at most."""

_QUIET_S = 0.3
"""After so much pause a hypothesis has heard the whole of the last word; shorter ones are often stops within one."""

_MOST_UNHEARD_S = PARTIAL_INTERVAL_S + HOP_S
"""Speech that went on for longer after a hypothesis may be a sentence of its own; where hypotheses keep pace, none does."""

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

    @property
    def unsettled_samples(self) -> int:
        """How much of the last sound is not in finished lines yet."""
        return self._segmenter.unsettled_samples

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
        prefix = segment.prefix
        if is_believable(prefix.words, segment.speech_s):
            prefix.committed = prefix.stable(is_pause=segment.quiet_s >= _QUIET_S)
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
        self.prefix = StablePrefix()
        self.heard_sample = start_sample
        self.heard_quiet_s = 0.0
        self.shown: CaptionLine | None = None
        self._spoken = 0
        self._spoken_sample = start_sample
        self._hidden = ""

    def add(self, piece: Piece) -> None:
        """Go on by a piece of sound."""
        self.end_sample = piece.end_sample
        if piece.is_speech:
            self.speech_end_sample = piece.end_sample
            self.speech_s += HOP_S

    def hear(self, hypothesis: tuple[Word, ...]) -> None:
        """Take in a hypothesis of all sound so far."""
        if self.quiet_s == 0.0:
            self._spoken, self._spoken_sample = len(hypothesis), self.end_sample
        elif self._spoken and not self._may_have_gone_on:
            hypothesis = without_afterthought(hypothesis, self._spoken)
        self.prefix.hear(hypothesis, self.end_sample / SPEECH_RATE_HZ)
        self.heard_sample = self.end_sample
        self.heard_quiet_s = self.quiet_s

    @property
    def quiet_s(self) -> float:
        """How long nobody has spoken now."""
        return (self.end_sample - self.speech_end_sample) / SPEECH_RATE_HZ

    @property
    def _may_have_gone_on(self) -> bool:
        """Whether a sentence may have begun behind the last hypothesis that was made during speech."""
        return self.speech_end_sample - self._spoken_sample > _MOST_UNHEARD_S * SPEECH_RATE_HZ

    @property
    def is_heard_out(self) -> bool:
        """Whether the last hypothesis has heard all that was spoken, and that it ended."""
        return self.heard_sample >= self.speech_end_sample and self.heard_quiet_s >= _QUIET_S

    def line(self, wording: Wording, start_s: float, is_final: bool) -> CaptionLine | None:
        """The segment as it is shown now; None while there has been nothing to show."""
        words = self.prefix.words
        if not is_believable(words, self.speech_s):
            words = words[: self.prefix.committed]
        if not words and self.shown is None:
            return None
        count = len(words) if is_final else wording.held_back(words, self.prefix.committed)
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
            confidences=tuple([round(value, 3) for value in committed.confidences]),
        )
