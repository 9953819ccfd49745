"""The ladder in a running engine: a network fails, the sound goes on at the same delay, and the events say what happened."""

from __future__ import annotations

import time

import numpy as np
import pytest
from numpy.typing import NDArray

from engine import ChainConfig, EngineConfig, EngineState, EventKind, Start
from engine.facade import Engine
from engine.inference.frame_denoiser import Residual
from engine.io.simulated import SimulatedBackend, Simulation
from engine.io.simulated_ports import SimulatedDevice
from engine.io.simulated_sound import MemorySink
from engine.stages.denoise import Denoise
from engine.stages.high_pass import HighPass
from tests.helpers.engines import FakeVirtualMicrophone, constant, wait_until

HOP = 480


class Network:
    """A delay of some hops that does what `fault` says."""

    sample_rate = 48_000
    hop_samples = HOP
    warm_up_hops = 5

    def __init__(self, delay_samples: int) -> None:
        self.delay_samples = delay_samples
        self.fault = ""

    def stream(self) -> NetworkStream:
        return NetworkStream(self)


class NetworkStream:
    noisy_power = clean_power = speech_snr_db = 1.0

    def __init__(self, network: Network) -> None:
        self._network = network
        self._past: list[NDArray[np.float32]] = []
        self.reset()

    def process(self, hop_in: NDArray[np.float32], hop_out: NDArray[np.float32], residual: Residual) -> None:
        self._past = [*self._past[1:], hop_in.copy()]
        match self._network.fault:
            case "raise":
                raise RuntimeError("the provider is gone")
            case "hang":
                time.sleep(0.2)
        hop_out[:] = np.nan if self._network.fault == "nan" else self._past[-1 - self._network.delay_samples // HOP]

    def reset(self) -> None:
        self._past = [np.zeros(HOP, np.float32) for _ in range(4)]

    def copy_from(self, other: NetworkStream) -> None:
        self._past = list(other._past)

    def take_over(self, other: object) -> bool:
        return False


@pytest.mark.parametrize(
    ("fault", "reason"),
    [("raise", "RuntimeError: the provider is gone"), ("nan", "samples that are no numbers"), ("hang", "it hung for")],
)
@pytest.mark.parametrize("mode", ["auto", "balanced"])
def test_a_failing_network_is_an_event_and_the_sound_goes_on(fault: str, reason: str, mode: str) -> None:
    networks = {"balanced": Network(960), "light": Network(480)}
    sink = MemorySink()
    backend = SimulatedBackend(Simulation(SimulatedDevice(), SimulatedDevice()), constant(0.25), sink, MemorySink())
    engine = Engine((HighPass(), Denoise(networks)), backend, lambda devices: FakeVirtualMicrophone())

    def texts() -> list[str]:
        return [event.text for event in engine.events() if event.kind is EventKind.STAGE]

    try:
        engine.send(Start(EngineConfig(chain=ChainConfig(params={"denoise.mode": mode}))))
        before = wait_until(engine.snapshot, lambda snapshot: snapshot.hops >= 50)
        networks["balanced"].fault = fault
        wait_until(texts, lambda told: any("light is heard instead of dry" in text for text in told))
        networks["balanced"].fault = ""
        wait_until(texts, lambda told: any("balanced is heard instead of light" in text for text in told))
        after = engine.snapshot()
    finally:
        engine.close()
    told = texts()
    assert told[0].startswith("Denoise: dry is heard instead of balanced")
    assert reason in told[0]
    assert after.state is EngineState.RUNNING
    assert after.hops > before.hops
    assert after.latency.chain_samples == before.latency.chain_samples == 960
