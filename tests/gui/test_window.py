"""The window on a fake engine: what the user does goes down, what the engine says is shown."""

from __future__ import annotations

import sys

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest
from pytestqt.qtbot import QtBot

from app.bridge import LinkState
from app.ui.main_window import MainWindow
from app.ui.panels.event_log import MAX_LINES, MOST_REMEMBERED
from app.ui.widgets.dial import Dial
from app.ui.widgets.param_control import ChoiceBox, NumberEntry, SliderWithEntry, SwitchBox
from engine import ApplyChain, EngineState, Event, EventKind, ResetMeters, SetBypass, SetParam, Start, Stop
from tests.helpers.fake_engine import FakeEngine, FakeLink


def dial(window: MainWindow, param_id: str) -> Dial:
    control = window.chain.cards[param_id.split(".", maxsplit=1)[0]].controls[param_id]
    assert isinstance(control, Dial)
    return control


def test_turning_a_dial_by_key_sends_the_value_it_shows(qtbot: QtBot, window: MainWindow, engine: FakeEngine) -> None:
    strength = dial(window, "denoise.strength_db")
    QTest.keyClick(strength, Qt.Key.Key_PageDown)
    qtbot.waitUntil(lambda: SetParam(id="denoise.strength_db", value=90.0) in engine.commands)
    assert strength.shown_value == 90.0


def test_dragging_a_dial_sends_and_is_not_fought_over(qtbot: QtBot, window: MainWindow, engine: FakeEngine) -> None:
    gain = dial(window, "input_gain.gain_db")
    middle = gain.rect().center()
    QTest.mousePress(gain, Qt.MouseButton.LeftButton, pos=middle)
    QTest.mouseMove(gain, middle - QPoint(0, 44))
    held = gain.shown_value
    assert held == pytest.approx(0.2 * 48, abs=0.2)
    qtbot.waitUntil(lambda: engine.params["input_gain.gain_db"] == held)
    engine.params["input_gain.gain_db"] = -20.0
    with qtbot.waitSignals([window._bridge.snapshot_arrived] * 3):
        pass
    assert gain.shown_value == held
    QTest.mouseRelease(gain, Qt.MouseButton.LeftButton, pos=middle)
    qtbot.waitUntil(lambda: gain.shown_value == -20.0)


def test_double_click_resets_to_the_default(qtbot: QtBot, window: MainWindow, engine: FakeEngine) -> None:
    engine.params["denoise.strength_db"] = 12.0
    strength = dial(window, "denoise.strength_db")
    qtbot.waitUntil(lambda: strength.shown_value == 12.0)
    QTest.mouseDClick(strength, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: engine.params["denoise.strength_db"] == 100.0)
    assert strength.shown_value == 100.0


def test_a_parameter_changed_elsewhere_moves_card_and_panel(
    qtbot: QtBot, window: MainWindow, engine: FakeEngine
) -> None:
    window.open_stage("compressor")
    assert window.stage_panel is not None
    engine.params["compressor.threshold_db"] = -40.5
    wide = window.stage_panel.controls["compressor.threshold_db"]
    qtbot.waitUntil(lambda: wide.shown_value == -40.5)
    assert dial(window, "compressor.threshold_db").shown_value == -40.5
    assert isinstance(wide, SliderWithEntry)
    assert wide.entry.text() == "−40.5 dB"


def test_the_switch_bypasses(qtbot: QtBot, window: MainWindow, engine: FakeEngine) -> None:
    card = window.chain.cards["limiter"]
    QTest.mouseClick(card.switch, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: SetBypass(stage="limiter", is_bypassed=True) in engine.commands)
    qtbot.waitUntil(lambda: card.is_slim)
    assert card.accessibleDescription() == "bypassed"
    QTest.keyClick(card.switch, Qt.Key.Key_Space)
    qtbot.waitUntil(lambda: "limiter" not in engine.bypassed)
    qtbot.waitUntil(lambda: not card.is_slim)


def test_a_bypass_from_elsewhere_moves_the_switch(qtbot: QtBot, window: MainWindow, engine: FakeEngine) -> None:
    engine.bypassed.add("denoise")
    qtbot.waitUntil(lambda: not window.chain.cards["denoise"].switch.isChecked())
    assert not [command for command in engine.commands if isinstance(command, SetBypass)]


