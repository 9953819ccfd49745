"""Makes the right control for a parameter from its declaration, so that no effect needs a panel of its own.

GUI thread; nothing waits.
"""

from __future__ import annotations

from PySide6.QtCore import QSignalBlocker, QSize, Qt, Signal
from PySide6.QtGui import QFocusEvent, QMouseEvent, QPaintEvent, QWheelEvent
from PySide6.QtWidgets import (
    QComboBox,
    QHBoxLayout,
    QLineEdit,
    QSizePolicy,
    QStyle,
    QStyleOptionComboBox,
    QStylePainter,
    QWidget,
)

from app.ui import theme
from app.ui.theme import FontRole
from app.ui.widgets.dial import Dial
from app.ui.widgets.param_slider import StraightSlider
from app.ui.widgets.toggle import Toggle
from app.ui.widgets.travel import parse_number, readable
from engine import ParamKind, ParamSpec, Value


class CalmComboBox(QComboBox):
    """A combo box that the wheel does not change in passing, and that can be narrower than its entries: dots end them."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self.setMinimumContentsLength(6)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)

    def wheelEvent(self, event: QWheelEvent) -> None:
        """Turn only with the focus."""
        if self.hasFocus():
            super().wheelEvent(event)
        else:
            event.ignore()

    @property
    def shown_text(self) -> str:
        """What of the chosen entry there is room for."""
        option = QStyleOptionComboBox()
        self.initStyleOption(option)
        parts = QStyle.ComplexControl.CC_ComboBox, option, QStyle.SubControl.SC_ComboBoxEditField, self
        room_px = self.style().subControlRect(*parts).width()
        return self.fontMetrics().elidedText(self.currentText(), Qt.TextElideMode.ElideRight, room_px)

    def paintEvent(self, event: QPaintEvent) -> None:
        """As any combo box, but a text that is too long is not broken off in the middle of a letter."""
        painter, option = QStylePainter(self), QStyleOptionComboBox()
        self.initStyleOption(option)
        option.currentText = self.shown_text
        painter.drawComplexControl(QStyle.ComplexControl.CC_ComboBox, option)
        painter.drawControl(QStyle.ControlElement.CE_ComboBoxLabel, option)
        painter.end()


class ChoiceBox(CalmComboBox):
    """One of a few named options."""

    edited = Signal(object)

    def __init__(self, spec: ParamSpec, owner: str = "", parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.spec = spec
        self.addItems(list(spec.options))
        self.setAccessibleName(f"{owner} {spec.label}".strip())
        self.setAccessibleDescription(spec.help)
        self.setToolTip(f"{spec.label}: {spec.help}")
        longest = max((len(option) for option in spec.options), default=6)
        self.setMinimumContentsLength(min(longest, 12))
        self.show_value(spec.default)
        self.textActivated.connect(self.edited.emit)

    @property
    def shown_value(self) -> Value | None:
        """The option on show."""
        return self.currentText() or None

    def show_value(self, value: Value | None) -> None:
        """Follow the engine, unless the list is open."""
        if self.view().isVisible() or value == self.currentText():
            return
        with QSignalBlocker(self):
            self.setCurrentIndex(self.findText("" if value is None else str(value)))

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        """Reset."""
        self.show_value(self.spec.default)
        self.edited.emit(self.spec.default)


class SwitchBox(Toggle):
    """An on/off parameter."""

    edited = Signal(object)

    def __init__(self, spec: ParamSpec, owner: str = "", parent: QWidget | None = None) -> None:
        super().__init__(f"{owner} {spec.label}".strip(), spec.help, parent)
        self.spec = spec
        self.show_value(spec.default)
        self.clicked.connect(self._tell)

    def _tell(self, is_on: bool) -> None:
        self.edited.emit(is_on)

    @property
    def shown_value(self) -> Value | None:
        """On or off."""
        return self.isChecked()

    def show_value(self, value: Value | None) -> None:
        """Follow the engine."""
        self.show_on(bool(value))


class NumberEntry(QLineEdit):
    """A number that can be typed; what cannot be read is put back as it was."""

    edited = Signal(object)

    def __init__(self, spec: ParamSpec, owner: str = "", parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.spec = spec
        self._value: Value | None = spec.default
        theme.use_font(self, FontRole.BODY)
        self.setAlignment(Qt.AlignmentFlag.AlignRight)
        self.setAccessibleName(f"{owner} {spec.label} value".strip())
        self.setAccessibleDescription(f"{readable(spec, spec.minimum)} to {readable(spec, spec.maximum)}")
        self.setToolTip(f"Type a value from {readable(spec, spec.minimum)} to {readable(spec, spec.maximum)}")
        self.show_value(spec.default)
        self.returnPressed.connect(self._take)

    def sizeHint(self) -> QSize:
        """Wide enough for the longest value of this parameter."""
        longest = max(
            len(readable(self.spec, end)) for end in (self.spec.minimum, self.spec.maximum, self.spec.default)
        )
        return QSize(theme.metrics().horizontalAdvance("0") * (longest + 1) + 18, super().sizeHint().height())

    def show_value(self, value: Value | None) -> None:
        """Follow the engine, unless somebody is typing."""
        self._value = value
        text = readable(self.spec, value)
        if not self.isModified() and text != self.text():
            self.setText(text)

    def focusOutEvent(self, event: QFocusEvent) -> None:
        """Leaving takes what was typed."""
        if self.isModified():
            self._take()
        super().focusOutEvent(event)

    def _take(self) -> None:
        try:
            value = parse_number(self.spec, self.text())
        except ValueError:
            self.setText(readable(self.spec, self._value))
            return
        self.setModified(False)
        if value != self._value:
            self.edited.emit(value)
        self.show_value(value)
        self.selectAll()


class SliderWithEntry(QWidget):
    """A straight slider and, beside it, its value to be typed."""

    edited = Signal(object)

    def __init__(self, spec: ParamSpec, owner: str = "", parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.spec = spec
        self.slider = StraightSlider(spec, owner, self)
        self.entry = NumberEntry(spec, owner, self)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(theme.GAP)
        row.addWidget(self.slider, 1)
        row.addWidget(self.entry)
        self.slider.edited.connect(self.entry.show_value)
        self.slider.edited.connect(self.edited.emit)
        self.entry.edited.connect(self.slider.show_value)
        self.entry.edited.connect(self.edited.emit)

    @property
    def shown_value(self) -> Value | None:
        """The value on show."""
        return self.slider.shown_value

    def show_value(self, value: Value | None) -> None:
        """Follow the engine."""
        if not self.slider.isSliderDown():
            self.slider.show_value(value)
            self.entry.show_value(value)


CompactControl = Dial | ChoiceBox | SwitchBox
FullControl = SliderWithEntry | ChoiceBox | SwitchBox


def compact_control(spec: ParamSpec, owner: str) -> CompactControl:
    """The control for a stage's card."""
    match spec.kind:
        case ParamKind.NUMBER:
            return Dial(spec, owner)
        case ParamKind.CHOICE:
            return ChoiceBox(spec, owner)
        case ParamKind.SWITCH:
            return SwitchBox(spec, owner)


def full_control(spec: ParamSpec, owner: str) -> FullControl:
    """The control for a stage's panel."""
    match spec.kind:
        case ParamKind.NUMBER:
            return SliderWithEntry(spec, owner)
        case ParamKind.CHOICE:
            return ChoiceBox(spec, owner)
        case ParamKind.SWITCH:
            return SwitchBox(spec, owner)
