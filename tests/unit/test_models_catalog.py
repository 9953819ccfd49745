"""The catalogue is read whole or refused, and no file is handed out that is not the one it describes."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from engine.errors import ModelError
from engine.inference.catalog import Carrier, ModelEntry, ModelKind, ModelStore, read_catalog, seal_of
from engine.inference.catalog_seal import SHIPPED_SEAL
from models.build import CATALOG_PATH

RIGHT = b"the right bytes"


def an_entry(model_id: str = "voice", content: bytes = RIGHT) -> ModelEntry:
    return ModelEntry(
        id=model_id,
        kind=ModelKind.DENOISER,
        label="Voice",
        version="1",
        source="",
        licence="MIT",
        recipe="copy",
        file=f"{model_id}.onnx",
        sha256=hashlib.sha256(content).hexdigest(),
        sample_rate_hz=48_000,
        hop_samples=480,
        delay_samples=480,
        card="",
        carrier=Carrier("package", "1", "any", "311", "", "member", ""),
    )


def test_the_shipped_catalogue_is_whole() -> None:
    entries = {entry.id: entry for entry in read_catalog(CATALOG_PATH)}
    assert entries["deepfilternet3"].kind is ModelKind.DENOISER
    assert {entry.id: entry.delay_samples for entry in entries.values() if entry.kind is ModelKind.DENOISER} == {
        "deepfilternet3": 1440,
        "deepfilternet3-int8": 1440,
        "deepfilternet3-20ms": 960,
        "deepfilternet3-10ms": 480,
        "nsnet2": 480,
    }
    assert entries["two-cities"].kind is ModelKind.SPEECH_SAMPLE
    for entry in entries.values():
        assert entry.licence
        assert entry.card
        for sha256 in (entry.sha256, entry.carrier.wheel_sha256, entry.carrier.member_sha256):
            assert len(bytes.fromhex(sha256)) == 32


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("[[model]]", "[[modell]]"),
        ('kind = "denoiser"', 'kind = "toaster"'),
        ("hop_samples = 480", 'hop_samples = "480"'),
        ('licence = "MIT"', ""),
        ('file = "two_cities.wav"', 'file = "../two_cities.wav"'),
        ('file = "two_cities.wav"', 'file = ".."'),
        ('id = "two-cities"', 'id = "deepfilternet3"'),
        ("[model.carrier]", "[model.lorry]"),
        ('version = "0.5.6"', "version = 0.5.6"),
        ('recipe = "copy"', 'recipe = "copy"\nsurprise = 1'),
    ],
)
def test_a_damaged_catalogue_is_refused_in_one_sentence(tmp_path: Path, old: str, new: str) -> None:
    text = CATALOG_PATH.read_text("utf-8")
    assert old in text
    path = tmp_path / "catalog.toml"
    changed = text.replace(old, new, 1)
    path.write_text(changed, "utf-8")
    with pytest.raises(ModelError, match="install Sidetone again") as caught:
        read_catalog(path, seal_of(changed))
    assert "\n" not in str(caught.value)


def test_the_catalogue_is_sealed_as_it_is() -> None:
    assert seal_of(CATALOG_PATH.read_text("utf-8")) == SHIPPED_SEAL, "run python -m scripts.seal_catalog"


def test_a_checkout_with_other_line_ends_is_the_same_catalogue(tmp_path: Path) -> None:
    path = tmp_path / "catalog.toml"
    path.write_bytes(CATALOG_PATH.read_bytes().replace(b"\r\n", b"\n").replace(b"\n", b"\r\n"))
    assert read_catalog(path) == read_catalog(CATALOG_PATH)


def test_an_absent_catalogue_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="cannot be read"):
        read_catalog(tmp_path / "catalog.toml")


def test_the_programs_own_folder_comes_before_the_cache(tmp_path: Path) -> None:
    bundled, cache = tmp_path / "bundled", tmp_path / "cache"
    for directory in (bundled, cache):
        directory.mkdir()
        (directory / "voice.onnx").write_bytes(RIGHT)
    store = ModelStore([an_entry()], [bundled, cache])
    assert store.model_path("voice") == bundled / "voice.onnx"
    assert store.missing() == ()


def test_a_damaged_file_is_passed_over_for_a_right_one(tmp_path: Path) -> None:
    bundled, cache = tmp_path / "bundled", tmp_path / "cache"
    for directory, content in ((bundled, b"wrong"), (cache, RIGHT)):
        directory.mkdir()
        (directory / "voice.onnx").write_bytes(content)
    assert ModelStore([an_entry()], [bundled, cache]).model_path("voice") == cache / "voice.onnx"


def test_a_tampered_file_is_refused_and_counts_as_missing(tmp_path: Path) -> None:
    (tmp_path / "voice.onnx").write_bytes(RIGHT[:-1] + b"!")
    store = ModelStore([an_entry()], [tmp_path])
    with pytest.raises(ModelError, match=r"voice\.onnx is not the Voice .* models build"):
        store.model_path("voice")
    assert [entry.id for entry in store.missing()] == ["voice"]


def test_nobody_looks_at_files_that_are_not_asked_for(tmp_path: Path) -> None:
    store = ModelStore([an_entry()], [tmp_path])
    assert store.missing(among=("another",)) == ()
    assert [entry.id for entry in store.missing(among=("voice",))] == ["voice"]


def test_a_model_not_built_yet_says_how_to_build_it(tmp_path: Path) -> None:
    store = ModelStore([an_entry()], [tmp_path, tmp_path / "nowhere"])
    with pytest.raises(ModelError, match=r"not been built yet; run \./sidetone models build"):
        store.model_path("voice")


def test_a_model_built_after_a_first_look_is_found(tmp_path: Path) -> None:
    store = ModelStore([an_entry()], [tmp_path])
    assert store.missing()
    (tmp_path / "voice.onnx").write_bytes(RIGHT)
    assert store.model_path("voice") == tmp_path / "voice.onnx"


def test_an_unknown_model_is_refused_by_name() -> None:
    with pytest.raises(ModelError, match="no model named 'choir'; known: voice"):
        ModelStore([an_entry()], []).model_path("choir")


def test_a_file_is_read_once_per_process(tmp_path: Path) -> None:
    path = tmp_path / "voice.onnx"
    path.write_bytes(RIGHT)
    store = ModelStore([an_entry()], [tmp_path])
    store.model_path("voice")
    path.unlink()
    assert store.model_path("voice") == path
