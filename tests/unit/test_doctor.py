"""What the doctor finds on a machine that a test has made up."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

import pytest

from app.commands import doctor
from app.commands.doctor import Verdict, examine
from app.paths import Paths


@pytest.fixture
def paths(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Paths:
    """Folders that can be written; only they are looked at."""
    monkeypatch.setattr(doctor, "_CHECKS", (doctor._folders,))
    return Paths(tmp_path, tmp_path / "config", tmp_path / "cache", tmp_path / "log", Path("/tmp"))


def test_folders_that_can_be_written_are_good(paths: Paths, tmp_path: Path) -> None:
    (finding,) = examine(paths)
    assert finding.verdict is Verdict.GOOD
    assert not (tmp_path / "config").exists()


@pytest.mark.skipif(sys.platform == "win32", reason="an address on Windows is no path")
def test_a_runtime_folder_too_deep_for_a_socket_is_a_problem(paths: Paths, tmp_path: Path) -> None:
    deep = tmp_path / ("d" * 60) / ("e" * 60)
    (finding,) = examine(replace(paths, runtime=deep))
    assert finding.verdict is Verdict.PROBLEM
    assert "SIDETONE_RUNTIME_DIR" in finding.found
    assert not deep.parent.exists()
