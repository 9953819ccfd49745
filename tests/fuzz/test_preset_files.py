"""Presets damaged in any way, and saves cut off at any moment: never a crash, never a file that is no preset."""

from __future__ import annotations

import json
import random
import subprocess
import sys
from pathlib import Path

import pytest

from engine import ChainConfig, PresetError
from engine.control.controls import Controls
from engine.control.preset_library import PresetLibrary
from engine.control.presets import Presets
from engine.core.chain import Chain
from tests.conftest import ROOT
from tests.unit.test_controls import LIGHT_STAGES
from tests.unit.test_easyeffects import VOICE

SHIPPED = ROOT / "resources" / "presets"
MUTANTS = 500
TOKENS = (
    b"[",
    b"]",
    b"{",
    b"}",
    b'"',
    b"'",
    b"=",
    b"\n",
    b"\0",
    b"\xff",
    b"nan",
    b"-inf",
    b"1e999",
    b"9" * 400,
    b"true",
    b".",
)


def mutated(content: bytes, chance: random.Random) -> bytes:
    """A few bytes changed, cut out, doubled, put in or cut off."""
    for _ in range(chance.randint(1, 3)):
        at = chance.randrange(len(content) + 1)
        to = min(len(content), at + chance.choice((1, 4, 40)))
        match chance.choice((0, 0, 1, 1, 2, 3, 4, 5)):
            case 0:
                content = content[:at] + bytes([chance.randrange(256)]) + content[at + 1 :]
            case 1:
                content = content[:at] + content[to:]
            case 2:
                content = content[:to] + content[at:to] + content[to:]
            case 3:
                content = content[:at] + chance.choice(TOKENS) + content[at:]
            case 4:
                content = content[:at]
            case _:
                lines = content.split(b"\n")
                chance.shuffle(lines)
                content = b"\n".join(lines)
    return content


def test_no_damaged_file_stops_the_program(tmp_path: Path) -> None:
    """Whatever the file: it is loaded in part or refused in a sentence, the chain stays whole, and it can be saved over."""
    chance = random.Random(2)
    originals = [path.read_bytes() for path in sorted(SHIPPED.glob("*.toml"))]
    folder = tmp_path / "presets"
    folder.mkdir()
    loaded, refusals = 0, list[str]()
    chain = Chain([stage() for stage in LIGHT_STAGES])
    controls = Controls(chain)
    presets = Presets(controls, PresetLibrary(folder), lambda note: None)
    names = set(controls.save().params)
    for turn in range(MUTANTS):
        path = folder / "mine.toml"
        path.write_bytes(mutated(originals[turn % len(originals)], chance))
        path.with_suffix(".bak").unlink(missing_ok=True)
        before = controls.save()
        try:
            presets.describe("mine")
            presets.load("mine")
            loaded += 1
        except PresetError as error:
            refusals.append(str(error))
            assert controls.save() == before
        assert set(controls.save().params) == names
        presets.save("mine")
        presets.load("mine")
        assert not presets.snapshot().is_edited
    assert MUTANTS / 10 < loaded < MUTANTS
    assert all("mine.toml" in refusal for refusal in refusals)


def test_no_damaged_easyeffects_preset_stops_the_program(tmp_path: Path) -> None:
    chance = random.Random(3)
    presets = Presets(Controls(Chain([stage() for stage in LIGHT_STAGES])), PresetLibrary(tmp_path), lambda note: None)
    original = json.dumps(VOICE, indent=1).encode()
    taken = 0
    for turn in range(MUTANTS):
        text = mutated(original, chance).decode("utf-8", "replace")
        try:
            presets.take_in(f"mutant {turn}", text)
            presets.load(f"mutant {turn}")
            taken += 1
        except PresetError:
            pass
    assert taken > MUTANTS / 20


@pytest.mark.skipif(sys.platform == "win32", reason="children are forked to be killed quickly")
def test_a_save_that_is_killed_leaves_a_valid_file(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "tests.helpers.save_forever", str(tmp_path), "100"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
    assert done.stderr == ""
    assert done.returncode == 0
    preset, notes = PresetLibrary(tmp_path).read("mine")
    assert notes == ()
    assert preset.chain != ChainConfig()
