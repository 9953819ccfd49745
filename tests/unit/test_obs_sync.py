"""Sound and picture in step: which offset, when it is written, and that OBS is left as it was."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.integrations.obs_connection import ObsConnection
from engine.integrations.obs_inputs import InputFinder, read_choices
from engine.integrations.obs_ledger import ObsLedger
from engine.integrations.obs_sync import FILTER_NAME, LatencyFollower, PictureDelay, SyncOffsets, plan_sync
from tests.helpers.fake_obs import FakeObs


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "new folder" / "before.json"


def offsets(obs: ObsConnection, file: Path, told: list[str] | None = None, collection: str = "Untitled") -> SyncOffsets:
    """As after a new start: from what the file says."""
    return SyncOffsets(obs, ObsLedger(file), collection, (told if told is not None else []).append)


@pytest.mark.parametrize(
    ("latency_ms", "picture_ms", "lowest_ms", "has_source", "plan"),
    [
        (44.4, 0.0, -950, False, (-44, 0, 0)),  # the sound is late, so OBS takes it for earlier
        (44.4, 100.0, -950, False, (56, 0, 0)),  # the camera is later still
        (1200.0, 0.0, -950, False, (-950, 0, 250)),
        (1200.0, 0.0, -950, True, (-950, 250, 0)),
        (1600.0, 0.0, -950, True, (-950, 500, 150)),
        (44.0, 0.0, 0, True, (0, 44, 0)),  # the user wants the picture delayed
        (44.0, 0.0, -5000, True, (-44, 0, 0)),
        (10.0, 30_000.0, -950, True, (20_000, 0, 0)),
    ],
)
def test_who_is_shifted_by_how_much(
    latency_ms: float, picture_ms: float, lowest_ms: int, has_source: bool, plan: tuple[int, int, int]
) -> None:
    assert plan_sync(latency_ms, picture_ms, lowest_ms, has_source) == plan


def test_a_latency_counts_after_three_seconds_more_than_five_ms_away() -> None:
    follower = LatencyFollower()
    assert [follower.follow(40.0, t) for t in (0.0, 2.9, 3.0)] == [None, None, 40.0]
    assert [follower.follow(45.0, t) for t in (4.0, 8.0)] == [40.0, 40.0], "5 ms is no change"
    assert [follower.follow(46.0, t) for t in (9.0, 11.9)] == [40.0, 40.0]
    assert follower.follow(41.0, 12.0) == 40.0, "it has come back"
    assert [follower.follow(46.0, t) for t in (12.1, 15.0, 15.1)] == [40.0, 40.0, 46.0]
    assert follower.follow(None, 16.0) is None, "not measured is not known"


def test_an_offset_is_written_held_and_put_back(fake_obs: FakeObs, obs: ObsConnection, file: Path) -> None:
    fake_obs.offsets["Mic"], told = 30, list[str]()
    sync = offsets(obs, file, told)
    sync.hold("Mic", -44)
    sync.hold("Mic", -44)
    assert len(fake_obs.asked("SetInputAudioSyncOffset")) == 1, "what is right is not written again"
    fake_obs.offsets["Mic"] = 0  # as OBS does now and then
    sync.hold("Mic", -44)
    assert fake_obs.offsets["Mic"] == -44
    sync.hold("Mic", -60)
    sync.release()
    assert fake_obs.offsets == {"Mic": 30, "Other": 7}
    assert {data["inputName"] for data in fake_obs.asked("SetInputAudioSyncOffset")} == {"Mic"}
    assert told == [
        "the sync offset of “Mic” was 30 ms and is -44 ms now",
        "the sync offset of “Mic” was 0 ms in OBS and is -44 ms again",
        "the sync offset of “Mic” was -44 ms and is -60 ms now",
        "the sync offset of “Mic” is 30 ms again, as it was before",
    ]
    assert ObsLedger(file).is_empty


def test_what_was_there_is_known_after_a_crash(fake_obs: FakeObs, obs: ObsConnection, file: Path) -> None:
    fake_obs.offsets["Mic"] = 30
    offsets(obs, file).hold("Mic", -44)
    after_crash = offsets(obs, file)
    after_crash.hold("Mic", -50)
    after_crash.release()
    assert fake_obs.offsets["Mic"] == 30


@pytest.mark.parametrize(("found_ms", "left_ms"), [(0, 30), (30, 30), (-44, 30), (15, 15)])
def test_what_obs_has_when_it_is_there_again(
    fake_obs: FakeObs, obs: ObsConnection, file: Path, found_ms: int, left_ms: int
) -> None:
    """What OBS forgot is put back, what the user set meanwhile is the user's."""
    fake_obs.offsets["Mic"] = 30
    offsets(obs, file).hold("Mic", -44)
    fake_obs.offsets["Mic"] = found_ms
    again = offsets(obs, file)
    again.hold("Mic", -44)
    assert fake_obs.offsets["Mic"] == -44
    again.release()
    assert fake_obs.offsets["Mic"] == left_ms


