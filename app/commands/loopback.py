"""What `sidetone remote` and `sidetone overlay` have in common: on, off, address, renew."""

from __future__ import annotations

from time import monotonic, sleep

import msgspec

from app.loopback_address import LoopbackAddress
from engine import EngineApi, OverlayConfig, OverlayStatus, RemoteConfig, RemoteStatus, SetService, SidetoneError

_PATIENCE_S = 10.0
_LOOK_INTERVAL_S = 0.1


def switch(engine: EngineApi, part: type[OverlayConfig | RemoteConfig], is_on: bool) -> None:
    """Switch a service on or off and wait until it is.

    Raises
    ------
    SidetoneError
        If it does not come to be; the message is what the service itself says, if it says anything.
    """
    engine.send(SetService(msgspec.structs.replace(_config(engine, part), is_on=is_on)))
    give_up_at_s = monotonic() + _PATIENCE_S
    while (status := _status(engine, part)) is None or (status.port is not None) is not is_on:
        if monotonic() > give_up_at_s:
            raise SidetoneError((status.text if status else "") or "the services do not answer; start Sidetone again")
        sleep(_LOOK_INTERVAL_S)


def show_address(engine: EngineApi, part: type[OverlayConfig | RemoteConfig], address: LoopbackAddress) -> None:
    """Print the whole address.

    Raises
    ------
    SidetoneError
        If there is none at the moment.
    """
    status = _status(engine, part)
    if status is None or status.port is None:
        raise SidetoneError((status.text if status else "") or "it is switched off; switch it on first")
    print(address.whole(status.port))


def _config(engine: EngineApi, part: type[OverlayConfig | RemoteConfig]) -> OverlayConfig | RemoteConfig:
    config = engine.snapshot().services.config
    return config.overlay if part is OverlayConfig else config.remote


def _status(engine: EngineApi, part: type[OverlayConfig | RemoteConfig]) -> OverlayStatus | RemoteStatus | None:
    services = engine.snapshot().services
    return services.overlay if part is OverlayConfig else services.remote
