"""Real devices, by way of PortAudio and, on Linux, the sound server's own names for them.

Everything here belongs to the control thread and may wait. A machine without the PortAudio library or without any device is
an ordinary case: an empty list, and one sentence when something is to be opened.
"""

from __future__ import annotations

import os
import sys
from contextlib import AbstractContextManager, ExitStack, nullcontext, suppress
from dataclasses import dataclass, replace
from time import monotonic
from typing import Any

from engine.errors import DeviceError
from engine.io import pulse
from engine.io.backend import SAMPLE_RATE_HZ, AudioStream, DeviceInfo, StreamRequest
from engine.io.devices import Direction, find_device, without_duplicates
from engine.io.edge import EdgeStream
from engine.io.portaudio_port import PortAudioMicrophone, PortAudioOutput, PortSettings, RealTimebase
from engine.io.ports import CapturePort, PlaybackPort
from engine.io.quiet import quiet_stderr, silence_alsa
from engine.io.virtual_device import is_cable_end
from engine.io.windows_com import let_in_all_threads

# A hop with a model in it takes 1–2 ms, however short the engine's own hops are; what a slow one or an uneven device needs
# beyond this is learnt while running.
_MARGIN_FRAMES = 144
# Where small blocks are cheap they shorten the way; Windows works in 10 ms whatever one asks for.
_BLOCK_FRAMES = {"PulseAudio": 128, "Core Audio": 128, "ALSA": 240}
_SETTLE_S = 0.4
_LIST_INTERVAL_S, _SERVED_LIST_INTERVAL_S = 1.0, 10.0
"""Where there is a sound server, that lists what is plugged in, whatever PortAudio knows of it."""

_PULSE = "pulse:"
_INSTALL = {
    "linux": "install it with: sudo apt-get install libportaudio2 libasound2-plugins",
    "darwin": "install Sidetone's Python packages again",
    "win32": "install Sidetone's Python packages again",
}


@dataclass(frozen=True, slots=True)
class _Entry:
    """A device as listed, and how PortAudio gets there."""

    info: DeviceInfo
    index: int
    pulse_name: str | None = None


class PortAudioBackend:
    """`engine.io.backend.AudioBackend` for real devices."""

    def __init__(self) -> None:
        self._open_streams = 0
        self._listed_at_s = float("-inf")
        self._is_served = False

    def devices(self) -> tuple[DeviceInfo, ...]:
        """All devices, looked up anew. Empty without devices or without the PortAudio library."""
        try:
            return tuple(entry.info for entry in self._entries())
        except DeviceError:
            return ()

    def open(self, request: StreamRequest) -> AudioStream:
        """Open real devices; see `AudioBackend.open`."""
        entries = self._entries()
        with ExitStack() as undo:
            capture = self._open_capture(entries, request, request.input_device, Direction.INPUT)
            undo.callback(capture.close)
            air = self._open_output(entries, request, request.output_device, Direction.OUTPUT)
            undo.callback(air.close)
            monitor = None
            if request.monitor_device is not None:
                monitor = self._open_output(entries, request, request.monitor_device, Direction.MONITOR)
                undo.callback(monitor.close)
            music = None
            if request.music_device is not None:
                music = self._open_capture(entries, request, request.music_device, Direction.MUSIC)
                undo.callback(music.close)
            stream = _PortAudioStream(self, capture, air, monitor, music, request.hop_frames, _MARGIN_FRAMES)
            undo.pop_all()
        return stream

    def replace(self, stream: AudioStream, request: StreamRequest, direction: Direction) -> None:
        """Open another device in the place of one; see `AudioBackend.replace`."""
        assert isinstance(stream, _PortAudioStream)
        entries = self._entries()
        match direction:
            case Direction.INPUT:
                port = self._open_capture(entries, request, request.input_device, direction, stream.channels)
                stream.replace(direction, port)
            case Direction.OUTPUT:
                stream.replace(direction, self._open_output(entries, request, request.output_device, direction))
            case Direction.MUSIC:
                stream.replace(direction, self._open_capture(entries, request, request.music_device, direction))
            case _ if request.monitor_device is None:
                stream.replace(direction, None)
            case _:
                stream.replace(direction, self._open_output(entries, request, request.monitor_device, direction))

    def stream_closed(self) -> None:
        """Tell that one of the streams is closed."""
        self._open_streams -= 1

    def stream_opened(self) -> None:
        """Tell that a stream is open, so that PortAudio must not be restarted."""
        self._open_streams += 1

    def _open_capture(
        self,
        entries: list[_Entry],
        request: StreamRequest,
        wanted: str | None,
        direction: Direction,
        most_channels: int = 2,
    ) -> PortAudioMicrophone:
        entry = _find(entries, wanted, direction)
        channels = min(most_channels, entry.info.max_input_channels)
        with _leading_to(entry, is_input=True):
            port: PortAudioMicrophone = _open_somehow(PortAudioMicrophone, _ways(entry, request, channels))
        return port

    def _open_output(
        self, entries: list[_Entry], request: StreamRequest, wanted: str | None, direction: Direction
    ) -> PortAudioOutput:
        entry = _find(entries, wanted, direction)
        channels = min(2, entry.info.max_output_channels)
        with _leading_to(entry, is_input=False):
            port: PortAudioOutput = _open_somehow(PortAudioOutput, _ways(entry, request, channels))
        return port

    @property
    def _list_interval_s(self) -> float:
        return _SERVED_LIST_INTERVAL_S if self._is_served else _LIST_INTERVAL_S

    def _entries(self) -> list[_Entry]:
        sounddevice = _load_sounddevice()
        if self._open_streams == 0 and monotonic() - self._listed_at_s >= self._list_interval_s:
            # PortAudio lists devices once, at its start; what was plugged in since shows only after another. Each takes
            # memory that is never given back (12 kB with ALSA), and a microphone may be away all night.
            self._listed_at_s = monotonic()
            with quiet_stderr():
                sounddevice._terminate()
                sounddevice._initialize()
        apis = sounddevice.query_hostapis()
        found = []
        for index, device in enumerate(sounddevice.query_devices()):
            api = apis[device["hostapi"]]
            found.append(_Entry(_info(index, device, api), index))
        if sys.platform == "linux":
            own, found = found, _with_pulse(found)
            self._is_served = found is not own
        kept = without_duplicates([entry.info for entry in found])
        return _without_cable_as_default([entry for entry in found if entry.info in kept], sys.platform)


