"""Sidetone and a real OBS: the measured delay becomes its sync offset and goes again, captions reach picture and stream."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
import soundfile
import soxr
from numpy.typing import NDArray

from engine import (
    CaptionLine,
    CaptionsConfig,
    CaptionsStatus,
    LoadPreset,
    ObsConfig,
    ObsLink,
    ObsStatus,
    SceneRule,
    SetService,
    TranscriptFormat,
)
from engine.captions.segmenter import Segmenter
from engine.inference.catalog import ModelStore
from engine.inference.recognizer import SPEECH_RATE_HZ
from engine.inference.vad import SileroVad
from engine.integrations.obs_sync import FILTER_NAME
from engine.remote import RemoteEngine, connect
from engine.rendezvous import Rendezvous
from engine.services.captions import RecordingClock
from tests.conftest import ROOT
from tests.helpers.obs_service import Password, running
from tests.rig.obs import Obs
from tests.rig.processes import wait_until
from tests.rig.stream_captions import stream_captions
from tests.rig.studio import PipeWireStudio

pytestmark = pytest.mark.needs("pipewire", "wireplumber", "pipewire-pulse", "obs", "Xvfb", "ffmpeg")


@pytest.fixture(scope="module")
def studio() -> Iterator[PipeWireStudio]:
    with PipeWireStudio() as studio:
        yield studio


@pytest.fixture(scope="module")
def obs(studio: PipeWireStudio) -> Iterator[Obs]:
    with Obs(studio, "Sidetone") as obs:
        yield obs


@contextmanager
def sidetone(studio: PipeWireStudio, obs: Obs) -> Iterator[RemoteEngine]:
    """The program as a user starts it who has no keyring; its engine."""
    runtime = studio.folder / "sidetone"
    env = {
        **studio.env,
        "SIDETONE_RUNTIME_DIR": str(runtime),
        "SIDETONE_CONFIG_DIR": str(studio.folder / "settings"),
        "SIDETONE_OBS_PASSWORD": obs.password,
    }
    # Its noise is the test's voice.
    command = [sys.executable, "-m", "app", "headless", "--bypass", "denoise", "--bypass", "compressor"]
    process = subprocess.Popen(command, env=env, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        meeting_point = Rendezvous(runtime)
        wait_until(lambda: meeting_point.find() is not None, "the engine", 60.0)
        engine = connect(meeting_point)
        wait_until(lambda: engine.snapshot().hops > 0, "sound", 60.0)
        yield engine
        engine.close()
    finally:
        process.terminate()
        process.wait(20.0)


def status_of(engine: RemoteEngine) -> ObsStatus:
    return engine.snapshot().services.obs or ObsStatus()


def offset_ms(obs: Obs, name: str = "Microphone") -> int:
    return int(obs.ask("GetInputAudioSyncOffset", {"inputName": name})["inputAudioSyncOffset"])


def set_offset(obs: Obs, name: str, value_ms: int) -> None:
    obs.ask("SetInputAudioSyncOffset", {"inputName": name, "inputAudioSyncOffset": value_ms})


def syllables(seconds: int) -> NDArray[np.float32]:
    t = np.arange(seconds * 48_000) / 48_000
    rng = np.random.default_rng(8)
    return (0.2 * np.clip(np.sin(2 * np.pi * 2.7 * t), 0, 1) * rng.standard_normal(t.size)).astype(np.float32)


def test_the_measured_delay_is_obs_s_sync_offset_while_sidetone_runs(
    studio: PipeWireStudio, obs: Obs, model_store: ModelStore
) -> None:
    """Written, read back, repaired after being reset by hand and after OBS was killed, and put back at the end."""
    set_offset(obs, "Microphone", 20)
    set_offset(obs, "Other", 7)
    with sidetone(studio, obs) as engine:
        engine.send(SetService(ObsConfig(is_on=True, port=obs.port)))
        wait_until(lambda: "not measured yet" in status_of(engine).text, "OBS to be found", 30.0)
        assert offset_ms(obs) == 20, "what is not measured is not written"
        with studio.speaking(syllables(60)):
            wait_until(lambda: offset_ms(obs) != 20, "an offset", 45.0)
            written_ms = offset_ms(obs)
            measured_ms = engine.snapshot().latency.recent_ms
        assert measured_ms is not None
        # The delay may have moved on by the 5 ms that are no change, and is rounded.
        assert -written_ms == pytest.approx(measured_ms, abs=6.0)
        set_offset(obs, "Microphone", 0)
        wait_until(lambda: offset_ms(obs) == written_ms, "what was reset by hand to be repaired", 20.0)
        assert offset_ms(obs, "Other") == 7, "other inputs are not touched"
        obs.kill()
        wait_until(lambda: status_of(engine).link is ObsLink.WAITING, "OBS to be missed", 20.0)
        obs.start()
        wait_until(lambda: status_of(engine).link is ObsLink.CONNECTED, "OBS to be found again", 60.0)
        wait_until(lambda: offset_ms(obs) == written_ms, "the offset in the new OBS", 20.0)
    assert offset_ms(obs) == 20, "OBS is left as it was, also where it had forgotten"


def test_where_the_offset_may_not_go_the_picture_is_delayed_and_a_scene_brings_its_preset(
    obs: Obs, tmp_path: Path
) -> None:
    """A Render Delay filter: made, repaired, changed with the delay, and taken away at the end."""

    def delayed_ms() -> int | None:
        found = obs.ask("GetSourceFilterList", {"sourceName": "Captions"})["filters"]
        return next(
            (entry["filterSettings"]["delay_ms"] for entry in found if entry["filterKind"] == "gpu_delay"), None
        )

    def scene(name: str) -> None:
        obs.ask("SetCurrentProgramScene", {"sceneName": name})
        wait_until(lambda: place.engine.status.scene == name, f"scene {name} to be seen", 20.0)

    set_offset(obs, "Microphone", 0)
    config = ObsConfig(
        is_on=True,
        port=obs.port,
        input="Microphone",
        lowest_offset_ms=0,
        delayed_source="Captions",
        scene_rules=(SceneRule("Break", "quiet"),),
    )
    with running(tmp_path, config, Password(obs.password)) as place:
        wait_until(lambda: delayed_ms() == 44, "the delay of the picture", 30.0)
        wait_until(lambda: place.engine.status.render_delay_ms == 44, "the delay to be told", 20.0)
        assert offset_ms(obs) == 0
        settings = {"sourceName": "Captions", "filterName": FILTER_NAME, "filterSettings": {"delay_ms": 3}}
        obs.ask("SetSourceFilterSettings", settings)
        wait_until(lambda: delayed_ms() == 44, "what was changed by hand to be repaired", 20.0)
        place.engine.latency_ms = 64.0
        wait_until(lambda: delayed_ms() == 64, "the delay to be followed", 30.0)
        assert place.engine.commands == [], "the scene that was there at first loads nothing"
        scene("Break")
        assert place.engine.commands == [LoadPreset("quiet")]
        scene("Scene")
        assert place.engine.commands == [LoadPreset("quiet")]
    assert delayed_ms() is None
    assert offset_ms(obs) == 0


def test_captions_reach_the_text_source_and_the_stream_and_resume_when_obs_restarts(
    studio: PipeWireStudio, obs: Obs, tmp_path: Path
) -> None:
    config = ObsConfig(is_on=True, port=obs.port, text_source="Captions", sends_stream_captions=True)

    def shown() -> str:
        return str(obs.ask("GetInputSettings", {"inputName": "Captions"})["inputSettings"]["text"])

    with running(tmp_path, config, Password(obs.password)) as place:
        place.engine.lines = (CaptionLine(id=1, committed="Good evening,", tentative=" every"),)
        wait_until(lambda: shown() == "Good evening, every", "the caption on the picture", 30.0)
        wait_until(lambda: "OBS is not streaming" in place.engine.status.captions, "the refusal to be shown", 20.0)
        with obs.streaming():
            wait_until(lambda: place.engine.status.outputs.is_streaming, "the stream to be seen", 20.0)
            wait_until(lambda: "sent into the stream" in place.engine.status.captions, "the caption in it", 30.0)
        obs.kill()
        place.wait_for(ObsLink.WAITING)
        obs.start()
        place.engine.lines = (CaptionLine(id=3, committed="There we are again"),)
        wait_until(lambda: shown() == "There we are again", "captions to resume", 60.0)
    assert shown() == "before"


def test_spoken_words_are_read_on_the_picture_and_in_the_stream(
    studio: PipeWireStudio, obs: Obs, model_store: ModelStore, tmp_path: Path
) -> None:
    """From a voice at the microphone through Sidetone and OBS to what a viewer's player decodes (CEA-608)."""
    samples, rate_hz = soundfile.read(model_store.model_path("two-cities"), dtype="float32")
    speech = np.tile(soxr.resample(samples, rate_hz, 48_000), 3)
    recording = tmp_path / "stream.flv"

    def shown() -> str:
        return str(obs.ask("GetInputSettings", {"inputName": "Captions"})["inputSettings"]["text"])

    def committed() -> list[str]:
        status = engine.snapshot().services.captions
        return [line.committed for line in status.lines if line.committed] if status is not None else []

    with sidetone(studio, obs) as engine:
        config = ObsConfig(
            is_on=True, port=obs.port, is_synced=False, text_source="Captions", sends_stream_captions=True
        )
        engine.send(SetService(config))
        engine.send(SetService(CaptionsConfig(is_on=True)))
        with studio.speaking(speech):
            wait_until(lambda: len(" ".join(committed()).split()) > 4, "words to be committed", 60.0)
            wait_until(lambda: len(shown().split()) > 2, "words on the picture", 15.0)
            with obs.streaming(recording):
                wait_until(lambda: "sent into the stream" in status_of(engine).captions, "words in the stream", 30.0)
                said = committed()
                time.sleep(3.0)
                said += committed()
    read = " ".join(stream_captions(recording))
    assert len(set(plain_words(read)) & set(plain_words(" ".join(said)))) >= 3, (read, said)


