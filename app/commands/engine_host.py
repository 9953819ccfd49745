"""The engine's process, started by a face and living on without it: `sidetone engine-host`."""

from __future__ import annotations

import argparse
import logging
import signal
from contextlib import ExitStack, suppress

import msgspec

from app.composition import make_engine, rendezvous
from app.demo import with_demo_microphone
from app.engine_process import prepare_engine_process
from app.paths import Paths
from app.services.keeper import ServicesKeeper, launch_services
from engine import EngineConfig, SidetoneError, Start
from engine.host import EngineHost

_LOOK_INTERVAL_S = 1.0
_log = logging.getLogger("sidetone.engine")


def run(command: argparse.Namespace, paths: Paths) -> int:
    """Serve an engine until it is told to shut down."""
    with ExitStack() as clean_up:
        engine = make_engine(paths)
        clean_up.callback(engine.close)
        for name in ("SIGTERM", "SIGHUP"):
            if (number := getattr(signal, name, None)) is not None:
                signal.signal(number, lambda *_: engine.shutdown_requested.set())
        # Ctrl-C in a terminal is meant for the face.
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        prepare_engine_process()
        host = EngineHost(engine, rendezvous(paths), ends_with_face=True)
        host.start()
        clean_up.callback(host.close)
        services = ServicesKeeper(lambda: launch_services(host.address))
        services.start()
        clean_up.callback(services.close)
        if command.config:
            # A device that is not there is the face's to show, not a reason to end.
            with suppress(SidetoneError):
                config = msgspec.json.decode(command.config, type=EngineConfig)
                devices = with_demo_microphone(config.devices, engine, paths)
                chain = engine.controls.known(config.chain)
                engine.send(Start(msgspec.structs.replace(config, devices=devices, chain=chain)))
        # A later engine that took this one's place, or that two windows started at once, makes this one nobody's.
        while not engine.shutdown_requested.wait(_LOOK_INTERVAL_S) and host.is_found():
            pass
        _log.info("shutting down")
    return 0
