"""All devices a user may choose: the machine's own through PortAudio, and the simulated one by name. Control thread."""

from __future__ import annotations

from engine.errors import DeviceError
from engine.io.backend import AudioBackend, AudioStream, DeviceInfo, StreamRequest
from engine.io.devices import Direction
from engine.io.portaudio import PortAudioBackend
from engine.io.simulated import SimulatedBackend, is_simulated


class SystemBackend:
    """`AudioBackend` over the real devices, and over ``simulated:`` for requests that begin with it."""

    def __init__(self) -> None:
        self._real: AudioBackend = PortAudioBackend()
        self._simulated: AudioBackend = SimulatedBackend()
        self._opened: AudioBackend = self._real

    @property
    def sees_changes(self) -> bool:
        """As the real devices'."""
        return self._real.sees_changes

    def devices(self) -> tuple[DeviceInfo, ...]:
        """The machine's own devices; the simulated one is chosen by name only."""
        return self._real.devices()

    def open(self, request: StreamRequest) -> AudioStream:
        """Open the devices of `request`.

        Raises
        ------
        SidetoneError
            If a device does not exist, is busy or refuses the format, or a simulated file cannot be read.
        """
        self._opened = self._behind(request)
        return self._opened.open(request)

    def replace(self, stream: AudioStream, request: StreamRequest, direction: Direction) -> None:
        """Open another device in the place of one; see `AudioBackend.replace`."""
        if self._behind(request) is not self._opened:
            raise DeviceError(
                "Real and simulated devices have no clock in common; start anew to go from one to the other."
            )
        self._opened.replace(stream, request, direction)

    def _behind(self, request: StreamRequest) -> AudioBackend:
        return self._simulated if is_simulated(request.input_device) else self._real
