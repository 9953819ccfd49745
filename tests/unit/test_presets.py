"""Presets: what is saved comes back, what is unknown stays, and what is damaged changes nothing."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from engine import ChainConfig, PresetConfig, PresetError
from engine.control.controls import Controls
from engine.control.preset import Preset, read_preset, write_preset
from engine.control.preset_library import PresetLibrary
from engine.control.presets import Presets
from engine.core.chain import Chain
from engine.core.params import ParamKind
from engine.description import describe
from engine.stages import STAGES
from engine.stages.denoise import Denoise
from engine.stages.leveller import Leveller
from tests.conftest import ROOT
from tests.unit.test_controls import LIGHT_STAGES, config_of_all_stages

SHIPPED = ROOT / "resources" / "presets"

keys = st.text(st.characters(categories=["L", "N", "P"]), min_size=1, max_size=8).filter(
    lambda key: "." not in key and key not in ("preset", "bypass")
)
numbers = st.floats(allow_nan=False, allow_infinity=False)
scalars = numbers | st.booleans() | st.text(st.characters(exclude_categories=["Cs"]), max_size=8)


class Desk:
    """A chain with presets, and what was told."""

    def __init__(self, folder: Path, *stages: type[Any]) -> None:
        self.told: list[str] = []
        self.controls = Controls(Chain([stage() for stage in stages or LIGHT_STAGES]))
        self.presets = Presets(self.controls, PresetLibrary(folder, (SHIPPED,)), self.told.append)


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path / "presets")


@given(
    preset=st.builds(
        Preset,
        description=st.text(st.characters(exclude_categories=["Cs"]), max_size=30),
        keep=st.lists(keys, max_size=3).map(tuple),
        chain=st.builds(
            ChainConfig,
            params=st.dictionaries(st.tuples(keys, keys).map(".".join), scalars, max_size=6),
            bypass=st.dictionaries(keys, st.booleans(), max_size=4),
        ),
    )
)
def test_what_is_written_is_what_is_read(preset: Preset) -> None:
    assert read_preset(write_preset(preset)) == preset


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=50)
@given(config=config_of_all_stages())
def test_a_sound_that_is_saved_comes_back(tmp_path: Path, config: ChainConfig) -> None:
    desk = Desk(tmp_path)
    desk.controls.load(config)
    saved = desk.controls.lasting()
    desk.presets.save("mine")
    desk.controls.load(ChainConfig())
    desk.presets.load("mine")
    assert desk.controls.lasting() == saved
    assert desk.presets.describe("mine").differences == ()
    assert not desk.presets.snapshot().is_edited


def test_the_same_preset_always_sounds_the_same_but_for_what_it_keeps(desk: Desk) -> None:
    desk.controls.set("input_gain.gain_db", 7.0)
    desk.presets.load("shouty-gaming")
    desk.presets.load("podcast")
    after_another = desk.controls.save()
    desk.controls.load(ChainConfig(params={"input_gain.gain_db": 7.0}))
    desk.presets.load("podcast")
    assert desk.controls.save() == after_another
    assert after_another.params["input_gain.gain_db"] == 7.0
    assert after_another.bypass["gate"] is True


def test_a_cough_is_in_no_preset_and_ends_with_none(desk: Desk) -> None:
    desk.controls.set("output_gain.is_muted", True)
    desk.presets.save("mine")
    desk.presets.load("podcast")
    assert desk.controls.save().params["output_gain.is_muted"] is True
    assert "is_muted" not in desk.presets.describe("mine").text


def test_what_this_version_does_not_know_is_told_kept_and_written_again(desk: Desk, tmp_path: Path) -> None:
    path = tmp_path / "presets" / "later.toml"
    path.parent.mkdir()
    path.write_text(
        'news = [1, 2]\n[preset]\nversion = 99\nauthor = "somebody"\n[gone]\ngain_db = 3\ncurve = {a = 1}\n'
        "[compressor]\nratio = 5\nflavour = 'sweet'\nknee_db = 'none'\n[bypass]\ngone = true\nlimiter = true\n"
    )
    desk.presets.load("later")
    (told,) = desk.told
    for name in ("gone.gain_db", "compressor.flavour", "compressor.knee_db", "bypass.gone", "news"):
        assert name in told
    assert desk.controls.save().params["compressor.ratio"] == 5.0
    assert desk.controls.save().bypass["limiter"] is True
    desk.controls.set("compressor.ratio", 6.0)
    desk.presets.save("later")
    again = read_preset(path.read_text())
    assert again.chain.params["compressor.ratio"] == 6.0
    assert again.chain.params["gone.gain_db"] == 3.0
    assert again.chain.params["compressor.flavour"] == "sweet"
    assert again.chain.bypass["gone"] is True
    assert again.unknown == {"news": [1, 2], "gone": {"curve": {"a": 1}}, "preset": {"author": "somebody"}}


def test_old_names_are_read_as_new_ones_over_several_versions() -> None:
    renames = ({"squeezer": "compressor"}, {"compressor.loud_db": "compressor.threshold_db", "gate": "noise_gate"})
    text = "[squeezer]\nloud_db = -20\nratio = 2\n[gate]\nhold_ms = 9\n[bypass]\nsqueezer = true\ngate = false\n"
    old = read_preset(text, renames)
    assert old.chain.params == {"compressor.threshold_db": -20.0, "compressor.ratio": 2.0, "noise_gate.hold_ms": 9.0}
    assert old.chain.bypass == {"compressor": True, "noise_gate": False}
    newer = read_preset("[preset]\nversion = 3\n[gate]\nhold_ms = 9\n", renames)
    assert newer.chain.params == {"gate.hold_ms": 9.0}


@pytest.mark.parametrize(
    "text", ["[a", "preset = 3", "bypass = [1]", "[bypass]\na = 3", "[preset]\nversion = 0", "a=1\na=2"]
)
def test_what_is_no_preset_is_a_sentence_and_changes_nothing(desk: Desk, text: str) -> None:
    before = desk.controls.save()
    with pytest.raises(PresetError, match="understands"):
        desk.presets.load("broken", text=text)
    with pytest.raises(PresetError):
        desk.presets.take_in("broken", text)
    assert desk.controls.save() == before
    assert "broken" not in desk.presets.snapshot().names


def test_a_damaged_preset_is_read_from_the_last_good_one(desk: Desk, tmp_path: Path) -> None:
    for ratio in (5.0, 6.0):
        desk.controls.set("compressor.ratio", ratio)
        desk.presets.save("mine")
    path = tmp_path / "presets" / "mine.toml"
    path.write_bytes(path.read_bytes()[:40])
    desk.presets.load("mine")
    assert desk.controls.save().params["compressor.ratio"] == 5.0
    assert "the one before it was taken" in desk.told[0]
    desk.presets.save("mine")
    assert read_preset(path.with_suffix(".bak").read_text()).chain.params["compressor.ratio"] == 5.0
    path.write_text("[")
    path.with_suffix(".bak").write_text("[")
    with pytest.raises(PresetError, match=r"mine\.toml"):
        desk.presets.load("mine")


def test_a_preset_of_ones_own_stands_before_one_of_the_same_name(desk: Desk) -> None:
    desk.controls.set("compressor.ratio", 9.0)
    desk.presets.save("podcast")
    assert desk.presets.snapshot().own == ("podcast",)
    assert desk.presets.snapshot().names.count("podcast") == 1
    desk.controls.load(ChainConfig())
    desk.presets.load("podcast")
    assert desk.controls.save().params["compressor.ratio"] == 9.0
    desk.presets.remove("podcast")
    desk.presets.load("podcast")
    assert desk.controls.save().params["compressor.amount"] == 45.0
    with pytest.raises(PresetError, match="of your own"):
        desk.presets.remove("podcast")


@pytest.mark.parametrize("name", ["", " ", "../x", "a/b", "a\\b", "con", "LPT1", "a" * 61, "a.", " a", "a\n", "a:b"])
def test_a_name_that_will_not_do_anywhere_is_refused(desk: Desk, name: str, tmp_path: Path) -> None:
    for act in (desk.presets.save, desk.presets.load, desk.presets.remove, desk.presets.describe):
        with pytest.raises(PresetError):
            act(name)
    assert not list(tmp_path.rglob("*.toml"))


def test_a_preset_is_handed_on_as_one_text(desk: Desk, tmp_path: Path) -> None:
    desk.controls.set("compressor.ratio", 7.0)
    desk.presets.save("mine", "For friends")
    text = desk.presets.describe("mine").text
    friend = Desk(tmp_path / "elsewhere")
    friend.presets.take_in("from a friend", text)
    assert friend.presets.describe("from a friend").description == "For friends"
    friend.presets.load("from a friend")
    assert friend.controls.save().params["compressor.ratio"] == 7.0
    with pytest.raises(PresetError, match="another name"):
        friend.presets.take_in("from a friend", text)


def test_a_description_says_what_would_change(desk: Desk) -> None:
    desk.controls.set("compressor.amount", 45.0)
    told = {each.id: each for each in desk.presets.describe("podcast").differences}
    assert "compressor.amount" not in told
    assert (told["high_pass.cutoff_hz"].now, told["high_pass.cutoff_hz"].then) == ("20 Hz", "70 Hz")
    assert (told["leveller"].now, told["leveller"].then) == ("out", "in")
    assert told["equalizer.middle_hz"].label == "Equalizer Middle pitch"


def test_an_edit_shows_and_its_undo_too(desk: Desk) -> None:
    desk.presets.load("podcast")
    assert (desk.presets.snapshot().loaded, desk.presets.snapshot().is_edited) == ("podcast", False)
    desk.controls.set("compressor.ratio", 9.0)
    assert desk.presets.snapshot().is_edited
    desk.controls.undo()
    assert not desk.presets.snapshot().is_edited
    assert desk.controls.undo() == "preset podcast"


def test_a_microphone_brings_its_preset_along(desk: Desk) -> None:
    desk.presets.config = PresetConfig(by_input={"pulse:rode": "podcast", "pulse:gone": "nosuch"}, fallback="stream")
    desk.presets.follow("pulse:rode")
    assert desk.presets.snapshot().loaded == "podcast"
    desk.controls.set("compressor.ratio", 9.0)
    desk.presets.follow("pulse:rode")
    assert desk.controls.save().params["compressor.ratio"] == 9.0
    desk.presets.follow("pulse:other")
    assert desk.presets.snapshot().loaded == "stream"
    desk.presets.follow("pulse:gone")
    assert desk.presets.snapshot().loaded == "stream"
    assert "is not loaded" in desk.told[-1]
    desk.presets.config = PresetConfig(by_input={"pulse:rode": "podcast"}, is_stuck=True)
    desk.presets.follow("pulse:rode")
    assert desk.presets.snapshot().loaded == "stream"


def test_the_presets_that_come_with_the_program_are_known_in_every_word() -> None:
    params = {f"{stage.id}.{spec.name}": spec for stage in describe(STAGES).stages for spec in stage.params}
    stages = {stage.id for stage in STAGES}
    names = sorted(path.stem for path in SHIPPED.glob("*.toml"))
    assert names
    for name in names:
        preset = read_preset((SHIPPED / f"{name}.toml").read_text(encoding="utf-8"))
        assert preset.description.endswith("."), name
        assert preset.unknown == {}, name
        assert set(preset.chain.bypass) <= stages, name
        for param_id, value in preset.chain.params.items():
            spec = params[param_id]
            assert spec.kind is not ParamKind.NUMBER or spec.minimum <= float(value) <= spec.maximum, param_id
            assert spec.clamp(value) == value, param_id


def test_one_that_only_denoises_leaves_the_rest_at_its_defaults(tmp_path: Path) -> None:
    assert Denoise.id not in {stage.id for stage in LIGHT_STAGES}
    desk = Desk(tmp_path)
    desk.controls.set("compressor.ratio", 9.0)
    desk.presets.load("plain", text="[denoise]\nstrength_db = 30\n")
    assert desk.controls.save().params["compressor.ratio"] == 3.0
    assert "denoise.strength_db" in desk.told[0]


class _Learning(Leveller):
    def learnt(self) -> dict[str, float]:
        return {"start_db": 7.5}


def test_what_a_stage_learns_is_no_edit(tmp_path: Path) -> None:
    desk = Desk(tmp_path, _Learning)
    desk.presets.load("podcast")
    desk.controls.keep_learnt()
    assert desk.controls.value("leveller.start_db") == 7.5
    assert not desk.presets.snapshot().is_edited
    desk.controls.bypass("leveller", True)
    assert desk.presets.snapshot().is_edited
