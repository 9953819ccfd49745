"""Devices are found by what a person types, and the sentence is clear when there is none like it."""

from __future__ import annotations

import ctypes
import gc
import sys
import threading
import time
import weakref
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from engine.errors import DeviceError
from engine.io import jack_name, portaudio, portaudio_devices, portaudio_ways, pulse, windows_com
from engine.io.backend import DeviceInfo, StreamRequest
from engine.io.devices import Direction, find_device, without_duplicates
from engine.io.edge import EdgeStream
from engine.io.portaudio import PortAudioBackend
from engine.io.system import SystemBackend
from engine.io.virtual_device import advice, find_cable

MICROPHONE = DeviceInfo("pulse:usb", "Blue Yeti", "PulseAudio", 2, 0, 48_000)
HEADSET = DeviceInfo("pulse:bt", "Headset", "PulseAudio", 1, 2, 48_000, is_default_input=True)
WEBCAM = DeviceInfo("pulse:cam", "Webcam Yeti", "PulseAudio", 1, 0, 48_000)
CABLE = DeviceInfo("wasapi:CABLE Input", "CABLE Input (VB-Audio Virtual Cable)", "Windows WASAPI", 0, 2, 48_000)
ALL = (MICROPHONE, HEADSET, WEBCAM, CABLE)


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        ("pulse:usb", MICROPHONE),
        ("blue yeti", MICROPHONE),
        ("BLUE", MICROPHONE),
        ("Webcam", WEBCAM),
        (None, HEADSET),
    ],
)
def test_found_by_id_name_or_part(wanted: str | None, found: DeviceInfo) -> None:
    assert find_device(ALL, wanted, Direction.INPUT) is found


def test_an_unknown_name_lists_what_there_is() -> None:
    with pytest.raises(DeviceError, match=r"no microphone named 'Rode'.*Blue Yeti, Headset, Webcam Yeti"):
        find_device(ALL, "Rode", Direction.INPUT)


def test_a_part_that_fits_several_asks_for_more() -> None:
    with pytest.raises(DeviceError, match="more than one microphone: Blue Yeti, Webcam Yeti"):
        find_device(ALL, "yeti", Direction.INPUT)


def test_no_device_at_all_says_what_to_do() -> None:
    with pytest.raises(DeviceError, match="simulated:"):
        find_device((), None, Direction.INPUT)


def test_without_a_default_the_first_is_taken() -> None:
    assert find_device(ALL, None, Direction.OUTPUT) is HEADSET


def test_older_windows_systems_are_hidden_behind_wasapi() -> None:
    cut_off = DeviceInfo("mme:CABLE Input", "CABLE Input (VB-Audio Virtual C", "MME", 0, 2, 44_100)
    assert without_duplicates((cut_off, CABLE)) == (CABLE,)
    assert without_duplicates((cut_off,)) == (cut_off,)


def test_cables_of_windows_and_macos_are_found_by_name() -> None:
    cable = find_cable(ALL, "win32")
    assert cable is not None
    assert (cable.output_device, cable.microphone_name) == (CABLE.id, "CABLE Output")
    hole = DeviceInfo("core:BlackHole 2ch", "BlackHole 2ch", "Core Audio", 2, 2, 48_000)
    found = find_cable((*ALL, hole), "darwin")
    assert found is not None
    assert found.microphone_name == "BlackHole 2ch"
    assert find_cable((MICROPHONE,), "win32") is None


@pytest.mark.parametrize(("platform", "name"), [("win32", "VB-CABLE"), ("darwin", "BlackHole"), ("linux", "PipeWire")])
def test_advice_says_what_to_get_and_what_to_choose(platform: str, name: str) -> None:
    assert name in advice(platform)
    assert "OBS" in advice(platform)


