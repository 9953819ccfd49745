"""Which devices are used, and what to choose in OBS. GUI thread; nothing waits."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import msgspec
from PySide6.QtCore import QSignalBlocker, Qt, Signal
from PySide6.QtWidgets import QGridLayout, QHBoxLayout, QWidget

from app.ui import theme
from app.ui.theme import Colour, FontRole
from app.ui.widgets.param_control import CalmComboBox
from app.ui.widgets.text_label import text_label
from engine import AUTOMATIC, DeviceConfig, DeviceDescription, DeviceSnapshot

Offer = tuple[str, str | None, str]
"""Text, id, tooltip."""


class DeviceBox(CalmComboBox):
    """One selector; asks for a fresh list whenever it is opened."""

    opened = Signal()

    def showPopup(self) -> None:
        """Open, as wide as the longest name."""
        self.opened.emit()
        widest = max((self.fontMetrics().horizontalAdvance(self.itemText(i)) for i in range(self.count())), default=0)
        self.view().setMinimumWidth(min(widest + 40, 900))
        super().showPopup()

    def offer(self, offers: Sequence[Offer], chosen: str | None) -> None:
        """Show other choices; a chosen one that is not among them is kept and marked."""
        known = [entry for _, entry, _ in offers]
        if chosen not in known:
            text = str(chosen) if str(chosen).startswith("simulated") else f"{chosen} (not found)"
            offers = [*offers, (text, chosen, "Chosen before, but not in the list of devices now")]
            known.append(chosen)
        with QSignalBlocker(self):
            self.clear()
            for index, (text, device_id, tip) in enumerate(offers):
                self.addItem(text, device_id)
                self.setItemData(index, tip, Qt.ItemDataRole.ToolTipRole)
            self.setCurrentIndex(known.index(chosen))


class DeviceRow(QWidget):
    """Input, output, monitor and music selectors, with a line of advice beneath.

    Signals
    -------
    chosen(DeviceConfig)
        The user chose other devices.
    list_wanted()
        A selector is being opened.
    """

    chosen = Signal(object)
    list_wanted = Signal()

    def __init__(self, config: DeviceConfig, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._config = config
        self._devices: tuple[DeviceDescription, ...] = ()
        self._in_use: DeviceSnapshot | None = None
        self.input_box = self._box("Input device")
        self.output_box = self._box("Output device")
        self.monitor_box = self._box("Monitor device")
        self.music_box = self._box("Music device")
        self.advice = text_label(role=FontRole.BODY, is_wrapped=True)
        self._lay_out()
        self._offer()

    def show_devices(self, devices: tuple[DeviceDescription, ...]) -> None:
        """Offer other devices."""
        if devices != self._devices:
            self._devices = devices
            self._offer()

    def show_config(self, config: DeviceConfig) -> None:
        """Show another choice."""
        self._config = config
        self._offer()

    def show_in_use(self, in_use: DeviceSnapshot) -> None:
        """Show which devices the engine opened, and what it advises."""
        if in_use == self._in_use:
            return
        self._in_use = in_use
        for box, name in (
            (self.input_box, in_use.input),
            (self.output_box, in_use.output),
            (self.monitor_box, in_use.monitor),
            (self.music_box, in_use.music),
        ):
            tip = f"In use: {name}" if name else "None in use"
            box.setToolTip(f"{box.currentText()}\n{tip}")
            box.setAccessibleDescription(tip)
        self._show_advice(in_use)

    def _show_advice(self, in_use: DeviceSnapshot) -> None:
        if in_use.advice:
            text, tint = in_use.advice, Colour.CAUTION
        elif in_use.virtual_microphone:
            text, tint = f"In OBS, choose “{in_use.virtual_microphone}” as the microphone.", Colour.MUTED
        else:
            text, tint = "No virtual microphone is in use, so OBS cannot hear Sidetone yet.", Colour.MUTED
        self.advice.setText(text)
        self.advice.setStyleSheet(f"color: {tint}")

    def _box(self, name: str) -> DeviceBox:
        box = DeviceBox()
        box.setAccessibleName(name)
        theme.use_font(box, FontRole.BODY)
        box.opened.connect(self.list_wanted)
        box.activated.connect(self._choose)
        return box

    def _lay_out(self) -> None:
        grid = QGridLayout(self)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setVerticalSpacing(theme.GAP // 2)
        row = QHBoxLayout()
        row.setSpacing(theme.GAP)
        for caption, box in (
            ("Input", self.input_box),
            ("Output", self.output_box),
            ("Monitor", self.monitor_box),
            ("Music", self.music_box),
        ):
            label = text_label(caption, FontRole.BODY, Colour.MUTED)
            label.setBuddy(box)
            if caption != "Input":
                row.addSpacing(theme.GAP)
            row.addWidget(label)
            row.addWidget(box, 1)
        grid.addLayout(row, 0, 0)
        grid.addWidget(self.advice, 1, 0)

    def _offer(self) -> None:
        sources = self._offers(lambda device: device.input_channels)
        inputs = self._offers(lambda device: 0 if device.is_monitor else device.input_channels)
        outputs = self._offers(lambda device: device.output_channels)
        default = next((device.name for device in self._devices if device.is_default_input), "")
        first = f"System default ({default})" if default else "System default"
        self.input_box.offer(
            [(first, AUTOMATIC, "The microphone the system calls its default"), *inputs], self._config.input
        )
        virtual = ("Virtual microphone", AUTOMATIC, "What OBS and browsers list as a microphone")
        self.output_box.offer([virtual, *outputs], self._config.output)
        off = ("Off", None, "Nobody hears the monitor bus")
        self.monitor_box.offer([off, *outputs], self._config.monitor)
        none = ("Off", None, "Music or a game, mixed in and lowered while you speak")
        self.music_box.offer([none, *sources], self._config.music)

    def _offers(self, channels: Callable[[DeviceDescription], int]) -> list[Offer]:
        wanted = [device for device in self._devices if channels(device) > 0]
        names = [device.name for device in wanted]
        return [
            (
                f"{device.name} · {device.host_api}" if names.count(device.name) > 1 else device.name,
                device.id,
                f"{device.name}\n{device.host_api}, {device.sample_rate / 1000:g} kHz, {channels(device)} channels",
            )
            for device in wanted
        ]

    def _choose(self) -> None:
        config = msgspec.structs.replace(
            self._config,
            input=self.input_box.currentData(),
            output=self.output_box.currentData(),
            monitor=self.monitor_box.currentData(),
            music=self.music_box.currentData(),
        )
        if config != self._config:
            self._config = config
            self.chosen.emit(config)