def test_a_stage_at_rest_is_slim_and_still_opens_by_mouse_and_keyboard(
    qtbot: QtBot, window: MainWindow, engine: FakeEngine
) -> None:
    card, width = window.chain.cards["compressor"], window.chain.cards["compressor"].width()
    engine.waiting["compressor"] = "a second input"
    qtbot.waitUntil(lambda: card.is_slim and card.width() < width / 2)
    assert card.accessibleDescription() == "waits for a second input"
    assert card.switch.isVisible()
    assert card.opener.accessibleName() == "Compressor: all settings"
    QTest.mouseClick(card.opener, Qt.MouseButton.LeftButton)
    assert window.stage_panel is not None
    QTest.keyClick(window.stage_panel.first_control(), Qt.Key.Key_Escape)
    assert window.focusWidget() is card.opener
    engine.waiting.clear()
    qtbot.waitUntil(lambda: not card.is_slim)
    assert window.focusWidget() is card.title


def test_trouble_makes_no_card_slim(qtbot: QtBot, window: MainWindow, engine: FakeEngine) -> None:
    engine.bypassed.add("denoise")
    engine.degraded["denoise"] = "It took longer than its budget"
    card = window.chain.cards["denoise"]
    qtbot.waitUntil(card.message.isVisible)
    assert not card.is_slim


def test_a_degraded_stage_says_why(qtbot: QtBot, window: MainWindow, engine: FakeEngine) -> None:
    card = window.chain.cards["denoise"]
    engine.degraded["denoise"] = "It took longer than its budget"
    qtbot.waitUntil(card.message.isVisible)
    assert card.message.toolTip() == "It took longer than its budget"
    assert "budget" in card.accessibleDescription()


def test_typing_a_value(qtbot: QtBot, window: MainWindow, engine: FakeEngine) -> None:
    window.open_stage("high_pass")
    assert window.stage_panel is not None
    control = window.stage_panel.controls["high_pass.cutoff_hz"]
    assert isinstance(control, SliderWithEntry)
    type_into(control.entry, "0.3k")
    qtbot.waitUntil(lambda: engine.params["high_pass.cutoff_hz"] == 300.0)
    qtbot.waitUntil(lambda: control.entry.text() == "300 Hz")


def test_typing_nonsense_changes_nothing(qtbot: QtBot, window: MainWindow, engine: FakeEngine) -> None:
    window.open_stage("high_pass")
    assert window.stage_panel is not None
    control = window.stage_panel.controls["high_pass.cutoff_hz"]
    assert isinstance(control, SliderWithEntry)
    type_into(control.entry, "loud")
    assert control.entry.text() == "80 Hz"
    engine.params["high_pass.cutoff_hz"] = 90.0
    qtbot.waitUntil(lambda: control.entry.text() == "90 Hz")
    assert not engine.commands


def type_into(entry: NumberEntry, text: str) -> None:
    entry.setFocus()
    entry.selectAll()
    QTest.keyClicks(entry, text)
    QTest.keyClick(entry, Qt.Key.Key_Return)


def test_choice_and_switch_in_the_panel(qtbot: QtBot, window: MainWindow, engine: FakeEngine) -> None:
    window.open_stage("high_pass")
    assert window.stage_panel is not None
    slope = window.stage_panel.controls["high_pass.slope"]
    assert isinstance(slope, ChoiceBox)
    QTest.keyClick(slope, Qt.Key.Key_Down)
    qtbot.waitUntil(lambda: engine.params["high_pass.slope"] == "48 dB/oct")
    window.open_stage("denoise")
    post_filter = window.stage_panel.controls["denoise.post_filter"]
    assert isinstance(post_filter, SwitchBox)
    QTest.mouseClick(post_filter, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: engine.params["denoise.post_filter"] is True)


