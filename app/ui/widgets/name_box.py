"""A choice among names that come and go. GUI thread; nothing waits."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QSignalBlocker, Signal
from PySide6.QtWidgets import QWidget

from app.ui import theme
from app.ui.theme import FontRole
from app.ui.widgets.param_control import CalmComboBox


class NameBox(CalmComboBox):
    """One of some names, or none; a chosen one that is not there now is kept and marked.

    Parameters
    ----------
    name : str
        The accessible name.
    nothing : str
        What the choice of none is called.

    Signals
    -------
    chosen(str)
        The user chose; empty for none.
    """

    chosen = Signal(str)

    def __init__(self, name: str, nothing: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._nothing = nothing
        self._shown: tuple[tuple[str, ...], str] | None = None
        self.setAccessibleName(name)
        theme.use_font(self, FontRole.BODY)
        self.activated.connect(lambda: self.chosen.emit(self.currentData()))

    def show_names(self, names: Sequence[str], chosen: str) -> None:
        """Offer these names; costs nothing if they are the ones offered."""
        shown = (tuple(names), chosen)
        if shown == self._shown or self.view().isVisible():
            return
        self._shown = shown
        with QSignalBlocker(self):
            self.clear()
            self.addItem(self._nothing, "")
            for name in names:
                self.addItem(name, name)
            if chosen and chosen not in names:
                self.addItem(f"{chosen} (not found)", chosen)
            self.setCurrentIndex(self.findData(chosen))
