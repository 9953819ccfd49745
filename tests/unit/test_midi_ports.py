"""rtmidi behind its door: a missing module, a missing system and a refused port are sentences; callbacks only note."""

from __future__ import annotations

import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any, ClassVar

import pytest

from engine.control import midi_rtmidi
from engine.control.midi_ports import NoMidiSystem
from engine.control.midi_rtmidi import RtMidiSystem
from engine.errors import DeviceError

ALSA, JACK, CORE, DUMMY = 2, 3, 1, 5


class FakeClient:
    """Both of rtmidi's classes; refuses to be made for the systems in `refusing`."""

    refusing: tuple[int, ...] = ()
    ports: tuple[str, ...] = ("Desk 20:0",)
    made: ClassVar[list[FakeClient]] = []

    def __init__(self, api: int, name: str, queue_size_limit: int = 0) -> None:
        if api in self.refusing:
            raise RuntimeError("not here")
        self.callback: Any = None
        self.sent: list[bytes] = []
        self.is_deleted = False
        self.made.append(self)

    def get_ports(self) -> list[str]:
        return list(self.ports)

    def open_port(self, index: int, name: str) -> None:
        if self.ports[index] == "Busy":
            raise RuntimeError("held by another")

    def ignore_types(self, **kinds: bool) -> None:
        assert kinds == {"sysex": True, "timing": True, "active_sense": True}

    def set_callback(self, callback: Any) -> None:
        self.callback = callback

    def cancel_callback(self) -> None:
        self.callback = None

    def send_message(self, content: bytes) -> None:
        self.sent.append(content)

    def close_port(self) -> None:
        raise RuntimeError("the device is gone")

    def delete(self) -> None:
        self.is_deleted = True


@pytest.fixture
def rtmidi(monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    client = type("Client", (FakeClient,), {})
    module = SimpleNamespace(
        MidiIn=client, MidiOut=client, client=client, API_RTMIDI_DUMMY=DUMMY, API_LINUX_ALSA=ALSA, API_UNIX_JACK=JACK
    )
    module.get_compiled_api = lambda: [DUMMY, CORE]
    monkeypatch.setitem(sys.modules, "rtmidi", module)
    monkeypatch.setattr(midi_rtmidi, "_is_likely", lambda api: True)
    return module


def test_a_missing_module_is_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "rtmidi", None)
    system = RtMidiSystem()
    assert "python-rtmidi is not installed" in system.look()
    assert system.inputs() == system.outputs() == ()
    system.close()


def test_a_missing_system_is_a_sentence(rtmidi: SimpleNamespace) -> None:
    rtmidi.client.refusing = (CORE,)
    assert RtMidiSystem().look()
    rtmidi.get_compiled_api = lambda: [DUMMY]
    assert "no MIDI system" in RtMidiSystem().look()


@pytest.mark.skipif(sys.platform != "linux", reason="of Linux's two systems")
def test_linux_is_asked_only_where_something_seems_to_be(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("rtmidi")
    monkeypatch.setattr(midi_rtmidi, "_ALSA_SEQUENCER", tmp_path / "seq")
    monkeypatch.setattr(midi_rtmidi, "_SHARED_MEMORY", tmp_path)
    monkeypatch.setenv("JACK_DEFAULT_SERVER", "mine")
    assert "no MIDI system" in RtMidiSystem().look()
    import rtmidi

    assert not midi_rtmidi._is_likely(rtmidi.API_UNIX_JACK)
    (tmp_path / "jack_mine_0_0").touch()
    assert midi_rtmidi._is_likely(rtmidi.API_UNIX_JACK)


def test_a_message_is_noted_and_somebody_woken(rtmidi: SimpleNamespace) -> None:
    system, woken = RtMidiSystem(), []
    assert system.look() == ""
    port = system.open_input("Desk 20:0", lambda: woken.append(True))
    port._port.callback(([0xB0, 7, 64], 0.0), None)  # type: ignore[attr-defined]
    assert woken == [True]
    assert port.drain() == [bytes((0xB0, 7, 64))]
    assert port.drain() == []
    port.close()


def test_a_port_that_is_held_or_gone_is_a_sentence(rtmidi: SimpleNamespace) -> None:
    rtmidi.client.ports = ("Busy",)
    system = RtMidiSystem()
    system.look()
    with pytest.raises(DeviceError, match="is another program using it"):
        system.open_input("Busy", lambda: None)
    # It is tried again every second, and nothing of the attempt may stay in memory.
    assert (rtmidi.client.made[-1].callback, rtmidi.client.made[-1].is_deleted) == (None, True)
    with pytest.raises(DeviceError, match="is gone"):
        system.open_output("Desk")


def test_an_engine_without_midi_has_none() -> None:
    system = NoMidiSystem()
    assert (system.inputs(), system.outputs()) == ((), ())
    with pytest.raises(DeviceError):
        system.open_input("Desk", lambda: None)
    with pytest.raises(DeviceError):
        system.open_output("Desk")
