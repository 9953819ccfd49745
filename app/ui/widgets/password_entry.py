"""Where a password is typed that goes into the system's keyring and nowhere else. GUI thread; a thread of its own waits."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import suppress

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QHBoxLayout, QLineEdit, QPushButton, QWidget

from app.ui import theme
from app.ui.theme import FontRole
from engine import SidetoneError


class PasswordEntry(QWidget):
    """A hidden entry and a button; empty again as soon as the password is on its way.

    Parameters
    ----------
    name : str
        What it is the password of, for those who hear the window.
    keep : callable
        Puts it into the keyring; may wait, and raise `SidetoneError`.

    Signals
    -------
    kept()
        It is in the keyring.
    refused(str)
        It is not, for this reason.
    """

    kept = Signal()
    refused = Signal(str)

    def __init__(self, name: str, keep: Callable[[str], None], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._keep = keep
        self.entry = QLineEdit()
        self.entry.setEchoMode(QLineEdit.EchoMode.Password)
        self.entry.setPlaceholderText("for the keyring")
        self.entry.setAccessibleName(name)
        self.button = QPushButton("Keep")
        self.button.setAccessibleName(f"Keep {name} in the system's keyring")
        self.button.setEnabled(False)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(theme.GAP)
        for widget in (self.entry, self.button):
            theme.use_font(widget, FontRole.BODY)
        row.addWidget(self.entry, 1)
        row.addWidget(self.button)
        self.entry.textChanged.connect(lambda text: self.button.setEnabled(bool(text)))
        self.entry.returnPressed.connect(self._take)
        self.button.clicked.connect(self._take)

    def _take(self) -> None:
        password = self.entry.text()
        self.entry.clear()
        if password:
            # A keyring may ask its user first.
            threading.Thread(target=self._keep_it, args=(password,), name="sidetone-keyring", daemon=True).start()

    def _keep_it(self, password: str) -> None:
        # The panel may be closed meanwhile, and nobody be there to be told.
        with suppress(RuntimeError):
            try:
                self._keep(password)
            except SidetoneError as error:
                self.refused.emit(str(error))
            else:
                self.kept.emit()
