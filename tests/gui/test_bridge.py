"""The bridge: an engine that hangs, refuses, dies and comes back does not trouble the GUI thread."""

from __future__ import annotations

import time

import pytest
from pytestqt.qtbot import QtBot

from app.bridge import EngineBridge, LinkState
from app.ui.main_window import MainWindow
from engine import (
    ChainConfig,
    ConnectionLostError,
    DeviceConfig,
    EngineConfig,
    EngineState,
    Event,
    EventKind,
    SetParam,
    Snapshot,
    Start,
)
from tests.helpers.fake_engine import FakeEngine, FakeLink

HANGS_S = 10.0
"""Whoever waited for the engine would wait for ever; a busy machine is late by less."""


@pytest.fixture
def snapshots(bridge: EngineBridge) -> list[Snapshot]:
    """All snapshots the bridge gave."""
    seen: list[Snapshot] = []
    bridge.snapshot_arrived.connect(seen.append)
    return seen


def test_commands_do_not_wait_for_a_hanging_engine(qtbot: QtBot, bridge: EngineBridge, engine: FakeEngine) -> None:
    with qtbot.waitSignal(bridge.snapshot_arrived):
        bridge.open()
    engine.may_answer.clear()
    began_s = time.monotonic()
    for step in range(1000):
        bridge.set_param("denoise.strength_db", step / 10)
    assert time.monotonic() - began_s < HANGS_S
    engine.may_answer.set()
    qtbot.waitUntil(lambda: engine.params["denoise.strength_db"] == 99.9)
    sent = [command for command in engine.commands if isinstance(command, SetParam)]
    assert len(sent) <= 3


def test_a_hanging_engine_is_said_to_be_silent_and_then_back(
    qtbot: QtBot, bridge: EngineBridge, engine: FakeEngine
) -> None:
    with qtbot.waitSignal(bridge.snapshot_arrived):
        bridge.open()
    engine.may_answer.clear()
    qtbot.waitUntil(lambda: bridge.link_state is LinkState.SILENT, timeout=30_000)
    engine.may_answer.set()
    qtbot.waitUntil(lambda: bridge.link_state is LinkState.CONNECTED)


def test_closing_does_not_wait_for_a_hanging_engine(qtbot: QtBot, bridge: EngineBridge, engine: FakeEngine) -> None:
    with qtbot.waitSignal(bridge.snapshot_arrived):
        bridge.open()
    engine.may_answer.clear()
    began_s = time.monotonic()
    bridge.close(timeout_s=0.2)
    assert time.monotonic() - began_s < HANGS_S


def test_another_reason_for_the_loss_is_told_too_and_each_once(
    qtbot: QtBot, window: MainWindow, link: FakeLink, monkeypatch: pytest.MonkeyPatch
) -> None:
    reasons = ["the engine hung up"]

    def api() -> FakeEngine:
        raise ConnectionLostError(reasons[-1])

    monkeypatch.setattr(link, "api", api)
    qtbot.waitUntil(lambda: window.status.reason.text == "The engine hung up")
    reasons.append("the engine ended at once")
    qtbot.waitUntil(lambda: window.status.reason.text == "The engine ended at once")
    told = ["The engine hung up", "The engine ended at once"]
    assert [line for line in window.events.lines if line in told] == told


def test_an_engine_that_dies_and_comes_back_is_read_anew(
    qtbot: QtBot, bridge: EngineBridge, engine: FakeEngine, link: FakeLink
) -> None:
    with qtbot.waitSignal(bridge.description_arrived):
        bridge.open()
    engine.is_dead = True
    qtbot.waitUntil(lambda: bridge.link_state is LinkState.LOST)
    bridge.set_param("denoise.strength_db", 12.0)
    with qtbot.waitSignals([bridge.description_arrived, bridge.events_arrived, bridge.devices_arrived]):
        link.replace(FakeEngine(seed=2))
    assert bridge.link_state is LinkState.CONNECTED
    qtbot.waitUntil(lambda: link.engine.params["denoise.strength_db"] == 12.0)


