"""An address that another program needs: hidden from viewers, copied whole, renewed on purpose. GUI thread; nothing waits."""

from __future__ import annotations

from PySide6.QtCore import QTimer, Signal
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QHBoxLayout, QLineEdit, QPushButton, QVBoxLayout, QWidget

from app.loopback_address import LoopbackAddress
from app.ui import theme
from app.ui.theme import FontRole
from app.ui.widgets.sure_button import SureButton
from engine import SidetoneError

_SAID_MS = 1500


class AddressRow(QWidget):
    """The address with its secret hidden, a button to copy all of it, and one to make a new one.

    Parameters
    ----------
    address : LoopbackAddress
    consequence : str
        What a new address means for the user, in one sentence.

    Signals
    -------
    refused(str)
        The token could not be read or written; why, for the user.
    """

    refused = Signal(str)

    def __init__(self, address: LoopbackAddress, consequence: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._address = address
        self._port: int | None = None
        self.text = QLineEdit()
        self.text.setReadOnly(True)
        self.text.setAccessibleName("Address")
        theme.use_font(self.text, FontRole.BODY)
        self.copy_button = QPushButton("Copy")
        self.copy_button.setAccessibleName("Copy the address")
        self.copy_button.setToolTip("Copy the address with its secret part")
        self.copy_button.clicked.connect(self._copy)
        self.renew_button = SureButton("New address", f"Make a new address: {consequence}")
        self.renew_button.sure.connect(self._renew)
        self._calm = QTimer(self, singleShot=True)
        self._calm.timeout.connect(self._calm_down)
        buttons = QHBoxLayout()
        buttons.setSpacing(theme.GAP)
        buttons.addWidget(self.copy_button)
        buttons.addWidget(self.renew_button)
        buttons.addStretch(1)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(theme.GAP // 2)
        column.addWidget(self.text)
        column.addLayout(buttons)
        self.show_port(None)

    def show_port(self, port: int | None) -> None:
        """Show where it is found; None while it is not."""
        self._port = port
        text = self._address.shown(port) if port is not None else "Not served at the moment"
        if text != self.text.text():
            self.text.setText(text)
            self.text.setCursorPosition(0)
        self.copy_button.setEnabled(port is not None)

    def _copy(self) -> None:
        if self._port is None:
            return
        try:
            QGuiApplication.clipboard().setText(self._address.whole(self._port))
        except SidetoneError as error:
            self.refused.emit(str(error))
            return
        self.copy_button.setText("Copied")
        self._calm.start(_SAID_MS)

    def _renew(self) -> None:
        try:
            self._address.renew()
        except SidetoneError as error:
            self.refused.emit(str(error))

    def _calm_down(self) -> None:
        self.copy_button.setText("Copy")
