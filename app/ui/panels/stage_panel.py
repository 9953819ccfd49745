"""All parameters of one stage, made from their declarations. It exists only while it is open. GUI thread; nothing waits."""

from __future__ import annotations

from collections.abc import Mapping

from PySide6.QtCore import QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QPaintEvent, QPen
from PySide6.QtWidgets import QGridLayout, QHBoxLayout, QLabel, QPushButton, QScrollArea, QVBoxLayout, QWidget

from app.ui import theme
from app.ui.painting import painting
from app.ui.theme import Colour, FontRole
from app.ui.widgets.param_control import FullControl, SliderWithEntry, SwitchBox, full_control
from engine import ParamSpec, StageDescription, Value


class StagePanel(QWidget):
    """One row a parameter: label, control, help.

    Signals
    -------
    param_edited(str, object)
        Parameter id and value, by the user.
    close_asked()
        The user is done.
    """

    param_edited = Signal(str, object)
    close_asked = Signal()

    def __init__(self, stage: StageDescription, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.stage = stage
        self.controls: dict[str, FullControl] = {}
        self.title = QLabel(stage.label)
        theme.use_font(self.title, FontRole.TITLE)
        self.defaults_button = QPushButton("Defaults")
        self.defaults_button.setAccessibleName(f"Set all of {stage.label} to the defaults")
        self.defaults_button.setToolTip(self.defaults_button.accessibleName())
        self.close_button = QPushButton("Close")
        self.close_button.setAccessibleName(f"Close the settings of {stage.label}")
        self.close_button.setToolTip(f"{self.close_button.accessibleName()} (Esc)")
        for button in (self.defaults_button, self.close_button):
            button.setObjectName("quiet")
            theme.use_font(button, FontRole.SMALL)
        self.setAccessibleName(f"{stage.label} settings")
        self._lay_out()
        self.close_button.clicked.connect(self.close_asked)
        self.defaults_button.clicked.connect(self._restore_defaults)

    def show_params(self, params: Mapping[str, Value]) -> None:
        """Let the controls follow."""
        for param_id, control in self.controls.items():
            control.show_value(params.get(param_id))

    def first_control(self) -> QWidget:
        """Where the keyboard goes when the panel opens."""
        for control in self.controls.values():
            return control.slider if isinstance(control, SliderWithEntry) else control
        return self.close_button

    def minimumSizeHint(self) -> QSize:
        """Wide enough for a slider and its entry."""
        return QSize(theme.em() * 20, theme.em() * 8)

    def sizeHint(self) -> QSize:
        """Comfortable."""
        return QSize(theme.em() * 25, theme.em() * 14)

    def paintEvent(self, event: QPaintEvent) -> None:
        """Ground and edge."""
        with painting(self, is_smooth=True) as painter:
            painter.setPen(QPen(QColor(Colour.ACCENT), 1.2))
            painter.setBrush(QColor(Colour.SURFACE))
            painter.drawRoundedRect(QRectF(self.rect()).adjusted(1, 1, -1, -1), theme.RADIUS, theme.RADIUS)

    def _lay_out(self) -> None:
        column = QVBoxLayout(self)
        column.setContentsMargins(theme.GAP + 4, theme.GAP, theme.GAP, theme.GAP)
        column.setSpacing(theme.GAP // 2)
        head = QHBoxLayout()
        head.addWidget(self.title)
        head.addStretch(1)
        head.addWidget(self.defaults_button)
        head.addWidget(self.close_button)
        column.addLayout(head)
        scroll = QScrollArea()
        scroll.setWidgetResizable(True)
        scroll.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        rows = self._rows()
        scroll.setWidget(rows)
        scroll.viewport().setAutoFillBackground(False)
        rows.setAutoFillBackground(False)
        column.addWidget(scroll, 1)

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
        self.controls[param_id] = control
        label = QLabel(spec.label)
        theme.use_font(label, FontRole.BODY)
        label.setToolTip(spec.help)
        grid.addWidget(label, row, 0)
        if isinstance(control, SwitchBox):
            grid.addWidget(control, row, 1, Qt.AlignmentFlag.AlignLeft)
        else:
            grid.addWidget(control, row, 1)
        if spec.help:
            grid.addWidget(self._small(spec.help), row + 1, 0, 1, 2)

    def _small(self, text: str) -> QLabel:
        label = QLabel(text)
        label.setWordWrap(True)
        label.setStyleSheet(f"color: {Colour.FAINT}; padding: 0 0 6px 0")
        label.setIndent(0)
        theme.use_font(label, FontRole.SMALL)
        return label

    def _restore_defaults(self) -> None:
        for param_id, control in self.controls.items():
            control.show_value(control.spec.default)
            self.param_edited.emit(param_id, control.spec.default)