def test_without_the_portaudio_library_there_are_no_devices(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing() -> Any:
        raise DeviceError("The PortAudio library is missing, so there is no sound; install it.")

    monkeypatch.setattr(portaudio_devices, "load_sounddevice", missing)
    backend = PortAudioBackend()
    assert backend.devices() == ()
    with pytest.raises(DeviceError, match="PortAudio library is missing"):
        backend.open(StreamRequest())


def test_its_own_virtual_microphone_is_not_offered_as_a_microphone(monkeypatch: pytest.MonkeyPatch) -> None:
    real = pulse.Endpoint("usb", "Blue Yeti", 1, False, False)
    own = pulse.Endpoint(pulse.VIRTUAL_SOURCE, "Sidetone", 2, False, True)
    monitor = pulse.Endpoint("speakers.monitor", "Monitor of Speakers", 2, True, False)
    bridge = portaudio_devices.Entry(DeviceInfo("alsa:pulse", "pulse", "ALSA", 32, 32, 44_100, True, True), 7)
    own_output = pulse.Endpoint(f"{pulse.VIRTUAL_SINK}.monitor", "Monitor of Sidetone output", 2, True, False)
    monkeypatch.setattr(pulse, "endpoints", lambda: pulse.Endpoints((own, own_output, monitor, real), ()))
    found = portaudio_devices._with_pulse([bridge])
    assert [(entry.info.id, entry.index, entry.pulse_name) for entry in found] == [
        ("pulse:speakers.monitor", 7, "speakers.monitor"),
        ("pulse:usb", 7, "usb"),
    ]
    # What an output plays is music, if one wants it, and never a microphone.
    devices = [entry.info for entry in found]
    assert find_device(devices, None, Direction.INPUT).id == "pulse:usb"
    assert find_device(devices, "Monitor of Speakers", Direction.MUSIC).id == "pulse:speakers.monitor"
    with pytest.raises(DeviceError, match="no microphone named 'Monitor of Speakers'"):
        find_device(devices, "Monitor of Speakers", Direction.INPUT)


@pytest.mark.skipif(sys.platform == "win32", reason="the environment is not read by libraries there")
def test_the_environment_is_put_back(monkeypatch: pytest.MonkeyPatch) -> None:
    import os

    monkeypatch.setenv("PULSE_SINK", "speakers")
    monkeypatch.delenv("PULSE_SOURCE", raising=False)

    @contextmanager
    def failing() -> Iterator[None]:
        with pulse.leading_to(source="usb", sink="cable"):
            assert (os.environ["PULSE_SOURCE"], os.environ["PULSE_SINK"]) == ("usb", "cable")
            yield

    with pytest.raises(RuntimeError, match="stop"), failing():
        raise RuntimeError("stop")
    assert os.environ["PULSE_SINK"] == "speakers"
    assert "PULSE_SOURCE" not in os.environ


@pytest.mark.parametrize("platform", ["win32", "darwin"])
def test_the_far_end_of_a_cable_is_no_default_microphone(platform: str) -> None:
    api = {"win32": "Windows WASAPI", "darwin": "Core Audio"}[platform]
    end = {"win32": "CABLE Output (VB-Audio Virtual Cable)", "darwin": "BlackHole 2ch"}[platform]
    found = [
        portaudio_devices.Entry(DeviceInfo("speakers", "Speakers", api, 0, 2, 48_000, is_default_output=True), 0),
        portaudio_devices.Entry(DeviceInfo("cable", end, api, 2, 0, 48_000, is_default_input=True), 1),
        portaudio_devices.Entry(DeviceInfo("yeti", "Blue Yeti", api, 2, 0, 48_000), 2),
    ]
    infos = [entry.info for entry in portaudio_devices._without_cable_as_default(found, platform)]
    assert find_device(infos, None, Direction.INPUT).name == "Blue Yeti"
    assert find_device(infos, end, Direction.INPUT).id == "cable"
    assert find_device(infos, None, Direction.OUTPUT).name == "Speakers"
    # Without another one, and where it is not the default, all stays as the system says.
    assert portaudio_devices._without_cable_as_default(found[:2], platform) == found[:2]
    assert portaudio_devices._without_cable_as_default(found, "linux") == found


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> None:
    """What PortAudio is told for one system alone, as plain dictionaries."""
    import sounddevice

    monkeypatch.setattr(sounddevice, "WasapiSettings", dict)
    monkeypatch.setattr(sounddevice, "CoreAudioSettings", dict)


@pytest.mark.usefixtures("told")
def test_windows_converts_what_a_device_refuses_but_not_in_exclusive_mode() -> None:
    surround = portaudio_devices.Entry(DeviceInfo("wasapi:7.1", "Headset 7.1", "Windows WASAPI", 0, 8, 44_100), 3)
    tried: list[tuple[int, int, bool]] = []

    def refuse(settings: Any) -> None:
        tried.append((settings.rate_hz, settings.block_frames, settings.extra["auto_convert"]))
        raise DeviceError(f"refused {len(tried)}")

    with pytest.raises(DeviceError, match="refused 3"):
        portaudio_ways.open_best(refuse, surround, StreamRequest(), 2)
    assert tried == [(48_000, 480, False), (44_100, 441, False), (48_000, 480, True)]
    alone = portaudio_ways.ways(surround, StreamRequest(is_exclusive=True), 2)
    assert [(way.rate_hz, way.extra) for way in alone] == [
        (rate_hz, {"exclusive": True, "auto_convert": False}) for rate_hz in (48_000, 44_100)
    ]


@pytest.mark.usefixtures("told")
@pytest.mark.parametrize("is_exclusive", [False, True])
def test_a_device_of_core_audio_is_set_up_for_the_program_only_if_that_is_wanted(is_exclusive: bool) -> None:
    interface = portaudio_devices.Entry(DeviceInfo("core:Duet", "Duet", "Core Audio", 2, 2, 44_100), 1)
    ways = portaudio_ways.ways(interface, StreamRequest(is_exclusive=is_exclusive), 2)
    assert [(way.rate_hz, way.block_frames) for way in ways] == [(48_000, 128), (44_100, 118)]
    for way in ways:
        assert way.extra == {
            "change_device_parameters": is_exclusive,
            "fail_if_conversion_required": is_exclusive,
        }


@pytest.mark.parametrize("api", ["ALSA", "JACK Audio Connection Kit", "PulseAudio", "MME"])
def test_other_systems_are_told_nothing_of_their_own(api: str) -> None:
    entry = portaudio_devices.Entry(DeviceInfo("a:b", "b", api, 2, 2, 48_000), 1)
    assert [way.extra for way in portaudio_ways.ways(entry, StreamRequest(is_exclusive=True), 2)] == [None]


@pytest.mark.parametrize(
    ("platform", "is_there", "named"),
    [("linux", True, [b"Sidetone"]), ("linux", False, []), ("win32", True, []), ("darwin", True, [])],
)
def test_jack_shows_the_program_by_its_name(
    monkeypatch: pytest.MonkeyPatch, platform: str, is_there: bool, named: list[bytes]
) -> None:
    told: list[bytes] = []

    class Library:
        def __init__(self, name: str) -> None:
            if is_there:
                self.PaJack_SetClientName = told.append

    monkeypatch.setattr(ctypes, "CDLL", Library)
    monkeypatch.setattr("engine.io.jack_name.sys.platform", platform)
    jack_name.name_jack_client("libportaudio.so.2")
    assert told == named


def client_library() -> Any:
    try:
        import pulsectl
    except (ImportError, OSError) as error:
        pytest.skip(f"no client of PulseAudio here ({error})")
    return pulsectl


def test_a_look_at_the_sound_server_leaves_nothing_in_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    """The engine's process collects no garbage."""
    pulsectl = client_library()
    made: list[weakref.ref[Any]] = []
    make = pulsectl.Pulse

    def watched(*arguments: Any, **options: Any) -> Any:
        client = make(*arguments, **options)
        made.append(weakref.ref(client))
        return client

    monkeypatch.setattr(pulsectl, "Pulse", watched)
    monkeypatch.setenv("PULSE_SERVER", "unix:/nowhere")
    gc.disable()
    try:
        assert pulse.endpoints() is None
        assert [client() for client in made] == [None]
    finally:
        gc.enable()


def test_all_threads_may_open_devices_on_windows(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    class Library:
        def __init__(self, name: str) -> None:
            self.name = name

        def CoIncrementMTAUsage(self, cookie: object) -> int:
            asked.append(self.name)
            return 0

    monkeypatch.setattr(ctypes, "WinDLL", Library, raising=False)
    ask = windows_com.let_in_all_threads.__wrapped__
    with monkeypatch.context() as patch:
        patch.setattr("engine.io.windows_com.sys.platform", "win32")
        ask()
        assert asked == ["ole32"]
    with monkeypatch.context() as patch:
        patch.setattr("engine.io.windows_com.sys.platform", "linux")
        ask()
        assert asked == ["ole32"]


def test_a_simulated_device_stands_in_for_no_real_one_while_the_sound_goes_on(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "voice.wav", np.zeros(4800, np.float32), 48_000)
    backend = SystemBackend()
    stream = backend.open(StreamRequest(f"simulated:{tmp_path / 'voice.wav'}", "simulated:out"))
    with pytest.raises(DeviceError, match="start anew"):
        backend.replace(stream, StreamRequest("Blue Yeti"), Direction.INPUT)
    stream.close()


class PortAudio:
    """A library with one device, which counts how often it is started."""

    _libname = "no such library"

    def __init__(self) -> None:
        self.starts = 0

    def _terminate(self) -> None:
        return None

    def _initialize(self) -> None:
        self.starts += 1

    def query_hostapis(self) -> list[dict[str, Any]]:
        return [{"name": "ALSA", "default_input_device": 0, "default_output_device": 0}]

    def query_devices(self) -> list[dict[str, Any]]:
        channels = {"max_input_channels": 2, "max_output_channels": 2}
        return [{"name": "pulse", "hostapi": 0, "default_samplerate": 44_100.0, **channels}]


@pytest.mark.parametrize(("is_served", "starts"), [(False, 20), (True, 2)])
def test_the_library_is_not_started_anew_at_every_look(
    monkeypatch: pytest.MonkeyPatch, is_served: bool, starts: int
) -> None:
    library = PortAudio()
    now_s = 0.0
    monkeypatch.setattr(portaudio_devices, "load_sounddevice", lambda: library)
    monkeypatch.setattr(portaudio_devices, "monotonic", lambda: now_s)
    monkeypatch.setattr("engine.io.portaudio_devices.sys.platform", "linux")
    monkeypatch.setattr(pulse, "endpoints", lambda: pulse.Endpoints((), ()) if is_served else None)
    backend = PortAudioBackend()
    for _ in range(80):
        backend.devices()
        now_s += 0.25
    assert library.starts == starts


@pytest.mark.skipif(sys.platform != "linux", reason="of Linux's sound server")
def test_a_stream_that_is_closed_lets_go_of_its_watch(monkeypatch: pytest.MonkeyPatch) -> None:
    """They refer to each other, and the engine's process collects no garbage."""
    monkeypatch.setattr(pulse.Watch, "_run", lambda self: None)
    monkeypatch.setattr(EdgeStream, "close", lambda self: None)
    stream = portaudio._PortAudioStream.__new__(portaudio._PortAudioStream)
    stream._backend, stream._watch = PortAudioBackend(), pulse.Watch({"usb"}, stream._gone)
    stream._opened = []
    left = weakref.ref(stream)
    gc.disable()
    try:
        stream.close()
        del stream
        assert left() is None
    finally:
        gc.enable()


def test_a_sound_server_that_was_late_to_answer_is_watched_after_all(monkeypatch: pytest.MonkeyPatch) -> None:
    client_library()
    answers = iter((None, None))
    gone: list[str | None] = []
    is_told = threading.Event()

    class Client:
        source_list = sink_list = staticmethod(tuple)

        def event_mask_set(self, *kinds: str) -> None:
            return None

        def event_callback_set(self, callback: Any) -> None:
            return None

        def event_listen(self, timeout: float) -> None:
            time.sleep(0.01)

    @contextmanager
    def late(name: str) -> Iterator[Client | None]:
        yield next(answers, Client())

    def tell(name: str | None) -> None:
        gone.append(name)
        is_told.set()

    monkeypatch.setattr(pulse, "connected", late)
    monkeypatch.setattr(pulse, "_LOOK_S", 0.01)
    watch = pulse.Watch({"usb"}, tell)
    assert is_told.wait(20.0)
    watch.close()
    assert gone == ["usb"]
