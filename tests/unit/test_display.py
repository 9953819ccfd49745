"""A window is only tried where its display answers: Qt ends the whole program otherwise, and leaves an engine behind."""

from __future__ import annotations

import os
import socket
import sys
from pathlib import Path

import pytest

from app.commands.doctor import Verdict, examine
from app.display import has_display
from app.paths import Paths
from tests.rig.processes import Processes, start_display

on_linux = pytest.mark.skipif(sys.platform != "linux", reason="about X11 and Wayland")


@pytest.fixture(autouse=True)
def _no_display(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM"):
        monkeypatch.delenv(name, raising=False)


@on_linux
def test_without_any_there_is_none() -> None:
    assert not has_display()


@on_linux
@pytest.mark.parametrize("platform", ["offscreen", "vnc:size=800x600"])
def test_what_draws_elsewhere_needs_none(monkeypatch: pytest.MonkeyPatch, platform: str) -> None:
    monkeypatch.setenv("QT_QPA_PLATFORM", platform)
    assert has_display()


@on_linux
@pytest.mark.parametrize(
    ("name", "value"), [("DISPLAY", ":4711"), ("DISPLAY", "nonsense"), ("WAYLAND_DISPLAY", "gone")]
)
def test_one_that_is_named_but_gone_is_none(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, name: str, value: str
) -> None:
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    monkeypatch.setenv(name, value)
    assert not has_display()


@on_linux
def test_a_wayland_compositor_is_found_by_name_and_by_path(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    with socket.socket(socket.AF_UNIX) as compositor:
        compositor.bind(str(tmp_path / "wayland-0"))
        compositor.listen()
        for name in ("wayland-0", str(tmp_path / "wayland-0")):
            monkeypatch.setenv("WAYLAND_DISPLAY", name)
            assert has_display()


@pytest.mark.needs("Xvfb")
def test_an_x_server_is_found(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    processes = Processes(tmp_path)
    try:
        monkeypatch.setenv("DISPLAY", start_display(processes, tmp_path))
        assert has_display()
    finally:
        processes.close()


def test_the_doctor_names_a_folder_that_cannot_be_written(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    closed = tmp_path / "closed"
    closed.mkdir()
    is_open = os.access
    monkeypatch.setattr(os, "access", lambda path, mode: path != closed and is_open(path, mode))
    paths = Paths(Path(), closed / "deep" / "config", tmp_path / "cache", tmp_path / "log", tmp_path / "run")
    (finding,) = [finding for finding in examine(paths) if finding.subject == "folders"]
    assert finding.verdict is Verdict.PROBLEM
    assert str(closed) in finding.found
    assert str(tmp_path / "run") not in finding.found
    assert "SIDETONE_CONFIG_DIR" in finding.mend
