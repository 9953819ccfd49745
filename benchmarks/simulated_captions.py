"""The live captioner on a simulated clock, faster than real time.

Sound arrives 50 ms at a time, and recognition takes, on that clock, the processor time that it really took on its one thread.
So the same sound gives the same backlog as live on an idle core; what waiting for the engine's answer and other programs add
is not in it.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from difflib import SequenceMatcher
from pathlib import Path

import numpy as np
import soundfile
import soxr
from numpy.typing import NDArray

from app.services.caption_models import CaptionModels
from benchmarks.word_ends import Timed
from engine.captions.pipeline import CaptionPipeline
from engine.captions.segmenter import Piece, Segmenter
from engine.captions.wording import Wording
from engine.inference.recognizer import SpeechStream
from engine.inference.tokens import Word
from engine.services.captions import CaptionLine

RATE_HZ = 16_000
CHUNK_S = 0.05
LOOK_S = 0.01
"""So often the age of the newest caption is looked at."""

TAIL_S = 1.5
Sound = NDArray[np.float32]


@dataclass
class Clock:
    """Simulated time."""

    now_s: float = 0.0

    def __call__(self) -> float:
        return self.now_s


class TimedStream:
    """A stream whose work takes simulated time: as much as it took processor time."""

    def __init__(self, stream: SpeechStream, clock: Clock) -> None:
        self._stream, self._clock = stream, clock
        self.cost_s = 0.0

    def accept(self, sound: Sound) -> None:
        self._stream.accept(sound)

    def hypothesis(self) -> tuple[Word, ...]:
        began_s = time.thread_time()
        words = self._stream.hypothesis()
        cost_s = time.thread_time() - began_s
        self._clock.now_s += cost_s
        self.cost_s += cost_s
        return words

    def reset(self) -> None:
        self._stream.reset()


class NotingSegmenter(Segmenter):
    """Notes where in the sound it last decided that a segment is over."""

    decided_s = 0.0

    def accept(self, sound: Sound) -> Iterator[Piece]:
        for piece in super().accept(sound):
            if piece.is_last:
                self.decided_s = piece.end_sample / RATE_HZ
            yield piece


@dataclass
class LiveRun:
    """What the live path made of a sound: versions of lines with the time at which each was there."""

    versions: list[tuple[float, CaptionLine]] = field(default_factory=list)
    cost_s: float = 0.0
    ages_s: list[tuple[float, float]] = field(default_factory=list)
    """Times at which somebody spoke, and how long ago the sound was spoken that the newest hypothesis had heard last."""
    finals_s: list[float] = field(default_factory=list)
    """From the sound that decides that a segment is over to its final line."""

    @property
    def text(self) -> str:
        last = {line.id: line.committed for _, line in self.versions}
        return " ".join(last.values())


Versions = Sequence[tuple[float, CaptionLine]]
"""Versions of lines, with the time at which each was there."""


def first_committed(versions: Versions, norm: Callable[[str], str]) -> list[Timed]:
    """Each committed word, as `norm` compares words, and since when it stands."""
    seen: dict[tuple[int, int], Timed] = {}
    for at_s, line in versions:
        for index, word in enumerate(map(norm, line.committed.split())):
            seen.setdefault((line.id, index), (word, at_s))
    return [entry for _, entry in sorted(seen.items()) if entry[0]]


def first_shown(versions: Versions, norm: Callable[[str], str]) -> list[Timed]:
    """Each word of the lines as they are at last, and since when it was shown, tentative or not, without a break."""
    last = {line.id: shown_words(line, norm) for _, line in versions}
    since: dict[tuple[int, int], float] = {}
    for at_s, line in versions:
        matcher = SequenceMatcher(None, shown_words(line, norm), last[line.id], autojunk=False)
        there = {block.b + index for block in matcher.get_matching_blocks() for index in range(block.size)}
        for index in range(len(last[line.id])):
            if index in there:
                since.setdefault((line.id, index), at_s)
            else:
                since.pop((line.id, index), None)
    return [(word, since[number, index]) for number, words in last.items() for index, word in enumerate(words)]


def first_guessed(versions: Versions, norm: Callable[[str], str]) -> list[Timed]:
    """Each word of the lines as they are at last, and since when something stood in its place, right or wrong."""
    last = {line.id: shown_words(line, norm) for _, line in versions}
    since: dict[tuple[int, int], float] = {}
    for at_s, line in versions:
        for index in range(len(shown_words(line, norm))):
            since.setdefault((line.id, index), at_s)
    return [(word, since[number, index]) for number, words in last.items() for index, word in enumerate(words)]


def shown_words(line: CaptionLine, norm: Callable[[str], str]) -> list[str]:
    """The words of a line, committed and tentative, as `norm` compares words."""
    return norm(line.committed + line.tentative).split()


def run_live(sound: Sound, models: CaptionModels) -> LiveRun:
    """The live path over a sound."""
    clock, run = Clock(), LiveRun()
    stream = TimedStream(models.recognizer.stream(), clock)
    segmenter = NotingSegmenter(models.detector.stream())
    pipeline = CaptionPipeline(segmenter, stream, Wording(), now_s=clock)
    at, heard_s = 0, 0.0
    while at < sound.size:
        looked_s, was_speech = clock.now_s, pipeline.is_speech
        clock.now_s = max(clock.now_s + 0.005, at / RATE_HZ + CHUNK_S)
        end = min(sound.size, int(clock.now_s * RATE_HZ))
        for line in pipeline.accept(sound[at:end]):
            run.versions.append((clock.now_s, line))
            if line.is_final:
                run.finals_s.append(clock.now_s - segmenter.decided_s)
        at = end
        if was_speech and pipeline.is_speech:
            looks = range(math.ceil(looked_s / LOOK_S), math.ceil(clock.now_s / LOOK_S))
            run.ages_s += [(look * LOOK_S, look * LOOK_S - heard_s) for look in looks]
        heard_s = at / RATE_HZ - pipeline.unwritten_s
    run.versions += [(clock.now_s, line) for line in pipeline.end()]
    run.cost_s = stream.cost_s
    return run


def whole(sound: Sound, models: CaptionModels) -> str:
    """The model over the whole utterance at once."""
    stream = models.recognizer.stream()
    stream.accept(sound)
    return "".join(word.text + word.mark for word in stream.hypothesis())


def read(path: Path) -> Sound:
    samples, rate = soundfile.read(path, dtype="float32", always_2d=True)
    return np.asarray(soxr.resample(samples.mean(axis=1), rate, RATE_HZ), np.float32)


def padded(sound: Sound) -> Sound:
    return np.concatenate([sound, np.zeros(int(TAIL_S * RATE_HZ), np.float32)])
