"""A button that saves under a name, and asks before it replaces what has that name. GUI thread; nothing waits."""

from __future__ import annotations

from collections.abc import Iterable

from PySide6.QtWidgets import QWidget

from app.ui.widgets.sure_button import SureButton


class SaveButton(SureButton):
    """`sure` says that it may be saved: at the first press where the name is free, at the second where it is taken."""

    def __init__(self, text: str, name: str, parent: QWidget | None = None) -> None:
        super().__init__(text, name, "Replace?", parent)
        self.asks = False
        self._target = ""

    def show_target(self, target: str, taken: Iterable[str]) -> None:
        """Follow the name that is to be saved under, and those that are taken."""
        if target != self._target:
            self._target = target
            self.calm_down()
        # Names are files, and not every system tells large letters in them from small ones.
        self.asks = target.casefold() in {name.casefold() for name in taken}
