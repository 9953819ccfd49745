"""The panel for models: what is in use, what could be, a trial and its verdict, and the way back, a click each."""

from __future__ import annotations

import msgspec
import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from pytestqt.qtbot import QtBot

from app.bridge import EngineBridge
from app.imported_models import ImportedModel
from app.ui.panels.models_panel import ModelsPanel
from engine import (
    CanaryConfig,
    CanaryStatus,
    ModelError,
    ModelSnapshot,
    RollBackModel,
    ServicesConfig,
    ServicesSnapshot,
    SetService,
    Snapshot,
    UseModel,
)
from tests.helpers.fake_engine import FakeEngine

MINE = ImportedModel(
    id="mine", kind="denoiser", label="Mine", version="2", source="", licence="", file="mine.onnx", sha256="ab" * 32,
    fits="nsnet2", sample_rate_hz=48_000, hop_samples=480, delay_samples=480, cost_ms=0.21, card="",
)  # fmt: skip
OWN = (
    ModelSnapshot("nsnet2", "nsnet2", "cd" * 32, "CPU"),
    ModelSnapshot("deepfilternet3", "deepfilternet3", "", "CPU"),
)
WITH_MINE = (ModelSnapshot("nsnet2", "mine", "ab" * 32, "CPU"), OWN[1])


def snapshot(
    engine: FakeEngine,
    models: tuple[ModelSnapshot, ...] = OWN,
    trial: CanaryConfig | None = None,
    status: CanaryStatus | None = None,
) -> Snapshot:
    services = ServicesSnapshot(config=ServicesConfig(canary=trial or CanaryConfig()), canary=status)
    return msgspec.structs.replace(engine.snapshot(), models=models, services=services)


@pytest.fixture
def panel(qtbot: QtBot, bridge: EngineBridge) -> ModelsPanel:
    panel = ModelsPanel(bridge, lambda: (MINE,))
    qtbot.addWidget(panel)
    bridge.open()
    panel.show()
    return panel


def click(panel: ModelsPanel, model_id: str, what: str) -> None:
    QTest.mouseClick(panel.buttons[model_id, what], Qt.MouseButton.LeftButton)


def test_an_imported_model_is_tried_or_used_with_a_click(qtbot: QtBot, panel: ModelsPanel, engine: FakeEngine) -> None:
    panel.show_snapshot(snapshot(engine))
    assert set(panel.buttons) == {("mine", "try"), ("mine", "use")}
    click(panel, "mine", "try")
    click(panel, "mine", "use")
    expected = [SetService(CanaryConfig(model="mine", seconds=600.0)), UseModel("mine", "chosen in the window")]
    qtbot.waitUntil(lambda: [command for command in engine.commands if command in expected] == expected)


def test_a_trial_is_told_and_can_be_stopped(qtbot: QtBot, panel: ModelsPanel, engine: FakeEngine) -> None:
    trial = CanaryConfig(model="mine", seconds=600.0)
    panel.show_snapshot(snapshot(engine, trial=trial))
    assert panel.state.text() == "mine is about to run unheard."
    panel.show_snapshot(snapshot(engine, trial=trial, status=CanaryStatus("mine", 12.0, "12 s heard, 0 failures")))
    assert "mine runs unheard for 10 min of sound: 12 s heard, 0 failures." in panel.state.text()
    QTest.mouseClick(panel.stop_button, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: SetService(CanaryConfig()) in engine.commands)


@pytest.mark.parametrize(("is_promoted", "outcome"), [(True, "takes the place"), (False, "stays out")])
def test_the_verdict_stays_to_be_read(panel: ModelsPanel, engine: FakeEngine, is_promoted: bool, outcome: str) -> None:
    panel.show_snapshot(snapshot(engine, status=CanaryStatus("mine", 0.0, "", "for a reason", is_promoted)))
    assert outcome in panel.state.text()
    assert panel.state.text().endswith("for a reason.")
    assert panel.stop_button.isHidden()


def test_one_click_goes_back_to_the_model_before(qtbot: QtBot, panel: ModelsPanel, engine: FakeEngine) -> None:
    panel.show_snapshot(snapshot(engine, WITH_MINE))
    assert set(panel.buttons) == {("mine", "back")}
    click(panel, "mine", "back")
    qtbot.waitUntil(lambda: RollBackModel("nsnet2") in engine.commands)
    panel.show_snapshot(snapshot(engine))
    assert set(panel.buttons) == {("mine", "try"), ("mine", "use")}


def test_a_damaged_list_is_one_sentence(qtbot: QtBot, bridge: EngineBridge, engine: FakeEngine) -> None:
    def refuse() -> tuple[ImportedModel, ...]:
        raise ModelError("the list of imported models is damaged; delete it")

    panel = ModelsPanel(bridge, refuse)
    qtbot.addWidget(panel)
    panel.show_snapshot(snapshot(engine))
    assert not panel.buttons
