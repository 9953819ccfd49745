"""Keeps a process that works for hours as small as it was, whatever it once needed for a moment."""

from __future__ import annotations

import ctypes
import sys
from contextlib import suppress

_M_MMAP_THRESHOLD = -3
"""Number of the setting in the GNU C library (malloc.h)."""

_LARGE_BYTES = 1 << 20


def give_back_large_memory() -> None:
    """Let pieces of memory of 1 MiB and more go back to the system as soon as they are free. Before anything large is made.

    The GNU C library does so too, but raises its limit to the largest piece that was ever freed; from then on such pieces come
    out of a heap that only grows, as smaller ones that live longer lie between them. A model that reads speech of all lengths
    asks for pieces of all sizes. Other systems' allocators keep to fixed limits of their own.
    """
    if sys.platform == "linux":
        # Another C library than GNU's has no such call, and no such limit.
        with suppress(AttributeError, OSError):
            ctypes.CDLL(None).mallopt(_M_MMAP_THRESHOLD, _LARGE_BYTES)