def test_captions_in_files_have_the_times_of_the_recording(
    studio: PipeWireStudio, obs: Obs, model_store: ModelStore, tmp_path: Path
) -> None:
    """A sentence begins in the file where it begins in the video, also behind a pause of the recording."""
    samples, rate_hz = soundfile.read(model_store.model_path("two-cities"), frames=160_000, dtype="float32")
    speech = np.concatenate([np.zeros(48_000, np.float32), soxr.resample(samples, rate_hz, 48_000)])

    def clock() -> RecordingClock | None:
        return (engine.snapshot().services.captions or CaptionsStatus()).recording

    def segments() -> list[dict[str, float]]:
        return [
            part for path in tmp_path.glob("* recording *.json") for part in json.loads(path.read_bytes())["segments"]
        ]

    # What was there before Sidetone was: OBS does not look for an absent microphone again.
    obs.ask("SetInputSettings", {"inputName": "Other", "inputSettings": {"device_id": "fake_mic"}})
    with sidetone(studio, obs) as engine:
        engine.send(SetService(ObsConfig(is_on=True, port=obs.port, is_synced=False)))
        engine.send(SetService(CaptionsConfig(is_on=True, formats=(TranscriptFormat.JSON,), folder=str(tmp_path))))
        wait_until(lambda: status_of(engine).link is ObsLink.CONNECTED, "OBS to be found", 60.0)
        wait_until(lambda: bool(list(tmp_path.glob("*.json"))), "captions to be written", 60.0)
        with obs.recording() as heard:
            wait_until(lambda: clock() is not None, "the recording to be seen", 20.0)
            obs.ask("PauseRecord")
            wait_until(
                lambda: (seen := clock()) is not None and seen.paused_s is not None, "the pause to be seen", 20.0
            )
            time.sleep(2.0)
            obs.ask("ResumeRecord")
            wait_until(lambda: (seen := clock()) is not None and seen.paused_s is None, "its end to be seen", 20.0)
            with studio.speaking(speech):
                wait_until(lambda: bool(segments()), "a sentence in the recording's file", 60.0)
        (sound,) = heard
        played_s = first_loud_s(sound) - first_loud_s(speech)
        detector = SileroVad(model_store.model_path("silero-vad"))
        pieces = Segmenter(detector.stream()).accept(soxr.resample(speech, 48_000, SPEECH_RATE_HZ))
        begins_s = next(piece.start_sample for piece in pieces if piece.is_first) / SPEECH_RATE_HZ
        # OBS is looked at four times a second; the pause was two seconds or more.
        assert segments()[0]["start_s"] == pytest.approx(played_s + begins_s, abs=1.0)
        wait_until(lambda: clock() is None, "the end of the recording to be seen", 20.0)


def first_loud_s(sound: NDArray[np.float32]) -> float:
    return float(np.flatnonzero(np.abs(sound) > 0.1 * np.abs(sound).max())[0]) / 48_000


def plain_words(text: str) -> list[str]:
    """Words of more than two letters, as they are compared."""
    return [word for word in re.findall(r"[a-z]+", text.lower()) if len(word) > 2]
