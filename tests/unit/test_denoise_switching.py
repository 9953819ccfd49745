"""Two hundred random changes of model, mode and strength on speech leave no click, no shift and no gap.

At any moment the sound is a mixture of what each setting alone would give, with gains that move as a crossfade does, and of
nothing else.
"""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from engine.core.chain import Chain
from engine.core.stage import Context, StreamFormat
from engine.inference.catalog import ModelStore
from engine.stages.denoise import Denoise, DenoiseParams

HOP = 480
FORMAT = StreamFormat(48_000, 1, HOP)
DELAY = 960
MODES = ("balanced", "fast", "light")
STRENGTHS_DB = (0.0, 3.0, 6.0, 12.0, 24.0, 100.0)
SWITCHES = 200
SETTLED = 100

Mono = NDArray[np.float32]


@pytest.fixture(scope="module")
def denoise(model_store: ModelStore) -> Denoise:
    return Denoise.build(model_store)


def alone(denoise: Denoise, samples: Mono, mode: str) -> Mono:
    """Output of one mode at full strength, at the delay of *balanced*."""
    stage = denoise.successor()
    stage.expect(DenoiseParams(mode="balanced"))
    stage.prepare(FORMAT)
    ctx: Context[DenoiseParams] = Context(DenoiseParams(mode=mode), len(Denoise.meters))
    out = samples[None].copy()
    for start in range(0, out.shape[1], HOP):
        stage.process(out[:, start : start + HOP], ctx)
    whole: Mono = out[0]
    return whole


def switched(denoise: Denoise, speech: Mono) -> tuple[Mono, Mono]:
    """Sound before and after a chain in which one of the three changes at random, and another model comes in from afresh."""
    random = np.random.default_rng(5)
    chain = Chain([denoise.successor()])
    chain.prepare(FORMAT)
    before, after = [], []
    left, wait, hop = SWITCHES, SETTLED, 0
    while left or wait > 0 or chain.is_changing:
        wait -= 1
        if left and wait <= 0 and not chain.is_changing:
            left, wait = left - 1, int(random.integers(1, 18))
            match str(random.choice(["mode", "strength", "model"], p=[0.45, 0.45, 0.1])):
                case "mode":
                    chain.set("denoise.mode", str(random.choice(MODES)))
                case "strength":
                    chain.set("denoise.strength_db", float(random.choice(STRENGTHS_DB)))
                case _:
                    # What comes in is prepared for the mode of the moment; the delay shall stay as it is.
                    chain.set("denoise.mode", "balanced")
                    chain.replace(denoise.successor(), is_live=True)
        start = hop * HOP % (speech.size - HOP)
        block = speech[None, start : start + HOP].copy()
        before.append(block[0].copy())
        chain.process(block)
        after.append(block[0])
        hop += 1
    return np.concatenate(before), np.concatenate(after)


def residual_dbfs(mixed: Mono, parts: list[Mono]) -> NDArray[np.float64]:
    """Level, in each hop, of what is no mixture of `parts` with gains that move as crossfades of one to four hops do.

    A click or a shift has next to nothing in common with these 24 shapes of 480 samples.
    """
    time = (np.arange(HOP) + 0.5) / HOP
    phases = np.pi * time[:, None] * np.array([1.0, 0.5, 0.25])
    gains = np.column_stack([np.ones(HOP), np.cos(phases), np.sin(phases[:, 1:])])
    levels = []
    for start in range(SETTLED * HOP, mixed.size, HOP):
        rows = [part[start : start + HOP, None].astype(np.float64) * gains for part in parts]
        shapes = np.concatenate(rows, axis=1)
        heard = mixed[start : start + HOP].astype(np.float64)
        weights = np.linalg.lstsq(shapes, heard, rcond=1e-9)[0]
        levels.append(np.mean((heard - shapes @ weights) ** 2))
    dbfs: NDArray[np.float64] = 10.0 * np.log10(np.array(levels) + 1e-12)
    return dbfs


def test_what_is_heard_is_a_mixture_of_the_settings_and_nothing_else(denoise: Denoise, noisy_speech: Mono) -> None:
    before, after = switched(denoise, noisy_speech)
    dry = np.concatenate([np.zeros(DELAY, np.float32), before[:-DELAY]])
    parts = [dry, *(alone(denoise, before, mode) for mode in MODES)]
    assert residual_dbfs(after, parts).max() < -50.0
    # The measure would see what must not be: a sample too many, a step a thousandth high.
    shifted = np.concatenate([after[: after.size // 2], after[after.size // 2 - 1 : -1]])
    assert residual_dbfs(shifted, parts).max() > -40.0
