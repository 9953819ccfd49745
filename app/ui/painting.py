"""A painter that always ends, even where painting fails: Qt crashes on one that is left open. GUI thread; nothing waits."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from PySide6.QtGui import QPaintDevice, QPainter


@contextmanager
def painting(device: QPaintDevice, is_smooth: bool = False) -> Iterator[QPainter]:
    """Paint on `device`; `is_smooth` asks for antialiasing."""
    painter = QPainter(device)
    try:
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, is_smooth)
        yield painter
    finally:
        painter.end()
