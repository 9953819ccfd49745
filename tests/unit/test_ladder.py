"""The ladder on a simulated clock: costs and failures in, a name out; and in the stage, with networks that misbehave."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import numpy as np
import pytest
from numpy.typing import NDArray

from engine.core.stage import Context, StreamFormat
from engine.errors import ModelError
from engine.inference import ladder as ladder_module
from engine.inference.catalog import ModelStore
from engine.inference.deepfilternet3 import DeepFilterNet3
from engine.inference.frame_denoiser import DenoiserStream, FrameDenoiser, Residual
from engine.inference.ladder import Failure, Ladder
from engine.inference.nsnet2 import NsNet2
from engine.inference.session import open_model
from engine.stages.denoise import Denoise, DenoiseParams

HOP = 480
HOP_S = 0.01
BUDGET_NS = 6_000_000
RUNGS = ("balanced", "light", "dry")
CHANGE_HOPS = {"balanced": 105, "light": 15, "dry": 4}

Cost = Callable[[int, str, str], float]
"""Milliseconds, from the hop, what is heard and what is on the way."""


@dataclass
class Stream:
    """Plays the part of the lanes: what is wanted is heard some hops later."""

    ladder: Ladder = field(default_factory=lambda: Ladder(HOP_S))
    heard: str = "balanced"
    hop: int = 0
    history: list[str] = field(default_factory=list)
    _next: str = ""
    _wait: int = 0

    def run(self, hops: int, cost_ms: Cost, budget_ns: int = BUDGET_NS, yields: bool = True) -> None:
        self.ladder.aim(RUNGS, yields)
        for _ in range(hops):
            wanted = self.ladder.wanted
            if wanted == self.heard:
                self._next = ""
            elif wanted != self._next:
                self._next, self._wait = wanted, CHANGE_HOPS[wanted]
            cost_ns = round(1e6 * cost_ms(self.hop, self.heard, self._next))
            if self._next:
                self._wait -= 1
                if self._wait == 0:
                    self.heard, self._next = self._next, ""
            if self.ladder.after_hop(cost_ns, budget_ns, self.heard, None):
                self.heard, self._next = "dry", ""
            self.history.append(self.heard)
            self.hop += 1


def steady(hop: int, heard: str, coming: str) -> float:
    cost = {"balanced": 0.8, "light": 0.3, "dry": 0.01, "": 0.0}
    return cost[heard] + cost[coming]


def burning(hop: int, heard: str, coming: str) -> float:
    """Every sixth hop that works at all is interrupted by others for 8 ms."""
    return steady(hop, heard, coming) + (8.0 if hop % 6 == 0 and (heard != "dry" or coming) else 0.0)


def test_nothing_happens_while_there_is_room() -> None:
    stream = Stream()
    stream.run(6000, lambda hop, heard, coming: steady(hop, heard, coming) + (9.0 if hop % 300 == 0 else 0.0))
    assert set(stream.history) == {"balanced"}
    assert not stream.ladder.steps


def test_pressure_leads_down_and_calm_leads_back_within_ten_seconds() -> None:
    stream = Stream()
    stream.run(500, steady)
    stream.run(3000, burning)
    assert stream.history[600] != "balanced"
    assert stream.history.count("dry") > 500
    stream.run(1000, steady)
    assert stream.heard == "balanced"
    assert stream.history[3500:].index("balanced") < 1000
    reasons = [step.reason for step in stream.ladder.steps]
    assert "of the 6.0 ms" in reasons[0]
    assert reasons[-1] == "there is room again"
    assert (stream.ladder.steps[-1].left, stream.ladder.steps[-1].heard) == ("light", "balanced")


def test_it_does_not_swing_while_only_the_small_network_fits() -> None:
    stream = Stream()

    def narrow(hop: int, heard: str, coming: str) -> float:
        return 9.0 if "balanced" in (heard, coming) else 0.3

    stream.run(3000, narrow)
    assert stream.heard == "light"
    assert stream.history.count("balanced") < 60
    assert len(stream.ladder.steps) <= 2


def test_a_network_far_too_slow_is_left_before_the_stage_itself_is_taken_out() -> None:
    stream = Stream()
    overruns = 0
    worst = 0

    def slow(hop: int, heard: str, coming: str) -> float:
        nonlocal overruns, worst
        cost = 12.0 if "balanced" in (heard, coming) else 0.3
        overruns = overruns + 1 if cost > 9.0 else 0
        worst = max(worst, overruns)
        return cost

    stream.run(1000, slow)
    assert stream.heard == "light"
    assert worst < 10


def test_a_chosen_mode_does_not_yield_and_offline_nothing_counts() -> None:
    stream = Stream()
    stream.run(1000, burning, yields=False)
    stream.run(1000, burning, budget_ns=0)
    assert set(stream.history) == {"balanced"}


def test_a_failing_rung_is_tried_again_after_growing_pauses() -> None:
    ladder = Ladder(HOP_S)
    ladder.aim(RUNGS, False)
    heard, tries = "balanced", []
    for hop in range(20_000):
        wanted = ladder.wanted
        failure = Failure("balanced", "boom") if wanted == "balanced" else None
        if failure:
            tries.append(hop)
            heard = "dry" if heard == "balanced" else heard
        else:
            heard = wanted
        ladder.after_hop(0, 0, heard, failure)
    pauses = np.diff(tries)
    assert pauses[0] == pytest.approx(200, abs=2)
    assert np.all(np.diff(pauses) >= 0)
    assert pauses.max() == pytest.approx(6000, abs=2)
    first, second = list(ladder.steps)[:2]
    assert (first.left, first.heard, first.reason) == ("balanced", "dry", "boom")
    assert (second.heard, second.reason) == ("light", "it stands in")


def test_a_hang_bars_the_dearer_of_two() -> None:
    stream = Stream()
    stream.run(100, steady, yields=False)
    stream.run(1, lambda *_: 200.0, yields=False)
    assert stream.heard == "dry"
    stream.run(50, steady, yields=False)
    assert stream.heard == "light"
    assert "hung for 200 ms" in stream.ladder.steps[0].reason
    stream.run(400, steady, yields=False)
    assert stream.heard == "balanced"
    assert stream.ladder.steps[-1].reason == "it works again"


class Misbehaving:
    """A denoiser that delays and does what `fault` says. Its streams share the fault."""

    sample_rate = 48_000
    hop_samples = HOP
    warm_up_hops = 5

    def __init__(self, delay_samples: int, gain: float = 1.0) -> None:
        self.delay_samples = delay_samples
        self.gain = gain
        self.fault = ""
        self.calls = 0

    def stream(self) -> MisbehavingStream:
        return MisbehavingStream(self)


class MisbehavingStream:
    noisy_power = clean_power = speech_snr_db = 1.0

    def __init__(self, denoiser: Misbehaving) -> None:
        self._denoiser = denoiser
        self._past: list[NDArray[np.float32]] = []
        self.reset()

    def process(self, hop_in: NDArray[np.float32], hop_out: NDArray[np.float32], residual: Residual) -> None:
        self._denoiser.calls += 1
        self._past = [*self._past[1:], hop_in.copy()]
        if self._denoiser.fault == "raise":
            hop_out[:] = 7.0
            raise RuntimeError("session gone\nwith a long story")
        if self._denoiser.fault == "hang":
            time.sleep(0.2)
        if self._denoiser.fault == "slow":
            time.sleep(0.04)
        hop_out[:] = self._denoiser.gain * self._past[-1 - self._denoiser.delay_samples // HOP]
        if self._denoiser.fault == "nan":
            hop_out[7] = np.nan

    def reset(self) -> None:
        self._past = [np.zeros(HOP, np.float32) for _ in range(4)]

    def copy_from(self, other: MisbehavingStream) -> None:
        self._past = list(other._past)

    def take_over(self, other: object) -> bool:
        return False


@pytest.fixture
def networks() -> dict[str, Misbehaving]:
    return {"balanced": Misbehaving(960), "light": Misbehaving(480)}


def blocks(
    stage: Denoise, mode: str, budget_ns: int, hops: int, channels: int = 1, generous_from_hop: int | None = None
) -> Iterator[tuple[int, NDArray[np.float32], NDArray[np.float32]]]:
    """Each hop's index, what comes out and what should, of a tone whose period does not fit a hop."""
    stage.expect(DenoiseParams(mode=mode))
    stage.prepare(StreamFormat(48_000, channels, HOP))
    ctx: Context[DenoiseParams] = Context(DenoiseParams(mode=mode), len(Denoise.meters))
    ctx.budget_ns = budget_ns
    tone = (0.5 * np.sin(2 * np.pi * 997 / 48_000 * np.arange(hops * HOP))).astype(np.float32)
    tone = np.tile(tone, (channels, 1))
    delayed = np.concatenate([np.zeros((channels, 960), np.float32), tone], axis=1)
    for hop in range(hops):
        cut = slice(hop * HOP, (hop + 1) * HOP)
        out = tone[:, cut].copy()
        if hop == generous_from_hop:
            ctx.budget_ns = 10**9
        stage.process(out, ctx)
        yield hop, out, delayed[:, cut]


