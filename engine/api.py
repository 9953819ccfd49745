"""The engine as its clients see it.

`Engine` (in this process) and `RemoteEngine` (over the local socket) both are one; code above cannot tell them apart.
"""

from __future__ import annotations

from typing import Protocol

from engine.commands import Command
from engine.description import Description, DeviceDescription, PresetDescription
from engine.snapshot import Event, Snapshot, TapChunk, TapPoint


class EngineApi(Protocol):
    """Control thread, all of it. Every method may raise `SidetoneError` with a sentence for the user."""

    def send(self, command: Command) -> None:
        """Carry out a command."""
        ...

    def snapshot(self, with_spectrum: bool = False, with_session: bool = False) -> Snapshot:
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

    def tap(self, point: TapPoint, run: int = -1, after_frame: int = 0) -> TapChunk | None:
        """The sound at `point` since `after_frame` of live run `run`; None while there is none.

        The last ten seconds are kept. Of another run than `run`, nothing but its present frame is told, so that a
        listener begins with what is heard now.
        """
        ...

    def preset(self, name: str) -> PresetDescription:
        """What a preset says, and what loading it would change now."""
        ...
