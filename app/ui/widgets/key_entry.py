"""Where a combination of keys is chosen by pressing it. GUI thread; nothing waits."""

from __future__ import annotations

from PySide6.QtCore import QSignalBlocker, Qt, Signal
from PySide6.QtGui import QKeyEvent, QKeySequence
from PySide6.QtWidgets import QKeySequenceEdit, QWidget

from app.ui import theme
from app.ui.theme import FontRole


class KeyEntry(QKeySequenceEdit):
    """One combination, or none: Backspace takes it away, Escape goes back to what was there.

    Parameters
    ----------
    name : str
        The accessible name.

    Signals
    -------
    chosen(str)
        The user chose; in the form `Ctrl+Alt+Shift+M`, empty for none.
    """

    chosen = Signal(str)

    def __init__(self, name: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._shown = ""
        self.setMaximumSequenceLength(1)
        self.setAccessibleName(name)
        self.setToolTip("Click and press the keys; Backspace for none")
        theme.use_font(self, FontRole.BODY)
        self.editingFinished.connect(self._take)

    @property
    def text(self) -> str:
        """The combination on show, in the form that settings have."""
        return self.keySequence().toString(QKeySequence.SequenceFormat.PortableText)

    def show_keys(self, text: str) -> None:
        """Follow the engine, unless somebody is choosing."""
        self._shown = text
        if not self.hasFocus():
            self._put(text)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Take a key as part of the combination, unless it is one of the two that are not."""
        if event.key() == Qt.Key.Key_Escape:
            self._put(self._shown)
            self.clearFocus()
        elif event.key() in (Qt.Key.Key_Backspace, Qt.Key.Key_Delete) and not event.modifiers():
            self._choose("")
        else:
            super().keyPressEvent(event)

    def _put(self, text: str) -> None:
        if text != self.text:
            with QSignalBlocker(self):
                self.setKeySequence(QKeySequence(text))

    def _take(self) -> None:
        # Qt begins with none as soon as a modifier is down; whoever lets go of it has chosen nothing.
        self._choose(self.text or self._shown)

    def _choose(self, text: str) -> None:
        self._put(text)
        if text != self._shown:
            self._shown = text
            self.chosen.emit(text)
