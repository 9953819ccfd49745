"""Rooms in a whole engine: chosen while it runs, heard, kept, and damaged ones told. Simulated device."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from app.rooms import RoomFolder
from engine import DeviceConfig, EngineConfig, EngineState, RoomConfig, RoomError, SetParam, SetRoom, Start
from engine.facade import Engine
from engine.io.simulated import SimulatedBackend, Simulation
from engine.io.simulated_sound import FunctionSource, MemorySink
from engine.stages.high_pass import HighPass
from engine.stages.room_correction import RoomCorrection
from tests.helpers.engines import FakeVirtualMicrophone, wait_until
from tests.unit.test_room_profiles import profile


@pytest.fixture
def folder(tmp_path: Path) -> RoomFolder:
    folder = RoomFolder(tmp_path)
    folder.save(profile("Attic"))
    return folder


@pytest.fixture
def engine(folder: RoomFolder) -> Iterator[Engine]:
    rng = np.random.default_rng(1)

    def noise(first_frame: int, out: np.ndarray) -> None:
        out[:] = 0.05 * rng.standard_normal(out.shape)

    backend = SimulatedBackend(Simulation(), lambda: FunctionSource(noise), MemorySink(48_000), MemorySink(48_000))
    engine = Engine(
        [HighPass(), RoomCorrection()], backend, lambda devices: FakeVirtualMicrophone(), load_room=folder.room
    )
    try:
        yield engine
    finally:
        engine.close()


def config(room: RoomConfig) -> EngineConfig:
    return EngineConfig(
        devices=DeviceConfig(input="simulated:in", output="simulated:out", monitor="simulated:out"), room=room
    )


def most_cut_db(engine: Engine) -> float:
    return next(stage.meters["cut_db"] for stage in engine.snapshot().stages if stage.id == "room_correction")


def test_a_room_is_chosen_and_changed_while_sound_flows(engine: Engine) -> None:
    engine.send(Start(config(RoomConfig())))
    wait_until(engine.snapshot, lambda seen: seen.hops > 5)
    assert most_cut_db(engine) == 0.0
    engine.send(SetRoom(RoomConfig(profile="Attic", monitor="Attic")))
    assert engine.snapshot().room.config == RoomConfig(profile="Attic", monitor="Attic")
    wait_until(engine.snapshot, lambda seen: most_cut_db(engine) > 2.0)
    engine.send(SetParam("room_correction.strength", 0.0))
    wait_until(engine.snapshot, lambda seen: most_cut_db(engine) == 0.0)
    engine.send(SetRoom(RoomConfig()))
    assert engine.snapshot().state is EngineState.RUNNING


def test_an_engine_that_starts_with_a_room_corrects_from_the_first_hop(engine: Engine) -> None:
    engine.send(Start(config(RoomConfig(profile="Attic"))))
    wait_until(engine.snapshot, lambda seen: seen.hops > 2)
    assert most_cut_db(engine) > 2.0


def test_a_damaged_profile_is_told_and_the_sound_goes_on(engine: Engine, tmp_path: Path) -> None:
    (tmp_path / "Attic.room.json").write_bytes(b"{")
    engine.send(Start(config(RoomConfig(profile="Attic"))))
    seen = wait_until(engine.snapshot, lambda seen: seen.hops > 5)
    assert seen.state is EngineState.RUNNING
    assert "the room profile 'Attic' cannot be used, so nothing is corrected" in seen.room.problem
    assert any(seen.room.problem in event.text for event in engine.events())
    time.sleep(0.3)
    assert most_cut_db(engine) == 0.0
    with pytest.raises(RoomError, match="cannot be used"):
        engine.send(SetRoom(RoomConfig(profile="Attic")))
