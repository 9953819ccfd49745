"""The latency budget: the figure that counts, and the bar that says where it comes from. GUI thread; nothing waits."""

from __future__ import annotations

from PySide6.QtWidgets import QHBoxLayout, QWidget

from app.ui import theme
from app.ui.theme import FontRole
from app.ui.widgets.figure import Figure, decimal
from app.ui.widgets.latency_bar import LatencyBar, latency_picture
from engine import Snapshot


class LatencyPanel(QWidget):
    """Headline and bar. The headline is the measured median, or else the chain's own delay, and says which."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        about = "From microphone to virtual microphone as measured; where that cannot be, the delay of the chain alone"
        self._measured = Figure("Measured latency", "888.8 ms", about, FontRole.HEADLINE)
        self._chain = Figure("Chain latency", "888.8 ms", about, FontRole.HEADLINE)
        self._measured.hide()
        self.bar = LatencyBar()
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(theme.GAP * 2)
        row.addWidget(self._measured)
        row.addWidget(self._chain)
        row.addWidget(self.bar, 1)

    @property
    def headline(self) -> str:
        """The figure on show."""
        return (self._chain if self._measured.isHidden() else self._measured).value

    def show_snapshot(self, snapshot: Snapshot, labels: dict[str, str]) -> None:
        """Show the delay now; `labels` names the stages."""
        picture = latency_picture(snapshot, labels)
        self.bar.show_picture(picture)
        is_measured = picture.p50_ms is not None
        if self._measured.isHidden() is is_measured:
            self._measured.setVisible(is_measured)
            self._chain.setVisible(not is_measured)
        self._measured.show_value(decimal(picture.p50_ms, 1, "ms"))
        self._chain.show_value(decimal(snapshot.latency.chain_ms, 1, "ms"))
