"""What the services do, and how they are: one file each, and here all of them together. Plain frozen data.

Services run in a process of their own, at low priority, as clients of the engine. The engine keeps their settings and shows
what they last said of themselves, so a window needs to know nobody but the engine.
"""

from __future__ import annotations

import msgspec

from engine.services.canary import CanaryConfig, CanaryStatus
from engine.services.captions import CaptionsConfig, CaptionsStatus
from engine.services.keys import KeysConfig, KeysStatus
from engine.services.loopback import OverlayConfig, OverlayStatus, RemoteConfig, RemoteStatus
from engine.services.obs import ObsConfig, ObsStatus

ServiceConfig = CanaryConfig | CaptionsConfig | KeysConfig | OverlayConfig | ObsConfig | RemoteConfig


class ServicesConfig(msgspec.Struct, frozen=True, kw_only=True):
    """Settings of all services."""

    captions: CaptionsConfig = CaptionsConfig()
    overlay: OverlayConfig = OverlayConfig()
    obs: ObsConfig = ObsConfig()
    remote: RemoteConfig = RemoteConfig()
    keys: KeysConfig = KeysConfig()
    canary: CanaryConfig = CanaryConfig()

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
            case KeysConfig():
                return msgspec.structs.replace(self, keys=part)
            case CanaryConfig():
                return msgspec.structs.replace(self, canary=part)


ServiceStatus = CanaryStatus | CaptionsStatus | KeysStatus | OverlayStatus | ObsStatus | RemoteStatus


class ServicesSnapshot(msgspec.Struct, frozen=True, kw_only=True):
    """Settings, and what each service last said; None for one that does not run or has fallen silent."""

    config: ServicesConfig = ServicesConfig()
    captions: CaptionsStatus | None = None
    overlay: OverlayStatus | None = None
    obs: ObsStatus | None = None
    remote: RemoteStatus | None = None
    keys: KeysStatus | None = None
    canary: CanaryStatus | None = None
