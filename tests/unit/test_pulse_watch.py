"""What the sound server tells of devices, with a server that is made up."""

from __future__ import annotations

import sys
import threading
from types import SimpleNamespace
from typing import Any

import pytest

from engine.io import pulse

PATIENCE_S = 60.0


class PulseError(Exception):
    """As pulsectl's."""


class DisconnectedError(Exception):
    """As pulsectl's PulseDisconnected: no PulseError."""


class DyingServer:
    """Answers once, and is gone while it is listened to."""

    gone: Exception

    def __init__(self, name: str, connect: bool) -> None:
        self.event_mask_set = self.event_callback_set = lambda *_: None

    def connect(self, autospawn: bool, timeout: float) -> None:
        """It is there."""

    def close(self) -> None:
        """Nothing to close."""

    def source_list(self) -> list[Any]:
        return [SimpleNamespace(name="microphone")]

    def sink_list(self) -> list[Any]:
        return []

    def event_listen(self, timeout: float) -> None:
        raise self.gone


@pytest.mark.parametrize("gone", [PulseError(), DisconnectedError()])
def test_a_server_that_ends_is_told_of(monkeypatch: pytest.MonkeyPatch, gone: Exception) -> None:
    class Pulse(DyingServer):
        pass

    Pulse.gone = gone
    module = SimpleNamespace(Pulse=Pulse, PulseError=PulseError, PulseDisconnected=DisconnectedError)
    monkeypatch.setitem(sys.modules, "pulsectl", module)
    told, is_told = list[str | None](), threading.Event()

    def report(name: str | None) -> None:
        told.append(name)
        is_told.set()

    watch = pulse.Watch({"microphone"}, report)
    try:
        assert is_told.wait(PATIENCE_S)
    finally:
        watch.close()
    assert set(told) == {None}
