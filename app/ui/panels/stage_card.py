"""A stage on its card: name, bypass switch, main controls, what it does, and what it costs. GUI thread; nothing waits."""

from __future__ import annotations

from collections.abc import Mapping

from PySide6.QtCore import QRectF, Qt, Signal
from PySide6.QtGui import QColor, QMouseEvent, QPaintEvent, QPen
from PySide6.QtWidgets import QHBoxLayout, QLabel, QPushButton, QSizePolicy, QStackedLayout, QVBoxLayout, QWidget

from app.ui import theme
from app.ui.icons import Shape
from app.ui.midi_learning import mark_target
from app.ui.painting import painting
from app.ui.theme import Colour, FontRole
from app.ui.widgets.activity_meter import ActivityMeter
from app.ui.widgets.elided_label import ElidedLabel
from app.ui.widgets.figure import Figure, decimal
from app.ui.widgets.param_control import CompactControl, compact_control
from app.ui.widgets.param_slider import Dial
from app.ui.widgets.sign import Sign
from app.ui.widgets.toggle import Toggle
from engine import StageDescription, StageSnapshot, Value

MAIN_CONTROLS = 2


class StageCard(QWidget):
    """One card, made from a stage's description.

    Signals
    -------
    param_edited(str, object)
        Parameter id and value, by the user.
    bypass_edited(str, bool)
        Stage id, and whether it is to be bypassed.
    open_asked(str)
        Stage id whose whole panel is wanted.
    """

    param_edited = Signal(str, object)
    bypass_edited = Signal(str, bool)
    open_asked = Signal(str)

    def __init__(self, stage: StageDescription, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.stage = stage
        self._edge = Colour.LINE
        self._state: tuple[bool, bool, str] | None = None
        self._is_open = False
        self.title = QPushButton(stage.label)
        self.title.setObjectName("cardTitle")
        self.title.setSizePolicy(QSizePolicy.Policy.Minimum, QSizePolicy.Policy.Fixed)
        self.title.setAccessibleName(f"{stage.label}: all settings")
        self.title.setAccessibleDescription(stage.help)
        self.title.setToolTip(f"{stage.help}\nClick for all settings.".strip())
        theme.use_font(self.title, FontRole.NAME)
        self.switch = Toggle(f"{stage.label} in use", "Off takes the stage out of the sound (bypass), without a click")
        mark_target(self.switch, f"bypass:{stage.id}")
        self.controls: dict[str, CompactControl] = {}
        self.meter = ActivityMeter(stage.meters[0], stage.label) if stage.meters else None
        self.message = ElidedLabel(role=FontRole.SMALL, colour=Colour.MUTED, lines=2, minimum="00000")
        self._sign = Sign(Shape.TRIANGLE, Colour.CAUTION)
        self.delay = Figure("Delay", "88.8 ms", "Delay this stage adds", ground=Colour.SURFACE, role=FontRole.SMALL)
        self.cost = Figure(
            "Cost", "8.88 ms", "Median time it works on one hop", ground=Colour.SURFACE, role=FontRole.SMALL
        )
        self.setAccessibleName(stage.label)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self._status = QStackedLayout()
        self._lay_out()
        self.title.clicked.connect(lambda: self.open_asked.emit(self.stage.id))
        self.switch.clicked.connect(lambda is_on: self.bypass_edited.emit(self.stage.id, not is_on))

    def show_stage(self, stage: StageSnapshot | None) -> None:
        """Show the stage now; None: nothing is known of it."""
        if stage is None:
            self._show_state(False, False, "")
            self.delay.show_value("–")
            self.cost.show_value("–")
            self._show_meter(None)
            return
        self.switch.show_on(not stage.is_bypassed)
        self._show_state(stage.is_bypassed, stage.is_degraded, stage.reason)
        self.cost.show_value(decimal(stage.work_ms.p50 if stage.work_ms else None, 2, "ms"))
        if self.meter is not None:
            self._show_meter(stage.meters.get(self.meter.spec.name))

    def show_delay(self, delay_ms: float) -> None:
        """Show the delay the stage adds."""
        self.delay.show_value(decimal(delay_ms, 1, "ms"))

    def show_params(self, params: Mapping[str, Value]) -> None:
        """Let the controls follow."""
        for param_id, control in self.controls.items():
            control.show_value(params.get(param_id))

    def show_open(self, is_open: bool) -> None:
        """Show whether this stage's panel is open."""
        if is_open != self._is_open:
            self._is_open = is_open
            self.update()

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        """A click anywhere opens the panel."""
        if event.button() is Qt.MouseButton.LeftButton and self.rect().contains(event.position().toPoint()):
            self.open_asked.emit(self.stage.id)

    def paintEvent(self, event: QPaintEvent) -> None:
        """The card's ground and edge."""
        with painting(self, is_smooth=True) as painter:
            edge = Colour.ACCENT if self._is_open else self._edge
            painter.setPen(QPen(QColor(edge), 1.4 if edge != Colour.LINE else 1.0))
            painter.setBrush(QColor(Colour.SURFACE))
            painter.drawRoundedRect(QRectF(self.rect()).adjusted(1, 1, -1, -1), theme.RADIUS, theme.RADIUS)

    def _lay_out(self) -> None:
        column = QVBoxLayout(self)
        column.setContentsMargins(theme.GAP - 1, theme.GAP - 1, theme.GAP - 1, theme.GAP)
        column.setSpacing(theme.GAP // 2)
        head = QHBoxLayout()
        head.setSpacing(theme.GAP // 2)
        head.addWidget(self.title)
        head.addStretch(1)
        head.addWidget(self.switch)
        column.addLayout(head)
        for spec in [spec for spec in self.stage.params if spec.is_main][:MAIN_CONTROLS]:
            control = compact_control(spec, self.stage.label)
            param_id = f"{self.stage.id}.{spec.name}"
            control.edited.connect(lambda value, param_id=param_id: self.param_edited.emit(param_id, value))
            mark_target(control, param_id)
            self.controls[param_id] = control
            self._place(column, control)
        if not any(isinstance(control, Dial) for control in self.controls.values()):
            column.addStretch(1)
        self._status.addWidget(self._activity_page())
        self._status.addWidget(self._message_page())
        column.addLayout(self._status)
        foot = QHBoxLayout()
        foot.setSpacing(theme.GAP)
        foot.addWidget(self.delay)
        foot.addStretch(1)
        foot.addWidget(self.cost)
        column.addLayout(foot)

    def _place(self, column: QVBoxLayout, control: CompactControl) -> None:
        if isinstance(control, Dial):
            column.addWidget(control, 1)
            return
        label = QLabel(control.spec.label)
        label.setStyleSheet(f"color: {Colour.MUTED}")
        label.setBuddy(control)
        theme.use_font(label, FontRole.SMALL)
        if isinstance(control, Toggle):
            row = QHBoxLayout()
            row.addWidget(label, 1)
            row.addWidget(control)
            column.addLayout(row)
        else:
            column.addWidget(label)
            column.addWidget(control)

    def _activity_page(self) -> QWidget:
        page = QWidget()
        column = QVBoxLayout(page)
        column.setContentsMargins(0, 0, 0, 0)
        if self.meter is not None:
            column.addWidget(self.meter)
        return page

    def _message_page(self) -> QWidget:
        page = QWidget()
        row = QHBoxLayout(page)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(theme.GAP // 2)
        row.addWidget(self._sign, 0, Qt.AlignmentFlag.AlignTop)
        row.addWidget(self.message, 1)
        return page

    def _show_meter(self, reading: float | None) -> None:
        if self.meter is not None:
            self.meter.show_reading(reading)

    def _show_state(self, is_bypassed: bool, is_degraded: bool, reason: str) -> None:
        state = (is_bypassed, is_degraded, reason)
        if state == self._state:
            return
        self._state = state
        if is_degraded:
            self.message.show_text(reason or "Out of use for now", Colour.CAUTION)
        elif is_bypassed:
            self.message.show_text("Bypassed", Colour.MUTED)
        self._sign.setVisible(is_degraded)
        for control in self.controls.values():
            if isinstance(control, Dial):
                control.show_dimmed(is_bypassed or is_degraded)
        self._status.setCurrentIndex(1 if is_degraded or is_bypassed else 0)
        self._edge = Colour.CAUTION if is_degraded else Colour.LINE
        words = reason if is_degraded else "bypassed" if is_bypassed else "in use"
        self.setAccessibleDescription(words)
        self.update()
