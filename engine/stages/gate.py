"""Gate: turns the room down between the words, however loud the room is. Audio thread; never waits."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from engine.core.kernel import compile_kernels
from engine.core.params import Params, param
from engine.core.stage import Block, Context, MeterSpec, Stage, StreamFormat
from engine.dsp.gating import gate
from engine.dsp.listening import (
    HOLD_STEPS,
    OPENS_LU,
    ROOM_LUFS,
    SMOOTH_LUFS,
    forget_voice,
    hold_steps,
    new_listener,
    new_usual_voice,
)
from engine.dsp.smoothing import glide_coefficient, new_glides

_OPENING_MS = 1.0


@dataclass(frozen=True)
class GateParams(Params):
    """Parameters of `Gate`."""

    depth_db: float = param(
        18.0, lo=0, hi=60, unit="dB", step=1, label="Depth", main=True,
        help="Pauses are turned down by this much; 12 to 18 dB sounds natural, 60 is silence.",
    )  # fmt: skip
    above_room_db: float = param(
        8.0, lo=3, hi=30, unit="dB", label="Opens above room", main=True,
        help="It opens for what is this much louder than the room, which it learns by itself.",
    )  # fmt: skip
    hold_ms: float = param(
        250.0, lo=20, hi=2000, unit="ms", step=1, label="Hold", log=True,
        help="It stays open this long after the last sound of the voice.",
    )  # fmt: skip
    release_ms: float = param(
        80.0, lo=10, hi=1000, unit="ms", step=1, label="Release", log=True, help="How slowly it closes."
    )


class Gate(Stage[GateParams]):
    """Downward expander with a room level that it learns; channels are linked."""

    id: ClassVar[str] = "gate"
    label: ClassVar[str] = "Gate"
    params_type: ClassVar[type[Params]] = GateParams
    meters: ClassVar[tuple[MeterSpec, ...]] = (
        MeterSpec("gain_reduction_db", "Gain reduction", "dB", 0.0, 60.0),
        MeterSpec("room_lufs", "Room", "LUFS", -100.0, 0.0),
        MeterSpec("input_lufs", "Arriving", "LUFS", -100.0, 0.0),
    )
    help: ClassVar[str] = "Turns down keyboard, fan and breath while you do not speak."
    starts_bypassed: ClassVar[bool] = True

    def prepare(self, fmt: StreamFormat) -> None:
        """Compile and set up for a stream. Control thread."""
        compile_kernels(gate)
        self.listener = new_listener(fmt)
        self._sample_rate = fmt.sample_rate
        self._opening = glide_coefficient(fmt.sample_rate, _OPENING_MS)
        self._voice = new_usual_voice()
        self._glides = new_glides(1)
        self._designed_for: GateParams | None = None
        self.reset()

    def process(self, block: Block, ctx: Context[GateParams]) -> None:
        """Gate in place. Audio thread."""
        params, listener = ctx.params, self.listener
        if params is not self._designed_for:
            self._designed_for = params
            listener[OPENS_LU] = params.above_room_db
            listener[HOLD_STEPS] = hold_steps(params.hold_ms)
            self._closing = glide_coefficient(self._sample_rate, params.release_ms)
        ctx.meters[0] = gate(
            block,
            self._voice,
            self._glides,
            ctx.side.speech_probability,
            params.depth_db,
            self._opening,
            self._closing,
            listener,
        )
        ctx.meters[1] = listener[ROOM_LUFS]
        ctx.meters[2] = listener[SMOOTH_LUFS]

    def reset(self) -> None:
        """Forget the room; open. Audio thread."""
        forget_voice(self.listener)
        self._voice[:] = np.nan, 0.0
        self._glides.fill(np.nan)
