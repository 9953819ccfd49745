"""The loudness of the session: figures to the standard, its course beside the target, reset and hold.

GUI thread; nothing waits.
"""

from __future__ import annotations

from PySide6.QtGui import QHideEvent, QShowEvent
from PySide6.QtWidgets import QGridLayout, QHBoxLayout, QWidget

from app.bridge import EngineBridge
from app.ui import theme
from app.ui.panels.panel_frame import quiet_button
from app.ui.theme import Colour, FontRole
from app.ui.tool_panel import ToolPanel
from app.ui.widgets.figure import Figure, decimal
from app.ui.widgets.session_plot import SessionPlot
from engine import HoldMeters, SessionSnapshot, Snapshot

_WIDEST = "−88.8"
_TARGET, _LEVELLER = "leveller.target_lufs", "leveller"


class LoudnessPanel(ToolPanel):
    """Asks for the session's loudness while it is seen, and only then."""

    def __init__(self, bridge: EngineBridge) -> None:
        super().__init__("Loudness", "the loudness")
        self._bridge = bridge
        self.plot = SessionPlot()
        self.figures = {
            "integrated": _figure("Integrated", "Gated loudness since the reset, LUFS"),
            "last_ten": _figure("Last 10 min", "Gated loudness of the last ten minutes, LUFS"),
            "short_term": _figure("Short-term", "Loudness of the last 3 s, LUFS"),
            "momentary": _figure("Momentary", "Loudness of the last 400 ms, LUFS"),
            "range": _figure("Range", "Loudness range since the reset, LU: how far quiet and loud passages lie apart"),
            "true_peak": _figure("True peak", "Highest true peak since the reset, dBTP"),
            "max_short_term": _figure("Max short", "Loudest 3 s since the reset, LUFS"),
            "max_momentary": _figure("Max mom.", "Loudest 400 ms since the reset, LUFS"),
        }
        self.reset_button = quiet_button("Reset", "Begin integrated loudness, range and maxima anew")
        self.hold_button = quiet_button("Hold", "Let integrated loudness, range and maxima stand still")
        self.hold_button.setCheckable(True)
        for button in (self.reset_button, self.hold_button):
            self.add_head_button(button)
        self.reset_button.clicked.connect(bridge.reset_meters)
        self.hold_button.clicked.connect(lambda is_held: bridge.send(HoldMeters(is_held)))
        self.set_body(self._body())

    def show_snapshot(self, snapshot: Snapshot) -> None:
        """Let figures and course follow."""
        now = snapshot.loudness
        self._show("integrated", now.integrated_lufs)
        self._show("short_term", now.short_term_lufs)
        self._show("momentary", now.momentary_lufs)
        self._show("true_peak", now.true_peak_dbtp)
        is_levelled = any(stage.id == _LEVELLER and not stage.is_bypassed for stage in snapshot.stages)
        target_lufs = snapshot.params.get(_TARGET)
        self.plot.show_target(float(target_lufs) if is_levelled and target_lufs is not None else None)
        if snapshot.session is not None:
            self._show_session(snapshot.session)

    def showEvent(self, event: QShowEvent) -> None:
        """Somebody looks."""
        super().showEvent(event)
        self._bridge.want_session(True)

    def hideEvent(self, event: QHideEvent) -> None:
        """Nobody does."""
        super().hideEvent(event)
        self._bridge.want_session(False)

    def _show_session(self, session: SessionSnapshot) -> None:
        self._show("last_ten", session.last_ten_minutes_lufs)
        self._show("range", session.range_lu)
        self._show("max_short_term", session.max_short_term_lufs)
        self._show("max_momentary", session.max_momentary_lufs)
        self.hold_button.setChecked(session.is_held)
        self.plot.show_course(session.short_term_lufs, session.interval_s)

    def _show(self, name: str, value: float | None) -> None:
        self.figures[name].show_value(decimal(value))

    def _body(self) -> QWidget:
        body = QWidget()
        row = QHBoxLayout(body)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(theme.GAP * 2)
        grid = QGridLayout()
        grid.setHorizontalSpacing(theme.GAP * 2)
        grid.setVerticalSpacing(theme.GAP // 2)
        for index, figure in enumerate(self.figures.values()):
            grid.addWidget(figure, index // 2, index % 2)
        grid.setRowStretch(len(self.figures) // 2, 1)
        row.addLayout(grid)
        row.addWidget(self.plot, 1)
        return body


def _figure(caption: str, help: str) -> Figure:
    return Figure(caption, _WIDEST, help, FontRole.FIGURE, ground=Colour.SURFACE)
