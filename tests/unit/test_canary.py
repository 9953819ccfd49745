"""The canary: figures of two denoisers over the same sound, and the rule that promotes one or does not."""

from __future__ import annotations

import re

import msgspec
import numpy as np
import pytest
from numpy.typing import NDArray

from engine.inference.canary import Canary, judge
from engine.inference.catalog import ModelStore
from engine.inference.deepfilternet3 import DeepFilterNet3
from engine.inference.frame_denoiser import Residual
from engine.inference.nsnet2 import NsNet2
from engine.inference.session import open_model

Sound = NDArray[np.float32]
RATE, HOP = 48_000, 480


class Gate:
    """Lets through what is above a level, lowers the rest by `reduction_db`, and changes the voice by `voice_db`."""

    sample_rate, hop_samples, warm_up_hops = RATE, HOP, 0

    def __init__(
        self, reduction_db: float = 20.0, voice_db: float = 0.0, delay_samples: int = 480, fault: str = ""
    ) -> None:
        self.reduction, self.voice = 10 ** (-reduction_db / 20), 10 ** (voice_db / 20)
        self.delay_samples = delay_samples
        self.fault = fault

    def stream(self) -> GateStream:
        return GateStream(self)


class GateStream:
    noisy_power = clean_power = speech_snr_db = 0.0

    def __init__(self, gate: Gate) -> None:
        self._gate = gate
        self._past = [np.zeros(HOP, np.float32) for _ in range(gate.delay_samples // HOP + 1)]
        self._hop = 0

    def process(self, hop_in: Sound, hop_out: Sound, residual: Residual) -> None:
        self._hop += 1
        self._past = [*self._past[1:], hop_in.copy()]
        is_voice = np.square(self._past[0]).mean() > 1e-3
        hop_out[:] = self._past[0] * np.float32(self._gate.voice if is_voice else self._gate.reduction)
        if self._gate.fault and self._hop == 700:
            if self._gate.fault == "raise":
                raise RuntimeError("gone")
            hop_out[3] = np.nan

    def reset(self) -> None: ...

    def copy_from(self, other: GateStream) -> None: ...

    def take_over(self, other: object) -> bool:
        return False


@pytest.fixture(scope="module")
def talk() -> Sound:
    """Twenty seconds: one of voice, one of room noise at -40 dB, and so on."""
    chance = np.random.default_rng(1)
    is_voice = np.repeat(np.arange(20) % 2 == 0, RATE)
    return (np.where(is_voice, 0.2, 0.002) * chance.standard_normal(20 * RATE)).astype(np.float32)


def pieces(sound: Sound) -> list[Sound]:
    """As a tap gives them: of any length."""
    return np.array_split(sound, 97)


def observed(current: Gate, candidate: Gate, sound: Sound) -> Canary:
    canary = Canary(current, candidate)
    for piece in pieces(sound):
        canary.hear(piece)
    return canary


def test_figures_are_what_was_done(talk: Sound) -> None:
    figures = observed(Gate(), Gate(26.0, -1.0, delay_samples=1440), talk).figures()
    assert figures.heard_s == pytest.approx(20.0, abs=0.02)
    assert figures.is_voice
    assert figures.voice_db == pytest.approx(-1.0, abs=0.2)
    assert figures.noise_db == pytest.approx(-6.0, abs=0.2)
    assert figures.failures == 0
    assert figures.cost_p50_ms is not None
    assert msgspec.json.decode(msgspec.json.encode(figures))["failures"] == 0


def test_one_that_does_as_well_is_promoted(talk: Sound) -> None:
    verdict = judge(observed(Gate(), Gate(22.0, 0.5), talk).figures())
    assert verdict.is_promoted, verdict.reason
    assert "voice +0.5 dB" in verdict.reason


@pytest.mark.parametrize(
    ("candidate", "reason"),
    [
        (Gate(10.0), "more in pauses"),
        (Gate(20.0, -6.0), "changes the voice by -6.0 dB"),
        (Gate(fault="raise"), "failed in 1 hops .RuntimeError: gone"),
        (Gate(fault="nan"), "no numbers"),
    ],
)
def test_one_that_does_worse_is_not(talk: Sound, candidate: Gate, reason: str) -> None:
    verdict = judge(observed(Gate(), candidate, talk).figures())
    assert not verdict.is_promoted
    assert re.search(reason, verdict.reason)


def test_one_that_is_too_dear_is_not(talk: Sound) -> None:
    figures = observed(Gate(), Gate(), talk).figures()
    assert judge(msgspec.structs.replace(figures, cost_p99_ms=9.0, current_cost_p99_ms=2.0)).reason.startswith(
        "its slow"
    )
    busy = msgspec.structs.replace(figures, cost_p99_ms=9.0, current_cost_p99_ms=8.0)
    assert judge(busy).is_promoted


def test_silence_proves_nothing() -> None:
    verdict = judge(observed(Gate(), Gate(), np.zeros(5 * RATE, np.float32)).figures())
    assert not verdict.is_promoted
    assert "too little was said" in verdict.reason


def test_real_networks_are_judged_by_what_they_do(model_store: ModelStore, noisy_speech: Sound) -> None:
    balanced = DeepFilterNet3(open_model(model_store.model_path("deepfilternet3-20ms")), 1)
    canary = Canary(NsNet2(open_model(model_store.model_path("nsnet2"))), balanced)
    canary.hear(noisy_speech)
    figures = canary.figures()
    assert figures.noise_db is not None
    assert figures.noise_db < 3.0
    assert figures.voice_db is not None
    assert abs(figures.voice_db) < 2.0
    assert figures.agreement_db is not None
    assert figures.agreement_db > 5.0
