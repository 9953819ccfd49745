"""What a client may send to the engine's process, commands and questions, and what it gets back. Plain frozen data."""

from __future__ import annotations

import msgspec

from engine.commands import Command
from engine.description import Description, DeviceDescription, PresetDescription
from engine.snapshot import Event, Snapshot, TapChunk, TapPoint


class GetSnapshot(msgspec.Struct, frozen=True, tag=True):
    """Ask for a `Snapshot`; spectrum and loudness of the session are computed only when asked for."""

    with_spectrum: bool = False
    with_session: bool = False


class GetEvents(msgspec.Struct, frozen=True, tag=True):
    """Ask for the events after sequence number `after`."""

    after: int = 0


class GetDescription(msgspec.Struct, frozen=True, tag=True):
    """Ask for the `Description`."""


class GetDevices(msgspec.Struct, frozen=True, tag=True):
    """Ask which devices there are."""


class GetTap(msgspec.Struct, frozen=True, tag=True):
    """Ask for the sound at a point since frame `after_frame` of live run `run`; a run that is over begins anew."""

    point: TapPoint
    run: int = -1
    after_frame: int = 0


class GetPreset(msgspec.Struct, frozen=True, tag=True):
    """Ask what a preset says, and what loading it would change."""

    name: str


class Attend(msgspec.Struct, frozen=True, tag=True):
    """Say that a window, `face`, has the engine in use for as long as this connection stands."""

    face: str


class Leave(msgspec.Struct, frozen=True, tag=True):
    """Say that the window `face` is closed: an engine that a window started ends with the last of them."""

    face: str


Request = Command | GetSnapshot | GetEvents | GetDescription | GetDevices | GetTap | GetPreset | Attend | Leave


class Done(msgspec.Struct, frozen=True, tag=True):
    """The command was carried out."""


class Failed(msgspec.Struct, frozen=True, tag=True):
    """The request could not be met; `message` is the sentence for the user."""

    error: str
    message: str


class SnapshotReply(msgspec.Struct, frozen=True, tag=True):
    """Answer to `GetSnapshot`."""

    snapshot: Snapshot


class EventsReply(msgspec.Struct, frozen=True, tag=True):
    """Answer to `GetEvents`."""

    events: tuple[Event, ...]


class DescriptionReply(msgspec.Struct, frozen=True, tag=True):
    """Answer to `GetDescription`."""

    description: Description


class DevicesReply(msgspec.Struct, frozen=True, tag=True):
    """Answer to `GetDevices`."""

    devices: tuple[DeviceDescription, ...]


class TapReply(msgspec.Struct, frozen=True, tag=True):
    """Answer to `GetTap`; None while there is no live run."""

    chunk: TapChunk | None


class PresetReply(msgspec.Struct, frozen=True, tag=True):
    """Answer to `GetPreset`."""

    preset: PresetDescription


class Farewell(msgspec.Struct, frozen=True, tag=True):
    """Answer to `Leave`: whether the engine ends now."""

    is_end: bool


Reply = (
    Done | Failed | SnapshotReply | EventsReply | DescriptionReply | DevicesReply | TapReply | PresetReply | Farewell
)
