"""The engine as its clients see it.

`Engine` (in this process) and `RemoteEngine` (over the local socket) both are one; code above cannot tell them apart.
"""

from __future__ import annotations

from typing import Protocol

from engine.commands import Command
from engine.snapshot import Description, DeviceDescription, Event, Snapshot


class EngineApi(Protocol):
    """Control thread, all of it. Every method may raise `SidetoneError` with a sentence for the user."""

    def send(self, command: Command) -> None:
        """Carry out a command."""
        ...

    def snapshot(self, with_spectrum: bool = False) -> Snapshot:
        """Everything there is to show, now."""
        ...

    def events(self, after: int = 0) -> tuple[Event, ...]:
        """What happened after the event numbered `after`, oldest first; bounded, so very old ones are gone."""
        ...

    def describe(self) -> Description:
        """Stages, parameters and meters."""
        ...

    def devices(self) -> tuple[DeviceDescription, ...]:
        """The devices that can be chosen now."""
        ...
