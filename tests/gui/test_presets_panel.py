"""The panels of presets and of backup devices: what is pressed is asked of the engine, what it says is shown."""

from __future__ import annotations

from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from pytestqt.qtbot import QtBot

from app.ui.main_window import MainWindow
from app.ui.panels.devices_panel import DevicesPanel
from app.ui.panels.presets_panel import MORPH_MS, PresetsPanel
from engine import (
    Alarm,
    BackupConfig,
    ControlSnapshot,
    DeviceConfig,
    ImportPreset,
    LoadPreset,
    ParamDifference,
    PresetConfig,
    PresetDescription,
    PresetSnapshot,
    Redo,
    RemovePreset,
    SavePreset,
    SetBackups,
    SetPresets,
    Start,
    Undo,
)
from tests.helpers.fake_engine import FakeEngine

CHANGES = (ParamDifference("compressor.ratio", "Compressor Ratio", "3.0 :1", "5.0 :1"),)


@pytest.fixture
def panel(qtbot: QtBot, window: MainWindow, engine: FakeEngine) -> PresetsPanel:
    engine.presets = PresetSnapshot(
        names=("mine", "podcast", "stream"),
        own=("mine",),
        loaded="podcast",
        config=PresetConfig(fallback="stream", last_input="mic"),
    )
    engine.controls = ControlSnapshot(undo="preset podcast")
    engine.preset_descriptions["podcast"] = PresetDescription(
        "podcast", "Even and warm.", False, "[gate]\n", CHANGES, ()
    )
    window.open_tool("presets")
    found = window.tool_panel
    assert isinstance(found, PresetsPanel)
    qtbot.waitUntil(lambda: found.list.count() == 3)
    return found


def commands(engine: FakeEngine, kind: type) -> list[object]:
    return [command for command in engine.commands if isinstance(command, kind)]


def mark(panel: PresetsPanel, name: str) -> None:
    for row in range(panel.list.count()):
        if panel.list.item(row).data(Qt.ItemDataRole.UserRole) == name:
            panel.list.setCurrentRow(row)


def test_the_list_says_whose_a_preset_is_and_which_is_loaded(panel: PresetsPanel) -> None:
    assert [panel.list.item(row).text() for row in range(3)] == ["mine (yours)", "podcast, loaded", "stream"]


def test_what_a_preset_would_change_is_shown(qtbot: QtBot, panel: PresetsPanel) -> None:
    mark(panel, "podcast")
    qtbot.waitUntil(lambda: "Compressor Ratio: 3.0 :1 → 5.0 :1" in panel.text.text())
    assert panel.text.text().startswith("Even and warm.")


def test_buttons_ask_the_engine(qtbot: QtBot, panel: PresetsPanel, engine: FakeEngine) -> None:
    mark(panel, "stream")
    panel.load_button.click()
    qtbot.waitUntil(lambda: commands(engine, LoadPreset) == [LoadPreset("stream", 0.0)])
    panel.morph_button.click()
    qtbot.waitUntil(lambda: commands(engine, LoadPreset)[-1] == LoadPreset("stream", MORPH_MS))
    assert not panel.remove_button.isEnabled()
    mark(panel, "mine")
    panel.remove_button.click()
    assert RemovePreset("mine") not in engine.commands
    panel.remove_button.click()
    panel.name.setText("new one")
    QTest.keyClick(panel.name, Qt.Key.Key_Return)
    qtbot.waitUntil(lambda: commands(engine, RemovePreset) == [RemovePreset("mine")])
    qtbot.waitUntil(lambda: commands(engine, SavePreset) == [SavePreset("new one")])


def test_a_preset_of_your_own_is_replaced_at_a_second_press_only(
    qtbot: QtBot, panel: PresetsPanel, engine: FakeEngine
) -> None:
    panel.name.setText("Mine")  # which is the file of "mine" on Windows and macOS
    QTest.keyClick(panel.name, Qt.Key.Key_Return)
    assert panel.save_button.text() == "Replace?"
    panel.name.setText("mine")
    assert panel.save_button.text() == "Save", "another name is another question"
    QTest.keyClick(panel.name, Qt.Key.Key_Return)
    QTest.keyClick(panel.name, Qt.Key.Key_Return)
    qtbot.waitUntil(lambda: commands(engine, SavePreset) == [SavePreset("mine")])
    panel.name.clear()
    mark(panel, "mine")
    assert panel.name.placeholderText() == "mine", "what is marked is what would be replaced"
    panel.save_button.click()
    assert panel.save_button.text() == "Replace?"
    panel.save_button.click()
    qtbot.waitUntil(lambda: commands(engine, SavePreset) == 2 * [SavePreset("mine")])


def test_a_preset_from_a_file_replaces_none(
    qtbot: QtBot, panel: PresetsPanel, engine: FakeEngine, tmp_path: Path
) -> None:
    (tmp_path / "mine.toml").write_text("[gate]\n")
    panel.import_file(tmp_path / "mine.toml")
    qtbot.waitUntil(lambda: commands(engine, ImportPreset) == [ImportPreset("mine 2", "[gate]\n")])


