"""All parameters of one stage, made from their declarations. It exists only while it is open. GUI thread; nothing waits."""

from __future__ import annotations

from collections.abc import Mapping

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QGridLayout, QLabel, QVBoxLayout, QWidget

from app.ui import theme
from app.ui.midi_learning import mark_target
from app.ui.panels.panel_frame import PanelFrame, quiet_button
from app.ui.stage_views import STAGE_VIEWS
from app.ui.theme import Colour, FontRole
from app.ui.widgets.param_control import FullControl, SliderWithEntry, SwitchBox, full_control
from app.ui.widgets.text_label import text_label
from engine import ChainConfig, ParamSpec, Snapshot, StageDescription, Value


class StagePanel(PanelFrame):
    """One row a parameter: label, control, help.

    Signals
    -------
    param_edited(str, object)
        Parameter id and value, by the user.
    defaults_asked(ChainConfig)
        All of the stage's parameters at their defaults, wanted at once.
    """

    param_edited = Signal(str, object)
    defaults_asked = Signal(object)

    def __init__(self, stage: StageDescription, parent: QWidget | None = None) -> None:
        super().__init__(stage.label, f"the settings of {stage.label}", parent)
        self.stage = stage
        self.controls: dict[str, FullControl] = {}
        make_view = STAGE_VIEWS.get(stage.id)
        self.view = make_view(stage) if make_view is not None else None
        self.defaults_button = quiet_button("Defaults", f"Set all of {stage.label} to the defaults")
        self.defaults_button.clicked.connect(self._restore_defaults)
        self.add_head_button(self.defaults_button)
        self.setAccessibleName(f"{stage.label} settings")
        self.set_body(self._body())

    def show_snapshot(self, snapshot: Snapshot) -> None:
        """Let controls and picture follow."""
        self.show_params(snapshot.params)
        if self.view is not None:
            self.view.show_snapshot(snapshot)

    def show_params(self, params: Mapping[str, Value]) -> None:
        """Let the controls follow."""
        for param_id, control in self.controls.items():
            control.show_value(params.get(param_id))

    def first_control(self) -> QWidget:
        """Where the keyboard goes when the panel opens."""
        for control in self.controls.values():
            return control.slider if isinstance(control, SliderWithEntry) else control
        return self.close_button

    def _body(self) -> QWidget:
        body = QWidget()
        column = QVBoxLayout(body)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(theme.GAP)
        if self.view is not None:
            column.addWidget(self.view)
        column.addWidget(self._rows(), 1)
        return body

    def _rows(self) -> QWidget:
        rows = QWidget()
        grid = QGridLayout(rows)
        grid.setContentsMargins(0, 0, theme.GAP, 0)
        grid.setHorizontalSpacing(theme.GAP + 4)
        grid.setVerticalSpacing(2)
        grid.setColumnStretch(1, 1)
        for index, spec in enumerate(self.stage.params):
            self._add_row(grid, 2 * index, spec)
        if not self.stage.params:
            grid.addWidget(self._small("This stage has no settings."), 0, 0)
        self._align_entries()
        grid.setRowStretch(2 * len(self.stage.params) + 1, 1)
        return rows

    def _align_entries(self) -> None:
        entries = [control.entry for control in self.controls.values() if isinstance(control, SliderWithEntry)]
        width = max((entry.sizeHint().width() for entry in entries), default=0)
        for entry in entries:
            entry.setFixedWidth(width)

    def _add_row(self, grid: QGridLayout, row: int, spec: ParamSpec) -> None:
        param_id = f"{self.stage.id}.{spec.name}"
        control = full_control(spec, self.stage.label)
        control.edited.connect(lambda value: self.param_edited.emit(param_id, value))
        mark_target(control, param_id)
        self.controls[param_id] = control
        label = text_label(spec.label, FontRole.BODY)
        label.setToolTip(spec.help)
        grid.addWidget(label, row, 0)
        if isinstance(control, SwitchBox):
            grid.addWidget(control, row, 1, Qt.AlignmentFlag.AlignLeft)
        else:
            grid.addWidget(control, row, 1)
        if spec.help:
            grid.addWidget(self._small(spec.help), row + 1, 0, 1, 2)

    def _small(self, text: str) -> QLabel:
        label = text_label(text, colour=Colour.FAINT, is_wrapped=True)
        label.setContentsMargins(0, 0, 0, 6)
        return label

    def _restore_defaults(self) -> None:
        for control in self.controls.values():
            control.show_value(control.spec.default)
        defaults = {param_id: control.spec.default for param_id, control in self.controls.items()}
        self.defaults_asked.emit(ChainConfig(params=defaults))
