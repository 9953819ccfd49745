"""Devices plugged in while a stream is open, where PortAudio cannot tell."""

from __future__ import annotations

import threading
from collections.abc import Callable

import pytest

from app.device_listing import list_devices_anew
from engine.errors import DeviceError
from engine.io import known_devices
from engine.io.backend import AudioStream, DeviceInfo, StreamRequest
from engine.io.devices import Direction
from engine.io.known_devices import KnownDevices
from engine.io.system import SystemBackend

YETI = DeviceInfo("wasapi:Blue Yeti", "Blue Yeti", "Windows WASAPI", 1, 0, 48_000)
BOSE = DeviceInfo("wasapi:Bose", "Bose", "Windows WASAPI", 0, 2, 48_000)


class Backend:
    """PortAudio under an open stream: what it has listed once stays."""

    sees_changes = False

    def devices(self) -> tuple[DeviceInfo, ...]:
        return (BOSE,)

    def open(self, request: StreamRequest) -> AudioStream:
        raise NotImplementedError

    def replace(self, stream: AudioStream, request: StreamRequest, direction: Direction) -> None:
        raise NotImplementedError


class Listing:
    """A list whose looks a test can wait for."""

    def __init__(self, answer: Callable[[], tuple[DeviceInfo, ...]]) -> None:
        self.backend = Backend()
        self.told: list[str] = []
        self.looks = 0
        self._answer = answer
        self.list = KnownDevices(self.backend, self._list_anew, self.told.append)

    def now(self) -> tuple[DeviceInfo, ...]:
        """What is known, after a look has ended if one has begun."""
        known = self.list.now()
        for thread in threading.enumerate():
            if thread.name == "sidetone-device-list":
                thread.join(30.0)
        return known

    def _list_anew(self) -> tuple[DeviceInfo, ...]:
        self.looks += 1
        return self._answer()


def test_what_is_plugged_in_is_told_and_then_there() -> None:
    listing = Listing(lambda: (BOSE, YETI))
    listing.now()
    assert listing.told == ["Blue Yeti is plugged in"]
    assert listing.now() == (BOSE, YETI)
    assert listing.looks == 1


def test_it_is_looked_again_after_a_while_and_only_changes_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(known_devices, "_LOOK_INTERVAL_S", 0.0)
    found = [(BOSE, YETI), (BOSE, YETI), (YETI,)]
    listing = Listing(lambda: found.pop(0))
    for _ in range(3):
        listing.now()
    assert listing.told == ["Blue Yeti is plugged in", "Bose is unplugged"]


def test_where_changes_are_seen_nobody_else_is_asked() -> None:
    listing = Listing(lambda: (BOSE, YETI))
    listing.now()
    listing.backend.sees_changes = True
    assert listing.now() == (BOSE,)
    listing.backend.sees_changes = False
    assert listing.now() == (BOSE,)


def test_no_answer_leaves_what_was_known() -> None:
    def refuse() -> tuple[DeviceInfo, ...]:
        raise DeviceError("it does not answer")

    listing = Listing(refuse)
    assert listing.now() == listing.now() == (BOSE,)
    assert listing.told == ["the devices cannot be listed anew: it does not answer"]


def test_another_process_lists_what_this_one_does() -> None:
    assert {device.id for device in list_devices_anew()} == {device.id for device in SystemBackend().devices()}


def test_a_process_that_does_not_answer_is_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.device_listing.program", lambda *arguments: ["no-such-program", *arguments])
    with pytest.raises(DeviceError, match="stop and start again"):
        list_devices_anew()
