"""Captions in files go by the clock of the recording that OBS makes while it makes one."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import numpy as np
import pytest

from engine import CaptionLine, ObsLink, ObsOutputs, ObsStatus, TranscriptFormat
from engine.captions.pipeline import CaptionPipeline
from engine.captions.recording_clock import follow_recording, on_recording
from engine.captions.segmenter import Segmenter
from engine.captions.session import CaptionSession
from engine.captions.transcript import TranscriptHead
from engine.captions.wording import Wording
from engine.services.captions import RecordingClock
from tests.helpers.scripted_speech import LoudnessDetector, ScriptedStream, said, silence, voice

BEGAN = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
BEGAN_S = BEGAN.timestamp()


def obs(
    looked_s: float,
    record_s: float | None,
    since_s: float = 0.0,
    *,
    is_paused: bool = False,
    link: ObsLink = ObsLink.CONNECTED,
) -> ObsStatus:
    outputs = ObsOutputs(
        is_recording=record_s is not None,
        is_paused=is_paused,
        record_s=record_s or 0.0,
        looked_s=looked_s,
        record_since_s=since_s,
    )
    return ObsStatus(link=link, outputs=outputs)


def test_second_0_is_the_recordings_own_and_moves_on_by_what_is_paused() -> None:
    """OBS's own count is behind by 1.8 s, as with its software encoder at ten frames a second."""
    clock = follow_recording(obs(100.3, 0.0, 100.1), None)
    assert clock == RecordingClock(100.1, 100.1)
    assert follow_recording(obs(110.0, 8.2, 100.1), clock) == clock
    paused = follow_recording(obs(110.2, 8.4, 110.1, is_paused=True), clock)
    assert paused == RecordingClock(100.1, 100.1, paused_s=110.1)
    assert follow_recording(obs(150.0, 8.6, 110.1, is_paused=True), paused) == paused
    resumed = follow_recording(obs(160.2, 8.6, 160.1), paused)
    assert resumed == RecordingClock(100.1, pytest.approx(150.1))  # type: ignore[arg-type]
    assert follow_recording(obs(170.0, 18.2, 160.1), resumed) == resumed
    assert follow_recording(obs(171.0, None, 170.9), resumed) is None


@pytest.mark.parametrize("since_s", [940.0, 970.0], ids=["never paused", "paused before"])
def test_a_recording_that_is_found_running_began_by_its_length_ago(since_s: float) -> None:
    assert follow_recording(obs(1000.0, 60.0, since_s), None) == RecordingClock(940.0, 940.0)


def test_a_recording_that_is_found_paused_began_by_its_length_before_the_pause() -> None:
    assert follow_recording(obs(1000.0, 60.0, 990.0, is_paused=True), None) == RecordingClock(930.0, 930.0, 990.0)


def test_a_length_that_jumps_back_is_another_recordings() -> None:
    assert follow_recording(obs(1000.0, 0.0, 999.8), RecordingClock(900.0, 900.0)) == RecordingClock(999.8, 999.8)


def test_a_recording_is_taken_to_go_on_while_obs_does_not_answer() -> None:
    clock = RecordingClock(100.0, 100.0)
    assert follow_recording(None, clock) == clock
    assert follow_recording(obs(0.0, None, link=ObsLink.WAITING), clock) == clock
    assert follow_recording(obs(0.0, None, link=ObsLink.OFF), clock) is None


def test_a_line_has_the_recordings_times_and_what_is_not_in_it_is_left_out() -> None:
    line = CaptionLine(id=1, committed="hello", is_final=True, start_s=9.0, end_s=11.0)
    timed = on_recording(line, RecordingClock(1010.0, 1010.0), began_s=1000.0)
    assert timed == msgspec.structs.replace(line, start_s=0.0, end_s=1.0)
    assert on_recording(line, RecordingClock(1011.0, 1011.0), began_s=1000.0) is None, "said before it began"
    assert on_recording(line, RecordingClock(1000.0, 1000.0, paused_s=1005.0), began_s=1000.0) is None


class SteppedSession:
    """A session on a clock that moves with the sound."""

    def __init__(self, folder: Path) -> None:
        self.session = CaptionSession(
            self._pipeline, TranscriptHead(id="m", version="1", sha256="00"), folder, now=lambda: BEGAN
        )

    def _pipeline(self, first_id: int, start_s: float) -> CaptionPipeline:
        stream = ScriptedStream([said("hello there")])
        return CaptionPipeline(Segmenter(LoudnessDetector()), stream, Wording(), first_id=first_id, start_s=start_s)

    def say(self, *sounds: np.ndarray) -> None:
        self.session.accept(np.concatenate(sounds))

    def sentence(self) -> None:
        """Three seconds, of which the second one is spoken."""
        self.say(silence(1.0), voice(1.0), silence(1.0))


def starts_s(path: Path) -> list[float]:
    return [segment["start_s"] for segment in json.loads(path.read_bytes())["segments"]]


def test_each_recording_has_files_of_its_own_by_its_own_clock(tmp_path: Path) -> None:
    steps, forms = SteppedSession(tmp_path), [TranscriptFormat.JSON]
    steps.session.keep(forms)
    steps.sentence()
    steps.session.keep(forms, RecordingClock(BEGAN_S + 3.0, BEGAN_S + 3.0))
    steps.sentence()
    steps.session.keep(forms, RecordingClock(BEGAN_S + 3.0, BEGAN_S + 3.0, paused_s=BEGAN_S + 6.0))
    steps.sentence()
    steps.session.keep(forms, RecordingClock(BEGAN_S + 3.0, BEGAN_S + 6.0))
    steps.say(silence(1.0), voice(0.5))
    steps.session.keep(forms)
    steps.say(voice(0.5), silence(1.0))
    steps.session.keep(forms)
    steps.sentence()
    steps.session.end()
    of_recording, whole = sorted(tmp_path.iterdir())
    assert [whole.name, of_recording.name] == [
        "Captions 2026-01-02 03.04.05.json",
        "Captions 2026-01-02 03.04.05 recording 03.04.08.json",
    ]
    np.testing.assert_allclose(starts_s(whole), [1.0, 13.0], atol=0.4)
    # Nothing of what was said in the pause; what was being said as it ended is in it, whole.
    np.testing.assert_allclose(starts_s(of_recording), [1.0, 4.0], atol=0.4)
    assert json.loads(of_recording.read_bytes())["model"]["began_at"] == "2026-01-02T03:04:08+00:00"
    steps.session.forget()
    assert not list(tmp_path.iterdir()), "one action deletes all text of a session"


def test_a_session_that_was_broken_off_goes_on_in_the_files_of_its_recording(tmp_path: Path) -> None:
    clock = RecordingClock(BEGAN_S + 0.9, BEGAN_S + 0.9)
    first = SteppedSession(tmp_path)
    first.session.keep([TranscriptFormat.TEXT], clock)
    first.sentence()
    second = SteppedSession(tmp_path)
    second.session.recording = first.session.recording
    # Told anew by an OBS that was found again, a little later.
    second.session.keep([TranscriptFormat.TEXT], follow_recording(obs(BEGAN_S + 5.1, 3.9), second.session.recording))
    second.sentence()
    (path,) = tmp_path.iterdir()
    assert path.read_text().count("hello there") == 2