def test_a_value_on_its_way_down_is_not_overruled_by_an_older_snapshot(
    qtbot: QtBot, bridge: EngineBridge, engine: FakeEngine, snapshots: list[Snapshot]
) -> None:
    bridge.open()
    qtbot.waitUntil(lambda: len(snapshots) > 2)
    before = len(snapshots)
    bridge.set_param("denoise.strength_db", 31.0)
    bridge.set_bypass("compressor", True)
    qtbot.waitUntil(lambda: len(snapshots) > before + 3)
    for snapshot in snapshots[before:]:
        assert snapshot.params["denoise.strength_db"] == 31.0
        assert next(stage for stage in snapshot.stages if stage.id == "compressor").is_bypassed


def test_after_that_the_engine_has_the_last_word(
    qtbot: QtBot, bridge: EngineBridge, engine: FakeEngine, snapshots: list[Snapshot]
) -> None:
    bridge.open()
    bridge.set_param("denoise.strength_db", 31.0)
    qtbot.waitUntil(lambda: bool(snapshots) and engine.params["denoise.strength_db"] == 31.0)
    engine.params["denoise.strength_db"] = 50.0
    qtbot.waitUntil(lambda: snapshots[-1].params["denoise.strength_db"] == 50.0)


def test_a_refusal_is_told_and_nothing_stops(qtbot: QtBot, bridge: EngineBridge, engine: FakeEngine) -> None:
    bridge.open()
    with qtbot.waitSignal(bridge.refused) as refusal:
        bridge.set_param("no.such_thing", 1.0)
    assert "no.such_thing" in refusal.args[0]
    with qtbot.waitSignal(bridge.snapshot_arrived):
        pass
    assert bridge.link_state is LinkState.CONNECTED


def test_choosing_devices_keeps_the_chain(qtbot: QtBot, bridge: EngineBridge, engine: FakeEngine) -> None:
    engine.params["denoise.strength_db"] = 20.0
    engine.bypassed.add("limiter")
    with qtbot.waitSignals([bridge.snapshot_arrived, bridge.description_arrived]):
        bridge.open()
    with qtbot.waitSignal(bridge.devices_chosen):
        bridge.choose_devices(DeviceConfig(input="usb"))
    qtbot.waitUntil(lambda: any(isinstance(command, Start) for command in engine.commands))
    config = engine.config
    assert config.devices.input == "usb"
    assert config.chain.params == {"denoise.strength_db": 20.0}
    assert config.chain.bypass["limiter"] is True


def test_a_start_before_the_engine_has_said_anything_keeps_the_saved_sound(
    qtbot: QtBot, engine: FakeEngine, link: FakeLink
) -> None:
    saved = EngineConfig(chain=ChainConfig(params={"denoise.strength_db": 20.0}, bypass={"limiter": True}))
    bridge = EngineBridge(link, saved)
    bridge.choose_devices(DeviceConfig(input="usb"))
    bridge.open()
    qtbot.waitUntil(lambda: engine.config.devices.input == "usb")
    assert engine.config.chain == saved.chain
    bridge.close(timeout_s=5.0)


def test_start_and_stop(qtbot: QtBot, bridge: EngineBridge, engine: FakeEngine) -> None:
    bridge.open()
    bridge.stop_engine()
    qtbot.waitUntil(lambda: engine.state is EngineState.STOPPED)
    bridge.start_engine()
    qtbot.waitUntil(lambda: engine.state is EngineState.RUNNING)


def test_events_come_once_each(qtbot: QtBot, bridge: EngineBridge, engine: FakeEngine) -> None:
    seen: list[Event] = []
    bridge.events_arrived.connect(seen.extend)
    bridge.open()
    for number in range(20):
        engine.note(f"event {number}")
    qtbot.waitUntil(lambda: len(seen) >= 21)
    assert [event.sequence for event in seen] == list(range(1, 22))


def test_a_device_event_makes_the_list_be_read_again(qtbot: QtBot, bridge: EngineBridge, engine: FakeEngine) -> None:
    with qtbot.waitSignal(bridge.devices_arrived):
        bridge.open()
    engine.device_list = engine.device_list[:1]
    with qtbot.waitSignal(bridge.devices_arrived) as arrival:
        engine.note("Studio microphone unplugged", EventKind.DEVICE)
    assert len(arrival.args[0]) == 1
