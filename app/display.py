"""Whether a window can be shown. Asked before Qt is loaded, which ends the whole program where there is no screen."""

from __future__ import annotations

import ctypes
import os
import socket
import sys
from pathlib import Path

_BACKENDS_WITHOUT_SCREEN = ("offscreen", "minimal", "vnc", "linuxfb", "eglfs")
_ANSWER_S = 2.0


def has_display() -> bool:
    """Whether a window can be shown; waits for a display server for a moment."""
    if sys.platform in ("win32", "darwin"):
        return True
    if os.environ.get("QT_QPA_PLATFORM", "").partition(":")[0] in _BACKENDS_WITHOUT_SCREEN:
        return True
    return _wayland_answers() or _x_answers()


def _wayland_answers() -> bool:
    name = os.environ.get("WAYLAND_DISPLAY")
    if not name or sys.platform == "win32":
        return False
    with socket.socket(socket.AF_UNIX) as probe:
        probe.settimeout(_ANSWER_S)
        # A name that is a whole path stays as it is.
        return probe.connect_ex(str(Path(os.environ.get("XDG_RUNTIME_DIR", ""), name))) == 0


def _x_answers() -> bool:
    """Connect as Qt will, by the same library: a display that is named may be gone, or refuse this user."""
    if not os.environ.get("DISPLAY"):
        return False
    try:
        xcb = ctypes.CDLL("libxcb.so.1")
    except OSError:
        return False
    xcb.xcb_connect.restype = ctypes.c_void_p
    connection = ctypes.c_void_p(xcb.xcb_connect(None, None))
    is_refused = bool(xcb.xcb_connection_has_error(connection))
    xcb.xcb_disconnect(connection)
    return not is_refused
