"""The services process of an engine, at low priority: `sidetone services-host`."""

from __future__ import annotations

import argparse
import os
import sys
import threading
from contextlib import suppress

from app.composition import make_services, rendezvous
from app.paths import Paths
from app.services.memory import give_back_large_memory
from app.services.runner import ServiceRunner
from engine.realtime import lower_process_priority
from engine.remote import RemoteEngine
from engine.rendezvous import EngineAddress


def run(command: argparse.Namespace, paths: Paths) -> int:
    """Serve the engine at the given address until it or its end of the pipe is gone."""
    lower_process_priority()
    give_back_large_memory()
    is_over = threading.Event()
    threading.Thread(target=_await_end_of_input, args=(is_over,), daemon=True).start()
    found = EngineAddress(command.engine, os.getppid())
    authkey = rendezvous(paths).authkey()
    runner = ServiceRunner(make_services(paths), lambda: RemoteEngine(found, authkey), is_over)
    runner.start()
    is_over.wait()
    runner.close()
    return 0


def _await_end_of_input(is_over: threading.Event) -> None:
    # The engine holds the other end: when it dies, however it dies, this reads to the end.
    with suppress(OSError, ValueError):
        sys.stdin.buffer.read()
    is_over.set()
