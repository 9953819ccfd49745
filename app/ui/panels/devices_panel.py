"""Which devices take over when the chosen one is gone, for the microphone, the output and the monitor, and what is wrong.

GUI thread; nothing waits.
"""

from __future__ import annotations

import sys

import msgspec
from PySide6.QtWidgets import QCheckBox, QGridLayout, QHBoxLayout, QListWidgetItem, QWidget

from app.bridge import EngineBridge
from app.ui import theme
from app.ui.panels.panel_frame import quiet_button
from app.ui.theme import Colour, FontRole
from app.ui.tool_panel import ToolPanel
from app.ui.widgets.hinted_list import HintedList
from app.ui.widgets.param_control import CalmComboBox
from app.ui.widgets.text_label import text_label
from engine import ALARM_TEXTS, DeviceDescription, Snapshot

ROLES = (("input", "Microphone"), ("output", "Output"), ("monitor", "Monitor"))
EXCLUSIVE_TEXTS = {
    "win32": "Use the devices alone: a shorter way, but no other program hears them",
    "darwin": "Set the devices' own rate and buffer: a shorter way, but other programs on them may be disturbed",
}
"""By platform, where devices can be set up for one program."""


class BackupList(QWidget):
    """One order of devices: add, remove, move up."""

    def __init__(self, role: str, label: str, panel: DevicesPanel) -> None:
        super().__init__()
        self.role = role
        self.list = HintedList(
            f"Backups of the {label.lower()}, best first", "No backup yet: choose a device and add it."
        )
        self.list.setFixedHeight(theme.em() * 3 + theme.GAP)
        self.offer = CalmComboBox()
        self.offer.setAccessibleName(f"Device to add as a backup of the {label.lower()}")
        self.add_button = quiet_button("Add", f"Add this device as a backup of the {label.lower()}")
        self.up_button = quiet_button("Up", f"Let this device of the {label.lower()} come earlier")
        self.remove_button = quiet_button("Remove", f"Take this device out of the backups of the {label.lower()}")
        caption = text_label(label)
        self.state = text_label(colour=Colour.MUTED)
        for widget in (self.list, self.offer):
            theme.use_font(widget, FontRole.SMALL)
        grid = QGridLayout(self)
        grid.setContentsMargins(0, 0, 0, theme.GAP)
        grid.addWidget(caption, 0, 0)
        grid.addWidget(self.state, 0, 1)
        grid.setColumnStretch(1, 1)
        grid.addWidget(self.list, 1, 0, 1, 2)
        row = QHBoxLayout()
        row.addStretch(1)
        for button in (self.add_button, self.up_button, self.remove_button):
            row.addWidget(button)
        grid.addWidget(self.offer, 2, 0, 1, 2)
        grid.addLayout(row, 3, 0, 1, 2)
        self.add_button.clicked.connect(lambda: panel.change(self.role, (*self.order, self.offer.currentData())))
        self.remove_button.clicked.connect(lambda: panel.change(self.role, self._without_marked()))
        self.up_button.clicked.connect(lambda: panel.change(self.role, self._with_marked_up()))
        self.order: tuple[str, ...] = ()

    def show_order(self, order: tuple[str, ...], names: dict[str, str]) -> None:
        """Show the backups, best first, and offer the others."""
        self.order = order
        row = self.list.currentRow()
        self.list.clear()
        for device in order:
            self.list.addItem(QListWidgetItem(names.get(device, f"{device} (not found)")))
        self.list.setCurrentRow(min(max(row, 0), len(order) - 1))
        self.offer.clear()
        for device, name in names.items():
            if device not in order:
                self.offer.addItem(name, device)
        for widget in (self.offer, self.add_button):
            widget.setEnabled(self.offer.count() > 0)
        self.remove_button.setEnabled(bool(order))
        self.up_button.setEnabled(len(order) > 1)

    def _without_marked(self) -> tuple[str, ...]:
        row = self.list.currentRow()
        return self.order[:row] + self.order[row + 1 :] if row >= 0 else self.order

    def _with_marked_up(self) -> tuple[str, ...]:
        row = self.list.currentRow()
        if row < 1:
            return self.order
        return (*self.order[: row - 1], self.order[row], self.order[row - 1], *self.order[row + 1 :])


