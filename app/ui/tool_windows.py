"""The windows that tools have opened beside the main one. GUI thread; nothing waits."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from app.ui.tool_panel import ToolWindow
from engine import Snapshot


class ToolWindows:
    """One of each kind at most.

    Parameters
    ----------
    on_change : callable
        Called when one was opened or closed.
    """

    def __init__(self, on_change: Callable[[], None]) -> None:
        self._on_change = on_change
        self._open: dict[type[ToolWindow], ToolWindow] = {}

    def __iter__(self) -> Iterator[ToolWindow]:
        """Those that are open."""
        return iter(tuple(self._open.values()))

    def __len__(self) -> int:
        """How many are open."""
        return len(self._open)

    def open(self, kind: type[ToolWindow], snapshot: Snapshot | None) -> None:
        """Open a window; if it is open, put it in front."""
        window = self._open.get(kind)
        if window is None:
            window = self._open[kind] = kind()
            window.closed.connect(lambda: self._forget(kind))
            if snapshot is not None:
                window.show_snapshot(snapshot)
        window.show()
        window.activateWindow()
        self._on_change()

    def show_snapshot(self, snapshot: Snapshot) -> None:
        """Let all of them follow."""
        for window in self:
            window.show_snapshot(snapshot)

    def close(self) -> None:
        """Close them all."""
        for window in self:
            window.close()

    def _forget(self, kind: type[ToolWindow]) -> None:
        window = self._open.pop(kind, None)
        if window is not None:
            window.deleteLater()
            self._on_change()
