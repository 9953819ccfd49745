"""A stage on its card: name, bypass switch, main controls, what it does, and what it costs. GUI thread; nothing waits.

A stage that is bypassed, or waits for something to work on, shrinks to its name and its switch, so that what is at work is
seen at a glance; its controls are in its panel. Where there is little width, all cards are narrow: of several controls only the
first is on them.
"""

from __future__ import annotations

from collections.abc import Mapping

from PySide6.QtCore import QRectF, Qt, Signal
from PySide6.QtGui import QColor, QMouseEvent, QPaintEvent, QPen
from PySide6.QtWidgets import (
    QGridLayout,
    QHBoxLayout,
    QPushButton,
    QSizePolicy,
    QStackedLayout,
    QVBoxLayout,
    QWidget,
)

from app.ui import theme
from app.ui.icons import Shape
from app.ui.midi_learning import mark_target
from app.ui.painting import painting
from app.ui.theme import Colour, FontRole
from app.ui.widgets.activity_meter import ActivityMeter
from app.ui.widgets.dial import Dial
from app.ui.widgets.elided_label import ElidedLabel
from app.ui.widgets.figure import Figure, decimal
from app.ui.widgets.param_control import CompactControl, compact_control
from app.ui.widgets.side_title import SideTitle
from app.ui.widgets.sign import Sign
from app.ui.widgets.text_label import text_label
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
        self._state: tuple[str, str] | None = None
        self._is_slim = False
        self._is_narrow = False
        self._delay_ms = 0.0
        self._wide_only: list[QWidget] = []
        self._is_open = False
        self.title = QPushButton(stage.label)
        self.title.setObjectName("cardTitle")
        self.title.setSizePolicy(QSizePolicy.Policy.Minimum, QSizePolicy.Policy.Fixed)
        self.title.setAccessibleName(f"{stage.label}: all settings")
        self.title.setAccessibleDescription(stage.help)
        self.title.setToolTip(f"{stage.help}\nClick for all settings.".strip())
        theme.use_font(self.title, FontRole.NAME)
        self._side_title = SideTitle(stage.label)
        self._side_title.setAccessibleName(self.title.accessibleName())
        self._side_title.setAccessibleDescription(stage.help)
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
        self._whole = QVBoxLayout(self)
        self._head = QGridLayout()
        self._body = QWidget()
        self._status = QStackedLayout()
        self._lay_out()
        for title in (self.title, self._side_title):
            title.clicked.connect(lambda: self.open_asked.emit(self.stage.id))
        self.switch.clicked.connect(lambda is_on: self.bypass_edited.emit(self.stage.id, not is_on))

    @property
    def is_slim(self) -> bool:
        """Whether only name and switch are shown."""
        return self._is_slim

    @property
    def opener(self) -> QPushButton:
        """The button that opens the panel now."""
        return self._side_title if self._is_slim else self.title

    def show_stage(self, stage: StageSnapshot | None) -> None:
        """Show the stage now; None: nothing is known of it."""
        if stage is None:
            self._show_state("", "")
            self.delay.show_value("–")
            self.cost.show_value("–")
            self._show_meter(None)
            return
        self.switch.show_on(not stage.is_bypassed)
        fault = (stage.reason or "Out of use for now") if stage.is_degraded else ""
        rest = "bypassed" if stage.is_bypassed else f"waits for {stage.waits_for}" if stage.waits_for else ""
        self._show_state(fault, "" if fault else rest)
        self.cost.show_value(decimal(stage.work_ms.p50 if stage.work_ms else None, 2, "ms"))
        if self.meter is not None:
            self._show_meter(stage.meters.get(self.meter.spec.name))

    def show_delay(self, delay_ms: float) -> None:
        """Show the delay the stage adds, if it adds any."""
        self._delay_ms = delay_ms
        self.delay.show_value(decimal(delay_ms, 1, "ms"))
        self.delay.setVisible(delay_ms > 0.0 and not self._is_narrow)

    def show_params(self, params: Mapping[str, Value]) -> None:
        """Let the controls follow."""
        for param_id, control in self.controls.items():
            control.show_value(params.get(param_id))

    def show_narrow(self, is_narrow: bool) -> None:
        """Make do with little width, or take what is comfortable."""
        if is_narrow == self._is_narrow:
            return
        self._is_narrow = is_narrow
        for control in self.controls.values():
            if isinstance(control, Dial):
                control.show_tall(is_narrow)
        for widget in self._wide_only:
            widget.setVisible(not is_narrow)
        self.show_delay(self._delay_ms)
        self._place_switch()
        self._body.updateGeometry()
        self.updateGeometry()

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
        whole = self._whole
        whole.setSpacing(theme.GAP // 2)
        self._head.setSpacing(theme.GAP // 2)
        self._head.setColumnStretch(0, 1)
        self._head.addWidget(self.title, 0, 0, Qt.AlignmentFlag.AlignLeft)
        whole.addLayout(self._head)
        whole.addWidget(self._body, 1)
        whole.addWidget(self._side_title, 1, Qt.AlignmentFlag.AlignHCenter)
        self._lay_out_body()
        self._show_width(is_slim=False)

    def _lay_out_body(self) -> None:
        column = QVBoxLayout(self._body)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(theme.GAP // 2)
        for spec in [spec for spec in self.stage.params if spec.is_main][:MAIN_CONTROLS]:
            control = compact_control(spec, self.stage.label)
            param_id = f"{self.stage.id}.{spec.name}"
            control.edited.connect(lambda value, param_id=param_id: self.param_edited.emit(param_id, value))
            mark_target(control, param_id)
            is_second = bool(self.controls) and not isinstance(control, Toggle)
            self.controls[param_id] = control
            placed = self._place(column, control)
            if is_second:
                self._wide_only += placed
        if not any(isinstance(control, Dial) for control in self.controls.values()):
            column.addStretch(1)
        self._status.addWidget(self._activity_page())
        self._status.addWidget(self._message_page())
        column.addLayout(self._status)
        foot = QHBoxLayout()
        foot.setSpacing(theme.GAP)
        foot.addWidget(self.cost)
        foot.addStretch(1)
        foot.addWidget(self.delay)
        self.delay.hide()
        column.addLayout(foot)

    def _place(self, column: QVBoxLayout, control: CompactControl) -> list[QWidget]:
        if isinstance(control, Dial):
            column.addWidget(control, 1)
            return [control]
        label = text_label(control.spec.label, colour=Colour.MUTED)
        label.setBuddy(control)
        if isinstance(control, Toggle):
            row = QHBoxLayout()
            row.addWidget(label, 1)
            row.addWidget(control)
            column.addLayout(row)
        else:
            column.addWidget(label)
            column.addWidget(control)
        return [label, control]

    def _place_switch(self) -> None:
        self._head.removeWidget(self.switch)
        if self._is_narrow and not self._is_slim:
            self._head.addWidget(self.switch, 1, 0, Qt.AlignmentFlag.AlignLeft)
        else:
            self._head.addWidget(self.switch, 0, 1, Qt.AlignmentFlag.AlignRight)

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

    def _show_state(self, fault: str, rest: str) -> None:
        """Show what is wrong with the stage, or why it does nothing; both empty while it works."""
        if (fault, rest) == self._state:
            return
        self._state = (fault, rest)
        self.message.show_text(fault, Colour.CAUTION)
        for control in self.controls.values():
            if isinstance(control, Dial):
                control.show_dimmed(bool(fault))
        self._status.setCurrentIndex(1 if fault else 0)
        self._edge = Colour.CAUTION if fault else Colour.LINE
        self.setAccessibleDescription(fault or rest or "in use")
        self._side_title.setToolTip(f"{self.stage.label}: {rest}.\n{self.stage.help}\nClick for all settings.")
        self._show_width(bool(rest))
        self.update()

    def _show_width(self, is_slim: bool) -> None:
        # Also in a window that is not in front just now.
        had_focus = self.window().focusWidget() is self.opener
        self._is_slim = is_slim
        self.title.setVisible(not is_slim)
        self._body.setVisible(not is_slim)
        self._side_title.setVisible(is_slim)
        self._place_switch()
        side = 1 if is_slim else theme.GAP - 1
        self._whole.setContentsMargins(side, theme.GAP - 1, side, theme.GAP)
        across = QSizePolicy.Policy.Fixed if is_slim else QSizePolicy.Policy.Expanding
        self.setSizePolicy(across, QSizePolicy.Policy.Expanding)
        if had_focus:
            self.opener.setFocus(Qt.FocusReason.OtherFocusReason)