def test_clicking_a_card_opens_its_panel_and_escape_closes_it(qtbot: QtBot, window: MainWindow) -> None:
    card = window.chain.cards["compressor"]
    QTest.mouseClick(card, Qt.MouseButton.LeftButton, pos=QPoint(card.width() // 2, card.height() - 4))
    assert window.stage_panel is not None
    assert set(window.stage_panel.controls) == {f"compressor.{spec.name}" for spec in card.stage.params}
    QTest.keyClick(window.stage_panel.first_control(), Qt.Key.Key_Escape)
    assert window.stage_panel is None


def test_defaults_button_sets_every_parameter(qtbot: QtBot, window: MainWindow, engine: FakeEngine) -> None:
    engine.params |= {"compressor.ratio": 9.0, "compressor.knee_db": 1.0}
    window.open_stage("compressor")
    assert window.stage_panel is not None
    QTest.mouseClick(window.stage_panel.defaults_button, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: engine.params["compressor.ratio"] == 3.0 and engine.params["compressor.knee_db"] == 6.0)
    # At once, so that they are taken back at once too.
    assert [type(command) for command in engine.commands if not isinstance(command, Start)] == [ApplyChain]


def test_meters_show_the_snapshot(qtbot: QtBot, window: MainWindow, engine: FakeEngine) -> None:
    qtbot.waitUntil(lambda: window.output.integrated.value == "−18.2")
    assert window.output.true_peak.value == "−1.3"
    qtbot.waitUntil(lambda: max(window.input.meter.levels_db) > -40.0)
    assert window.latency.headline == "44.2 ms"
    assert window.status.work.value == "2.1 / 10 ms"
    denoise = window.chain.cards["denoise"]
    assert (denoise.delay.value, denoise.cost.value) == ("20.0 ms", "1.90 ms")


def test_the_whole_reason_of_a_failure_is_read_at_the_smallest_size(
    qtbot: QtBot, window: MainWindow, engine: FakeEngine
) -> None:
    window.resize(1000, 640)
    height = window.status.height()
    engine.state = EngineState.FAILED
    engine.reason = "There is no microphone named 'Blue Yeti Nano'; choose one of: Built-in microphone, Webcam. " * 2
    qtbot.waitUntil(lambda: window.status.badge.word == "Failed")
    qtbot.waitUntil(lambda: " ".join(window.status.reason.shown_lines()) == engine.reason.strip())
    assert window.status.height() == height
    engine.state, engine.reason = EngineState.RUNNING, ""
    qtbot.waitUntil(window.status.uptime.isVisible)


def test_the_keys_are_found_without_a_key(qtbot: QtBot, window: MainWindow) -> None:
    QTest.mouseClick(window.tools.keys_button, Qt.MouseButton.LeftButton)
    assert window.keys.overlay is not None


def test_an_unmeasured_latency_is_called_so(qtbot: QtBot, window: MainWindow, engine: FakeEngine) -> None:
    engine.is_measured = False
    qtbot.waitUntil(lambda: window.latency.headline == "23.0 ms")
    sentence = window.latency.bar.accessibleDescription()
    assert "not measured" in sentence
    assert "Device in unknown" in sentence
    assert "Device out unknown" in sentence


def test_a_closed_spectrum_is_never_asked_for(qtbot: QtBot, window: MainWindow, engine: FakeEngine) -> None:
    qtbot.waitUntil(lambda: window.spectrum.plot is not None and window.spectrum.plot.shown_frequencies_hz > 0)
    QTest.mouseClick(window.spectrum.button, Qt.MouseButton.LeftButton)
    assert not window.spectrum.is_open
    with qtbot.waitSignals([window._bridge.snapshot_arrived] * 2):
        pass
    spectra, snapshots = engine.spectra_taken, engine.snapshots_taken
    qtbot.waitUntil(lambda: engine.snapshots_taken >= snapshots + 15)
    assert engine.spectra_taken == spectra


def test_a_hidden_window_hardly_asks(qtbot: QtBot, window: MainWindow, engine: FakeEngine) -> None:
    window.hide()
    qtbot.waitUntil(lambda: window._bridge._poller.period_s == 1.0)
    spectra, before = engine.spectra_taken, engine.snapshots_taken
    with qtbot.waitSignals([window._bridge.snapshot_arrived] * 2):
        pass
    assert engine.snapshots_taken - before <= 5
    assert engine.spectra_taken <= spectra + 1
    window.show()
    assert window._bridge._poller.period_s < 0.1


def test_a_lost_engine_is_shown_calmly_and_comes_back(
    qtbot: QtBot, window: MainWindow, engine: FakeEngine, link: FakeLink
) -> None:
    engine.is_dead = True
    qtbot.waitUntil(lambda: window.status.badge.word == "Engine restarting…")
    assert "started again" in window.status.reason.text
    assert window.output.integrated.value == "–"
    assert not window.chain.isEnabled()
    link.replace(FakeEngine(seed=5))
    qtbot.waitUntil(lambda: window.status.badge.word == "Running")
    qtbot.waitUntil(lambda: window.output.integrated.value == "−18.2")
    assert window.chain.isEnabled()


def test_another_engine_with_other_stages_gets_other_cards(
    qtbot: QtBot, window: MainWindow, engine: FakeEngine, link: FakeLink
) -> None:
    window.open_stage("limiter")
    engine.is_dead = True
    qtbot.waitUntil(lambda: window.status.badge.word == "Engine restarting…")
    link.replace(FakeEngine(repeat=5))
    qtbot.waitUntil(lambda: len(window.chain.cards) == 30)
    assert window.stage_panel is None
    qtbot.waitUntil(lambda: window.chain.horizontalScrollBar().maximum() > 0)


@pytest.mark.parametrize("state", list(EngineState))
def test_every_state_has_a_word_of_its_own(
    qtbot: QtBot, window: MainWindow, engine: FakeEngine, state: EngineState
) -> None:
    engine.reason = "for a reason"
    engine.state = state
    qtbot.waitUntil(lambda: window.status.badge.word.lower() == state.value)
    qtbot.waitUntil(lambda: window.status.reason.text == "For a reason")
    assert state.value in window.status.badge.accessibleName().lower()


def test_stop_start_and_reset(qtbot: QtBot, window: MainWindow, engine: FakeEngine) -> None:
    QTest.mouseClick(window.status.run_button, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: window.status.run_button.text() == "Start")
    QTest.mouseClick(window.status.run_button, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: any(isinstance(command, Start) for command in engine.commands))
    QTest.mouseClick(window.status.reset_button, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: ResetMeters() in engine.commands)


def test_waiting_for_a_device_can_be_called_off(qtbot: QtBot, window: MainWindow, engine: FakeEngine) -> None:
    engine.state, engine.is_waiting = EngineState.FAILED, True
    qtbot.waitUntil(lambda: window.status.badge.word.lower() == "failed")
    assert window.status.run_button.text() == "Stop"
    QTest.mouseClick(window.status.run_button, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: Stop() in engine.commands)


def test_choosing_a_device(qtbot: QtBot, window: MainWindow, engine: FakeEngine) -> None:
    box = window.devices.input_box
    qtbot.waitUntil(lambda: box.count() == 3)
    QTest.keyClick(box, Qt.Key.Key_End)
    qtbot.waitUntil(lambda: engine.config.devices.input == "usb")
    assert engine.config.devices.output == "auto"
    monitor = window.devices.monitor_box
    assert monitor.itemText(0) == "Off"
    QTest.keyClick(monitor, Qt.Key.Key_End)
    qtbot.waitUntil(lambda: engine.config.devices.monitor == "phones")


def test_advice_and_obs(qtbot: QtBot, window: MainWindow, engine: FakeEngine) -> None:
    qtbot.waitUntil(lambda: "In OBS, choose “Sidetone”" in window.devices.advice.text())
    engine.advice = "Get VB-CABLE."
    qtbot.waitUntil(lambda: window.devices.advice.text() == "Get VB-CABLE.")


def test_events_and_refusals_are_listed(qtbot: QtBot, window: MainWindow, engine: FakeEngine) -> None:
    engine.note("Microphone unplugged")
    qtbot.waitUntil(lambda: any("unplugged" in line for line in window.events.lines))
    window._bridge.set_param("no.such_thing", 1.0)
    qtbot.waitUntil(lambda: "no.such_thing" in window.status.reason.text)
    assert "no.such_thing" in window.events.lines[-1]


def test_events_read_twice_are_shown_once(qtbot: QtBot, window: MainWindow, engine: FakeEngine) -> None:
    qtbot.waitUntil(lambda: len(window.events.lines) == 1)
    window.events.show_events(engine.events())
    assert len(window.events.lines) == 1


def test_events_of_days_are_not_all_remembered(window: MainWindow) -> None:
    many = [Event(number, float(number), EventKind.NOTICE, f"event {number}") for number in range(2 * MOST_REMEMBERED)]
    window.events.show_events(many)
    assert len(window.events.lines) == MAX_LINES
    assert len(window.events._seen) == MOST_REMEMBERED
    before = window.events.lines
    window.events.show_events(many[-MOST_REMEMBERED:])
    assert window.events.lines == before


def test_many_repaints_lose_no_references(qtbot: QtBot, window: MainWindow, engine: FakeEngine) -> None:
    """Some releases of PySide6 lose a reference to None with every override that returns nothing, and crash at last."""
    window.open_stage("compressor")
    before, from_snapshot = sys.getrefcount(None), engine.snapshots_taken
    qtbot.waitUntil(lambda: engine.snapshots_taken > from_snapshot + 90, timeout=30_000)
    assert window._bridge.link_state is LinkState.CONNECTED
    assert sys.getrefcount(None) > before - 300
