"""How Sidetone starts itself again, for the engine, the services and a list of devices, on each system."""

from __future__ import annotations

import io
import subprocess
import sys
from types import SimpleNamespace
from typing import Any

import msgspec
import pytest

from app.crash import speak_safely
from app.device_listing import list_devices_anew
from app.engine_process import program, start_hidden
from engine import DeviceError
from engine.io.backend import DeviceInfo
from engine.rendezvous import Rendezvous

NEW_GROUP, NO_WINDOW = 0x200, 0x8000000
MICROPHONE = DeviceInfo("usb", "USB microphone", "Windows WASAPI", 1, 0, 48_000)


@pytest.fixture
def windows(monkeypatch: pytest.MonkeyPatch) -> None:
    """As far as starting processes goes."""
    monkeypatch.setattr(sys, "platform", "win32")
    monkeypatch.setattr(subprocess, "CREATE_NEW_PROCESS_GROUP", NEW_GROUP, raising=False)
    monkeypatch.setattr(subprocess, "CREATE_NO_WINDOW", NO_WINDOW, raising=False)


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """With what processes are started, none of which is."""
    calls: list[dict[str, Any]] = []
    monkeypatch.setattr(subprocess, "Popen", lambda command, **options: calls.append({"command": command, **options}))
    return calls


def answer(monkeypatch: pytest.MonkeyPatch, content: bytes) -> list[dict[str, Any]]:
    """Let the next process that is waited for print this."""
    calls: list[dict[str, Any]] = []

    def run(command: list[str], **options: Any) -> SimpleNamespace:
        calls.append({"command": command, **options})
        return SimpleNamespace(stdout=content)

    monkeypatch.setattr(subprocess, "run", run)
    return calls


def test_a_frozen_program_starts_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    assert program("devices")[1:] == ["-P", "-m", "app", "devices"]
    monkeypatch.setattr(sys, "frozen", True, raising=False)
    assert program("devices") == [sys.executable, "devices"]


@pytest.mark.skipif(sys.platform == "win32", reason="sessions are POSIX")
def test_what_outlives_a_face_is_in_a_session_of_its_own(started: list[dict[str, Any]]) -> None:
    start_hidden(["x"], subprocess.DEVNULL)
    assert started[0]["start_new_session"] is True
    assert "creationflags" not in started[0]


@pytest.mark.usefixtures("windows")
def test_on_windows_it_has_no_console_and_no_part_in_ctrl_c(started: list[dict[str, Any]]) -> None:
    start_hidden(["x"], subprocess.DEVNULL)
    assert started[0]["creationflags"] == NEW_GROUP | NO_WINDOW
    assert "start_new_session" not in started[0]


def test_devices_are_listed_by_another_process(monkeypatch: pytest.MonkeyPatch) -> None:
    calls = answer(monkeypatch, msgspec.json.encode([MICROPHONE]))
    assert list_devices_anew() == (MICROPHONE,)
    assert calls[0]["command"] == program("devices", "--json")
    assert calls[0]["creationflags"] == 0


@pytest.mark.usefixtures("windows")
def test_on_windows_no_console_flashes_up_for_the_list(monkeypatch: pytest.MonkeyPatch) -> None:
    calls = answer(monkeypatch, b"[]")
    assert list_devices_anew() == ()
    assert calls[0]["creationflags"] == NO_WINDOW


@pytest.mark.parametrize("content", [b"", b"{}", b"Traceback"])
def test_a_list_that_is_none_is_a_sentence(monkeypatch: pytest.MonkeyPatch, content: bytes) -> None:
    answer(monkeypatch, content)
    with pytest.raises(DeviceError, match="does not answer"):
        list_devices_anew()


@pytest.mark.usefixtures("windows")
def test_on_windows_an_engine_is_found_by_a_named_pipe(tmp_path: Any) -> None:
    address = Rendezvous(tmp_path / "run").new_address()
    assert address.startswith("\\\\.\\pipe\\sidetone-")
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(("platform", "is_terminal", "encoding"), [("win32", False, "utf-8"), ("win32", True, None)])
def test_machines_read_utf_8_also_on_windows(
    monkeypatch: pytest.MonkeyPatch, platform: str, is_terminal: bool, encoding: str | None
) -> None:
    changes: list[dict[str, Any]] = []

    class Stream(io.TextIOWrapper):
        def isatty(self) -> bool:
            return is_terminal

        def reconfigure(self, **options: Any) -> None:
            changes.append(options)

    monkeypatch.setattr(sys, "platform", platform)
    for name in ("stdout", "stderr"):
        monkeypatch.setattr(sys, name, Stream(io.BytesIO()))
    speak_safely()
    assert changes == [{"encoding": encoding, "errors": "replace"}] * 2
