"""The stages' cards in the order of the chain, side by side, scrolling where they do not fit. GUI thread; nothing waits."""

from __future__ import annotations

from collections.abc import Mapping

from PySide6.QtCore import QEvent, QPointF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QPaintEvent, QPen, QResizeEvent
from PySide6.QtWidgets import QApplication, QHBoxLayout, QLabel, QScrollArea, QSizePolicy, QWidget

from app.ui import theme
from app.ui.painting import painting
from app.ui.panels.stage_card import StageCard
from app.ui.theme import Colour
from engine import Description, Snapshot, Value

ARROW_ROOM = 6


class ChainStrip(QScrollArea):
    """All cards. Signals as in `StageCard`."""

    param_edited = Signal(str, object)
    bypass_edited = Signal(str, bool)
    open_asked = Signal(str)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.cards: dict[str, StageCard] = {}
        self.setWidgetResizable(True)
        self.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAsNeeded)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setAccessibleName("Chain")
        self._row = _CardRow({})
        self._fits: object = None
        self.setWidget(self._row)
        QApplication.instance().focusChanged.connect(self._keep_focus_in_sight)  # type: ignore[union-attr]

    def show_description(self, description: Description) -> None:
        """Make the cards anew."""
        self.cards = {stage.id: StageCard(stage) for stage in description.stages}
        for card in self.cards.values():
            card.param_edited.connect(self.param_edited)
            card.bypass_edited.connect(self.bypass_edited)
            card.open_asked.connect(self.open_asked)
        self._row = _CardRow(self.cards)
        self.setWidget(self._row)
        self._fit()
        self.updateGeometry()

    def show_snapshot(self, snapshot: Snapshot) -> None:
        """Let all cards follow."""
        rate = snapshot.sample_rate or 48_000
        for stage in snapshot.stages:
            card = self.cards.get(stage.id)
            if card is not None:
                card.show_stage(stage)
                card.show_delay(stage.latency_samples * 1000 / rate)
                card.show_params(snapshot.params)
        self._fit()

    def show_nothing(self) -> None:
        """There is no engine to ask."""
        for card in self.cards.values():
            card.show_stage(None)

    def show_open(self, stage_id: str | None) -> None:
        """Mark the card whose panel is open."""
        for card in self.cards.values():
            card.show_open(card.stage.id == stage_id)

    def show_params(self, params: Mapping[str, Value]) -> None:
        """Let the controls follow."""
        for card in self.cards.values():
            card.show_params(params)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Narrow cards, or wide ones."""
        super().resizeEvent(event)
        self._fit()

    def changeEvent(self, event: QEvent) -> None:
        """Another font needs another width."""
        super().changeEvent(event)
        if event.type() == QEvent.Type.FontChange:
            self._fit()

    def minimumSizeHint(self) -> QSize:
        """As high as the cards need; as narrow as one card."""
        least = self._row.minimumSizeHint()
        return QSize(
            min(least.width(), theme.em() * 12), least.height() + self.horizontalScrollBar().sizeHint().height()
        )

    def sizeHint(self) -> QSize:
        """As the cards."""
        return self._row.sizeHint()

    def _fit(self) -> None:
        """Make the cards narrow where they would need scrolling otherwise."""
        fits = (self.width(), theme.em(), tuple(card.is_slim for card in self.cards.values()))
        if fits == self._fits:
            return
        self._fits = fits
        self._row.show_narrow(False)
        if self._row.minimumSizeHint().width() > self.width():
            self._row.show_narrow(True)

    def _keep_focus_in_sight(self, before: QWidget | None, now: QWidget | None) -> None:
        if now is not None and self._row.isAncestorOf(now):
            self.ensureWidgetVisible(now, theme.GAP * 3, 0)


class _CardRow(QWidget):
    """The cards, with a small arrow from each to the next."""

    def __init__(self, cards: Mapping[str, StageCard]) -> None:
        super().__init__()
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(ARROW_ROOM)
        self._cards = list(cards.values())
        for card in self._cards:
            row.addWidget(card, 1)
        if not self._cards:
            empty = QLabel("The engine has not told its stages yet.")
            empty.setAlignment(Qt.AlignmentFlag.AlignCenter)
            empty.setStyleSheet(f"color: {Colour.MUTED}")
            row.addWidget(empty)

    def show_narrow(self, is_narrow: bool) -> None:
        """Let all cards be narrow or not."""
        for card in self._cards:
            card.show_narrow(is_narrow)

    def paintEvent(self, event: QPaintEvent) -> None:
        """Arrows in the gaps."""
        with painting(self, is_smooth=True) as painter:
            painter.setPen(QPen(QColor(Colour.SECOND), 1.4, Qt.PenStyle.SolidLine, Qt.PenCapStyle.RoundCap))
            for card in self._cards[:-1]:
                x, y = (
                    card.geometry().right() + 1 + ARROW_ROOM / 2,
                    card.geometry().top() + theme.GAP + theme.em() / 2 + 3,
                )
                painter.drawPolyline([QPointF(x - 1.5, y - 3.5), QPointF(x + 1.5, y), QPointF(x - 1.5, y + 3.5)])
