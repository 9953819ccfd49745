"""Nothing that an engine may say makes the window fall over: no values, infinite values, no stages, long names."""

from __future__ import annotations

import math

import msgspec
import pytest
from pytestqt.qtbot import QtBot

from app.bridge import EngineBridge, LinkState
from app.ui.main_window import MainWindow
from engine import (
    Description,
    DeviceDescription,
    DeviceSnapshot,
    LatencySnapshot,
    LevelSnapshot,
    LoudnessSnapshot,
    Percentiles,
    Snapshot,
    SpectrumSnapshot,
)
from tests.helpers.fake_engine import FakeEngine

NAN, INF = math.nan, math.inf
REPLACE = msgspec.structs.replace


@pytest.fixture
def still(qtbot: QtBot, bridge: EngineBridge, engine: FakeEngine) -> MainWindow:
    """A window that is fed by hand."""
    window = MainWindow(bridge)
    qtbot.addWidget(window)
    window.resize(1000, 640)
    window.show_description(engine.describe())
    window.show()
    return window


def odd_snapshots() -> dict[str, Snapshot]:
    plain = FakeEngine().snapshot(with_spectrum=True)
    stage = plain.stages[2]
    return {
        "nothing is known": REPLACE(
            plain,
            hop_ms=None,
            drift_ppm=None,
            loudness=LoudnessSnapshot(None, None, None, None),
            latency=LatencySnapshot(0, 0.0, None, None, None),
            params={},
            spectrum=None,
            stages=tuple(REPLACE(each, work_ms=None, meters={}) for each in plain.stages),
        ),
        "infinite": REPLACE(
            plain,
            uptime_s=INF,
            drift_ppm=NAN,
            hop_ms=Percentiles(INF, INF, INF, INF),
            input_level=LevelSnapshot((-INF, NAN), (-INF, NAN), False),
            output_level=LevelSnapshot((INF, 40.0), (INF, 40.0), True),
            loudness=LoudnessSnapshot(-INF, NAN, INF, INF),
            latency=LatencySnapshot(0, INF, NAN, INF, Percentiles(INF, NAN, INF, INF)),
            params=dict.fromkeys(plain.params, NAN),
            stages=tuple(REPLACE(each, meters=dict.fromkeys(each.meters, -INF)) for each in plain.stages),
        ),
        "no stages": REPLACE(plain, stages=(), params={}),
        "an unknown stage": REPLACE(plain, stages=(*plain.stages, REPLACE(stage, id="from_the_future"))),
        "no channels": REPLACE(
            plain, input_level=LevelSnapshot((), (), False), output_level=LevelSnapshot((), (), True)
        ),
        "eight channels": REPLACE(plain, input_level=LevelSnapshot((-9.0,) * 8, (-20.0,) * 8, True)),
        "no rate": REPLACE(plain, sample_rate=0, hop_frames=0),
        "wrong types of values": REPLACE(plain, params=dict.fromkeys(plain.params, "what?")),
        "huge latency": REPLACE(
            plain, latency=LatencySnapshot(10**7, 2e5, 1e5, 1e5, Percentiles(4e5, 5e5, 6e5, 7e5)), xruns=10**9
        ),
        "empty spectrum": REPLACE(plain, spectrum=SpectrumSnapshot((), (), ())),
        "crooked spectrum": REPLACE(plain, spectrum=SpectrumSnapshot((20.0, 30.0), (-60.0,), (NAN, -INF))),
        "infinite spectrum": REPLACE(plain, spectrum=SpectrumSnapshot((0.0, 30.0), (-INF, NAN), (INF, -INF))),
        "long words": REPLACE(
            plain,
            reason="because " * 80,
            devices=DeviceSnapshot("in " * 80, "out " * 80, "", "Sidetone " * 20, "Get a cable. " * 30),
            stages=tuple(REPLACE(each, is_degraded=True, reason="too slow " * 40) for each in plain.stages),
        ),
    }


@pytest.mark.parametrize("name", list(odd_snapshots()))
def test_odd_snapshots_are_painted(qtbot: QtBot, still: MainWindow, name: str) -> None:
    odd = odd_snapshots()
    for snapshot in (odd[name], FakeEngine().snapshot(with_spectrum=True), odd[name]):
        still.show_snapshot(snapshot)
        assert not still.grab().isNull()
    assert still.minimumSizeHint().width() <= 1000


def test_what_is_unknown_is_not_a_number(still: MainWindow) -> None:
    still.show_snapshot(odd_snapshots()["nothing is known"])
    card = still.chain.cards["denoise"]
    assert card.cost.value == "–"
    assert card.controls["denoise.strength_db"].shown_value is None
    assert still.output.integrated.value == "–"
    assert still.status.drift.value == "–"
    assert still.status.work.value.startswith("–")


def test_infinite_is_told_from_unknown(still: MainWindow) -> None:
    still.show_snapshot(odd_snapshots()["infinite"])
    assert still.output.momentary.value == "−∞"
    assert still.output.short_term.value == "–"
    assert still.output.meter.is_clip_lit
    assert min(still.input.meter.levels_db) == -60.0


def test_no_stages_at_all(still: MainWindow) -> None:
    still.show_description(Description(stages=()))
    still.show_snapshot(FakeEngine().snapshot())
    assert not still.chain.cards
    assert not still.grab().isNull()


def test_every_link_state_is_painted_before_anything_is_known(qtbot: QtBot, bridge: EngineBridge) -> None:
    window = MainWindow(bridge)
    qtbot.addWidget(window)
    window.show()
    for state in LinkState:
        window.show_link(state, "a sentence")
        assert not window.grab().isNull()


def test_long_device_names_are_kept_whole_in_the_tooltip(qtbot: QtBot, still: MainWindow) -> None:
    name = "A very long name of a very good microphone " * 6
    device = DeviceDescription("long", name, "WASAPI", 1, 0, 48_000, False, False)
    twin = msgspec.structs.replace(device, id="twin", host_api="MME")
    still.devices.show_devices((device, twin))
    texts = [still.devices.input_box.itemText(index) for index in range(still.devices.input_box.count())]
    assert texts[1:] == [f"{name} · WASAPI", f"{name} · MME"]
    assert still.minimumSizeHint().width() <= 1000
