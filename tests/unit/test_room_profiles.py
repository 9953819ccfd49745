"""Profiles of rooms: whole or not at all, refused with a sentence, and heard once they are chosen."""

from __future__ import annotations

from pathlib import Path

import msgspec
import numpy as np
import pytest

from app.rooms import DevicePair, RoomFolder, device_warning
from engine.config import RoomConfig
from engine.core.stage import StreamFormat
from engine.errors import RoomError
from engine.measure.profile import (
    RoomProfile,
    StoredCurve,
    Way,
    decode_profile,
    encode_profile,
    octave_times_s,
    stored_impulse,
)
from engine.measure.response import decay_of, onset, response_curve, waterfall
from engine.monitor import MonitorBus
from engine.rooms import Rooms, no_profiles
from engine.stages.room_correction import RoomCorrection
from tests.helpers.rooms import RATE_HZ, room_impulse
from tests.helpers.stages import BLOCK, blocks_of, voice_like


def profile(name: str = "Attic", t60_s: float = 0.4) -> RoomProfile:
    impulse = room_impulse(t60_s)
    return RoomProfile(
        name=name,
        made_at="2026-11-26T08:00:00",
        way=Way.SWEEP,
        response=StoredCurve.of(response_curve(impulse, RATE_HZ)),
        decay=decay_of(impulse, RATE_HZ),
        octave_t20_s=octave_times_s(impulse),
        impulse=stored_impulse(impulse),
    )


def test_a_profile_comes_back_as_it_was(tmp_path: Path) -> None:
    folder = RoomFolder(tmp_path / "rooms")
    assert folder.names() == []
    folder.save(profile("Küche 2"))
    folder.save(profile("Attic", 0.3))
    again = RoomFolder(tmp_path / "rooms")
    assert again.names() == ["Attic", "Küche 2"]
    assert again.load("Küche 2") == profile("Küche 2")
    assert again.room("Attic").decay_s == pytest.approx(0.3, rel=0.05)
    folder.remove("Attic")
    assert again.names() == ["Küche 2"]


def test_what_was_replaced_or_forgotten_last_lies_beside(tmp_path: Path) -> None:
    folder, file, before = RoomFolder(tmp_path), tmp_path / "Attic.room.json", tmp_path / "Attic.room.bak"
    folder.save(profile("Attic", 0.3))
    first = file.read_bytes()
    folder.save(profile("Attic", 0.5))
    assert before.read_bytes() == first
    file.write_bytes(b"{")
    folder.save(profile("Attic", 0.6))
    assert before.read_bytes() == first, "a damaged one is not worth keeping"
    last = file.read_bytes()
    folder.remove("Attic")
    assert before.read_bytes() == last
    assert folder.names() == []
    with pytest.raises(RoomError, match="there is no room profile"):
        folder.remove("Attic")


@pytest.mark.parametrize("name", ["", " x", "a/b", "..", "con:", "CON", "x" * 61, "a\nb", "end.", ".x"])
def test_a_name_that_no_file_can_have_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(RoomError, match="cannot be the name of a room"):
        RoomFolder(tmp_path).save(profile(name))
    assert list(tmp_path.iterdir()) == []


