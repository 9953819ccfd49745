"""What the services do, and how they are: captions, their overlay, OBS, remote control. Plain frozen data.

Services run in a process of their own, at low priority, as clients of the engine. The engine keeps their settings and shows
what they last said of themselves, so a window needs to know nobody but the engine.
"""

from __future__ import annotations

import msgspec


class CaptionsConfig(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """Whether and how speech is written down."""

    is_on: bool = False


class OverlayConfig(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """The page that shows captions in OBS's browser source."""

    is_on: bool = False


class ObsConfig(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """The link to OBS. Its password is in the system's keyring, never here."""

    is_on: bool = False


class RemoteConfig(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """Remote control by other programs of this machine."""

    is_on: bool = False


ServiceConfig = CaptionsConfig | OverlayConfig | ObsConfig | RemoteConfig


class ServicesConfig(msgspec.Struct, frozen=True, kw_only=True):
    """Settings of all services."""

    captions: CaptionsConfig = CaptionsConfig()
    overlay: OverlayConfig = OverlayConfig()
    obs: ObsConfig = ObsConfig()
    remote: RemoteConfig = RemoteConfig()

    def with_part(self, part: ServiceConfig) -> ServicesConfig:
        """Return a copy with one service's settings replaced."""
        match part:
            case CaptionsConfig():
                return msgspec.structs.replace(self, captions=part)
            case OverlayConfig():
                return msgspec.structs.replace(self, overlay=part)
            case ObsConfig():
                return msgspec.structs.replace(self, obs=part)
            case RemoteConfig():
                return msgspec.structs.replace(self, remote=part)


class CaptionsStatus(msgspec.Struct, frozen=True, tag=True):
    """How the captions are."""

    text: str = ""


class OverlayStatus(msgspec.Struct, frozen=True, tag=True):
    """How the overlay page is."""

    text: str = ""


class ObsStatus(msgspec.Struct, frozen=True, tag=True):
    """How the link to OBS is."""

    text: str = ""


class RemoteStatus(msgspec.Struct, frozen=True, tag=True):
    """How the remote control is."""

    text: str = ""


ServiceStatus = CaptionsStatus | OverlayStatus | ObsStatus | RemoteStatus


class ServicesSnapshot(msgspec.Struct, frozen=True, kw_only=True):
    """Settings, and what each service last said; None for one that does not run or has fallen silent."""

    config: ServicesConfig = ServicesConfig()
    captions: CaptionsStatus | None = None
    overlay: OverlayStatus | None = None
    obs: ObsStatus | None = None
    remote: RemoteStatus | None = None
