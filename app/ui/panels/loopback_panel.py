"""What the panels of the overlay and of the remote interface have in common: switch, address, one sentence.

GUI thread; nothing waits.
"""

from __future__ import annotations

from typing import Any

import msgspec
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QGridLayout, QWidget

from app.bridge import EngineBridge
from app.loopback_address import LoopbackAddress
from app.ui import theme
from app.ui.theme import Colour, FontRole
from app.ui.tool_panel import ToolPanel
from app.ui.widgets.address_row import AddressRow
from app.ui.widgets.text_label import text_label
from app.ui.widgets.toggle import Toggle
from engine import OverlayConfig, OverlayStatus, RemoteConfig, RemoteStatus, SetService

Config = OverlayConfig | RemoteConfig


class LoopbackPanel(ToolPanel):
    """A grid of rows that begins with switch and address.

    Parameters
    ----------
    title, explanation, consequence : str
        The panel's name, what it is for, and what a new address means.
    config : OverlayConfig or RemoteConfig
        What is shown until the engine says otherwise.
    """

    def __init__(
        self,
        bridge: EngineBridge,
        address: LoopbackAddress,
        config: Config,
        title: str,
        explanation: str,
        consequence: str,
    ) -> None:
        super().__init__(title, f"the {title.lower()} panel")
        self._bridge = bridge
        self._config = config
        self.toggle = Toggle(title, explanation)
        self.toggle.clicked.connect(lambda is_on: self.change(is_on=is_on))
        self.address = AddressRow(address, consequence)
        self.address.refused.connect(self._say)
        self.sentence = text_label(is_wrapped=True)
        self._grid = QGridLayout()
        self._grid.setContentsMargins(0, 0, theme.GAP, 0)
        self._grid.setHorizontalSpacing(theme.GAP + 4)
        self._grid.setVerticalSpacing(theme.GAP // 2)
        self._grid.setColumnStretch(1, 1)
        self.add_row("Served", self.toggle)
        self._grid.addWidget(text_label(explanation, colour=Colour.FAINT, is_wrapped=True), 1, 0, 1, 2)
        self.add_row("Address", self.address)
        self._grid.addWidget(self.sentence, self._grid.rowCount(), 0, 1, 2)
        body = QWidget()
        body.setLayout(self._grid)
        self.set_body(body)

    def add_row(self, text: str, control: QWidget) -> None:
        """Put a control beneath what is there."""
        row = self._grid.rowCount() if self._grid.count() else 0
        place = Qt.AlignmentFlag.AlignTop if isinstance(control, AddressRow) else Qt.AlignmentFlag.AlignVCenter
        self._grid.addWidget(text_label(text, FontRole.BODY, Colour.MUTED), row, 0, place)
        if isinstance(control, Toggle):
            self._grid.addWidget(control, row, 1, Qt.AlignmentFlag.AlignLeft)
        else:
            self._grid.addWidget(control, row, 1)

    def end_rows(self) -> None:
        """Let what room is left stay below the last row."""
        self._grid.setRowStretch(self._grid.rowCount(), 1)

    def first_control(self) -> QWidget:
        """Where the keyboard goes when the panel opens."""
        return self.toggle

    def change(self, **settings: Any) -> None:
        """Ask for other settings."""
        self._config = msgspec.structs.replace(self._config, **settings)
        self._bridge.send(SetService(self._config))

    def show_service(self, config: Config, status: OverlayStatus | RemoteStatus | None) -> None:
        """Follow what the engine says."""
        self._config = config
        self.toggle.show_on(config.is_on)
        self.address.show_port(status.port if status is not None else None)
        silent = "The services do not answer; they are started again by themselves." if config.is_on else ""
        self._say(status.text if status is not None else silent)

    def _say(self, text: str) -> None:
        if text != self.sentence.text():
            self.sentence.setText(text)
            self.sentence.setStyleSheet(f"color: {Colour.CAUTION}" if text else "")
