"""The live captioner on a simulated clock, faster than real time.

Sound arrives 50 ms at a time, and recognition takes, on that clock, the processor time that it really took on its one thread.
So the same sound gives the same backlog as live on an idle core; what waiting for the engine's answer and other programs add
is not in it.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import soundfile
import soxr
from numpy.typing import NDArray

from app.services.caption_models import CaptionModels
from benchmarks.word_ends import Timed
from engine.captions.pipeline import CaptionPipeline
from engine.captions.segmenter import Segmenter
from engine.captions.wording import Wording
from engine.inference.recognizer import SpeechStream
from engine.inference.tokens import Word
from engine.services.captions import CaptionLine

RATE_HZ = 16_000
CHUNK_S = 0.05
TAIL_S = 1.0
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


@dataclass
class LiveRun:
    """What the live path made of a sound: versions of lines with the time at which each was there."""

    versions: list[tuple[float, CaptionLine]] = field(default_factory=list)
    cost_s: float = 0.0
    ages_s: list[tuple[float, float]] = field(default_factory=list)
    """Time, and how much sound no hypothesis had heard then."""
    finals_s: list[float] = field(default_factory=list)
    """From deciding that a segment is over to its final line."""

    @property
    def text(self) -> str:
        last = {line.id: line.committed for _, line in self.versions}
        return " ".join(last.values())


Versions = Sequence[tuple[float, CaptionLine]]
"""Versions of lines, with the time at which each was there."""


def first_seen(versions: Versions, with_tentative: bool, norm: Callable[[str], str]) -> list[Timed]:
    """Each word, as `norm` compares words, and since when it was there: for good, or at all."""
    seen: dict[tuple[int, int], Timed] = {}
    for at_s, line in versions:
        text = line.committed + (line.tentative if with_tentative else "")
        for index, word in enumerate(map(norm, text.split())):
            known = seen.get((line.id, index))
            if known is None or known[0] != word:
                seen[line.id, index] = word, at_s
    return [entry for _, entry in sorted(seen.items()) if entry[0]]


def first_guessed(versions: Versions, norm: Callable[[str], str]) -> list[Timed]:
    """Each word of the lines as they are at last, and since when something stood in its place, right or wrong."""
    since: dict[tuple[int, int], float] = {}
    last: dict[int, list[str]] = {}
    for at_s, line in versions:
        last[line.id] = (line.committed + line.tentative).split()
        for index in range(len(last[line.id])):
            since.setdefault((line.id, index), at_s)
    words = [(norm(word), since[number, index]) for number, line in last.items() for index, word in enumerate(line)]
    return [entry for entry in words if entry[0]]


def run_live(sound: Sound, models: CaptionModels) -> LiveRun:
    """The live path over a sound."""
    clock, run = Clock(), LiveRun()
    stream = TimedStream(models.recognizer.stream(), clock)
    pipeline = CaptionPipeline(Segmenter(models.detector.stream()), stream, Wording(), now_s=clock)
    at = 0
    while at < sound.size:
        clock.now_s = max(clock.now_s + 0.005, at / RATE_HZ + CHUNK_S)
        end = min(sound.size, int(clock.now_s * RATE_HZ))
        decided_s = clock.now_s
        for line in pipeline.accept(sound[at:end]):
            run.versions.append((clock.now_s, line))
            if line.is_final:
                run.finals_s.append(clock.now_s - decided_s)
        at = end
        if pipeline.is_speech:
            run.ages_s.append((clock.now_s, clock.now_s - at / RATE_HZ + pipeline.unwritten_s))
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
