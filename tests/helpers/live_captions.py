"""The running program with somebody who speaks in the place of the microphone, and a look at what it writes down."""

from __future__ import annotations

import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import soundfile
from numpy.typing import NDArray

from engine import CaptionsStatus, ConnectionLostError
from engine.remote import RemoteEngine, connect
from engine.rendezvous import Rendezvous
from tests.helpers.processes import finish, started

PATIENCE_S = 90.0


@contextmanager
def speaking_program(
    folder: Path, sound: NDArray[np.float32], rate_hz: int, *arguments: str, is_looped: bool = False
) -> Iterator[RemoteEngine]:
    """`sidetone headless` that hears `sound`, shape (frames,), and whose settings and runtime are in `folder`."""
    speech = folder / "speech.wav"
    soundfile.write(speech, sound, rate_hz)
    env = {"SIDETONE_RUNTIME_DIR": str(folder / "run"), "SIDETONE_CONFIG_DIR": str(folder / "config")}
    source = f"simulated:{'loop:' if is_looped else ''}{speech}"
    with started("headless", "--input", source, "--output", "simulated:out", *arguments, env=env) as process:
        yield _connected(folder / "run")
        if process.poll() is None:
            finish(process, signal.SIGINT)


def _connected(runtime: Path) -> RemoteEngine:
    end_s = time.monotonic() + PATIENCE_S
    while True:
        try:
            return connect(Rendezvous(runtime))
        except ConnectionLostError:
            if time.monotonic() > end_s:
                raise
            time.sleep(0.1)


def await_captions(
    engine: RemoteEngine, is_so: Callable[[CaptionsStatus], bool], patience_s: float = PATIENCE_S
) -> CaptionsStatus:
    """The first status of the captions of which `is_so` holds.

    Raises
    ------
    AssertionError
        If there is none in time.
    """
    end_s = time.monotonic() + patience_s
    status = None
    while time.monotonic() < end_s:
        status = engine.snapshot().services.captions
        if status is not None and is_so(status):
            return status
        time.sleep(0.02)
    raise AssertionError(f"captions did not come to that in {patience_s:.0f} s; they are {status}")


def services_process(engine: RemoteEngine) -> int:
    """The id of the services process of this engine."""
    found = subprocess.run(["ps", "-ww", "-eo", "pid,args"], capture_output=True, text=True, check=True).stdout
    (line,) = [line for line in found.splitlines() if "services-host" in line and engine.found.address in line]
    return int(line.split()[0])
