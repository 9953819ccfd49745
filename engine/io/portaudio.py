"""Real devices, by way of PortAudio and, on Linux, the sound server's own names for them.

Everything here belongs to the control thread and may wait. A machine without the PortAudio library or without any device is
an ordinary case: an empty list, and one sentence when something is to be opened.
"""

from __future__ import annotations

from contextlib import AbstractContextManager, ExitStack, nullcontext

from engine.errors import DeviceError
from engine.io import pulse
from engine.io.backend import AudioStream, DeviceInfo, StreamRequest
from engine.io.devices import Direction
from engine.io.edge import EdgeStream
from engine.io.portaudio_devices import DeviceListing, Entry, find_entry, leave_portaudio_running
from engine.io.portaudio_port import PortAudioMicrophone, PortAudioOutput, RealTimebase
from engine.io.portaudio_ways import open_best
from engine.io.ports import CapturePort, PlaybackPort

# A hop with a model in it takes 1–2 ms, however short the engine's own hops are; what a slow one or an uneven device needs
# beyond this is learnt while running.
_MARGIN_FRAMES = 144
_SETTLE_S = 0.4


class PortAudioBackend:
    """`engine.io.backend.AudioBackend` for real devices."""

    def __init__(self) -> None:
        self._open_streams = 0
        self._listing = DeviceListing()

    @property
    def sees_changes(self) -> bool:
        """While nothing is open, and where a sound server tells."""
        return self._open_streams == 0 or self._listing.is_served

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
            stream = _PortAudioStream(self, capture, air, monitor, music, request)
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

    def _entries(self) -> list[Entry]:
        return self._listing.entries(may_start_anew=self._open_streams == 0)

    def _open_capture(
        self,
        entries: list[Entry],
        request: StreamRequest,
        wanted: str | None,
        direction: Direction,
        most_channels: int = 2,
    ) -> PortAudioMicrophone:
        entry = find_entry(entries, wanted, direction)
        channels = min(most_channels, entry.info.max_input_channels)
        with _leading_to(entry, is_input=True):
            return open_best(PortAudioMicrophone, entry, request, channels)

    def _open_output(
        self, entries: list[Entry], request: StreamRequest, wanted: str | None, direction: Direction
    ) -> PortAudioOutput:
        entry = find_entry(entries, wanted, direction)
        channels = min(2, entry.info.max_output_channels)
        with _leading_to(entry, is_input=False):
            return open_best(PortAudioOutput, entry, request, channels)


class _PortAudioStream(EdgeStream):
    """An `EdgeStream` that also hears from the sound server when a device is gone."""

    def __init__(
        self,
        backend: PortAudioBackend,
        capture: PortAudioMicrophone,
        air: PortAudioOutput,
        monitor: PortAudioOutput | None,
        music: PortAudioMicrophone | None,
        request: StreamRequest,
    ) -> None:
        super().__init__(
            capture,
            air,
            monitor,
            RealTimebase(),
            request.hop_frames,
            _MARGIN_FRAMES,
            _SETTLE_S,
            music,
            request.expects_music,
        )
        self._backend: PortAudioBackend | None = backend
        self._opened = [port for port in (capture, air, monitor, music) if port is not None]
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
            if all(port.is_freed for port in self._opened):
                backend.stream_closed()
            else:
                # It counts as open for ever: PortAudio would wait for it when it is started anew, and when the program ends.
                leave_portaudio_running()

    def replace(self, direction: Direction, port: CapturePort | PlaybackPort | None) -> None:
        """Let another device take a place, and hear of it from the sound server too. Control thread."""
        if isinstance(port, PortAudioMicrophone | PortAudioOutput):
            self._opened.append(port)
        super().replace(direction, port)
        self._opened = [port for port in self._opened if not port.is_freed]
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


def _leading_to(entry: Entry, is_input: bool) -> AbstractContextManager[None]:
    if entry.pulse_name is None:
        return nullcontext()
    return pulse.leading_to(source=entry.pulse_name) if is_input else pulse.leading_to(sink=entry.pulse_name)
