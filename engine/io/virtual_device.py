"""The virtual microphone that OBS and browsers record: made by the program on Linux, found by name elsewhere.

On Linux a *null sink* takes what the program plays and a *remapped source* named Sidetone offers it as a microphone, because
many programs hide the monitor of a sink. Both live in the sound server, so they outlast a crash; the next start takes them
over instead of making a second pair. Windows and macOS have no such thing without a driver, and a person installs a cable.
Control thread; may wait for the server, a second at most.
"""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Sequence
from typing import Any, Protocol

from engine.errors import DeviceError
from engine.io import pulse
from engine.io.backend import DeviceInfo

_SINK_OPTIONS = (
    f"sink_name={pulse.VIRTUAL_SINK} rate=48000 channels=2 channel_map=front-left,front-right "
    "sink_properties='device.description=\"Sidetone output\"'"
)
_SOURCE_OPTIONS = (
    f"source_name={pulse.VIRTUAL_SOURCE} master={pulse.VIRTUAL_SINK}.monitor channels=2 "
    "channel_map=front-left,front-right master_channel_map=front-left,front-right remix=no "
    f"source_properties='device.description=\"{pulse.VIRTUAL_SOURCE}\"'"
)

# (what the output is called, what the microphone is called), best first.
_CABLES = {
    "win32": (
        ("CABLE Input", "CABLE Output"),
        ("VoiceMeeter Input", "VoiceMeeter Output"),
        ("VoiceMeeter Aux Input", "VoiceMeeter Aux Output"),
    ),
    "darwin": (("BlackHole 2ch", "BlackHole 2ch"), ("BlackHole 16ch", "BlackHole 16ch"), ("BlackHole", "BlackHole")),
}
_ADVICE = {
    "win32": (
        "Install VB-CABLE (vb-audio.com/Cable), restart, and choose CABLE Output as the microphone in OBS; "
        "VoiceMeeter works too."
    ),
    "darwin": "Install BlackHole 2ch (existential.audio/blackhole) and choose BlackHole 2ch as the microphone in OBS.",
    "linux": (
        "Start PipeWire with its PulseAudio server (package pipewire-pulse) or PulseAudio; "
        "then choose Sidetone as the microphone in OBS."
    ),
}


class VirtualMicrophone(Protocol):
    """A way to another program's microphone input."""

    @property
    def output_device(self) -> str:
        """Id of the device to play to, for `StreamRequest.output_device`."""
        ...

    @property
    def microphone_name(self) -> str:
        """What a person chooses as the microphone in OBS."""
        ...

    def close(self) -> None:
        """Take it away if the program made it; safe to call twice."""
        ...


def open_virtual_microphone(devices: Sequence[DeviceInfo]) -> VirtualMicrophone:
    """Make or find the virtual microphone. Control thread.

    Parameters
    ----------
    devices : sequence of DeviceInfo
        All there are, to find an installed cable among.

    Raises
    ------
    engine.errors.DeviceError
        If there is none and none can be made; the sentence says what to get and what to choose in OBS.
    """
    if sys.platform == "linux":
        return PulseVirtualMicrophone()
    found = find_cable(devices, sys.platform)
    if found is None:
        raise DeviceError(f"There is no virtual microphone. {advice()}")
    return found


def can_have_virtual_microphone(devices: Sequence[DeviceInfo]) -> bool:
    """Whether `open_virtual_microphone` would succeed; makes nothing. Control thread."""
    if sys.platform == "linux":
        return pulse.endpoints() is not None
    return find_cable(devices, sys.platform) is not None


def advice(platform: str = sys.platform) -> str:
    """What a person can do to have a virtual microphone."""
    return _ADVICE.get(platform, _ADVICE["linux"])


def find_cable(devices: Sequence[DeviceInfo], platform: str) -> InstalledCable | None:
    """Return the best of the installed cables; None if there is none."""
    for output, microphone in _CABLES.get(platform, ()):
        for device in devices:
            if device.max_output_channels > 0 and device.name.casefold().startswith(output.casefold()):
                return InstalledCable(device.id, microphone)
    return None


def is_cable_end(device: DeviceInfo, platform: str) -> bool:
    """Whether a microphone is what comes out of an installed cable."""
    ends = (microphone.casefold() for _, microphone in _CABLES.get(platform, ()))
    return device.max_input_channels > 0 and device.name.casefold().startswith(tuple(ends))


class InstalledCable:
    """A cable that is a driver of the system; nothing to make or to take away."""

    def __init__(self, output_device: str, microphone_name: str) -> None:
        self.output_device = output_device
        self.microphone_name = microphone_name

    def close(self) -> None:
        """Do nothing: it stays installed."""


class PulseVirtualMicrophone:
    """A null sink and a remapped source in PipeWire or PulseAudio.

    Raises
    ------
    engine.errors.DeviceError
        If no sound server answers or it refuses.
    """

    output_device = f"pulse:{pulse.VIRTUAL_SINK}"
    microphone_name = pulse.VIRTUAL_SOURCE

    def __init__(self) -> None:
        self._is_closed = False
        with pulse.connected("sidetone virtual microphone") as client:
            if client is None:
                raise DeviceError(f"There is no sound server to make a virtual microphone in. {advice('linux')}")
            import pulsectl

            try:
                self._make_whole(client)
            except pulsectl.PulseError as error:
                raise DeviceError(
                    f"The sound server refuses to make a virtual microphone ({error}). {advice('linux')}"
                ) from error

    def close(self) -> None:
        """Take the pair away, unless another program still plays into it."""
        if self._is_closed:
            return
        self._is_closed = True
        with pulse.connected("sidetone virtual microphone") as client:
            if client is None:
                return
            import pulsectl

            # A server that goes away just now takes the pair with it.
            with contextlib.suppress(pulsectl.PulseError):
                self._take_away(client)

    def _take_away(self, client: Any) -> None:
        sinks = {sink.index for sink in client.sink_list() if sink.name == pulse.VIRTUAL_SINK}
        if any(stream.sink in sinks for stream in client.sink_input_list() if not _is_plumbing(stream)):
            return
        for module in _modules(client, "source_name", pulse.VIRTUAL_SOURCE):
            _unload(client, module)
        for module in _modules(client, "sink_name", pulse.VIRTUAL_SINK):
            _unload(client, module)

    def _make_whole(self, client: Any) -> None:
        """Have exactly one of each, whatever an earlier run left."""
        sinks = _modules(client, "sink_name", pulse.VIRTUAL_SINK)
        sources = _modules(client, "source_name", pulse.VIRTUAL_SOURCE)
        for module in sinks[1:] + sources[1:]:
            _unload(client, module)
        if not sinks:
            # A source whose sink is gone hears nothing, and would hear nothing of the next sink either.
            for module in sources[:1]:
                _unload(client, module)
            sources = []
            client.module_load("module-null-sink", _SINK_OPTIONS)
        if not sources:
            client.module_load("module-remap-source", _SOURCE_OPTIONS)


def _modules(client: Any, option: str, name: str) -> list[Any]:
    wanted = f"{option}={name}"
    return [module for module in client.module_list() if wanted in (module.argument or "").split()]


def _unload(client: Any, module: Any) -> None:
    import pulsectl

    with contextlib.suppress(pulsectl.PulseError):
        client.module_unload(module.index)


def _is_plumbing(stream: Any) -> bool:
    """Whether a stream belongs to a module of the server and not to a program."""
    return stream.client in (None, pulse.NO_CLIENT)
