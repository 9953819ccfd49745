"""The room wizard's last page: the room as a picture and in words, beside another one, its name, and what can be done with it.

GUI thread; nothing waits.
"""

from __future__ import annotations

import html

from PySide6.QtWidgets import QHBoxLayout, QLabel, QLineEdit, QStackedWidget, QWidget

from app.room_picture import RoomPicture
from app.room_state import Beside, RoomState
from app.ui import theme
from app.ui.panels.panel_frame import button_row, quiet_button
from app.ui.panels.room_layout import page_column, say
from app.ui.theme import Colour, FontRole
from app.ui.widgets.name_box import NameBox
from app.ui.widgets.room_plot import RoomPlot
from app.ui.widgets.save_button import SaveButton
from app.ui.widgets.sure_button import SureButton
from app.ui.widgets.text_label import text_label
from app.ui.widgets.waterfall_plot import WaterfallPlot

_TONE_LEGEND = (
    f"<span style='color:{Colour.SECOND}'>━ the room</span> &nbsp; <span style='color:{Colour.MUTED}'>┅ target</span> "
    f"&nbsp; <span style='color:{Colour.ACCENT}'>━ the filter</span>"
)
_BESIDE_LEGEND = f" &nbsp; <span style='color:{Colour.CAUTION}'>┈ %s</span>"
_DECAY_LEGEND = "how the tone dies away; 40 dB from the brightest to the ground"


class ResultPage(QWidget):
    """A room that was learnt or is kept."""

    def __init__(self) -> None:
        super().__init__()
        self._shown: RoomPicture | None = None
        self._beside: Beside | None = None
        self._others: tuple[str, ...] = ()
        self.picture = QWidget()
        self.legend = QLabel()
        self.legend.setStyleSheet(f"color: {Colour.MUTED}")
        theme.use_font(self.legend, FontRole.SMALL)
        self.plot, self.waterfall = RoomPlot(), WaterfallPlot()
        self.plots = QStackedWidget()
        self.plots.setFixedHeight(theme.em() * 7)
        self.tone_button = quiet_button("Tone", "Show how the room colours the voice")
        self.decay_button = quiet_button("Decay", "Show how the tone of the room dies away")
        self.beside = NameBox("Another room to compare with", "no other")
        theme.use_font(self.beside, FontRole.SMALL)
        self.words = text_label(is_wrapped=True)
        self.comparison = text_label(colour=Colour.CAUTION, is_wrapped=True)
        self.name = QLineEdit()
        self.name.setPlaceholderText("Name of this room")
        self.name.setAccessibleName("Name of this room")
        theme.use_font(self.name, FontRole.SMALL)
        self.use_button = SaveButton("Save and use", "Keep this room, and take it out of the voice")
        self.use_button.setObjectName("")  # Not quiet: it is the one to press.
        self.save_button = SaveButton("Save", "Keep this room under this name")
        self.back_button = SureButton("Back", "Back to the ways and the rooms; what is not saved is forgotten")
        self.png_button = quiet_button("Picture…", "Write this picture to a PNG file")
        self.equalizer_button = quiet_button("Equalizer APO…", "Write the correction as Equalizer APO's text")
        self.rew_button = quiet_button("REW…", "Write the response as REW's text")
        self.problem = text_label(colour=Colour.CAUTION, is_wrapped=True)
        self._lay_out()
        for button, plot in ((self.tone_button, self.plot), (self.decay_button, self.waterfall)):
            button.setCheckable(True)
            button.clicked.connect(lambda _=False, plot=plot: self._show_plot(plot))
        self._show_plot(self.plot)
        self.name.textChanged.connect(self._follow_name)

    def show_state(self, state: RoomState) -> None:
        """Show what was learnt; what the user types is left alone."""
        if state.picture is None:
            return
        if state.picture is not self._shown:
            self._shown = state.picture
            self.plot.show_picture(state.picture)
            self.waterfall.show_waterfall(state.picture.waterfall)
            self.decay_button.setEnabled(not self.waterfall.is_empty)
            self._show_plot(self.plot)
            self.words.setText(" ".join(state.picture.words))
            self.name.setText(state.kept)
        # It took a minute to learn.
        self.back_button.asks = not state.kept
        self._beside = state.beside
        self.plot.show_beside(state.beside.picture if state.beside else None)
        say(self.comparison, state.beside.words if state.beside else "")
        self._others = tuple(name for name in state.names if name != state.kept)
        self.beside.setEnabled(bool(self._others))
        self.beside.show_names(self._others, state.beside.name if state.beside else "")
        self._follow_name()
        self._show_legend()
        say(self.problem, state.problem)

    def _follow_name(self) -> None:
        for button in (self.use_button, self.save_button):
            button.show_target(self.name.text().strip(), self._others)

    def _show_plot(self, plot: QWidget) -> None:
        self.plots.setCurrentWidget(plot)
        self.tone_button.setChecked(plot is self.plot)
        self.decay_button.setChecked(plot is self.waterfall)
        self._show_legend()

    def _show_legend(self) -> None:
        if self.plots.currentWidget() is self.waterfall:
            self.legend.setText(_DECAY_LEGEND)
            return
        beside = _BESIDE_LEGEND % html.escape(self._beside.name) if self._beside else ""
        self.legend.setText(f"{_TONE_LEGEND}{beside}, dB over Hz")

    def _lay_out(self) -> None:
        self.plots.addWidget(self.plot)
        self.plots.addWidget(self.waterfall)
        shown = page_column(self.picture)
        shown.addWidget(self.plots)
        shown.addWidget(self.legend)
        shown.addWidget(self.words)
        shown.addWidget(self.comparison)
        naming = QHBoxLayout()
        naming.setSpacing(theme.GAP)
        naming.addWidget(self.name, 1)
        for button in (self.use_button, self.save_button, self.back_button):
            naming.addWidget(button)
        column = page_column(self)
        column.addLayout(naming)
        column.addWidget(self.problem)
        column.addLayout(
            button_row(self.tone_button, self.decay_button, text_label("beside", colour=Colour.MUTED), self.beside)
        )
        column.addWidget(self.picture)
        column.addLayout(button_row(self.png_button, self.equalizer_button, self.rew_button))
        column.addStretch(1)