class DevicesPanel(ToolPanel):
    """The tool "Backups".

    Parameters
    ----------
    bridge : EngineBridge
    platform : str
        As `sys.platform`: not every system can set devices up for one program.
    """

    def __init__(self, bridge: EngineBridge, platform: str = sys.platform) -> None:
        super().__init__("Backup devices", "the backup devices")
        self._bridge = bridge
        self._devices: tuple[DeviceDescription, ...] = ()
        self.alarms = text_label(colour=Colour.CAUTION, is_wrapped=True)
        self.takes_back = QCheckBox("Go back to the better device when it is there again")
        self.is_exclusive = QCheckBox(EXCLUSIVE_TEXTS.get(platform, ""))
        self.is_exclusive.setVisible(platform in EXCLUSIVE_TEXTS)
        self.lists = {role: BackupList(role, label, self) for role, label in ROLES}
        body = QWidget()
        grid = QGridLayout(body)
        grid.setContentsMargins(0, 0, theme.GAP, 0)
        grid.addWidget(self.alarms, 0, 0)
        grid.addWidget(self.takes_back, 1, 0)
        grid.addWidget(self.is_exclusive, 2, 0)
        for row, backup_list in enumerate(self.lists.values()):
            grid.addWidget(backup_list, row + 3, 0)
        for widget in (self.takes_back, self.is_exclusive):
            theme.use_font(widget, FontRole.SMALL)
        self.set_body(body)
        self.takes_back.clicked.connect(self._change_taking_back)
        self.is_exclusive.clicked.connect(self._change_exclusiveness)
        bridge.devices_arrived.connect(self.show_devices)
        bridge.refresh_devices()
        self._show_orders()

    def show_devices(self, devices: tuple[DeviceDescription, ...]) -> None:
        """Offer other devices."""
        if devices != self._devices:
            self._devices = devices
            self._show_orders()

    def show_snapshot(self, snapshot: Snapshot) -> None:
        """Say what is used, and what is wrong."""
        chosen, used = snapshot.devices.chosen, snapshot.devices.used
        for role, backup_list in self.lists.items():
            name = getattr(snapshot.devices, role)
            is_backup = bool(name) and getattr(chosen, role) != getattr(used, role)
            backup_list.state.setText(f"in use: {name or 'none'}{' (a backup)' if is_backup else ''}")
        self.alarms.setText("; ".join(ALARM_TEXTS[alarm] for alarm in snapshot.alarms))
        self.alarms.setVisible(bool(snapshot.alarms))

    def first_control(self) -> QWidget:
        """The switch."""
        return self.takes_back

    def change(self, role: str, order: tuple[str, ...]) -> None:
        """Choose another order for a role."""
        backups = msgspec.structs.replace(self._bridge.device_config.backups, **{role: order})
        self._bridge.choose_backups(backups)
        self._show_orders()

    def _change_taking_back(self) -> None:
        backups = msgspec.structs.replace(self._bridge.device_config.backups, takes_back=self.takes_back.isChecked())
        self._bridge.choose_backups(backups)

    def _change_exclusiveness(self) -> None:
        devices = self._bridge.device_config
        self._bridge.choose_devices(msgspec.structs.replace(devices, is_exclusive=self.is_exclusive.isChecked()))

    def _show_orders(self) -> None:
        self.is_exclusive.setChecked(self._bridge.device_config.is_exclusive)
        backups = self._bridge.device_config.backups
        self.takes_back.setChecked(backups.takes_back)
        for role, backup_list in self.lists.items():
            names = {
                device.id: device.name
                for device in self._devices
                if (device.input_channels if role == "input" else device.output_channels) > 0
                and not (role == "input" and device.is_monitor)
            }
            backup_list.show_order(getattr(backups, role), names)
