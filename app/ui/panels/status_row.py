"""The first line of the window: what the engine is doing, and whether it keeps up. GUI thread; nothing waits."""

from __future__ import annotations

from PySide6.QtCore import QTimer, Signal
from PySide6.QtGui import QAccessible, QAccessibleAnnouncementEvent
from PySide6.QtWidgets import QHBoxLayout, QPushButton, QWidget

from app.bridge import LinkState
from app.ui import theme
from app.ui.theme import Colour, FontRole
from app.ui.widgets.elided_label import ElidedLabel
from app.ui.widgets.figure import Figure, clock_text, decimal
from app.ui.widgets.state_badge import StateBadge
from app.ui.widgets.text_label import sentence
from engine import ALARM_TEXTS, EngineState, Snapshot

NOTICE_MS = 8000
RUNNING_STATES = frozenset({EngineState.RUNNING, EngineState.DEGRADED, EngineState.STARTING, EngineState.STALLED})


class StatusRow(QWidget):
    """State and reason, counts of trouble, and the buttons that begin anew.

    Signals
    -------
    start_asked, stop_asked, reset_asked
        The user pressed the button.
    """

    start_asked = Signal()
    stop_asked = Signal()
    reset_asked = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.badge = StateBadge()
        self.reason = ElidedLabel(colour=Colour.MUTED, lines=2, minimum="0" * 8, is_centred=True)
        self.xruns = Figure("Xruns", "0000", "Times a device ran dry or over since the start")
        self.late_hops = Figure(
            "Late hops", "0000", "Hops finished later than one hop, or 10 ms if that is more, after they were due"
        )
        self.work = Figure(
            "Work per hop", "88.8 / 10 ms", "Median time the whole chain works on one hop, and the hop's length"
        )
        self.drift = Figure("Clock drift", "−888 ppm", "How far the clocks of the two devices run apart")
        self.uptime = Figure("Up", "88:88:88", "Time since the engine started")
        self._figures = (self.xruns, self.late_hops, self.work, self.drift, self.uptime)
        self.reset_button = QPushButton("Reset meters")
        self.reset_button.setToolTip("Begin loudness, true peak, latency figures and counts anew")
        self.run_button = QPushButton("Stop")
        self._is_running = True
        self._notice = ""
        self._notice_timer = QTimer(self, singleShot=True, interval=NOTICE_MS)
        self._notice_timer.timeout.connect(self._forget_notice)
        self._reason_text = ""
        self._said = ""
        self._lay_out()
        self.reset_button.clicked.connect(self.reset_asked)
        self.run_button.clicked.connect(self._run_or_stop)
        self._show_running(True)

    def _lay_out(self) -> None:
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(theme.GAP * 2)
        row.addWidget(self.badge)
        row.addWidget(self.reason, 1)
        for figure in self._figures:
            row.addWidget(figure)
        for button in (self.reset_button, self.run_button):
            theme.use_font(button, FontRole.BODY)
            button.setAccessibleName(button.text())
            row.addWidget(button)
        row.setSpacing(theme.GAP + 6)

    def show_snapshot(self, snapshot: Snapshot) -> None:
        """Show what the engine says of itself."""
        self.badge.show_state(snapshot.state, LinkState.CONNECTED)
        # Waiting for a device can be called off as well.
        self._show_running(snapshot.is_waiting or snapshot.state in RUNNING_STATES)
        alarms = "; ".join(ALARM_TEXTS[alarm] for alarm in snapshot.alarms)
        self._reason_text = snapshot.reason or alarms
        calm = Colour.CAUTION if alarms else Colour.MUTED
        is_failed = snapshot.state is EngineState.FAILED
        for figure in self._figures:
            # Nothing is worked on: the reason has more use for the room.
            figure.setVisible(not is_failed)
        self._show_line(Colour.TROUBLE if is_failed else calm)
        self._say_state()
        self.xruns.show_value(str(snapshot.xruns), Colour.CAUTION if snapshot.xruns else Colour.TEXT)
        self.late_hops.show_value(
            str(snapshot.deadline_misses), Colour.CAUTION if snapshot.deadline_misses else Colour.TEXT
        )
        rate = snapshot.sample_rate or 48_000
        work_ms = snapshot.hop_ms.p50 if snapshot.hop_ms else None
        self.work.show_value(f"{decimal(work_ms)} / {snapshot.hop_frames * 1000 / rate:.3g} ms")
        self.drift.show_value(decimal(snapshot.drift_ppm, 0, "ppm", with_sign=True))
        self.uptime.show_value(clock_text(snapshot.uptime_s))

    def show_link(self, state: LinkState, text: str) -> None:
        """Show that there is no engine to ask, or that it is back."""
        if state is not LinkState.CONNECTED:
            self.badge.show_state(EngineState.STOPPED, state)
            self._reason_text = text
            self._show_line(Colour.MUTED)
            self._say_state()

    def show_notice(self, text: str) -> None:
        """Show a sentence for a few seconds in place of the reason."""
        self._notice = text
        self._notice_timer.start()
        self._show_line(Colour.CAUTION)
        self._say(text)

    def withdraw_notice(self, text: str) -> None:
        """Take a notice away before its time, if it is still on show."""
        if text and text == self._notice:
            self._notice_timer.stop()
            self._forget_notice()

    def _forget_notice(self) -> None:
        self._notice = ""
        self._show_line(Colour.MUTED)

    def _show_line(self, colour: str) -> None:
        self.reason.show_text(sentence(self._notice or self._reason_text), Colour.CAUTION if self._notice else colour)

    def _say_state(self) -> None:
        """Say how things stand to those who hear the window, when that changes."""
        words = f"{self.badge.word}. {self._reason_text}".strip()
        if words != self._said:
            self._said = words
            self._say(words)

    def _say(self, text: str) -> None:
        # A screen reader reads what has the keyboard; this line never has it.
        QAccessible.updateAccessibility(QAccessibleAnnouncementEvent(self.reason, text))

    def _show_running(self, is_running: bool) -> None:
        text = "Stop" if is_running else "Start"
        self._is_running = is_running
        if self.run_button.text() != text:
            self.run_button.setText(text)
        name = "Stop the engine" if is_running else "Start the engine"
        if self.run_button.accessibleName() != name:
            self.run_button.setAccessibleName(name)
            self.run_button.setToolTip(name)

    def _run_or_stop(self) -> None:
        (self.stop_asked if self._is_running else self.start_asked).emit()
