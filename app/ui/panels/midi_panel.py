"""MIDI devices: what is plugged in, which map it has, how a lesson stands, and what arrives. GUI thread; nothing waits."""

from __future__ import annotations

from PySide6.QtCore import QSignalBlocker, QSize, Qt
from PySide6.QtWidgets import QGridLayout, QVBoxLayout, QWidget

from app.bridge import EngineBridge
from app.ui import theme
from app.ui.panels.panel_frame import clear, quiet_button
from app.ui.theme import Colour, FontRole
from app.ui.tool_panel import ToolPanel
from app.ui.widgets.elided_label import ElidedLabel
from app.ui.widgets.hinted_list import HintedList
from app.ui.widgets.param_control import CalmComboBox
from app.ui.widgets.text_label import sentence, text_label
from app.ui.widgets.toggle import Toggle
from engine import CancelMidiLearn, MidiConfig, MidiPortSnapshot, MidiSnapshot, PanicMidi, SetMidi, Snapshot

AUTOMATIC, LEFT_ALONE = "Automatic", "Leave alone"
_OFF = "off"
_HINT = "To learn, right-click a control (or press its menu key) and choose Learn MIDI."


class MidiPanel(ToolPanel):
    """Ports with their maps, and a monitor."""

    def __init__(self, bridge: EngineBridge) -> None:
        super().__init__("MIDI", "MIDI devices")
        self._bridge = bridge
        self._midi: MidiSnapshot | None = None
        self._ports: tuple[MidiPortSnapshot, ...] = ()
        self.switch = Toggle("MIDI in use", "Off lets go of all MIDI devices")
        self.panic_button = quiet_button("Panic", "Let go of whatever is held on MIDI devices")
        self.cancel_button = quiet_button("Stop learning", "Stop learning MIDI; nothing is changed")
        self.state = ElidedLabel(role=FontRole.BODY, colour=Colour.MUTED, lines=3, minimum="0" * 12)
        self.maps: dict[str, CalmComboBox] = {}
        self.monitor = HintedList(
            "What arrives from MIDI devices", "Nothing yet. Move a control of a device that is in use."
        )
        self._grid = QGridLayout()
        self._lay_out()
        self.switch.clicked.connect(lambda is_on: self._set(is_on=is_on))
        self.panic_button.clicked.connect(lambda: bridge.send(PanicMidi()))
        self.cancel_button.clicked.connect(lambda: bridge.send(CancelMidiLearn()))

    def first_control(self) -> QWidget:
        """The switch."""
        return self.switch

    def minimumSizeHint(self) -> QSize:
        """Wide enough for a device's name beside its map."""
        return super().minimumSizeHint().expandedTo(QSize(theme.em() * 22, theme.em() * 10))

    def sizeHint(self) -> QSize:
        """Comfortable."""
        return QSize(theme.em() * 34, theme.em() * 14)

    def show_snapshot(self, snapshot: Snapshot) -> None:
        """Follow the engine."""
        midi = snapshot.midi
        before, self._midi = self._midi, midi
        if before == midi:
            return
        self.switch.show_on(midi.config.is_on)
        self.cancel_button.setVisible(midi.learn.is_active)
        self.state.show_text(_state(midi), Colour.CAUTION if midi.learn.is_active else Colour.MUTED)
        if before is None or (before.ports, before.maps, before.config) != (midi.ports, midi.maps, midi.config):
            self._show_ports(midi)
        if before is None or before.messages != midi.messages:
            self.monitor.clear()
            self.monitor.addItems([f"{message.port}  {message.text}" for message in reversed(midi.messages)])

    def _lay_out(self) -> None:
        self.monitor.setUniformItemSizes(True)
        self.monitor.setTextElideMode(Qt.TextElideMode.ElideRight)
        self.monitor.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.monitor.setMinimumHeight(theme.em() * 3)
        theme.use_font(self.monitor, FontRole.SMALL)
        for button in (self.cancel_button, self.panic_button):
            self.add_head_button(button)
        self.cancel_button.hide()
        self._head.insertWidget(1, self.switch)
        self._grid.setHorizontalSpacing(theme.GAP)
        self._grid.setColumnStretch(0, 1)
        self._grid.setColumnStretch(1, 1)
        body = QWidget()
        column = QVBoxLayout(body)
        column.setContentsMargins(0, 0, theme.GAP, 0)
        column.setSpacing(theme.GAP // 2)
        column.addWidget(self.state)
        column.addLayout(self._grid)
        column.addWidget(text_label("What arrives, newest first", colour=Colour.MUTED))
        column.addWidget(self.monitor, 1)
        self.set_body(body, is_scrolled=False)

    def _show_ports(self, midi: MidiSnapshot) -> None:
        clear(self._grid)
        self.maps = {}
        for row, port in enumerate(midi.ports):
            box = self.maps[port.port] = self._map_box(port, midi)
            layer = f"layer {port.layer}" if port.layers > 1 else ""
            state = port.problem or ("in use" if port.is_open else "not in use")
            self._grid.addWidget(ElidedLabel(port.port, FontRole.SMALL, minimum="0" * 12), row, 0)
            self._grid.addWidget(box, row, 1)
            words = ", ".join(part for part in (state, layer) if part)
            self._grid.addWidget(text_label(words, colour=Colour.MUTED), row, 2)

    def _map_box(self, port: MidiPortSnapshot, midi: MidiSnapshot) -> CalmComboBox:
        box = CalmComboBox()
        box.setAccessibleName(f"Map of {port.port}")
        box.setToolTip("What its controls are and do; Automatic finds the map by the device's name")
        chosen = midi.config.maps.get(port.port, "")
        found = f"{AUTOMATIC} ({port.map_name or port.map})" if port.map and not chosen else AUTOMATIC
        with QSignalBlocker(box):
            box.addItem(found, "")
            box.addItem(LEFT_ALONE, _OFF)
            for choice in midi.maps:
                box.addItem(choice.name or choice.id, choice.id)
            box.setCurrentIndex(max(0, box.findData(chosen)))
        box.activated.connect(lambda: self._choose(port.port, str(box.currentData())))
        return box

    def _choose(self, port: str, map_id: str) -> None:
        maps = {name: chosen for name, chosen in self._config.maps.items() if name != port}
        self._set(maps=maps | ({port: map_id} if map_id else {}))

    def _set(self, is_on: bool | None = None, maps: dict[str, str] | None = None) -> None:
        config = self._config
        self._bridge.send(
            SetMidi(
                MidiConfig(is_on=config.is_on if is_on is None else is_on, maps=config.maps if maps is None else maps)
            )
        )

    @property
    def _config(self) -> MidiConfig:
        return self._midi.config if self._midi is not None else MidiConfig()


def _state(midi: MidiSnapshot) -> str:
    if not midi.config.is_on:
        return "MIDI is switched off."
    if midi.problem:
        return f"{sentence(midi.problem)}."
    if midi.learn.text:
        return midi.learn.text
    return _HINT if midi.ports else f"No MIDI device is plugged in. {_HINT}"
