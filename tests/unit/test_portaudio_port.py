"""PortAudio's streams: rtmixer's counters, which have 32 bits on Windows, over days of sound; and ends that do not come."""

from __future__ import annotations

import atexit
import threading
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from engine.io.backend import StreamRequest
from engine.io.devices import Direction
from engine.io.portaudio import PortAudioBackend, _PortAudioStream
from engine.io.portaudio_port import PortAudioMicrophone, PortAudioOutput, PortSettings

BLOCK_FRAMES = 480
RANGE = 1 << 32


class FakeStream:
    """rtmixer's stream as Windows has it: it counts to 2³², and an action of so many frames is over."""

    def __init__(self, **options: Any) -> None:
        none = dict.fromkeys(("blocks", "input_overflows", "output_underflows"), 0)
        self._state = SimpleNamespace(stats=SimpleNamespace(**none))
        self.actions: list[SimpleNamespace] = []

    def start(self) -> None:
        """Nothing to start."""

    def abort(self, ignore_errors: bool) -> None:
        """Nothing to end."""

    def close(self, ignore_errors: bool) -> None:
        """Nothing to free."""

    def record_ringbuffer(self, ring: object) -> SimpleNamespace:
        self.actions.append(SimpleNamespace(done_frames=0, total_frames=RANGE - 1))
        return self.actions[-1]

    play_ringbuffer = record_ringbuffer

    def run(self, blocks: int) -> None:
        """Move so many blocks."""
        self._state.stats.blocks = (self._state.stats.blocks + blocks) % RANGE
        for action in tuple(self.actions):
            action.done_frames += blocks * BLOCK_FRAMES
            if action.done_frames >= action.total_frames:
                self.actions.remove(action)


def settings() -> PortSettings:
    return PortSettings("Blue Yeti", 0, 1, 48_000, BLOCK_FRAMES, "low")


@pytest.fixture(autouse=True)
def _fake_rtmixer(monkeypatch: pytest.MonkeyPatch) -> None:
    rtmixer = pytest.importorskip("rtmixer")
    monkeypatch.setattr(rtmixer, "Recorder", FakeStream)
    monkeypatch.setattr(rtmixer, "Mixer", FakeStream)


def test_a_microphone_is_heard_for_a_week_without_a_gap() -> None:
    port = PortAudioMicrophone(settings())
    port.start()
    out = np.zeros((1, BLOCK_FRAMES), np.float32)
    hours = 7 * 24
    for _ in range(hours):
        port._stream.run(blocks=360_000)
        port.read(out)
    assert port.losses == 0
    assert port.device_frames == hours * 3600 * 48_000


def test_an_output_plays_for_a_week_without_a_gap() -> None:
    port = PortAudioOutput(settings())
    port.start()
    port.play()
    for _ in range(7 * 24):
        port._stream.run(blocks=360_000)
        port.play()
    assert port.losses == 0


def test_the_frames_go_on_counting_when_the_counter_begins_anew() -> None:
    port = PortAudioOutput(settings())
    port.start()
    port._stream.run(RANGE - 3)
    before = port.device_frames
    port._stream.run(10)
    assert port.device_frames - before == 10 * BLOCK_FRAMES
    port._stream.run(RANGE - 1)
    port._stream.run(0)
    assert port.device_frames - before == (10 + RANGE - 1) * BLOCK_FRAMES


@pytest.mark.parametrize("is_replaced", [False, True])
def test_a_device_that_portaudio_does_not_let_go_of_is_left_alone(
    monkeypatch: pytest.MonkeyPatch, is_replaced: bool
) -> None:
    """Whoever closes it does not wait for ever, and neither does who would start PortAudio anew, or end the program."""
    sounddevice = pytest.importorskip("sounddevice")
    monkeypatch.setattr("engine.io.portaudio_port.sys.platform", "linux")
    monkeypatch.setattr("engine.io.portaudio_port._FREED_WITHIN_S", 0.1)
    left_out: list[object] = []
    monkeypatch.setattr(atexit, "unregister", left_out.append)
    backend, output = PortAudioBackend(), PortAudioOutput(settings())
    let_go = threading.Event()
    monkeypatch.setattr(output._stream, "abort", lambda ignore_errors: let_go.wait())
    stream = _PortAudioStream(backend, PortAudioMicrophone(settings()), output, None, None, StreamRequest())
    if is_replaced:
        other = PortAudioOutput(settings())
        monkeypatch.setattr(other, "_seen_blocks", 1)
        other._stream.run(blocks=1)
        stream.replace(Direction.OUTPUT, other)
    stream.close()
    try:
        assert not backend.sees_changes
        assert left_out == [sounddevice._exit_handler]
    finally:
        let_go.set()


@pytest.mark.parametrize("platform", ["win32", "darwin"])
def test_elsewhere_a_device_is_let_go_of_by_the_thread_that_opened_it(
    monkeypatch: pytest.MonkeyPatch, platform: str
) -> None:
    monkeypatch.setattr("engine.io.portaudio_port.sys.platform", platform)
    output = PortAudioOutput(settings())
    threads: list[threading.Thread] = []
    monkeypatch.setattr(output._stream, "close", lambda ignore_errors: threads.append(threading.current_thread()))
    output.close()
    assert threads == [threading.current_thread()]
    assert output.is_freed


def test_devices_that_are_let_go_of_are_looked_for_anew() -> None:
    backend = PortAudioBackend()
    stream = _PortAudioStream(
        backend, PortAudioMicrophone(settings()), PortAudioOutput(settings()), None, None, StreamRequest()
    )
    assert not backend.sees_changes
    stream.close()
    assert backend.sees_changes
