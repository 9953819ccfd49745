"""Presets: which there are, what one would change, loading and saving, going back, and what a microphone brings along.

GUI thread. The engine reads and writes presets; only for files to hand on is the disk waited for here.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain, count
from pathlib import Path

import msgspec
from PySide6.QtCore import QSignalBlocker, Qt
from PySide6.QtWidgets import (
    QCheckBox,
    QFileDialog,
    QGridLayout,
    QHBoxLayout,
    QLineEdit,
    QListWidgetItem,
    QVBoxLayout,
    QWidget,
)

from app.bridge import EngineBridge
from app.preset_files import read_preset_text, write_preset_text
from app.ui import theme
from app.ui.panels.panel_frame import button_row, quiet_button
from app.ui.theme import Colour, FontRole
from app.ui.tool_panel import ToolPanel
from app.ui.widgets.hinted_list import HintedList
from app.ui.widgets.param_control import CalmComboBox
from app.ui.widgets.save_button import SaveButton
from app.ui.widgets.sure_button import SureButton
from app.ui.widgets.text_label import text_label
from engine import (
    Command,
    ImportPreset,
    LoadPreset,
    PresetConfig,
    PresetDescription,
    PresetError,
    PresetSnapshot,
    Redo,
    RemovePreset,
    SavePreset,
    SetPresets,
    Snapshot,
    Undo,
)

MORPH_MS = 1500.0
_FILES = "Presets (*.toml *.json)"


class PresetsPanel(ToolPanel):
    """The tool "Presets"."""

    def __init__(self, bridge: EngineBridge) -> None:
        super().__init__("Presets", "the presets")
        self._bridge = bridge
        self._shown = PresetSnapshot()
        self._description: PresetDescription | None = None
        self._input = ""
        self.list = HintedList("Presets", "No presets yet: give the sound a name and save it.")
        self.list.setFixedHeight(theme.em() * 6)
        self.list.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.text = text_label(is_wrapped=True)
        self.text.setAlignment(Qt.AlignmentFlag.AlignTop)
        self.name = QLineEdit()
        self.name.setAccessibleName("Name to save under")
        self.load_button = quiet_button("Load", "Load the preset that is marked")
        self.morph_button = quiet_button("Morph", f"Go over to the preset that is marked within {MORPH_MS / 1000:g} s")
        self.save_button = SaveButton("Save", "Save the sound as it is under this name")
        self.remove_button = SureButton("Remove", "Take away the preset of your own that is marked")
        self.import_button = quiet_button("Import…", "Keep a preset of Sidetone or EasyEffects from a file")
        self.export_button = quiet_button("Export…", "Write the preset that is marked to a file, to hand it on")
        self.undo_button = quiet_button("Undo", "Take the last change back")
        self.redo_button = quiet_button("Redo", "Make the change again")
        self.own_rule = self._box("Preset that this microphone brings along")
        self.fallback = self._box("Preset for every other microphone")
        self.stick = QCheckBox("Stick: no device changes the sound")
        for widget in (self.list, self.name, self.stick, self.own_rule, self.fallback):
            theme.use_font(widget, FontRole.SMALL)
        for button in (self.undo_button, self.redo_button):
            self.add_head_button(button)
        self.set_body(self._body())
        self._connect()

    def show_snapshot(self, snapshot: Snapshot) -> None:
        """Follow what there is, what is loaded, and what can be taken back."""
        controls = snapshot.controls
        self.undo_button.setEnabled(bool(controls.undo))
        self.redo_button.setEnabled(bool(controls.redo))
        self.undo_button.setToolTip(f"Take back: {controls.undo}" if controls.undo else "Nothing to take back")
        self.redo_button.setToolTip(f"Make again: {controls.redo}" if controls.redo else "Nothing to make again")
        if snapshot.presets != self._shown or not self.list.count():
            self._shown = snapshot.presets
            self._show_list()
            self._show_rules()

    def first_control(self) -> QWidget:
        """The list."""
        return self.list

    def show_preset(self, description: PresetDescription) -> None:
        """Show what the preset that is marked would change."""
        if description.name != self._marked():
            return
        self._description = description
        lines = [description.description] if description.description else []
        lines += [f"{each.label}: {each.now} → {each.then}" for each in description.differences[:12]]
        if len(description.differences) > 12:
            lines.append(f"… and {len(description.differences) - 12} more")
        if not description.differences:
            lines.append("The sound is as this preset says.")
        lines += description.notes
        self.text.setText("\n".join(lines))
        self.export_button.setEnabled(bool(description.text))

    def import_file(self, path: Path) -> None:
        """Keep somebody's preset; one of your own of that name stays beside it."""
        try:
            self._send(ImportPreset(_free_name(path.stem, self._shown.own), read_preset_text(path)))
        except PresetError as error:
            self._bridge.refused.emit(str(error))

    def export_file(self, path: Path) -> None:
        """Write the preset that is marked to be handed on."""
        if self._description is None:
            return
        try:
            write_preset_text(path, self._description.text)
        except PresetError as error:
            self._bridge.refused.emit(str(error))

    def _body(self) -> QWidget:
        body = QWidget()
        grid = QGridLayout(body)
        grid.setContentsMargins(0, 0, theme.GAP, 0)
        acts = (self.load_button, self.morph_button, self.remove_button, self.import_button, self.export_button)
        saving = QHBoxLayout()
        saving.addWidget(self.name, 1)
        saving.addWidget(self.save_button)
        grid.addWidget(self.list, 0, 0)
        grid.addLayout(button_row(*acts, spacing=theme.GAP // 2), 1, 0)
        grid.addLayout(saving, 2, 0)
        grid.addWidget(self.text, 3, 0)
        rules = QVBoxLayout()
        for caption, box in (("This microphone brings", self.own_rule), ("Any other brings", self.fallback)):
            line = QHBoxLayout()
            label = text_label(caption, colour=Colour.MUTED)
            label.setBuddy(box)
            line.addWidget(label)
            line.addWidget(box, 1)
            rules.addLayout(line)
        rules.addWidget(self.stick)
        grid.addLayout(rules, 4, 0)
        return body

    def _connect(self) -> None:
        self._bridge.preset_arrived.connect(self.show_preset)
        self.destroyed.connect(lambda: self._bridge.want_preset(""))
        self.close_asked.connect(lambda: self._bridge.want_preset(""))
        self.list.currentItemChanged.connect(self._mark)
        self.list.itemActivated.connect(lambda: self._load(0.0))
        self.load_button.clicked.connect(lambda: self._load(0.0))
        self.morph_button.clicked.connect(lambda: self._load(MORPH_MS))
        self.remove_button.sure.connect(lambda: self._send(RemovePreset(self._marked())))
        self.save_button.sure.connect(lambda: self._send(SavePreset(self._target())))
        self.name.returnPressed.connect(self.save_button.click)
        self.name.textChanged.connect(self._follow_target)
        self.undo_button.clicked.connect(lambda: self._send(Undo()))
        self.redo_button.clicked.connect(lambda: self._send(Redo()))
        self.import_button.clicked.connect(self._ask_for_import)
        self.export_button.clicked.connect(self._ask_for_export)
        self.own_rule.activated.connect(self._change_rules)
        self.fallback.activated.connect(self._change_rules)
        self.stick.clicked.connect(self._change_rules)

    def _box(self, name: str) -> CalmComboBox:
        box = CalmComboBox()
        box.setAccessibleName(name)
        return box

    def _show_list(self) -> None:
        marked = self._marked() or self._shown.loaded
        with QSignalBlocker(self.list):
            self.list.clear()
            for name in self._shown.names:
                is_loaded = name == self._shown.loaded
                state = (", edited" if self._shown.is_edited else ", loaded") if is_loaded else ""
                owner = " (yours)" if name in self._shown.own else ""
                item = QListWidgetItem(f"{name}{owner}{state}")
                item.setData(Qt.ItemDataRole.UserRole, name)
                self.list.addItem(item)
                if name == marked:
                    self.list.setCurrentItem(item)
        if self.list.currentItem() is None and self.list.count():
            self.list.setCurrentRow(0)
        self._mark()

    def _show_rules(self) -> None:
        config = self._shown.config
        self._input = config.last_input
        _offer(self.own_rule, self._shown.names, config.by_input.get(self._input, ""), "what any other brings")
        _offer(self.fallback, self._shown.names, config.fallback, "nothing")
        self.own_rule.setEnabled(bool(self._input))
        self.stick.setChecked(config.is_stuck)

    def _change_rules(self) -> None:
        config = self._shown.config
        by_input = {device: name for device, name in config.by_input.items() if device != self._input}
        if self._input and self.own_rule.currentData():
            by_input[self._input] = self.own_rule.currentData()
        changed: PresetConfig = msgspec.structs.replace(
            config, by_input=by_input, fallback=self.fallback.currentData(), is_stuck=self.stick.isChecked()
        )
        self._send(SetPresets(changed))

    def _marked(self) -> str:
        item = self.list.currentItem()
        return str(item.data(Qt.ItemDataRole.UserRole)) if item is not None else ""

    def _mark(self) -> None:
        name = self._marked()
        self.remove_button.calm_down()
        self.remove_button.setEnabled(name in self._shown.own)
        self.name.setPlaceholderText(name if name in self._shown.own else "Name of a preset of your own")
        self._follow_target()
        self._bridge.want_preset(name)

    def _load(self, morph_ms: float) -> None:
        if name := self._marked():
            self._send(LoadPreset(name, morph_ms))

    def _target(self) -> str:
        """What the sound is saved as: the name that is typed, or that of the preset of your own that is marked."""
        return self.name.text().strip() or (self._marked() if self._marked() in self._shown.own else "")

    def _follow_target(self) -> None:
        self.save_button.show_target(self._target(), self._shown.own)

    def _ask_for_import(self) -> None:
        path, _ = QFileDialog.getOpenFileName(self, "Keep a preset", "", _FILES)
        if path:
            self.import_file(Path(path))

    def _ask_for_export(self) -> None:
        path, _ = QFileDialog.getSaveFileName(self, "Hand a preset on", f"{self._marked()}.toml", _FILES)
        if path:
            self.export_file(Path(path))

    def _send(self, command: Command) -> None:
        self._bridge.send(command)


def _free_name(name: str, taken: Sequence[str]) -> str:
    """The name, or where it is taken, the first free one with a number behind it."""
    taken_in_small = {each.casefold() for each in taken}
    names = chain((name,), (f"{name} {number}" for number in count(2)))
    return next(each for each in names if each.casefold() not in taken_in_small)


def _offer(box: CalmComboBox, names: Sequence[str], chosen: str, nothing: str) -> None:
    """Offer presets; one that is chosen and gone is kept and marked."""
    offers = [(nothing, ""), *((name, name) for name in names)]
    if chosen and chosen not in names:
        offers.append((f"{chosen} (not found)", chosen))
    with QSignalBlocker(box):
        box.clear()
        for text, name in offers:
            box.addItem(text, name)
        box.setCurrentIndex([name for _, name in offers].index(chosen))