class _PortAudioStream(EdgeStream):
    """An `EdgeStream` that also hears from the sound server when a device is gone."""

    def __init__(
        self,
        backend: PortAudioBackend,
        capture: PortAudioMicrophone,
        air: PortAudioOutput,
        monitor: PortAudioOutput | None,
        music: PortAudioMicrophone | None,
        hop_frames: int,
        margin_frames: int,
    ) -> None:
        super().__init__(capture, air, monitor, RealTimebase(), hop_frames, margin_frames, _SETTLE_S, music)
        self._backend: PortAudioBackend | None = backend
        backend.stream_opened()
        self._watch: pulse.Watch | None = None
        self._watch_anew()

    def close(self) -> None:
        """Stop and free the devices. Control thread."""
        if self._backend is None:
            return
        backend, self._backend = self._backend, None
        try:
            self._end_watch()
            super().close()
        finally:
            backend.stream_closed()

    def replace(self, direction: Direction, port: CapturePort | PlaybackPort | None) -> None:
        """Let another device take a place, and hear of it from the sound server too. Control thread."""
        super().replace(direction, port)
        self._watch_anew()

    def _end_watch(self) -> None:
        # It refers to this stream: where no garbage is collected, neither would ever leave memory if both kept the other.
        watch, self._watch = self._watch, None
        if watch is not None:
            watch.close()

    def _watch_anew(self) -> None:
        self._end_watch()
        self._by_pulse_name = {
            port.pulse_name: port
            for port in self._ports()
            if isinstance(port, PortAudioMicrophone | PortAudioOutput) and port.pulse_name is not None
        }
        if self._by_pulse_name:
            self._watch = pulse.Watch(set(self._by_pulse_name), self._gone)

    def _gone(self, name: str | None) -> None:
        for pulse_name, port in self._by_pulse_name.items():
            if name is None:
                port.mark_lost("the sound server is gone")
            elif name == pulse_name:
                port.mark_lost(f"{port.name} was unplugged")


def _load_sounddevice() -> Any:
    # Asking PortAudio for its devices must not start a JACK server that nobody wanted.
    os.environ.setdefault("JACK_NO_START_SERVER", "1")
    try:
        import rtmixer  # noqa: F401
        import sounddevice
    except OSError as error:
        how = _INSTALL.get(sys.platform, "install PortAudio")
        raise DeviceError(f"The PortAudio library is missing, so there is no sound; {how}.") from error
    silence_alsa()
    let_in_all_threads()
    return sounddevice


def _info(index: int, device: dict[str, Any], api: dict[str, Any]) -> DeviceInfo:
    return DeviceInfo(
        id=f"{api['name'].removeprefix('Windows ').split()[0].lower()}:{device['name']}",
        name=device["name"],
        host_api=api["name"],
        max_input_channels=device["max_input_channels"],
        max_output_channels=device["max_output_channels"],
        default_sample_rate=int(device["default_samplerate"]),
        is_default_input=index == api["default_input_device"],
        is_default_output=index == api["default_output_device"],
    )


