"""The pages of the room wizard: choosing a way, the take, and what was learnt. GUI thread; nothing waits."""

from __future__ import annotations

import html

from PySide6.QtCore import QSignalBlocker, Qt, Signal
from PySide6.QtWidgets import (
    QComboBox,
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QListWidget,
    QProgressBar,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from app.room_picture import RoomPicture
from app.room_session import RoomState, Step
from app.ui import theme
from app.ui.panels.panel_frame import quiet_button
from app.ui.theme import Colour, FontRole
from app.ui.widgets.name_box import NameBox
from app.ui.widgets.room_plot import RoomPlot
from engine import DeviceDescription, RoomConfig

WAYS = {
    "sweep": ("Sweep", "A loudspeaker plays sweeps for 20 s. Teaches tone and decay; the surest way."),
    "twice": ("Talk twice", "Half a minute close to the microphone, half a minute from your seat. Teaches the tone."),
    "talk": ("Just talk", "Half a minute from your seat. Teaches strong colours only."),
    "clap": ("Clap", "Clap hard, or burst a balloon. Teaches how long the room rings, not its tone."),
    "file": ("File…", "An impulse response, or a file of REW, AutoEq or Equalizer APO."),
}
"""Id, label, and what it is, in the order in which they are offered."""

ADVICE = {
    "sweep": "Put the loudspeaker where you sit and face the microphone with it; keep still. Your listeners hear it too.",
    "twice": "Read something aloud, without a pause. First close; when the words below change, from your seat.",
    "talk": "Read something aloud, without a pause, as loud as always.",
    "clap": "Clap where you sit, not into the microphone; then wait until all is quiet.",
}

_LEGEND = (
    f"<span style='color:{Colour.SECOND}'>━ the room</span> &nbsp; <span style='color:{Colour.MUTED}'>┅ target</span> "
    f"&nbsp; <span style='color:{Colour.ACCENT}'>━ the filter</span>, dB over Hz"
)

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
        self.ways = {way: _button(label, help) for way, (label, help) in WAYS.items()}
        self.loudspeaker = QComboBox()
        self.loudspeaker.setAccessibleName("Loudspeaker for the sweep")
        theme.use_font(self.loudspeaker, FontRole.SMALL)
        self.voice = NameBox("Room taken out of the voice", "nothing")
        self.monitor = NameBox("Headphones or loudspeakers corrected on the monitor", "nothing")
        self.list = QListWidget()
        self.list.setAccessibleName("Rooms that are kept")
        self.list.setFixedHeight(theme.em() * 4)
        theme.use_font(self.list, FontRole.SMALL)
        self.show_button = quiet_button("Show", "Show the room that is marked")
        self.remove_button = quiet_button("Remove", "Forget the room that is marked")
        self.problem = _text(Colour.CAUTION)
        self.show_loudspeakers(())
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
        _say(self.problem, state.problem)

    def show_chosen(self, names: tuple[str, ...], config: RoomConfig) -> None:
        """Follow what is corrected."""
        self.voice.show_names(names, config.profile)
        self.monitor.show_names(names, config.monitor)

    def _lay_out(self) -> None:
        ways = QGridLayout()
        ways.setColumnStretch(1, 1)
        for row, (way, (_, help)) in enumerate(WAYS.items()):
            ways.addWidget(self.ways[way], row, 0)
            label = _text(Colour.MUTED)
            label.setText(help)
            ways.addWidget(label, row, 1)
        column = _column(self)
        column.addWidget(self.problem)
        column.addLayout(_captioned(("Taken out of the voice", self.voice)))
        column.addLayout(ways)
        column.addLayout(_captioned(("Loudspeaker", self.loudspeaker), ("On the monitor", self.monitor)))
        column.addWidget(_caption("Rooms that are kept"))
        column.addWidget(self.list)
        column.addLayout(_row(self.show_button, self.remove_button))
        column.addStretch(1)


class TakePage(QWidget):
    """What to do, how far it is, how loud it is; or why it was of no use."""

    def __init__(self) -> None:
        super().__init__()
        self.advice = _text(Colour.MUTED)
        self.phase = _text(Colour.TEXT, FontRole.BODY)
        self.progress = _bar("Progress of the measurement", 0, 100)
        self.level_text = _caption("Level")
        self.level = _bar("Level of the microphone", round(QUIET_DBFS), 0)
        self.cancel_button = _button("Cancel", "End the measurement without a result")
        self.again_button = _button("Try again", "Do the same once more")
        self.back_button = quiet_button("Back", "Choose another way")
        column = _column(self)
        for widget in (self.advice, self.phase, self.progress, self.level_text, self.level):
            column.addWidget(widget)
        column.addLayout(_row(self.cancel_button, self.again_button, self.back_button))
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


class ResultPage(QWidget):
    """The room as a picture and in words, its name, and what can be done with it."""

    def __init__(self) -> None:
        super().__init__()
        self._shown: RoomPicture | None = None
        self.picture = QWidget()
        self.legend = QLabel()
        self.legend.setStyleSheet(f"color: {Colour.MUTED}")
        theme.use_font(self.legend, FontRole.SMALL)
        self.plot = RoomPlot()
        self.plot.setFixedHeight(theme.em() * 7)
        self.words = _text(Colour.TEXT)
        self.name = QLineEdit()
        self.name.setPlaceholderText("Name of this room")
        self.name.setAccessibleName("Name of this room")
        theme.use_font(self.name, FontRole.SMALL)
        self.use_button = _button("Save and use", "Keep this room, and take it out of the voice")
        self.save_button = quiet_button("Save", "Keep this room under this name")
        self.back_button = quiet_button("Back", "Back to the ways and the rooms")
        self.png_button = quiet_button("Picture…", "Write this picture to a PNG file")
        self.equalizer_button = quiet_button("Equalizer APO…", "Write the correction as Equalizer APO's text")
        self.rew_button = quiet_button("REW…", "Write the response as REW's text")
        self.problem = _text(Colour.CAUTION)
        self._lay_out()

    def show_state(self, state: RoomState) -> None:
        """Show what was learnt; what the user types is left alone."""
        if state.picture is None:
            return
        if state.picture is not self._shown:
            self._shown = state.picture
            self.plot.show_picture(state.picture)
            self.words.setText(" ".join(state.picture.words))
            self.name.setText(state.kept)
        self.legend.setText(f"{html.escape(state.kept or 'Not kept yet')}: {_LEGEND}")
        _say(self.problem, state.problem)

    def _lay_out(self) -> None:
        shown = _column(self.picture)
        shown.addWidget(self.plot)
        shown.addWidget(self.legend)
        shown.addWidget(self.words)
        naming = QHBoxLayout()
        naming.setSpacing(theme.GAP)
        naming.addWidget(self.name, 1)
        for button in (self.use_button, self.save_button, self.back_button):
            naming.addWidget(button)
        column = _column(self)
        column.addLayout(naming)
        column.addWidget(self.problem)
        column.addWidget(self.picture)
        column.addLayout(_row(self.png_button, self.equalizer_button, self.rew_button))
        column.addStretch(1)


def _bar(name: str, lowest: int, highest: int) -> QProgressBar:
    bar = QProgressBar()
    bar.setAccessibleName(name)
    bar.setTextVisible(False)
    bar.setFixedHeight(theme.GAP)
    bar.setRange(lowest, highest)
    return bar


def _column(widget: QWidget) -> QVBoxLayout:
    column = QVBoxLayout(widget)
    column.setContentsMargins(0, 0, theme.GAP, 0)
    column.setSpacing(theme.GAP)
    return column


def _captioned(*rows: tuple[str, QWidget]) -> QGridLayout:
    grid = QGridLayout()
    grid.setColumnStretch(1, 1)
    for row, (text, widget) in enumerate(rows):
        grid.addWidget(_caption(text), row, 0)
        grid.addWidget(widget, row, 1)
    return grid


def _row(*buttons: QPushButton) -> QHBoxLayout:
    row = QHBoxLayout()
    row.setSpacing(theme.GAP)
    for button in buttons:
        row.addWidget(button)
    row.addStretch(1)
    return row


def _button(text: str, help: str) -> QPushButton:
    button = QPushButton(text)
    button.setAccessibleName(f"{text}: {help}")
    button.setToolTip(help)
    theme.use_font(button, FontRole.SMALL)
    return button


def _text(tint: str, role: FontRole = FontRole.SMALL) -> QLabel:
    label = QLabel()
    label.setWordWrap(True)
    label.setTextFormat(Qt.TextFormat.PlainText)
    label.setStyleSheet(f"color: {tint}")
    theme.use_font(label, role)
    return label


def _caption(text: str) -> QLabel:
    label = _text(Colour.MUTED)
    label.setWordWrap(False)
    label.setText(text)
    return label


def _say(label: QLabel, text: str) -> None:
    label.setText(text)
    label.setVisible(bool(text))
