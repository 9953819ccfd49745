"""The pages of the room wizard before a room is learnt: choosing a way, and the take. GUI thread; nothing waits."""

from __future__ import annotations

from PySide6.QtCore import QSignalBlocker, Signal
from PySide6.QtWidgets import QGridLayout, QProgressBar, QWidget

from app.room_state import CARDIOID, OMNI, RoomState, Step
from app.rooms import DevicePair, device_warning
from app.ui import theme
from app.ui.panels.panel_frame import button_row, quiet_button
from app.ui.panels.room_layout import captioned_grid, page_column, say, small_button
from app.ui.theme import Colour, FontRole
from app.ui.widgets.hinted_list import HintedList
from app.ui.widgets.name_box import NameBox
from app.ui.widgets.param_control import CalmComboBox
from app.ui.widgets.sure_button import SureButton
from app.ui.widgets.text_label import text_label
from engine import DeviceDescription, DeviceSnapshot, RoomConfig

WAYS = {
    "sweep": ("Sweep", "A loudspeaker plays sweeps for 20 s. Teaches tone and decay; the surest way."),
    "twice": (
        "Talk twice",
        "First close by, then from your seat; a minute in all. Teaches the tone, without a loudspeaker.",
    ),
    "talk": ("Just talk", "Half a minute from your seat. Finds only what is very wrong."),
    "clap": ("Clap", "Clap hard, or burst a balloon. Teaches how long the room rings, not its tone."),
    "file": ("File…", "An impulse response, or a file of REW, AutoEq or Equalizer APO."),
}
"""Id, label, and what it is, in the order in which they are offered."""

ADVICE = {
    "sweep": "Put the loudspeaker where you sit and face the microphone with it; keep still. Your listeners hear it too.",
    "twice": "Talk without a pause. First close; when it says so, go to your seat and say the same words again. "
    "It goes best when you choose before what the microphone hears; its box says it.",
    "talk": "Talk without a pause, as loud as always.",
    "clap": "Clap where you sit, not into the microphone; then wait until all is quiet.",
}

PATTERNS = {
    "": "I do not know",
    CARDIOID: "in front of it: cardioid",
    OMNI: "all around it: omni",
}
"""What a microphone hears: it counts where somebody talks close to it."""

QUIET_DBFS = -60.0
"""The left end of the level."""


