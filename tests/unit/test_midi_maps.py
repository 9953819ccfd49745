"""Maps: those that come along fit this program and their devices; no file, however mutated, stops anything or is lost."""

from __future__ import annotations

import random
import tomllib
from pathlib import Path
from typing import Any

import pytest
import tomli_w
from hypothesis import given
from hypothesis import strategies as st

from app.composition import description
from app.paths import find_paths
from engine.control.controls import Controls
from engine.control.midi_learn import ControlKind, Learnt
from engine.control.midi_map import MidiTarget, read_map, with_binding, without_target
from engine.control.midi_map_library import MapLibrary, map_id_for, read_map_file
from engine.control.midi_message import Address, MessageKind
from engine.control.midi_surface import MidiSurface
from engine.control.midi_targets import Layers, Targets
from engine.core.chain import Chain
from engine.errors import PresetError
from tests.helpers.small_stages import Factor, Faulty, Late

BUNDLED = find_paths().resources / "midi"
NAMES = sorted(path.stem for path in BUNDLED.glob("*.toml"))
PORTS = {
    "akai-apc-mini": "APC MINI:APC MINI MIDI 1",
    "akai-apc-mini-mk2": "APC mini mk2 Control",
    "akai-lpd8": "LPD8:LPD8 MIDI 1",
    "behringer-x-touch-mini": "X-TOUCH MINI:X-TOUCH MINI MIDI 1",
    "korg-nanokontrol2": "nanoKONTROL2:nanoKONTROL2 _ CTRL",
}
CC_7 = Learnt(ControlKind.CC, Address(MessageKind.CONTROL, 1, 7), True)
MUTATIONS = 500


def targets() -> Targets:
    return Targets(Controls(Chain([Factor(), Late(), Faulty()])), lambda name: None)


@pytest.mark.parametrize("name", NAMES)
def test_a_map_that_comes_along_is_understood_to_the_last_word(name: str) -> None:
    file = read_map_file(BUNDLED / f"{name}.toml")
    assert file.notes == ()
    assert file.map.source, "where are its numbers from?"
    controls = file.map.single_controls()
    assert len({control.id for control in controls}) == len(controls)
    assert len({control.address for control in controls}) == len(controls)


@pytest.mark.parametrize("name", NAMES)
def test_a_map_that_comes_along_moves_what_there_is(name: str) -> None:
    stages = {stage.id: {spec.name for spec in stage.params} for stage in description().stages}
    presets = {path.stem for path in (find_paths().resources / "presets").glob("*.toml")}
    for binding in read_map_file(BUNDLED / f"{name}.toml").map.bindings:
        for part in binding.to:
            kind, is_kind, what = part.target.partition(":")
            if not is_kind:
                stage, _, param = kind.partition(".")
                assert param in stages[stage]
            elif kind == "bypass":
                assert what in stages
            elif kind == "preset":
                assert what in presets
            else:
                targets().find(part.target, Layers(8), lambda: None)


def test_every_device_finds_its_map() -> None:
    files = MapLibrary(BUNDLED).read_all()
    for name, port in PORTS.items():
        assert max(files, key=lambda file: file.map.fit(port)).id == name
    assert not any(file.map.fit("Digital Piano") for file in files)


def mutated(text: str, random_: random.Random) -> str:
    """A map as it may look after a slip, a half copy, a wrong editor, or a later version."""
    place, length = random_.randrange(len(text)), random_.randrange(1, 40)
    match random_.randrange(6):
        case 0:
            return text[:place]
        case 1:
            return text[:place] + text[place + length :]
        case 2:
            return text[:place] + chr(random_.choice((0, 34, 91, 93, 61, 0x2028, 955))) + text[place:]
        case 3:
            return text.replace(str(random_.randrange(10)), str(random_.choice((-1, 128, 10**9, "true", '"x"', "[]"))))
        case 4:
            lines = text.splitlines()
            random_.shuffle(lines)
            return "\n".join(lines)
        case _:
            word = random_.choice(text.replace('"', " ").split())
            return text.replace(word, random_.choice(("nan", "", "{}", "future_word", "version = 99")))


