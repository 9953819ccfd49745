"""Which device a person means, and one clear sentence when there is none like it.

Pure choice over `DeviceInfo`; nothing here opens or waits.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum

from engine.errors import DeviceChoiceError, DeviceError
from engine.io.backend import DeviceInfo

# Windows lists each card once per system; these are the older ones, with names cut off or more delay.
_SUPERSEDED_BY_WASAPI = frozenset({"MME", "Windows DirectSound", "Windows WDM-KS"})


class Direction(StrEnum):
    """Which way a device is used, in words for a person."""

    INPUT = "microphone"
    OUTPUT = "output"
    MONITOR = "monitor output"
    MUSIC = "second input"


def find_device(devices: Sequence[DeviceInfo], wanted: str | None, direction: Direction) -> DeviceInfo:
    """Return the device that `wanted` names.

    Parameters
    ----------
    wanted : str or None
        An id, a name, or a part of one, in any case; None for the system's default.

    Raises
    ------
    engine.errors.DeviceError
        If there is none, or a part of a name fits several; the sentence lists what there is.
    """
    fitting = [device for device in devices if _goes(device, direction)]
    if not fitting:
        raise DeviceError(f"There is no {direction}; connect one, or try the program with --input simulated:FILE.wav.")
    if wanted is None:
        return next((device for device in fitting if _is_default(device, direction)), fitting[0])
    key = wanted.casefold()
    for names in (
        [device for device in fitting if device.id == wanted],
        [device for device in fitting if device.name.casefold() == key],
        [device for device in fitting if key in device.name.casefold() or key in device.id.casefold()],
    ):
        if len({device.name for device in names}) == 1:
            return names[0]
        if names:
            listed = ", ".join(device.name for device in names)
            raise DeviceChoiceError(f"{wanted!r} fits more than one {direction}: {listed}; give more of the name.")
    listed = ", ".join(device.name for device in fitting)
    raise DeviceError(f"There is no {direction} named {wanted!r}; choose one of: {listed}.")


def without_duplicates(devices: Sequence[DeviceInfo]) -> tuple[DeviceInfo, ...]:
    """Leave out what is listed better by another host API."""
    has_wasapi = any(device.host_api == "Windows WASAPI" for device in devices)
    return tuple(device for device in devices if not (has_wasapi and device.host_api in _SUPERSEDED_BY_WASAPI))


def _goes(device: DeviceInfo, direction: Direction) -> bool:
    match direction:
        case Direction.INPUT:
            return device.max_input_channels > 0 and not device.is_monitor
        case Direction.MUSIC:
            return device.max_input_channels > 0
        case _:
            return device.max_output_channels > 0


def _is_default(device: DeviceInfo, direction: Direction) -> bool:
    return device.is_default_input if direction is Direction.INPUT else device.is_default_output
