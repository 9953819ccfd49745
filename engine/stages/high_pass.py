"""High-pass: takes out rumble, thumps and hum below the voice. Audio thread; never waits."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from engine.core.kernel import compile_kernels
from engine.core.params import Params, choice, param
from engine.core.stage import Block, Context, Stage, StreamFormat
from engine.dsp.responses import warped_frequency
from engine.dsp.smoothing import glide_coefficient, new_glides
from engine.dsp.svf import high_pass


@dataclass(frozen=True)
class HighPassParams(Params):
    """Parameters of `HighPass`."""

    # Not the customary 80 Hz: the denoiser takes rumble anyway, and a filter there turns the phase of a low voice so far
    # that clean speech keeps a SI-SDR of 8 dB only, against 16 dB at 20 Hz (mean of 8 voices).
    cutoff_hz: float = param(
        20.0, lo=20, hi=400, unit="Hz", label="Cut-off", log=True, step=1, main=True,
        help="Everything below this pitch is taken out; at 80 Hz most voices keep all they need.",
    )  # fmt: skip
    slope: str = choice(
        "12 dB/oct", ("12 dB/oct", "24 dB/oct"), label="Slope", help="How sharply the low end is cut away."
    )


class HighPass(Stage[HighPassParams]):
    """Butterworth high-pass of second or fourth order."""

    id: ClassVar[str] = "high_pass"
    label: ClassVar[str] = "High-pass"
    params_type: ClassVar[type[Params]] = HighPassParams
    help: ClassVar[str] = "Removes rumble, desk thumps and handling noise below your voice."

    def prepare(self, fmt: StreamFormat) -> None:
        """Compile and set up for a stream. Control thread."""
        compile_kernels(high_pass)
        self._sample_rate = fmt.sample_rate
        self._coefficient = glide_coefficient(fmt.sample_rate)
        self._state = np.zeros((fmt.channels, 4))
        self._glides = new_glides(2)
        self._designed_for: HighPassParams | None = None

    def process(self, block: Block, ctx: Context[HighPassParams]) -> None:
        """Filter in place. Audio thread."""
        if ctx.params is not self._designed_for:
            self._designed_for = ctx.params
            self._warped = warped_frequency(ctx.params.cutoff_hz, self._sample_rate)
            self._steepness = 1.0 if ctx.params.slope == "24 dB/oct" else 0.0
        high_pass(block, self._state, self._glides, self._warped, self._steepness, self._coefficient)

    def reset(self) -> None:
        """Forget the past. Audio thread."""
        self._state.fill(0.0)
        self._glides.fill(np.nan)
