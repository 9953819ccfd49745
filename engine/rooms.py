"""Which room is corrected in the voice, and which headphones on the monitor bus. Control thread; reading a profile waits."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from engine.config import RoomConfig
from engine.core.stage import Stage
from engine.dsp.correction import Room
from engine.errors import RoomError
from engine.monitor import MonitorBus
from engine.snapshot import RoomSnapshot
from engine.stages.dereverb import Dereverb
from engine.stages.room_correction import RoomCorrection

LoadRoom = Callable[[str], Room]
"""Reads a profile by its name; raises `RoomError` with a sentence if it cannot."""


def no_profiles(name: str) -> Room:
    """Where an engine has no folder of profiles."""
    raise RoomError(f"there is no room profile {name!r} here")


class Rooms:
    """Reads profiles by name and hands them to whom they concern.

    Parameters
    ----------
    stages : iterable of Stage
        Those of the chain; those among them that work on the room are told.
    monitor : MonitorBus
    load : callable
        Where profiles come from.
    """

    def __init__(self, stages: Iterable[Stage[Any]], monitor: MonitorBus, load: LoadRoom) -> None:
        stages = tuple(stages)
        self._corrections = tuple(stage for stage in stages if isinstance(stage, RoomCorrection))
        self._dereverbs = tuple(stage for stage in stages if isinstance(stage, Dereverb))
        self._monitor = monitor
        self._load = load
        self._chosen = RoomSnapshot()

    def choose(self, config: RoomConfig) -> Room | None:
        """Correct other profiles, and return that of the voice.

        Raises
        ------
        RoomError
            If one of them cannot be used; then nothing is changed.
        """
        room, headphones = self._find(config.profile), self._find(config.monitor)
        self._correct(room, headphones)
        self._chosen = RoomSnapshot(config)
        return room

    def restore(self, config: RoomConfig) -> str:
        """Go back to what was chosen before, as far as it can be read; what cannot be is not corrected.

        Returns
        -------
        str
            What is wrong, for the user; empty if nothing is.
        """
        problems = []
        found: list[Room | None] = []
        for name in (config.profile, config.monitor):
            try:
                found.append(self._find(name))
            except RoomError as error:
                problems.append(str(error))
                found.append(None)
        self._correct(*found)
        self._chosen = RoomSnapshot(config, "; ".join(problems))
        return self._chosen.problem

    def tend(self) -> None:
        """Let the monitor bus design what was chosen; the chain's stages are looked after by the chain."""
        self._monitor.tend()

    def snapshot(self) -> RoomSnapshot:
        """What is chosen, and what is wrong with it."""
        return self._chosen

    def _find(self, name: str) -> Room | None:
        return self._load(name) if name else None

    def _correct(self, room: Room | None, headphones: Room | None) -> None:
        for correction in self._corrections:
            correction.correct(room)
        for dereverb in self._dereverbs:
            dereverb.listen_in(room)
        self._monitor.correct(headphones)
