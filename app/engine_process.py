"""What makes a process fit to carry the engine, and how a face finds or starts such a process."""

from __future__ import annotations

import gc
import subprocess
import sys
from time import monotonic, sleep

from engine import ConnectionLostError
from engine.realtime import raise_process_priority
from engine.remote import RemoteEngine, connect
from engine.rendezvous import Rendezvous

_GIL_SWITCH_INTERVAL_S = 0.0005
_APPEARS_S = 20.0
_LOOK_INTERVAL_S = 0.02


def prepare_engine_process() -> None:
    """Keep Python's own pauses out of the sound: no garbage collection, and the GIL handed over quickly.

    By default a thread that wants the GIL waits 5 ms before it asks for it; half a hop.
    """
    raise_process_priority()
    sys.setswitchinterval(_GIL_SWITCH_INTERVAL_S)
    gc.collect()
    gc.freeze()
    gc.disable()


def program(*arguments: str) -> list[str]:
    """Command that runs this program, in a checkout or frozen."""
    if getattr(sys, "frozen", False):
        return [sys.executable, *arguments]
    return [sys.executable, "-P", "-m", "app", *arguments]


def launch_engine(config_json: str) -> subprocess.Popen[bytes]:
    """Start an engine process that outlives this one.

    Parameters
    ----------
    config_json : str
        `EngineConfig` with which it starts by itself; empty to wait for a command.
    """
    return start_hidden(program("engine-host", "--config", config_json), subprocess.DEVNULL)


def start_hidden(command: list[str], standard_input: int) -> subprocess.Popen[bytes]:
    """Start a process that shares neither this one's terminal and its Ctrl-C, nor its death."""
    if sys.platform == "win32":
        flags = subprocess.CREATE_NEW_PROCESS_GROUP | subprocess.CREATE_NO_WINDOW
        return subprocess.Popen(
            command,
            creationflags=flags,
            stdin=standard_input,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
    return subprocess.Popen(
        command,
        start_new_session=True,
        stdin=standard_input,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )


def find_engine(meeting_point: Rendezvous) -> RemoteEngine | None:
    """The engine that runs now, or None."""
    try:
        return connect(meeting_point)
    except ConnectionLostError:
        return None


def await_engine(meeting_point: Rendezvous, process: subprocess.Popen[bytes]) -> RemoteEngine:
    """Wait for the engine that was just launched.

    Raises
    ------
    ConnectionLostError
        If it ended or did not answer in time.
    """
    give_up_at_s = monotonic() + _APPEARS_S
    while monotonic() < give_up_at_s:
        # Not asked for by its process id: on Windows, Python in a virtual environment starts a process of its own.
        if (engine := find_engine(meeting_point)) is not None:
            return engine
        if process.poll() is not None:
            raise ConnectionLostError(
                f"the engine ended at once (code {process.returncode}); `sidetone doctor` tells why"
            )
        sleep(_LOOK_INTERVAL_S)
    raise ConnectionLostError(f"the engine did not answer within {_APPEARS_S:.0f} s; `sidetone doctor` may tell why")
