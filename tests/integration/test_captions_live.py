"""Captions of the running program: they reach the overlay page in a browser, keep up, outlive a kill, and can be deleted."""

from __future__ import annotations

import hashlib
import json
import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import soundfile

from engine import CaptionsConfig, CaptionsState, OverlayConfig, SetService, TranscriptFormat
from engine.inference.catalog import ModelStore
from engine.integrations.loopback_server import LOOPBACK
from engine.integrations.token_file import TokenFile
from engine.remote import RemoteEngine
from tests.helpers.live_captions import await_captions, services_process, speaking_program
from tests.helpers.loopback import free_port, port_of
from tests.helpers.processes import sidetone
from tests.helpers.speech_models import speech_archive
from tests.rig.chromium import chromium

BACK_AFTER_S = 15.0
"""The mark is 3 s on an idle machine; CI's is busy."""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Of the program that runs."""
    return tmp_path_factory.mktemp("speaking")


@pytest.fixture(scope="module")
def engine(model_store: ModelStore, folder: Path) -> Iterator[RemoteEngine]:
    """`sidetone headless` with a voice in the place of the microphone."""
    # For ever, for a busy machine: what was said before captions are on is not heard.
    samples, rate_hz = soundfile.read(model_store.model_path("two-cities"), dtype="float32")
    with speaking_program(folder, np.asarray(samples), rate_hz, is_looped=True) as engine:
        yield engine


@pytest.mark.needs("chromium")
def test_what_is_spoken_is_read_in_a_browser(engine: RemoteEngine, folder: Path, tmp_path: Path) -> None:
    port = free_port()
    engine.send(SetService(OverlayConfig(is_on=True, port=port, lines=4, keep_s=60.0)))
    engine.send(SetService(CaptionsConfig(is_on=True)))
    port_of(engine, lambda services: services.overlay)
    token = TokenFile(folder / "config" / "overlay.token").token()
    with chromium(tmp_path / "profile") as browser:
        browser.open(f"http://{LOOPBACK}:{port}/{token}/")
        await_captions(engine, lambda status: any(len(line.committed.split()) > 4 for line in status.lines))
        # Six words in a row that the page shows and the engine has committed: the same, at one time or another.
        script = "[...document.querySelectorAll('.word')].map(word => word.textContent).join(' ')"
        shown = str(browser.wait_for(f"(text => text.split(' ').length > 5 && text)({script})"))
        words = shown.split()[:6]
        status = await_captions(engine, lambda status: True)
        spoken = " ".join(line.committed for line in status.lines)
        assert " ".join(words) in spoken
    engine.send(SetService(OverlayConfig()))


@pytest.mark.needs("ps")
def test_captions_follow_a_voice_outlive_a_kill_and_can_be_deleted(engine: RemoteEngine, tmp_path: Path) -> None:
    folder = tmp_path / "transcripts"
    config = CaptionsConfig(is_on=True, folder=str(folder), formats=tuple(TranscriptFormat))
    engine.send(SetService(config))
    before = await_captions(
        engine,
        lambda status: status.is_speech and len(status.files) == 4 and any(line.is_final for line in status.lines),
    )
    assert before.age_ms is not None

    misses, hops = engine.snapshot().deadline_misses, engine.snapshot().hops
    os.kill(services_process(engine), signal.SIGKILL)
    killed_s = time.monotonic()
    time.sleep(0.1)  # what it sent last is on its way
    last_said = engine.snapshot().services.captions
    for path in folder.glob("*.json"):
        json.loads(path.read_bytes())
    listening = await_captions(engine, lambda status: status != last_said and status.state is CaptionsState.LISTENING)
    back_s = time.monotonic() - killed_s
    print(f"listening again after {back_s:.2f} s")
    assert listening.session == before.session
    assert back_s < BACK_AFTER_S
    last = max(line.id for line in before.lines)
    final = await_captions(engine, lambda status: any(line.is_final and line.id > last for line in status.lines))
    assert [line.id for line in final.lines] == sorted(line.id for line in final.lines)
    (path,) = folder.glob("*.json")
    segments = json.loads(path.read_bytes())["segments"]
    assert len(segments) >= 2
    assert [segment["start_s"] for segment in segments] == sorted(segment["start_s"] for segment in segments)
    snapshot = engine.snapshot()
    assert snapshot.hops > hops
    assert snapshot.deadline_misses - misses <= 5

    engine.send(SetService(CaptionsConfig(is_on=True, folder=str(folder), forgotten_session=final.session)))
    fresh = await_captions(engine, lambda status: status.session != final.session)
    assert fresh.files == ()
    assert list(folder.iterdir()) == []
    engine.send(SetService(CaptionsConfig()))
    await_captions(engine, lambda status: status.state is CaptionsState.OFF and not status.lines)


def test_a_recordings_captions_are_written_whole(model_store: ModelStore, tmp_path: Path) -> None:
    target = tmp_path / "captions.json"
    done = sidetone("captions", model_store.model_path("two-cities"), "--json", target, "--vtt", tmp_path / "c.vtt")
    assert (done.code, done.err) == (0, "")
    document = json.loads(target.read_bytes())
    assert document["model"]["id"] == "moonshine-tiny-en"
    text = " ".join(segment["text"] for segment in document["segments"]).lower()
    assert "it was the best of times" in text
    assert "present period" in text
    assert all(segment["start_s"] < segment["end_s"] for segment in document["segments"])


def test_another_model_of_another_tokenizer_takes_the_place(model_store: ModelStore, tmp_path: Path) -> None:
    archive = tmp_path / "german.zip"
    archive.write_bytes(speech_archive())
    sha256 = hashlib.sha256(archive.read_bytes()).hexdigest()
    env = {"SIDETONE_CONFIG_DIR": str(tmp_path / "config")}
    named = ("--id", "small-german", "--label", "Small German", "--version", "7", "--licence", "MIT")
    assert sidetone("models", "import", archive, "--sha256", sha256, *named, env=env).code == 0
    assert sidetone("models", "choose", "small-german", env=env).code == 0
    target = tmp_path / "captions.json"
    assert sidetone("captions", model_store.model_path("two-cities"), "--json", target, env=env).code == 0
    document = json.loads(target.read_bytes())
    assert document["segments"][0]["text"].startswith("Guten Morgen, Welt")
    model = document["model"]
    assert (model["id"], model["version"], model["sha256"]) == ("small-german", "7", sha256)


def test_a_recording_that_is_none_is_refused_in_one_sentence(tmp_path: Path) -> None:
    noise = tmp_path / "noise.wav"
    noise.write_bytes(b"no sound")
    assert "cannot be read as audio" in sidetone("captions", noise).complaint()
    assert "does not exist" in sidetone("captions", tmp_path / "nowhere.wav").complaint()
    assert "never changed" in sidetone("captions", noise, "--json", noise).complaint()
