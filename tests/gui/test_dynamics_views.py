"""Pictures of dynamics stages and the loudness of the session: they show what the engine tells, and nothing when closed."""

from __future__ import annotations

import numpy as np
import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from pytestqt.qtbot import QtBot

from app.ui.main_window import MainWindow
from app.ui.panels.dynamics_views import HistoryView, ResponseView, TransferView
from app.ui.panels.loudness_panel import LoudnessPanel
from app.ui.stage_views import STAGE_VIEWS
from app.ui.widgets.dynamics_plots import HISTORY_POINTS, TransferPlot
from engine import HoldMeters, ResetMeters, StageDescription
from engine.description import describe
from engine.stages import STAGES
from tests.helpers.fake_engine import FakeEngine

DESCRIPTIONS = {stage.id: stage for stage in describe(STAGES).stages}


def view_of(window: MainWindow, stage_id: str) -> TransferView:
    window.open_stage(stage_id)
    assert window.stage_panel is not None
    assert isinstance(window.stage_panel.view, TransferView)
    return window.stage_panel.view


@pytest.mark.parametrize("stage_id", ["compressor", "limiter"])
def test_an_open_panel_gathers_what_happens(qtbot: QtBot, window: MainWindow, stage_id: str) -> None:
    view = view_of(window, stage_id)
    qtbot.waitUntil(lambda: view.history.newest >= 0.0)


def test_every_view_is_for_a_stage_that_exists() -> None:
    assert set(STAGE_VIEWS) <= set(DESCRIPTIONS)


@pytest.mark.parametrize("stage", [DESCRIPTIONS[stage_id] for stage_id in STAGE_VIEWS], ids=lambda stage: stage.id)
def test_views_make_do_with_an_engine_that_tells_little_or_all(qtbot: QtBot, stage: StageDescription) -> None:
    view = STAGE_VIEWS[stage.id](stage)
    qtbot.addWidget(view)
    engine = FakeEngine()
    view.show_snapshot(engine.snapshot())
    engine.params |= {f"{stage.id}.{spec.name}": spec.default for spec in stage.params}
    view.show_snapshot(engine.snapshot())


def test_the_compressor_s_dot_lies_on_its_curve_when_nothing_moves(qtbot: QtBot) -> None:
    plot = TransferPlot("curve")
    qtbot.addWidget(plot)
    plot.show_point(-10.0, -15.0)
    assert plot.point_db == (-10.0, -15.0)
    plot.show_point(-200.0, -200.0)
    assert plot.point_db == (plot.levels_db[0], plot.levels_db[0])
    plot.show_point(None, None)
    assert plot.point_db is None


def test_the_equalizer_is_drawn_as_it_is_set(qtbot: QtBot) -> None:
    stage = DESCRIPTIONS["equalizer"]
    view = ResponseView(stage)
    qtbot.addWidget(view)
    engine = FakeEngine()
    engine.params |= {f"equalizer.{spec.name}": spec.default for spec in stage.params} | {"equalizer.bass_db": 6.0}
    view.show_snapshot(engine.snapshot())
    assert view.response.gain_db[0] == pytest.approx(6.0, abs=0.5)
    assert view.response.gain_db[-1] == pytest.approx(0.0, abs=0.1)


def test_the_history_moves_left(qtbot: QtBot) -> None:
    view = HistoryView(DESCRIPTIONS["duck"])
    qtbot.addWidget(view)
    for value in (1.0, 2.0, 3.0):
        view.history.add(value)
    assert view.history.newest == 3.0
    for _ in range(HISTORY_POINTS):
        view.history.add(None)
    assert np.isnan(view.history.newest)


def loudness_panel(window: MainWindow) -> LoudnessPanel:
    QTest.mouseClick(window.tools.buttons["loudness"], Qt.MouseButton.LeftButton)
    assert isinstance(window.tool_panel, LoudnessPanel)
    return window.tool_panel


def test_the_session_is_asked_for_only_while_it_is_seen(qtbot: QtBot, window: MainWindow, engine: FakeEngine) -> None:
    qtbot.wait(200)
    assert engine.sessions_taken == 0
    panel = loudness_panel(window)
    qtbot.waitUntil(lambda: panel.figures["range"].value == "5.2")
    assert panel.figures["last_ten"].value == "−16.4"
    assert panel.figures["integrated"].value == "−18.2"
    assert panel.plot.shown_minutes == pytest.approx(12.0)
    window.close_panel()
    qtbot.wait(200)
    taken = engine.sessions_taken
    qtbot.wait(700)
    assert engine.sessions_taken == taken


def test_reset_and_hold_reach_the_engine(qtbot: QtBot, window: MainWindow, engine: FakeEngine) -> None:
    panel = loudness_panel(window)
    panel.reset_button.click()
    panel.hold_button.click()
    qtbot.waitUntil(lambda: {ResetMeters(), HoldMeters(True)} <= set(engine.commands))
    qtbot.waitUntil(lambda: engine.is_held and panel.hold_button.isChecked())
    panel.hold_button.click()
    qtbot.waitUntil(lambda: HoldMeters(False) in engine.commands)
