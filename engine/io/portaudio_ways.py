"""How a device is opened: block, rate and what its system offers beside them, best way first. Control thread; may wait."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from typing import Any, TypeVar

from engine.config import SAMPLE_RATE_HZ
from engine.errors import DeviceError
from engine.io.backend import StreamRequest
from engine.io.portaudio_devices import Entry
from engine.io.portaudio_port import PortSettings

# Where small blocks are cheap they shorten the way; Windows works in 10 ms whatever one asks for.
_BLOCK_FRAMES = {"PulseAudio": 128, "Core Audio": 128, "ALSA": 240}
_WASAPI, _CORE_AUDIO = "Windows WASAPI", "Core Audio"

P = TypeVar("P")


def open_best(open_port: Callable[[PortSettings], P], entry: Entry, request: StreamRequest, channels: int) -> P:
    """Open a device in the first way that it accepts.

    Raises
    ------
    DeviceError
        If it refuses them all; the reason is that of the last.
    """
    *others, last = ways(entry, request, channels)
    for settings in others:
        with suppress(DeviceError):
            return open_port(settings)
    return open_port(last)


def ways(entry: Entry, request: StreamRequest, channels: int) -> list[PortSettings]:
    """Settings to be tried one after another, best first.

    At 48 kHz; at the device's own rate, to be resampled by the edge; and converted by Windows, which alone brings two channels
    to a device that is set to more (virtual surround, an array of microphones).
    """
    api = entry.info.host_api
    wanted = PortSettings(
        name=entry.info.name,
        index=entry.index,
        channels=channels,
        rate_hz=SAMPLE_RATE_HZ,
        block_frames=request.block_frames or _BLOCK_FRAMES.get(api, request.hop_frames),
        latency="low" if request.latency_s is None else request.latency_s,
        extra=host_settings(api, request.is_exclusive),
        pulse_name=entry.pulse_name,
    )
    found = [wanted]
    own_rate_hz = entry.info.default_sample_rate
    if own_rate_hz != wanted.rate_hz:
        block_frames = max(1, round(wanted.block_frames * own_rate_hz / wanted.rate_hz))
        found.append(replace(wanted, rate_hz=own_rate_hz, block_frames=block_frames))
    if api == _WASAPI and not request.is_exclusive:
        found.append(replace(wanted, extra=host_settings(api, is_exclusive=False, is_converted=True)))
    return found


def host_settings(host_api: str, is_exclusive: bool, is_converted: bool = False) -> Any:
    """What PortAudio is told for one system alone; None where there is nothing to tell.

    ALSA's own devices are opened for one program anyway, and JACK's period is the server's.

    Parameters
    ----------
    is_exclusive : bool
        WASAPI: the device belongs to this program alone. Core Audio: the device itself is set to the rate and the block
        that are asked for, and refuses those it does not have; else the system converts between them and its own.
    is_converted : bool
        WASAPI: Windows converts rate and channels. Exclusive mode cannot.
    """
    import sounddevice

    if host_api == _WASAPI:
        return sounddevice.WasapiSettings(exclusive=is_exclusive, auto_convert=is_converted)
    if host_api == _CORE_AUDIO:
        return sounddevice.CoreAudioSettings(
            change_device_parameters=is_exclusive, fail_if_conversion_required=is_exclusive
        )
    return None
