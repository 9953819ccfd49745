"""Stages so small that a test can say what comes out of them: a gain, a delay, and one that fails on command."""

from __future__ import annotations

from dataclasses import dataclass
from time import perf_counter_ns, sleep
from typing import Any

import numpy as np

from engine.core.delay import DelayLine
from engine.core.params import Params, choice, param, switch
from engine.core.stage import Block, Context, MeterSpec, Stage, StreamFormat


@dataclass(frozen=True)
class FactorParams(Params):
    """A factor, and a switch that turns the sign."""

    factor: float = param(1.0, lo=0, hi=4, label="Factor", main=True)
    is_inverted: bool = switch(False, label="Inverted")


class Factor(Stage[FactorParams]):
    """Multiplies."""

    id = "factor"
    label = "Factor"
    params_type = FactorParams
    meters = (MeterSpec("factor", "Factor", "", 0.0, 4.0),)

    def prepare(self, fmt: StreamFormat) -> None:
        self.blocks = 0

    def process(self, block: Block, ctx: Context[FactorParams]) -> None:
        self.blocks += 1
        ctx.meters[0] = ctx.params.factor
        block *= np.float32(-ctx.params.factor if ctx.params.is_inverted else ctx.params.factor)

    def reset(self) -> None:
        self.blocks = 0


@dataclass(frozen=True)
class EchoParams(Params):
    """Where a made-up preset may put its fingers."""

    color: str = choice("warm", ("warm", "cold"), label="Color")


class Late(Stage[EchoParams]):
    """Delays by a number of samples that it declares, and multiplies by a constant."""

    id = "late"
    label = "Late"
    params_type = EchoParams

    def __init__(self, delay_samples: int = 100, factor: float = 1.0) -> None:
        self._delay_samples = delay_samples
        self._factor = np.float32(factor)

    @property
    def latency_samples(self) -> int:
        return self._delay_samples

    def prepare(self, fmt: StreamFormat) -> None:
        self._line = DelayLine(fmt.channels, self._delay_samples)
        self._out = np.zeros((fmt.channels, fmt.max_frames), np.float32)

    def process(self, block: Block, ctx: Context[EchoParams]) -> None:
        self._line.process(block, self._out)
        np.multiply(self._out[:, : block.shape[1]], self._factor, out=block)

    def reset(self) -> None:
        self._line.reset()


class Faulty(Late):
    """`Late`, until `fault` says otherwise.

    raise, nan, inf, slow, hang (for as long as it says so), or reset (which raises, and fails in `reset` too).
    """

    id = "faulty"
    label = "Faulty"
    fault = ""
    slow_ms = 0.0

    def process(self, block: Block, ctx: Context[EchoParams]) -> None:
        if self.fault in {"raise", "reset"}:
            block[:] = 7.0
            raise ZeroDivisionError("on purpose")
        super().process(block, ctx)
        if self.fault == "nan":
            block[0, block.shape[1] // 2] = np.nan
        elif self.fault == "inf":
            block[0, :2] = np.inf, -np.inf
        elif self.fault == "slow":
            until_ns = perf_counter_ns() + round(self.slow_ms * 1e6)
            while perf_counter_ns() < until_ns:
                pass
        while self.fault == "hang":
            sleep(0.001)

    def reset(self) -> None:
        if self.fault == "reset":
            raise RuntimeError("not even that")
        super().reset()


def stage_format(channels: int = 1, frames: int = 480, is_fixed: bool = True) -> StreamFormat:
    """48 kHz."""
    return StreamFormat(48_000, channels, frames, is_fixed)


AnyStage = Stage[Any]
