"""A stage with another delay takes over in a running chain: no gap, no click, and the delay that was asked for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Self

import numpy as np

from engine.core.chain import Chain
from engine.core.delay import DelayLine
from engine.core.params import Params, param
from engine.core.stage import Block, Context, Stage, StreamFormat

RATE_HZ = 48_000
HOP = 480


@dataclass(frozen=True)
class WaitParams(Params):
    """How long to wait."""

    hops: float = param(1.0, lo=0.0, hi=4.0, label="Hops")


class Wait(Stage[WaitParams]):
    """A delay whose length is fixed when it is prepared."""

    id: ClassVar[str] = "wait"
    label: ClassVar[str] = "Wait"
    params_type: ClassVar[type[Params]] = WaitParams

    def __init__(self, made: list[Stage[WaitParams]] | None = None) -> None:
        self._made = made if made is not None else []
        self._made.append(self)
        self._samples = self._wanted_samples = 0

    def successor(self) -> Self:
        return type(self)(self._made)

    def expect(self, params: WaitParams) -> None:
        self._wanted_samples = int(params.hops) * HOP

    def prepare(self, fmt: StreamFormat) -> None:
        self._samples = self._wanted_samples
        self._line = DelayLine(fmt.channels, self._samples)

    def process(self, block: Block, ctx: Context[WaitParams]) -> None:
        self._wanted_samples = int(ctx.params.hops) * HOP
        self._line.process(block, block)

    def reset(self) -> None:
        self._line.reset()

    @property
    def latency_samples(self) -> int:
        return self._samples

    @property
    def wants_prepare(self) -> bool:
        return self._wanted_samples != self._samples


def run(chain: Chain, samples: Block, change_at: int, hops: float) -> Block:
    """Output of the chain, whose parameter is set before hop `change_at` and which is looked after before every hop."""
    out = []
    for index in range(samples.shape[1] // HOP):
        if index == change_at:
            chain.set("wait.hops", hops)
        chain.renew()
        block = samples[:, index * HOP : (index + 1) * HOP].copy()
        chain.process(block)
        out.append(block)
    return np.concatenate(out, axis=1)


def test_the_delay_becomes_what_was_asked_for_without_gap_or_click() -> None:
    made: list[Stage[WaitParams]] = []
    chain = Chain([Wait(made)])
    chain.prepare(StreamFormat(RATE_HZ, 1, HOP))
    assert chain.latency_samples == HOP
    # 25 periods fit into a hop: both delays give the very same tone, so any residual is the change's own.
    tone = 0.5 * np.sin(2 * np.pi * 2500 * np.arange(2 * RATE_HZ) / RATE_HZ)[None].astype(np.float32)
    out = run(chain, tone, change_at=50, hops=3.0)
    assert chain.latency_samples == 3 * HOP
    assert len(made) == 2
    residual = out[:, 4 * HOP :] - tone[:, 4 * HOP :]
    assert 20 * np.log10(np.abs(residual).max()) < -100
    assert not chain.wants_prepare


def test_the_sound_is_that_of_the_new_delay_afterwards() -> None:
    chain = Chain([Wait()])
    chain.prepare(StreamFormat(RATE_HZ, 1, HOP))
    noise = np.random.default_rng(1).standard_normal((1, RATE_HZ)).astype(np.float32) * 0.1
    out = run(chain, noise, change_at=10, hops=0.0)
    assert chain.latency_samples == 0
    np.testing.assert_array_equal(out[:, RATE_HZ // 2 :], noise[:, RATE_HZ // 2 :])


def test_only_one_change_at_a_time_and_the_last_wish_counts() -> None:
    made: list[Stage[WaitParams]] = []
    chain = Chain([Wait(made)])
    chain.prepare(StreamFormat(RATE_HZ, 1, HOP))
    silence = np.zeros((1, RATE_HZ), np.float32)
    run(chain, silence, change_at=5, hops=2.0)
    run(chain, silence, change_at=5, hops=4.0)
    run(chain, silence, change_at=5, hops=0.0)
    assert (chain.latency_samples, len(made)) == (0, 4)
