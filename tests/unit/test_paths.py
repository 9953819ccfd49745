"""Where things lie: the user's folders of the system, or those of the three variables; a frozen program knows its own."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from app.__main__ import main
from app.paths import find_paths

ROOT = Path(__file__).resolve().parents[2]


def test_a_checkout_knows_its_files() -> None:
    paths = find_paths()
    assert paths.program == ROOT
    assert paths.catalog.is_file()
    assert paths.resources.is_dir()


def test_the_variables_override_a_folder_each(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("CONFIG", "CACHE", "RUNTIME"):
        monkeypatch.setenv(f"SIDETONE_{name}_DIR", str(tmp_path / name.lower()))
    paths = find_paths()
    assert paths.settings == tmp_path / "config" / "settings.toml"
    assert paths.models == tmp_path / "cache" / "models"
    assert paths.log == tmp_path / "cache" / "log"
    assert paths.runtime == tmp_path / "runtime"
    assert not list(tmp_path.iterdir())


def test_compiled_kernels_lie_in_the_folder_that_was_chosen(tmp_path: Path) -> None:
    script = "import numba; from engine.core import kernel; print(numba.config.CACHE_DIR)"
    environment = {name: value for name, value in os.environ.items() if name != "NUMBA_CACHE_DIR"}
    done = subprocess.run(
        [sys.executable, "-c", script],
        cwd=ROOT,
        env={**environment, "SIDETONE_CACHE_DIR": str(tmp_path)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert Path(done.stdout.strip()).parent == tmp_path / "kernels"


def test_an_empty_variable_overrides_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SIDETONE_CACHE_DIR", raising=False)
    usual = find_paths().cache
    monkeypatch.setenv("SIDETONE_CACHE_DIR", "")
    assert find_paths().cache == usual


def test_a_relative_folder_does_not_move_with_the_process(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SIDETONE_CONFIG_DIR", "here")
    assert find_paths().config == tmp_path / "here"


@pytest.mark.skipif(sys.platform == "win32", reason="Windows removes no folder that a process is in")
def test_a_relative_folder_from_nowhere_is_a_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "gone").mkdir()
    monkeypatch.chdir(tmp_path / "gone")
    (tmp_path / "gone").rmdir()
    monkeypatch.setenv("SIDETONE_CONFIG_DIR", "here")
    assert main(["params"]) == 1
    assert "SIDETONE_CONFIG_DIR is here" in capsys.readouterr().err


def test_a_frozen_program_looks_beside_itself(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "_MEIPASS", str(tmp_path), raising=False)
    assert find_paths().catalog == tmp_path / "models" / "catalog.toml"


@pytest.mark.skipif(sys.platform != "linux", reason="about Linux without a login session")
def test_without_a_session_the_runtime_folder_is_the_users_own_and_short(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SIDETONE_RUNTIME_DIR", raising=False)
    monkeypatch.delenv("XDG_RUNTIME_DIR", raising=False)
    assert str(os.getuid()) in find_paths().runtime.name
    monkeypatch.setenv("XDG_RUNTIME_DIR", "/run/user/4711")
    assert find_paths().runtime == Path("/run/user/4711/sidetone")
