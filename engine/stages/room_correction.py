"""Room correction: takes the colour of a small room, a desk or a microphone out of the voice, without a delay.

What the room does was measured or learnt before (engine/measure) and is handed to the stage as a `Room`. The filter is
designed on the control thread, in `prepare` and in `tend`, and cross-faded with the one before it by the convolver. Without
a room the sound passes through.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Self

from engine.core.params import Params, choice, param
from engine.core.stage import Block, Context, MeterSpec, Stage, StreamFormat
from engine.dsp.convolver import Convolver, PartitionedFilter
from engine.dsp.correction import FILTER, FLAT, FORMS, TARGETS, Limits, Room, correction_taps
from engine.dsp.curve import GRID_HZ
from engine.dsp.minimum_phase import response_db


@dataclass(frozen=True)
class RoomCorrectionParams(Params):
    """How far the correction goes, and where to."""

    strength: float = param(
        100.0, lo=0.0, hi=100.0, step=1.0, unit="%", label="Strength", main=True,
        help="Share of what the measurement asks for; 0 % leaves the sound as it is.",
    )  # fmt: skip
    target: str = choice(
        FLAT, TARGETS, label="Target", main=True,
        help="Flat as at the mouth, warm with fuller lows, broadcast with more presence, or a curve of your own.",
    )  # fmt: skip
    boost_db: float = param(
        6.0, lo=0.0, hi=12.0, unit="dB", label="Most boost", help="No frequency is raised by more than this."
    )
    low_hz: float = param(
        80.0, lo=20.0, hi=500.0, step=1.0, unit="Hz", label="From", log=True, help="Below this nothing is changed."
    )
    high_hz: float = param(
        12_000.0, lo=2000.0, hi=20_000.0, step=100.0, unit="Hz", label="To", log=True,
        help="Above this nothing is changed.",
    )  # fmt: skip
    form: str = choice(
        FILTER, FORMS, label="Form", help="A filter as fine as the measurement, or ten equalizer bands at most."
    )


class RoomCorrection(Stage[RoomCorrectionParams]):
    """A minimum-phase filter towards a target; all channels alike.

    Parameters
    ----------
    room : Room or None
        What is corrected; see `correct`.
    """

    id: ClassVar[str] = "room_correction"
    label: ClassVar[str] = "Room correction"
    params_type: ClassVar[type[Params]] = RoomCorrectionParams
    meters: ClassVar[tuple[MeterSpec, ...]] = (
        MeterSpec("boost_db", "Most boost", "dB", 0.0, 12.0),
        MeterSpec("cut_db", "Most cut", "dB", 0.0, 24.0),
    )
    help: ClassVar[str] = (
        "Takes the sound of the room and the microphone out of the voice, once it has learnt them: `sidetone room`."
    )

    def __init__(self, room: Room | None = None) -> None:
        self._room = room
        self._params = RoomCorrectionParams()
        self._designed_for: tuple[Room | None, RoomCorrectionParams] | None = None
        self._most_boost_db = self._most_cut_db = 0.0

    def successor(self) -> Self:
        """Make another that corrects the same room. Control thread."""
        return type(self)(self._room)

    def correct(self, room: Room | None) -> None:
        """Choose what is corrected; None for nothing. Heard after the next `tend` or `prepare`. Control thread."""
        self._room = room

    def expect(self, params: RoomCorrectionParams) -> None:
        """Learn what to design for. Control thread."""
        self._params = params

    def prepare(self, fmt: StreamFormat) -> None:
        """Allocate, and design the first filter. Control thread."""
        self._sample_rate = fmt.sample_rate
        self._convolver = Convolver(fmt.channels)
        self._designed_for = None
        self.tend()
        self.reset()

    def tend(self) -> None:
        """Design another filter if the room or the parameters have changed, and hand it over. Control thread."""
        wanted = (self._room, self._params)
        if self._designed_for is not None and all(a is b for a, b in zip(self._designed_for, wanted, strict=True)):
            return
        self._convolver.hand_over(self._design(*wanted))
        self._designed_for = wanted

    def process(self, block: Block, ctx: Context[RoomCorrectionParams]) -> None:
        """Filter in place. Audio thread."""
        self._params = ctx.params
        self._convolver.process(block)
        ctx.meters[0] = self._most_boost_db
        ctx.meters[1] = self._most_cut_db

    def reset(self) -> None:
        """Forget the past. Audio thread."""
        self._convolver.reset()

    @property
    def waits_for(self) -> str:
        """A room. Any thread."""
        return "a room that was learnt" if self._room is None else ""

    def _design(self, room: Room | None, params: RoomCorrectionParams) -> PartitionedFilter | None:
        self._most_boost_db = self._most_cut_db = 0.0
        if room is None or params.strength == 0.0:
            return None
        limits = Limits(
            boost_db=params.boost_db, low_hz=params.low_hz, high_hz=params.high_hz, strength=params.strength / 100.0
        )
        taps = correction_taps(room, params.target, limits, params.form, self._sample_rate)
        gain_db = response_db(taps, GRID_HZ, self._sample_rate)
        self._most_boost_db = max(0.0, float(gain_db.max()))
        self._most_cut_db = max(0.0, -float(gain_db.min()))
        return PartitionedFilter(taps)
