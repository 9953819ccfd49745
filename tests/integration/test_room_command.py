"""`sidetone room` as a person uses it: files in, figures out, one sentence for what does not work."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile

from tests.helpers.rooms import RATE_HZ, room_impulse
from tests.unit.test_room_talk import clap_in

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(autouse=True)
def own_rooms(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SIDETONE_CONFIG_DIR", str(tmp_path / "config"))


def room(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "app", "room", *words], cwd=ROOT, capture_output=True, text=True, timeout=60, check=False
    )


def test_a_room_is_imported_shown_exported_and_removed(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "ir.wav", room_impulse(0.4) / 4, RATE_HZ, subtype="FLOAT")
    assert room("import", str(tmp_path / "ir.wav"), "Attic").returncode == 0
    shown = json.loads(room("show", "Attic", "--json").stdout)[0]
    assert shown["decay"]["t20_s"] == pytest.approx(0.4, rel=0.05)
    assert "Attic: import" in room("list").stdout
    assert room("export", "Attic", str(tmp_path / "eq.txt")).returncode == 0
    assert "Filter 1: ON" in (tmp_path / "eq.txt").read_text("utf-8")
    assert room("import", str(tmp_path / "eq.txt"), "Bands").returncode == 0
    assert room("remove", "Attic").returncode == 0
    assert [entry["name"] for entry in json.loads(room("list", "--json").stdout)] == ["Bands"]


def test_a_clap_in_a_recording_teaches_the_decay(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "clap.wav", np.pad(clap_in(room_impulse(0.5, seconds=1.5)), (0, 6 * RATE_HZ)), RATE_HZ)
    done = room("learn", "Hall", "--way", "clap", "--input", f"simulated:{tmp_path / 'clap.wav'}", "--json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)[0]["decay"]["t20_s"] == pytest.approx(0.5, rel=0.1)
    assert "keep still" in done.stderr


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("show", "Attic"), "there is no room profile 'Attic'"),
        (("import", "nowhere.txt", "Attic"), "nowhere.txt cannot be read"),
        (("use", "Attic"), "there is no room profile 'Attic'"),
        (("use", "off"), "no engine is running"),
        (("remove", "../x"), "cannot be the name of a room"),
        (("measure", "../x"), "cannot be the name of a room"),
        (("learn", "../x"), "cannot be the name of a room"),
        (("learn", "Attic", "--pattern", "omni"), "say --close too"),
    ],
    ids=lambda value: value[0] if isinstance(value, tuple) else "",
)
def test_what_does_not_work_is_one_sentence(words: tuple[str, ...], sentence: str) -> None:
    done = room(*words)
    assert done.returncode == 1
    assert sentence in done.stderr
    assert "Traceback" not in done.stderr


def test_a_damaged_profile_is_named_in_the_list(tmp_path: Path) -> None:
    folder = tmp_path / "config" / "rooms"
    folder.mkdir(parents=True)
    (folder / "Attic.room.json").write_bytes(b"{")
    done = room("list")
    assert done.returncode == 0
    assert "'Attic' cannot be used, so nothing is corrected" in done.stdout
