"""Output gain: sets how loud the finished voice leaves the chain. Audio thread; never waits."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from engine.core.kernel import compile_kernels
from engine.core.params import Params, param, switch
from engine.core.stage import Block, Context, Stage, StreamFormat
from engine.dsp.decibel import db_to_gain
from engine.dsp.gain import apply_gain
from engine.dsp.muting import fade_curve, mute
from engine.dsp.smoothing import glide_coefficient, new_glides


@dataclass(frozen=True)
class OutputGainParams(Params):
    """Parameters of `OutputGain`."""

    gain_db: float = param(
        0.0,
        lo=-24,
        hi=24,
        unit="dB",
        label="Gain",
        main=True,
        help="Turns the finished voice up or down; the limiter after it catches the peaks.",
    )
    is_muted: bool = switch(
        False, label="Cough", main=True, momentary=True, help="Silence for a moment: for a cough, a door, a word aside."
    )


class OutputGain(Stage[OutputGainParams]):
    """A clean gain before the limiter, and the cough switch."""

    id: ClassVar[str] = "output_gain"
    label: ClassVar[str] = "Output"
    params_type: ClassVar[type[Params]] = OutputGainParams
    help: ClassVar[str] = "Sets how loud you are for your listeners."

    def prepare(self, fmt: StreamFormat) -> None:
        """Compile and set up for a stream. Control thread."""
        compile_kernels(apply_gain, mute)
        self._coefficient = glide_coefficient(fmt.sample_rate)
        self._glides = new_glides(1)
        self._fade = fade_curve(fmt.sample_rate)
        self._fade_place = np.full(1, -1, np.int64)

    def process(self, block: Block, ctx: Context[OutputGainParams]) -> None:
        """Apply gain and mute in place. Audio thread."""
        apply_gain(block, self._glides, db_to_gain(ctx.params.gain_db), self._coefficient)
        mute(block, self._fade_place, self._fade, ctx.params.is_muted)

    def reset(self) -> None:
        """Stand at the set gain at once with the next block. Audio thread."""
        self._glides.fill(float("nan"))
        self._fade_place.fill(-1)