@pytest.mark.parametrize("channels", [1, 2])
@pytest.mark.parametrize("mode", ["auto", "balanced"])
@pytest.mark.parametrize(
    ("fault", "reason"), [("raise", "RuntimeError: session gone"), ("nan", "no numbers"), ("hang", "hung for 2")]
)
def test_a_network_that_fails_is_replaced_without_a_trace_in_the_sound(
    networks: dict[str, Misbehaving], fault: str, reason: str, mode: str, channels: int
) -> None:
    stage = Denoise(networks)
    told: list[str] = []
    for hop, out, expected in blocks(stage, mode, 9_000_000, 450, channels):
        networks["balanced"].fault = fault if 50 <= hop < 150 else ""
        np.testing.assert_allclose(out, expected, atol=1e-6)
        told += stage.take_notices()
        assert stage.latency_samples == 960
    assert told[0].startswith("dry is heard instead of balanced")
    assert reason in told[0]
    assert "\n" not in told[0]
    assert told[1] == "light is heard instead of dry (it stands in)"
    assert told[-1] == "balanced is heard instead of light (it works again)"
    assert networks["balanced"].calls < 600


@pytest.mark.parametrize(("frames", "is_left"), [(HOP, True), (HOP // 4, False)])
def test_in_short_blocks_a_network_has_the_time_of_all_blocks_that_it_works_for(
    networks: dict[str, Misbehaving], frames: int, is_left: bool
) -> None:
    stage = Denoise(networks)
    stage.prepare(StreamFormat(48_000, 1, frames))
    ctx: Context[DenoiseParams] = Context(DenoiseParams(mode="auto"), len(Denoise.meters))
    # Two thirds of it are less than a call takes, and those of four blocks are more by far.
    ctx.budget_ns = 50_000_000
    networks["balanced"].fault = "slow"
    for _ in range(20 * HOP // frames):
        stage.process(np.zeros((1, frames), np.float32), ctx)
    assert any("instead of balanced" in notice for notice in stage.take_notices()) is is_left


def test_when_all_fail_the_dry_signal_goes_on(networks: dict[str, Misbehaving]) -> None:
    stage = Denoise(networks)
    for hop, out, expected in blocks(stage, "balanced", 0, 300):
        networks["balanced"].fault = networks["light"].fault = "raise" if hop >= 20 else ""
        np.testing.assert_allclose(out, expected, atol=1e-6)
    told = " ".join(stage.take_notices())
    assert "dry is heard instead of balanced" in told
    assert "dry is heard instead of light" in told


def test_landing_on_dry_from_another_level_has_no_click(networks: dict[str, Misbehaving]) -> None:
    networks["balanced"].gain = networks["light"].gain = 0.5
    stage = Denoise(networks)
    sound = []
    for hop, out, _ in blocks(stage, "balanced", 0, 120):
        networks["balanced"].fault = "raise" if hop >= 50 else ""
        sound.append(out[0].copy())
    y = np.concatenate(sound)
    steepest = 0.5 * 2 * np.pi * 997 / 48_000
    assert np.abs(np.diff(y[960:])).max() < 1.25 * steepest


def test_offline_a_hang_changes_nothing(networks: dict[str, Misbehaving]) -> None:
    stage = Denoise(networks)
    for hop, out, expected in blocks(stage, "auto", 0, 60):
        networks["balanced"].fault = "hang" if hop in {20, 21} else ""
        np.testing.assert_allclose(out, expected, atol=1e-6)
    assert stage.take_notices() == ()


def test_a_mode_that_cannot_be_loaded_is_stood_in_for(networks: dict[str, Misbehaving]) -> None:
    stage = Denoise({"light": networks["light"]}, ["the mode balanced is not there: its file is damaged"])
    for _, _, _ in blocks(stage, "balanced", 0, 10):
        pass
    assert stage.latency_samples == 480
    assert not stage.wants_prepare
    assert stage.take_notices() == ("the mode balanced is not there: its file is damaged",)
    assert stage.take_notices() == ()


def test_with_no_model_at_all_the_first_reason_is_told() -> None:
    class Nothing:
        def model_path(self, model_id: str) -> None:
            raise ModelError(f"{model_id} is damaged")

    with pytest.raises(ModelError, match="deepfilternet3 is damaged"):
        Denoise.build(Nothing())  # type: ignore[arg-type]


def test_pressure_in_the_stage_steps_down_and_comes_back(networks: dict[str, Misbehaving]) -> None:
    stage = Denoise(networks)
    told: list[str] = []
    # Whatever a hop costs, two nanoseconds are too few.
    for _, out, expected in blocks(stage, "auto", 2, 1000, generous_from_hop=100):
        np.testing.assert_allclose(out, expected, atol=1e-6)
        told += stage.take_notices()
    assert told[0].startswith("dry is heard instead of balanced (it took")
    assert told[-1] == "balanced is heard instead of light (there is room again)"


class Shaky:
    """A real denoiser whose streams raise, return what is no number, or work, as `fault` says."""

    def __init__(self, denoiser: FrameDenoiser) -> None:
        self.sample_rate, self.hop_samples = denoiser.sample_rate, denoiser.hop_samples
        self.delay_samples, self.warm_up_hops = denoiser.delay_samples, denoiser.warm_up_hops
        self.fault = ""
        self._denoiser = denoiser

    def stream(self) -> DenoiserStream:
        stream = self._denoiser.stream()
        process = stream.process

        def shaky(hop_in: NDArray[np.float32], hop_out: NDArray[np.float32], residual: Residual) -> None:
            if self.fault == "raise":
                raise RuntimeError("gone")
            process(hop_in, hop_out, residual)
            if self.fault == "nan":
                hop_out[:] = np.nan

        stream.process = shaky  # type: ignore[method-assign]
        return stream


def shaken(
    stage: Denoise, networks: list[Shaky], samples: NDArray[np.float32], switches: int
) -> tuple[NDArray[np.float32], int]:
    """Output, and the number of steps, at no strength while faults, pressure and modes come and go at random."""
    stage.expect(DenoiseParams(mode="auto"))
    stage.prepare(StreamFormat(48_000, 1, HOP))
    ctx: Context[DenoiseParams] = Context(DenoiseParams(0.0, "auto"), len(Denoise.meters))
    random = np.random.default_rng(7)
    out = np.resize(samples, (1, switches * 30 * HOP)).astype(np.float32)
    steps = 0
    for index, start in enumerate(range(0, out.shape[1], HOP)):
        if index % 30 == 20:
            for network in networks:
                network.fault = str(random.choice(["", "", "raise", "nan"]))
            ctx.budget_ns = int(random.choice([2, 10**9]))
            ctx.params = DenoiseParams(0.0, str(random.choice(["auto", "auto", "balanced", "light"])))
        stage.process(out[:, start : start + HOP], ctx)
        steps += len(stage.take_notices())
    return out.reshape(-1), steps


@pytest.mark.parametrize("sound", ["speech", "tone"])
def test_two_hundred_faults_and_steps_leave_no_residual_and_no_shift(
    model_store: ModelStore, speech: NDArray[np.float32], sound: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, seconds in {"FIRST_PAUSE_S": 0.1, "LONGEST_PAUSE_S": 0.1, "CALM_S": (0.05,)}.items():
        monkeypatch.setattr(ladder_module, name, seconds)
    balanced = Shaky(DeepFilterNet3(open_model(model_store.model_path("deepfilternet3-20ms")), predicted_frames=1))
    light = Shaky(NsNet2(open_model(model_store.model_path("nsnet2"))))
    stage = Denoise({"balanced": balanced, "light": light})
    tone = (0.25 * np.sin(2 * np.pi * 997 / 48_000 * np.arange(480_000) + 1.2)).astype(np.float32)
    x = speech if sound == "speech" else tone
    y, steps = shaken(stage, [balanced, light], x, 200)
    expected = np.resize(x, y.size)
    residual = np.abs(y[960:] - expected[:-960]).max()
    assert 20 * np.log10(residual) < -80.0
    assert steps > 200
