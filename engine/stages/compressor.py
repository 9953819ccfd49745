"""Compressor: brings loud and quiet words closer together. Audio thread; never waits.

Source: D. Giannoulis, M. Massberg, J. D. Reiss, "Digital Dynamic Range Compressor Design: A Tutorial and Analysis",
J. Audio Eng. Soc. 60(6), 2012: feed-forward, soft knee, smooth decoupled peak detector in the logarithmic domain.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from engine.core.params import Params, param
from engine.core.stage import Block, Context, MeterSpec, Stage, StreamFormat
from engine.dsp.compression import compress
from engine.dsp.envelope import follow_coefficient
from engine.dsp.kernel import compile_kernels
from engine.dsp.smoothing import glide_coefficient, new_glides


@dataclass(frozen=True)
class CompressorParams(Params):
    """Parameters of `Compressor`."""

    threshold_db: float = param(
        -20.0, lo=-60, hi=0, unit="dB", label="Threshold", main=True, help="Above this level the voice is turned down."
    )
    ratio: float = param(
        3.0, lo=1, hi=20, unit=":1", label="Ratio", log=True, main=True,
        help="How strongly it is turned down: at 3:1, three decibels over the threshold become one.",
    )  # fmt: skip
    knee_db: float = param(
        6.0, lo=0, hi=24, unit="dB", label="Knee", help="How gently compression sets in around the threshold."
    )
    attack_ms: float = param(
        5.0, lo=0.5, hi=100, unit="ms", label="Attack", log=True, help="How fast a loud sound is turned down."
    )
    release_ms: float = param(
        120.0, lo=10, hi=1000, unit="ms", label="Release", log=True, step=1,
        help="How fast the level comes back after a loud sound.",
    )  # fmt: skip
    makeup_db: float = param(
        0.0, lo=0, hi=24, unit="dB", label="Make-up", help="Turns everything up again after compression."
    )


class Compressor(Stage[CompressorParams]):
    """Feed-forward compressor with a soft knee; channels are linked."""

    id: ClassVar[str] = "compressor"
    label: ClassVar[str] = "Compressor"
    params_type: ClassVar[type[Params]] = CompressorParams
    meters: ClassVar[tuple[MeterSpec, ...]] = (MeterSpec("gain_reduction_db", "Gain reduction", "dB", 0.0, 24.0),)
    help: ClassVar[str] = "Evens out your voice, so that quiet words are heard and loud ones do not startle."

    def prepare(self, fmt: StreamFormat) -> None:
        """Compile and set up for a stream. Control thread."""
        compile_kernels(compress)
        self._sample_rate = fmt.sample_rate
        self._coefficient = glide_coefficient(fmt.sample_rate)
        self._state = np.zeros(2)
        self._glides = new_glides(4)
        self._curve = np.zeros(4)
        self._designed_for: CompressorParams | None = None

    def process(self, block: Block, ctx: Context[CompressorParams]) -> None:
        """Compress in place. Audio thread."""
        if ctx.params is not self._designed_for:
            self._design(ctx.params)
        ctx.meters[0] = compress(
            block, self._state, self._glides, self._curve, self._attack, self._release, self._coefficient
        )

    def _design(self, params: CompressorParams) -> None:
        self._designed_for = params
        self._curve[:] = params.threshold_db, 1.0 - 1.0 / params.ratio, params.knee_db, params.makeup_db
        self._attack = follow_coefficient(params.attack_ms, self._sample_rate)
        self._release = follow_coefficient(params.release_ms, self._sample_rate)

    def reset(self) -> None:
        """Forget the past. Audio thread."""
        self._state.fill(0.0)
        self._glides.fill(np.nan)
