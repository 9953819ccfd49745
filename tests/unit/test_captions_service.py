"""The captions service takes the place of one that was killed: what was being said meanwhile is not lost."""

from __future__ import annotations

import threading
from pathlib import Path

import msgspec
import numpy as np
import pytest
from numpy.typing import NDArray

from app.services.caption_models import CaptionModels
from app.services.captions import CaptionsService
from engine import CaptionsConfig, CaptionsState, CaptionsStatus, Command, ServicesConfig, Snapshot, TapPoint
from engine.captions.listener import TapListener
from engine.captions.transcript import TranscriptHead
from engine.commands import ReportService
from engine.core.tap import Tap
from engine.services import ServicesSnapshot
from engine.services.captions import TapPosition
from engine.snapshot import TapChunk
from tests.helpers.fake_engine import FakeEngine
from tests.helpers.scripted_speech import LoudnessDetector, ScriptedStream, said

RATE_HZ = 48_000
STEP = 12_000


class Killed(BaseException):
    """The process is gone."""


class SpokenEngine(FakeEngine):
    """Its tap moves on by a quarter of a second each time somebody listens, and at frame `kill_at` it kills the listener."""

    def __init__(self, sound: NDArray[np.float32]) -> None:
        super().__init__()
        self.sound = sound
        self.live = Tap(10 * RATE_HZ)
        self.kill_at = len(sound) + 1
        self.is_over = threading.Event()
        self.statuses: list[CaptionsStatus] = []

    def pass_sound(self, frames: int) -> None:
        self.live.process(self.sound[None, self.live.end_frame : self.live.end_frame + frames])

    def tap(self, point: TapPoint, run: int = -1, after_frame: int = 0) -> TapChunk:
        if self.live.end_frame >= self.kill_at:
            raise Killed
        if self.live.end_frame >= len(self.sound):
            self.is_over.set()
        self.pass_sound(STEP)
        if run != 7:
            return TapChunk(7, self.live.end_frame, b"")
        first, samples = self.live.read(after_frame)
        return TapChunk(7, first, samples.astype("<f4").tobytes())

    def snapshot(self, with_spectrum: bool = False, with_session: bool = False) -> Snapshot:
        captions = self.statuses[-1] if self.statuses else None
        services = ServicesSnapshot(config=ServicesConfig(captions=CaptionsConfig(is_on=True)), captions=captions)
        return msgspec.structs.replace(super().snapshot(), services=services)

    def send(self, command: Command) -> None:
        if isinstance(command, ReportService) and isinstance(command.status, CaptionsStatus):
            self.statuses.append(command.status)


class Detector:
    """Somebody speaks wherever it is loud."""

    def stream(self) -> LoudnessDetector:
        return LoudnessDetector()


class Recognizer:
    """Notes what sound its streams were given."""

    def __init__(self) -> None:
        self.streams: list[ScriptedStream] = []

    def stream(self) -> ScriptedStream:
        self.streams.append(ScriptedStream([said("hello there")]))
        return self.streams[-1]


def serve(engine: SpokenEngine, folder: Path) -> Recognizer:
    recognizer = Recognizer()
    models = CaptionModels(recognizer, Detector(), TranscriptHead(id="m", version="1", sha256="00"))  # type: ignore[arg-type]
    CaptionsService(lambda tell: models, folder).run(engine, engine.is_over)
    return recognizer


def spoken(*parts: tuple[float, float]) -> NDArray[np.float32]:
    """Parts of a length in seconds and a level."""
    return np.concatenate([np.full(round(seconds * RATE_HZ), level, np.float32) for seconds, level in parts])


def test_a_sentence_that_was_broken_off_by_a_kill_is_heard_whole(tmp_path: Path) -> None:
    # One sentence of 1 s and one of 4 s, in which the process dies; it comes back two seconds later.
    engine = SpokenEngine(spoken((1.0, 0.0), (1.0, 0.5), (1.5, 0.0), (4.0, 0.5), (2.0, 0.0)))
    engine.kill_at = 5 * RATE_HZ
    with pytest.raises(Killed):
        serve(engine, tmp_path)
    before = engine.statuses[-1]
    (first,) = [line for line in before.lines if line.is_final]
    engine.kill_at = len(engine.sound) + RATE_HZ
    engine.pass_sound(2 * RATE_HZ)
    recognizer = serve(engine, tmp_path)
    after = engine.statuses[-1]
    assert after.session == before.session
    assert [line.is_final for line in after.lines] == [True, True]
    assert after.lines[0] == first
    assert after.lines[1].end_s - after.lines[1].start_s == pytest.approx(4.0, abs=0.5)
    assert recognizer.streams


def test_a_listener_begins_where_another_was_told_to_have_stopped() -> None:
    engine = SpokenEngine(spoken((10.0, 0.25)))
    first = TapListener(engine, TapPoint.INPUT)
    assert first.read().is_new  # type: ignore[union-attr]
    first.read()
    position = first.position(unsettled_samples=1600)
    assert position == TapPosition(7, 2 * STEP - 4800)
    second = TapListener(engine, TapPoint.INPUT, position)
    heard = second.read()
    assert heard is not None
    assert heard.is_new
    # The resampler keeps the last of it for later.
    assert (STEP + 4800) / 3 - 600 <= heard.sound.size <= (STEP + 4800) / 3
    third = second.read()
    assert third is not None
    assert not third.is_new


def test_the_status_tells_that_it_listens(tmp_path: Path) -> None:
    engine = SpokenEngine(spoken((2.0, 0.0)))
    serve(engine, tmp_path)
    assert engine.statuses[-1].state is CaptionsState.LISTENING