def test_an_offset_that_somebody_set_meanwhile_is_not_overwritten(
    fake_obs: FakeObs, obs: ObsConnection, file: Path
) -> None:
    offsets(obs, file).hold("Mic", -44)
    fake_obs.offsets["Mic"] = 15
    offsets(obs, file).release()
    assert fake_obs.offsets["Mic"] == 15


def test_an_input_that_is_gone_is_forgotten(fake_obs: FakeObs, obs: ObsConnection, file: Path) -> None:
    offsets(obs, file).hold("Mic", -44)
    del fake_obs.offsets["Mic"]
    offsets(obs, file).release()
    assert ObsLedger(file).is_empty


def test_each_scene_collection_has_its_own_page(fake_obs: FakeObs, obs: ObsConnection, file: Path) -> None:
    offsets(obs, file).hold("Mic", -44)
    fake_obs.offsets["Mic"] = 5  # another collection's input of the same name
    other = offsets(obs, file, collection="Other")
    other.hold("Mic", -44)
    other.release()
    assert fake_obs.offsets["Mic"] == 5
    assert not ObsLedger(file).is_empty
    fake_obs.offsets["Mic"] = -44
    offsets(obs, file).release()
    assert fake_obs.offsets["Mic"] == 0


@pytest.mark.parametrize("content", [b"", b"[]", b'{"a": 3}', b"\xff\xfe", b'{"a": {"offsets": {"Mic": {}}}}'])
def test_a_damaged_ledger_is_begun_anew(file: Path, content: bytes) -> None:
    file.parent.mkdir()
    file.write_bytes(content)
    assert ObsLedger(file).is_empty


def test_the_picture_is_delayed_by_a_filter_of_our_own(fake_obs: FakeObs, obs: ObsConnection, file: Path) -> None:
    fake_obs.filters["Camera", "Colour"] = {}
    delay = PictureDelay(obs, ObsLedger(file), "Untitled", list[str]().append)
    delay.hold("Camera", 44)
    delay.hold("Camera", 50)
    assert fake_obs.filters == {("Camera", "Colour"): {}, ("Camera", FILTER_NAME): {"delay_ms": 50}}
    del fake_obs.filters["Camera", FILTER_NAME]
    delay.hold("Camera", 50)
    assert ObsLedger(file).page("Untitled").delayed == ["Camera"]
    delay.hold("Captions", 50)
    assert ("Camera", FILTER_NAME) not in fake_obs.filters
    # As after a crash.
    PictureDelay(obs, ObsLedger(file), "Untitled", list[str]().append).release()
    assert fake_obs.filters == {("Camera", "Colour"): {}}
    assert ObsLedger(file).is_empty


def test_the_input_that_captures_a_device_is_found_by_name_or_id(fake_obs: FakeObs, obs: ObsConnection) -> None:
    finder = InputFinder(obs)
    assert finder.find("CABLE Output") == ("Mic",)
    assert finder.find("{2}") == ("Other",)
    assert finder.find("Sidetone") == ()
    assert finder.find("") == ()
    fake_obs.settings["Other"]["device_id"] = "{1}"
    assert finder.find("CABLE Output") == ("Mic", "Other")
    fake_obs.settings["Mic"] = {}  # the system's default, whatever that is
    assert finder.find("CABLE Output") == ("Other",)


def test_what_there_is_to_choose_from(obs: ObsConnection) -> None:
    choices = read_choices(obs, ("Talk",))
    assert choices.audio_inputs == ("Mic", "Other")
    assert choices.text_sources == ("Captions",)
    assert choices.video_sources == ("Camera", "Captions", "Talk")
