"""Limiter: nothing leaves above the ceiling, not even between the samples. Audio thread; never waits."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from engine.core.kernel import compile_kernels
from engine.core.params import Params, param
from engine.core.stage import Block, Context, MeterSpec, Stage, StreamFormat
from engine.dsp.decibel import db_to_gain, gain_to_db
from engine.dsp.envelope import follow_coefficient
from engine.dsp.limiting import LimiterState, limit
from engine.dsp.smoothing import glide_coefficient

_LATENCY_MS = 1.5


@dataclass(frozen=True)
class LimiterParams(Params):
    """Parameters of `Limiter`."""

    ceiling_dbtp: float = param(
        -1.0, lo=-12, hi=0, unit="dBTP", label="Ceiling", main=True,
        help="The loudest peak your listeners can ever get; -1 is what streaming services ask for.",
    )  # fmt: skip
    release_ms: float = param(
        80.0, lo=10, hi=1000, unit="ms", label="Release", log=True, step=1,
        help="How fast the level comes back after a peak.",
    )  # fmt: skip


class Limiter(Stage[LimiterParams]):
    """Look-ahead true-peak limiter; channels are linked, and below the ceiling it only delays."""

    id: ClassVar[str] = "limiter"
    label: ClassVar[str] = "Limiter"
    params_type: ClassVar[type[Params]] = LimiterParams
    meters: ClassVar[tuple[MeterSpec, ...]] = (
        MeterSpec("gain_reduction_db", "Gain reduction", "dB", 0.0, 24.0),
        MeterSpec("input_dbfs", "Peak arriving", "dB", -60.0, 12.0),
    )
    help: ClassVar[str] = "Catches every peak, so that a shout or a laugh never distorts."

    def prepare(self, fmt: StreamFormat) -> None:
        """Compile and set up for a stream. Control thread."""
        compile_kernels(limit)
        self._sample_rate = fmt.sample_rate
        self._coefficient = glide_coefficient(fmt.sample_rate)
        self._state = LimiterState(fmt.channels, fmt.max_frames, round(_LATENCY_MS * fmt.sample_rate / 1000))
        self._designed_for: LimiterParams | None = None

    def process(self, block: Block, ctx: Context[LimiterParams]) -> None:
        """Limit in place. Audio thread."""
        if ctx.params is not self._designed_for:
            self._designed_for = ctx.params
            self._ceiling = db_to_gain(ctx.params.ceiling_dbtp)
            self._release = follow_coefficient(ctx.params.release_ms, self._sample_rate)
        ctx.meters[1] = gain_to_db(float(max(block.max(), -block.min(), 0.0)))
        lowest_gain = self._state.process(block, self._ceiling, self._release, self._coefficient)
        ctx.meters[0] = abs(gain_to_db(lowest_gain))

    def reset(self) -> None:
        """Forget the past. Audio thread."""
        self._state.reset()

    @property
    def latency_samples(self) -> int:
        """The look-ahead."""
        return self._state.latency_samples