def _damages() -> dict[str, bytes]:
    whole = encode_profile(profile())
    fields = msgspec.json.decode(whole)
    return {
        "nothing": b"",
        "cut off": whole[: len(whole) // 2],
        "not text": b"\xff\xfe" + whole,
        "another thing": b'{"hello": 1}',
        "deep": b"[" * 100_000,
        "later": msgspec.json.encode({**fields, "version": 99}),
        "no curve": msgspec.json.encode({**fields, "response": {"frequencies_hz": [], "gain_db": []}}),
        "wild": msgspec.json.encode({**fields, "response": {"frequencies_hz": [10.0, 20.0], "gain_db": [0.0, 1e9]}}),
        "backwards": msgspec.json.encode({**fields, "response": {"frequencies_hz": [20.0, 10.0], "gain_db": [0, 1]}}),
        "no band": msgspec.json.encode({**fields, "low_hz": 500.0, "high_hz": 100.0}),
        "odd bytes": msgspec.json.encode({**fields, "impulse": "AAA="}),
        "no number": msgspec.json.encode({**fields, "impulse": "AADAfw=="}),
    }


@pytest.mark.parametrize("damage", _damages().values(), ids=_damages().keys())
def test_a_damaged_profile_is_a_sentence(tmp_path: Path, damage: bytes) -> None:
    (tmp_path / "Attic.room.json").write_bytes(damage)
    with pytest.raises(RoomError, match="'Attic' cannot be used, so nothing is corrected: "):
        RoomFolder(tmp_path).load("Attic")


def test_a_profile_of_which_a_byte_changed_is_read_or_refused() -> None:
    whole = bytearray(encode_profile(profile()))
    rng = np.random.default_rng(1)
    for _ in range(300):
        damaged = bytearray(whole)
        damaged[rng.integers(len(whole))] = rng.integers(256)
        try:
            decode_profile(bytes(damaged)).room()
        except RoomError:
            continue


def test_what_cannot_be_used_is_refused_and_changes_nothing(tmp_path: Path) -> None:
    folder = RoomFolder(tmp_path)
    folder.save(profile())
    rooms = Rooms([RoomCorrection()], MonitorBus(), folder.room)
    rooms.choose(RoomConfig(profile="Attic"))
    (tmp_path / "Cellar.room.json").write_bytes(b"?")
    with pytest.raises(RoomError, match="'Cellar' cannot be used"):
        rooms.choose(RoomConfig(profile="Cellar"))
    assert rooms.snapshot().config.profile == "Attic"
    with pytest.raises(RoomError, match="there is no room profile 'Roof'; known: Attic, Cellar"):
        rooms.choose(RoomConfig(monitor="Roof"))
    with pytest.raises(RoomError):
        no_profiles("Attic")


def test_at_a_start_what_is_damaged_is_told_and_off(tmp_path: Path) -> None:
    folder = RoomFolder(tmp_path)
    folder.save(profile())
    stage = RoomCorrection()
    rooms = Rooms([stage], MonitorBus(), folder.room)
    assert rooms.restore(RoomConfig(profile="Attic")) == ""
    (tmp_path / "Attic.room.json").write_bytes(b"?")
    problem = rooms.restore(RoomConfig(profile="Attic"))
    assert "cannot be used, so nothing is corrected" in problem
    assert rooms.snapshot().problem == problem
    stage.prepare(StreamFormat(RATE_HZ, 1, BLOCK))
    samples = voice_like(0.2)
    out = samples.copy()
    for cut in blocks_of(samples.shape[1]):
        stage._convolver.process(out[:, cut])
    np.testing.assert_array_equal(out, samples)


def test_the_monitor_bus_is_corrected_without_delay(tmp_path: Path) -> None:
    folder = RoomFolder(tmp_path)
    shelf = StoredCurve((20.0, 500.0, 1000.0, 20_000.0), (0.0, 0.0, 6.0, 6.0))
    folder.save(
        RoomProfile(name="Phones", made_at="2026-11-26T08:00:00", way=Way.IMPORT, response=shelf, is_correction=True)
    )
    monitor = MonitorBus()
    rooms = Rooms([], monitor, folder.room)
    monitor.prepare(StreamFormat(RATE_HZ, 2, BLOCK))
    rooms.choose(RoomConfig(monitor="Phones"))
    rooms.tend()
    noise = 0.01 * np.random.default_rng(1).standard_normal((2, 60 * BLOCK)).astype(np.float32)
    out = noise.copy()
    for cut in blocks_of(noise.shape[1]):
        monitor.process(out[:, cut])
    spectra = np.fft.rfft(out[:, 20 * BLOCK :]) * np.conj(np.fft.rfft(noise[:, 20 * BLOCK :]))
    assert np.fft.irfft(spectra, axis=1).argmax(axis=1).tolist() == [0, 0]
    power = np.mean(np.abs(np.fft.rfft(out[0, 20 * BLOCK :])) ** 2 / np.abs(np.fft.rfft(noise[0, 20 * BLOCK :])) ** 2)
    assert 4.0 < 10 * np.log10(power) < 8.0


@pytest.mark.parametrize("t60_s", [0.2, 0.5, 1.5])
@pytest.mark.parametrize("noise_db", [None, -70.0])
def test_decay_times_are_found(t60_s: float, noise_db: float | None) -> None:
    impulse = room_impulse(t60_s, boxy_db=0.0, seconds=2.5)
    if noise_db is not None:
        impulse = impulse + 10 ** (noise_db / 20) * np.random.default_rng(2).standard_normal(impulse.size)
    found = decay_of(impulse, RATE_HZ)
    assert found.t20_s == pytest.approx(t60_s, rel=0.05)
    assert found.edt_s == pytest.approx(t60_s, rel=0.1)
    assert decay_of(impulse, RATE_HZ, 1000.0).t20_s == pytest.approx(t60_s, rel=0.1)


def test_clarity_and_direct_sound_are_ratios_of_energy() -> None:
    impulse = np.zeros(RATE_HZ)
    impulse[1000], impulse[1000 + round(0.02 * RATE_HZ)], impulse[1000 + round(0.1 * RATE_HZ)] = 1.0, 0.5, 0.1
    found = decay_of(impulse, RATE_HZ)
    assert found.drr_db == pytest.approx(10 * np.log10(1 / 0.26), abs=0.01)
    assert found.c50_db == pytest.approx(10 * np.log10(1.25 / 0.01), abs=0.01)
    assert onset(impulse) == 1000


def test_a_recording_with_too_much_noise_gives_no_decay_time() -> None:
    impulse = room_impulse(0.5) + 0.05 * np.random.default_rng(1).standard_normal(RATE_HZ)
    assert decay_of(impulse, RATE_HZ).t30_s is None


def test_the_waterfall_falls() -> None:
    fall = waterfall(room_impulse(0.4), RATE_HZ)
    assert fall.level_db.shape == (fall.times_s.size, fall.frequencies_hz.size)
    assert fall.level_db.max() == 0.0
    means = fall.level_db.mean(axis=1)
    assert means[-1] < means[0] - 40


@pytest.mark.parametrize(
    ("used", "warned_of"),
    [
        (DevicePair("Studio Microphone", "Shelf"), ""),
        (DevicePair("studio", ""), ""),
        (DevicePair(), ""),
        (DevicePair("Headset"), "another microphone, “Studio Microphone”"),
        (DevicePair("Studio Microphone", "Headphones"), "another loudspeaker, “Shelf”"),
    ],
)
def test_other_devices_than_those_in_use_are_warned_of(used: DevicePair, warned_of: str) -> None:
    warning = device_warning("Attic", DevicePair("Studio Microphone", "Shelf"), used)
    assert warned_of in warning
    assert bool(warning) == bool(warned_of)
    assert device_warning("Attic", DevicePair(), used) == ""