def _with_pulse(found: list[_Entry]) -> list[_Entry]:
    """Put the sound server's devices in the place of the one ALSA device that leads to it."""
    bridge = next((entry for name in pulse.BRIDGES for entry in found if entry.info.name == name), None)
    server = pulse.endpoints() if bridge else None
    if bridge is None or server is None:
        return found
    rest = [
        replace(entry, info=replace(entry.info, is_default_input=False, is_default_output=False))
        for entry in found
        if entry.info.name not in (*pulse.BRIDGES, "default")
    ]
    # Its own virtual microphone is no microphone for the program: it would hear itself.
    own = (pulse.VIRTUAL_SOURCE, f"{pulse.VIRTUAL_SINK}.monitor")
    heard = [end for end in server.sources if end.name not in own]
    sources = [_Entry(_pulse_info(end, end.channels, 0), bridge.index, end.name) for end in heard]
    sinks = [_Entry(_pulse_info(end, 0, end.channels), bridge.index, end.name) for end in server.sinks]
    return sources + sinks + rest


def _without_cable_as_default(found: list[_Entry], platform: str) -> list[_Entry]:
    """Let another microphone be the default where that is the far end of a cable: the program would hear itself."""
    microphones = [entry for entry in found if entry.info.max_input_channels > 0]
    cables = [entry for entry in microphones if is_cable_end(entry.info, platform)]
    others = [entry for entry in microphones if entry not in cables]
    if not others or not any(entry.info.is_default_input for entry in cables):
        return found
    return [
        replace(entry, info=replace(entry.info, is_default_input=entry is others[0])) if entry in microphones else entry
        for entry in found
    ]


def _pulse_info(end: pulse.Endpoint, inputs: int, outputs: int) -> DeviceInfo:
    return DeviceInfo(
        id=f"{_PULSE}{end.name}",
        name=end.description,
        host_api="PulseAudio",
        max_input_channels=inputs,
        max_output_channels=outputs,
        default_sample_rate=SAMPLE_RATE_HZ,  # the server converts any rate
        is_default_input=end.is_default and inputs > 0,
        is_default_output=end.is_default and outputs > 0,
        is_monitor=end.is_monitor,
    )


def _find(entries: list[_Entry], wanted: str | None, direction: Direction) -> _Entry:
    info = find_device([entry.info for entry in entries], wanted, direction)
    return next(entry for entry in entries if entry.info is info)


def _leading_to(entry: _Entry, is_input: bool) -> AbstractContextManager[None]:
    if entry.pulse_name is None:
        return nullcontext()
    return pulse.leading_to(source=entry.pulse_name) if is_input else pulse.leading_to(sink=entry.pulse_name)


def _settings(entry: _Entry, request: StreamRequest, channels: int) -> PortSettings:
    return PortSettings(
        name=entry.info.name,
        index=entry.index,
        channels=channels,
        rate_hz=SAMPLE_RATE_HZ,
        block_frames=request.block_frames or _BLOCK_FRAMES.get(entry.info.host_api, request.hop_frames),
        latency="low" if request.latency_s is None else request.latency_s,
        extra=_host_settings(entry.info.host_api, request),
        pulse_name=entry.pulse_name,
    )


def _host_settings(host_api: str, request: StreamRequest) -> Any:
    import sounddevice

    options = request.host_options
    if host_api == "Windows WASAPI":
        # Shared mode converts rates and channels only if asked to; exclusive mode cannot.
        exclusive = options.get("wasapi_exclusive", False)
        convert = options.get("wasapi_auto_convert", False) and not exclusive
        return sounddevice.WasapiSettings(exclusive=exclusive, auto_convert=convert)
    if host_api == "Core Audio":
        return sounddevice.CoreAudioSettings(
            change_device_parameters=options.get("core_audio_change_rate", False),
            fail_if_conversion_required=options.get("core_audio_fail_if_conversion", False),
        )
    return None


def _ways(entry: _Entry, request: StreamRequest, channels: int) -> list[PortSettings]:
    """Settings to be tried one after another, best first.

    At 48 kHz; at the device's own rate, to be resampled by the edge; and converted by Windows, which alone brings two channels
    to a device that is set to more (virtual surround, an array of microphones).
    """
    wanted = _settings(entry, request, channels)
    own_rate_hz = entry.info.default_sample_rate
    ways = [wanted]
    if own_rate_hz != wanted.rate_hz:
        block_frames = max(1, round(wanted.block_frames * own_rate_hz / wanted.rate_hz))
        ways.append(replace(wanted, rate_hz=own_rate_hz, block_frames=block_frames))
    if entry.info.host_api == "Windows WASAPI" and not request.host_options.get("wasapi_exclusive", False):
        converted = replace(request, host_options={**request.host_options, "wasapi_auto_convert": True})
        ways.append(_settings(entry, converted, channels))
    return ways


def _open_somehow(kind: Any, ways: list[PortSettings]) -> Any:
    for settings in ways[:-1]:
        with suppress(DeviceError):
            return kind(settings)
    return kind(ways[-1])
