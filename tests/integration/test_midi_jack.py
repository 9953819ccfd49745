"""Real MIDI between processes, over a JACK server: a device moves the sound, is told, and is known again.

Times are gated with wide margins here, because other programs share a tester's machine; `benchmarks/midi.py` measures them.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from engine import SetBypass, Snapshot, Start
from engine.control.midi_rtmidi import RtMidiSystem
from engine.facade import Engine
from engine.io.simulated import SimulatedBackend, Simulation
from engine.io.simulated_ports import SimulatedDevice
from engine.io.simulated_sound import MemorySink
from engine.stages.high_pass import HighPass
from tests.helpers.engines import FakeVirtualMicrophone, config, constant, wait_until
from tests.helpers.small_stages import Late
from tests.rig.midi import Witness, effective_after_ms, playing, tiny_desk
from tests.rig.studio import JackStudio

pytestmark = [
    pytest.mark.needs("jackd", "module:rtmidi"),
    pytest.mark.skipif(sys.platform != "linux", reason="the rig's JACK server runs on Linux"),
]

HOP_MS = 10.0
SENT = 40


@pytest.fixture
def jack(monkeypatch: pytest.MonkeyPatch) -> Iterator[JackStudio]:
    with JackStudio(period_frames=64) as studio:
        for name, value in studio.env.items():
            if name.startswith("JACK_"):
                monkeypatch.setenv(name, value)
        yield studio


@pytest.fixture
def witness() -> Witness:
    return Witness()


@pytest.fixture
def engine(jack: JackStudio, witness: Witness, tmp_path: Path) -> Iterator[Engine]:
    simulation = Simulation(SimulatedDevice(), SimulatedDevice(), is_real_time=True)
    engine = Engine(
        (HighPass(), witness, Late()),
        SimulatedBackend(simulation, constant(0.25), MemorySink(), MemorySink()),
        lambda devices: FakeVirtualMicrophone(),
        midi_system=RtMidiSystem(),
        midi_maps=tiny_desk(tmp_path, "witness.factor", "late.color", "late"),
    )
    try:
        engine.send(Start(config()))
        yield engine
    finally:
        engine.close()


def is_plugged_in(snapshot: Snapshot) -> bool:
    return any(port.is_open and port.map == "tiny" for port in snapshot.midi.ports)


def test_a_message_is_in_the_sound_soon_and_none_is_lost(jack: JackStudio, engine: Engine, witness: Witness) -> None:
    with playing(jack, "latency", "--count", str(SENT)) as player:
        wait_until(engine.snapshot, is_plugged_in)
        player.go()
        sent = player.sent(SENT)
        wait_until(lambda: len(witness.seen), lambda count: count > SENT)
    delays_ms = effective_after_ms(sent, witness.seen)
    assert len(delays_ms) == SENT
    # On a busy machine; alone on one, see docs/benchmarks/midi.md.
    assert np.median(delays_ms) < 5 * HOP_MS


def test_a_light_follows_over_the_wire_and_its_echo_moves_nothing(jack: JackStudio, engine: Engine) -> None:
    with playing(jack, "echo") as player:
        wait_until(engine.snapshot, is_plugged_in)
        player.go()
        engine.send(SetBypass("late", True))
        wait_until(
            lambda: [message.text for message in engine.snapshot().midi.messages],
            lambda echoes: any("127" in echo for echo in echoes),
        )
        time.sleep(0.5)
        assert engine.snapshot().stages[-1].is_bypassed


def test_plugged_out_and_in_it_goes_on_and_a_dead_server_is_survived(jack: JackStudio, engine: Engine) -> None:
    for _ in range(2):
        with playing(jack, "latency", "--count", "2") as player:
            wait_until(engine.snapshot, is_plugged_in)
            player.go()
            wait_until(lambda: len(engine.snapshot().midi.messages), lambda count: count >= 2)
        wait_until(engine.snapshot, lambda snapshot: not is_plugged_in(snapshot))
    jack.processes.close()
    wait_until(lambda: engine.snapshot().midi.problem, lambda problem: "no MIDI system" in problem)
    assert engine.snapshot().state == "running"
