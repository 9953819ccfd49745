"""From one denoiser to another while sound flows: no shift, no click, and nothing cold is heard."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pytest
from numpy.typing import NDArray

from engine.core.chain import Chain
from engine.core.stage import Context, StreamFormat
from engine.inference.catalog import ModelStore
from engine.inference.frame_denoiser import Residual, no_residual
from engine.inference.lane import FADE_HOPS, Lanes
from engine.stages.denoise import Denoise, DenoiseParams
from tests.helpers.stages import clicks

HOP = 480
COLD = 0.77


class DelayingStream:
    """A delay of whole hops, and a gain; far off until it is warm."""

    noisy_power = clean_power = speech_snr_db = 1.0

    def __init__(self, denoiser: Delaying) -> None:
        self._denoiser = denoiser
        self._past: list[NDArray[np.float32]] = []
        self._heard = 0
        self.reset()

    def process(self, hop_in: NDArray[np.float32], hop_out: NDArray[np.float32], residual: Residual) -> None:
        self._past = [*self._past[1:], hop_in.copy()]
        self._heard += 1
        is_warm = self._heard > self._denoiser.warm_up_hops
        hop_out[:] = (self._denoiser.gain if is_warm else COLD) * self._past[-1 - self._denoiser.delay_samples // HOP]

    def reset(self) -> None:
        self._past = [np.zeros(HOP, np.float32) for _ in range(4)]
        self._heard = 0

    def copy_from(self, other: DelayingStream) -> None:
        self._past, self._heard = list(other._past), other._heard

    def take_over(self, other: object) -> bool:
        if not self._denoiser.is_kin or not isinstance(other, DelayingStream):
            return False
        self._past, self._heard = list(other._past), self._denoiser.warm_up_hops
        return True


@dataclass
class Delaying:
    delay_samples: int
    gain: float = 1.0
    warm_up_hops: int = 0
    is_kin: bool = True
    sample_rate: int = 48_000
    hop_samples: int = HOP

    def stream(self) -> DelayingStream:
        return DelayingStream(self)


def ramp(hops: int, channels: int = 1) -> NDArray[np.float32]:
    return np.arange(1, channels * hops * HOP + 1, dtype=np.float32).reshape(channels, -1)


def run(lanes: Lanes, samples: NDArray[np.float32], wanted: list[str]) -> NDArray[np.float32]:
    out = samples.copy()
    for index, name in enumerate(wanted):
        hop = out[:, index * HOP : (index + 1) * HOP]
        lanes.process(name, hop, hop, no_residual)
    return out[:, : len(wanted) * HOP]


@pytest.mark.parametrize("channels", [1, 2])
def test_nothing_shifts_whatever_is_wanted(channels: int) -> None:
    lanes = Lanes({"slow": Delaying(1440), "mid": Delaying(960), "quick": Delaying(480)}, channels, 1440, "slow")
    random = np.random.default_rng(1)
    wanted = ["slow"] * 5 + [str(random.choice(lanes.names)) for _ in range(200) for _ in range(random.integers(1, 9))]
    x = ramp(len(wanted), channels)
    y = run(lanes, x, wanted)
    np.testing.assert_allclose(y[:, 1440:], x[:, : y.shape[1] - 1440], rtol=1e-6)


def test_a_stranger_is_heard_only_when_it_is_warm() -> None:
    lanes = Lanes({"first": Delaying(480), "other": Delaying(480, 0.5, 50, is_kin=False)}, 1, 960, "first")
    ones = np.ones((1, 100 * HOP), np.float32)
    y = run(lanes, ones, ["first"] * 10 + ["other"] * 90)[0]
    assert np.all(np.diff(y[960:]) <= 0.0), "the cold output was heard"
    assert y[-1] == 0.5
    fade = np.flatnonzero((y[960:] < 1.0) & (y[960:] > 0.5))
    assert fade.size == pytest.approx(FADE_HOPS * HOP, abs=4)
    assert fade[0] + 960 > 60 * HOP
    assert lanes.current == "other"


def test_kin_takes_over_within_the_hops_that_fill_its_padding() -> None:
    lanes = Lanes({"first": Delaying(960), "kin": Delaying(480, 0.5, 50)}, 1, 960, "first")
    y = run(lanes, np.ones((1, 30 * HOP), np.float32), ["first"] * 10 + ["kin"] * 20)[0]
    assert np.all(np.diff(y[960:]) <= 0.0)
    assert y[(10 + 3 + FADE_HOPS) * HOP] == 0.5


def test_a_wish_withdrawn_in_time_is_not_heard() -> None:
    lanes = Lanes({"first": Delaying(480), "other": Delaying(480, 0.5, 50, is_kin=False)}, 1, 480, "first")
    y = run(lanes, np.ones((1, 200 * HOP), np.float32), ["first"] * 10 + ["other"] * 40 + ["first"] * 150)[0]
    assert np.all(y[480:] == 1.0)


def test_after_a_reset_what_is_wanted_begins_at_once_and_fresh() -> None:
    lanes = Lanes({"first": Delaying(480), "other": Delaying(480, 0.5)}, 1, 480, "first")
    run(lanes, ramp(20), ["first"] * 10 + ["other"] * 10)
    lanes.reset()
    y = run(lanes, np.ones((1, 3 * HOP), np.float32), ["other"] * 3)[0]
    assert not y[:HOP].any()
    assert np.all(y[HOP:] == 0.5)


@pytest.fixture(scope="module")
def denoise(model_store: ModelStore) -> Denoise:
    return Denoise.build(model_store)


def switched(
    stage: Denoise, samples: NDArray[np.float32], prepared_for: str, strengths_db: tuple[float, ...], switches: int
) -> NDArray[np.float32]:
    """Output of the real stage while mode and strength jump at random, all within the delay prepared for."""
    stage.expect(DenoiseParams(mode=prepared_for))
    stage.prepare(StreamFormat(48_000, 1, HOP))
    context: Context[DenoiseParams] = Context(DenoiseParams(strengths_db[0], prepared_for), len(Denoise.meters))
    random = np.random.default_rng(5)
    out: NDArray[np.float32] = np.resize(samples, (1, samples.size * -(-switches * 16 * HOP // samples.size)))
    wait = 20
    for start in range(0, out.shape[1] - HOP + 1, HOP):
        wait -= 1
        if wait == 0 and switches:
            wait, switches = int(random.integers(1, 30)), switches - 1
            mode = str(random.choice(["quality", "balanced", "fast", "light"]))
            context.params = DenoiseParams(float(random.choice(strengths_db)), mode)
        stage.process(out[:, start : start + HOP], context)
    whole: NDArray[np.float32] = out[0]
    return whole


def test_switching_two_hundred_times_shifts_nothing(denoise: Denoise, speech: NDArray[np.float32]) -> None:
    y = switched(denoise, speech, "quality", (0.0,), 200)
    x = np.resize(speech, y.size)
    assert np.abs(y[1440:] - x[:-1440]).max() < 10 ** (-80 / 20)


@pytest.mark.parametrize("prepared_for", ["quality", "balanced"])
def test_switching_mode_and_strength_on_a_tone_leaves_no_residual(denoise: Denoise, prepared_for: str) -> None:
    tone = (0.25 * np.sin(2 * np.pi * 1000 / 48_000 * np.arange(480_000) + 1.2)).astype(np.float32)
    y = switched(denoise, tone, prepared_for, (0.0, 3.0, 6.0, 12.0, 24.0, 100.0), 200)
    # The first second is the network's own beginning; the filter sees an edge at the end.
    assert 20 * np.log10(clicks(y)[48_000 : -10 * HOP].max()) < -50.0


@pytest.mark.parametrize(("prepared_for", "wanted"), [("balanced", "quality"), ("quality", "fast"), ("fast", "light")])
def test_a_mode_of_another_delay_asks_for_a_new_prepare(denoise: Denoise, prepared_for: str, wanted: str) -> None:
    denoise.expect(DenoiseParams(mode=prepared_for))
    denoise.prepare(StreamFormat(48_000, 1, HOP))
    assert not denoise.wants_prepare
    latency_samples = denoise.latency_samples
    context: Context[DenoiseParams] = Context(DenoiseParams(mode=wanted), len(Denoise.meters))
    denoise.process(np.zeros((1, HOP), np.float32), context)
    assert denoise.wants_prepare == (wanted != "light")
    assert denoise.latency_samples == latency_samples
    denoise.expect(context.params)
    denoise.prepare(StreamFormat(48_000, 1, HOP))
    assert not denoise.wants_prepare


class WhileItWorks(DelayingStream):
    """Lets the strength be changed while the network works, and answers with the residual alone."""

    def process(self, hop_in: NDArray[np.float32], hop_out: NDArray[np.float32], residual: Residual) -> None:
        assert isinstance(self._denoiser, ChangedAtWork)
        self._denoiser.at_work()
        hop_out[:] = residual() * hop_in


class ChangedAtWork(Delaying):
    """Its streams."""

    at_work: Callable[[], None] = staticmethod(lambda: None)

    def stream(self) -> DelayingStream:
        return WhileItWorks(self)


def test_a_strength_that_comes_while_the_network_works_is_heard_by_both_channels_of_that_hop() -> None:
    network = ChangedAtWork(0)
    chain = Chain([Denoise({"balanced": network})])
    chain.prepare(StreamFormat(48_000, 2, HOP))
    strengths_db = iter((20.0, 40.0, 60.0, 80.0))
    network.at_work = lambda: chain.apply({"denoise.strength_db": next(strengths_db)})
    for gain in (0.1, 0.001):
        block = np.full((2, HOP), 0.5, np.float32)
        block[1] *= 0.5
        chain.process(block)
        # Each channel's network changes it; the first to ask is told for both.
        assert np.allclose(block, [[0.5 * gain], [0.25 * gain]])
