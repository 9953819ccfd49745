"""Everything can be reached, seen and named without a mouse and without colours."""

from __future__ import annotations

import gc

import pytest
from PySide6.QtCore import QObject, Qt
from PySide6.QtGui import QAccessible, QAccessibleAnnouncementEvent, QColor
from PySide6.QtTest import QTest
from PySide6.QtWidgets import (
    QAbstractButton,
    QAbstractSlider,
    QApplication,
    QComboBox,
    QHBoxLayout,
    QLineEdit,
    QListWidget,
    QPushButton,
    QVBoxLayout,
    QWidget,
    QWidgetItem,
)
from pytestqt.qtbot import QtBot

from app.ui.icons import Shape
from app.ui.main_window import MainWindow
from app.ui.panels import status_row
from app.ui.panels.panel_frame import quiet_button
from app.ui.tab_order import order_tabs
from app.ui.theme import Colour
from app.ui.tools import TOOLS
from app.ui.widgets.activity_meter import ActivityMeter
from app.ui.widgets.figure import Figure
from app.ui.widgets.level_meter import LevelMeter
from app.ui.widgets.state_badge import LINK_LOOKS, LOOKS
from engine import EngineState
from tests.helpers.fake_engine import FakeEngine

OPERABLE = (QAbstractButton, QAbstractSlider, QComboBox, QLineEdit, QListWidget)


def walk(window: MainWindow) -> list[QWidget]:
    """All stops of the Tab key, from the first until it comes round."""
    window.status.reset_button.setFocus()
    stops: list[QWidget] = []
    while (stop := QApplication.focusWidget()) is not None and stop not in stops:
        stops.append(stop)
        QTest.keyClick(stop, Qt.Key.Key_Tab)
    return stops


@pytest.fixture
def active(qtbot: QtBot, window: MainWindow) -> MainWindow:
    """A window with the keyboard and an open panel."""
    window.activateWindow()
    qtbot.waitActive(window)
    window.open_stage("compressor")
    return window


def test_tab_reaches_everything_that_can_be_operated(active: MainWindow) -> None:
    stops = walk(active)
    operable = {
        widget
        for kind in OPERABLE
        for widget in active.findChildren(kind)
        if widget.isVisibleTo(active) and widget.focusPolicy() & Qt.FocusPolicy.TabFocus
    }
    missed = [widget.accessibleName() or type(widget).__name__ for widget in operable - set(stops)]
    assert missed == []
    assert len(operable) > 30


def test_tab_goes_as_the_signal_does(active: MainWindow) -> None:
    stops = walk(active)
    cards = active.chain.cards
    assert active.stage_panel is not None
    expected = [
        active.status.reset_button,
        active.status.run_button,
        active.devices.input_box,
        active.devices.output_box,
        active.devices.monitor_box,
        *(part for card in cards.values() for part in (card.title, card.switch, *card.controls.values())),
        active.stage_panel.defaults_button,
        active.spectrum.button,
        active.events.list,
    ]
    places = [stops.index(widget) for widget in expected]
    assert places == sorted(places)


def test_focus_can_be_seen_everywhere(active: MainWindow) -> None:
    assert _without_a_mark(walk(active)) == []


@pytest.mark.parametrize("tool_id", [tool.id for tool in TOOLS])
def test_every_tool_can_be_worked_without_a_mouse(qtbot: QtBot, active: MainWindow, tool_id: str) -> None:
    active.open_tool(tool_id)
    panel = active.tool_panel
    assert panel is not None
    qtbot.waitUntil(panel.close_button.isVisible)
    stops = [stop for stop in walk(active) if panel.isAncestorOf(stop)]
    operable = {
        widget
        for kind in OPERABLE
        for widget in panel.findChildren(kind)
        if widget.isVisibleTo(active) and widget.isEnabled() and widget.focusPolicy() & Qt.FocusPolicy.TabFocus
    }
    assert [widget.accessibleName() or type(widget).__name__ for widget in operable - set(stops)] == []
    assert panel.close_button in stops
    assert _without_a_mark(stops) == []


def _without_a_mark(stops: list[QWidget]) -> list[str]:
    """Those that look the same with the keyboard as without."""
    unseen = []
    for stop in stops:
        stop.setFocus(Qt.FocusReason.TabFocusReason)
        with_focus = stop.grab().toImage()
        stop.clearFocus()
        if with_focus == stop.grab().toImage():
            unseen.append(stop.accessibleName() or type(stop).__name__)
    return unseen


def test_every_widget_of_interest_has_a_name(active: MainWindow) -> None:
    kinds = (QAbstractSlider, QComboBox, QLineEdit, QListWidget, Figure, LevelMeter, ActivityMeter)
    nameless = [
        type(widget).__name__
        for kind in kinds
        for widget in active.findChildren(kind)
        if widget.isVisibleTo(active) and not widget.accessibleName() and not _is_inner(widget)
    ]
    assert nameless == []
    buttons = active.findChildren(QAbstractButton)
    assert all(button.accessibleName() or button.text() for button in buttons if button.isVisibleTo(active))