class ChoosingPage(QWidget):
    """The ways to learn a room, which room is corrected, and the rooms that are kept.

    Signals
    -------
    way_chosen(str)
        One of `WAYS`.
    """

    way_chosen = Signal(str)

    def __init__(self) -> None:
        super().__init__()
        self.ways = {way: small_button(label, help) for way, (label, help) in WAYS.items()}
        self.loudspeaker = CalmComboBox()
        self.loudspeaker.setAccessibleName("Loudspeaker for the sweep")
        self.pattern = CalmComboBox()
        self.pattern.setAccessibleName("What the microphone hears, for talking twice")
        for pattern, words in PATTERNS.items():
            self.pattern.addItem(words, pattern)
        self.voice = NameBox("Room taken out of the voice", "nothing")
        self.monitor = NameBox("Headphones or loudspeakers corrected on the monitor", "nothing")
        self.list = HintedList("Rooms that are kept", "None yet.")
        self.list.setFixedHeight(theme.em() * 4)
        for widget in (self.loudspeaker, self.pattern, self.voice, self.monitor, self.list):
            theme.use_font(widget, FontRole.SMALL)
        self.show_button = quiet_button("Show", "Show the room that is marked")
        self.remove_button = SureButton("Remove", "Forget the room that is marked")
        self.problem = text_label(colour=Colour.CAUTION, is_wrapped=True)
        self.warning = text_label(colour=Colour.CAUTION, is_wrapped=True)
        self.show_loudspeakers(())
        self.list.currentItemChanged.connect(self.remove_button.calm_down)
        self._lay_out()
        for way, button in self.ways.items():
            button.clicked.connect(lambda _=False, way=way: self.way_chosen.emit(way))

    @property
    def marked(self) -> str:
        """Name of the room that is marked in the list; empty for none."""
        item = self.list.currentItem()
        return item.text() if item is not None else ""

    def show_loudspeakers(self, devices: tuple[DeviceDescription, ...]) -> None:
        """Offer these for the sweep."""
        chosen = self.loudspeaker.currentData()
        with QSignalBlocker(self.loudspeaker):
            self.loudspeaker.clear()
            self.loudspeaker.addItem("the system's", None)
            for device in devices:
                if device.output_channels:
                    self.loudspeaker.addItem(device.name, device.id)
            self.loudspeaker.setCurrentIndex(max(0, self.loudspeaker.findData(chosen)))

    def show_state(self, state: RoomState) -> None:
        """Follow which rooms there are."""
        names = [self.list.item(row).text() for row in range(self.list.count())]
        if names != list(state.names):
            marked = self.marked
            self.list.clear()
            self.list.addItems(list(state.names))
            self.list.setCurrentRow(state.names.index(marked) if marked in state.names else 0)
        for button in (self.show_button, self.remove_button):
            button.setEnabled(bool(self.marked))
        say(self.problem, state.problem)

    def show_chosen(self, state: RoomState, config: RoomConfig, devices: DeviceSnapshot) -> None:
        """Follow what is corrected, and warn where that was learnt with other devices than those in use."""
        self.voice.show_names(state.names, config.profile)
        self.monitor.show_names(state.names, config.monitor)
        in_use = (
            (config.profile, DevicePair(microphone=devices.input)),
            (config.monitor, DevicePair(loudspeaker=devices.monitor)),
        )
        warnings = (device_warning(name, state.devices[name], used) for name, used in in_use if name in state.devices)
        say(self.warning, next(filter(None, warnings), ""))

    def _lay_out(self) -> None:
        ways = QGridLayout()
        ways.setColumnStretch(1, 1)
        for row, (way, (_, help)) in enumerate(WAYS.items()):
            ways.addWidget(self.ways[way], row, 0)
            ways.addWidget(text_label(help, colour=Colour.MUTED, is_wrapped=True), row, 1)
        column = page_column(self)
        column.addWidget(self.problem)
        column.addWidget(self.warning)
        column.addLayout(captioned_grid(("Taken out of the voice", self.voice)))
        column.addLayout(ways)
        devices = (
            ("Loudspeaker", self.loudspeaker),
            ("Microphone hears", self.pattern),
            ("On the monitor", self.monitor),
        )
        column.addLayout(captioned_grid(*devices))
        column.addWidget(text_label("Rooms that are kept", colour=Colour.MUTED))
        column.addWidget(self.list)
        column.addLayout(button_row(self.show_button, self.remove_button))
        column.addStretch(1)


class TakePage(QWidget):
    """What to do, how far it is, how loud it is; or why it was of no use."""

    def __init__(self) -> None:
        super().__init__()
        self.advice = text_label(colour=Colour.MUTED, is_wrapped=True)
        self.phase = text_label(role=FontRole.BODY, is_wrapped=True)
        self.progress = _bar("Progress of the measurement", 0, 100)
        self.level_text = text_label("Level", colour=Colour.MUTED)
        self.level = _bar("Level of the microphone", round(QUIET_DBFS), 0)
        self.cancel_button = small_button("Cancel", "End the measurement without a result")
        self.again_button = small_button("Try again", "Do the same once more")
        self.back_button = quiet_button("Back", "Choose another way")
        column = page_column(self)
        for widget in (self.progress, self.phase, self.level_text, self.level):
            column.addWidget(widget)
        column.addLayout(button_row(self.cancel_button, self.again_button, self.back_button))
        column.addWidget(self.advice)
        column.addStretch(1)

    def show_state(self, state: RoomState) -> None:
        """Follow the take."""
        is_refused = state.step is Step.REFUSED
        self.phase.setText(state.problem if is_refused else state.phase or "Opening the devices.")
        self.phase.setStyleSheet(f"color: {Colour.CAUTION if is_refused else Colour.TEXT}")
        self.progress.setValue(round(100 * state.progress))
        level_dbfs = max(state.level_dbfs, QUIET_DBFS)
        self.level.setValue(round(level_dbfs))
        self.level_text.setText(f"Level {level_dbfs:.0f} dBFS".replace("-", "−"))
        for widget in (self.progress, self.level_text, self.level, self.cancel_button):
            widget.setVisible(not is_refused)
        for button in (self.again_button, self.back_button):
            button.setVisible(is_refused)


def _bar(name: str, lowest: int, highest: int) -> QProgressBar:
    bar = QProgressBar()
    bar.setAccessibleName(name)
    bar.setTextVisible(False)
    bar.setFixedHeight(theme.GAP)
    bar.setRange(lowest, highest)
    return bar
