"""Settings: what was saved comes back, a damaged file is a sentence, and there is never a moment without any."""

from __future__ import annotations

import os
import sys
import threading
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.settings import Settings, load_or_restore_settings, load_settings, save_settings
from engine import ChainConfig, DeviceConfig, EngineConfig, PresetError

names = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
settings_of_any_kind = st.builds(
    Settings,
    engine=st.builds(
        EngineConfig,
        devices=st.builds(
            DeviceConfig, input=names, output=names, monitor=st.none() | names, is_exclusive=st.booleans()
        ),
        chain=st.builds(
            ChainConfig,
            params=st.dictionaries(names, st.floats(allow_nan=False) | st.booleans() | names, max_size=4),
            bypass=st.dictionaries(names, st.booleans(), max_size=4),
        ),
    ),
)


@given(settings=settings_of_any_kind)
def test_what_was_saved_comes_back(tmp_path_factory: pytest.TempPathFactory, settings: Settings) -> None:
    path = tmp_path_factory.mktemp("settings") / "deep" / "settings.toml"
    save_settings(path, settings)
    assert load_settings(path) == settings
    assert [each.name for each in path.parent.iterdir()] == ["settings.toml"]


def test_without_a_file_there_are_defaults(tmp_path: Path) -> None:
    assert load_settings(tmp_path / "settings.toml") == Settings()


@pytest.mark.parametrize(
    "content",
    [
        b"engine = 3",
        b"[engine",
        b"\xff\xfe\x00",
        b"\0" * 100,
        b"[engine.devices]\ninput = 7",
        b'[engine.chain.params]\n"a.b" = [1]',
        b"[engine.devices]\nhop_frames = 'many'",
        b"version = 1\nversion = 2",
    ],
)
def test_a_damaged_file_is_a_sentence_that_names_it(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "settings.toml"
    path.write_bytes(content)
    with pytest.raises(PresetError, match=r"settings\.toml"):
        load_settings(path)
    assert path.read_bytes() == content


@pytest.mark.parametrize("is_saved_after", [False, True])
def test_after_a_damaged_file_the_one_before_is_taken_and_nothing_is_lost(tmp_path: Path, is_saved_after: bool) -> None:
    path = tmp_path / "settings.toml"
    for name in ("first", "second"):
        save_settings(path, Settings(engine=EngineConfig(devices=DeviceConfig(input=name))))
    path.write_text("[engine.devices\ninput = 'third'")
    settings, problem = load_or_restore_settings(path)
    assert settings.engine.devices.input == "first"
    assert "settings.toml" in problem
    assert "settings.damaged" in problem
    if is_saved_after:
        save_settings(path, Settings())
    assert "third" in (tmp_path / "settings.damaged").read_text()
    assert load_settings(tmp_path / "settings.bak").engine.devices.input == "first"
    assert load_or_restore_settings(path)[1] == ""


def test_damaged_twice_is_a_fresh_start(tmp_path: Path) -> None:
    for name in ("settings.toml", "settings.bak"):
        (tmp_path / name).write_text("[engine")
    assert load_or_restore_settings(tmp_path / "settings.toml")[0] == Settings()


def test_what_another_version_wrote_is_left_out(tmp_path: Path) -> None:
    path = tmp_path / "settings.toml"
    path.write_text('version = 9\nnews = true\n[engine]\nother = 1\n[engine.devices]\ninput = "mic"\nnew = 2\n')
    assert load_settings(path).engine.devices.input == "mic"


def test_the_file_before_becomes_the_backup(tmp_path: Path) -> None:
    path = tmp_path / "settings.toml"
    for name in ("first", "second"):
        save_settings(path, Settings(engine=EngineConfig(devices=DeviceConfig(input=name))))
    assert load_settings(path).engine.devices.input == "second"
    assert load_settings(tmp_path / "settings.bak").engine.devices.input == "first"


def test_a_file_that_cannot_be_written_leaves_the_old_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "settings.toml"
    save_settings(path, Settings())

    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(PresetError, match="No space left"):
        save_settings(path, Settings(engine=EngineConfig(devices=DeviceConfig(input="new"))))
    assert load_settings(path) == Settings()
    assert [each.name for each in tmp_path.iterdir()] == ["settings.toml"]


def test_a_folder_in_the_place_of_the_file_is_a_sentence(tmp_path: Path) -> None:
    path = tmp_path / "settings.toml"
    path.mkdir()
    with pytest.raises(PresetError):
        load_settings(path)
    with pytest.raises(PresetError):
        save_settings(path, Settings())


@pytest.mark.skipif(sys.platform == "win32", reason="a file that is read cannot be replaced on Windows")
def test_a_reader_always_finds_whole_settings(tmp_path: Path) -> None:
    path = tmp_path / "settings.toml"
    save_settings(path, Settings())
    stop = threading.Event()

    def save() -> None:
        turn = 0
        while not stop.is_set():
            turn += 1
            devices = DeviceConfig(input="x" * (turn % 3000))
            save_settings(path, Settings(engine=EngineConfig(devices=devices)))

    writer = threading.Thread(target=save)
    writer.start()
    try:
        for _ in range(200):
            assert path.exists()
            load_settings(path)
    finally:
        stop.set()
        writer.join()
