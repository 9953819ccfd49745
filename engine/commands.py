"""What goes down to the engine: commands, and the questions a client may ask. Plain frozen data, one tagged union.

Every change of sound, whatever its source, is one of these and passes through `Controls`.
"""

from __future__ import annotations

import msgspec

from engine.config import ChainConfig, EngineConfig, RoomConfig
from engine.core.params import Value
from engine.services import ServiceConfig, ServiceStatus
from engine.snapshot import Description, DeviceDescription, Event, Snapshot, TapChunk, TapPoint


class SetParam(msgspec.Struct, frozen=True, tag=True):
    """Set one parameter (`stage.field`); the value is clamped to its range."""

    id: str
    value: Value


class SetBypass(msgspec.Struct, frozen=True, tag=True):
    """Take a stage out of the sound or put it back, without a click."""

    stage: str
    is_bypassed: bool


class ApplyChain(msgspec.Struct, frozen=True, tag=True):
    """Set several parameters and bypasses at one block boundary, as a preset does; the rest stays as it is."""

    chain: ChainConfig


class Start(msgspec.Struct, frozen=True, tag=True):
    """Open the devices and run; if the engine runs already, change over to this configuration."""

    config: EngineConfig


class Stop(msgspec.Struct, frozen=True, tag=True):
    """Close the devices; settings stay."""


class ResetMeters(msgspec.Struct, frozen=True, tag=True):
    """Begin the integrated loudness, the true peak and the latency figures anew."""


class ReportLatency(msgspec.Struct, frozen=True, tag=True):
    """A device-to-device latency that the services process measured; None: it cannot be measured, `reason` says why."""

    latency_ms: float | None
    reason: str = ""


class SetService(msgspec.Struct, frozen=True, tag=True):
    """Give one service other settings."""

    config: ServiceConfig


class ReportService(msgspec.Struct, frozen=True, tag=True):
    """What a service says of itself; each does so at least once a second."""

    status: ServiceStatus


class ReportFault(msgspec.Struct, frozen=True, tag=True):
    """A service failed and is started again; `reason` is for the user."""

    service: str
    reason: str


class SetRoom(msgspec.Struct, frozen=True, tag=True):
    """Correct another room, or other headphones; a profile that cannot be used is refused and changes nothing."""

    config: RoomConfig


class Shutdown(msgspec.Struct, frozen=True, tag=True):
    """End the engine process."""


Command = (
    SetParam
    | SetBypass
    | ApplyChain
    | Start
    | Stop
    | ResetMeters
    | ReportLatency
    | SetService
    | ReportService
    | ReportFault
    | SetRoom
    | Shutdown
)


class GetSnapshot(msgspec.Struct, frozen=True, tag=True):
    """Ask for a `Snapshot`; the spectrum is computed only when asked for."""

    with_spectrum: bool = False


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


Request = Command | GetSnapshot | GetEvents | GetDescription | GetDevices | GetTap


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


Reply = Done | Failed | SnapshotReply | EventsReply | DescriptionReply | DevicesReply | TapReply
