"""Meters: ballistics, scale, and that a frame paints only what changed."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PySide6.QtCore import QEvent, QObject, QRect
from PySide6.QtGui import QPaintEvent
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from app.ui.widgets.activity_meter import ActivityMeter
from app.ui.widgets.ballistics import FALL_DB_PER_S, FLOOR_DB, HOLD_S, Ballistics, meter_travel
from app.ui.widgets.level_meter import CLIP_HOLD_S, LevelMeter
from app.ui.widgets.travel import Travel, parse_number, readable
from engine import MeterSpec, ParamKind, ParamSpec
from tests.helpers.fake_engine import describe_stages

NUMBERS = [spec for stage in describe_stages().stages for spec in stage.params if spec.kind is ParamKind.NUMBER]


class Clock:
    """Time that a test turns by hand."""

    def __init__(self) -> None:
        self.now_s = 100.0

    def __call__(self) -> float:
        return self.now_s


class PaintedAreas(QObject):
    """Notes what is painted."""

    def __init__(self) -> None:
        super().__init__()
        self.areas: list[QRect] = []

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if isinstance(event, QPaintEvent):
            self.areas.append(event.rect())
        return False


def test_a_bar_rises_at_once_and_falls_steadily() -> None:
    bar = Ballistics()
    bar.feed(-6.0, 0.03, 0.0)
    assert bar.level_db == -6.0
    bar.feed(None, 0.5, 0.5)
    assert bar.level_db == pytest.approx(-6.0 - 0.5 * FALL_DB_PER_S)


def test_the_peak_is_held_and_then_falls() -> None:
    bar = Ballistics()
    bar.feed(-6.0, 0.03, 0.0)
    bar.feed(-50.0, 1.0, HOLD_S - 0.1)
    assert bar.peak_db == -6.0
    bar.feed(-50.0, 0.5, HOLD_S + 0.4)
    assert -6.0 - FALL_DB_PER_S <= bar.peak_db < -6.0


@given(st.lists(st.one_of(st.none(), st.floats(allow_nan=True)), max_size=50))
def test_a_bar_never_leaves_its_range_or_its_peak(readings: list[float | None]) -> None:
    bar, now_s = Ballistics(), 0.0
    for reading in readings:
        now_s += 0.03
        bar.feed(reading, 0.03, now_s)
        assert bar.level_db >= FLOOR_DB
        assert bar.peak_db >= bar.level_db
        assert 0.0 <= meter_travel(bar.level_db) <= 1.0


@given(st.floats(-60, 0), st.floats(-60, 0))
def test_the_scale_rises(one: float, other: float) -> None:
    low, high = sorted((one, other))
    assert meter_travel(low) <= meter_travel(high)


def test_the_clip_lamp_stays_on_for_a_while(qtbot: QtBot) -> None:
    clock = Clock()
    meter = LevelMeter("Level", clock)
    qtbot.addWidget(meter)
    meter.show_level((-1.0, -1.0), True)
    clock.now_s += CLIP_HOLD_S * 0.9
    meter.show_level((-30.0, -30.0), False)
    assert meter.is_clip_lit
    clock.now_s += CLIP_HOLD_S * 0.2
    meter.show_level((-30.0, -30.0), False)
    assert not meter.is_clip_lit


def test_a_frame_paints_only_the_rows_that_changed(qtbot: QtBot) -> None:
    clock = Clock()
    meter = LevelMeter("Level", clock)
    qtbot.addWidget(meter)
    meter.resize(60, 400)
    meter.show()
    for level_db in (-20.0, -20.5):
        meter.show_level((level_db, level_db), False)
        QApplication.processEvents()
    noted = PaintedAreas()
    meter.installEventFilter(noted)
    clock.now_s += 0.03
    meter.show_level((-20.3, -20.3), False)
    QApplication.processEvents()
    assert noted.areas
    assert all(area.height() < 60 for area in noted.areas)
    noted.areas.clear()
    meter.show_level((-20.3, -20.3), False)
    QApplication.processEvents()
    assert noted.areas == []


@pytest.mark.parametrize("reading", [None, math.nan, math.inf, -math.inf, 0.0, 7.3, 1e9])
def test_an_activity_meter_takes_any_reading(qtbot: QtBot, reading: float | None) -> None:
    meter = ActivityMeter(MeterSpec("gain_reduction_db", "Gain reduction", "dB", 0.0, 24.0), "Limiter", Clock())
    qtbot.addWidget(meter)
    meter.show_reading(reading)
    assert not meter.grab().isNull()


def test_an_activity_figure_can_be_read(qtbot: QtBot) -> None:
    clock = Clock()
    meter = ActivityMeter(MeterSpec("gain_reduction_db", "Gain reduction", "dB", 0.0, 24.0), "Limiter", clock)
    qtbot.addWidget(meter)
    meter.show_reading(3.04)
    assert meter.figure == "3.0 dB"
    clock.now_s += 0.03
    meter.show_reading(9.0)
    assert meter.figure == "3.0 dB"
    clock.now_s += 0.3
    meter.show_reading(9.0)
    assert meter.figure == "9.0 dB"


@pytest.mark.parametrize("spec", NUMBERS, ids=lambda spec: spec.name)
def test_a_control_reaches_every_step_of_a_parameter(spec: ParamSpec) -> None:
    travel = Travel(spec)
    assert travel.value(0) == spec.minimum
    assert travel.value(travel.positions) == spec.maximum
    values = [travel.value(position) for position in range(travel.positions + 1)]
    assert values == sorted(values)
    if not spec.is_logarithmic:
        for position in range(0, travel.positions + 1, 7):
            assert travel.position(travel.value(position)) == position


@pytest.mark.parametrize("spec", NUMBERS, ids=lambda spec: spec.name)
def test_what_is_shown_can_be_typed_again(spec: ParamSpec) -> None:
    for value in (spec.minimum, float(spec.default), spec.maximum):
        assert parse_number(spec, readable(spec, value)) == pytest.approx(value, abs=spec.step)