def _is_inner(widget: QWidget) -> bool:
    """Scroll bars and such, which belong to Qt."""
    parent: QObject | None = widget
    while parent is not None:
        if parent.objectName().startswith("qt_"):
            return True
        parent = parent.parent()
    return False


def test_a_screen_reader_hears_value_and_unit(active: MainWindow) -> None:
    control = active.chain.cards["denoise"].controls["denoise.strength_db"]
    interface = QAccessible.queryAccessibleInterface(control)
    assert interface.text(QAccessible.Text.Name) == "Denoise Strength"
    assert interface.text(QAccessible.Text.Description).startswith("100 dB")
    assert interface.role() in (QAccessible.Role.Slider, QAccessible.Role.Dial)


def test_what_happens_is_said_once_to_those_who_hear_the_window(
    qtbot: QtBot, window: MainWindow, engine: FakeEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    said: list[str] = []

    class Hearing:
        @staticmethod
        def updateAccessibility(event: QAccessibleAnnouncementEvent) -> None:
            said.append(event.message())

    monkeypatch.setattr(status_row, "QAccessible", Hearing)
    engine.state, engine.reason = EngineState.FAILED, "the microphone is gone"
    qtbot.waitUntil(lambda: window.status.badge.word == "Failed")
    window.status.show_notice("there is no preset 'x'")
    qtbot.wait(200)
    assert said == ["Failed. the microphone is gone", "there is no preset 'x'"]


def test_enter_on_a_card_opens_its_settings(qtbot: QtBot, active: MainWindow) -> None:
    active.close_stage()
    QTest.keyClick(active.chain.cards["limiter"].title, Qt.Key.Key_Space)
    assert active.stage_panel is not None
    assert active.stage_panel.stage.id == "limiter"
    focused = QApplication.focusWidget()
    assert focused is not None
    assert active.stage_panel.isAncestorOf(focused)
    active.close_stage()
    assert QApplication.focusWidget() is active.chain.cards["limiter"].title


def test_states_differ_in_shape_or_word_not_only_in_colour() -> None:
    looks = [(word, shape) for word, shape, _ in (*LOOKS.values(), *LINK_LOOKS.values())]
    assert len(set(looks)) == len(looks)
    reds = [word for word, _, tint in (*LOOKS.values(), *LINK_LOOKS.values()) if tint == Colour.TROUBLE]
    assert reds == ["Failed"]
    assert {shape for _, shape in looks} == set(Shape)


GROUNDS = (Colour.WINDOW, Colour.SURFACE, Colour.RAISED, Colour.TRACK)


@pytest.mark.parametrize("ground", GROUNDS)
@pytest.mark.parametrize(
    "text", [Colour.TEXT, Colour.MUTED, Colour.FAINT, Colour.ACCENT, Colour.CAUTION, Colour.TROUBLE]
)
def test_contrast(text: str, ground: str) -> None:
    assert contrast(text, ground) >= 4.5


def test_what_cannot_be_used_now_looks_like_it_and_can_still_be_read(qtbot: QtBot) -> None:
    button = quiet_button("Redo", "Make the change again")
    qtbot.addWidget(button)
    usable = brightest(button)
    button.setEnabled(False)
    assert brightest(button) < 0.6 * usable
    assert contrast(Colour.DISABLED, Colour.SURFACE) > 2.5


def brightest(widget: QWidget) -> float:
    """The luminance of its letters."""
    picture = widget.grab().toImage()
    return max(
        luminance(picture.pixelColor(x, y).name()) for x in range(picture.width()) for y in range(picture.height())
    )


@pytest.mark.parametrize("ground", [Colour.ACCENT_DIM, Colour.LINE, "#275a53"])
def test_contrast_on_the_latency_bar(ground: str) -> None:
    assert contrast(Colour.TEXT, ground) >= 4.5


def contrast(one: str, other: str) -> float:
    """Contrast ratio. Source: WCAG 2.2, relative luminance."""
    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def luminance(name: str) -> float:
    colour = QColor(name)
    channels = (colour.redF(), colour.greenF(), colour.blueF())
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def test_the_order_of_tabs_leaves_nothing_behind_that_a_later_widget_could_be_taken_for(qtbot: QtBot) -> None:
    zone = QWidget()
    qtbot.addWidget(zone)
    column, row = QVBoxLayout(zone), QHBoxLayout()
    first, second = QPushButton("first"), QPushButton("second")
    row.addWidget(first)
    column.addLayout(row)
    column.addWidget(second)
    before = items_held()
    order_tabs((zone,))
    assert first.nextInFocusChain() is second
    assert items_held() == before


def items_held() -> int:
    """How many items of layouts Python keeps something for."""
    gc.collect()
    return sum(isinstance(held, QWidgetItem) for held in gc.get_objects())
