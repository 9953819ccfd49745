"""Where a room wizard is, as whoever shows it sees it. Plain frozen data; knows no window."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from app.room_picture import RoomPicture
from app.rooms import DevicePair
from engine.measure.profile import Way
from engine.measure.talk import CARDIOID, OMNI

__all__ = ["CARDIOID", "OMNI", "Beside", "RoomState", "Step", "Way"]


class Step(StrEnum):
    """Where a wizard is."""

    CHOOSING = "choosing"
    LEARNING = "learning"
    REFUSED = "refused"
    LEARNT = "learnt"


@dataclass(frozen=True, slots=True)
class Beside:
    """A kept profile to compare with: its name, what it looks like, and how it differs, in words."""

    name: str
    picture: RoomPicture
    words: str


@dataclass(frozen=True, slots=True)
class RoomState:
    """How it is going.

    Attributes
    ----------
    names : tuple of str
        The profiles there are.
    devices : mapping
        With which devices each of them was learnt.
    phase, progress, level_dbfs
        Of the take that runs; see `TakeStatus`.
    problem : str
        Why the last wish was not carried out, in words for the user; else empty.
    picture : RoomPicture or None
        Of the profile that was learnt or opened.
    kept : str
        Name under which that profile is kept; empty while it is not.
    beside : Beside or None
        Another one, shown beside it.
    """

    step: Step = Step.CHOOSING
    names: tuple[str, ...] = ()
    devices: Mapping[str, DevicePair] = field(default_factory=dict)
    phase: str = ""
    progress: float = 0.0
    level_dbfs: float = -120.0
    problem: str = ""
    picture: RoomPicture | None = None
    kept: str = ""
    beside: Beside | None = None
