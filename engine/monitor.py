"""The monitor bus on its way to the headphones: corrected, if a profile of them was chosen, and never later than before."""

from __future__ import annotations

from engine.core.stage import Block, Context, StreamFormat
from engine.dsp.correction import Room
from engine.stages.room_correction import RoomCorrection, RoomCorrectionParams

_PARAMS = RoomCorrectionParams(low_hz=20.0, high_hz=20_000.0)
"""Headphones are measured over the whole range, and are to be flat over all of it."""


class MonitorBus:
    """A room correction of its own for what the performer hears."""

    def __init__(self) -> None:
        self._correction = RoomCorrection()
        self._context: Context[RoomCorrectionParams] = Context(_PARAMS, len(RoomCorrection.meters))

    def correct(self, headphones: Room | None) -> None:
        """Choose what is corrected; None for nothing. Heard after the next `tend` or `prepare`. Control thread."""
        self._correction.correct(headphones)

    def prepare(self, fmt: StreamFormat) -> None:
        """Allocate, and design the first filter. Control thread."""
        self._correction.expect(_PARAMS)
        self._correction.prepare(fmt)

    def tend(self) -> None:
        """Design another filter if other headphones were chosen. Control thread, while the sound goes on."""
        self._correction.tend()

    def process(self, block: Block) -> None:
        """Correct `block`, shape (channels, frames), in place. Audio thread."""
        self._correction.process(block, self._context)
