"""Comparisons in a running engine: by the same commands for window, command line, keys and MIDI; and models changed live.

Simulated time passes as fast as the machine can: in real time a busy one has no time for two chains, and the engine rightly
ends the comparison.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from engine import (
    AnswerBlind,
    ChainConfig,
    Compare,
    EndComparison,
    Listen,
    ModelError,
    ParameterError,
    RollBackModel,
    SetParam,
    Source,
    Start,
    UseModel,
)
from engine.commands import ConcludeCanary
from engine.facade import Engine
from engine.inference.catalog import ModelStore
from engine.inference.imported import ImportedCatalog, ImportedModel, write_imported
from engine.inference.library import ModelLibrary
from engine.io.simulated import SimulatedBackend, Simulation
from engine.io.simulated_ports import SimulatedDevice
from engine.io.simulated_sound import MemorySink
from engine.stages.denoise import Denoise
from engine.stages.high_pass import HighPass
from tests.helpers.engines import FakeVirtualMicrophone, Studio, config, constant, studio, wait_until

LOUD = ChainConfig(params={"factor.factor": 2.0})


def pass_hops(engine: Engine, hops: int = 60) -> None:
    """Wait until a change of stages, or of what is heard, is over."""
    seen = engine.snapshot().hops
    wait_until(engine.snapshot, lambda snapshot: snapshot.hops > seen + hops)


@pytest.fixture
def running() -> Iterator[Studio]:
    with studio(is_real_time=False) as found:
        found.engine.send(Start(config()))
        found.wait_for(lambda snapshot: snapshot.hops > 10)
        yield found


def test_a_b_and_back(running: Studio) -> None:
    engine = running.engine
    engine.send(Compare(chain=LOUD))
    assert engine.snapshot().comparison is not None
    engine.send(Listen(Source.B))
    comparison = wait_until(lambda: engine.snapshot().comparison, lambda found: found and found.gains_db[1] < -5.9)
    assert comparison is not None
    assert (comparison.heard, comparison.other, comparison.is_private) == (Source.B, "factor.factor 2.0", False)
    assert comparison.gains_db == pytest.approx((0.0, -6.02), abs=0.1)
    engine.send(Listen(Source.OTHER))
    assert (found := engine.snapshot().comparison) is not None
    assert found.heard is Source.A
    # A stays under the user's hands.
    engine.send(SetParam("factor.factor", 1.5))
    engine.send(EndComparison())
    assert engine.snapshot().comparison is None
    assert engine.snapshot().params["factor.factor"] == 1.5


def test_b_can_be_kept(running: Studio) -> None:
    running.engine.send(Compare(chain=LOUD, label="loud"))
    running.engine.send(EndComparison(is_b_kept=True))
    assert running.engine.snapshot().params["factor.factor"] == 2.0
    assert "B is kept: loud" in running.event_texts()


def test_a_blind_test_tells_at_the_end(running: Studio) -> None:
    engine = running.engine
    engine.send(Compare(chain=LOUD, trials=3))
    for answered in range(3):
        engine.send(Listen(Source.X))
        found = engine.snapshot().comparison
        assert found is not None
        assert (found.heard, found.answered, found.right) == (Source.X, answered, None)
        engine.send(AnswerBlind(Source.A))
    found = engine.snapshot().comparison
    assert found is not None
    assert found.right is not None
    assert any("of 3 right" in text for text in running.event_texts())
    with pytest.raises(ParameterError, match="no X to be heard"):
        engine.send(Listen(Source.X))


def test_what_makes_no_sense_is_refused(running: Studio) -> None:
    engine = running.engine
    for command, words in (
        (Listen(Source.B), "no B to compare with"),
        (Listen(Source.REMOVED), "no denoiser"),
        (AnswerBlind(Source.A), "no blind test"),
        (Compare(chain=LOUD, trials=-1), "1 to 100 trials"),
        (Compare(chain=ChainConfig(params={"choir.size": 3})), "no stage named 'choir'"),
    ):
        with pytest.raises(ParameterError, match=words):
            engine.send(command)
    with pytest.raises(ModelError, match="no models"):
        engine.send(Compare(model="net"))
    engine.send(EndComparison())
    with studio() as still, pytest.raises(ParameterError, match="stands still"):
        still.engine.send(Compare(chain=LOUD))


def test_with_a_monitor_the_audience_hears_nothing_of_it() -> None:
    with studio(is_real_time=False) as found:
        found.engine.send(Start(config(monitor="simulated:out")))
        found.wait_for(lambda snapshot: snapshot.hops > 10)
        found.engine.send(Compare(chain=ChainConfig(params={"factor.is_inverted": True})))
        found.engine.send(Listen(Source.B))
        assert (comparison := found.engine.snapshot().comparison) is not None
        assert comparison.is_private
        # B is heard once it has warmed up.
        pass_hops(found.engine, 150)
        air, monitor = found.sink.frames(), found.monitor_sink.frames()
    np.testing.assert_allclose(air[:, 2000:], 0.25, atol=1e-3)
    assert monitor.min() < -0.2


def test_models_are_changed_while_the_sound_goes_on(tmp_path: Path, model_store: ModelStore) -> None:
    content = model_store.model_path("nsnet2").read_bytes()
    (tmp_path / "twin.onnx").write_bytes(content)
    own = model_store.entry("nsnet2")
    twin = ImportedModel(
        id="twin", kind="denoiser", label="Twin", version="1", source="", licence="", file="twin.onnx",
        sha256=own.sha256, fits="nsnet2", sample_rate_hz=48_000, hop_samples=480, delay_samples=480, cost_ms=0.1, card="",
    )  # fmt: skip
    write_imported(tmp_path, ImportedCatalog((twin,)))
    library = ModelLibrary(model_store, tmp_path)
    sink = MemorySink()
    simulation = Simulation(SimulatedDevice(), SimulatedDevice(), is_real_time=False)
    backend = SimulatedBackend(simulation, constant(0.25), sink, MemorySink())
    stages = (HighPass(), Denoise.build(library.in_use()))
    engine = Engine(stages, backend, lambda devices: FakeVirtualMicrophone(), is_paced=False, models=library)

    def texts() -> str:
        return "; ".join(event.text for event in engine.events())

    try:
        engine.send(Start(config(denoise__mode="light", denoise__strength_db=0.0)))
        wait_until(engine.snapshot, lambda snapshot: snapshot.hops > 30)
        assert "nsnet2" in {model.id for model in engine.snapshot().models}
        engine.send(UseModel("twin", "to try"))
        assert "twin" in {model.id for model in engine.snapshot().models}
        assert f"twin (sha256 {own.sha256}) takes the place of nsnet2 (sha256 {own.sha256}): to try" in texts()
        pass_hops(engine)
        engine.send(RollBackModel("nsnet2"))
        assert "rolled back" in texts()
        assert "twin" not in {model.id for model in engine.snapshot().models}
        engine.send(ConcludeCanary("twin", False, "it leaves 5.0 dB more in pauses"))
        assert f"twin (sha256 {own.sha256}) stays out: it leaves 5.0 dB more in pauses" in texts()
        engine.send(Compare(model="twin"))
        engine.send(Listen(Source.REMOVED))
        assert (found := engine.snapshot().comparison) is not None
        assert found.heard is Source.REMOVED
        pass_hops(engine)
        (tmp_path / "twin.onnx").write_bytes(content[:-1] + b"!")
        with pytest.raises(ModelError, match="is not the twin that was imported"):
            engine.send(UseModel("twin"))
    finally:
        engine.close()
    assert [change.model for change in library.history] == ["twin", "nsnet2"]
    sound = sink.frames()[0]
    # At no strength the input comes out as it is, whatever network is at work: no gap, no click.
    start = int(np.flatnonzero(sound > 0.2)[0]) + 4800
    assert np.abs(np.diff(sound[start : sound.size - 4800])).max() < 1e-3
