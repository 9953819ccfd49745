"""Nothing is cut off: at the smallest size, at a usual one, on a 4K screen, at twice the scale, and with a larger font."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator

import pytest
from PySide6.QtCore import QEvent
from PySide6.QtGui import QFont
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from app.bridge import EngineBridge
from app.ui.main_window import MainWindow
from app.ui.widgets.param_control import CalmComboBox
from engine import Description
from engine.description import describe
from engine.stages import STAGES
from tests.gui.cut_text import cut_texts
from tests.helpers.fake_engine import FakeEngine, FakeLink

SIZES = ((1000, 640), (1440, 900), (3840, 2160))


def make_window(qtbot: QtBot, description: Description, width: int, height: int) -> MainWindow:
    window = MainWindow(EngineBridge(FakeLink(FakeEngine())))
    qtbot.addWidget(window)
    window.show_description(description)
    window.resize(width, height)
    window.show()
    return window


@pytest.mark.parametrize(("width", "height"), SIZES)
@pytest.mark.parametrize("open_stage", [None, "high_pass", "compressor"])
def test_nothing_is_cut(qtbot: QtBot, width: int, height: int, open_stage: str | None) -> None:
    engine = FakeEngine()
    window = make_window(qtbot, engine.describe(), width, height)
    if open_stage:
        window.open_stage(open_stage)
    window.show_snapshot(engine.snapshot(with_spectrum=True))
    QApplication.processEvents()
    assert (window.width(), window.height()) == (width, height)
    assert cut_texts(window) == []


@pytest.mark.parametrize(("width", "height"), SIZES)
def test_nothing_of_the_real_stages_is_cut(qtbot: QtBot, width: int, height: int) -> None:
    window = make_window(qtbot, describe(STAGES), width, height)
    for stage in STAGES:
        window.open_stage(stage.id)
        QApplication.processEvents()
        assert cut_texts(window) == []


def test_nothing_is_cut_in_trouble(qtbot: QtBot) -> None:
    engine = FakeEngine(is_measured=False)
    engine.degraded["denoise"] = "It took longer than its budget"
    engine.advice = "No virtual cable was found: get VB-CABLE from vb-audio.com and start Sidetone again. " * 2
    window = make_window(qtbot, engine.describe(), 1000, 640)
    window.show_snapshot(engine.snapshot(with_spectrum=True))
    window.open_stage("compressor")
    QApplication.processEvents()
    assert window.height() == 640
    assert cut_texts(window) == []


def test_nothing_is_cut_at_twice_the_scale() -> None:
    environment = os.environ | {"QT_SCALE_FACTOR": "2", "QT_QPA_PLATFORM": "offscreen"}
    command = [sys.executable, "-m", "tests.gui.cut_text", "1000", "640"]
    outcome = subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=60)
    assert outcome.returncode == 0, outcome.stdout + outcome.stderr
    assert outcome.stdout.startswith("1000x640 at 2")


@pytest.fixture
def large_font(qapp: QApplication) -> Iterator[float]:
    """Half as large again as the system's font, set while a window is open."""
    before = qapp.font()
    yield before.pointSizeF() * 1.5
    qapp.setFont(before)


def test_a_larger_system_font_is_followed(qtbot: QtBot, qapp: QApplication, large_font: float) -> None:
    engine = FakeEngine()
    window = make_window(qtbot, engine.describe(), 1440, 900)
    window.show_snapshot(engine.snapshot(with_spectrum=True))
    height_before = window.status.xruns.sizeHint().height()
    font = QFont(qapp.font())
    font.setPointSizeF(large_font)
    qapp.setFont(font)
    for _ in range(10):  # a layout asks the one around it only after its own turn
        QApplication.processEvents()
    assert window.status.xruns.sizeHint().height() > 1.3 * height_before
    assert window.chain.cards["denoise"].title.font().pointSizeF() == pytest.approx(large_font, rel=0.05)
    assert cut_texts(window) == []


def each_panel(window: MainWindow) -> Iterator[str]:
    """Opens every tool and every stage, one after the other; yields which."""
    for open_panel, names in ((window.open_tool, window.tools.buttons), (window.open_stage, window.chain.cards)):
        for name in names:
            open_panel(name)
            for _ in range(10):
                QApplication.processEvents()
            yield name
        window.close_panel()
        # What a panel had running ends with it, which only a running event loop sees to by itself.
        QApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete.value)


def test_every_panel_stays_whole_in_a_larger_font(qtbot: QtBot, qapp: QApplication, large_font: float) -> None:
    font = QFont(qapp.font())
    font.setPointSizeF(large_font)
    qapp.setFont(font)
    window = make_window(qtbot, describe(STAGES), 1000, 640)
    for name in each_panel(window):
        assert (name, window.width(), window.height()) == (name, 1000, 640)
        assert (name, cut_texts(window)) == (name, [])


def test_every_panel_is_seen_without_scrolling_the_window(qtbot: QtBot) -> None:
    window = make_window(qtbot, describe(STAGES), 1000, 640)
    for name in each_panel(window):
        assert (name, window.page.needs_scrolling) == (name, False)
        assert (name, cut_texts(window)) == (name, [])


def test_all_cards_are_seen_at_once_as_the_chain_is_by_itself(qtbot: QtBot) -> None:
    """As many controls as there is room for: all where there is width, the first of each card where there is little."""
    engine = FakeEngine(description=describe(STAGES))
    engine.bypassed = {stage.id for stage in STAGES if stage.starts_bypassed}
    engine.waiting = {"room_correction": "a room", "duck": "music"}
    for width, is_narrow in ((1000, True), (1440, False), (1000, True)):
        window = make_window(qtbot, engine.description, width, 640 if is_narrow else 900)
        window.show_snapshot(engine.snapshot())
        for _ in range(10):
            QApplication.processEvents()
        assert window.chain.horizontalScrollBar().maximum() == 0
        compressor = window.chain.cards["compressor"]
        assert compressor.controls["compressor.amount"].isVisibleTo(window)
        assert compressor.controls["compressor.threshold_db"].isVisibleTo(window) is not is_narrow
        assert cut_texts(window) == []


def test_thirty_stages_scroll(qtbot: QtBot) -> None:
    window = make_window(qtbot, FakeEngine(repeat=5).describe(), 1000, 640)
    QApplication.processEvents()
    assert window.chain.horizontalScrollBar().maximum() > 0
    last = list(window.chain.cards.values())[-1]
    last.title.setFocus()
    QApplication.processEvents()
    assert (
        window.chain.viewport()
        .rect()
        .intersects(
            last.title.rect().translated(last.title.mapTo(window.chain.viewport(), last.title.rect().topLeft()))
        )
    )


def test_a_choice_that_is_too_long_ends_in_dots(qtbot: QtBot) -> None:
    box = CalmComboBox()
    qtbot.addWidget(box)
    box.addItem("System default (Built-in microphone)")
    box.show()
    box.resize(140, 30)
    assert box.shown_text.endswith("…")
    assert "System default (Built-in microphone)".startswith(box.shown_text[:-1])
    box.resize(600, 30)
    assert box.shown_text == "System default (Built-in microphone)"
