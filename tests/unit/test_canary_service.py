"""The canary as a service: it hears the engine's microphone, reports, and has the model promoted or kept out."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from numpy.typing import NDArray

from app.services import canary as canary_module
from app.services.canary import CanaryService
from engine import CanaryConfig, CanaryStatus, ServicesConfig, SetService
from engine.commands import ConcludeCanary, ReportService
from engine.inference.catalog import ModelStore, sha256_of
from engine.inference.imported import ImportedCatalog, ImportedModel, write_imported
from engine.inference.library import ModelLibrary
from tests.helpers.microphone import Microphone


@pytest.fixture
def library(tmp_path: Path, model_store: ModelStore) -> ModelLibrary:
    """NSNet2 again, by another file: `same` does the same, `loud` lets noise through."""
    models = []
    for name in ("same", "loud"):
        model = onnx.load(model_store.model_path("nsnet2"))
        model.doc_string = name
        if name == "loud":
            node = next(node for node in model.graph.node if "gain" in node.output)
            node.output[:] = ["gain_before"]
            model.graph.node.append(onnx.helper.make_node("Max", ["gain_before", "floor"], ["gain"]))
            model.graph.initializer.append(onnx.numpy_helper.from_array(np.array([0.5], np.float32), "floor"))
        path = tmp_path / f"{name}.onnx"
        onnx.save(model, path)
        models.append(
            ImportedModel(
                id=name,
                kind="denoiser",
                label=name,
                version="1",
                source="",
                licence="",
                file=path.name,
                sha256=sha256_of(path),
                fits="nsnet2",
                sample_rate_hz=48_000,
                hop_samples=480,
                delay_samples=480,
                cost_ms=0.1,
                card="",
            )
        )
    write_imported(tmp_path, ImportedCatalog(tuple(models)))
    return ModelLibrary(model_store, tmp_path)


@pytest.mark.parametrize(
    ("model", "is_promoted", "reason"),
    [("same", True, "held for its time"), ("loud", False, "more in pauses"), ("nsnet2", False, "in use already"),
     ("choir", False, "no model named 'choir'")],
)  # fmt: skip
def test_a_model_runs_unheard_and_is_judged(
    library: ModelLibrary, noisy_speech: NDArray[np.float32], monkeypatch: pytest.MonkeyPatch,
    model: str, is_promoted: bool, reason: str,
) -> None:  # fmt: skip
    monkeypatch.setattr(canary_module, "_LOOK_INTERVAL_S", 0.001)
    monkeypatch.setattr(canary_module, "_MOST_TIMES", 1000.0)
    is_over = threading.Event()
    engine = Microphone(noisy_speech, CanaryConfig(model=model, seconds=9.0), is_over)
    CanaryService(library).run(engine, is_over)  # type: ignore[arg-type]
    *reports, off, verdict = engine.sent
    assert off == SetService(CanaryConfig())
    assert (verdict.model, verdict.is_promoted) == (model, is_promoted), verdict.reason
    assert reason in verdict.reason
    assert all(isinstance(report, ReportService) for report in reports)
    assert model not in {"same", "loud"} or len(reports) >= 8


class Reader(Microphone):
    """One who waits until the verdict is told as a status."""

    def send(self, command: Any) -> None:
        super().send(command)
        self._is_over.clear()
        if isinstance(command, ReportService) and isinstance(command.status, CanaryStatus) and command.status.verdict:
            self._is_over.set()


def test_the_verdict_is_told_until_another_is_tried(library: ModelLibrary, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(canary_module, "_LOOK_INTERVAL_S", 0.001)
    is_over = threading.Event()
    engine = Reader(np.zeros(0, np.float32), CanaryConfig(model="choir", seconds=9.0), is_over)
    CanaryService(library).run(engine, is_over)  # type: ignore[arg-type]
    told = engine.sent[-1].status
    assert (told.model, told.is_promoted) == ("choir", False)
    assert "no model named 'choir'" in told.verdict


def test_it_is_called_off_by_its_settings(
    library: ModelLibrary, noisy_speech: NDArray[np.float32], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(canary_module, "_LOOK_INTERVAL_S", 0.001)
    is_over = threading.Event()
    engine = Microphone(noisy_speech, CanaryConfig(model="same", seconds=1e6), is_over)
    thread = threading.Thread(target=CanaryService(library).run, args=(engine, is_over))
    thread.start()
    while not engine.sent:
        is_over.wait(0.01)
    engine.config = ServicesConfig()
    is_over.wait(0.3)
    is_over.set()
    thread.join(20.0)
    assert not thread.is_alive()
    assert not any(isinstance(command, ConcludeCanary) for command in engine.sent)