def test_two_presses_of_undo_take_two_changes_back(qtbot: QtBot, panel: PresetsPanel, engine: FakeEngine) -> None:
    qtbot.waitUntil(panel.undo_button.isEnabled)
    assert not panel.redo_button.isEnabled()
    assert panel.undo_button.toolTip() == "Take back: preset podcast"
    panel.undo_button.click()
    panel.undo_button.click()
    qtbot.waitUntil(lambda: commands(engine, Undo) == [Undo(), Undo()])
    assert commands(engine, Redo) == []


def test_rules_and_stick_are_asked_of_the_engine(qtbot: QtBot, panel: PresetsPanel, engine: FakeEngine) -> None:
    assert panel.fallback.currentData() == "stream"
    panel.own_rule.setCurrentIndex(panel.own_rule.findData("mine"))
    panel.own_rule.activated.emit(panel.own_rule.currentIndex())
    expected = PresetConfig(by_input={"mic": "mine"}, fallback="stream", last_input="mic")
    qtbot.waitUntil(lambda: commands(engine, SetPresets) == [SetPresets(expected)])


def test_a_preset_comes_from_a_file_and_goes_to_one(
    qtbot: QtBot, panel: PresetsPanel, engine: FakeEngine, tmp_path: Path
) -> None:
    source = tmp_path / "friend.json"
    source.write_text("{}")
    panel.import_file(source)
    qtbot.waitUntil(lambda: commands(engine, ImportPreset) == [ImportPreset("friend", "{}")])
    mark(panel, "podcast")
    qtbot.waitUntil(lambda: "Even and warm." in panel.text.text())
    panel.export_file(tmp_path / "out.toml")
    assert (tmp_path / "out.toml").read_text() == "[gate]\n"
    for act, file, reason in (
        (panel.import_file, tmp_path / "missing.toml", "cannot be read"),
        (panel.export_file, tmp_path / "missing" / "out.toml", "could not be written"),
    ):
        with qtbot.waitSignal(panel._bridge.refused) as refusal:
            act(file)
        assert reason in refusal.args[0]


def test_a_closed_panel_asks_for_nothing(qtbot: QtBot, window: MainWindow, panel: PresetsPanel) -> None:
    assert window._bridge._poller.wanted_preset
    window.close_panel()
    qtbot.waitUntil(lambda: not window._bridge._poller.wanted_preset)


@pytest.fixture
def devices(qtbot: QtBot, window: MainWindow) -> DevicesPanel:
    window.open_tool("devices")
    found = window.tool_panel
    assert isinstance(found, DevicesPanel)
    qtbot.waitUntil(lambda: found.lists["input"].offer.count() == 2)
    return found


def test_backups_are_added_put_in_order_and_taken_out(qtbot: QtBot, devices: DevicesPanel, engine: FakeEngine) -> None:
    microphones = devices.lists["input"]
    microphones.add_button.click()
    microphones.add_button.click()
    assert microphones.order == ("mic", "usb")
    microphones.list.setCurrentRow(1)
    microphones.up_button.click()
    assert microphones.order == ("usb", "mic")
    microphones.list.setCurrentRow(1)
    microphones.remove_button.click()
    devices.takes_back.click()
    expected = BackupConfig(input=("usb",), takes_back=False)
    qtbot.waitUntil(lambda: commands(engine, SetBackups)[-1:] == [SetBackups(expected)])


@pytest.mark.parametrize(
    ("platform", "text"), [("win32", "Use the devices alone"), ("darwin", "own rate and buffer"), ("linux", "")]
)
def test_devices_can_be_set_up_for_one_program_where_the_system_knows_that(
    qtbot: QtBot, window: MainWindow, engine: FakeEngine, platform: str, text: str
) -> None:
    panel = DevicesPanel(window._bridge, platform)
    qtbot.addWidget(panel)
    assert panel.is_exclusive.isVisibleTo(panel) is bool(text)
    assert text in panel.is_exclusive.text()
    panel.is_exclusive.click()
    qtbot.waitUntil(
        lambda: any(isinstance(command, Start) and command.config.devices.is_exclusive for command in engine.commands)
    )


def test_a_backup_in_use_and_an_alarm_are_shown(qtbot: QtBot, devices: DevicesPanel, engine: FakeEngine) -> None:
    engine.alarms = (Alarm.UNPLUGGED,)
    engine.used = DeviceConfig(input="usb")
    qtbot.waitUntil(lambda: "unplugged" in devices.alarms.text())
    assert devices.lists["input"].state.text().endswith("(a backup)")


def test_an_alarm_stands_in_the_first_line_of_the_window(qtbot: QtBot, window: MainWindow, engine: FakeEngine) -> None:
    engine.alarms = (Alarm.SILENT,)
    qtbot.waitUntil(lambda: "The microphone is silent" in window.status.reason.text)
