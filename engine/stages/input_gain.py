"""Input gain: brings the microphone to a healthy level before anything else hears it. Audio thread; never waits."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from engine.core.kernel import compile_kernels
from engine.core.params import Params, param
from engine.core.stage import Block, Context, Stage, StreamFormat
from engine.dsp.decibel import db_to_gain
from engine.dsp.gain import apply_gain
from engine.dsp.smoothing import glide_coefficient, new_glides


@dataclass(frozen=True)
class InputGainParams(Params):
    """Parameters of `InputGain`."""

    gain_db: float = param(
        0.0,
        lo=-24,
        hi=24,
        unit="dB",
        label="Gain",
        main=True,
        help="Turns the microphone up or down before all effects.",
    )


class InputGain(Stage[InputGainParams]):
    """A clean gain at the start of the chain."""

    id: ClassVar[str] = "input_gain"
    label: ClassVar[str] = "Input"
    params_type: ClassVar[type[Params]] = InputGainParams
    help: ClassVar[str] = "Sets how loud your microphone enters the chain."

    def prepare(self, fmt: StreamFormat) -> None:
        """Compile and set up for a stream. Control thread."""
        compile_kernels(apply_gain)
        self._coefficient = glide_coefficient(fmt.sample_rate)
        self._glides = new_glides(1)

    def process(self, block: Block, ctx: Context[InputGainParams]) -> None:
        """Apply the gain in place. Audio thread."""
        apply_gain(block, self._glides, db_to_gain(ctx.params.gain_db), self._coefficient)

    def reset(self) -> None:
        """Stand at the set gain at once with the next block. Audio thread."""
        self._glides.fill(float("nan"))
