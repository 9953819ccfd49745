"""`sidetone obs`: how the link to OBS is, switching it on and off, and the password for the keyring."""

from __future__ import annotations

import argparse
import getpass
import sys
from time import monotonic, sleep

import msgspec

from app.composition import rendezvous
from app.engine_process import find_engine
from app.obs_password import ObsPassword
from app.paths import Paths
from engine import EngineApi, ObsConfig, ObsError, ObsLink, ObsStatus, SetService
from engine.remote import connect

_CONNECT_S = 8.0
_LOOK_INTERVAL_S = 0.1


def run(command: argparse.Namespace, paths: Paths) -> int:
    """Carry out one action."""
    if command.action == "password":
        _change_password(command.change, paths)
        return 0
    engine = connect(rendezvous(paths))
    match command.action:
        case "status":
            _show(_status(engine), command.json)
        case "connect":
            config = _config(engine)
            port = command.port if command.port is not None else config.port
            engine.send(SetService(msgspec.structs.replace(config, is_on=True, port=port)))
            _show(_await_link(engine), command.json)
        case "disconnect":
            engine.send(SetService(msgspec.structs.replace(_config(engine), is_on=False)))
    return 0


def _change_password(change: str, paths: Paths) -> None:
    password = ""
    if change == "set":
        # From a pipe too, so that another program may set it; never from the arguments, which everybody can read.
        asked = getpass.getpass("Password of obs-websocket: ") if sys.stdin.isatty() else sys.stdin.readline()
        password = asked.strip("\r\n")
        if not password:
            raise ObsError("an empty password is none; `sidetone obs password forget` takes it out of the keyring")
    ObsPassword().write(password)
    engine = find_engine(rendezvous(paths))
    if engine is None:
        return
    config = _config(engine)
    engine.send(SetService(msgspec.structs.replace(config, password_changes=config.password_changes + 1)))


def _await_link(engine: EngineApi) -> ObsStatus:
    """How the link is once it stands.

    Raises
    ------
    ObsError
        If it does not come to stand in a while; it is tried on.
    """
    give_up_at_s = monotonic() + _CONNECT_S
    while (status := _status(engine)).link is not ObsLink.CONNECTED:
        if monotonic() > give_up_at_s:
            raise ObsError(status.text or "the services have not answered yet; try `sidetone obs status`")
        sleep(_LOOK_INTERVAL_S)
    return status


def _show(status: ObsStatus, as_json: bool) -> None:
    if as_json:
        print(msgspec.json.format(msgspec.json.encode(status), indent=2).decode())
        return
    outputs = status.outputs
    print(f"link: {status.link}{f' (OBS {status.version})' if status.version else ''}")
    if status.text:
        print(status.text)
    if status.link is not ObsLink.CONNECTED:
        return
    for entry in status.inputs:
        print(f"input: {entry.name}, sync offset {entry.offset_ms} ms")
    if status.render_delay_ms:
        print(f"picture delayed by {status.render_delay_ms} ms")
    print(f"scene: {status.scene}")
    stream = (
        f"on, {outputs.dropped_frames} of {outputs.stream_frames} frames dropped" if outputs.is_streaming else "off"
    )
    print(f"stream: {stream}")
    print(f"recording: {'paused' if outputs.is_paused else 'on' if outputs.is_recording else 'off'}")
    if status.captions:
        print(f"captions: {status.captions}")


def _config(engine: EngineApi) -> ObsConfig:
    return engine.snapshot().services.config.obs


def _status(engine: EngineApi) -> ObsStatus:
    return engine.snapshot().services.obs or ObsStatus()
