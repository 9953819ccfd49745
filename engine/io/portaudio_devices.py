"""Which devices PortAudio knows, and on Linux the sound server's own names for them.

Everything here belongs to the control thread and may wait.
"""

from __future__ import annotations

import atexit
import os
import sys
from dataclasses import dataclass, replace
from time import monotonic
from typing import Any

from engine.config import SAMPLE_RATE_HZ
from engine.errors import DeviceChoiceError
from engine.io import pulse
from engine.io.backend import DeviceInfo
from engine.io.devices import Direction, find_device, without_duplicates
from engine.io.jack_name import name_jack_client
from engine.io.quiet import quiet_stderr, silence_alsa
from engine.io.virtual_device import is_cable_end
from engine.io.windows_com import let_in_all_threads

_LIST_INTERVAL_S, _SERVED_LIST_INTERVAL_S = 1.0, 10.0
"""Where there is a sound server, that lists what is plugged in, whatever PortAudio knows of it."""

_PULSE = "pulse:"
_INSTALL = {
    "linux": "install it with: sudo apt-get install libportaudio2 libasound2-plugins",
    "darwin": "install Sidetone's Python packages again",
    "win32": "install Sidetone's Python packages again",
}


@dataclass(frozen=True, slots=True)
class Entry:
    """A device as listed, and how PortAudio gets there."""

    info: DeviceInfo
    index: int
    pulse_name: str | None = None


class DeviceListing:
    """Asks PortAudio for its devices, and now and then starts it anew, so that it finds what was plugged in since.

    Attributes
    ----------
    is_served : bool
        Whether a sound server tells what is plugged in.
    """

    def __init__(self) -> None:
        self._listed_at_s = float("-inf")
        self.is_served = False

    def entries(self, may_start_anew: bool) -> list[Entry]:
        """All devices.

        Parameters
        ----------
        may_start_anew : bool
            Whether no stream is open, which would be lost.

        Raises
        ------
        DeviceError
            If the PortAudio library is missing.
        """
        sounddevice = load_sounddevice()
        if may_start_anew and monotonic() - self._listed_at_s >= self._list_interval_s:
            # PortAudio lists devices once, at its start; what was plugged in since shows only after another. Each takes
            # memory that is never given back (12 kB with ALSA), and a microphone may be away all night.
            self._listed_at_s = monotonic()
            with quiet_stderr():
                sounddevice._terminate()
                name_jack_client(sounddevice._libname)
                sounddevice._initialize()
        apis = sounddevice.query_hostapis()
        found = []
        for index, device in enumerate(sounddevice.query_devices()):
            api = apis[device["hostapi"]]
            found.append(Entry(_info(index, device, api), index))
        if sys.platform == "linux":
            own, found = found, _with_pulse(found)
            self.is_served = found is not own
        kept = without_duplicates([entry.info for entry in found])
        return _without_cable_as_default([entry for entry in found if entry.info in kept], sys.platform)

    @property
    def _list_interval_s(self) -> float:
        return _SERVED_LIST_INTERVAL_S if self.is_served else _LIST_INTERVAL_S


def find_entry(entries: list[Entry], wanted: str | None, direction: Direction) -> Entry:
    """The device that is wanted; see `find_device`.

    Raises
    ------
    DeviceError
        If there is none.
    """
    info = find_device([entry.info for entry in entries], wanted, direction)
    return next(entry for entry in entries if entry.info is info)


def load_sounddevice() -> Any:
    """The module `sounddevice`, with PortAudio begun.

    Raises
    ------
    DeviceError
        If the library is missing.
    """
    # Asking PortAudio for its devices must not start a JACK server that nobody wanted.
    os.environ.setdefault("JACK_NO_START_SERVER", "1")
    try:
        import rtmixer  # noqa: F401
        import sounddevice
    except OSError as error:
        how = _INSTALL.get(sys.platform, "install PortAudio")
        raise DeviceChoiceError(f"The PortAudio library is missing, so there is no sound; {how}.") from error
    silence_alsa()
    let_in_all_threads()
    return sounddevice


def leave_portaudio_running() -> None:
    """Let the program end without ending PortAudio. Control thread."""
    import sounddevice

    atexit.unregister(sounddevice._exit_handler)


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


def _with_pulse(found: list[Entry]) -> list[Entry]:
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
    sources = [Entry(_pulse_info(end, end.channels, 0), bridge.index, end.name) for end in heard]
    sinks = [Entry(_pulse_info(end, 0, end.channels), bridge.index, end.name) for end in server.sinks]
    return sources + sinks + rest


def _without_cable_as_default(found: list[Entry], platform: str) -> list[Entry]:
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