def test_no_mutated_map_stops_anything() -> None:
    random_ = random.Random(5)
    for _ in range(MUTATIONS):
        text = (BUNDLED / f"{random_.choice(NAMES)}.toml").read_text(encoding="utf-8")
        for _ in range(random_.randrange(1, 4)):
            text = mutated(text, random_) or "x"
        try:
            document = tomllib.loads(text)
        except ValueError:
            continue
        midi_map, _ = read_map(document)
        surface = MidiSurface(midi_map, targets(), lambda: None)
        surface.feedback(1.0)
        bound = with_binding(document, CC_7, "CC 7", MidiTarget(target="factor.factor"), 0)
        assert "factor.factor" in MidiSurface(read_map(bound)[0], targets(), lambda: None).bindings
        tomli_w.dumps(without_target(bound, "factor.factor"))


def anything() -> st.SearchStrategy[Any]:
    leaves = st.none() | st.booleans() | st.integers(-1, 200) | st.floats() | st.text(max_size=5)
    keys = st.sampled_from(["id", "kind", "to", "control", "layer", "target", "count", "feedback", "number", "x"])
    return st.recursive(leaves, lambda deeper: st.lists(deeper, max_size=3) | st.dictionaries(keys, deeper, max_size=4))


@given(controls=anything(), bindings=anything(), rest=st.dictionaries(st.text(max_size=6), anything(), max_size=3))
def test_no_document_stops_anything(controls: Any, bindings: Any, rest: dict[str, Any]) -> None:
    document = {**rest, "controls": controls, "bindings": bindings}
    read_map(document)
    bound = with_binding(document, CC_7, "CC 7", MidiTarget(target="factor.factor"), 0)
    assert any(part.target == "factor.factor" for binding in read_map(bound)[0].bindings for part in binding.to)


def test_a_file_that_is_no_toml_is_a_note(tmp_path: Path) -> None:
    for content in (b"\xff\xfe\x00", b"name = ", b"[" * 5000):
        (tmp_path / "broken.toml").write_bytes(content)
        (file,) = MapLibrary(own=tmp_path).read_all()
        assert file.is_damaged
        assert "mend or remove it" in file.notes[0]
        (tmp_path / "broken.toml").unlink()


def test_a_map_of_a_later_version_works_as_far_as_it_is_understood() -> None:
    midi_map, notes = read_map({"version": 9, "controls": [{"id": "a", "kind": "cc", "haptics": 3}]})
    assert [control.id for control in midi_map.single_controls()] == ["a"]
    assert any("version 9" in note for note in notes)
    assert any("'haptics' means nothing here; it is kept" in note for note in notes)


def test_what_was_kept_is_written_again(tmp_path: Path) -> None:
    library = MapLibrary(own=tmp_path)
    library.write("mine", {"colour": "red", "controls": [{"id": "a", "kind": "cc", "number": 7, "haptics": 3}]})
    document = with_binding(library.find("mine").document, CC_7, "x", MidiTarget(target="bypass:late"), 0)
    written = library.write("mine", document).document
    assert written["colour"] == "red"
    assert written["controls"] == [{"id": "a", "kind": "cc", "number": 7, "haptics": 3}]
    assert written["bindings"][0]["control"] == "a"
    assert tomllib.loads((tmp_path / "mine.bak").read_text(encoding="utf-8"))["colour"] == "red"


def test_rows_are_taken_apart_as_far_as_there_are_numbers() -> None:
    midi_map, notes = read_map(
        {
            "controls": [
                {"id": "knob", "kind": "cc", "number": 126, "count": 4, "label": "Knob"},
                {"id": "motor", "kind": "pitch_bend", "count": 3, "feedback": {"moves": True}},
                {"id": "led", "kind": "note", "count": 2, "feedback": {"number": 9}},
            ]
        }
    )
    singles = midi_map.single_controls()
    assert [control.label for control in singles[:2]] == ["Knob 1", "Knob 2"]
    assert [control.address.channel for control in singles[2:5]] == [1, 2, 3]
    assert [control.feedback and control.feedback.number for control in singles[5:]] == [9, 10]
    assert notes == ("control knob: there are numbers for 2 of 4 only",)


def test_a_map_nobody_has_names_those_there_are(tmp_path: Path) -> None:
    with pytest.raises(PresetError, match="known: none"):
        MapLibrary(own=tmp_path).find("mine")
    with pytest.raises(PresetError, match="no folder for MIDI maps"):
        MapLibrary().write("mine", {})
    assert map_id_for("X-TOUCH MINI: MIDI 1") == "x-touch-mini-midi-1"
    assert map_id_for("…") == "device"
