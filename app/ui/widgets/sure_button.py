"""A button for what cannot be taken back: it asks, and does it at a second press. GUI thread; nothing waits."""

from __future__ import annotations

from PySide6.QtCore import QSize, QTimer, Signal
from PySide6.QtGui import QMouseEvent
from PySide6.QtWidgets import QPushButton, QWidget

from app.ui import theme
from app.ui.theme import FontRole

QUESTION = "Really?"
_PATIENCE_MS = 4000


class SureButton(QPushButton):
    """`clicked` asks, `sure` is the answer; who does not answer within four seconds meant nothing.

    Parameters
    ----------
    text : str
    name : str
        What it does, for those who hear the window, and in the tooltip.
    question : str
        What it says while it asks.

    Attributes
    ----------
    asks : bool
        Whether it asks now; what can be had again is done at the first press.
    """

    sure = Signal()

    def __init__(self, text: str, name: str, question: str = QUESTION, parent: QWidget | None = None) -> None:
        super().__init__(text, parent)
        self._usual = text
        self._question = question
        self.asks = True
        self.setObjectName("quiet")
        self.setCheckable(True)
        self.setAccessibleName(name)
        self.setToolTip(name)
        theme.use_font(self, FontRole.SMALL)
        self._calm = QTimer(self, singleShot=True, interval=_PATIENCE_MS)
        self._calm.timeout.connect(self.calm_down)
        self.clicked.connect(self._ask_or_do)

    def sizeHint(self) -> QSize:
        """Room for the question too, so that nothing beside it moves."""
        room = self.fontMetrics().horizontalAdvance(self._question) - self.fontMetrics().horizontalAdvance(self.text())
        return super().sizeHint() + QSize(max(0, room), 0)

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        """A double click is one press: nobody has read the question yet."""

    def calm_down(self) -> None:
        """Forget that it was pressed."""
        self._calm.stop()
        self.setText(self._usual)
        self.setChecked(False)

    def _ask_or_do(self, is_asked: bool) -> None:
        if is_asked and self.asks:
            self.setText(self._question)
            self._calm.start()
            return
        self.calm_down()
        self.sure.emit()
