"""Windows' sound interfaces, from any thread. Control thread; elsewhere there is nothing to do.

They are COM objects, and a thread that has not joined COM may not open a device (CO_E_NOTINITIALIZED); PortAudio joins it on
the one thread that lists the devices. Here devices are opened by whichever thread carries out a command, and by the one that
puts another device in the place of one that is gone.

Source: Microsoft, "CoIncrementMTAUsage": threads that have joined no apartment belong to the process's own one.
"""

from __future__ import annotations

import ctypes
import sys
from contextlib import suppress
from functools import cache


@cache
def let_in_all_threads() -> None:
    """Let every thread of this process use COM, for as long as it lives."""
    if sys.platform != "win32":
        return
    cookie = ctypes.c_void_p()
    # Without it PortAudio says itself what it lacks.
    with suppress(OSError, AttributeError):
        ctypes.WinDLL("ole32").CoIncrementMTAUsage(ctypes.byref(cookie))
