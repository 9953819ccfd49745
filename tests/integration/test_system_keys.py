"""System-wide keys on a real X server: a key that another program presses becomes a command."""

from __future__ import annotations

import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from app.services.keys import KeysService
from engine import KeysConfig, SetBypass, SetDry, SetParam, SetService
from engine.commands import ReportService
from tests.helpers.fake_engine import FakeEngine
from tests.rig.processes import Processes, start_display, wait_until

pytestmark = pytest.mark.needs("Xvfb", "xdotool")


@pytest.fixture
def display(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    processes = Processes(tmp_path)
    name = start_display(processes, tmp_path)
    monkeypatch.setenv("DISPLAY", name)
    yield name
    processes.close()


def test_a_key_pressed_anywhere_is_heard_and_a_cough_ends_with_it(display: str) -> None:
    engine = FakeEngine()
    engine.params["output_gain.is_muted"] = False
    engine.send(SetService(KeysConfig(is_on=True)))
    from pynput import keyboard

    is_over = threading.Event()
    service = KeysService(platform="linux", environment={"DISPLAY": display})
    thread = threading.Thread(target=service.run, args=(engine, is_over))
    thread.start()
    try:
        wait_until(lambda: any(_is_listening(command) for command in engine.commands), "listening")
        _xdotool(display, "key", "ctrl+m")
        _xdotool(display, "key", "ctrl+alt+shift+d")
        _xdotool(display, "key", "shift+alt+ctrl+F1")
        _xdotool(display, "keydown", "ctrl", "keydown", "alt", "keydown", "shift", "keydown", "m")
        wait_until(lambda: _asked(engine)[2:] == [SetParam("output_gain.is_muted", True)], "the cough")
        # Long enough for the server to repeat the key: still one cough.
        threading.Event().wait(1.5)
        assert len(_asked(engine)) == 3
        _xdotool(display, "keyup", "shift", "keyup", "m", "keyup", "alt", "keyup", "ctrl")
        wait_until(lambda: len(_asked(engine)) == 4, "the end of the cough")
    finally:
        is_over.set()
        thread.join(20.0)
        # On X11 pynput's own thread ends with the next key.
        _xdotool(display, "key", "ctrl+alt+shift+d")
        wait_until(
            lambda: not any(isinstance(thread, keyboard.Listener) for thread in threading.enumerate()), "its end"
        )
    assert not thread.is_alive()
    assert _asked(engine) == [
        SetDry(True),
        SetBypass("input_gain", True),
        SetParam("output_gain.is_muted", True),
        SetParam("output_gain.is_muted", False),
    ]


def _xdotool(display: str, *words: str) -> None:
    subprocess.run(["xdotool", *words], env={"DISPLAY": display, "PATH": "/usr/bin:/bin"}, check=True, timeout=10.0)


def _is_listening(command: object) -> bool:
    return isinstance(command, ReportService) and getattr(command.status, "is_listening", False)


def _asked(engine: FakeEngine) -> list[object]:
    return [command for command in engine.commands if not isinstance(command, ReportService | SetService)]
