"""Dereverb: turns down what rings on in a room after each syllable, without a delay. Audio thread; never waits."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Self

from engine.core.params import Params, param
from engine.core.stage import Block, Context, MeterSpec, Stage, StreamFormat
from engine.dsp.correction import Room
from engine.dsp.dereverberation import Dereverberator


@dataclass(frozen=True)
class DereverbParams(Params):
    """How far reverberation goes down, and how long it is."""

    strength_db: float = param(
        9.0, lo=0, hi=24, unit="dB", label="Strength", main=True,
        help="What rings on is turned down by no more than this; more than 12 dB makes a voice sound hollow.",
    )  # fmt: skip
    decay_s: float = param(
        0.5, lo=0.1, hi=3, unit="s", step=0.01, label="Decay", log=True,
        help="How long the room rings (T60), where no room was learnt that tells.",
    )  # fmt: skip
    direct_db: float = param(
        3.0, lo=-15, hi=20, unit="dB", label="Direct sound",
        help="How far your voice stands above its own echo, where no room tells: close 10, at arm's length 0.",
    )  # fmt: skip


class Dereverb(Stage[DereverbParams]):
    """Suppressor of late reverberation; channels are linked.

    Parameters
    ----------
    room : Room or None
        Tells how long it rings; see `listen_in`.
    """

    id: ClassVar[str] = "dereverb"
    label: ClassVar[str] = "Dereverb"
    params_type: ClassVar[type[Params]] = DereverbParams
    meters: ClassVar[tuple[MeterSpec, ...]] = (
        MeterSpec("reduction_db", "Reverberation removed", "dB", 0.0, 24.0),
        MeterSpec("decay_s", "Decay", "s", 0.0, 3.0),
    )
    help: ClassVar[str] = (
        "Turns down what rings on in a bare room after each word, as far as that can be told from the voice."
    )
    starts_bypassed: ClassVar[bool] = True
    rests_bypassed: ClassVar[bool] = True

    def __init__(self, room: Room | None = None) -> None:
        self._room = room

    def successor(self) -> Self:
        """Make another for the same room. Control thread."""
        return type(self)(self._room)

    def listen_in(self, room: Room | None) -> None:
        """Choose the room whose decay counts; what it does not tell, the parameters do. Any thread."""
        self._room = room

    def prepare(self, fmt: StreamFormat) -> None:
        """Compile and set up for a stream. Control thread."""
        self._dereverberator = Dereverberator(fmt.channels, fmt.sample_rate)

    def process(self, block: Block, ctx: Context[DereverbParams]) -> None:
        """Treat in place. Audio thread."""
        room, params = self._room, ctx.params
        decay_s = params.decay_s if room is None or room.decay_s is None else room.decay_s
        direct_db = params.direct_db if room is None or room.direct_db is None else room.direct_db
        self._dereverberator.process(block, params.strength_db, decay_s, direct_db)
        ctx.meters[0] = self._dereverberator.reduction_db
        ctx.meters[1] = decay_s

    def reset(self) -> None:
        """Forget the past. Audio thread."""
        self._dereverberator.reset()
