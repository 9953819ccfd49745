"""Keeping what C libraries print away from the user's terminal.

ALSA and JACK write to the process's stderr whatever they tried in vain; none of it is for a user. Control thread.
"""

from __future__ import annotations

import ctypes
import os
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache

_one_at_a_time = threading.RLock()
"""The stderr belongs to the whole process: two threads that put it back in turn would lose it."""


@contextmanager
def quiet_stderr() -> Iterator[None]:
    """Send the process's stderr nowhere for a short while; what Python prints there meanwhile is lost too."""
    if sys.platform == "win32":
        yield
        return
    with _one_at_a_time, _to_nowhere():
        yield


@contextmanager
def _to_nowhere() -> Iterator[None]:
    try:
        sys.stderr.flush()
        kept = os.dup(2)
    except (OSError, AttributeError):
        yield
        return
    nowhere = os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(nowhere, 2)
        yield
    finally:
        os.dup2(kept, 2)
        os.close(nowhere)
        os.close(kept)


@cache
def silence_alsa() -> None:
    """Let ALSA report to nobody from now on: its streams would print every underrun to the user's terminal."""
    if sys.platform != "linux":
        return
    try:
        alsa, libc = ctypes.CDLL("libasound.so.2"), ctypes.CDLL(None)
    except OSError:
        return
    # Called on ALSA's own threads, so it must be C and must not need the interpreter: `getppid` takes no arguments,
    # ignores those it is given, and changes nothing.
    alsa.snd_lib_error_set_handler(ctypes.cast(libc.getppid, ctypes.c_void_p))
