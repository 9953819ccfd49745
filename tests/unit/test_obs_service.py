"""The service between an engine and an OBS of the test's own: links, breaks, passwords, scenes, captions."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from app.services import obs as obs_service
from app.services import obs_session
from engine import CaptionLine, LoadPreset, ObsConfig, ObsInput, ObsLink, SceneRule
from engine.integrations import obs_captions, obs_sync
from tests.helpers.engines import wait_until
from tests.helpers.fake_obs import FakeObs
from tests.helpers.obs_service import Password, running


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(obs_sync, "_CHANGE_S", 0.2)
    monkeypatch.setattr(obs_service, "_LOOK_INTERVAL_S", 0.02)
    monkeypatch.setattr(obs_service, "_FIRST_PAUSE_S", 0.05)
    monkeypatch.setattr(obs_session, "_SYNC_INTERVAL_S", 0.05)
    monkeypatch.setattr(obs_session, "_SEARCH_INTERVAL_S", 0.1)


@pytest.fixture
def obs() -> Iterator[FakeObs]:
    fake = FakeObs()
    with fake.running():
        yield fake


def until_offset(obs: FakeObs, offset_ms: int) -> None:
    wait_until(lambda: obs.offsets["Mic"], lambda found_ms: found_ms == offset_ms)


def test_the_measured_delay_is_written_followed_repaired_and_taken_back(obs: FakeObs, tmp_path: Path) -> None:
    with running(tmp_path, ObsConfig(is_on=True, port=obs.port)) as place:
        until_offset(obs, -44)
        held = (ObsInput("Mic", -44),)
        status = wait_until(lambda: place.engine.status, lambda status: status.inputs == held)
        assert status.text == ""
        assert (status.version, status.scene, status.outputs.dropped_frames) == ("30.0.0", "Talk", 3)
        place.engine.latency_ms = 64.0
        until_offset(obs, -64)
        obs.offsets["Mic"] = 0
        until_offset(obs, -64)
    assert obs.offsets == {"Mic": 0, "Other": 7}
    assert place.engine.events[-1] == "the sync offset of “Mic” is 0 ms again, as it was before"


def test_a_delay_that_is_not_measured_is_not_written(obs: FakeObs, tmp_path: Path) -> None:
    with running(tmp_path, ObsConfig(is_on=True, port=obs.port)) as place:
        place.engine.latency_ms = None
        place.wait_for(ObsLink.CONNECTED, "not measured yet")
    assert obs.asked("SetInputAudioSyncOffset") == []


def test_nothing_captures_the_microphone(obs: FakeObs, tmp_path: Path) -> None:
    obs.settings["Mic"]["device_id"] = "{2}"
    with running(tmp_path, ObsConfig(is_on=True, port=obs.port)) as place:
        place.wait_for(ObsLink.CONNECTED, "no input in OBS captures “CABLE Output”")
    assert obs.asked("SetInputAudioSyncOffset") == []


def test_the_user_may_choose_the_input_and_a_delay_of_the_picture(obs: FakeObs, tmp_path: Path) -> None:
    config = ObsConfig(is_on=True, port=obs.port, input="Other", lowest_offset_ms=0, delayed_source="Camera")
    with running(tmp_path, config) as place:
        wait_until(lambda: dict(obs.filters), bool)
        assert list(obs.filters.values()) == [{"delay_ms": 44}]
        wait_until(lambda: obs.offsets["Other"], lambda offset_ms: offset_ms == 0)
        place.engine.config = msgspec.structs.replace(config, is_synced=False)
        wait_until(lambda: dict(obs.filters), lambda filters: not filters)
    assert obs.offsets == {"Mic": 0, "Other": 7}


def test_switching_off_leaves_obs_as_it_was(obs: FakeObs, tmp_path: Path) -> None:
    with running(tmp_path, ObsConfig(is_on=True, port=obs.port)) as place:
        until_offset(obs, -44)
        place.engine.config = ObsConfig(port=obs.port)
        place.wait_for(ObsLink.OFF)
        assert obs.offsets["Mic"] == 0


def test_what_a_crash_left_is_put_back_even_when_the_link_is_off(obs: FakeObs, tmp_path: Path) -> None:
    with running(tmp_path, ObsConfig(is_on=True, port=obs.port)) as place:
        until_offset(obs, -44)
        left_behind = (tmp_path / "before.json").read_bytes()
    obs.offsets["Mic"] = -44
    (tmp_path / "before.json").write_bytes(left_behind)
    with running(tmp_path, ObsConfig(port=obs.port)) as place:
        until_offset(obs, 0)
        place.wait_for(ObsLink.OFF)


def test_when_the_engine_goes_obs_is_left_as_it_was(obs: FakeObs, tmp_path: Path) -> None:
    with running(tmp_path, ObsConfig(is_on=True, port=obs.port)) as place:
        until_offset(obs, -44)
        place.engine.is_gone = True
        until_offset(obs, 0)
    assert place.errors


def test_obs_goes_and_comes_back(tmp_path: Path) -> None:
    fake = FakeObs()
    with fake.running() as obs:
        config = ObsConfig(is_on=True, port=obs.port)
    with running(tmp_path, config) as place:
        place.wait_for(ObsLink.WAITING, "does not answer")
        for _ in range(2):
            fake.offsets["Mic"] = 0
            with fake.running(config.port):
                until_offset(fake, -44)
            place.wait_for(ObsLink.WAITING)
    assert place.engine.events.count("connected to OBS") == 2


def test_a_wrong_password_is_said_and_a_new_one_is_tried_at_once(tmp_path: Path) -> None:
    password = Password("wrong")
    with FakeObs("secret").running() as obs:
        config = ObsConfig(is_on=True, port=obs.port)
        with running(tmp_path, config, password) as place:
            place.wait_for(ObsLink.WAITING, "refuses the password")
            assert password.reads == 1, "OBS tells its user of every wrong one"
            password.password = "secret"
            place.engine.config = msgspec.structs.replace(config, password_changes=1)
            place.wait_for(ObsLink.CONNECTED)
            said = [*place.engine.events, str(place.engine.status), str(place.engine.commands)]
    assert not any("secret" in text or "wrong" in text for text in said)


def test_a_scene_loads_its_preset_when_obs_changes_to_it(obs: FakeObs, tmp_path: Path) -> None:
    rules = (SceneRule("Talk", "stream"), SceneRule("Break", "gone"))
    with running(tmp_path, ObsConfig(is_on=True, port=obs.port, scene_rules=rules)) as place:
        place.wait_for(ObsLink.CONNECTED)
        assert place.engine.commands == [], "the scene that was there at first changes nothing"
        obs.scene = "Break"
        wait_until(lambda: str(place.engine.events), lambda text: "there is no preset 'gone'" in text)
        obs.scene = "Talk"
        wait_until(lambda: list(place.engine.commands), lambda commands: commands == [LoadPreset("stream")])


def test_an_obs_that_loads_scenes_is_waited_for(obs: FakeObs, tmp_path: Path) -> None:
    with running(tmp_path, ObsConfig(is_on=True, port=obs.port)) as place:
        place.wait_for(ObsLink.CONNECTED)
        obs.not_ready = {"GetSceneList"}
        asked = len(obs.requests)
        wait_until(lambda: len(obs.requests), lambda count: count > asked + 5)
        obs.not_ready = set()
        until_offset(obs, -44)
    assert place.engine.events.count("connected to OBS") == 1


def test_captions_go_where_they_are_wanted_and_the_text_source_gets_its_text_back(
    obs: FakeObs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(obs_captions, "_CAPTION_INTERVAL_S", 0.05)
    config = ObsConfig(is_on=True, port=obs.port, text_source="Captions", sends_stream_captions=True)
    with running(tmp_path, config) as place:
        place.engine.lines = (CaptionLine(id=1, committed="Good evening", tentative=" every"),)
        wait_until(lambda: obs.settings["Captions"]["text"], lambda text: text == "Good evening every")
        wait_until(lambda: place.engine.status.captions, lambda text: "OBS is not streaming" in text)
        assert "shown in “Captions”" in place.engine.status.captions
        obs.is_streaming = True
        wait_until(lambda: list(obs.captions), bool)
        assert obs.captions == ["Good evening"], "what may still change is not sent"
        wait_until(lambda: place.engine.status.captions, lambda text: "sent into the stream" in text)
        obs.settings["Captions"]["text"] = ""  # as after a restart of OBS
        place.engine.lines = (CaptionLine(id=1, committed="Good evening, everybody"),)
        wait_until(lambda: obs.settings["Captions"]["text"], lambda text: text == "Good evening, everybody")
    assert obs.settings["Captions"]["text"] == "before"
